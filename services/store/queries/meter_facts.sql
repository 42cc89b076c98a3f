-- name: meter_fact_list
select id, kind, code, valid_from, fact, created_by, created_at, withdrawn_by, withdrawn_at, withdrawn_reason
from meter_fact where site_id = $1 and (withdrawn_at is null or not $2)
order by valid_from, code, id

-- name: meter_fact_add
insert into meter_fact (tenant_id, site_id, kind, code, valid_from, fact, created_by)
values ($1, $2, $3, $4, $5, $6, $7)
returning id, kind, code, valid_from, fact, created_by, created_at, withdrawn_by, withdrawn_at, withdrawn_reason

-- name: meter_fact_withdraw
update meter_fact set withdrawn_by = $3, withdrawn_at = transaction_timestamp(), withdrawn_reason = $4
where site_id = $1 and id = $2 and withdrawn_at is null
returning id, kind, code, valid_from, fact, created_by, created_at, withdrawn_by, withdrawn_at, withdrawn_reason

-- name: meter_fact_end_point
update point set valid_to = $3 where site_id = $1 and code = $2 and valid_to is distinct from $3

-- name: meter_fact_reading_before
select ts, value from tenant_reading where point_id = $1 and ts < $2 and value is not null and quality & 1 = 0
order by ts desc limit 1

-- name: meter_fact_reading_from
select ts, value from tenant_reading where point_id = $1 and ts >= $2 and value is not null and quality & 1 = 0
order by ts limit 1

-- name: meter_fact_largest
select ts, value from tenant_reading where point_id = $1 and ts >= $2 and ts < $3 and value is not null and quality & 1 = 0
order by value desc, ts limit 1
