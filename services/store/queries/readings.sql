-- name: ensure_partitions
select ensure_partitions($1, $2)

-- name: copy_readings
copy reading (ts, received_at, value, point_id, quality) from stdin (format binary)

-- name: make_reading_stage
create temporary table if not exists reading_stage (
  ts timestamptz not null, received_at timestamptz not null, value double precision,
  point_id integer not null, quality integer not null
) on commit delete rows

-- name: copy_reading_stage
copy reading_stage (ts, received_at, value, point_id, quality) from stdin (format binary)

-- name: insert_staged_readings
with stored as (
  insert into reading (ts, received_at, value, point_id, quality)
  select ts, received_at, value, point_id, quality from reading_stage order by ts, point_id
  on conflict (ts, point_id) do nothing
  returning ts, point_id
)
select (extract(epoch from s.ts) * 1000000)::bigint as ts_us, s.point_id
from reading_stage s
where not exists (select from stored where stored.ts = s.ts and stored.point_id = s.point_id)

-- name: clear_reading_stage
truncate reading_stage

-- name: await_withdrawals
select pg_advisory_xact_lock_shared(hashtext('withdraw_import'))

-- name: revive_staged_readings
insert into reading_revision (point_id, ts, revision, tenant_id, received_at, withdrawn, value, quality)
select v.point_id, v.ts, v.revision + 1, v.tenant_id, s.received_at, false, s.value, s.quality
from reading_stage s join newest_revision v on v.point_id = s.point_id and v.ts = s.ts
where v.withdrawn
on conflict do nothing
returning (extract(epoch from ts) * 1000000)::bigint as ts_us, point_id

-- name: kept_readings
select (extract(epoch from r.ts) * 1000000)::bigint as ts_us, r.point_id,
       case when v.revision is null then r.value else v.value end as value
from reading_stage s join reading r on r.ts = s.ts and r.point_id = s.point_id
left join newest_revision v on v.point_id = r.point_id and v.ts = r.ts
where r.ts >= $1 and r.ts <= $2 and v.withdrawn is not true

-- name: window_readings
select ts, point_id, coalesce(value, 'NaN'), quality from reading
where ts >= {start} and ts < {end} and point_id = any({points})

-- name: window_revisions
select ts, point_id, coalesce(value, 'NaN'), quality, withdrawn::integer from newest_revision
where ts >= {start} and ts < {end} and point_id = any({points})

-- name: readings_before
select r.ts, p.point_id, coalesce(r.value, 'NaN'), r.quality, p.position::integer
from unnest({points}::integer[], {instants}::timestamptz[], {bounds}::timestamptz[])
  with ordinality as p (point_id, ts, bound, position),
lateral (
  select b.ts, case when v.revision is null then b.value else v.value end as value,
         coalesce(v.quality, b.quality) as quality
  from reading b
  left join newest_revision v on v.point_id = b.point_id and v.ts = b.ts
  where b.point_id = p.point_id and b.ts < p.ts and b.ts >= p.bound and v.withdrawn is not true
    and case when v.revision is null then b.value else v.value end is not null
    and coalesce(v.quality, b.quality) & 1 = 0 -- SOURCE_BAD
  order by b.ts desc limit {count}
) r

-- name: readings_after
select r.ts, p.point_id, coalesce(r.value, 'NaN'), r.quality, p.position::integer
from unnest({points}::integer[], {instants}::timestamptz[], {bounds}::timestamptz[])
  with ordinality as p (point_id, ts, bound, position),
lateral (
  select b.ts, case when v.revision is null then b.value else v.value end as value,
         coalesce(v.quality, b.quality) as quality
  from reading b
  left join newest_revision v on v.point_id = b.point_id and v.ts = b.ts
  where b.point_id = p.point_id and b.ts >= p.ts and b.ts <= p.bound and v.withdrawn is not true
    and case when v.revision is null then b.value else v.value end is not null
    and coalesce(v.quality, b.quality) & 1 = 0 -- SOURCE_BAD
  order by b.ts limit {count}
) r

-- name: newest_reading
select ts from reading where point_id = any($1::integer[]) and ts between $2 and $3 order by ts desc limit 1
