-- What the API reads of the two large tables. They have no row security (TimescaleDB refuses its
-- columnstore on tables that have), so no tenant-facing role may touch them: only these barrier views,
-- which a lint test keeps on a named list.

create view tenant_reading with (security_barrier) as
  select r.ts, r.received_at, r.point_id, r.value, r.quality
  from reading r join point p on p.id = r.point_id
  where p.tenant_id = current_tenant();

create view tenant_result with (security_barrier) as
  select r.* from result r join series s on s.id = r.series_id
  where s.tenant_id = current_tenant();

create view park_result with (security_barrier) as
  select t.code as member_code, t.name_zh, t.name_en, si.code as site_code, si.time_zone, s.carrier, s.unit, r.*
  from park_member m
  join tenant park on park.id = m.tenant_id
  join tenant t on t.code = m.member_code
  join park_consent c on c.tenant_id = t.id and c.park_code = park.code
  join site si on si.tenant_id = t.id
  join series s on s.site_id = si.id and s.kind = 'node' and s.is_root
  join result r on r.series_id = s.id
  where park.id = current_tenant() and park.kind = 'park'
    and r.grain in (2, 3)
    and r.ts >= greatest(m.valid_from, c.valid_from)
    and r.ts < least(coalesce(m.valid_to, 'infinity'), coalesce(c.valid_to, 'infinity'));
comment on view park_result is 'Daily and monthly sums of the members of a park that consent: no curves, no meters.';

create view sequence_gap with (security_invoker) as
  select g.tenant_id, g.gateway_id, g.epoch, lower(hole) as first_seq, upper(hole) - 1 as last_seq,
         g.last_received_at
  from gateway_sequence g,
       unnest(int8multirange(int8range(1, upper(g.received))) - g.received) as hole;
comment on view sequence_gap is 'Messages that a gateway numbered and the centre has not seen.';

alter view tenant_reading owner to nengtan_admin;
alter view tenant_result owner to nengtan_admin;
alter view park_result owner to nengtan_admin;
grant select on reading, result to nengtan_admin;
grant select on tenant_reading, tenant_result, park_result, sequence_gap to nengtan_api;
grant select on sequence_gap to nengtan_worker, nengtan_admin;
grant select, insert on reading to nengtan_ingest;
grant select on reading to nengtan_worker;
grant select, insert, update, delete on result to nengtan_worker;
