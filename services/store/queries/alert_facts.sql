-- name: alert_point_ages
select p.code, g.code as gateway, coalesce(ps.last_ts, p.valid_from) as since
from point p join gateway g on g.id = p.gateway_id left join point_state ps on ps.point_id = p.id
where p.site_id = $1 and p.active and p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2)
  and g.class <> 'import'

-- name: alert_frozen
select distinct s.code from finding f join series s on s.id = f.series_id
where f.site_id = $1 and f.ts >= $2 and f.check_name = 'frozen' and s.kind = 'point'

-- name: alert_received
with counted as (
  select g.code as gateway, h.received, h.quarantined,
         least(1.0, extract(epoch from h.hour + interval '2 hours' - $2::timestamptz) / 3600.0)::float8 as share
  from ingest_hour h join gateway g on g.id = h.gateway_id
  where g.site_id = $1 and h.hour > $2::timestamptz - interval '2 hours' and h.hour <= $2
)
select gateway, sum(received * share) as received, sum(quarantined * share) as quarantined
from counted group by gateway

-- name: alert_gaps
select g.code as gateway, min(q.gap_since) as since
from gateway g left join gateway_sequence q on q.gateway_id = g.id
where g.site_id = $1 and g.active and g.class <> 'import' group by g.code

-- name: alert_suspects
with newest as (
  select ts, network_id from balance where site_id = $1 and grain = $2 and ts >= $3 order by ts desc limit 1
)
select k.ts, n.document, b.place, b.z
from newest k join balance_network n on n.id = k.network_id
left join balance_suspect b on b.site_id = $1 and b.grain = $2 and b.ts = k.ts

-- name: alert_newest_balance
select b.measured_kwh, b.sigma_kwh, n.document
from balance b join balance_network n on n.id = b.network_id
where b.site_id = $1 and b.grain = $2 and b.ts >= $3 order by b.ts desc limit 1

-- name: alert_site_lag
select min(marked_at) as since from dirty where site_id = $1

-- name: alert_service_lag
select min(marked_at) as since from dirty

-- name: service_state_put
insert into service_state (name, at, detail) values ($1, $2, $3)
on conflict (name) do update set at = excluded.at, detail = excluded.detail

-- name: service_state
select at, detail from service_state where name = $1
