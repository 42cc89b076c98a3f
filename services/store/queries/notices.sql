-- name: notice_policy
select d.id, d.revision, d.document, encode(d.sha256, 'hex') as sha256, d.stated_at, d.stated_by
from alert_document d
where d.tenant_id = $1 and d.kind = 'policy' order by d.revision desc limit 1

-- name: notice_policies
select distinct on (d.tenant_id) d.tenant_id, t.code as tenant, d.id, d.document
from alert_document d join tenant t on t.id = d.tenant_id
where d.kind = 'policy' order by d.tenant_id, d.revision desc

-- name: notice_episode
select e.id, e.tenant_id, t.code as tenant, s.code as site, e.group_code, e.rule, e.severity, e.labels, e.texts,
       e.value, e.value_worst, e.limit_value, e.unit, e.active_at, e.fired_at, e.resolved_at, e.resolved_by,
       e.explanation
from alert_episode e join tenant t on t.id = e.tenant_id left join site s on s.id = e.site_id
where e.tenant_id = $1 and e.id = $2

-- name: notice_add
insert into alert_delivery (tenant_id, episode_id, kind, channel, step, idempotency_key, payload, created_at, due_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing returning id

-- name: notice_channels
select distinct channel from alert_delivery
where episode_id = $1 and kind in ('firing', 'escalation', 'broken') and abandoned_at is null
order by channel

-- name: notice_hurry
update alert_delivery d set due_at = $2
where episode_id = $1 and kind = 'escalation' and delivered_at is null and abandoned_at is null and summary_id is null
  and due_at > $2 and step = (
    select min(step) from alert_delivery
    where episode_id = $1 and kind = 'escalation' and delivered_at is null and abandoned_at is null
      and summary_id is null and due_at > $2)

-- name: notice_ring
select pg_notify('nengtan_alert', '')

-- name: notice_note
insert into alert_note (tenant_id, episode_id, at, kind, actor, text, detail)
values ($1, $2, $3, $4, 'notifier', $5, $6)

-- name: notice_due
with ready as (
  select d.id, d.tenant_id, d.episode_id, d.kind, d.channel, d.step, d.idempotency_key, d.payload, d.created_at,
         d.due_at, d.attempt_count, d.first_tried_at, d.problem, e.labels, e.resolved_at, e.acknowledged_at,
         coalesce(d.kind <> 'resolved' or exists (
           select from alert_delivery f
           where f.episode_id = d.episode_id and f.channel = d.channel and f.kind in ('firing', 'escalation', 'broken')
             and (f.delivered_at is not null or f.summary_id is not null)), false) as was_told,
         row_number() over (partition by d.tenant_id, d.channel order by d.kind = 'summary' desc, d.id) as place
  from alert_delivery d left join alert_episode e on e.id = d.episode_id
  where d.due_at <= $1 and d.delivered_at is null and d.abandoned_at is null and d.summary_id is null
    -- A resolution waits until what it resolves is told, but not for what will not be told any more.
    and (d.kind <> 'resolved' or not exists (
      select from alert_delivery f
      where f.episode_id = d.episode_id and f.channel = d.channel and f.kind in ('firing', 'escalation', 'broken')
        and f.delivered_at is null and f.abandoned_at is null
        and (f.summary_id is null or exists (
          select from alert_delivery s where s.id = f.summary_id and s.delivered_at is null and s.abandoned_at is null
            -- One that still waits takes the resolution in, too.
            and (s.attempt_count > 0 or s.due_at <= $1)))
        and (f.summary_id is not null or f.attempt_count > 0 or f.due_at <= e.resolved_at)))
)
select id, tenant_id, episode_id, kind, channel, step, idempotency_key, payload, created_at, due_at, attempt_count,
       first_tried_at, problem, labels, resolved_at, acknowledged_at, was_told
from ready where place <= $2 order by tenant_id, channel, place

-- name: notice_claim
update alert_delivery set attempt_count = attempt_count + 1, first_tried_at = coalesce(first_tried_at, $2), due_at = $3
where id = any($1) and delivered_at is null and abandoned_at is null and summary_id is null and due_at <= $2
returning id

-- name: notice_delivered
update alert_delivery set delivered_at = $2, problem = ''
where id = any($1) and delivered_at is null and abandoned_at is null

-- name: notice_postpone
update alert_delivery d set due_at = p.due_at, problem = $4, attempt_count = d.attempt_count + p.tries,
  first_tried_at = case when p.tries > 0 then coalesce(d.first_tried_at, $5) else d.first_tried_at end
from unnest($1::bigint[], $2::timestamptz[], $3::integer[]) as p (id, due_at, tries)
where d.id = p.id and d.delivered_at is null and d.abandoned_at is null and d.summary_id is null

-- name: notice_abandon
update alert_delivery set abandoned_at = $2, problem = $3
where id = any($1) and delivered_at is null and abandoned_at is null and summary_id is null
returning id

-- name: notice_sent_count
select count(distinct delivered_at) as count from alert_delivery
where tenant_id = $1 and channel = $2 and delivered_at > $3 and kind not in ('summary', 'test')

-- name: notice_open_summary
select id, due_at from alert_delivery
where tenant_id = $1 and channel = $2 and kind = 'summary' and delivered_at is null and abandoned_at is null
  and attempt_count = 0 and due_at > $3
order by id limit 1

-- name: notice_fold
update alert_delivery set summary_id = $2
where id = any($1) and delivered_at is null and abandoned_at is null and summary_id is null and attempt_count = 0
returning id

-- name: notice_folded
select d.id, d.kind, d.episode_id, d.payload from alert_delivery d where d.summary_id = $1 order by d.id

-- name: notice_set_payload
update alert_delivery set payload = $2 where id = $1 and attempt_count = 0

-- name: notice_silences
select id, tenant_id, matchers, start_at, end_at, comment, created_by, created_at, expired_at, expired_by
from alert_silence
where start_at <= $1 and end_at > $1 and (expired_at is null or expired_at > $1)

-- name: notice_secrets
select tenant_id, code, secret from alert_secret

-- name: notice_open_of
select e.id, e.tenant_id, t.code as tenant, s.code as site, e.group_code, e.rule, e.severity, e.labels, e.texts,
       e.value, e.value_worst, e.limit_value, e.unit, e.active_at, e.fired_at, e.resolved_at, e.resolved_by,
       e.explanation
from alert_episode e join tenant t on t.id = e.tenant_id left join site s on s.id = e.site_id
where e.tenant_id = $1 and e.resolved_at is null and exists (
  select from alert_delivery d where d.episode_id = e.id and d.channel = $2 and d.delivered_at is not null
    and d.kind in ('firing', 'escalation', 'broken'))
order by e.id

-- name: notice_channel_states
select d.channel,
       max(d.delivered_at) as delivered_at,
       count(*) filter (where d.delivered_at is null and d.abandoned_at is null and d.summary_id is null) as open_count,
       (array_agg(d.problem order by d.id desc) filter (where d.problem <> '' and d.delivered_at is null
         and d.abandoned_at is null and d.attempt_count > 0))[1] as problem
from alert_delivery d
where d.tenant_id = $1 and d.created_at > $2
group by d.channel

-- name: notice_secret_put
insert into alert_secret (tenant_id, code, secret, stated_by) values ($1, $2, $3, $4)

-- name: notice_secret_drop
delete from alert_secret where tenant_id = $1 and code = $2

-- name: notice_secret_codes
select code, stated_at, stated_by from alert_secret where tenant_id = $1 order by code

-- name: notice_beats
select tenant_id, name, at from alert_heartbeat

-- name: notice_beat
insert into alert_heartbeat (tenant_id, name, at, detail) values ($1, $2, $3, $4)
on conflict (tenant_id, name) do update set at = excluded.at, detail = excluded.detail

-- name: notice_broken
select id from alert_episode
where tenant_id = $1 and resolved_at is null and group_code = 'service' and labels->>'channel' = $2

-- name: notice_broken_list
select tenant_id, labels->>'channel' as channel from alert_episode
where resolved_at is null and group_code = 'service' and labels ? 'channel' order by id

-- name: notice_delivered_notes
insert into alert_note (tenant_id, episode_id, at, kind, actor, text, detail)
select d.tenant_id, d.episode_id, $2, case when d.kind = 'escalation' then 'escalated' else 'delivered' end, 'notifier',
       d.channel, jsonb_build_object('channel', d.channel, 'kind', d.kind, 'step', d.step,
         'tries', d.attempt_count, 'in_summary', d.summary_id is not null)
from alert_delivery d where (d.id = any($1) or d.summary_id = any($1)) and d.episode_id is not null
order by d.id

-- name: notice_lapsed
select id, tenant_id, ends_at from alert_episode
where resolved_at is null and ends_at <= $1 order by id

-- name: silence_list
select id, tenant_id, matchers, start_at, end_at, comment, created_by, created_at, expired_at, expired_by
from alert_silence where tenant_id = $1 and coalesce(expired_at, end_at) > $2
order by created_at desc, id limit $3

-- name: silence_find
select id, tenant_id, matchers, start_at, end_at, comment, created_by, created_at, expired_at, expired_by
from alert_silence where tenant_id = $1 and id = $2

-- name: silence_add
insert into alert_silence (tenant_id, matchers, start_at, end_at, comment, created_by)
values ($1, $2, $3, $4, $5, $6)
returning id, tenant_id, matchers, start_at, end_at, comment, created_by, created_at, expired_at, expired_by

-- name: silence_expire
update alert_silence set expired_at = $3, expired_by = $4
where tenant_id = $1 and id = $2 and expired_at is null and end_at > $3

-- name: external_lock
select pg_advisory_xact_lock(hashtext('external alerts'), $1)

-- name: external_open
select id, group_code from alert_episode where tenant_id = $1 and fingerprint = $2 and resolved_at is null

-- name: external_open_count
select count(*) as count from alert_episode where tenant_id = $1 and group_code = 'external' and resolved_at is null

-- name: external_has_begun
select id from alert_episode where tenant_id = $1 and fingerprint = $2 and revision = 0 and active_at = $3

-- name: external_ends_at
update alert_episode set ends_at = $2 where id = $1
