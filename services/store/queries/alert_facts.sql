-- name: alert_point_ages
select p.code, p.valid_from, ps.last_ts
from point p left join point_state ps on ps.point_id = p.id
where p.site_id = $1 and p.active and (p.valid_to is null or p.valid_to > $2)

-- name: alert_open_findings
select s.kind, s.code, f.check_name, min(f.ts) as since, max(f.ts) as newest
from finding f join series s on s.id = f.series_id
where f.site_id = $1 and f.ts >= $2 and f.check_name = any($3) group by s.kind, s.code, f.check_name

-- name: alert_received
select g.code as gateway, sum(h.received)::float8 as received, sum(h.quarantined)::float8 as quarantined
from ingest_hour h join gateway g on g.id = h.gateway_id
where g.site_id = $1 and h.hour >= $2 group by g.code

-- name: alert_oldest_mark
select site_id, min(id) as mark from dirty where tenant_id = $1 group by site_id

-- name: alert_suspects
select b.place, b.z, n.document from balance_suspect b
join balance k on k.site_id = b.site_id and k.grain = b.grain and k.ts = b.ts
join balance_network n on n.id = k.network_id
where b.site_id = $1 and b.grain = $2 and b.ts = $3
