-- name: create_tenant
insert into tenant (code, kind, name_zh, name_en) values ($1, $2, $3, $4) returning id

-- name: find_tenant
select id, code, kind, name_zh, name_en from tenant where code = $1

-- name: put_site
insert into site (tenant_id, code, time_zone, base_interval_us, day_start_us) values ($1, $2, $3, $4, $5)
on conflict (tenant_id, code) do update set
  time_zone = excluded.time_zone, base_interval_us = excluded.base_interval_us,
  day_start_us = excluded.day_start_us
returning id

-- name: find_site
select id, tenant_id, code, time_zone, base_interval_us, day_start_us from site
where tenant_id = $1 and code = $2

-- name: all_sites
select s.id, s.tenant_id, t.code as tenant_code, s.code, s.time_zone, s.base_interval_us, s.day_start_us
from site s join tenant t on t.id = s.tenant_id order by s.id

-- name: tenant_codes
select id, code from tenant

-- name: newest_plant_version
select id, version, valid_from, document, sha256, applied_at, applied_by from plant_version
where site_id = $1 order by version desc limit 1

-- name: add_plant_version
insert into plant_version (tenant_id, site_id, version, valid_from, document, sha256, applied_by)
values ($1, $2, $3, $4, $5, $6, $7) returning id

-- name: plant_versions
select id, version, valid_from, document, applied_at, applied_by from plant_version
where site_id = $1 order by version

-- name: retire_gateways
update gateway set active = false where site_id = $1 and class <> 'import'

-- name: retire_points
update point set active = false where site_id = $1

-- name: put_gateways
insert into gateway (tenant_id, site_id, code, form, class, topic, username, signed)
select $1, $2, g.code, g.form, g.class, g.topic, g.username, g.signed
from jsonb_to_recordset($3) as g (code text, form text, class text, topic text, username text, signed boolean)
on conflict (site_id, code) do update set
  form = excluded.form, class = excluded.class, topic = excluded.topic, username = excluded.username,
  signed = excluded.signed, active = true

-- name: put_points
insert into point (tenant_id, site_id, gateway_id, code, address, meter_code, kind, unit,
                   value_min, value_max, valid_from, valid_to)
select $1, $2, g.id, p.code, p.address, p.meter_code, p.kind, p.unit,
       p.value_min, p.value_max, p.valid_from, p.valid_to
from jsonb_to_recordset($3) as p (code text, gateway_code text, address text, meter_code text, kind text,
  unit text, value_min float8, value_max float8, valid_from timestamptz, valid_to timestamptz)
join gateway g on g.site_id = $2 and g.code = p.gateway_code
on conflict (site_id, code) do update set
  gateway_id = excluded.gateway_id, address = excluded.address, meter_code = excluded.meter_code,
  kind = excluded.kind, unit = excluded.unit, value_min = excluded.value_min,
  value_max = excluded.value_max, valid_from = least(point.valid_from, excluded.valid_from),
  valid_to = excluded.valid_to, active = true

-- name: put_series
insert into series (tenant_id, site_id, kind, code, carrier, unit, is_root)
select $1, $2, s.kind, s.code, s.carrier, s.unit, s.is_root
from jsonb_to_recordset($3) as s (kind text, code text, carrier text, unit text, is_root boolean)
on conflict (site_id, kind, code, carrier) do update set unit = excluded.unit, is_root = excluded.is_root

-- name: clear_park_members
delete from park_member where tenant_id = $1

-- name: put_park_members
insert into park_member (tenant_id, member_code, valid_from, valid_to)
select $1, m.member_code, m.valid_from, m.valid_to
from jsonb_to_recordset($2) as m (member_code text, valid_from timestamptz, valid_to timestamptz)

-- name: clear_park_consent
delete from park_consent where tenant_id = $1

-- name: put_park_consent
insert into park_consent (tenant_id, park_code, valid_from) values ($1, $2, $3)

-- name: site_reading_span
select min(s.first_ts) as first_ts, max(s.last_ts) as last_ts
from point_state s join point p on p.id = s.point_id where p.site_id = $1

-- name: ring_plant
select pg_notify('nengtan_plant', '')

-- name: ingest_gateways
select g.id, g.tenant_id, g.site_id, g.code, g.form, g.class, g.topic, g.username, g.signed,
       s.time_zone
from gateway g join site s on s.id = g.site_id where g.active order by g.id

-- name: ingest_points
select p.id, p.code, p.gateway_id, p.site_id, p.address, p.value_min, p.value_max, p.valid_from, p.valid_to
from point p join gateway g on g.id = p.gateway_id where p.active and g.active order by p.id

-- name: site_points
select id, code from point where site_id = $1

-- name: site_series
select id, kind, code, carrier from series where site_id = $1

-- name: add_change
insert into change_record (tenant_id, actor, action, object_kind, object_code, before, after)
values ($1, $2, $3, $4, $5, $6, $7)

-- name: site_revision
select concat_ws('/',
  -- Of which database, and what its versions say: another may stand in this one's place, with the same numbers.
  (select oid from pg_database where datname = current_database()),
  (select max(id) || '-' || md5(string_agg(encode(sha256, 'hex'), ',' order by id))
   from plant_version where site_id = s.id),
  (select count(*) || '-' || coalesce(max(id), 0) from factor_confirmation f where f.tenant_id = s.tenant_id),
  (select count(*) || '-' || coalesce(max(id), 0) from factor_override o where o.tenant_id = s.tenant_id),
  (select coalesce(max(id), 0) from hourly_factor h where h.tenant_id = s.tenant_id),
  (select count(*) || '-' || count(withdrawn_at) from meter_fact m where m.site_id = s.id)
) as revision
from site s where s.id = $1

-- name: broker_users
select g.username, g.topic, g.form, t.code as tenant from gateway g join tenant t on t.id = g.tenant_id
where g.active and g.class <> 'import' order by g.username

-- name: consenting_members
select t.code as member_code, t.name_zh, t.name_en, s.code as site_code, s.time_zone, s.base_interval_us,
       s.day_start_us
from park_member m join tenant park on park.id = m.tenant_id and park.kind = 'park'
join tenant t on t.code = m.member_code
join park_consent c on c.tenant_id = t.id and c.park_code = park.code
join site s on s.tenant_id = t.id
where park.id = $1 and $2 >= greatest(m.valid_from, c.valid_from)
  and $2 < least(coalesce(m.valid_to, 'infinity'), coalesce(c.valid_to, 'infinity'))
order by t.code, s.code
