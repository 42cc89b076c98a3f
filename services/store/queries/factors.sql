-- name: factor_confirm
insert into factor_confirmation (tenant_id, factor_id, reason, confirmed_by)
values ($1, $2, $3, $4) on conflict (tenant_id, factor_id) do nothing
returning factor_id

-- name: factor_override_list
select id, carrier, parameter, basis, value, unit, valid_from, valid_to, source, created_by, created_at
from factor_override order by id

-- name: factor_override_add
insert into factor_override (tenant_id, carrier, parameter, basis, value, unit, valid_from, valid_to,
  source, created_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
returning id, carrier, parameter, basis, value, unit, valid_from, valid_to, source, created_by, created_at

-- name: factor_lock
select pg_advisory_xact_lock(hashtext('nengtan.factors'), current_tenant())

-- name: factor_reading_spans
select p.site_id, min(s.first_ts) as first_ts, max(s.last_ts) as last_ts
from point_state s join point p on p.id = s.point_id group by p.site_id

-- name: hourly_factor_list
select id, region, start_ts, tco2_per_mwh, source, encode(sha256, 'hex') as sha256, stated_at, stated_by
from hourly_factor where tenant_id = $1 order by id

-- name: hourly_factor_add
insert into hourly_factor (tenant_id, region, start_ts, tco2_per_mwh, source, sha256, stated_by)
values ($1, $2, $3, $4, $5, $6, $7)
returning id, region, start_ts, tco2_per_mwh, source, encode(sha256, 'hex') as sha256, stated_at, stated_by
