-- Dated facts in the lives of points and meters that people enter beside the plant description.
create table meter_fact (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  kind text not null check (kind in ('change', 'calibration')),
  code text not null,
  valid_from timestamptz not null,
  fact jsonb not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  withdrawn_by text,
  withdrawn_at timestamptz,
  withdrawn_reason text,
  check ((withdrawn_by is null) = (withdrawn_at is null) and (withdrawn_at is null) = (withdrawn_reason is null))
);
comment on table meter_fact is 'Dated facts of points and meters beside the description; one is withdrawn, never changed or deleted.';
comment on column meter_fact.code is 'The point that changed, or the meter that was calibrated.';
create index meter_fact_site on meter_fact (site_id);

alter table meter_fact enable row level security;
alter table meter_fact force row level security;
create policy tenant_only on meter_fact using (tenant_id = current_tenant());
create policy service on meter_fact to nengtan_admin, nengtan_ingest, nengtan_worker using (true) with check (true);

grant select, insert, update, delete on meter_fact to nengtan_admin;
grant select on meter_fact to nengtan_worker;
grant select, insert on meter_fact to nengtan_api;
grant update (withdrawn_by, withdrawn_at, withdrawn_reason) on meter_fact to nengtan_api;

-- What a fact touches is no reading: it reaches as far as readings do, but adds none.
alter table dirty add column of_facts boolean not null default false;
comment on column dirty.of_facts is 'Whether the instants are of facts of the points, and not of readings.';
