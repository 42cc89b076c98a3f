-- What panels and variables ask, of the views that the role of a tenant sees. ${…} and $__… are
-- Grafana's; @column is the quantity a panel shows, @links the query of that name.

-- name: variable_site
select label as __text, site as __value from grafana_site order by site

-- name: variable_node
select label as __text, node as __value from grafana_node
where site = ${site:sqlstring} and kind not in ('source', 'delivery') order by node

-- name: variable_carrier
select distinct carrier_label as __text, carrier as __value from grafana_series
where site = ${site:sqlstring} and kind = 'node' and is_root and carrier <> '' order by carrier

-- name: variable_point
select point as __text, point as __value from grafana_point
where site = ${site:sqlstring} and active order by point

-- name: site_total
select nullif(sum(@column), 'NaN') as "@column" from grafana_result
where site = ${site:sqlstring} and kind = 'node' and is_root and carrier = ''
  and grain = $interval and $__timeFilter(ts)

-- name: site_covered_share
select sum(covered_us)::double precision / nullif(sum(base_interval_us), 0) as covered_share from grafana_result
where site = ${site:sqlstring} and kind = 'node' and is_root and carrier = ''
  and grain = 0 and $__timeFilter(ts)

-- name: site_by_carrier
select r.ts as "time", s.carrier_label as metric, nullif(r.@column, 'NaN') as value
from grafana_result r join grafana_series s on s.series_id = r.series_id
where r.site = ${site:sqlstring} and r.kind = 'node' and r.is_root and r.carrier in (${carrier:sqlstring})
  and r.grain = $interval and $__timeFilter(r.ts)
order by r.ts, metric

-- name: site_carriers
select s.carrier_label as carrier, sum(r.amount) as amount, max(r.unit) as unit,
       nullif(sum(r.energy_kwh), 'NaN') as energy_kwh,
       nullif(sum(r.coal_equivalent_tce), 'NaN') as coal_equivalent_tce,
       nullif(sum(r.coal_equal_tce), 'NaN') as coal_equal_tce,
       nullif(sum(r.emission_total_tco2e), 'NaN') as emission_total_tco2e
from grafana_result r join grafana_series s on s.series_id = r.series_id
where r.site = ${site:sqlstring} and r.kind = 'node' and r.is_root and r.carrier in (${carrier:sqlstring})
  and r.grain = $interval and $__timeFilter(r.ts)
group by s.carrier_label order by s.carrier_label

-- name: site_emission
select ts as "time", nullif(emission_direct_tco2e, 'NaN') as emission_direct_tco2e,
       nullif(emission_purchased_tco2e, 'NaN') as emission_purchased_tco2e
from grafana_result
where site = ${site:sqlstring} and kind = 'node' and is_root and carrier = ''
  and grain = $interval and $__timeFilter(ts)
order by ts

-- name: site_intensity
select ts as "time", nullif(1000 * emission_total_tco2e, 'NaN') / nullif(nullif(energy_kwh, 'NaN'), 0) as "kgCO2e/kWh"
from grafana_result
where site = ${site:sqlstring} and kind = 'node' and is_root and carrier = ''
  and grain = $interval and $__timeFilter(ts)
order by ts

-- name: node_over_time
select r.ts as "time", n.label as metric, nullif(r.@column, 'NaN') as value
from grafana_result r join grafana_node n on n.site = r.site and n.node = r.code
where r.site = ${site:sqlstring} and r.kind = 'node' and r.carrier = '' and r.code in (${node:sqlstring})
  and r.grain = $interval and $__timeFilter(r.ts)
order by r.ts, metric

-- name: node_totals
select n.label as node, nullif(sum(r.energy_kwh), 'NaN') as energy_kwh,
       nullif(sum(r.coal_equivalent_tce), 'NaN') as coal_equivalent_tce,
       nullif(sum(r.coal_equal_tce), 'NaN') as coal_equal_tce,
       nullif(sum(r.emission_total_tco2e), 'NaN') as emission_total_tco2e,
       max(r.grade) as grade
