-- name: budget_lock
select pg_advisory_xact_lock(hashtext('nengtan.budgets'), $1::integer)

-- name: budget_list
select node, quantity, grain, start_ts, revision, amount, reason, stated_at, stated_by
from budget where site_id = $1 and start_ts >= $2 and start_ts < $3
order by node, quantity, grain, start_ts, revision

-- name: budget_add
insert into budget (tenant_id, site_id, node, quantity, grain, start_ts, revision, amount, reason, stated_by)
select $1, $2, $3, $4, $5, $6, coalesce(max(revision), 0) + 1, $7, $8, $9
from budget where site_id = $2 and node = $3 and quantity = $4 and grain = $5 and start_ts = $6
returning node, quantity, grain, start_ts, revision, amount, reason, stated_at, stated_by
