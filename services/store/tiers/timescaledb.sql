-- TimescaleDB, either edition: hypertables. Chunks hold a week: the index of the chunk that is being
-- written must stay in memory.

create table reading (
  ts timestamptz not null,
  received_at timestamptz not null,
  value double precision,
  point_id integer not null,
  quality integer not null
);
create unique index reading_ts_point on reading (ts, point_id);
select create_hypertable('reading', by_range('ts', interval '7 days'), create_default_indexes => false);

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
);
create unique index result_series on result (series_id, grain, ts);
select create_hypertable('result', by_range('ts', interval '30 days'), create_default_indexes => false);

create function ensure_partitions(first_ts timestamptz, last_ts timestamptz) returns void
  language sql as $$ select $$;
comment on function ensure_partitions(timestamptz, timestamptz) is 'Hypertables make their own chunks.';
revoke execute on function ensure_partitions(timestamptz, timestamptz) from public;
grant execute on function ensure_partitions(timestamptz, timestamptz) to nengtan_ingest, nengtan_worker;
