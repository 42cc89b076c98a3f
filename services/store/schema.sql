-- The schema of the plain tier, drawn by `python -m tests.schema_picture`. Do not edit, and do not
-- run: migrations make every database, and a test compares this with what they make.

CREATE FUNCTION public.current_tenant() RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ select nullif(current_setting('nengtan.tenant', true), '')::integer $$;

COMMENT ON FUNCTION public.current_tenant() IS 'The tenant of this transaction; null is none, and shows nothing.';

CREATE FUNCTION public.ensure_partitions(first_ts timestamp with time zone, last_ts timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
declare
  month_start timestamptz;
  parent text;
  part text;
begin
  month_start := date_trunc('month', first_ts, 'UTC');
  while month_start <= last_ts loop
    foreach parent in array array['reading', 'result'] loop
      part := parent || '_' || to_char(month_start at time zone 'UTC', 'YYYYMM');
      if to_regclass(part) is null then
        perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
        -- Another may have made it while this one waited.
        execute format('create table if not exists %I (like %I including defaults)', part, parent);
        if not exists (select from pg_inherits where inhrelid = part::regclass) then
          execute format('alter table %I attach partition %I for values from (%L) to (%L)',
            parent, part, month_start, month_start + interval '1 month');
        end if;
      end if;
    end loop;
    month_start := month_start + interval '1 month';
  end loop;
end $$;

CREATE FUNCTION public.find_account(tenant_code text, login_name text) RETURNS TABLE(account_id integer, tenant_id integer, password_hash text, roles text[], display_name text, active boolean, failed_count integer, locked_until timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    select a.id, a.tenant_id, a.password_hash, a.roles, a.display_name, a.active, a.failed_count, a.locked_until
    from account a join tenant t on t.id = a.tenant_id
    where t.code = tenant_code and a.login = login_name
  $$;

COMMENT ON FUNCTION public.find_account(tenant_code text, login_name text) IS 'The account of a sign-in, before the tenant is known.';

CREATE FUNCTION public.find_api_key(hash bytea) RETURNS TABLE(tenant_id integer, tenant_code text, tenant_kind text, actor text, roles text[], expires_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    select k.tenant_id, t.code, t.kind, 'key ' || k.name || '@' || t.code, k.roles, k.expires_at
    from api_key k join tenant t on t.id = k.tenant_id
    where k.key_hash = hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
  $$;

CREATE FUNCTION public.find_session(hash bytea) RETURNS TABLE(tenant_id integer, tenant_code text, tenant_kind text, actor text, roles text[], expires_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    select a.tenant_id, t.code, t.kind, a.login || '@' || t.code, a.roles, s.expires_at
    from session s join account a on a.id = s.account_id join tenant t on t.id = a.tenant_id
    where s.token_hash = hash and s.expires_at > now() and a.active
  $$;

CREATE FUNCTION public.last_received() RETURNS timestamp with time zone
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ select date_trunc('minute', max(last_received_at)) from gateway_sequence $$;

COMMENT ON FUNCTION public.last_received() IS 'The minute in which any numbered message last arrived: whether ingest lives. Health answers show it without a tenant, so it says nothing else.';

CREATE TABLE public.account (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    login text NOT NULL,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    roles text[] NOT NULL,
    active boolean DEFAULT true NOT NULL,
    failed_count integer DEFAULT 0 NOT NULL,
    locked_until timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.account FORCE ROW LEVEL SECURITY;

ALTER TABLE public.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE public.alert_delivery (
    id bigint NOT NULL,
    tenant_id integer NOT NULL,
    episode_id bigint,
    kind text NOT NULL,
    channel text NOT NULL,
    step integer NOT NULL,
    idempotency_key uuid NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    attempt_count integer DEFAULT 0 NOT NULL,
    first_tried_at timestamp with time zone,
    delivered_at timestamp with time zone,
    abandoned_at timestamp with time zone,
    problem text DEFAULT ''::text NOT NULL,
    summary_id bigint,
    CONSTRAINT alert_delivery_kind_check CHECK ((kind = ANY (ARRAY['firing'::text, 'resolved'::text, 'escalation'::text, 'summary'::text, 'broken'::text, 'test'::text])))
);

ALTER TABLE ONLY public.alert_delivery FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.alert_delivery IS 'What is to be told to whom: written in the transaction of what it tells, tried until it is delivered or given up.';

COMMENT ON COLUMN public.alert_delivery.summary_id IS 'Told in that summary, with others, instead of by itself.';

ALTER TABLE public.alert_delivery ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_document (
    id bigint NOT NULL,
    tenant_id integer NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    revision integer NOT NULL,
    document jsonb,
    sha256 bytea NOT NULL,
    stated_at timestamp with time zone DEFAULT now() NOT NULL,
    stated_by text NOT NULL,
    CONSTRAINT alert_document_kind_check CHECK ((kind = ANY (ARRAY['group'::text, 'policy'::text]))),
    CONSTRAINT alert_document_revision_check CHECK ((revision > 0))
);

ALTER TABLE ONLY public.alert_document FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.alert_document IS 'Groups of alert rules, and to whom alerts go. The highest revision holds; rows are only ever added.';

COMMENT ON COLUMN public.alert_document.document IS 'Null: withdrawn.';

ALTER TABLE public.alert_document ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_document_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_episode (
    id bigint NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer,
    fingerprint bigint NOT NULL,
    group_code text NOT NULL,
    rule text NOT NULL,
    revision integer NOT NULL,
    severity text NOT NULL,
    labels jsonb NOT NULL,
    texts jsonb NOT NULL,
    active_at timestamp with time zone NOT NULL,
    fired_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text,
    value double precision,
    value_worst double precision,
    limit_value double precision,
    unit text NOT NULL,
    explanation jsonb,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    ends_at timestamp with time zone,
    CONSTRAINT alert_episode_check CHECK ((fired_at >= active_at)),
    CONSTRAINT alert_episode_check1 CHECK ((resolved_at >= fired_at))
);

ALTER TABLE ONLY public.alert_episode FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.alert_episode IS 'One row for each time an instance fired, from firing to resolution.';

COMMENT ON COLUMN public.alert_episode.resolved_by IS 'condition, or why else: rule, object, sender, lapsed.';

COMMENT ON COLUMN public.alert_episode.ends_at IS 'Of alerts that other systems send: over by then, unless sent again.';

ALTER TABLE public.alert_episode ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_episode_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_heartbeat (
    tenant_id integer NOT NULL,
    name text NOT NULL,
    at timestamp with time zone NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT alert_heartbeat_name_check CHECK ((name = ANY (ARRAY['evaluated'::text, 'delivered'::text, 'watched'::text])))
);

ALTER TABLE ONLY public.alert_heartbeat FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.alert_heartbeat IS 'When rules were last evaluated, deliveries last looked at, an outside watcher last told.';

CREATE TABLE public.alert_instance (
    tenant_id integer NOT NULL,
    fingerprint bigint NOT NULL,
    group_code text NOT NULL,
    rule text NOT NULL,
    revision integer NOT NULL,
    site_id integer,
    labels jsonb NOT NULL,
    state smallint NOT NULL,
    active_at timestamp with time zone NOT NULL,
    fired_at timestamp with time zone,
    keep_since timestamp with time zone,
    evaluated_at timestamp with time zone NOT NULL,
    value double precision,
    episode_id bigint,
    CONSTRAINT alert_instance_check CHECK (((state = 2) = (fired_at IS NOT NULL))),
    CONSTRAINT alert_instance_check1 CHECK (((state = 2) = (episode_id IS NOT NULL))),
    CONSTRAINT alert_instance_state_check CHECK ((state = ANY (ARRAY[1, 2])))
);

ALTER TABLE ONLY public.alert_instance FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.alert_instance IS 'Instances of rules that are not inactive: 1 pending, 2 firing.';

COMMENT ON COLUMN public.alert_instance.fingerprint IS 'First 8 bytes of the SHA-256 of the sorted labels.';

COMMENT ON COLUMN public.alert_instance.keep_since IS 'Firing, though the condition has not held since then.';

CREATE TABLE public.alert_note (
    id bigint NOT NULL,
    tenant_id integer NOT NULL,
    episode_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    text text DEFAULT ''::text NOT NULL,
    detail jsonb,
    CONSTRAINT alert_note_kind_check CHECK ((kind = ANY (ARRAY['fired'::text, 'resolved'::text, 'acknowledged'::text, 'comment'::text, 'assigned'::text, 'escalated'::text, 'silenced'::text, 'held'::text, 'delivered'::text, 'failed'::text, 'abandoned'::text])))
);

ALTER TABLE ONLY public.alert_note FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.alert_note IS 'The story of an episode: rows are only ever added.';

ALTER TABLE public.alert_note ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_note_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_secret (
    tenant_id integer NOT NULL,
    code text NOT NULL,
    secret text NOT NULL,
    stated_at timestamp with time zone DEFAULT now() NOT NULL,
    stated_by text NOT NULL
);

ALTER TABLE ONLY public.alert_secret FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.alert_secret IS 'Keys of channels. The API writes them and cannot read them.';

CREATE TABLE public.alert_silence (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id integer NOT NULL,
    matchers jsonb NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    comment text NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expired_at timestamp with time zone,
    expired_by text,
    CONSTRAINT alert_silence_check CHECK ((end_at > start_at)),
    CONSTRAINT alert_silence_comment_check CHECK ((comment <> ''::text))
);

ALTER TABLE ONLY public.alert_silence FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.alert_silence IS 'Alerts whose labels match all matchers go to nobody in [start_at, end_at); they are still kept and shown.';

CREATE TABLE public.api_key (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    roles text[] NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone
);

ALTER TABLE ONLY public.api_key FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.api_key.key_hash IS 'SHA-256 of the key: 256 random bits need no slow hash.';

ALTER TABLE public.api_key ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.api_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.balance (
    site_id integer NOT NULL,
    grain smallint NOT NULL,
    ts timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    network_id integer CONSTRAINT balance_network_id_not_null1 NOT NULL,
    formula smallint NOT NULL,
    degrees_of_freedom integer NOT NULL,
    objective double precision,
    objective_left double precision,
    critical_objective double precision,
    critical_z double precision,
    measured_kwh double precision[] NOT NULL,
    sigma_kwh double precision[] NOT NULL,
    value_kwh double precision[] NOT NULL,
    value_sigma_kwh double precision[] NOT NULL,
    z double precision[] NOT NULL,
    row_class smallint[] NOT NULL,
    alike smallint[] NOT NULL
);

ALTER TABLE ONLY public.balance FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.balance IS 'Reconciled flows of a closed interval or day of a site, and the global test.';

COMMENT ON COLUMN public.balance.formula IS 'Version of the formula of balances.';

COMMENT ON COLUMN public.balance.row_class IS '0 redundant, 1 measured alone, 2 observable, 3 not observable.';

COMMENT ON COLUMN public.balance.alike IS 'Rows of one number cannot be told apart by the balances; -1: not tested.';

CREATE TABLE public.balance_network (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    sha256 bytea NOT NULL,
    document jsonb NOT NULL
);

ALTER TABLE ONLY public.balance_network FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.balance_network IS 'What the places of the arrays of a balance are: flows, then what nodes lose, keep or convert worse; and the nodes.';

ALTER TABLE public.balance_network ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.balance_network_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.balance_suspect (
    site_id integer NOT NULL,
    grain smallint NOT NULL,
    ts timestamp with time zone NOT NULL,
    step smallint NOT NULL,
    tenant_id integer NOT NULL,
    place smallint[] NOT NULL,
    z double precision NOT NULL,
    bias_kwh double precision NOT NULL,
    bias_sigma_kwh double precision NOT NULL
);

ALTER TABLE ONLY public.balance_suspect FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.balance_suspect IS 'Meters that contradict the balances of an interval, in the order in which they were found; several places: the balances cannot tell which of them.';

CREATE TABLE public.budget (
    id bigint NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    node text NOT NULL,
    quantity text NOT NULL,
    grain smallint NOT NULL,
    start_ts timestamp with time zone NOT NULL,
    revision integer NOT NULL,
    amount double precision,
    reason text NOT NULL,
    stated_at timestamp with time zone DEFAULT now() NOT NULL,
    stated_by text NOT NULL,
    CONSTRAINT budget_amount_check CHECK (((amount >= (0)::double precision) AND (amount < 'Infinity'::double precision))),
    CONSTRAINT budget_reason_check CHECK ((reason <> ''::text)),
    CONSTRAINT budget_revision_check CHECK ((revision > 0))
);

ALTER TABLE ONLY public.budget FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.budget IS 'How much of a quantity a node may use in a period. The highest revision holds; without an amount it is withdrawn.';

ALTER TABLE public.budget ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.budget_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.carbon_flow (
    site_id integer NOT NULL,
    ts timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    network_id integer NOT NULL,
    formula smallint NOT NULL,
    location_tco2e_per_kwh double precision[] NOT NULL,
    market_tco2e_per_kwh double precision[] NOT NULL,
    held_kwh double precision[] NOT NULL,
    held double precision[] NOT NULL
);

ALTER TABLE ONLY public.carbon_flow FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.carbon_flow IS 'Emission intensity of what leaves each node in a closed interval, and what storages hold after it, by source.';

COMMENT ON COLUMN public.carbon_flow.held IS 'Energy, location- and market-based emission of each source, storage by storage.';

CREATE TABLE public.carbon_mark (
    site_id integer NOT NULL,
    tenant_id integer NOT NULL,
    start_ts timestamp with time zone NOT NULL,
    end_ts timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.carbon_mark FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.carbon_mark IS 'From when on the carbon flow of a site is to be traced again, and up to when its balances changed. A storage remembers, so tracing goes on until nothing changes any more.';

CREATE TABLE public.change_record (
    id bigint NOT NULL,
    tenant_id integer NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    object_kind text NOT NULL,
    object_code text NOT NULL,
    before jsonb,
    after jsonb
);

ALTER TABLE ONLY public.change_record FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.change_record IS 'Who changed what, when, from what to what. Rows are only ever added.';

ALTER TABLE public.change_record ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.change_record_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.conflict (
    point_id integer NOT NULL,
    ts timestamp with time zone NOT NULL,
    value double precision,
    tenant_id integer NOT NULL,
    gateway_id integer NOT NULL,
    kept_value double precision,
    received_at timestamp with time zone NOT NULL,
    reviewed_at timestamp with time zone,
    reviewed_by text
);

ALTER TABLE ONLY public.conflict FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.conflict IS 'A second, different value for an instant: the first stands, this one waits for review.';

CREATE TABLE public.decision (
    id bigint NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    series_id integer NOT NULL,
    kind text NOT NULL,
    check_name text,
    start_ts timestamp with time zone NOT NULL,
    end_ts timestamp with time zone NOT NULL,
    at timestamp with time zone[] NOT NULL,
    value double precision,
    undoes bigint,
    reason text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    CONSTRAINT decision_check CHECK ((end_ts > start_ts)),
    CONSTRAINT decision_check1 CHECK (((kind = 'undo'::text) = (undoes IS NOT NULL))),
    CONSTRAINT decision_check2 CHECK (((kind = ANY (ARRAY['accept'::text, 'reject'::text])) = (check_name IS NOT NULL))),
    CONSTRAINT decision_check3 CHECK (((value IS NULL) OR (kind = 'correct'::text))),
    CONSTRAINT decision_kind_check CHECK ((kind = ANY (ARRAY['accept'::text, 'reject'::text, 'correct'::text, 'undo'::text]))),
    CONSTRAINT decision_reason_check CHECK ((reason <> ''::text)),
    CONSTRAINT decision_value_check CHECK (((value > '-Infinity'::double precision) AND (value < 'Infinity'::double precision)))
);

ALTER TABLE ONLY public.decision FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.decision IS 'What a person decided about findings or a reading. Rows are only ever added; undo is a row that names the one it takes back. at: the readings it is about; a correction without a value leaves its reading out.';

ALTER TABLE public.decision ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.decision_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.dirty (
    id bigint NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    point_ids integer[],
    start_ts timestamp with time zone[] NOT NULL,
    end_ts timestamp with time zone[] NOT NULL,
    of_facts boolean DEFAULT false NOT NULL,
    marked_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.dirty FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.dirty IS 'What must be computed again: per point the first and last new reading of a commit, once where all points have the same; without points, a span of the whole site.';

COMMENT ON COLUMN public.dirty.of_facts IS 'Whether the instants are of facts of the points, and not of readings.';

ALTER TABLE public.dirty ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dirty_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.event (
    seq bigint NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    payload jsonb NOT NULL
);

ALTER TABLE ONLY public.event FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.event IS 'The bounded log behind live streams; seq is the id of the event there.';

ALTER TABLE public.event ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.event_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.factor_confirmation (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    factor_id text NOT NULL,
    reason text NOT NULL,
    confirmed_by text NOT NULL,
    confirmed_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.factor_confirmation FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.factor_confirmation IS 'Factors that were only recalled, and a user of the tenant vouches for.';

ALTER TABLE public.factor_confirmation ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.factor_confirmation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.factor_override (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    carrier text NOT NULL,
    parameter text NOT NULL,
    basis text DEFAULT ''::text NOT NULL,
    value double precision NOT NULL,
    unit text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    source text NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT factor_override_value_check CHECK (((value > '-Infinity'::double precision) AND (value < 'Infinity'::double precision)))
);

ALTER TABLE ONLY public.factor_override FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.factor_override IS 'A tenant''s own factors, such as a measured calorific value.';

ALTER TABLE public.factor_override ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.factor_override_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.factor_set (
    id bigint NOT NULL,
    tenant_id integer NOT NULL,
    sha256 bytea NOT NULL,
    factors jsonb NOT NULL
);

ALTER TABLE ONLY public.factor_set FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.factor_set IS 'The factors a result stands on, each with source, validity and how it was found; and those that were missing.';

ALTER TABLE public.factor_set ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.factor_set_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.file_import (
    id bigint NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    gateway_id integer NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'uploaded'::text NOT NULL,
    policy text,
    file_name text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    options jsonb NOT NULL,
    report jsonb,
    stored bigint DEFAULT 0 NOT NULL,
    duplicate bigint DEFAULT 0 NOT NULL,
    conflict bigint DEFAULT 0 NOT NULL,
    quarantined bigint DEFAULT 0 NOT NULL,
    quarantine_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    uploaded_at timestamp with time zone NOT NULL,
    uploaded_by text NOT NULL,
    requested_at timestamp with time zone,
    requested_by text,
    finished_at timestamp with time zone,
    CONSTRAINT file_import_kind_check CHECK ((kind = ANY (ARRAY['readings'::text, 'bills'::text]))),
    CONSTRAINT file_import_policy_check CHECK ((policy = ANY (ARRAY['all_or_nothing'::text, 'skip_bad'::text]))),
    CONSTRAINT file_import_state_check CHECK ((state = ANY (ARRAY['uploaded'::text, 'checked'::text, 'requested'::text, 'done'::text, 'refused'::text, 'cancelled'::text, 'undo_requested'::text, 'withdrawn'::text])))
);

ALTER TABLE ONLY public.file_import FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.file_import IS 'A file of readings or bills: uploaded, checked, and taken by ingest when someone asks for it.';

COMMENT ON COLUMN public.file_import.options IS 'The map of its columns, the sheet and what else was said of it.';

COMMENT ON COLUMN public.file_import.report IS 'What checking, or taking it, found: counts, faults by line, what was assumed.';

ALTER TABLE public.file_import ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.file_import_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.file_import_part (
    import_id bigint NOT NULL,
    part integer NOT NULL,
    tenant_id integer NOT NULL,
    content bytea NOT NULL
);

ALTER TABLE ONLY public.file_import_part FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.file_import_part IS 'The file byte for byte, in pieces.';

CREATE TABLE public.file_import_progress (
    import_id bigint NOT NULL,
    tenant_id integer NOT NULL,
    share real NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.file_import_progress FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.file_import_progress IS 'How far ingest is; beside the import, whose row is held meanwhile.';

CREATE TABLE public.finding (
    series_id integer NOT NULL,
    check_name text NOT NULL,
    ts timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    at timestamp with time zone[] NOT NULL,
    value double precision,
    limit_value double precision,
    first_seen_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.finding FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.finding IS 'What failed a check in one base interval of a series; adjoining ones are one finding.';

COMMENT ON COLUMN public.finding.at IS 'The readings that failed; none where the interval itself did.';

CREATE TABLE public.gateway (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    code text NOT NULL,
    form text NOT NULL,
    class text NOT NULL,
    topic text NOT NULL,
    username text NOT NULL,
    active boolean DEFAULT true NOT NULL,
    signed boolean DEFAULT false NOT NULL,
    CONSTRAINT gateway_class_check CHECK ((class = ANY (ARRAY['receipted'::text, 'acknowledged'::text, 'best_effort'::text, 'import'::text])))
);

ALTER TABLE ONLY public.gateway FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.gateway.topic IS 'Where its telemetry arrives; the access list proves the sender.';

COMMENT ON COLUMN public.gateway.username IS 'Whom the broker''s access list lets publish on the topic.';

COMMENT ON COLUMN public.gateway.signed IS 'Whether its messages count only with its signature.';

ALTER TABLE public.gateway ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.gateway_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.gateway_sequence (
    gateway_id integer NOT NULL,
    epoch text NOT NULL,
    tenant_id integer NOT NULL,
    received int8multirange NOT NULL,
    first_received_at timestamp with time zone NOT NULL,
    last_received_at timestamp with time zone NOT NULL,
    gap_since timestamp with time zone
);

ALTER TABLE ONLY public.gateway_sequence FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.gateway_sequence IS 'Message numbers seen per outbox: the holes are the gaps.';

COMMENT ON COLUMN public.gateway_sequence.gap_since IS 'Since when message numbers are missing; null: none is.';

CREATE TABLE public.grafana_carrier (
    tenant_id integer NOT NULL,
    code text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL
);

ALTER TABLE ONLY public.grafana_carrier FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.grafana_carrier IS 'Names of energy carriers for panels, written when the role of a tenant is made.';

CREATE TABLE public.grafana_role (
    role_name text NOT NULL,
    tenant_id integer NOT NULL,
    CONSTRAINT grafana_role_role_name_check CHECK ((role_name ~ '^nengtan_grafana_[0-9]+$'::text))
);

ALTER TABLE ONLY public.grafana_role FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.grafana_role IS 'Which tenant a database role of Grafana sees.';

CREATE TABLE public.point (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    gateway_id integer NOT NULL,
    code text NOT NULL,
    address text NOT NULL,
    meter_code text NOT NULL,
    kind text NOT NULL,
    unit text NOT NULL,
    value_min double precision,
    value_max double precision,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    active boolean DEFAULT true NOT NULL,
    CONSTRAINT point_kind_check CHECK ((kind = ANY (ARRAY['register'::text, 'gauge'::text, 'interval'::text])))
);

ALTER TABLE ONLY public.point FORCE ROW LEVEL SECURITY;

CREATE TABLE public.site (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    code text NOT NULL,
    time_zone text NOT NULL,
    base_interval_us bigint NOT NULL,
    day_start_us bigint NOT NULL,
    CONSTRAINT site_base_interval_us_check CHECK ((base_interval_us > 0))
);

ALTER TABLE ONLY public.site FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.site.day_start_us IS 'Start of the energy day after local midnight. [µs]';

CREATE VIEW public.grafana_conflict WITH (security_barrier='true') AS
 SELECT x.ts,
    si.code AS site,
    p.code AS point,
    p.unit,
    x.kept_value,
    x.value,
    x.received_at,
    x.reviewed_at
   FROM (((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN public.point p ON ((p.site_id = si.id)))
     JOIN public.conflict x ON ((x.point_id = p.id)))
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_conflict IS 'Second values for an instant, beside those that were kept.';

CREATE TABLE public.plant_version (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    version integer NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    document jsonb NOT NULL,
    sha256 bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    applied_by text NOT NULL
);

ALTER TABLE ONLY public.plant_version FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.plant_version IS 'Every plant description ever applied. An instant is computed with the version of greatest valid_from not after it; of equal ones, the last applied.';

CREATE TABLE public.series (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    carrier text DEFAULT ''::text NOT NULL,
    unit text DEFAULT ''::text NOT NULL,
    is_root boolean DEFAULT false NOT NULL,
    CONSTRAINT series_kind_check CHECK ((kind = ANY (ARRAY['point'::text, 'flow'::text, 'node'::text, 'residual'::text, 'product'::text, 'virtual'::text])))
);

ALTER TABLE ONLY public.series FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.series IS 'What results are of. kind node: what the boundary of a node consumes, by carrier, or in all where carrier is empty.';

CREATE VIEW public.grafana_flow WITH (security_barrier='true') AS
 SELECT si.code AS site,
    (f.part ->> 'code'::text) AS flow,
    (f.part ->> 'from'::text) AS from_node,
    (f.part ->> 'to'::text) AS to_node,
    (f.part ->> 'carrier'::text) AS carrier,
    COALESCE(c.name_zh, (f.part ->> 'carrier'::text)) AS carrier_zh,
    COALESCE(c.name_en, (f.part ->> 'carrier'::text)) AS carrier_en,
    COALESCE(NULLIF(concat_ws(' '::text, c.name_zh, c.name_en), ''::text), (f.part ->> 'carrier'::text)) AS carrier_label,
    COALESCE(NULLIF(concat_ws(' '::text, (f.part #>> '{name,zh}'::text[]), (f.part #>> '{name,en}'::text[])), ''::text), (f.part ->> 'code'::text)) AS label,
    s.id AS series_id
   FROM (((((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN LATERAL ( SELECT p.document
           FROM public.plant_version p
          WHERE (p.site_id = si.id)
          ORDER BY p.version DESC
         LIMIT 1) v ON (true))
     CROSS JOIN LATERAL jsonb_array_elements((v.document -> 'flows'::text)) f(part))
     JOIN public.series s ON (((s.site_id = si.id) AND (s.kind = 'flow'::text) AND (s.code = (f.part ->> 'code'::text)) AND (s.carrier = (f.part ->> 'carrier'::text)))))
     LEFT JOIN public.grafana_carrier c ON (((c.tenant_id = g.tenant_id) AND (c.code = (f.part ->> 'carrier'::text)))))
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_flow IS 'The flows between nodes, with the series that measures each.';

CREATE VIEW public.grafana_gap WITH (security_barrier='true') AS
 SELECT si.code AS site,
    gw.code AS gateway,
    q.epoch,
    lower(hole.hole) AS first_seq,
    (upper(hole.hole) - 1) AS last_seq,
    (upper(hole.hole) - lower(hole.hole)) AS message_count,
    q.last_received_at
   FROM ((((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN public.gateway gw ON ((gw.site_id = si.id)))
     JOIN public.gateway_sequence q ON ((q.gateway_id = gw.id)))
     CROSS JOIN LATERAL unnest((int8multirange(int8range((1)::bigint, upper(q.received))) - q.received)) hole(hole))
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_gap IS 'Messages that a gateway numbered and the centre has not seen.';

CREATE TABLE public.point_state (
    point_id integer NOT NULL,
    tenant_id integer NOT NULL,
    first_ts timestamp with time zone NOT NULL,
    last_ts timestamp with time zone NOT NULL,
    last_value double precision,
    last_quality integer NOT NULL
)
WITH (fillfactor='60');

ALTER TABLE ONLY public.point_state FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.point_state IS 'First and last reading per point, kept by the worker.';

CREATE TABLE public.provenance (
    site_id integer NOT NULL,
    ts timestamp with time zone NOT NULL,
    formula text NOT NULL,
    tenant_id integer NOT NULL,
    input_hash bytea NOT NULL,
    factor_set_id bigint NOT NULL,
    plant_version_id integer NOT NULL,
    code_version text NOT NULL,
    computed_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.provenance FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.provenance IS 'What the results of one base interval of a site were computed from.';

CREATE VIEW public.grafana_health WITH (security_barrier='true') AS
 SELECT si.code AS site,
    received.at AS received_at,
    reading.last_ts AS newest_reading_at,
    reading.point_count,
    reading.silent_count,
    computed.ts AS computed_interval_at,
    computed.computed_at,
    waiting.mark_count
   FROM (((((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     CROSS JOIN LATERAL ( SELECT max(q.last_received_at) AS at
           FROM (public.gateway gw
             JOIN public.gateway_sequence q ON ((q.gateway_id = gw.id)))
          WHERE (gw.site_id = si.id)) received)
     CROSS JOIN LATERAL ( SELECT max(ps.last_ts) AS last_ts,
            count(*) AS point_count,
            count(*) FILTER (WHERE (ps.point_id IS NULL)) AS silent_count
           FROM (public.point p
             LEFT JOIN public.point_state ps ON ((ps.point_id = p.id)))
          WHERE ((p.site_id = si.id) AND p.active)) reading)
     LEFT JOIN LATERAL ( SELECT v.ts,
            v.computed_at
           FROM public.provenance v
          WHERE (v.site_id = si.id)
          ORDER BY v.ts DESC
         LIMIT 1) computed ON (true))
     CROSS JOIN LATERAL ( SELECT count(*) AS mark_count
           FROM public.dirty d
          WHERE (d.site_id = si.id)) waiting)
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_health IS 'Per site: when data last came, how far results reach, and what waits to be computed.';

CREATE VIEW public.grafana_node WITH (security_barrier='true') AS
 SELECT si.code AS site,
    (n.part ->> 'code'::text) AS node,
    (n.part #>> '{name,zh}'::text[]) AS name_zh,
    (n.part #>> '{name,en}'::text[]) AS name_en,
    concat_ws(' '::text, (n.part #>> '{name,zh}'::text[]), (n.part #>> '{name,en}'::text[])) AS label,
    (n.part ->> 'kind'::text) AS kind,
    (n.part ->> 'parent'::text) AS parent
   FROM (((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN LATERAL ( SELECT p.document
           FROM public.plant_version p
          WHERE (p.site_id = si.id)
          ORDER BY p.version DESC
         LIMIT 1) v ON (true))
     CROSS JOIN LATERAL jsonb_array_elements((v.document -> 'nodes'::text)) n(part))
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_node IS 'The boundary tree of each site.';

CREATE VIEW public.grafana_point WITH (security_barrier='true') AS
 SELECT si.code AS site,
    p.code AS point,
    p.meter_code AS meter,
    gw.code AS gateway,
    gw.class AS gateway_class,
    p.kind,
    p.unit,
    p.active,
    ps.first_ts,
    ps.last_ts,
    ps.last_value,
    ps.last_quality,
    (EXTRACT(epoch FROM (now() - ps.last_ts)))::double precision AS age_s
   FROM ((((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN public.point p ON ((p.site_id = si.id)))
     JOIN public.gateway gw ON ((gw.id = p.gateway_id)))
     LEFT JOIN public.point_state ps ON ((ps.point_id = p.id)))
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_point IS 'Points with their last reading.';

CREATE VIEW public.grafana_product WITH (security_barrier='true') AS
 SELECT si.code AS site,
    (p.part ->> 'code'::text) AS product,
    (p.part #>> '{name,zh}'::text[]) AS name_zh,
    (p.part #>> '{name,en}'::text[]) AS name_en,
    concat_ws(' '::text, (p.part #>> '{name,zh}'::text[]), (p.part #>> '{name,en}'::text[])) AS label,
    (p.part ->> 'unit'::text) AS unit,
    (p.part ->> 'node'::text) AS node,
    made.id AS made_series_id,
    node.id AS node_series_id
   FROM (((((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN LATERAL ( SELECT p_1.document
           FROM public.plant_version p_1
          WHERE (p_1.site_id = si.id)
          ORDER BY p_1.version DESC
         LIMIT 1) v ON (true))
     CROSS JOIN LATERAL jsonb_array_elements((v.document -> 'products'::text)) p(part))
     JOIN public.series made ON (((made.site_id = si.id) AND (made.kind = 'product'::text) AND (made.code = (p.part ->> 'code'::text)))))
     JOIN public.series node ON (((node.site_id = si.id) AND (node.kind = 'node'::text) AND (node.code = (p.part ->> 'node'::text)) AND (node.carrier = ''::text))))
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_product IS 'What is made, by which node: the two series of its intensity.';

CREATE TABLE public.quarantine (
    id bigint NOT NULL,
    tenant_id integer,
    gateway_id integer,
    topic text NOT NULL,
    payload bytea NOT NULL,
    sha256 bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    received_count integer DEFAULT 1 NOT NULL
);

ALTER TABLE ONLY public.quarantine FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.quarantine IS 'Messages of which something could not be taken, byte for byte. No tenant: the topic belongs to no gateway.';

CREATE TABLE public.quarantine_item (
    quarantine_id bigint NOT NULL,
    item integer NOT NULL,
    tenant_id integer,
    code text NOT NULL,
    detail text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    due_at timestamp with time zone,
    attempt_count integer DEFAULT 0 NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text,
    CONSTRAINT quarantine_item_state_check CHECK ((state = ANY (ARRAY['open'::text, 'requested'::text, 'resolved'::text, 'discarded'::text])))
);

ALTER TABLE ONLY public.quarantine_item FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.quarantine_item.item IS 'Place of the reading in the message, from 0; -1 is the whole message.';

CREATE VIEW public.grafana_quarantine WITH (security_barrier='true') AS
 SELECT q.received_at,
    si.code AS site,
    gw.code AS gateway,
    i.item,
    i.code,
    i.detail,
    i.state
   FROM ((((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN public.gateway gw ON ((gw.site_id = si.id)))
     JOIN public.quarantine q ON ((q.gateway_id = gw.id)))
     JOIN public.quarantine_item i ON ((i.quarantine_id = q.id)))
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_quarantine IS 'What could not be taken, and why.';

CREATE TABLE public.reading (
    ts timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    value double precision,
    point_id integer NOT NULL,
    quality integer NOT NULL
)
PARTITION BY RANGE (ts);

CREATE TABLE public.reading_revision (
    point_id integer NOT NULL,
    ts timestamp with time zone NOT NULL,
    revision integer NOT NULL,
    tenant_id integer NOT NULL,
    received_at timestamp with time zone NOT NULL,
    withdrawn boolean NOT NULL,
    value double precision,
    quality integer NOT NULL,
    CONSTRAINT reading_revision_revision_check CHECK ((revision > 0))
);

ALTER TABLE ONLY public.reading_revision FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.reading_revision IS 'What stands for an instant in place of the first reading: the highest revision. Rows are only ever added.';

CREATE VIEW public.grafana_reading WITH (security_barrier='true') AS
 SELECT r.ts,
    COALESCE(v.received_at, r.received_at) AS received_at,
    si.code AS site,
    p.code AS point,
    p.unit,
        CASE
            WHEN (v.revision IS NULL) THEN r.value
            ELSE v.value
        END AS value,
    COALESCE(v.quality, r.quality) AS quality
   FROM ((((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN public.point p ON ((p.site_id = si.id)))
     JOIN public.reading r ON ((r.point_id = p.id)))
     LEFT JOIN public.reading_revision v ON (((v.point_id = r.point_id) AND (v.ts = r.ts) AND (NOT (EXISTS ( SELECT
           FROM public.reading_revision n
          WHERE ((n.point_id = v.point_id) AND (n.ts = v.ts) AND (n.revision > v.revision))))))))
  WHERE ((g.role_name = CURRENT_USER) AND (v.withdrawn IS NOT TRUE));

COMMENT ON VIEW public.grafana_reading IS 'Readings as they were received. Give a short span of ts: there are many.';

CREATE TABLE public.ingest_hour (
    gateway_id integer NOT NULL,
    hour timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    received bigint DEFAULT 0 NOT NULL,
    stored bigint DEFAULT 0 NOT NULL,
    duplicate bigint DEFAULT 0 NOT NULL,
    conflict bigint DEFAULT 0 NOT NULL,
    quarantined bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ingest_hour_check CHECK ((received = (((stored + duplicate) + conflict) + quarantined)))
);

ALTER TABLE ONLY public.ingest_hour FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.ingest_hour IS 'Readings by what became of them, per hour of receipt: nothing is silent.';

CREATE VIEW public.grafana_received WITH (security_barrier='true') AS
 SELECT h.hour,
    si.code AS site,
    gw.code AS gateway,
    gw.class AS gateway_class,
    h.received,
    h.stored,
    h.duplicate,
    h.conflict,
    h.quarantined
   FROM (((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN public.gateway gw ON ((gw.site_id = si.id)))
     JOIN public.ingest_hour h ON ((h.gateway_id = gw.id)))
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_received IS 'Readings by what became of them, per gateway and hour of receipt.';

CREATE TABLE public.result (
    ts timestamp with time zone NOT NULL,
    series_id integer NOT NULL,
    grain smallint NOT NULL,
    quality integer NOT NULL,
    reading_count integer NOT NULL,
    covered_us bigint NOT NULL,
    input_hash bigint NOT NULL,
    amount double precision,
    energy_kwh double precision,
    coal_equivalent_tce double precision,
    coal_equal_tce double precision,
    emission_direct_tco2e double precision,
    emission_purchased_tco2e double precision
)
PARTITION BY RANGE (ts);

CREATE VIEW public.grafana_result WITH (security_barrier='true') AS
 SELECT r.ts,
    r.grain,
    si.code AS site,
    s.id AS series_id,
    s.kind,
    s.code,
    s.carrier,
    s.unit,
    s.is_root,
    r.amount,
        CASE
            WHEN v.is_invalid THEN COALESCE(r.energy_kwh, 'NaN'::double precision)
            ELSE r.energy_kwh
        END AS energy_kwh,
        CASE
            WHEN v.is_invalid THEN COALESCE(r.coal_equivalent_tce, 'NaN'::double precision)
            ELSE r.coal_equivalent_tce
        END AS coal_equivalent_tce,
        CASE
            WHEN v.is_invalid THEN COALESCE(r.coal_equal_tce, 'NaN'::double precision)
            ELSE r.coal_equal_tce
        END AS coal_equal_tce,
        CASE
            WHEN v.is_invalid THEN COALESCE(r.emission_direct_tco2e, 'NaN'::double precision)
            ELSE r.emission_direct_tco2e
        END AS emission_direct_tco2e,
        CASE
            WHEN v.is_invalid THEN COALESCE(r.emission_purchased_tco2e, 'NaN'::double precision)
            ELSE r.emission_purchased_tco2e
        END AS emission_purchased_tco2e,
        CASE
            WHEN v.is_invalid THEN COALESCE((r.emission_direct_tco2e + r.emission_purchased_tco2e), 'NaN'::double precision)
            ELSE (r.emission_direct_tco2e + r.emission_purchased_tco2e)
        END AS emission_total_tco2e,
    r.quality,
        CASE
            WHEN (((r.quality & 10878977) <> 0) OR ((r.quality & 12288) = 8192)) THEN 2
            WHEN (r.quality <> 0) THEN 1
            ELSE 0
        END AS grade,
    r.reading_count,
    r.covered_us,
    si.base_interval_us
   FROM ((((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN public.series s ON ((s.site_id = si.id)))
     JOIN public.result r ON ((r.series_id = s.id)))
     CROSS JOIN LATERAL ( SELECT (((r.quality & 10485760) <> 0) AND (s.kind = ANY (ARRAY['flow'::text, 'node'::text, 'residual'::text]))) AS is_invalid) v)
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_result IS 'Results by interval: grain 0 base interval, 1 hour, 2 day, 3 month.';

COMMENT ON COLUMN public.grafana_result.grade IS '0 good, 1 uncertain, 2 bad.';

CREATE VIEW public.grafana_series WITH (security_barrier='true') AS
 SELECT si.code AS site,
    s.id AS series_id,
    s.kind,
    s.code,
    s.carrier,
    COALESCE(c.name_zh, s.carrier) AS carrier_zh,
    COALESCE(c.name_en, s.carrier) AS carrier_en,
    COALESCE(NULLIF(concat_ws(' '::text, c.name_zh, c.name_en), ''::text), s.carrier) AS carrier_label,
    s.unit,
    s.is_root
   FROM (((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN public.series s ON ((s.site_id = si.id)))
     LEFT JOIN public.grafana_carrier c ON (((c.tenant_id = g.tenant_id) AND (c.code = s.carrier))))
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_series IS 'What results are of: points, flows, nodes by carrier and in all, residuals, products.';

CREATE VIEW public.grafana_site WITH (security_barrier='true') AS
 SELECT si.code AS site,
    (v.document #>> '{name,zh}'::text[]) AS name_zh,
    (v.document #>> '{name,en}'::text[]) AS name_en,
    concat_ws(' '::text, (v.document #>> '{name,zh}'::text[]), (v.document #>> '{name,en}'::text[])) AS label,
    si.time_zone,
    si.base_interval_us
   FROM ((public.grafana_role g
     JOIN public.site si ON ((si.tenant_id = g.tenant_id)))
     JOIN LATERAL ( SELECT p.document
           FROM public.plant_version p
          WHERE (p.site_id = si.id)
          ORDER BY p.version DESC
         LIMIT 1) v ON (true))
  WHERE (g.role_name = CURRENT_USER);

COMMENT ON VIEW public.grafana_site IS 'Sites, as their newest descriptions call them.';

CREATE TABLE public.hourly_factor (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    region text NOT NULL,
    start_ts timestamp with time zone NOT NULL,
    tco2_per_mwh double precision[] NOT NULL,
    source text NOT NULL,
    sha256 bytea NOT NULL,
    stated_at timestamp with time zone DEFAULT now() NOT NULL,
    stated_by text NOT NULL,
    CONSTRAINT hourly_factor_tco2_per_mwh_check CHECK (((cardinality(tco2_per_mwh) >= 1) AND (cardinality(tco2_per_mwh) <= 8784)))
);

ALTER TABLE ONLY public.hourly_factor FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.hourly_factor IS 'What a grid emits per MWh hour by hour, a statement a row. Of an hour the last one decides; rows are only ever added, so that an old answer can be told.';

COMMENT ON COLUMN public.hourly_factor.tco2_per_mwh IS 'Of successive hours; NaN: not known, the factor of the month or year holds.';

ALTER TABLE public.hourly_factor ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.hourly_factor_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.import_reading (
    import_id bigint NOT NULL,
    ts timestamp with time zone NOT NULL,
    point_id integer NOT NULL,
    tenant_id integer NOT NULL,
    revision integer NOT NULL,
    line integer NOT NULL,
    stored boolean NOT NULL
);

ALTER TABLE ONLY public.import_reading FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.import_reading IS 'Which readings an import stored, or confirmed by sending the same value; import 0 stands for a gateway that confirmed one. A reading is withdrawn when nobody who sent it is left.';

CREATE TABLE public.import_withdrawal (
    import_id bigint NOT NULL,
    tenant_id integer NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    requested_by text NOT NULL,
    reason text NOT NULL,
    withdrawn_at timestamp with time zone,
    reading_count bigint
);

ALTER TABLE ONLY public.import_withdrawal FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.import_withdrawal IS 'Imports that were taken back: by whom, why, and how many readings that withdrew.';

CREATE TABLE public.meter_fact (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    fact jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamp with time zone,
    withdrawn_reason text,
    CONSTRAINT meter_fact_check CHECK ((((withdrawn_by IS NULL) = (withdrawn_at IS NULL)) AND ((withdrawn_at IS NULL) = (withdrawn_reason IS NULL)))),
    CONSTRAINT meter_fact_kind_check CHECK ((kind = ANY (ARRAY['change'::text, 'calibration'::text])))
);

ALTER TABLE ONLY public.meter_fact FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.meter_fact IS 'Dated facts of points and meters beside the description; one is withdrawn, never changed or deleted.';

COMMENT ON COLUMN public.meter_fact.code IS 'The point that changed, or the meter that was calibrated.';

ALTER TABLE public.meter_fact ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.meter_fact_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.newest_revision WITH (security_invoker='true') AS
 SELECT point_id,
    ts,
    revision,
    tenant_id,
    received_at,
    withdrawn,
    value,
    quality
   FROM public.reading_revision v
  WHERE (NOT (EXISTS ( SELECT
           FROM public.reading_revision n
          WHERE ((n.point_id = v.point_id) AND (n.ts = v.ts) AND (n.revision > v.revision)))));

COMMENT ON VIEW public.newest_revision IS 'What stands in place of a reading, or that nothing does.';

CREATE TABLE public.park_consent (
    tenant_id integer NOT NULL,
    park_code text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone
);

ALTER TABLE ONLY public.park_consent FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.park_consent IS 'The park to which an enterprise shows the sums of its sites.';

CREATE TABLE public.park_member (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    member_code text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone
);

ALTER TABLE ONLY public.park_member FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.park_member IS 'Whom a park lists. It sees sums of a member only if the member consents.';

ALTER TABLE public.park_member ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.park_member_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.tenant (
    id integer NOT NULL,
    code text NOT NULL,
    kind text DEFAULT 'enterprise'::text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenant_code_check CHECK ((code ~ '^[A-Za-z0-9_.:-]{1,64}$'::text)),
    CONSTRAINT tenant_kind_check CHECK ((kind = ANY (ARRAY['enterprise'::text, 'park'::text])))
);

ALTER TABLE ONLY public.tenant FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.tenant IS 'Who owns data: an enterprise, or a park with member enterprises.';

CREATE VIEW public.park_result WITH (security_barrier='true') AS
 SELECT t.code AS member_code,
    t.name_zh,
    t.name_en,
    si.code AS site_code,
    si.time_zone,
    s.carrier,
    s.unit,
    r.ts,
    r.series_id,
    r.grain,
    r.quality,
    r.reading_count,
    r.covered_us,
    r.input_hash,
    r.amount,
    r.energy_kwh,
    r.coal_equivalent_tce,
    r.coal_equal_tce,
    r.emission_direct_tco2e,
    r.emission_purchased_tco2e
   FROM ((((((public.park_member m
     JOIN public.tenant park ON ((park.id = m.tenant_id)))
     JOIN public.tenant t ON ((t.code = m.member_code)))
     JOIN public.park_consent c ON (((c.tenant_id = t.id) AND (c.park_code = park.code))))
     JOIN public.site si ON ((si.tenant_id = t.id)))
     JOIN public.series s ON (((s.site_id = si.id) AND (s.kind = 'node'::text) AND s.is_root)))
     JOIN public.result r ON ((r.series_id = s.id)))
  WHERE ((park.id = public.current_tenant()) AND (park.kind = 'park'::text) AND (r.grain = ANY (ARRAY[2, 3])) AND (r.ts >= GREATEST(m.valid_from, c.valid_from)) AND (r.ts < LEAST(COALESCE(m.valid_to, 'infinity'::timestamp with time zone), COALESCE(c.valid_to, 'infinity'::timestamp with time zone))));

COMMENT ON VIEW public.park_result IS 'Daily and monthly sums of the members of a park that consent: no curves, no meters.';

ALTER TABLE public.plant_version ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.plant_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.point ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.point_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.quarantine ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.sequence_gap WITH (security_invoker='true') AS
 SELECT g.tenant_id,
    g.gateway_id,
    g.epoch,
    lower(hole.hole) AS first_seq,
    (upper(hole.hole) - 1) AS last_seq,
    g.last_received_at
   FROM public.gateway_sequence g,
    LATERAL unnest((int8multirange(int8range((1)::bigint, upper(g.received))) - g.received)) hole(hole);

COMMENT ON VIEW public.sequence_gap IS 'Messages that a gateway numbered and the centre has not seen.';

ALTER TABLE public.series ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.service_state (
    name text NOT NULL,
    at timestamp with time zone NOT NULL,
    detail jsonb NOT NULL,
    CONSTRAINT service_state_name_check CHECK ((name = 'ingest'::text))
);

COMMENT ON TABLE public.service_state IS 'What a process says of itself, every few seconds.';

CREATE TABLE public.session (
    token_hash bytea NOT NULL,
    tenant_id integer NOT NULL,
    account_id integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.session FORCE ROW LEVEL SECURITY;

ALTER TABLE public.site ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.site_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.tariff_version (
    id integer NOT NULL,
    tenant_id integer NOT NULL,
    site_id integer NOT NULL,
    target_kind text NOT NULL,
    target text NOT NULL,
    valid_from date NOT NULL,
    revision integer NOT NULL,
    document jsonb,
    sha256 bytea NOT NULL,
    stated_at timestamp with time zone DEFAULT now() NOT NULL,
    stated_by text NOT NULL,
    CONSTRAINT tariff_version_revision_check CHECK ((revision > 0)),
    CONSTRAINT tariff_version_target_kind_check CHECK ((target_kind = ANY (ARRAY['flow'::text, 'carrier'::text])))
);

ALTER TABLE ONLY public.tariff_version FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.tariff_version IS 'What a flow, or a carrier that enters the site, costs from a local day on. Of one day the highest revision holds; rows are only ever added, so that an old answer can be told.';

COMMENT ON COLUMN public.tariff_version.valid_from IS 'By the wall clock of the site, from midnight.';

COMMENT ON COLUMN public.tariff_version.document IS 'Null: the version of that day is withdrawn.';

ALTER TABLE public.tariff_version ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tariff_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.tenant ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tenant_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.tenant_reading WITH (security_barrier='true') AS
 SELECT r.ts,
    COALESCE(v.received_at, r.received_at) AS received_at,
    r.point_id,
        CASE
            WHEN (v.revision IS NULL) THEN r.value
            ELSE v.value
        END AS value,
    COALESCE(v.quality, r.quality) AS quality,
    COALESCE(v.revision, 0) AS revision
   FROM ((public.reading r
     JOIN public.point p ON ((p.id = r.point_id)))
     LEFT JOIN public.reading_revision v ON (((v.point_id = r.point_id) AND (v.ts = r.ts) AND (NOT (EXISTS ( SELECT
           FROM public.reading_revision n
          WHERE ((n.point_id = v.point_id) AND (n.ts = v.ts) AND (n.revision > v.revision))))))))
  WHERE ((p.tenant_id = public.current_tenant()) AND (v.withdrawn IS NOT TRUE));

CREATE VIEW public.tenant_result WITH (security_barrier='true') AS
 SELECT r.ts,
    r.series_id,
    r.grain,
    r.quality,
    r.reading_count,
    r.covered_us,
    r.input_hash,
    r.amount,
    r.energy_kwh,
    r.coal_equivalent_tce,
    r.coal_equal_tce,
    r.emission_direct_tco2e,
    r.emission_purchased_tco2e
   FROM (public.result r
     JOIN public.series s ON ((s.id = r.series_id)))
  WHERE (s.tenant_id = public.current_tenant());

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_tenant_id_login_key UNIQUE (tenant_id, login);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.alert_delivery
    ADD CONSTRAINT alert_delivery_episode_id_kind_channel_step_key UNIQUE (episode_id, kind, channel, step);

ALTER TABLE ONLY public.alert_delivery
    ADD CONSTRAINT alert_delivery_idempotency_key_key UNIQUE (idempotency_key);

ALTER TABLE ONLY public.alert_delivery
    ADD CONSTRAINT alert_delivery_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.alert_document
    ADD CONSTRAINT alert_document_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.alert_document
    ADD CONSTRAINT alert_document_tenant_id_kind_code_revision_key UNIQUE (tenant_id, kind, code, revision);

ALTER TABLE ONLY public.alert_episode
    ADD CONSTRAINT alert_episode_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.alert_episode
    ADD CONSTRAINT alert_episode_tenant_id_fingerprint_revision_active_at_key UNIQUE (tenant_id, fingerprint, revision, active_at);

ALTER TABLE ONLY public.alert_heartbeat
    ADD CONSTRAINT alert_heartbeat_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY public.alert_instance
    ADD CONSTRAINT alert_instance_pkey PRIMARY KEY (tenant_id, fingerprint);

ALTER TABLE ONLY public.alert_note
    ADD CONSTRAINT alert_note_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.alert_secret
    ADD CONSTRAINT alert_secret_pkey PRIMARY KEY (tenant_id, code);

ALTER TABLE ONLY public.alert_silence
    ADD CONSTRAINT alert_silence_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_key_hash_key UNIQUE (key_hash);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.balance_network
    ADD CONSTRAINT balance_network_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.balance_network
    ADD CONSTRAINT balance_network_site_id_sha256_key UNIQUE (site_id, sha256);

ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_pkey PRIMARY KEY (site_id, grain, ts);

ALTER TABLE ONLY public.balance_suspect
    ADD CONSTRAINT balance_suspect_pkey PRIMARY KEY (site_id, grain, ts, step);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_site_id_node_quantity_grain_start_ts_revision_key UNIQUE (site_id, node, quantity, grain, start_ts, revision);

ALTER TABLE ONLY public.carbon_flow
    ADD CONSTRAINT carbon_flow_pkey PRIMARY KEY (site_id, ts);

ALTER TABLE ONLY public.carbon_mark
    ADD CONSTRAINT carbon_mark_pkey PRIMARY KEY (site_id);

ALTER TABLE ONLY public.change_record
    ADD CONSTRAINT change_record_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.conflict
    ADD CONSTRAINT conflict_point_id_ts_value_key UNIQUE NULLS NOT DISTINCT (point_id, ts, value);

ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_undoes_key UNIQUE (undoes);

ALTER TABLE ONLY public.dirty
    ADD CONSTRAINT dirty_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY public.factor_confirmation
    ADD CONSTRAINT factor_confirmation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.factor_confirmation
    ADD CONSTRAINT factor_confirmation_tenant_id_factor_id_key UNIQUE (tenant_id, factor_id);

ALTER TABLE ONLY public.factor_override
    ADD CONSTRAINT factor_override_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.factor_set
    ADD CONSTRAINT factor_set_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.factor_set
    ADD CONSTRAINT factor_set_tenant_id_sha256_key UNIQUE (tenant_id, sha256);

ALTER TABLE ONLY public.file_import_part
    ADD CONSTRAINT file_import_part_pkey PRIMARY KEY (import_id, part);

ALTER TABLE ONLY public.file_import
    ADD CONSTRAINT file_import_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.file_import_progress
    ADD CONSTRAINT file_import_progress_pkey PRIMARY KEY (import_id);

ALTER TABLE ONLY public.finding
    ADD CONSTRAINT finding_pkey PRIMARY KEY (series_id, check_name, ts);

ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.gateway_sequence
    ADD CONSTRAINT gateway_sequence_pkey PRIMARY KEY (gateway_id, epoch);

ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_site_id_code_key UNIQUE (site_id, code);

ALTER TABLE ONLY public.grafana_carrier
    ADD CONSTRAINT grafana_carrier_pkey PRIMARY KEY (tenant_id, code);

ALTER TABLE ONLY public.grafana_role
    ADD CONSTRAINT grafana_role_pkey PRIMARY KEY (role_name);

ALTER TABLE ONLY public.hourly_factor
    ADD CONSTRAINT hourly_factor_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.import_reading
    ADD CONSTRAINT import_reading_pkey PRIMARY KEY (import_id, point_id, ts, revision);

ALTER TABLE ONLY public.import_withdrawal
    ADD CONSTRAINT import_withdrawal_pkey PRIMARY KEY (import_id);

ALTER TABLE ONLY public.ingest_hour
    ADD CONSTRAINT ingest_hour_pkey PRIMARY KEY (gateway_id, hour);

ALTER TABLE ONLY public.meter_fact
    ADD CONSTRAINT meter_fact_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.park_consent
    ADD CONSTRAINT park_consent_pkey PRIMARY KEY (tenant_id, park_code);

ALTER TABLE ONLY public.park_member
    ADD CONSTRAINT park_member_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.plant_version
    ADD CONSTRAINT plant_version_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.plant_version
    ADD CONSTRAINT plant_version_site_id_version_key UNIQUE (site_id, version);

ALTER TABLE ONLY public.point
    ADD CONSTRAINT point_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.point
    ADD CONSTRAINT point_site_id_code_key UNIQUE (site_id, code);

ALTER TABLE ONLY public.point_state
    ADD CONSTRAINT point_state_pkey PRIMARY KEY (point_id);

ALTER TABLE ONLY public.provenance
    ADD CONSTRAINT provenance_pkey PRIMARY KEY (site_id, ts, formula);

ALTER TABLE ONLY public.quarantine_item
    ADD CONSTRAINT quarantine_item_pkey PRIMARY KEY (quarantine_id, item);

ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_topic_sha256_key UNIQUE (topic, sha256);

ALTER TABLE ONLY public.reading_revision
    ADD CONSTRAINT reading_revision_pkey PRIMARY KEY (point_id, ts, revision);

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_site_id_kind_code_carrier_key UNIQUE (site_id, kind, code, carrier);

ALTER TABLE ONLY public.service_state
    ADD CONSTRAINT service_state_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_tenant_id_code_key UNIQUE (tenant_id, code);

ALTER TABLE ONLY public.tariff_version
    ADD CONSTRAINT tariff_version_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tariff_version
    ADD CONSTRAINT tariff_version_site_id_target_kind_target_valid_from_revisi_key UNIQUE (site_id, target_kind, target, valid_from, revision);

ALTER TABLE ONLY public.tenant
    ADD CONSTRAINT tenant_code_key UNIQUE (code);

ALTER TABLE ONLY public.tenant
    ADD CONSTRAINT tenant_pkey PRIMARY KEY (id);

CREATE INDEX alert_delivery_created ON public.alert_delivery USING btree (created_at);

CREATE INDEX alert_delivery_due ON public.alert_delivery USING btree (due_at) WHERE ((delivered_at IS NULL) AND (abandoned_at IS NULL) AND (summary_id IS NULL));

CREATE INDEX alert_delivery_sent ON public.alert_delivery USING btree (tenant_id, channel, delivered_at);

CREATE INDEX alert_delivery_summary ON public.alert_delivery USING btree (summary_id) WHERE (summary_id IS NOT NULL);

CREATE INDEX alert_episode_fired ON public.alert_episode USING btree (tenant_id, fired_at DESC, id DESC);

CREATE UNIQUE INDEX alert_episode_open ON public.alert_episode USING btree (tenant_id, fingerprint) WHERE (resolved_at IS NULL);

CREATE INDEX alert_note_episode ON public.alert_note USING btree (episode_id, id);

CREATE INDEX alert_silence_end ON public.alert_silence USING btree (tenant_id, end_at);

CREATE INDEX change_record_tenant ON public.change_record USING btree (tenant_id, id);

CREATE INDEX decision_site ON public.decision USING btree (site_id, id);

CREATE INDEX event_live ON public.event USING btree (site_id, seq) WHERE (kind = 'live'::text);

CREATE INDEX event_tenant ON public.event USING btree (tenant_id, seq);

CREATE INDEX file_import_site ON public.file_import USING btree (site_id, id);

CREATE INDEX file_import_waiting ON public.file_import USING btree (id) WHERE (state = ANY (ARRAY['uploaded'::text, 'requested'::text, 'undo_requested'::text]));

CREATE INDEX finding_site ON public.finding USING btree (site_id, ts);

CREATE UNIQUE INDEX gateway_topic ON public.gateway USING btree (topic) WHERE active;

CREATE INDEX hourly_factor_tenant_id_id_idx ON public.hourly_factor USING btree (tenant_id, id);

CREATE INDEX import_reading_point ON public.import_reading USING btree (point_id, ts);

CREATE INDEX meter_fact_site ON public.meter_fact USING btree (site_id);

CREATE UNIQUE INDEX point_address ON public.point USING btree (gateway_id, address, valid_from) WHERE active;

CREATE INDEX quarantine_item_due ON public.quarantine_item USING btree (due_at) WHERE ((state = 'open'::text) AND (due_at IS NOT NULL));

CREATE INDEX quarantine_item_requested ON public.quarantine_item USING btree (quarantine_id) WHERE (state = 'requested'::text);

CREATE UNIQUE INDEX reading_ts_point ON ONLY public.reading USING btree (ts, point_id);

CREATE UNIQUE INDEX result_series ON ONLY public.result USING btree (series_id, grain, ts);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.alert_delivery
    ADD CONSTRAINT alert_delivery_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES public.alert_episode(id);

ALTER TABLE ONLY public.alert_delivery
    ADD CONSTRAINT alert_delivery_summary_id_fkey FOREIGN KEY (summary_id) REFERENCES public.alert_delivery(id);

ALTER TABLE ONLY public.alert_delivery
    ADD CONSTRAINT alert_delivery_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.alert_document
    ADD CONSTRAINT alert_document_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.alert_episode
    ADD CONSTRAINT alert_episode_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.alert_episode
    ADD CONSTRAINT alert_episode_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.alert_heartbeat
    ADD CONSTRAINT alert_heartbeat_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.alert_instance
    ADD CONSTRAINT alert_instance_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES public.alert_episode(id);

ALTER TABLE ONLY public.alert_instance
    ADD CONSTRAINT alert_instance_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.alert_instance
    ADD CONSTRAINT alert_instance_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.alert_note
    ADD CONSTRAINT alert_note_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES public.alert_episode(id);

ALTER TABLE ONLY public.alert_note
    ADD CONSTRAINT alert_note_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.alert_secret
    ADD CONSTRAINT alert_secret_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.alert_silence
    ADD CONSTRAINT alert_silence_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.balance_network(id);

ALTER TABLE ONLY public.balance_network
    ADD CONSTRAINT balance_network_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.balance_network
    ADD CONSTRAINT balance_network_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.balance_suspect
    ADD CONSTRAINT balance_suspect_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.balance_suspect
    ADD CONSTRAINT balance_suspect_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.carbon_flow
    ADD CONSTRAINT carbon_flow_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.balance_network(id);

ALTER TABLE ONLY public.carbon_flow
    ADD CONSTRAINT carbon_flow_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.carbon_flow
    ADD CONSTRAINT carbon_flow_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.carbon_mark
    ADD CONSTRAINT carbon_mark_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.carbon_mark
    ADD CONSTRAINT carbon_mark_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.change_record
    ADD CONSTRAINT change_record_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.conflict
    ADD CONSTRAINT conflict_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES public.gateway(id);

ALTER TABLE ONLY public.conflict
    ADD CONSTRAINT conflict_point_id_fkey FOREIGN KEY (point_id) REFERENCES public.point(id);

ALTER TABLE ONLY public.conflict
    ADD CONSTRAINT conflict_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_series_id_fkey FOREIGN KEY (series_id) REFERENCES public.series(id);

ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_undoes_fkey FOREIGN KEY (undoes) REFERENCES public.decision(id);

ALTER TABLE ONLY public.dirty
    ADD CONSTRAINT dirty_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.dirty
    ADD CONSTRAINT dirty_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.factor_confirmation
    ADD CONSTRAINT factor_confirmation_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.factor_override
    ADD CONSTRAINT factor_override_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.factor_set
    ADD CONSTRAINT factor_set_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.file_import
    ADD CONSTRAINT file_import_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES public.gateway(id);

ALTER TABLE ONLY public.file_import_part
    ADD CONSTRAINT file_import_part_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.file_import(id);

ALTER TABLE ONLY public.file_import_part
    ADD CONSTRAINT file_import_part_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.file_import_progress
    ADD CONSTRAINT file_import_progress_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.file_import(id);

ALTER TABLE ONLY public.file_import_progress
    ADD CONSTRAINT file_import_progress_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.file_import
    ADD CONSTRAINT file_import_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.file_import
    ADD CONSTRAINT file_import_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.finding
    ADD CONSTRAINT finding_series_id_fkey FOREIGN KEY (series_id) REFERENCES public.series(id);

ALTER TABLE ONLY public.finding
    ADD CONSTRAINT finding_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.finding
    ADD CONSTRAINT finding_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.gateway_sequence
    ADD CONSTRAINT gateway_sequence_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES public.gateway(id);

ALTER TABLE ONLY public.gateway_sequence
    ADD CONSTRAINT gateway_sequence_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.grafana_carrier
    ADD CONSTRAINT grafana_carrier_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.grafana_role
    ADD CONSTRAINT grafana_role_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.hourly_factor
    ADD CONSTRAINT hourly_factor_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.import_reading
    ADD CONSTRAINT import_reading_point_id_fkey FOREIGN KEY (point_id) REFERENCES public.point(id);

ALTER TABLE ONLY public.import_reading
    ADD CONSTRAINT import_reading_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.import_withdrawal
    ADD CONSTRAINT import_withdrawal_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.file_import(id);

ALTER TABLE ONLY public.import_withdrawal
    ADD CONSTRAINT import_withdrawal_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.ingest_hour
    ADD CONSTRAINT ingest_hour_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES public.gateway(id);

ALTER TABLE ONLY public.ingest_hour
    ADD CONSTRAINT ingest_hour_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.meter_fact
    ADD CONSTRAINT meter_fact_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.meter_fact
    ADD CONSTRAINT meter_fact_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.park_consent
    ADD CONSTRAINT park_consent_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.park_member
    ADD CONSTRAINT park_member_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.plant_version
    ADD CONSTRAINT plant_version_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.plant_version
    ADD CONSTRAINT plant_version_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.point
    ADD CONSTRAINT point_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES public.gateway(id);

ALTER TABLE ONLY public.point
    ADD CONSTRAINT point_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.point_state
    ADD CONSTRAINT point_state_point_id_fkey FOREIGN KEY (point_id) REFERENCES public.point(id);

ALTER TABLE ONLY public.point_state
    ADD CONSTRAINT point_state_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.point
    ADD CONSTRAINT point_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.provenance
    ADD CONSTRAINT provenance_factor_set_id_fkey FOREIGN KEY (factor_set_id) REFERENCES public.factor_set(id);

ALTER TABLE ONLY public.provenance
    ADD CONSTRAINT provenance_plant_version_id_fkey FOREIGN KEY (plant_version_id) REFERENCES public.plant_version(id);

ALTER TABLE ONLY public.provenance
    ADD CONSTRAINT provenance_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.provenance
    ADD CONSTRAINT provenance_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES public.gateway(id);

ALTER TABLE ONLY public.quarantine_item
    ADD CONSTRAINT quarantine_item_quarantine_id_fkey FOREIGN KEY (quarantine_id) REFERENCES public.quarantine(id);

ALTER TABLE ONLY public.quarantine_item
    ADD CONSTRAINT quarantine_item_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.reading_revision
    ADD CONSTRAINT reading_revision_point_id_fkey FOREIGN KEY (point_id) REFERENCES public.point(id);

ALTER TABLE ONLY public.reading_revision
    ADD CONSTRAINT reading_revision_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.tariff_version
    ADD CONSTRAINT tariff_version_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.tariff_version
    ADD CONSTRAINT tariff_version_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE public.account ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_delivery ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_document ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_episode ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_heartbeat ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_instance ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_note ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_secret ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_silence ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.api_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.balance ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.balance_network ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.balance_suspect ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.budget ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.carbon_flow ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.carbon_mark ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.change_record ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.conflict ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.decision ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dirty ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.factor_confirmation ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.factor_override ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.factor_set ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.file_import ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.file_import_part ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.file_import_progress ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.finding ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.gateway ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.gateway_sequence ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.grafana_carrier ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.grafana_role ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.hourly_factor ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_reading ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_withdrawal ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ingest_hour ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.meter_fact ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.park_consent ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.park_member ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.plant_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.point ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.point_state ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.provenance ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.quarantine ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.quarantine_item ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.reading_revision ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.series ENABLE ROW LEVEL SECURITY;

CREATE POLICY service ON public.account TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.alert_delivery TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.alert_document TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.alert_episode TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.alert_heartbeat TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.alert_instance TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.alert_note TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.alert_secret TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.alert_silence TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.api_key TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.balance TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.balance_network TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.balance_suspect TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.budget TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.carbon_flow TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.carbon_mark TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.change_record TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.conflict TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.decision TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.dirty TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.event TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.factor_confirmation TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.factor_override TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.factor_set TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.file_import TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.file_import_part TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.file_import_progress TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.finding TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.gateway TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.gateway_sequence TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.grafana_carrier TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.grafana_role TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.hourly_factor TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.import_reading TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.import_withdrawal TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.ingest_hour TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.meter_fact TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.park_consent TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.park_member TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.plant_version TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.point TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.point_state TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.provenance TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.quarantine TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.quarantine_item TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.reading_revision TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.series TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.session TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.site TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.tariff_version TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

CREATE POLICY service ON public.tenant TO nengtan_admin, nengtan_ingest, nengtan_worker USING (true) WITH CHECK (true);

ALTER TABLE public.session ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.site ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tariff_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenant ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_only ON public.account USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.alert_delivery USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.alert_document USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.alert_episode USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.alert_heartbeat USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.alert_instance USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.alert_note USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.alert_secret USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.alert_silence USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.api_key USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.balance USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.balance_network USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.balance_suspect USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.budget USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.carbon_flow USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.carbon_mark USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.change_record USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.conflict USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.decision USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.dirty USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.event USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.factor_confirmation USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.factor_override USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.factor_set USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.file_import USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.file_import_part USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.file_import_progress USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.finding USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.gateway USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.gateway_sequence USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.grafana_carrier USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.grafana_role USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.hourly_factor USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.import_reading USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.import_withdrawal USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.ingest_hour USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.meter_fact USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.park_consent USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.park_member USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.plant_version USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.point USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.point_state USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.provenance USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.quarantine USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.quarantine_item USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.reading_revision USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.series USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.session USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.site USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.tariff_version USING ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_only ON public.tenant USING ((id = public.current_tenant()));

GRANT USAGE ON SCHEMA public TO nengtan_admin;
GRANT USAGE ON SCHEMA public TO nengtan_ingest;
GRANT USAGE ON SCHEMA public TO nengtan_worker;
GRANT USAGE ON SCHEMA public TO nengtan_api;
GRANT USAGE ON SCHEMA public TO nengtan_grafana;

REVOKE ALL ON FUNCTION public.ensure_partitions(first_ts timestamp with time zone, last_ts timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ensure_partitions(first_ts timestamp with time zone, last_ts timestamp with time zone) TO nengtan_ingest;
GRANT ALL ON FUNCTION public.ensure_partitions(first_ts timestamp with time zone, last_ts timestamp with time zone) TO nengtan_worker;

REVOKE ALL ON FUNCTION public.find_account(tenant_code text, login_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_account(tenant_code text, login_name text) TO nengtan_api;

REVOKE ALL ON FUNCTION public.find_api_key(hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_api_key(hash bytea) TO nengtan_api;

REVOKE ALL ON FUNCTION public.find_session(hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_session(hash bytea) TO nengtan_api;

REVOKE ALL ON FUNCTION public.last_received() FROM PUBLIC;
GRANT ALL ON FUNCTION public.last_received() TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.account TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.account TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.alembic_version TO nengtan_admin;
GRANT SELECT ON TABLE public.alembic_version TO nengtan_ingest;
GRANT SELECT ON TABLE public.alembic_version TO nengtan_worker;
GRANT SELECT ON TABLE public.alembic_version TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.alert_delivery TO nengtan_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.alert_delivery TO nengtan_admin;
GRANT SELECT,INSERT ON TABLE public.alert_delivery TO nengtan_api;

GRANT SELECT,INSERT ON TABLE public.alert_document TO nengtan_api;
GRANT SELECT,INSERT ON TABLE public.alert_document TO nengtan_admin;
GRANT SELECT ON TABLE public.alert_document TO nengtan_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.alert_episode TO nengtan_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.alert_episode TO nengtan_admin;
GRANT SELECT,INSERT ON TABLE public.alert_episode TO nengtan_api;

GRANT UPDATE(resolved_at) ON TABLE public.alert_episode TO nengtan_api;

GRANT UPDATE(resolved_by) ON TABLE public.alert_episode TO nengtan_api;

GRANT UPDATE(acknowledged_at) ON TABLE public.alert_episode TO nengtan_api;

GRANT UPDATE(acknowledged_by) ON TABLE public.alert_episode TO nengtan_api;

GRANT UPDATE(ends_at) ON TABLE public.alert_episode TO nengtan_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.alert_heartbeat TO nengtan_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.alert_heartbeat TO nengtan_admin;
GRANT SELECT ON TABLE public.alert_heartbeat TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.alert_instance TO nengtan_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.alert_instance TO nengtan_admin;
GRANT SELECT ON TABLE public.alert_instance TO nengtan_api;

GRANT SELECT,INSERT ON TABLE public.alert_note TO nengtan_api;
GRANT SELECT,INSERT ON TABLE public.alert_note TO nengtan_worker;
GRANT SELECT,INSERT ON TABLE public.alert_note TO nengtan_admin;

GRANT SELECT ON TABLE public.alert_secret TO nengtan_worker;
GRANT INSERT,DELETE,UPDATE ON TABLE public.alert_secret TO nengtan_api;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.alert_secret TO nengtan_admin;

GRANT SELECT(tenant_id) ON TABLE public.alert_secret TO nengtan_api;

GRANT SELECT(code) ON TABLE public.alert_secret TO nengtan_api;

GRANT SELECT(stated_at) ON TABLE public.alert_secret TO nengtan_api;

GRANT SELECT(stated_by) ON TABLE public.alert_secret TO nengtan_api;

GRANT SELECT ON TABLE public.alert_silence TO nengtan_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.alert_silence TO nengtan_api;
GRANT SELECT,INSERT,UPDATE ON TABLE public.alert_silence TO nengtan_admin;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_key TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.api_key TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.balance TO nengtan_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.balance TO nengtan_admin;
GRANT SELECT ON TABLE public.balance TO nengtan_api;

GRANT SELECT,INSERT ON TABLE public.balance_network TO nengtan_worker;
GRANT SELECT ON TABLE public.balance_network TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.balance_suspect TO nengtan_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.balance_suspect TO nengtan_admin;
GRANT SELECT ON TABLE public.balance_suspect TO nengtan_api;

GRANT SELECT,INSERT ON TABLE public.budget TO nengtan_api;
GRANT SELECT,INSERT ON TABLE public.budget TO nengtan_admin;
GRANT SELECT ON TABLE public.budget TO nengtan_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.carbon_flow TO nengtan_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.carbon_flow TO nengtan_admin;
GRANT SELECT ON TABLE public.carbon_flow TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.carbon_mark TO nengtan_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.carbon_mark TO nengtan_admin;

GRANT SELECT,INSERT ON TABLE public.change_record TO nengtan_admin;
GRANT SELECT,INSERT ON TABLE public.change_record TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.conflict TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.conflict TO nengtan_ingest;
GRANT SELECT ON TABLE public.conflict TO nengtan_api;

GRANT UPDATE(reviewed_at) ON TABLE public.conflict TO nengtan_api;

GRANT UPDATE(reviewed_by) ON TABLE public.conflict TO nengtan_api;

GRANT SELECT,INSERT ON TABLE public.decision TO nengtan_api;
GRANT SELECT,INSERT ON TABLE public.decision TO nengtan_admin;
GRANT SELECT ON TABLE public.decision TO nengtan_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.dirty TO nengtan_admin;
GRANT INSERT ON TABLE public.dirty TO nengtan_ingest;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.dirty TO nengtan_worker;
GRANT SELECT,INSERT ON TABLE public.dirty TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.event TO nengtan_admin;
GRANT SELECT,INSERT,DELETE ON TABLE public.event TO nengtan_worker;
GRANT SELECT,INSERT ON TABLE public.event TO nengtan_api;
GRANT SELECT ON TABLE public.event TO nengtan_ingest;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.factor_confirmation TO nengtan_admin;
GRANT SELECT ON TABLE public.factor_confirmation TO nengtan_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.factor_confirmation TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.factor_override TO nengtan_admin;
GRANT SELECT ON TABLE public.factor_override TO nengtan_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.factor_override TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.factor_set TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.factor_set TO nengtan_worker;
GRANT SELECT ON TABLE public.factor_set TO nengtan_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.file_import TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.file_import TO nengtan_api;
GRANT SELECT,UPDATE ON TABLE public.file_import TO nengtan_ingest;

GRANT SELECT,INSERT ON TABLE public.file_import_part TO nengtan_admin;
GRANT SELECT,INSERT ON TABLE public.file_import_part TO nengtan_api;
GRANT SELECT ON TABLE public.file_import_part TO nengtan_ingest;

GRANT SELECT ON TABLE public.file_import_progress TO nengtan_admin;
GRANT SELECT ON TABLE public.file_import_progress TO nengtan_api;
GRANT SELECT,INSERT,UPDATE ON TABLE public.file_import_progress TO nengtan_ingest;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.finding TO nengtan_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.finding TO nengtan_admin;
GRANT SELECT ON TABLE public.finding TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.gateway TO nengtan_admin;
GRANT SELECT ON TABLE public.gateway TO nengtan_ingest;
GRANT SELECT ON TABLE public.gateway TO nengtan_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.gateway TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.gateway_sequence TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.gateway_sequence TO nengtan_ingest;
GRANT SELECT ON TABLE public.gateway_sequence TO nengtan_worker;
GRANT SELECT ON TABLE public.gateway_sequence TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.grafana_carrier TO nengtan_admin;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.grafana_role TO nengtan_admin;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.point TO nengtan_admin;
GRANT SELECT ON TABLE public.point TO nengtan_ingest;
GRANT SELECT ON TABLE public.point TO nengtan_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.point TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.site TO nengtan_admin;
GRANT SELECT ON TABLE public.site TO nengtan_ingest;
GRANT SELECT ON TABLE public.site TO nengtan_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.site TO nengtan_api;

GRANT SELECT ON TABLE public.grafana_conflict TO nengtan_grafana;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.plant_version TO nengtan_admin;
GRANT SELECT ON TABLE public.plant_version TO nengtan_worker;
GRANT SELECT,INSERT ON TABLE public.plant_version TO nengtan_api;
GRANT SELECT ON TABLE public.plant_version TO nengtan_ingest;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.series TO nengtan_admin;
GRANT SELECT ON TABLE public.series TO nengtan_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.series TO nengtan_api;

GRANT SELECT ON TABLE public.grafana_flow TO nengtan_grafana;

GRANT SELECT ON TABLE public.grafana_gap TO nengtan_grafana;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.point_state TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.point_state TO nengtan_worker;
GRANT SELECT ON TABLE public.point_state TO nengtan_api;
GRANT SELECT,DELETE,UPDATE ON TABLE public.point_state TO nengtan_ingest;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.provenance TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.provenance TO nengtan_worker;
GRANT SELECT ON TABLE public.provenance TO nengtan_api;

GRANT SELECT ON TABLE public.grafana_health TO nengtan_grafana;

GRANT SELECT ON TABLE public.grafana_node TO nengtan_grafana;

GRANT SELECT ON TABLE public.grafana_point TO nengtan_grafana;

GRANT SELECT ON TABLE public.grafana_product TO nengtan_grafana;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quarantine TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.quarantine TO nengtan_ingest;
GRANT SELECT ON TABLE public.quarantine TO nengtan_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quarantine_item TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.quarantine_item TO nengtan_ingest;
GRANT SELECT ON TABLE public.quarantine_item TO nengtan_api;

GRANT UPDATE(state) ON TABLE public.quarantine_item TO nengtan_api;

GRANT UPDATE(resolved_at) ON TABLE public.quarantine_item TO nengtan_api;

GRANT UPDATE(resolved_by) ON TABLE public.quarantine_item TO nengtan_api;

GRANT SELECT ON TABLE public.grafana_quarantine TO nengtan_grafana;

GRANT SELECT ON TABLE public.reading TO nengtan_admin;
GRANT SELECT,INSERT ON TABLE public.reading TO nengtan_ingest;
GRANT SELECT ON TABLE public.reading TO nengtan_worker;

GRANT SELECT ON TABLE public.reading_revision TO nengtan_admin;
GRANT SELECT,INSERT ON TABLE public.reading_revision TO nengtan_ingest;
GRANT SELECT ON TABLE public.reading_revision TO nengtan_worker;

GRANT SELECT ON TABLE public.grafana_reading TO nengtan_grafana;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ingest_hour TO nengtan_admin;
GRANT SELECT,INSERT,UPDATE ON TABLE public.ingest_hour TO nengtan_ingest;
GRANT SELECT ON TABLE public.ingest_hour TO nengtan_worker;
GRANT SELECT ON TABLE public.ingest_hour TO nengtan_api;

GRANT SELECT ON TABLE public.grafana_received TO nengtan_grafana;

GRANT SELECT ON TABLE public.result TO nengtan_admin;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.result TO nengtan_worker;

GRANT SELECT ON TABLE public.grafana_result TO nengtan_grafana;

GRANT SELECT ON TABLE public.grafana_series TO nengtan_grafana;

GRANT SELECT ON TABLE public.grafana_site TO nengtan_grafana;

GRANT SELECT,INSERT ON TABLE public.hourly_factor TO nengtan_admin;
GRANT SELECT,INSERT ON TABLE public.hourly_factor TO nengtan_api;
GRANT SELECT ON TABLE public.hourly_factor TO nengtan_worker;

GRANT SELECT ON TABLE public.import_reading TO nengtan_admin;
GRANT SELECT,INSERT ON TABLE public.import_reading TO nengtan_ingest;

GRANT SELECT,INSERT ON TABLE public.import_withdrawal TO nengtan_admin;
GRANT SELECT,INSERT ON TABLE public.import_withdrawal TO nengtan_api;
GRANT SELECT,UPDATE ON TABLE public.import_withdrawal TO nengtan_ingest;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.meter_fact TO nengtan_admin;
GRANT SELECT ON TABLE public.meter_fact TO nengtan_worker;
GRANT SELECT,INSERT ON TABLE public.meter_fact TO nengtan_api;

GRANT UPDATE(withdrawn_by) ON TABLE public.meter_fact TO nengtan_api;

GRANT UPDATE(withdrawn_at) ON TABLE public.meter_fact TO nengtan_api;

GRANT UPDATE(withdrawn_reason) ON TABLE public.meter_fact TO nengtan_api;

GRANT SELECT ON TABLE public.newest_revision TO nengtan_admin;
GRANT SELECT ON TABLE public.newest_revision TO nengtan_ingest;
GRANT SELECT ON TABLE public.newest_revision TO nengtan_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.park_consent TO nengtan_admin;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.park_consent TO nengtan_api;
GRANT SELECT ON TABLE public.park_consent TO nengtan_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.park_member TO nengtan_admin;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.park_member TO nengtan_api;
GRANT SELECT ON TABLE public.park_member TO nengtan_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenant TO nengtan_admin;
GRANT SELECT ON TABLE public.tenant TO nengtan_ingest;
GRANT SELECT ON TABLE public.tenant TO nengtan_worker;
GRANT SELECT ON TABLE public.tenant TO nengtan_api;

GRANT SELECT ON TABLE public.park_result TO nengtan_api;
GRANT SELECT ON TABLE public.park_result TO nengtan_worker;

GRANT SELECT ON TABLE public.sequence_gap TO nengtan_api;
GRANT SELECT ON TABLE public.sequence_gap TO nengtan_worker;
GRANT SELECT ON TABLE public.sequence_gap TO nengtan_admin;

GRANT SELECT,INSERT,UPDATE ON TABLE public.service_state TO nengtan_ingest;
GRANT SELECT ON TABLE public.service_state TO nengtan_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.session TO nengtan_admin;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.session TO nengtan_api;

GRANT SELECT,INSERT ON TABLE public.tariff_version TO nengtan_admin;
GRANT SELECT,INSERT ON TABLE public.tariff_version TO nengtan_api;

GRANT SELECT ON TABLE public.tenant_reading TO nengtan_api;

GRANT SELECT ON TABLE public.tenant_result TO nengtan_api;
