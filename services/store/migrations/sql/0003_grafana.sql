-- What Grafana reads: one database role per tenant, and barrier views that show it that tenant alone.
--
-- The tenant follows from current_user, not from a setting: whoever edits a panel writes any SQL, and
-- could set a setting. Views are owned by nengtan_admin; the roles of tenants are members of
-- nengtan_grafana and may read these views and nothing else.

do $$
begin
  if not exists (select from pg_roles where rolname = 'nengtan_grafana') then
    create role nengtan_grafana nologin nosuperuser nobypassrls nocreatedb nocreaterole;
  end if;
end $$;

create table grafana_role (
  role_name text primary key check (role_name ~ '^nengtan_grafana_[0-9]+$'),
  tenant_id integer not null references tenant
);
comment on table grafana_role is 'Which tenant a database role of Grafana sees.';

create table grafana_carrier (
  tenant_id integer not null references tenant,
  code text not null,
  name_zh text not null,
  name_en text not null,
  primary key (tenant_id, code)
);
comment on table grafana_carrier is 'Names of energy carriers for panels, written when the role of a tenant is made.';

do $$
declare table_name text;
begin
  foreach table_name in array array['grafana_role', 'grafana_carrier']
  loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format('create policy tenant_only on %I using (tenant_id = current_tenant())', table_name);
    execute format('create policy service on %I to nengtan_admin, nengtan_ingest, nengtan_worker '
                   'using (true) with check (true)', table_name);
  end loop;
end $$;
grant select, insert, update, delete on grafana_role, grafana_carrier to nengtan_admin;

-- ---------------------------------------------------------------- what there is

