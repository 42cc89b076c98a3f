-- What fails a check is derived, as results are: the worker writes it anew with every window that it
-- computes. What people decide is a record: rows are only ever added, and a decision is taken back by
-- another one.

create table finding (
  series_id integer not null references series,
  check_name text not null,
  ts timestamptz not null,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  at timestamptz[] not null,
  value double precision,
  limit_value double precision,
  first_seen_at timestamptz not null,
  primary key (series_id, check_name, ts)
);
comment on table finding is 'What failed a check in one base interval of a series; adjoining ones are one finding.';
comment on column finding.at is 'The readings that failed; none where the interval itself did.';
create index finding_site on finding (site_id, ts);

create table decision (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  series_id integer not null references series,
  kind text not null check (kind in ('accept', 'reject', 'correct', 'undo')),
  check_name text,
  start_ts timestamptz not null,
  end_ts timestamptz not null check (end_ts > start_ts),
  at timestamptz[] not null,
  value double precision check (value > '-infinity' and value < 'infinity'),
  undoes bigint unique references decision,
  reason text not null check (reason <> ''),
  decided_by text not null,
  decided_at timestamptz not null,
  check ((kind = 'undo') = (undoes is not null)),
  check ((kind in ('accept', 'reject')) = (check_name is not null)),
  check (value is null or kind = 'correct')
);
comment on table decision is 'What a person decided about findings or a reading. Rows are only ever added; '
  'undo is a row that names the one it takes back. at: the readings it is about; a correction without a '
  'value leaves its reading out.';
create index decision_site on decision (site_id, id);

do $$
declare table_name text;
begin
  foreach table_name in array array['finding', 'decision']
  loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format('create policy tenant_only on %I using (tenant_id = current_tenant())', table_name);
    execute format('create policy service on %I to nengtan_admin, nengtan_ingest, nengtan_worker '
                   'using (true) with check (true)', table_name);
  end loop;
end $$;

grant select, insert, update, delete on finding to nengtan_worker, nengtan_admin;
grant select on finding to nengtan_api;
grant select, insert on decision to nengtan_api, nengtan_admin;
grant select on decision to nengtan_worker;
