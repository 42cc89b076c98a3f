create table hourly_factor (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  region text not null,
  start_ts timestamptz not null,
  tco2_per_mwh double precision[] not null check (cardinality(tco2_per_mwh) between 1 and 8784),
  source text not null,
  sha256 bytea not null,
  stated_at timestamptz not null default now(),
  stated_by text not null
);
comment on table hourly_factor is 'What a grid emits per MWh hour by hour, a statement a row. Of an hour the last one '
  'decides; rows are only ever added, so that an old answer can be told.';
comment on column hourly_factor.tco2_per_mwh is 'Of successive hours; NaN: not known, the factor of the month or year holds.';
create index on hourly_factor (tenant_id, id);

alter table hourly_factor enable row level security;
alter table hourly_factor force row level security;
create policy tenant_only on hourly_factor using (tenant_id = current_tenant());
create policy service on hourly_factor to nengtan_admin, nengtan_ingest, nengtan_worker
  using (true) with check (true);
grant select, insert on hourly_factor to nengtan_admin, nengtan_api;
grant select on hourly_factor to nengtan_worker;
