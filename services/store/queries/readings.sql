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

-- name: kept_readings
select (extract(epoch from r.ts) * 1000000)::bigint as ts_us, r.point_id, r.value, r.quality
from reading_stage s join reading r on r.ts = s.ts and r.point_id = s.point_id
where r.ts >= $1 and r.ts <= $2

-- name: window_readings
select ts, point_id, coalesce(value, 'NaN'), quality from reading
where ts >= {start} and ts < {end} and point_id = any({points})

-- name: readings_before
select r.ts, p.point_id, coalesce(r.value, 'NaN'), r.quality, p.position::integer
from unnest({points}::integer[], {instants}::timestamptz[]) with ordinality as p (point_id, ts, position),
lateral (
  select ts, value, quality from reading
  where reading.point_id = p.point_id and reading.ts < p.ts and value is not null
  order by reading.ts desc limit {count}
) r

-- name: readings_after
select r.ts, p.point_id, coalesce(r.value, 'NaN'), r.quality, p.position::integer
from unnest({points}::integer[], {instants}::timestamptz[]) with ordinality as p (point_id, ts, position),
lateral (
  select ts, value, quality from reading
  where reading.point_id = p.point_id and reading.ts >= p.ts and value is not null
  order by reading.ts limit {count}
) r
