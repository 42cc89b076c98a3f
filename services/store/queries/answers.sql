-- name: answer_last_received
select last_received() as at

-- name: answer_site
select id, tenant_id, code, time_zone, base_interval_us, day_start_us from site
where code = $1 and tenant_id = current_tenant()

-- name: answer_sites
select s.code, s.time_zone, v.document #>> '{name,zh}' as name_zh, v.document #>> '{name,en}' as name_en,
       coalesce(v.document ->> 'kind', 'enterprise') as kind, v.version
from site s
join lateral (
  select version, document from plant_version where site_id = s.id order by version desc limit 1
) v on true
where $1::text is null or s.code = $1
order by s.code

-- name: answer_freshness
select transaction_timestamp() as as_of, min(ps.last_ts) as last_ts,
       count(*) as point_count,
       count(*) filter (where ps.point_id is null) as silent_count,
       (array_agg(p.code order by p.code) filter (where ps.point_id is null))[1:10] as silent
from point p left join point_state ps on ps.point_id = p.id
where p.site_id = $1 and p.active and p.valid_from <= transaction_timestamp()
  and (p.valid_to is null or p.valid_to > transaction_timestamp())

-- name: answer_versions
select version, valid_from, applied_at, applied_by, encode(sha256, 'hex') as sha256
from plant_version where site_id = $1 order by version desc

-- name: answer_document
select version, valid_from, applied_at, applied_by, encode(sha256, 'hex') as sha256, document
from plant_version where site_id = $1 and ($2::integer is null or version = $2)
order by version desc limit 1

-- name: answer_points
select p.id, p.code, p.meter_code, p.kind, p.unit, p.address, g.code as gateway_code,
       g.class as gateway_class, p.active, p.valid_from, p.valid_to,
       ps.first_ts, ps.last_ts, ps.last_value, ps.last_quality,
       extract(epoch from transaction_timestamp() - ps.last_ts)::float8 as age_s
from point p join gateway g on g.id = p.gateway_id left join point_state ps on ps.point_id = p.id
where p.site_id = $1 and ($2::text is null or p.code = $2) and p.code > $3
order by p.code limit $4

-- name: answer_readings
select ts, received_at, value, quality, revision from tenant_reading
where point_id = $1 and ts >= $2 and ts < $3
order by ts limit $4

-- name: answer_series
select id, kind, code, carrier, unit, is_root from series
where site_id = $1 and ($2::text is null or kind = $2) and ($3::text is null or code = $3)
  and ($4::text is null or carrier = $4)
order by kind, code, carrier

-- name: answer_columns
select ts, series_id, quality, reading_count, covered_us, input_hash, coalesce(amount, 'NaN'),
  coalesce(energy_kwh, 'NaN'), coalesce(coal_equivalent_tce, 'NaN'), coalesce(coal_equal_tce, 'NaN'),
  coalesce(emission_direct_tco2e, 'NaN'), coalesce(emission_purchased_tco2e, 'NaN')
from tenant_result
where series_id = any({series}) and grain = {grain} and ts >= {start} and ts < {end}

-- name: answer_provenance
select p.ts, p.formula, p.code_version, p.computed_at, encode(p.input_hash, 'hex') as input_hash,
       v.version as plant_version, encode(v.sha256, 'hex') as plant_sha256,
       p.factor_set_id, encode(f.sha256, 'hex') as factor_set_sha256
from provenance p join plant_version v on v.id = p.plant_version_id
join factor_set f on f.id = p.factor_set_id
where p.site_id = $1 and p.ts >= $2 and p.ts < $3
order by p.ts, p.formula limit $4

-- name: answer_factor_sets
select f.id, encode(f.sha256, 'hex') as sha256, f.factors, count(distinct p.ts) as interval_count
from provenance p join factor_set f on f.id = p.factor_set_id
where p.site_id = $1 and p.ts >= $2 and p.ts < $3
group by f.id order by f.id

-- name: answer_instant
select transaction_timestamp() as at

-- name: answer_park_members
select member_code, valid_from, valid_to from park_member order by member_code, valid_from

-- name: answer_park_rows
select member_code, name_zh, name_en, site_code, time_zone, carrier, unit, series_id, ts, amount,
       energy_kwh, coal_equivalent_tce, coal_equal_tce, emission_direct_tco2e,
       emission_purchased_tco2e, covered_us, reading_count, quality
from park_result
where grain = $1 and ts >= $2 and ts < $3 and (ts, series_id) > ($4, $5)
order by ts, series_id limit $6

-- name: answer_events
select e.seq, e.kind, e.at, e.payload, s.code as site
from event e left join site s on s.id = e.site_id
where e.seq > $1 and not (e.kind = 'live' and exists (
  select from event later where later.kind = 'live' and later.site_id = e.site_id and later.seq > e.seq))
order by e.seq limit $2

-- name: answer_live
select e.seq, e.kind, e.at, e.payload, s.code as site
from event e join site s on s.id = e.site_id
where e.kind = 'live' and e.site_id = $1 order by e.seq desc limit 1

-- name: answer_event_bounds
select (select coalesce(max(seq), 0) from event) as newest,
       exists (select from event where seq = $1) as known,
       (select count(*) from (select from event where seq > $1 limit $2) as later) as behind

-- name: newest_live_of_sites
select distinct on (e.site_id) e.seq, t.code as tenant, s.code as site, e.payload
from event e join site s on s.id = e.site_id join tenant t on t.id = e.tenant_id
where e.kind = 'live' and e.seq > $1 order by e.site_id, e.seq desc

-- name: member_day
select series_id, quality, reading_count, covered_us, input_hash, amount, energy_kwh, coal_equivalent_tce,
  coal_equal_tce, emission_direct_tco2e, emission_purchased_tco2e
from park_result where member_code = $1 and site_code = $2 and carrier = '' and grain = $3 and ts = $4

-- name: answer_lock_plants
select pg_advisory_xact_lock(hashtext('nengtan.plants'), current_tenant())
