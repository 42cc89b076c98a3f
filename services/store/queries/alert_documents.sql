-- name: alert_document_marks
select tenant_id, max(id) as mark from alert_document where kind = 'group' group by tenant_id

-- name: alert_document_lock
select pg_advisory_xact_lock(hashtext('nengtan.alert_documents'), $1::integer)

-- name: alert_document_list
select code, revision, document, encode(sha256, 'hex') as sha256, stated_at, stated_by
from alert_document where tenant_id = $1 and kind = $2 order by code, revision

-- name: alert_document_add
insert into alert_document (tenant_id, kind, code, revision, document, sha256, stated_by)
select $1, $2, $3, coalesce(max(revision), 0) + 1, $4, $5, $6
from alert_document where tenant_id = $1 and kind = $2 and code = $3
returning code, revision, document, encode(sha256, 'hex') as sha256, stated_at, stated_by
