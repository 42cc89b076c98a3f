-- Alerts: what people state (rules, policy, silences, budgets) is only ever added; what the worker keeps is
-- the state of each instance now, one episode for each time it fired, and what is to be delivered of it.

create table alert_document (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  kind text not null check (kind in ('group', 'policy')),
  code text not null,
  revision integer not null check (revision > 0),
  document jsonb,
  sha256 bytea not null,
  stated_at timestamptz not null default now(),
  stated_by text not null,
  unique (tenant_id, kind, code, revision)
);
comment on table alert_document is 'Groups of alert rules, and to whom alerts go. The highest revision holds; rows are only ever added.';
comment on column alert_document.document is 'Null: withdrawn.';

create table alert_secret (
  tenant_id integer not null references tenant,
  code text not null,
  secret text not null,
  stated_at timestamptz not null default now(),
  stated_by text not null,
  primary key (tenant_id, code)
);
comment on table alert_secret is 'Keys of channels. The API writes them and cannot read them.';

create table budget (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer not null references site,
  node text not null,
  quantity text not null,
  grain smallint not null,
  start_ts timestamptz not null,
  revision integer not null check (revision > 0),
  amount double precision check (amount >= 0 and amount < 'infinity'),
  reason text not null check (reason <> ''),
  stated_at timestamptz not null default now(),
  stated_by text not null,
  unique (site_id, node, quantity, grain, start_ts, revision)
);
comment on table budget is 'How much of a quantity a node may use in a period. The highest revision holds; without an amount it is withdrawn.';

create table alert_instance (
  tenant_id integer not null references tenant,
  fingerprint bigint not null,
  group_code text not null,
  rule text not null,
  revision integer not null,
  site_id integer references site,
  labels jsonb not null,
  state smallint not null check (state in (1, 2)),
  active_at timestamptz not null,
  fired_at timestamptz,
  keep_since timestamptz,
  evaluated_at timestamptz not null,
  value double precision,
  episode_id bigint,
  primary key (tenant_id, fingerprint),
  check ((state = 2) = (fired_at is not null)),
  check ((state = 2) = (episode_id is not null))
);
comment on table alert_instance is 'Instances of rules that are not inactive: 1 pending, 2 firing.';
comment on column alert_instance.fingerprint is 'First 8 bytes of the SHA-256 of the sorted labels.';
comment on column alert_instance.keep_since is 'Firing, though the condition has not held since then.';

create table alert_episode (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  site_id integer references site,
  fingerprint bigint not null,
  group_code text not null,
  rule text not null,
  revision integer not null,
  severity text not null,
  labels jsonb not null,
  texts jsonb not null,
  active_at timestamptz not null,
  fired_at timestamptz not null,
  resolved_at timestamptz,
  resolved_by text,
  value double precision,
  value_worst double precision,
  limit_value double precision,
  unit text not null,
  explanation jsonb,
  acknowledged_at timestamptz,
  acknowledged_by text,
  ends_at timestamptz,
  unique (tenant_id, fingerprint, revision, active_at),
  check (fired_at >= active_at),
  check (resolved_at >= fired_at)
);
comment on table alert_episode is 'One row for each time an instance fired, from firing to resolution.';
comment on column alert_episode.resolved_by is 'condition, or why else: rule, object, sender, lapsed.';
comment on column alert_episode.ends_at is 'Of alerts that other systems send: over by then, unless sent again.';
create unique index alert_episode_open on alert_episode (tenant_id, fingerprint) where resolved_at is null;
create index alert_episode_fired on alert_episode (tenant_id, fired_at desc, id desc);

alter table alert_instance add foreign key (episode_id) references alert_episode;

create table alert_note (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  episode_id bigint not null references alert_episode,
  at timestamptz not null,
  kind text not null check (kind in (
    'fired', 'resolved', 'acknowledged', 'comment', 'assigned', 'escalated', 'silenced', 'held', 'delivered', 'failed', 'abandoned')),
  actor text not null,
  text text not null default '',
  detail jsonb
);
comment on table alert_note is 'The story of an episode: rows are only ever added.';
create index alert_note_episode on alert_note (episode_id, id);

