-- What could not be computed is marked anew by the worker, which tries it again.
grant insert on dirty to nengtan_worker;

-- What lacks a factor, or could not be computed, is NaN, so that a sum over it is NaN, not too small;
-- what is missing is null, and so is what a series never has: a virtual meter's energy.
create or replace view grafana_result with (security_barrier) as
  select r.ts, r.grain, si.code as site, s.id as series_id, s.kind, s.code, s.carrier, s.unit, s.is_root,
         r.amount,
         case when v.is_invalid then coalesce(r.energy_kwh, 'NaN') else r.energy_kwh end as energy_kwh,
         case when v.is_invalid then coalesce(r.coal_equivalent_tce, 'NaN')
              else r.coal_equivalent_tce end as coal_equivalent_tce,
         case when v.is_invalid then coalesce(r.coal_equal_tce, 'NaN')
              else r.coal_equal_tce end as coal_equal_tce,
         case when v.is_invalid then coalesce(r.emission_direct_tco2e, 'NaN')
              else r.emission_direct_tco2e end as emission_direct_tco2e,
         case when v.is_invalid then coalesce(r.emission_purchased_tco2e, 'NaN')
              else r.emission_purchased_tco2e end as emission_purchased_tco2e,
         case when v.is_invalid then coalesce(r.emission_direct_tco2e + r.emission_purchased_tco2e, 'NaN')
              else r.emission_direct_tco2e + r.emission_purchased_tco2e end as emission_total_tco2e,
         r.quality,
         case when r.quality & 10878977 <> 0 or r.quality & 12288 = 8192 then 2
              when r.quality <> 0 then 1 else 0 end as grade,
         r.reading_count, r.covered_us, si.base_interval_us
  from grafana_role g
  join site si on si.tenant_id = g.tenant_id
  join series s on s.site_id = si.id
  join result r on r.series_id = s.id
  cross join lateral (
    select r.quality & 10485760 <> 0 and s.kind in ('flow', 'node', 'residual') as is_invalid
  ) v
  where g.role_name = current_user;