from grafana_result r join grafana_node n on n.site = r.site and n.node = r.code
where r.site = ${site:sqlstring} and r.kind = 'node' and r.carrier = '' and r.code in (${node:sqlstring})
  and r.grain = $interval and $__timeFilter(r.ts)
group by n.label order by coal_equivalent_tce desc nulls last

-- name: product_over_time
select r.ts as "time", p.label || ' [' || p.unit || ']' as metric, r.amount as value
from grafana_product p join grafana_result r on r.series_id = p.made_series_id
where p.site = ${site:sqlstring} and r.grain = $interval and $__timeFilter(r.ts)
order by r.ts, metric

-- name: product_intensity_over_time
select made.ts as "time", p.label || ' [kgce/' || p.unit || ']' as metric,
       nullif(1000 * used.coal_equivalent_tce, 'NaN') / nullif(made.amount, 0) as value
from grafana_product p
join grafana_result made on made.series_id = p.made_series_id
join grafana_result used on used.series_id = p.node_series_id and used.grain = made.grain and used.ts = made.ts
where p.site = ${site:sqlstring} and made.grain = $interval and $__timeFilter(made.ts) and $__timeFilter(used.ts)
order by made.ts, metric

-- name: product_totals
with made as (
  select p.product, p.label, p.unit, p.node, p.node_series_id, sum(r.amount) as amount
  from grafana_product p join grafana_result r on r.series_id = p.made_series_id
  where p.site = ${site:sqlstring} and r.grain = $interval and $__timeFilter(r.ts)
  group by p.product, p.label, p.unit, p.node, p.node_series_id
)
select made.label as product, made.amount as product_amount, made.unit,
       nullif(1000 * sum(r.coal_equivalent_tce), 'NaN') / nullif(made.amount, 0) as kgce_per_unit,
       nullif(1000 * sum(r.emission_total_tco2e), 'NaN') / nullif(made.amount, 0) as kgco2e_per_unit
from made join grafana_result r on r.series_id = made.node_series_id
where r.grain = $interval and $__timeFilter(r.ts)
group by made.product, made.label, made.unit, made.amount order by made.label

-- name: links
select f.flow, f.label, f.carrier_label,
       case when sum(r.${quantity:raw}) < 0 then f.to_node else f.from_node end as source,
       case when sum(r.${quantity:raw}) < 0 then f.from_node else f.to_node end as target,
       abs(nullif(sum(r.${quantity:raw}), 'NaN')) as value, max(r.grade) as grade
from grafana_flow f join grafana_result r on r.series_id = f.series_id
where f.site = ${site:sqlstring} and r.grain = $interval and $__timeFilter(r.ts)
group by f.flow, f.label, f.carrier_label, f.from_node, f.to_node

-- name: graph_nodes
with link as (@links)
select n.node as id, n.name_zh as title, n.name_en as subtitle,
       (select sum(value) from link where target = n.node) as mainstat,
       (select sum(value) from link where source = n.node) as secondarystat
from grafana_node n
where n.site = ${site:sqlstring}
  and exists (select from link where n.node in (source, target))
order by n.node

-- name: graph_edges
with link as (@links)
select flow as id, source, target, value as mainstat, carrier_label as secondarystat from link order by flow

-- name: link_table
with link as (@links)
select link.label as flow, source.label as source, target.label as target, carrier_label as carrier, value, grade
from link
join grafana_node source on source.site = ${site:sqlstring} and source.node = link.source
join grafana_node target on target.site = ${site:sqlstring} and target.node = link.target
order by value desc nulls last

-- name: residual_table
select n.label as node, nullif(sum(r.energy_kwh), 'NaN') as residual_kwh, max(r.grade) as grade
from grafana_result r join grafana_node n on n.site = r.site and n.node = r.code
where r.site = ${site:sqlstring} and r.kind = 'residual' and r.grain = $interval and $__timeFilter(r.ts)
group by n.label order by abs(sum(r.energy_kwh)) desc nulls last

