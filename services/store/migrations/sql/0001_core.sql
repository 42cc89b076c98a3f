-- Everything but the two large tables (tiers/*.sql). Applied by alembic in one transaction.
--
-- Who may what: nengtan_ingest writes raw readings and ledgers, nengtan_worker reads them and writes
-- results, nengtan_api serves one tenant at a time (SET LOCAL nengtan.tenant), nengtan_admin is the
-- command line's. None is a superuser, none bypasses row security, none owns a table; nengtan_admin
-- owns the barrier views and the two functions that must look across tenants.

do $$
declare role_name text;
begin
  foreach role_name in array array['nengtan_admin', 'nengtan_ingest', 'nengtan_worker', 'nengtan_api']
  loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I login nosuperuser nobypassrls nocreatedb nocreaterole', role_name);
    end if;
  end loop;
end $$;

revoke create on schema public from public;

create function current_tenant() returns integer language sql stable parallel safe
  as $$ select nullif(current_setting('nengtan.tenant', true), '')::integer $$;
comment on function current_tenant() is 'The tenant of this transaction; null is none, and shows nothing.';

-- ---------------------------------------------------------------- tenants and their plants

create table tenant (
  id integer generated always as identity primary key,
  code text not null unique check (code ~ '^[A-Za-z0-9_.:-]{1,64}$'),
  kind text not null default 'enterprise' check (kind in ('enterprise', 'park')),
  name_zh text not null,
  name_en text not null,
  created_at timestamptz not null default now()
);
comment on table tenant is 'Who owns data: an enterprise, or a park with member enterprises.';

create table site (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  code text not null,
  time_zone text not null,
  base_interval_us bigint not null check (base_interval_us > 0),
  day_start_us bigint not null,
  unique (tenant_id, code)
);
comment on column site.day_start_us is 'Start of the energy day after local midnight. [µs]';

create table plant_version (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  version integer not null,
  valid_from timestamptz not null,
  document jsonb not null,
  sha256 bytea not null,
  applied_at timestamptz not null default now(),
  applied_by text not null,
  unique (site_id, version)
);
comment on table plant_version is 'Every plant description ever applied. An instant is computed with the '
  'version of greatest valid_from not after it; of equal ones, the last applied.';

create table gateway (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  code text not null,
  form text not null,
  class text not null check (class in ('receipted', 'acknowledged', 'best_effort')),
  topic text not null,
  username text not null,
  active boolean not null default true,
  unique (site_id, code)
);
comment on column gateway.username is 'Whom the broker''s access list lets publish on the topic.';
comment on column gateway.topic is 'Where its telemetry arrives; the access list proves the sender.';
create unique index gateway_topic on gateway (topic) where active;

create table point (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  gateway_id integer not null references gateway,
  code text not null,
  address text not null,
  meter_code text not null,
  kind text not null check (kind in ('register', 'gauge', 'interval')),
  unit text not null,
  value_min double precision,
  value_max double precision,
  valid_from timestamptz not null,
  valid_to timestamptz,
  active boolean not null default true,
  unique (site_id, code)
);
create unique index point_address on point (gateway_id, address) where active;

create table series (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  kind text not null check (kind in ('point', 'flow', 'node', 'residual', 'product')),
  code text not null,
  carrier text not null default '',
  unit text not null default '',
  is_root boolean not null default false,
  unique (site_id, kind, code, carrier)
);
comment on table series is 'What results are of. kind node: what the boundary of a node consumes, by '
  'carrier, or in all where carrier is empty.';

create table park_member (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  member_code text not null,
  valid_from timestamptz not null,
  valid_to timestamptz
);
comment on table park_member is 'Whom a park lists. It sees sums of a member only if the member consents.';

create table park_consent (
  tenant_id integer not null references tenant,
  park_code text not null,
  valid_from timestamptz not null,
  valid_to timestamptz,
  primary key (tenant_id, park_code)
);
comment on table park_consent is 'The park to which an enterprise shows the sums of its sites.';

-- ---------------------------------------------------------------- people, keys, changes

create table account (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  login text not null,
  display_name text not null,
  password_hash text not null,
  roles text[] not null,
  active boolean not null default true,
  failed_count integer not null default 0,
  locked_until timestamptz,
  created_at timestamptz not null default now(),
  unique (tenant_id, login)
);

create table api_key (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  name text not null,
  prefix text not null,
  key_hash bytea not null unique,
  roles text[] not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
comment on column api_key.key_hash is 'SHA-256 of the key: 256 random bits need no slow hash.';

create table session (
  token_hash bytea primary key,
  tenant_id integer not null references tenant,
  account_id integer not null references account on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create table change_record (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  object_kind text not null,
  object_code text not null,
  before jsonb,
  after jsonb
);
comment on table change_record is 'Who changed what, when, from what to what. Rows are only ever added.';
create index change_record_tenant on change_record (tenant_id, id);

create table factor_confirmation (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  factor_id text not null,
  reason text not null,
  confirmed_by text not null,
  confirmed_at timestamptz not null default now(),
  unique (tenant_id, factor_id)
);
comment on table factor_confirmation is 'Factors that were only recalled, and a user of the tenant vouches for.';

create table factor_override (
  id integer generated always as identity primary key,
  tenant_id integer not null references tenant,
  carrier text not null,
  parameter text not null,
  basis text not null default '',
  value double precision not null check (value > '-infinity' and value < 'infinity'),
  unit text not null,
  valid_from date not null,
  valid_to date,
  source text not null,
  created_by text not null,
  created_at timestamptz not null default now()
);
comment on table factor_override is 'A tenant''s own factors, such as a measured calorific value.';

-- ---------------------------------------------------------------- ledgers of ingest

create table ingest_hour (
  gateway_id integer not null references gateway,
  hour timestamptz not null,
  tenant_id integer not null references tenant,
  received bigint not null default 0,
  stored bigint not null default 0,
  duplicate bigint not null default 0,
  conflict bigint not null default 0,
  quarantined bigint not null default 0,
  primary key (gateway_id, hour),
  check (received = stored + duplicate + conflict + quarantined)
);
comment on table ingest_hour is 'Readings by what became of them, per hour of receipt: nothing is silent.';

create table conflict (
  point_id integer not null references point,
  ts timestamptz not null,
  value double precision,
  tenant_id integer not null references tenant,
  gateway_id integer not null references gateway,
  kept_value double precision,
  received_at timestamptz not null,
  reviewed_at timestamptz,
  reviewed_by text,
  unique nulls not distinct (point_id, ts, value)
);
comment on table conflict is 'A second, different value for an instant: the first stands, this one waits for review.';

create table gateway_sequence (
  gateway_id integer not null references gateway,
  epoch text not null,
  tenant_id integer not null references tenant,
  received int8multirange not null,
  first_received_at timestamptz not null,
  last_received_at timestamptz not null,
  primary key (gateway_id, epoch)
);
comment on table gateway_sequence is 'Message numbers seen per outbox: the holes are the gaps.';

create table quarantine (
  id bigint generated always as identity primary key,
  tenant_id integer references tenant,
  gateway_id integer references gateway,
  topic text not null,
  payload bytea not null,
  sha256 bytea not null,
  received_at timestamptz not null,
  received_count integer not null default 1,
  unique (topic, sha256)
);
comment on table quarantine is 'Messages of which something could not be taken, byte for byte. No tenant: '
  'the topic belongs to no gateway.';

create table quarantine_item (
  quarantine_id bigint not null references quarantine,
  item integer not null,
  tenant_id integer references tenant,
  code text not null,
  detail text not null,
  state text not null default 'open' check (state in ('open', 'requested', 'resolved', 'discarded')),
  due_at timestamptz,
  attempt_count integer not null default 0,
  resolved_at timestamptz,
  resolved_by text,
  primary key (quarantine_id, item)
);
comment on column quarantine_item.item is 'Place of the reading in the message, from 0; -1 is the whole message.';
create index quarantine_item_due on quarantine_item (due_at) where state = 'open' and due_at is not null;
create index quarantine_item_requested on quarantine_item (quarantine_id) where state = 'requested';

create table dirty (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  point_ids integer[],
  start_ts timestamptz[] not null,
  end_ts timestamptz[] not null
);
comment on table dirty is 'What must be computed again: per point the first and last new reading of a commit; '
  'without points, a span of the whole site.';

create table point_state (
  point_id integer primary key references point,
  tenant_id integer not null references tenant,
  first_ts timestamptz not null,
  last_ts timestamptz not null,
  last_value double precision,
  last_quality integer not null
) with (fillfactor = 60);
comment on table point_state is 'First and last reading per point, kept by the worker.';

-- ---------------------------------------------------------------- provenance and events

create table factor_set (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  sha256 bytea not null,
  factors jsonb not null,
  unique (tenant_id, sha256)
);
comment on table factor_set is 'The factors a result stands on, each with source, validity and how it was found; '
  'and those that were missing.';

create table provenance (
  site_id integer not null references site,
  ts timestamptz not null,
  formula text not null,
  tenant_id integer not null references tenant,
  input_hash bytea not null,
  factor_set_id bigint not null references factor_set,
  plant_version_id integer not null references plant_version,
  code_version text not null,
  computed_at timestamptz not null,
  primary key (site_id, ts, formula)
);
comment on table provenance is 'What the results of one base interval of a site were computed from.';

create table event (
  seq bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer references site,
  kind text not null,
  at timestamptz not null,
  payload jsonb not null
);
comment on table event is 'The bounded log behind live streams; seq is the id of the event there.';
create index event_tenant on event (tenant_id, seq);

-- ---------------------------------------------------------------- row security on every table above

do $$
declare table_name text;
begin
  foreach table_name in array array['site', 'plant_version', 'gateway', 'point', 'series', 'park_member',
    'park_consent', 'account', 'api_key', 'session', 'change_record', 'factor_confirmation',
    'factor_override', 'ingest_hour', 'conflict', 'gateway_sequence', 'quarantine', 'quarantine_item',
    'dirty', 'point_state', 'factor_set', 'provenance', 'event']
  loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format('create policy tenant_only on %I using (tenant_id = current_tenant())', table_name);
    execute format('create policy service on %I to nengtan_admin, nengtan_ingest, nengtan_worker '
                   'using (true) with check (true)', table_name);
  end loop;
end $$;
alter table tenant enable row level security;
alter table tenant force row level security;
create policy tenant_only on tenant using (id = current_tenant());
create policy service on tenant to nengtan_admin, nengtan_ingest, nengtan_worker using (true) with check (true);

-- ---------------------------------------------------------------- who may what

grant usage on schema public to nengtan_admin, nengtan_ingest, nengtan_worker, nengtan_api;
grant select, insert, update, delete on all tables in schema public to nengtan_admin;
revoke update, delete on change_record from nengtan_admin;

grant select on tenant, site, gateway, point, quarantine, quarantine_item to nengtan_ingest;
grant select, insert, update on ingest_hour, conflict, gateway_sequence, quarantine, quarantine_item
  to nengtan_ingest;
grant insert on dirty to nengtan_ingest;

grant select on tenant, site, plant_version, gateway, point, series, factor_confirmation, factor_override,
  gateway_sequence, ingest_hour to nengtan_worker;
grant select, delete on dirty to nengtan_worker;
grant select, insert, update on point_state, factor_set, provenance to nengtan_worker;
grant select, insert, delete on event to nengtan_worker;

grant select on tenant, site, plant_version, gateway, point, series, park_member, park_consent, account,
  api_key, session, change_record, factor_confirmation, factor_override, ingest_hour, conflict,
  gateway_sequence, quarantine, quarantine_item, point_state, factor_set, provenance, event, dirty
  to nengtan_api;
grant insert on plant_version, change_record, dirty to nengtan_api;
grant insert, update on site, gateway, point, series, account, api_key, factor_override, park_consent,
  factor_confirmation to nengtan_api;
grant insert, update, delete on session, park_member to nengtan_api;
grant delete on factor_confirmation, park_consent to nengtan_api;
grant update (state, resolved_at, resolved_by) on quarantine_item to nengtan_api;
grant update (reviewed_at, reviewed_by) on conflict to nengtan_api;

-- ---------------------------------------------------------------- before the tenant is known

create function find_account(tenant_code text, login_name text)
  returns table (account_id integer, tenant_id integer, password_hash text, roles text[],
                 display_name text, active boolean, failed_count integer, locked_until timestamptz)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select a.id, a.tenant_id, a.password_hash, a.roles, a.display_name, a.active, a.failed_count, a.locked_until
    from account a join tenant t on t.id = a.tenant_id
    where t.code = tenant_code and a.login = login_name
  $$;
comment on function find_account is 'The account of a sign-in, before the tenant is known.';

create function find_session(hash bytea)
  returns table (tenant_id integer, tenant_code text, tenant_kind text, actor text, roles text[], expires_at timestamptz)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select a.tenant_id, t.code, t.kind, a.login || '@' || t.code, a.roles, s.expires_at
    from session s join account a on a.id = s.account_id join tenant t on t.id = a.tenant_id
    where s.token_hash = hash and s.expires_at > now() and a.active
  $$;

create function find_api_key(hash bytea)
  returns table (tenant_id integer, tenant_code text, tenant_kind text, actor text, roles text[], expires_at timestamptz)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select k.tenant_id, t.code, t.kind, 'key ' || k.name || '@' || t.code, k.roles, k.expires_at
    from api_key k join tenant t on t.id = k.tenant_id
    where k.key_hash = hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
  $$;

create function last_received() returns timestamptz
  language sql stable security definer set search_path = public, pg_temp
  as $$ select date_trunc('minute', max(last_received_at)) from gateway_sequence $$;
comment on function last_received() is 'The minute in which any numbered message last arrived: whether ingest lives. '
  'Health answers show it without a tenant, so it says nothing else.';

alter function find_account(text, text) owner to nengtan_admin;
alter function find_session(bytea) owner to nengtan_admin;
alter function find_api_key(bytea) owner to nengtan_admin;
alter function last_received() owner to nengtan_admin;
revoke execute on function find_account(text, text), find_session(bytea), find_api_key(bytea),
  last_received() from public;
grant execute on function find_account(text, text), find_session(bytea), find_api_key(bytea),
  last_received() to nengtan_api;
