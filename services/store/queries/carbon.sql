-- name: mark_carbon
insert into carbon_mark as m (site_id, tenant_id, start_ts, end_ts) values ($1, $2, $3, $4)
on conflict (site_id) do update set start_ts = least(m.start_ts, excluded.start_ts),
  end_ts = greatest(m.end_ts, excluded.end_ts)

-- name: take_carbon_mark
delete from carbon_mark where site_id = $1 returning start_ts, end_ts

-- name: newest_balance
select max(ts) as ts from balance where site_id = $1 and grain = 0

-- name: carbon_before
select network_id, held_kwh, held from carbon_flow where site_id = $1 and ts < $2 order by ts desc limit 1

-- name: carbon_states
select ts, held_kwh, held from carbon_flow
where site_id = {site} and network_id = {network} and ts >= {start} and ts < {end}

-- name: carbon_rows
select ts, network_id, formula, location_tco2e_per_kwh, market_tco2e_per_kwh from carbon_flow
where site_id = $1 and ts >= $2 and ts < $3 order by ts

-- name: make_carbon_stage
create temporary table if not exists carbon_stage (
  ts timestamptz not null, location_tco2e_per_kwh double precision[] not null,
  market_tco2e_per_kwh double precision[] not null, held_kwh double precision[] not null,
  held double precision[] not null
) on commit delete rows

-- name: copy_carbon_stage
copy carbon_stage (ts, location_tco2e_per_kwh, market_tco2e_per_kwh, held_kwh, held) from stdin (format binary)

-- name: put_staged_carbon
insert into carbon_flow as c (site_id, tenant_id, network_id, formula, ts, location_tco2e_per_kwh,
  market_tco2e_per_kwh, held_kwh, held)
select $1, $2, $3, $4, ts, location_tco2e_per_kwh, market_tco2e_per_kwh, held_kwh, held from carbon_stage
on conflict (site_id, ts) do update set network_id = excluded.network_id, formula = excluded.formula,
  location_tco2e_per_kwh = excluded.location_tco2e_per_kwh,
  market_tco2e_per_kwh = excluded.market_tco2e_per_kwh, held_kwh = excluded.held_kwh, held = excluded.held
where (c.network_id, c.formula, c.location_tco2e_per_kwh, c.market_tco2e_per_kwh, c.held_kwh, c.held)
  is distinct from (excluded.network_id, excluded.formula, excluded.location_tco2e_per_kwh,
    excluded.market_tco2e_per_kwh, excluded.held_kwh, excluded.held)

-- name: delete_other_carbon
delete from carbon_flow c where c.site_id = $1 and c.ts >= $2 and c.ts < $3
  and not exists (select from balance b where b.site_id = c.site_id and b.grain = 0 and b.ts = c.ts)

-- name: clear_carbon_stage
delete from carbon_stage
