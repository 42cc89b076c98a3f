-- name: add_ingest_hours
insert into ingest_hour (gateway_id, hour, tenant_id, received, stored, duplicate, conflict, quarantined)
select g.id, date_trunc('hour', $2::timestamptz, 'UTC'), g.tenant_id,
       c.stored + c.duplicate + c.conflict + c.quarantined, c.stored, c.duplicate, c.conflict, c.quarantined
from unnest($1::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
  as c (gateway_id, stored, duplicate, conflict, quarantined)
join gateway g on g.id = c.gateway_id
order by g.id
on conflict (gateway_id, hour) do update set
  received = ingest_hour.received + excluded.received,
  stored = ingest_hour.stored + excluded.stored,
  duplicate = ingest_hour.duplicate + excluded.duplicate,
  conflict = ingest_hour.conflict + excluded.conflict,
  quarantined = ingest_hour.quarantined + excluded.quarantined

-- name: add_sequences
insert into gateway_sequence (gateway_id, epoch, tenant_id, received, first_received_at, last_received_at,
  gap_since)
select g.id, s.epoch, g.tenant_id, s.received::int8multirange, $4::timestamptz, $4::timestamptz,
  case when s.received::int8multirange <> int8multirange(int8range(1, upper(s.received::int8multirange)))
    then $4::timestamptz end
from unnest($1::integer[], $2::text[], $3::text[]) as s (gateway_id, epoch, received)
join gateway g on g.id = s.gateway_id
order by g.id, s.epoch
on conflict (gateway_id, epoch) do update set
  received = gateway_sequence.received + excluded.received,
  last_received_at = greatest(gateway_sequence.last_received_at, excluded.last_received_at),
  gap_since = case when gateway_sequence.received + excluded.received
      <> int8multirange(int8range(1, upper(gateway_sequence.received + excluded.received)))
    then coalesce(gateway_sequence.gap_since, excluded.last_received_at) end

-- name: add_conflicts
insert into conflict (point_id, ts, value, tenant_id, gateway_id, kept_value, received_at)
select c.point_id, c.ts, c.value, g.tenant_id, g.id, c.kept_value, $6::timestamptz
from unnest($1::integer[], $2::timestamptz[], $3::float8[], $4::integer[], $5::float8[])
  as c (point_id, ts, value, gateway_id, kept_value)
join gateway g on g.id = c.gateway_id
on conflict do nothing

-- name: add_dirty
insert into dirty (tenant_id, site_id, point_ids, start_ts, end_ts, of_facts)
select tenant_id, id, $2::integer[], $3::timestamptz[], $4::timestamptz[], $5 from site where id = $1

-- name: add_arrived
with marked as (
  insert into dirty (tenant_id, site_id, point_ids, start_ts, end_ts, of_facts)
  select s.tenant_id, s.id, ($6::integer[])[m.first:m.last], ($7::timestamptz[])[m.first_span:m.last_span],
    ($8::timestamptz[])[m.first_span:m.last_span], false
  from unnest($1::integer[], $2::integer[], $3::integer[], $4::integer[], $5::integer[])
    as m (site_id, first, last, first_span, last_span)
  join site s on s.id = m.site_id
)
select pg_notify('nengtan_dirty', told) from unnest($9::text[]) as told

-- name: ring_dirty
select pg_notify('nengtan_dirty', '')

-- name: add_quarantine
insert into quarantine (tenant_id, gateway_id, topic, payload, sha256, received_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (topic, sha256) do update set received_count = quarantine.received_count + 1
returning id

-- name: add_quarantine_items
insert into quarantine_item (quarantine_id, item, tenant_id, code, detail, due_at)
select $1, i.item, $2, i.code, i.detail, i.due_at
from unnest($3::integer[], $4::text[], $5::text[], $6::timestamptz[]) as i (item, code, detail, due_at)
on conflict do nothing

-- name: due_quarantine
select q.id, q.gateway_id, q.topic, q.payload, q.received_at,
       array_agg(i.item order by i.item) as items
from quarantine q join quarantine_item i on i.quarantine_id = q.id
where q.gateway_id is not null
  and (i.state = 'requested' or (i.state = 'open' and i.due_at <= $1))
group by q.id
order by q.id
limit 100

-- name: resolve_quarantine_items
update quarantine_item set state = 'resolved', resolved_at = $3,
  resolved_by = coalesce(resolved_by, 'due'), attempt_count = attempt_count + 1
where quarantine_id = $1 and item = any($2)

-- name: keep_quarantine_items
insert into quarantine_item as i (quarantine_id, item, tenant_id, code, detail, due_at, attempt_count)
select q.id, n.item, q.tenant_id, n.code, n.detail, n.due_at, 1
from unnest($2::integer[], $3::text[], $4::text[], $5::timestamptz[]) as n (item, code, detail, due_at)
join quarantine q on q.id = $1
on conflict (quarantine_id, item) do update set
  state = 'open', attempt_count = i.attempt_count + 1,
  code = excluded.code, detail = excluded.detail, due_at = excluded.due_at

-- name: move_from_quarantine
update ingest_hour set
  received = received + $3 + $4 + $5 - $6, stored = stored + $3, duplicate = duplicate + $4,
  conflict = conflict + $5, quarantined = quarantined - $6
where gateway_id = $1 and hour = date_trunc('hour', $2::timestamptz, 'UTC')