create view grafana_site with (security_barrier) as
  select si.code as site, v.document #>> '{name,zh}' as name_zh, v.document #>> '{name,en}' as name_en,
         concat_ws(' ', v.document #>> '{name,zh}', v.document #>> '{name,en}') as label,
         si.time_zone, si.base_interval_us
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join lateral (
    select p.document from plant_version p where p.site_id = si.id order by p.version desc limit 1
  ) v on true
  where g.role_name = current_user;
comment on view grafana_site is 'Sites, as their newest descriptions call them.';

create view grafana_node with (security_barrier) as
  select si.code as site, n.part ->> 'code' as node, n.part #>> '{name,zh}' as name_zh,
         n.part #>> '{name,en}' as name_en,
         concat_ws(' ', n.part #>> '{name,zh}', n.part #>> '{name,en}') as label,
         n.part ->> 'kind' as kind, n.part ->> 'parent' as parent
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join lateral (
    select p.document from plant_version p where p.site_id = si.id order by p.version desc limit 1
  ) v on true
  cross join lateral jsonb_array_elements(v.document -> 'nodes') as n (part)
  where g.role_name = current_user;
comment on view grafana_node is 'The boundary tree of each site.';

create view grafana_flow with (security_barrier) as
  select si.code as site, f.part ->> 'code' as flow, f.part ->> 'from' as from_node, f.part ->> 'to' as to_node,
         f.part ->> 'carrier' as carrier, coalesce(c.name_zh, f.part ->> 'carrier') as carrier_zh,
         coalesce(c.name_en, f.part ->> 'carrier') as carrier_en,
         coalesce(nullif(concat_ws(' ', c.name_zh, c.name_en), ''), f.part ->> 'carrier') as carrier_label,
         coalesce(nullif(concat_ws(' ', f.part #>> '{name,zh}', f.part #>> '{name,en}'), ''), f.part ->> 'code')
           as label,
         s.id as series_id
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join lateral (
    select p.document from plant_version p where p.site_id = si.id order by p.version desc limit 1
  ) v on true
  cross join lateral jsonb_array_elements(v.document -> 'flows') as f (part)
  join series s on s.site_id = si.id and s.kind = 'flow' and s.code = f.part ->> 'code'
    and s.carrier = f.part ->> 'carrier'
  left join grafana_carrier c on c.tenant_id = g.tenant_id and c.code = f.part ->> 'carrier'
  where g.role_name = current_user;
comment on view grafana_flow is 'The flows between nodes, with the series that measures each.';

create view grafana_product with (security_barrier) as
  select si.code as site, p.part ->> 'code' as product, p.part #>> '{name,zh}' as name_zh,
         p.part #>> '{name,en}' as name_en,
         concat_ws(' ', p.part #>> '{name,zh}', p.part #>> '{name,en}') as label,
         p.part ->> 'unit' as unit, p.part ->> 'node' as node, made.id as made_series_id, node.id as node_series_id
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join lateral (
    select p.document from plant_version p where p.site_id = si.id order by p.version desc limit 1
  ) v on true
  cross join lateral jsonb_array_elements(v.document -> 'products') as p (part)
  join series made on made.site_id = si.id and made.kind = 'product' and made.code = p.part ->> 'code'
  join series node on node.site_id = si.id and node.kind = 'node' and node.code = p.part ->> 'node'
    and node.carrier = ''
  where g.role_name = current_user;
comment on view grafana_product is 'What is made, by which node: the two series of its intensity.';

create view grafana_series with (security_barrier) as
  select si.code as site, s.id as series_id, s.kind, s.code, s.carrier,
         coalesce(c.name_zh, s.carrier) as carrier_zh, coalesce(c.name_en, s.carrier) as carrier_en,
         coalesce(nullif(concat_ws(' ', c.name_zh, c.name_en), ''), s.carrier) as carrier_label,
         s.unit, s.is_root
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join series s on s.site_id = si.id
  left join grafana_carrier c on c.tenant_id = g.tenant_id and c.code = s.carrier
  where g.role_name = current_user;
comment on view grafana_series is 'What results are of: points, flows, nodes by carrier and in all, residuals, products.';

-- ---------------------------------------------------------------- numbers

-- What lacks a factor is NaN, so that a sum over it is NaN, not too small; what is missing is null.
create view grafana_result with (security_barrier) as
  select r.ts, r.grain, si.code as site, s.id as series_id, s.kind, s.code, s.carrier, s.unit, s.is_root,
         r.amount,
         case when r.quality & 2097152 <> 0 then coalesce(r.energy_kwh, 'NaN') else r.energy_kwh end as energy_kwh,
         case when r.quality & 2097152 <> 0 then coalesce(r.coal_equivalent_tce, 'NaN')
              else r.coal_equivalent_tce end as coal_equivalent_tce,
         case when r.quality & 2097152 <> 0 then coalesce(r.coal_equal_tce, 'NaN')
              else r.coal_equal_tce end as coal_equal_tce,
         case when r.quality & 2097152 <> 0 then coalesce(r.emission_direct_tco2e, 'NaN')
              else r.emission_direct_tco2e end as emission_direct_tco2e,
         case when r.quality & 2097152 <> 0 then coalesce(r.emission_purchased_tco2e, 'NaN')
              else r.emission_purchased_tco2e end as emission_purchased_tco2e,
         case when r.quality & 2097152 <> 0 then coalesce(r.emission_direct_tco2e + r.emission_purchased_tco2e, 'NaN')
              else r.emission_direct_tco2e + r.emission_purchased_tco2e end as emission_total_tco2e,
         r.quality,
         case when r.quality & 10878977 <> 0 or r.quality & 12288 = 8192 then 2
              when r.quality <> 0 then 1 else 0 end as grade,
         r.reading_count, r.covered_us, si.base_interval_us
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join series s on s.site_id = si.id
  join result r on r.series_id = s.id
  where g.role_name = current_user;
comment on view grafana_result is 'Results by interval: grain 0 base interval, 1 hour, 2 day, 3 month.';
comment on column grafana_result.grade is '0 good, 1 uncertain, 2 bad.';

create view grafana_reading with (security_barrier) as
  select r.ts, r.received_at, si.code as site, p.code as point, p.unit, r.value, r.quality
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join point p on p.site_id = si.id
  join reading r on r.point_id = p.id
  where g.role_name = current_user;
comment on view grafana_reading is 'Readings as they were received. Give a short span of ts: there are many.';

-- ---------------------------------------------------------------- data quality and health

create view grafana_point with (security_barrier) as
  select si.code as site, p.code as point, p.meter_code as meter, gw.code as gateway, gw.class as gateway_class,
         p.kind, p.unit, p.active, ps.first_ts, ps.last_ts, ps.last_value, ps.last_quality,
         extract(epoch from now() - ps.last_ts)::double precision as age_s
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join point p on p.site_id = si.id
  join gateway gw on gw.id = p.gateway_id
  left join point_state ps on ps.point_id = p.id
  where g.role_name = current_user;
comment on view grafana_point is 'Points with their last reading.';

create view grafana_received with (security_barrier) as
  select h.hour, si.code as site, gw.code as gateway, gw.class as gateway_class, h.received, h.stored,
         h.duplicate, h.conflict, h.quarantined
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join gateway gw on gw.site_id = si.id
  join ingest_hour h on h.gateway_id = gw.id
  where g.role_name = current_user;
comment on view grafana_received is 'Readings by what became of them, per gateway and hour of receipt.';

create view grafana_quarantine with (security_barrier) as
  select q.received_at, si.code as site, gw.code as gateway, i.item, i.code, i.detail, i.state
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join gateway gw on gw.site_id = si.id
  join quarantine q on q.gateway_id = gw.id
  join quarantine_item i on i.quarantine_id = q.id
  where g.role_name = current_user;
comment on view grafana_quarantine is 'What could not be taken, and why.';

create view grafana_conflict with (security_barrier) as
  select x.ts, si.code as site, p.code as point, p.unit, x.kept_value, x.value, x.received_at, x.reviewed_at
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join point p on p.site_id = si.id
  join conflict x on x.point_id = p.id
  where g.role_name = current_user;
comment on view grafana_conflict is 'Second values for an instant, beside those that were kept.';

create view grafana_gap with (security_barrier) as
  select si.code as site, gw.code as gateway, q.epoch, lower(hole) as first_seq, upper(hole) - 1 as last_seq,
         upper(hole) - lower(hole) as message_count, q.last_received_at
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join gateway gw on gw.site_id = si.id
  join gateway_sequence q on q.gateway_id = gw.id
  cross join lateral unnest(int8multirange(int8range(1, upper(q.received))) - q.received) as hole
  where g.role_name = current_user;
comment on view grafana_gap is 'Messages that a gateway numbered and the centre has not seen.';

create view grafana_health with (security_barrier) as
  select si.code as site, received.at as received_at, reading.last_ts as newest_reading_at,
         reading.point_count, reading.silent_count, computed.ts as computed_interval_at,
         computed.computed_at, waiting.mark_count
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  cross join lateral (
    select max(q.last_received_at) as at from gateway gw join gateway_sequence q on q.gateway_id = gw.id
    where gw.site_id = si.id
  ) received
  cross join lateral (
    select max(ps.last_ts) as last_ts, count(*) as point_count,
           count(*) filter (where ps.point_id is null) as silent_count
    from point p left join point_state ps on ps.point_id = p.id
    where p.site_id = si.id and p.active
  ) reading
  left join lateral (
    select v.ts, v.computed_at from provenance v where v.site_id = si.id order by v.ts desc limit 1
  ) computed on true
  cross join lateral (select count(*) as mark_count from dirty d where d.site_id = si.id) waiting
  where g.role_name = current_user;
comment on view grafana_health is 'Per site: when data last came, how far results reach, and what waits to be computed.';

do $$
declare view_name text;
begin
  foreach view_name in array array['grafana_site', 'grafana_node', 'grafana_flow', 'grafana_product',
    'grafana_series', 'grafana_result', 'grafana_reading', 'grafana_point', 'grafana_received',
    'grafana_quarantine', 'grafana_conflict', 'grafana_gap', 'grafana_health']
  loop
    execute format('alter view %I owner to nengtan_admin', view_name);
    execute format('grant select on %I to nengtan_grafana', view_name);
  end loop;
end $$;
grant usage on schema public to nengtan_grafana;