create table alert_silence (
  id uuid primary key default gen_random_uuid(),
  tenant_id integer not null references tenant,
  matchers jsonb not null,
  start_at timestamptz not null,
  end_at timestamptz not null,
  comment text not null check (comment <> ''),
  created_by text not null,
  created_at timestamptz not null default now(),
  expired_at timestamptz,
  expired_by text,
  check (end_at > start_at)
);
comment on table alert_silence is 'Alerts whose labels match all matchers go to nobody in [start_at, end_at); they are still kept and shown.';
create index alert_silence_end on alert_silence (tenant_id, end_at);

create table alert_delivery (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  episode_id bigint references alert_episode,
  kind text not null check (kind in ('firing', 'resolved', 'escalation', 'summary', 'broken', 'test')),
  channel text not null,
  step integer not null,
  idempotency_key uuid not null unique,
  payload jsonb not null,
  created_at timestamptz not null,
  due_at timestamptz not null,
  attempt_count integer not null default 0,
  first_tried_at timestamptz,
  delivered_at timestamptz,
  abandoned_at timestamptz,
  problem text not null default '',
  summary_id bigint references alert_delivery,
  unique (episode_id, kind, channel, step)
);
comment on table alert_delivery is 'What is to be told to whom: written in the transaction of what it tells, tried until it is delivered or given up.';
comment on column alert_delivery.summary_id is 'Told in that summary, with others, instead of by itself.';
create index alert_delivery_due on alert_delivery (due_at)
  where delivered_at is null and abandoned_at is null and summary_id is null;
create index alert_delivery_summary on alert_delivery (summary_id) where summary_id is not null;
create index alert_delivery_sent on alert_delivery (tenant_id, channel, delivered_at);

create table alert_heartbeat (
  tenant_id integer not null references tenant,
  name text not null check (name in ('evaluated', 'delivered', 'watched')),
  at timestamptz not null,
  detail jsonb not null default '{}',
  primary key (tenant_id, name)
);
comment on table alert_heartbeat is 'When rules were last evaluated, deliveries last looked at, an outside watcher last told.';

do $$
declare table_name text;
begin
  foreach table_name in array array['alert_document', 'alert_secret', 'budget', 'alert_instance', 'alert_episode',
                                    'alert_note', 'alert_silence', 'alert_delivery', 'alert_heartbeat']
  loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format('create policy tenant_only on %I using (tenant_id = current_tenant())', table_name);
    execute format('create policy service on %I to nengtan_admin, nengtan_ingest, nengtan_worker '
                   'using (true) with check (true)', table_name);
  end loop;
end $$;

grant select, insert on alert_document, budget to nengtan_api, nengtan_admin;
grant select on alert_document, budget, alert_secret, alert_silence to nengtan_worker;
grant select (tenant_id, code, stated_at, stated_by), insert, update, delete on alert_secret to nengtan_api;
grant select, insert, update, delete on alert_secret to nengtan_admin;
grant select, insert, update, delete on alert_instance to nengtan_worker, nengtan_admin;
grant select on alert_instance to nengtan_api;
grant select, insert, update on alert_episode, alert_delivery to nengtan_worker, nengtan_admin;
grant select, insert, update (acknowledged_at, acknowledged_by, resolved_at, resolved_by, ends_at) on alert_episode
  to nengtan_api;
grant select, insert on alert_note to nengtan_api, nengtan_worker, nengtan_admin;
grant select, insert, update on alert_silence to nengtan_api, nengtan_admin;
grant select, insert on alert_delivery to nengtan_api;
grant select, insert, update on alert_heartbeat to nengtan_worker, nengtan_admin;
grant select on alert_heartbeat to nengtan_api;
-- What people do to an alert is told on the stream as what the worker does.
grant insert on event to nengtan_api;

-- Since when something waits, for the rules about the centre itself.
alter table dirty add column marked_at timestamptz not null default now();
alter table gateway_sequence add column gap_since timestamptz;
comment on column gateway_sequence.gap_since is 'Since when message numbers are missing; null: none is.';

create table service_state (
  name text primary key check (name in ('ingest')),
  at timestamptz not null,
  detail jsonb not null
);
comment on table service_state is 'What a process says of itself, every few seconds.';
grant select, insert, update on service_state to nengtan_ingest;
grant select on service_state to nengtan_worker;
