-- Files of readings: what was sent, what became of it, and what was taken back.
--
-- A raw reading is never changed and never deleted. What an import stored and a person takes back is
-- withdrawn by a revision beside it; what is sent again for a withdrawn instant is a revision too.

alter table gateway drop constraint gateway_class_check;
alter table gateway add constraint gateway_class_check
  check (class in ('receipted', 'acknowledged', 'best_effort', 'import'));

create table file_import (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  gateway_id integer not null references gateway,
  kind text not null check (kind in ('readings', 'bills')),
  state text not null default 'uploaded' check (state in
    ('uploaded', 'checked', 'requested', 'done', 'refused', 'cancelled', 'undo_requested', 'withdrawn')),
  policy text check (policy in ('all_or_nothing', 'skip_bad')),
  file_name text not null,
  size_bytes bigint not null,
  sha256 bytea not null,
  options jsonb not null,
  report jsonb,
  stored bigint not null default 0,
  duplicate bigint not null default 0,
  conflict bigint not null default 0,
  quarantined bigint not null default 0,
  quarantine_ids bigint[] not null default '{}',
  uploaded_at timestamptz not null,
  uploaded_by text not null,
  requested_at timestamptz,
  requested_by text,
  finished_at timestamptz
);
comment on table file_import is 'A file of readings or bills: uploaded, checked, and taken by ingest when someone asks for it.';
comment on column file_import.options is 'The map of its columns, the sheet and what else was said of it.';
comment on column file_import.report is 'What checking, or taking it, found: counts, faults by line, what was assumed.';
create index file_import_site on file_import (site_id, id);
create index file_import_waiting on file_import (id) where state in ('uploaded', 'requested', 'undo_requested');

create table file_import_part (
  import_id bigint not null references file_import,
  part integer not null,
  tenant_id integer not null references tenant,
  content bytea not null,
  primary key (import_id, part)
);
comment on table file_import_part is 'The file byte for byte, in pieces.';

create table file_import_progress (
  import_id bigint primary key references file_import,
  tenant_id integer not null references tenant,
  share real not null,
  at timestamptz not null
);
comment on table file_import_progress is 'How far ingest is; beside the import, whose row is held meanwhile.';

create table import_reading (
  import_id bigint not null,
  ts timestamptz not null,
  point_id integer not null references point,
  tenant_id integer not null references tenant,
  revision integer not null,
  line integer not null,
  stored boolean not null,
  primary key (import_id, point_id, ts, revision)
);
comment on table import_reading is 'Which readings an import stored, or confirmed by sending the same value; import 0 '
  'stands for a gateway that confirmed one. A reading is withdrawn when nobody who sent it is left.';
create index import_reading_point on import_reading (point_id, ts);

create table import_withdrawal (
  import_id bigint primary key references file_import,
  tenant_id integer not null references tenant,
  requested_at timestamptz not null,
  requested_by text not null,
  reason text not null,
  withdrawn_at timestamptz,
  reading_count bigint
);
comment on table import_withdrawal is 'Imports that were taken back: by whom, why, and how many readings that withdrew.';

create table reading_revision (
  point_id integer not null references point,
  ts timestamptz not null,
  revision integer not null check (revision > 0),
  tenant_id integer not null references tenant,
  received_at timestamptz not null,
  withdrawn boolean not null,
  value double precision,
  quality integer not null,
  primary key (point_id, ts, revision)
);
comment on table reading_revision is 'What stands for an instant in place of the first reading: the highest revision. '
  'Rows are only ever added.';

create view newest_revision with (security_invoker) as
  select v.* from reading_revision v
  where not exists (select from reading_revision n
                    where n.point_id = v.point_id and n.ts = v.ts and n.revision > v.revision);
comment on view newest_revision is 'What stands in place of a reading, or that nothing does.';

do $$
declare table_name text;
begin
  foreach table_name in array array['file_import', 'file_import_part', 'file_import_progress',
    'import_reading', 'import_withdrawal', 'reading_revision']
  loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format('create policy tenant_only on %I using (tenant_id = current_tenant())', table_name);
    execute format('create policy service on %I to nengtan_admin, nengtan_ingest, nengtan_worker '
                   'using (true) with check (true)', table_name);
  end loop;
end $$;

grant select, insert, update on file_import to nengtan_admin, nengtan_api;
grant select, insert on file_import_part, import_withdrawal to nengtan_admin, nengtan_api;
grant select on file_import_progress, import_reading, reading_revision, newest_revision to nengtan_admin;
grant select on newest_revision to nengtan_ingest, nengtan_worker;
grant select on tenant_reading, tenant_result to nengtan_admin;
grant select on file_import_progress to nengtan_api;
grant select, update on file_import, import_withdrawal to nengtan_ingest;
grant select on file_import_part, plant_version to nengtan_ingest;
grant select, insert, update on file_import_progress to nengtan_ingest;
grant select, insert on import_reading, reading_revision to nengtan_ingest;
grant select, update, delete on point_state to nengtan_ingest;
grant select on reading_revision to nengtan_worker;

-- A view that asks as its caller would ask as the API's role here, so it is written out.
create or replace view tenant_reading with (security_barrier) as
  select r.ts, coalesce(v.received_at, r.received_at) as received_at, r.point_id,
         case when v.revision is null then r.value else v.value end as value,
         coalesce(v.quality, r.quality) as quality, coalesce(v.revision, 0) as revision
  from reading r join point p on p.id = r.point_id
  left join reading_revision v on v.point_id = r.point_id and v.ts = r.ts and not exists (
    select from reading_revision n where n.point_id = v.point_id and n.ts = v.ts and n.revision > v.revision)
  where p.tenant_id = current_tenant() and v.withdrawn is not true;

create or replace view grafana_reading with (security_barrier) as
  select r.ts, coalesce(v.received_at, r.received_at) as received_at, si.code as site, p.code as point, p.unit,
         case when v.revision is null then r.value else v.value end as value,
         coalesce(v.quality, r.quality) as quality
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join point p on p.site_id = si.id
  join reading r on r.point_id = p.id
  left join reading_revision v on v.point_id = r.point_id and v.ts = r.ts and not exists (
    select from reading_revision n where n.point_id = v.point_id and n.ts = v.ts and n.revision > v.revision)
  where g.role_name = current_user and v.withdrawn is not true;