-- name: received_over_time
select hour as "time", sum(stored) as stored, sum(duplicate) as duplicate, sum(conflict) as conflict,
       sum(quarantined) as quarantined
from grafana_received where site = ${site:sqlstring} and $__timeFilter(hour)
group by hour order by hour

-- name: grades_over_time
select ts as "time", count(*) filter (where grade = 0) as good, count(*) filter (where grade = 1) as uncertain,
       count(*) filter (where grade = 2) as bad
from grafana_result
where site = ${site:sqlstring} and kind = 'point' and grain = $interval and $__timeFilter(ts)
group by ts order by ts

-- name: point_quality
select r.code as point, sum(r.covered_us)::double precision / nullif(sum(r.base_interval_us), 0) as covered_share,
       sum(r.reading_count) as reading_count, count(*) filter (where r.grade = 0) as good,
       count(*) filter (where r.grade = 1) as uncertain, count(*) filter (where r.grade = 2) as bad
from grafana_result r
where r.site = ${site:sqlstring} and r.kind = 'point' and r.grain = 0 and $__timeFilter(r.ts)
group by r.code order by covered_share, r.code

-- name: sequence_gaps
select gateway, epoch, first_seq, last_seq, message_count, last_received_at from grafana_gap
where site = ${site:sqlstring} order by last_received_at desc, first_seq limit 200

-- name: conflicts
select ts, point, unit, kept_value, value, received_at, reviewed_at from grafana_conflict
where site = ${site:sqlstring} and $__timeFilter(received_at) order by received_at desc limit 200

-- name: quarantined
select received_at, gateway, code, detail, state from grafana_quarantine
where site = ${site:sqlstring} and $__timeFilter(received_at) order by received_at desc limit 200

-- name: readings_of_point
select $__timeGroup(ts, $__interval) as "time", avg(value) as mean, min(value) as lowest, max(value) as highest
from grafana_reading where site = ${site:sqlstring} and point = ${point:sqlstring} and $__timeFilter(ts)
group by 1 order by 1

-- name: reading_age
select extract(epoch from now() - newest_reading_at)::double precision as age_s from grafana_health
where site = ${site:sqlstring}

-- name: receipt_age
select extract(epoch from now() - received_at)::double precision as age_s from grafana_health
where site = ${site:sqlstring}

-- name: computing_age
select extract(epoch from now() - computed_at)::double precision as age_s from grafana_health
where site = ${site:sqlstring}

-- name: waiting_marks
select mark_count from grafana_health where site = ${site:sqlstring}

-- name: silent_points
select silent_count from grafana_health where site = ${site:sqlstring}

-- name: received_by_gateway
select hour as "time", gateway as metric, received as value from grafana_received
where site = ${site:sqlstring} and $__timeFilter(hour) order by hour, gateway

-- name: gateways
select gateway, gateway_class, sum(received) as received, sum(stored) as stored,
       sum(duplicate) as duplicate, sum(conflict) as conflict, sum(quarantined) as quarantined, max(hour) as last_hour
from grafana_received where site = ${site:sqlstring} and $__timeFilter(hour)
group by gateway, gateway_class order by gateway

-- name: points
select point, meter, gateway, gateway_class, kind, last_ts, last_value, unit, age_s from grafana_point
where site = ${site:sqlstring} and active order by age_s desc nulls first, point

-- name: node_bars
select n.label as node, nullif(sum(r.@column), 'NaN') as "@column"
from grafana_result r join grafana_node n on n.site = r.site and n.node = r.code
where r.site = ${site:sqlstring} and r.kind = 'node' and r.carrier = '' and not r.is_root
  and r.grain = $interval and $__timeFilter(r.ts)
group by n.label order by 2 desc nulls last limit 30
