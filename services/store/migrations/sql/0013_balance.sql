-- Balances closed by reconciliation. One row per site and interval, with arrays in the order of a
-- network: a row per flow would cost 60 times the row headers and index entries, and nobody reads one
-- flow of an interval without the others, which its value depends on.

create table balance_network (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  sha256 bytea not null,
  document jsonb not null,
  unique (site_id, sha256)
);
comment on table balance_network is 'What the places of the arrays of a balance are: flows, then what nodes lose, '
  'keep or convert worse; and the nodes.';

create table balance (
  site_id integer not null references site,
  grain smallint not null,
  ts timestamptz not null,
  tenant_id integer not null references tenant,
  network_id integer not null references balance_network,
  formula smallint not null,
  degrees_of_freedom integer not null,
  objective double precision,
  objective_left double precision,
  critical_objective double precision,
  critical_z double precision,
  measured_kwh double precision[] not null,
  sigma_kwh double precision[] not null,
  value_kwh double precision[] not null,
  value_sigma_kwh double precision[] not null,
  z double precision[] not null,
  row_class smallint[] not null,
  alike smallint[] not null,
  primary key (site_id, grain, ts)
);
comment on table balance is 'Reconciled flows of a closed interval or day of a site, and the global test.';
comment on column balance.formula is 'Version of the formula of balances.';
comment on column balance.row_class is '0 redundant, 1 measured alone, 2 observable, 3 not observable.';
comment on column balance.alike is 'Rows of one number cannot be told apart by the balances; -1: not tested.';

create table balance_suspect (
  site_id integer not null references site,
  grain smallint not null,
  ts timestamptz not null,
  step smallint not null,
  tenant_id integer not null references tenant,
  place smallint[] not null,
  z double precision not null,
  bias_kwh double precision not null,
  bias_sigma_kwh double precision not null,
  primary key (site_id, grain, ts, step)
);
comment on table balance_suspect is 'Meters that contradict the balances of an interval, in the order in which they '
  'were found; several places: the balances cannot tell which of them.';

create table carbon_flow (
  site_id integer not null references site,
  ts timestamptz not null,
  tenant_id integer not null references tenant,
  network_id integer not null references balance_network,
  formula smallint not null,
  location_tco2e_per_kwh double precision[] not null,
  market_tco2e_per_kwh double precision[] not null,
  held_kwh double precision[] not null,
  held double precision[] not null,
  primary key (site_id, ts)
);
comment on table carbon_flow is 'Emission intensity of what leaves each node in a closed interval, and what storages '
  'hold after it, by source.';
comment on column carbon_flow.held is 'Energy, location- and market-based emission of each source, storage by storage.';

create table carbon_mark (
  site_id integer primary key references site,
  tenant_id integer not null references tenant,
  start_ts timestamptz not null,
  end_ts timestamptz not null
);
comment on table carbon_mark is 'From when on the carbon flow of a site is to be traced again, and up to when its '
  'balances changed. A storage remembers, so tracing goes on until nothing changes any more.';

do $$
declare table_name text;
begin
  foreach table_name in array array['balance_network', 'balance', 'balance_suspect', 'carbon_flow', 'carbon_mark']
  loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format('create policy tenant_only on %I using (tenant_id = current_tenant())', table_name);
    execute format('create policy service on %I to nengtan_admin, nengtan_ingest, nengtan_worker '
                   'using (true) with check (true)', table_name);
  end loop;
end $$;

grant select, insert on balance_network to nengtan_worker;
grant select, insert, update, delete on balance, balance_suspect, carbon_flow, carbon_mark
  to nengtan_worker, nengtan_admin;
grant select on balance_network, balance, balance_suspect, carbon_flow to nengtan_api;
