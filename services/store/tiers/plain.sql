-- Plain PostgreSQL: native partitions, one a month, made as data needs them.

create table reading (
  ts timestamptz not null,
  received_at timestamptz not null,
  value double precision,
  point_id integer not null,
  quality integer not null
) partition by range (ts);
create unique index reading_ts_point on reading (ts, point_id);

create table result (
  ts timestamptz not null,
  series_id integer not null,
  grain smallint not null,
  quality integer not null,
  reading_count integer not null,
  covered_us bigint not null,
  input_hash bigint not null,
  amount double precision,
  energy_kwh double precision,
  coal_equivalent_tce double precision,
  coal_equal_tce double precision,
  emission_direct_tco2e double precision,
  emission_purchased_tco2e double precision
) partition by range (ts);
create unique index result_series on result (series_id, grain, ts);

create function ensure_partitions(first_ts timestamptz, last_ts timestamptz) returns void
  language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC'
  as $$
declare month_start timestamptz;
begin
  month_start := date_trunc('month', first_ts, 'UTC');
  while month_start <= last_ts loop
    if to_regclass('reading_' || to_char(month_start at time zone 'UTC', 'YYYYMM')) is null then
      perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
      execute format('create table if not exists %I partition of reading for values from (%L) to (%L)',
        'reading_' || to_char(month_start at time zone 'UTC', 'YYYYMM'), month_start, month_start + interval '1 month');
      execute format('create table if not exists %I partition of result for values from (%L) to (%L)',
        'result_' || to_char(month_start at time zone 'UTC', 'YYYYMM'), month_start, month_start + interval '1 month');
    end if;
    month_start := month_start + interval '1 month';
  end loop;
end $$;
revoke execute on function ensure_partitions(timestamptz, timestamptz) from public;
grant execute on function ensure_partitions(timestamptz, timestamptz) to nengtan_ingest, nengtan_worker;
