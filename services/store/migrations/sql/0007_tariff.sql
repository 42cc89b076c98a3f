create table tariff_version (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  target_kind text not null check (target_kind in ('flow', 'carrier')),
  target text not null,
  valid_from date not null,
  revision integer not null check (revision > 0),
  document jsonb,
  sha256 bytea not null,
  stated_at timestamptz not null default now(),
  stated_by text not null,
  unique (site_id, target_kind, target, valid_from, revision)
);
comment on table tariff_version is 'What a flow, or a carrier that enters the site, costs from a local day on. Of one '
  'day the highest revision holds; rows are only ever added, so that an old answer can be told.';
comment on column tariff_version.valid_from is 'By the wall clock of the site, from midnight.';
comment on column tariff_version.document is 'Null: the version of that day is withdrawn.';

alter table tariff_version enable row level security;
alter table tariff_version force row level security;
create policy tenant_only on tariff_version using (tenant_id = current_tenant());
create policy service on tariff_version to nengtan_admin, nengtan_ingest, nengtan_worker
  using (true) with check (true);
grant select, insert on tariff_version to nengtan_admin, nengtan_api;
