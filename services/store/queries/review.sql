-- name: review_hours
select h.hour, g.code as gateway, g.class as gateway_class, h.received, h.stored, h.duplicate,
       h.conflict, h.quarantined,
       h.received = h.stored + h.duplicate + h.conflict + h.quarantined as adds_up
from ingest_hour h join gateway g on g.id = h.gateway_id
where g.site_id = $1 and h.hour >= $2 and h.hour < $3 and (h.hour, g.code) > ($4, $5::text)
order by h.hour, g.code limit $6

-- name: review_gaps
select g.code as gateway, s.epoch, s.first_seq, s.last_seq, s.last_received_at
from sequence_gap s join gateway g on g.id = s.gateway_id
where g.site_id = $1
order by s.last_received_at desc, g.code, s.epoch, s.first_seq limit $2

-- name: review_conflicts
select p.code as point, c.ts, c.value, c.kept_value, c.received_at, c.reviewed_at, c.reviewed_by
from conflict c join point p on p.id = c.point_id
where p.site_id = $1 and ($2::boolean is null or (c.reviewed_at is not null) = $2)
order by c.received_at desc, p.code, c.ts, c.value limit $3

-- name: review_conflict_close
update conflict set reviewed_at = $3, reviewed_by = $4
where point_id = $1 and ts = $2 and reviewed_at is null

-- name: review_quarantine
select q.id, g.code as gateway, s.code as site, q.topic, q.received_at, q.received_count,
       octet_length(q.payload) as payload_bytes, encode(q.sha256, 'hex') as sha256, i.items
from quarantine q
left join gateway g on g.id = q.gateway_id
left join site s on s.id = g.site_id
join lateral (
  select jsonb_agg(jsonb_build_object('item', item, 'code', code, 'detail', detail, 'state', state,
    'due_at', due_at, 'attempt_count', attempt_count, 'resolved_at', resolved_at,
    'resolved_by', resolved_by) order by item) as items,
    count(*) filter (where $2::text is null or state = $2) as matching
  from quarantine_item where quarantine_id = q.id
) i on i.matching > 0
where q.id < $1 order by q.id desc limit $3

-- name: review_payload
select payload, encode(sha256, 'hex') as sha256 from quarantine where id = $1

-- name: review_items
select item, state from quarantine_item where quarantine_id = $1 order by item for update

-- name: review_set_items
update quarantine_item set state = $3, resolved_by = $4,
  resolved_at = case when $3 = 'discarded' then $5::timestamptz end
where quarantine_id = $1 and item = any($2) and state in ('open', 'requested')
