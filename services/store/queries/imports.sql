-- name: put_import_gateway
insert into gateway (tenant_id, site_id, code, form, class, topic, username)
values ($1, $2, '@import', 'import', 'import', $3, '')
on conflict (site_id, code) do update set active = true
returning id

-- name: add_import
insert into file_import (tenant_id, site_id, gateway_id, kind, file_name, size_bytes, sha256, options,
                         uploaded_at, uploaded_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id

-- name: add_import_part
insert into file_import_part (import_id, part, tenant_id, content) values ($1, $2, $3, $4)

-- name: import_part
select content from file_import_part where import_id = $1 and part = $2

-- name: same_imports
select id from file_import
where site_id = $1 and sha256 = $2 and state in ('done', 'requested') and id <> $3 order by id

-- name: list_imports
select f.id, s.code as site, f.kind, f.state, f.policy, f.file_name, f.size_bytes, encode(f.sha256, 'hex') as sha256,
       f.options, f.report, f.stored, f.duplicate, f.conflict, f.quarantined, f.quarantine_ids,
       f.uploaded_at, f.uploaded_by, f.requested_at, f.requested_by, f.finished_at,
       w.requested_by as withdrawn_by, w.reason as withdrawn_reason, w.withdrawn_at,
       w.reading_count as withdrawn_count, p.share
from file_import f join site s on s.id = f.site_id
left join import_withdrawal w on w.import_id = f.id
left join file_import_progress p on p.import_id = f.id
where f.tenant_id = current_tenant()
  and ($1::integer is null or f.site_id = $1) and ($2::bigint is null or f.id = $2) and f.id < $3
order by f.id desc limit $4

-- name: lock_import
select id, site_id, state, policy from file_import where id = $1 and tenant_id = current_tenant() for no key update

-- name: busy_import
select id, requested_at, requested_by from file_import
where site_id = $1 and state in ('requested', 'undo_requested') and id <> $2 order by id limit 1

-- name: decide_import
update file_import set state = $2, policy = $3, requested_at = $4, requested_by = $5 where id = $1

-- name: add_withdrawal
insert into import_withdrawal (import_id, tenant_id, requested_at, requested_by, reason)
values ($1, $2, $3, $4, $5)

-- name: next_import
select f.id, f.tenant_id, f.site_id, f.gateway_id, f.kind, f.state, f.policy, f.file_name, f.sha256, f.options,
       f.quarantine_ids, s.code as site, s.time_zone, g.topic
from file_import f join site s on s.id = f.site_id join gateway g on g.id = f.gateway_id
where f.state in ('uploaded', 'requested', 'undo_requested')
order by f.state = 'uploaded', f.id limit 1 for no key update of f skip locked

-- name: import_points
select p.code, p.kind, p.unit, coalesce((d.part ->> 'multiplier')::float8, 1) as multiplier,
       coalesce((d.part ->> 'period_minutes')::bigint, 0) * 60000000 as period_us,
       coalesce(d.part ->> 'stamp' = 'end', false) as stamped_at_end
from point p
left join (
  select distinct on (part ->> 'code') part
  from (select document from plant_version where site_id = $1 order by version desc limit 1) v,
       jsonb_array_elements(v.document -> 'meters') m, jsonb_array_elements(m -> 'points') part
) d on d.part ->> 'code' = p.code
where p.site_id = $1 and p.active order by p.code

-- name: show_progress
insert into file_import_progress (import_id, tenant_id, share, at) values ($1, $2, $3, $4)
on conflict (import_id) do update set share = excluded.share, at = excluded.at

-- name: finish_import
update file_import set state = $2, report = coalesce($3::jsonb, report), stored = stored + $4, duplicate = duplicate + $5,
  conflict = conflict + $6, quarantined = quarantined + $7, quarantine_ids = quarantine_ids || $8::bigint[],
  finished_at = $9
where id = $1

-- name: make_import_stage
create temporary table if not exists import_stage (
  ts timestamptz not null, point_id integer not null, line integer not null, stored integer not null
) on commit delete rows

-- name: clear_import_stage
truncate import_stage

-- name: copy_import_stage
copy import_stage (ts, point_id, line, stored) from stdin (format binary)

-- name: add_import_readings
insert into import_reading (import_id, ts, point_id, tenant_id, revision, line, stored)
select $1, k.ts, k.point_id, $2, coalesce(v.revision, 0), k.line, k.stored = 1
from import_stage k left join newest_revision v on v.point_id = k.point_id and v.ts = k.ts
on conflict do nothing

-- name: confirm_imported
insert into import_reading (import_id, ts, point_id, tenant_id, revision, line, stored)
select distinct 0, i.ts, i.point_id, i.tenant_id, i.revision, 0, false
from reading_stage s
join import_reading i on i.point_id = s.point_id and i.ts = s.ts and i.stored
join reading r on r.point_id = s.point_id and r.ts = s.ts
left join newest_revision v on v.point_id = s.point_id and v.ts = s.ts
where i.revision = coalesce(v.revision, 0) and v.withdrawn is not true
  and s.value is not distinct from case when v.revision is null then r.value else v.value end
on conflict do nothing

-- name: lift_time_limit
set local statement_timeout = 0

-- name: begin_withdrawal
select pg_advisory_xact_lock(hashtext('withdraw_import'))

-- name: withdraw_import
with mine as (
  select i.point_id, i.ts, i.revision, i.tenant_id
  from import_reading i
  where i.import_id = $1
    -- An import brought it, not a gateway.
    and exists (select from import_reading o where o.point_id = i.point_id and o.ts = i.ts
                and o.revision = i.revision and o.stored)
    -- It still stands.
    and not exists (select from reading_revision n where n.point_id = i.point_id and n.ts = i.ts
                    and n.revision > i.revision)
    -- Nobody else sent it who has not taken it back.
    and not exists (
      select from import_reading o left join import_withdrawal w on w.import_id = o.import_id
      where o.point_id = i.point_id and o.ts = i.ts and o.revision = i.revision
        and o.import_id <> $1 and w.withdrawn_at is null)
), gone as (
  insert into reading_revision (point_id, ts, revision, tenant_id, received_at, withdrawn, value, quality)
  select point_id, ts, revision + 1, tenant_id, $2, true, null, 0 from mine
  returning point_id, ts
)
select point_id, (extract(epoch from min(ts)) * 1000000)::bigint as first_us,
       (extract(epoch from max(ts)) * 1000000)::bigint as last_us, count(*) as reading_count
from gone group by point_id order by point_id

-- name: forget_point_states
delete from point_state where point_id = any($1)

-- name: restore_point_states
update point_state s set first_ts = f.ts, last_ts = l.ts, last_value = l.value, last_quality = l.quality
from unnest($1::integer[]) as p (id)
cross join lateral (
  select b.ts from reading b
  left join newest_revision v on v.point_id = b.point_id and v.ts = b.ts
  where b.point_id = p.id and v.withdrawn is not true order by b.ts limit 1
) f
cross join lateral (
  select b.ts, case when v.revision is null then b.value else v.value end as value,
         coalesce(v.quality, b.quality) as quality
  from reading b
  left join newest_revision v on v.point_id = b.point_id and v.ts = b.ts
  where b.point_id = p.id and v.withdrawn is not true order by b.ts desc limit 1
) l
where s.point_id = p.id
returning s.point_id

-- name: settle_withdrawal
update import_withdrawal set withdrawn_at = $2, reading_count = $3 where import_id = $1

-- name: discard_import_items
update quarantine_item set state = 'discarded', resolved_at = $2, resolved_by = $3
where quarantine_id = any($1) and state in ('open', 'requested')
