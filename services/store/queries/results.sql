-- name: make_result_stage
create temporary table if not exists result_stage (
  ts timestamptz not null, series_id integer not null, grain smallint not null, quality integer not null,
  reading_count integer not null, covered_us bigint not null, input_hash bigint not null,
  amount double precision, energy_kwh double precision, coal_equivalent_tce double precision,
  coal_equal_tce double precision, emission_direct_tco2e double precision,
  emission_purchased_tco2e double precision
) on commit delete rows

-- name: copy_results
copy result (ts, series_id, grain, quality, reading_count, covered_us, input_hash, amount, energy_kwh,
  coal_equivalent_tce, coal_equal_tce, emission_direct_tco2e, emission_purchased_tco2e)
from stdin (format binary)

-- name: copy_result_stage
copy result_stage (ts, series_id, grain, quality, reading_count, covered_us, input_hash, amount, energy_kwh,
  coal_equivalent_tce, coal_equal_tce, emission_direct_tco2e, emission_purchased_tco2e)
from stdin (format binary)

-- name: put_staged_results
insert into result as r (ts, series_id, grain, quality, reading_count, covered_us, input_hash, amount,
  energy_kwh, coal_equivalent_tce, coal_equal_tce, emission_direct_tco2e, emission_purchased_tco2e)
select ts, series_id, grain, quality, reading_count, covered_us, input_hash, amount, energy_kwh,
  coal_equivalent_tce, coal_equal_tce, emission_direct_tco2e, emission_purchased_tco2e
from result_stage
on conflict (series_id, grain, ts) do update set
  quality = excluded.quality, reading_count = excluded.reading_count, covered_us = excluded.covered_us,
  input_hash = excluded.input_hash, amount = excluded.amount, energy_kwh = excluded.energy_kwh,
  coal_equivalent_tce = excluded.coal_equivalent_tce, coal_equal_tce = excluded.coal_equal_tce,
  emission_direct_tco2e = excluded.emission_direct_tco2e,
  emission_purchased_tco2e = excluded.emission_purchased_tco2e

-- name: delete_results
delete from result r using unnest($1::integer[], $2::timestamptz[]) as g (series_id, ts)
where r.series_id = g.series_id and r.ts = g.ts and r.grain = $3 and r.ts >= $4 and r.ts < $5

-- name: read_results
select ts, series_id, quality, reading_count, covered_us, input_hash, coalesce(amount, 'NaN'),
  coalesce(energy_kwh, 'NaN'), coalesce(coal_equivalent_tce, 'NaN'), coalesce(coal_equal_tce, 'NaN'),
  coalesce(emission_direct_tco2e, 'NaN'), coalesce(emission_purchased_tco2e, 'NaN')
from result where series_id = any({series}) and grain = {grain} and ts >= {start} and ts < {end}

-- name: newest_result
select max(ts) as ts from result where series_id = any($1) and grain = 0 and ts >= $2 and ts < $3

-- name: runs_before
-- Rows right before an instant that are whole and the same as an amount: none is lacking between two
-- readings of a point.
select p.position::integer, count(r.ts)
from unnest({series}::integer[], {amounts}::float8[], {sinces}::timestamptz[]) with ordinality
  as p (series_id, amount, since, position)
left join lateral (
  select ts from result
  where series_id = p.series_id and grain = 0 and ts >= p.since and ts < {at}
    and (covered_us < {step} or (abs(result.amount - p.amount) <= 1e-9 * abs(p.amount)) is not true)
  order by ts desc limit 1
) b on true
left join result r on r.series_id = p.series_id and r.grain = 0 and r.ts < {at} and r.ts >= p.since
  and (b.ts is null or r.ts > b.ts)
group by p.position

-- name: runs_after
-- The same from an instant on, compared with the first of them; of a register that must be 0.
select p.position::integer, count(r.ts)
from unnest({series}::integer[], {untils}::timestamptz[], {registers}::boolean[]) with ordinality
  as p (series_id, until, is_register, position)
join result f on f.series_id = p.series_id and f.grain = 0 and f.ts = {at} and f.covered_us >= {step}
  and (f.amount = 0 or not p.is_register)
