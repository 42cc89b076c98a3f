-- name: alert_take_over
insert into alert_heartbeat (tenant_id, name, at, detail) values ($1, 'evaluated', $2, $3)
on conflict (tenant_id, name) do update set detail = excluded.detail

-- name: alert_beat
update alert_heartbeat set at = greatest(at, $3)
where tenant_id = $1 and name = 'evaluated' and detail->>'writer' = $2

-- name: alert_instances
select fingerprint, group_code, rule, revision, site_id, labels, state, active_at, fired_at, keep_since,
       evaluated_at, value, episode_id
from alert_instance where tenant_id = $1

-- name: alert_put_instances
insert into alert_instance (tenant_id, fingerprint, group_code, rule, revision, site_id, labels, state,
  active_at, fired_at, keep_since, evaluated_at, value, episode_id)
select $1, fingerprint, group_code, rule, revision, site_id, labels, state, active_at, fired_at, keep_since,
       evaluated_at, value, episode_id
from jsonb_to_recordset($2) as i (fingerprint bigint, group_code text, rule text, revision integer,
  site_id integer, labels jsonb, state smallint, active_at timestamptz, fired_at timestamptz,
  keep_since timestamptz, evaluated_at timestamptz, value float8, episode_id bigint)
on conflict (tenant_id, fingerprint) do update set
  group_code = excluded.group_code, rule = excluded.rule, revision = excluded.revision,
  site_id = excluded.site_id, labels = excluded.labels, state = excluded.state,
  active_at = excluded.active_at, fired_at = excluded.fired_at, keep_since = excluded.keep_since,
  evaluated_at = excluded.evaluated_at, value = excluded.value, episode_id = excluded.episode_id

-- name: alert_see_instances
update alert_instance i set evaluated_at = s.at, value = s.value
from jsonb_to_recordset($2) as s (fingerprint bigint, at timestamptz, value float8)
where i.tenant_id = $1 and i.fingerprint = s.fingerprint

-- name: alert_drop_instances
delete from alert_instance where tenant_id = $1 and fingerprint = any($2)

-- name: alert_open_episodes
insert into alert_episode (tenant_id, site_id, fingerprint, group_code, rule, revision, severity, labels,
  texts, active_at, fired_at, value, value_worst, limit_value, unit, explanation)
select $1, site_id, fingerprint, group_code, rule, revision, severity, labels, texts, active_at, fired_at,
       value, value, limit_value, unit, explanation
from jsonb_to_recordset($2) as e (site_id integer, fingerprint bigint, group_code text, rule text,
  revision integer, severity text, labels jsonb, texts jsonb, active_at timestamptz, fired_at timestamptz,
  value float8, limit_value float8, unit text, explanation jsonb)
returning id, fingerprint

-- name: alert_close_episodes
update alert_episode set resolved_at = greatest($3::timestamptz, fired_at), resolved_by = $4
where tenant_id = $1 and id = any($2) and resolved_at is null

-- name: alert_worsen_episodes
update alert_episode e set value_worst = w.value
from jsonb_to_recordset($2) as w (id bigint, value float8)
where e.tenant_id = $1 and e.id = w.id and e.resolved_at is null

-- name: alert_unexplained
select id from alert_episode where tenant_id = $1 and id = any($2) and explanation is null

-- name: alert_put_explanation
update alert_episode set explanation = $3 where tenant_id = $1 and id = $2 and explanation is null

-- name: alert_open_rows
select e.id, e.fingerprint, e.site_id, s.code as site, e.group_code, e.rule, e.revision, e.severity, e.labels, e.texts,
       e.active_at, e.fired_at, e.resolved_at, e.resolved_by, e.value, e.value_worst, e.limit_value, e.unit,
       e.acknowledged_at, e.acknowledged_by
from alert_episode e left join site s on s.id = e.site_id
where e.tenant_id = $1 and e.id = any($2)

-- name: alert_active
select e.id, e.fingerprint, e.site_id, s.code as site, e.group_code, e.rule, e.revision, e.severity, e.labels, e.texts,
       e.active_at, e.fired_at, e.resolved_at, e.resolved_by, e.value, e.value_worst, e.limit_value, e.unit,
       e.acknowledged_at, e.acknowledged_by
from alert_episode e left join site s on s.id = e.site_id
where e.resolved_at is null and ($1::text is null or s.code = $1) and ($2::text is null or e.severity = $2)
order by array_position(array['critical', 'warning', 'info'], e.severity), e.fired_at desc, e.id desc limit $3

-- name: alert_history
select e.id, e.fingerprint, e.site_id, s.code as site, e.group_code, e.rule, e.revision, e.severity, e.labels, e.texts,
       e.active_at, e.fired_at, e.resolved_at, e.resolved_by, e.value, e.value_worst, e.limit_value, e.unit,
       e.acknowledged_at, e.acknowledged_by
from alert_episode e left join site s on s.id = e.site_id
where e.fired_at < $2 and (e.resolved_at is null or e.resolved_at >= $1)
  and ($3::text is null or s.code = $3) and ($4::text is null or e.severity = $4)
  and (e.fired_at, e.id) < ($5::timestamptz, $6::bigint)
order by e.fired_at desc, e.id desc limit $7

-- name: alert_episode
select e.id, e.fingerprint, e.site_id, s.code as site, e.group_code, e.rule, e.revision, e.severity, e.labels, e.texts,
       e.active_at, e.fired_at, e.resolved_at, e.resolved_by, e.value, e.value_worst, e.limit_value, e.unit,
       e.acknowledged_at, e.acknowledged_by, e.explanation
from alert_episode e left join site s on s.id = e.site_id
where e.id = $1

-- name: alert_notes
select id, at, kind, actor, text, detail from alert_note where episode_id = $1 order by id

-- name: alert_deliveries
select id, kind, channel, step, created_at, due_at, attempt_count, delivered_at, abandoned_at, problem
from alert_delivery where episode_id = $1 order by id

-- name: alert_add_notes
insert into alert_note (tenant_id, episode_id, at, kind, actor, text, detail)
select $1, episode_id, at, kind, actor, text, detail
from jsonb_to_recordset($2) as n (episode_id bigint, at timestamptz, kind text, actor text, text text,
  detail jsonb)

-- name: alert_acknowledge
update alert_episode set acknowledged_at = $2, acknowledged_by = $3
where id = $1 and acknowledged_at is null

-- name: alert_weather
select s.code as site, e.labels, e.severity, e.id
from alert_episode e left join site s on s.id = e.site_id
where e.resolved_at is null order by e.id

-- name: alert_heartbeat
select at from alert_heartbeat where name = 'evaluated' and tenant_id = $1

-- name: alert_trim_deliveries
with old as (
  select d.id from alert_delivery d left join alert_episode e on e.id = d.episode_id
  where d.created_at < $1 and (e.id is null or e.resolved_at < $1)
    and (d.delivered_at is not null or d.abandoned_at is not null or d.summary_id is not null)
  order by d.created_at limit $2
)
delete from alert_delivery d using old where d.id = old.id
  and not exists (
    select from alert_delivery f where f.summary_id = d.id and not exists (select from old o where o.id = f.id)
  )
