-- name: tariff_lock
select pg_advisory_xact_lock(hashtext('nengtan.tariffs'), $1::integer)

-- name: tariff_list
select target_kind, target, valid_from, revision, document, encode(sha256, 'hex') as sha256, stated_at, stated_by
from tariff_version where site_id = $1
order by target_kind, target, valid_from, revision

-- name: tariff_add
insert into tariff_version (tenant_id, site_id, target_kind, target, valid_from, revision, document, sha256,
  stated_by)
select $1, $2, $3, $4, $5, coalesce(max(revision), 0) + 1, $6, $7, $8
from tariff_version where site_id = $2 and target_kind = $3 and target = $4 and valid_from = $5
returning target_kind, target, valid_from, revision, document, encode(sha256, 'hex') as sha256, stated_at, stated_by