left join lateral (
  select ts from result
  where series_id = p.series_id and grain = 0 and ts >= {at} and ts < p.until
    and (covered_us < {step} or (abs(result.amount - f.amount) <= 1e-9 * abs(f.amount)) is not true)
  order by ts limit 1
) b on true
left join result r on r.series_id = p.series_id and r.grain = 0 and r.ts >= {at} and r.ts < p.until
  and (b.ts is null or r.ts < b.ts)
group by p.position

-- name: take_dirty
delete from dirty where id in (
  (select id from dirty where site_id = $1 and point_ids is not null order by id limit ($2::integer + 1) / 2)
  union
  (select id from dirty where site_id = $1 and point_ids is not null order by id desc limit $2::integer / 2)
) returning id, point_ids, start_ts, end_ts, of_facts

-- name: site_marks
select id, start_ts[1] as start_ts, end_ts[1] as end_ts from dirty
where site_id = $1 and point_ids is null order by id

-- name: shorten_site_mark
update dirty set end_ts = array[$2::timestamptz] where id = $1

-- name: remove_mark
delete from dirty where id = $1

-- name: results_digest
select count(*) as row_count, coalesce(sum(hashtextextended(r::text, 0)::numeric), 0)::text as digest
from result r join series s on s.id = r.series_id
where s.site_id = $1 and r.ts >= $2 and r.ts < $3

-- name: dirty_sites
select site_id from dirty union select site_id from carbon_mark

-- name: put_point_states
insert into point_state (point_id, tenant_id, first_ts, last_ts, last_value, last_quality)
select p.id, p.tenant_id, s.first_ts, s.last_ts, nullif(s.last_value, 'NaN'), s.last_quality
from unnest($1::integer[], $2::timestamptz[], $3::timestamptz[], $4::float8[], $5::integer[])
  as s (point_id, first_ts, last_ts, last_value, last_quality)
join point p on p.id = s.point_id
order by p.id
on conflict (point_id) do update set
  first_ts = least(point_state.first_ts, excluded.first_ts),
  last_ts = greatest(point_state.last_ts, excluded.last_ts),
  last_value = case when excluded.last_ts >= point_state.last_ts then excluded.last_value else point_state.last_value end,
  last_quality = case when excluded.last_ts >= point_state.last_ts then excluded.last_quality else point_state.last_quality end

-- name: point_states
select point_id, first_ts, last_ts from point_state where point_id = any($1)

-- name: put_factor_set
insert into factor_set (tenant_id, sha256, factors) values ($1, $2, $3)
on conflict (tenant_id, sha256) do nothing

-- name: find_factor_set
select id from factor_set where tenant_id = $1 and sha256 = $2

-- name: put_provenance
insert into provenance as p (site_id, ts, formula, tenant_id, input_hash, factor_set_id, plant_version_id,
  code_version, computed_at)
select s.id, i.ts, $3, s.tenant_id, i.input_hash, $5, $6, $7, $8
from unnest($2::timestamptz[], $4::bytea[]) as i (ts, input_hash) join site s on s.id = $1
on conflict (site_id, ts, formula) do update set
  input_hash = excluded.input_hash, factor_set_id = excluded.factor_set_id,
  plant_version_id = excluded.plant_version_id, code_version = excluded.code_version,
  computed_at = excluded.computed_at
where (p.input_hash, p.factor_set_id, p.plant_version_id, p.code_version)
  is distinct from (excluded.input_hash, excluded.factor_set_id, excluded.plant_version_id, excluded.code_version)

-- name: input_hashes
select input_hash from provenance
where site_id = $1 and formula = $2 and ts >= $3 and ts < $4
order by ts

-- name: lock_events
select pg_advisory_xact_lock(hashtext('nengtan.event'))

-- name: add_event
insert into event (tenant_id, site_id, kind, at, payload) values ($1, $2, $3, $4, $5)

-- name: ring_event
select pg_notify('nengtan_event', $1)

-- name: trim_events
delete from event where kind <> 'live'
  and seq < (select seq from event where kind <> 'live' order by seq desc offset $1 limit 1)

-- name: trim_live_events
delete from event where kind = 'live' and at < $1

-- name: tenant_confirmations
select factor_id, reason, confirmed_by, confirmed_at from factor_confirmation where tenant_id = $1

-- name: tenant_overrides
select id, carrier, parameter, basis, value, unit, valid_from, valid_to, source, created_by from factor_override
where tenant_id = $1 order by id

-- name: clear_result_stage
truncate result_stage
