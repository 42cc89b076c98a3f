-- name: put_findings
with found as (
  select * from unnest($4::integer[], $5::text[], $6::timestamptz[], $7::text[], $8::float8[], $9::float8[])
    as f (series_id, check_name, ts, at, value, limit_value)
), gone as (
  delete from finding f
  where f.site_id = $1 and f.ts >= $2 and f.ts < $3
    and not exists (select from found n
      where n.series_id = f.series_id and n.check_name = f.check_name and n.ts = f.ts)
)
insert into finding (series_id, check_name, ts, tenant_id, site_id, at, value, limit_value, first_seen_at)
select f.series_id, f.check_name, f.ts, s.tenant_id, s.id, f.at::timestamptz[], f.value, f.limit_value, $10
from found f join site s on s.id = $1
on conflict (series_id, check_name, ts) do update set
  at = excluded.at, value = excluded.value, limit_value = excluded.limit_value
where (finding.at, finding.value, finding.limit_value)
  is distinct from (excluded.at, excluded.value, excluded.limit_value)

-- name: ahead_readings
select ts, point_id, extract(epoch from ts - received_at)::float8 from reading
where ts >= {start} and ts < {end} and point_id = any({points}) and ts > received_at + interval '1 second'

-- name: standing_decisions
select p.id as point_id, d.kind, d.check_name, d.at, d.value
from decision d join series s on s.id = d.series_id and s.kind = 'point'
join point p on p.site_id = d.site_id and p.code = s.code
where d.site_id = $1 and d.kind <> 'undo' and not exists (select from decision u where u.undoes = d.id)
order by d.id

-- name: audit_findings
with standing as (
  select d.* from decision d
  where d.site_id = $1 and d.kind <> 'undo' and d.end_ts > $2 and d.start_ts < $3
    and not exists (select from decision u where u.undoes = d.id)
), marked as (
  select f.series_id, f.check_name, f.ts, f.at, f.value, f.limit_value, f.first_seen_at,
         d.id as decision_id, d.kind
  from finding f
  left join lateral (
    select s.id, s.kind from standing s
    where s.series_id = f.series_id and (
      -- A reading that came after the decision was not looked at.
      (s.check_name = f.check_name and s.start_ts <= f.ts and f.ts < s.end_ts and f.at <@ s.at)
      or (s.kind = 'correct' and s.start_ts >= f.ts and s.start_ts < f.ts + $4::interval
        and (f.at = '{}' or f.at <@ s.at)))
    order by s.id desc limit 1
  ) d on true
  where f.site_id = $1 and f.ts >= $2 and f.ts < $3
    and ($5::text is null or f.check_name = $5)
), placed as (
  select m.*, m.ts - (row_number() over (
    partition by m.series_id, m.check_name, m.decision_id order by m.ts)) * $4::interval as island
  from marked m
), runs as (
  select p.series_id, p.check_name, p.decision_id, p.kind,
         min(p.ts) as start_ts, max(p.ts) + $4::interval as end_ts,
         (array_agg(p.value order by p.ts))[1] as value,
         (array_agg(p.limit_value order by p.ts))[1] as limit_value,
         (array_agg(p.at[1] order by p.ts))[1] as first_at,
         sum(cardinality(p.at))::integer as reading_count,
         min(p.first_seen_at) as first_seen_at
  from placed p group by p.series_id, p.check_name, p.decision_id, p.kind, p.island
)
select s.kind as subject_kind, s.code as subject, r.check_name, r.start_ts, r.end_ts, r.first_at, r.value,
       r.limit_value, r.reading_count, r.first_seen_at,
       case r.kind when 'accept' then 'accepted' when 'reject' then 'rejected'
         when 'correct' then 'corrected' else 'open' end as state,
       r.decision_id, d.reason, d.decided_by, d.decided_at, r.series_id, p.unit
from runs r join series s on s.id = r.series_id
left join point p on p.site_id = s.site_id and p.code = s.code and s.kind = 'point'
left join decision d on d.id = r.decision_id
where ($6::text is null or s.code = $6)
  and ($7::text is null or case r.kind when 'accept' then 'accepted' when 'reject' then 'rejected'
         when 'correct' then 'corrected' else 'open' end = $7)
  and (r.start_ts, r.series_id, r.check_name) < ($8::timestamptz, $9::integer, $10::text)
order by r.start_ts desc, r.series_id desc, r.check_name desc limit $11

-- name: audit_marks
select f.ts, f.at from finding f
where f.series_id = $1 and f.check_name = $2 and f.ts >= $3 and f.ts < $4
order by f.ts

-- name: audit_point
select s.id as series_id, p.id as point_id, p.unit, ps.first_ts, ps.last_ts
from series s join point p on p.site_id = s.site_id and p.code = s.code
left join point_state ps on ps.point_id = p.id
where s.site_id = $1 and s.kind = 'point' and s.code = $2

-- name: audit_series
select id from series where site_id = $1 and kind = $2 and code = $3 and carrier = ''

-- name: add_decision
insert into decision (tenant_id, site_id, series_id, kind, check_name, start_ts, end_ts, at, value, undoes,
  reason, decided_by, decided_at)
select tenant_id, id, $2, $3, $4, $5, $6, $7::timestamptz[], $8, $9, $10, $11, $12 from site where id = $1
returning id

-- name: audit_decision
select d.id, s.kind as subject_kind, s.code as subject, d.kind, d.check_name, d.start_ts, d.end_ts, d.at,
       d.value, d.undoes, d.reason, d.decided_by, d.decided_at, u.id as undone_by, d.series_id,
       si.code as site, d.site_id
from decision d join series s on s.id = d.series_id join site si on si.id = d.site_id
left join decision u on u.undoes = d.id
where d.id = $1

-- name: audit_decisions
select d.id, s.kind as subject_kind, s.code as subject, d.kind, d.check_name, d.start_ts, d.end_ts, d.at,
       d.value, d.undoes, d.reason, d.decided_by, d.decided_at, u.id as undone_by, d.series_id,
       si.code as site, d.site_id
from decision d join series s on s.id = d.series_id join site si on si.id = d.site_id
left join decision u on u.undoes = d.id
where d.site_id = $1 and d.id < $2 and ($3::text is null or s.code = $3)
order by d.id desc limit $4

-- name: lock_decisions
select pg_advisory_xact_lock(hashtext('decision'), current_tenant())

-- name: audit_standing
select d.id, s.kind as subject_kind, s.code as subject, d.kind, d.check_name, d.start_ts, d.end_ts, d.at,
       d.value, d.undoes, d.reason, d.decided_by, d.decided_at, null::bigint as undone_by, d.series_id,
       si.code as site, d.site_id
from decision d join series s on s.id = d.series_id join site si on si.id = d.site_id
where d.site_id = $1 and d.start_ts < $3 and d.end_ts > $2 and ($4::text is null or s.code = $4)
  and d.kind <> 'undo' and not exists (select from decision u where u.undoes = d.id)
order by d.id limit 1000
