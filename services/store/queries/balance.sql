-- name: find_balance_network
select id from balance_network where site_id = $1 and sha256 = $2

-- name: put_balance_network
insert into balance_network (tenant_id, site_id, sha256, document) values ($1, $2, $3, $4)
on conflict (site_id, sha256) do nothing

-- name: balance_networks
select id, document from balance_network where site_id = $1

-- name: make_balance_stage
create temporary table if not exists balance_stage (
  ts timestamptz not null, formula smallint not null, degrees_of_freedom integer not null,
  objective double precision, objective_left double precision, critical_objective double precision,
  critical_z double precision, measured_kwh double precision[] not null, sigma_kwh double precision[] not null,
  value_kwh double precision[] not null, value_sigma_kwh double precision[] not null,
  z double precision[] not null, row_class smallint[] not null, alike smallint[] not null
) on commit delete rows

-- name: copy_balance_stage
copy balance_stage (ts, formula, degrees_of_freedom, objective, objective_left, critical_objective, critical_z,
  measured_kwh, sigma_kwh, value_kwh, value_sigma_kwh, z, row_class, alike)
from stdin (format binary)

-- name: put_staged_balances
insert into balance as b (site_id, grain, tenant_id, network_id, ts, formula, degrees_of_freedom, objective,
  objective_left, critical_objective, critical_z, measured_kwh, sigma_kwh, value_kwh, value_sigma_kwh, z,
  row_class, alike)
select $1, $2, $3, $4, ts, formula, degrees_of_freedom, nullif(objective, 'NaN'), nullif(objective_left, 'NaN'),
  nullif(critical_objective, 'NaN'), nullif(critical_z, 'NaN'), measured_kwh, sigma_kwh, value_kwh, value_sigma_kwh, z, row_class, alike
from balance_stage
on conflict (site_id, grain, ts) do update set
  network_id = excluded.network_id, formula = excluded.formula,
  degrees_of_freedom = excluded.degrees_of_freedom, objective = excluded.objective,
  objective_left = excluded.objective_left, critical_objective = excluded.critical_objective,
  critical_z = excluded.critical_z, measured_kwh = excluded.measured_kwh, sigma_kwh = excluded.sigma_kwh,
  value_kwh = excluded.value_kwh, value_sigma_kwh = excluded.value_sigma_kwh, z = excluded.z,
  row_class = excluded.row_class, alike = excluded.alike
where (b.network_id, b.formula, b.objective, b.measured_kwh, b.sigma_kwh, b.value_kwh, b.value_sigma_kwh, b.z,
       b.row_class, b.alike)
  is distinct from
      (excluded.network_id, excluded.formula, excluded.objective, excluded.measured_kwh, excluded.sigma_kwh,
       excluded.value_kwh, excluded.value_sigma_kwh, excluded.z, excluded.row_class, excluded.alike)

-- name: delete_other_balances
delete from balance b where b.site_id = $1 and b.grain = $2 and b.ts >= $3 and b.ts < $4
  and not exists (select from balance_stage s where s.ts = b.ts)

-- name: clear_balance_stage
delete from balance_stage

-- name: delete_suspects
delete from balance_suspect where site_id = $1 and grain = $2 and ts >= $3 and ts < $4

-- name: put_suspect
insert into balance_suspect (site_id, grain, ts, step, tenant_id, place, z, bias_kwh, bias_sigma_kwh)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: balance_rows
select ts, network_id, formula, degrees_of_freedom, objective, objective_left, critical_objective, critical_z,
       measured_kwh, sigma_kwh, value_kwh, value_sigma_kwh, z, row_class, alike
from balance where site_id = $1 and grain = $2 and ts >= $3 and ts < $4 order by ts

-- name: balance_suspects
select ts, step, place, z, bias_kwh, bias_sigma_kwh
from balance_suspect where site_id = $1 and grain = $2 and ts >= $3 and ts < $4 order by ts, step

-- name: balance_measured
select ts, measured_kwh, value_kwh from balance
where site_id = {site} and grain = {grain} and network_id = {network} and ts >= {start} and ts < {end}
order by ts
