-- A table made as a partition locks its parent against everybody until the transaction ends, and the worker's
-- may take minutes; a table that is attached lets them read and write on.
create or replace function ensure_partitions(first_ts timestamptz, last_ts timestamptz) returns void
  language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC'
  as $$
declare
  month_start timestamptz;
  parent text;
  part text;
begin
  month_start := date_trunc('month', first_ts, 'UTC');
  while month_start <= last_ts loop
    foreach parent in array array['reading', 'result'] loop
      part := parent || '_' || to_char(month_start at time zone 'UTC', 'YYYYMM');
      if to_regclass(part) is null then
        perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
        -- Another may have made it while this one waited.
        execute format('create table if not exists %I (like %I including defaults)', part, parent);
        if not exists (select from pg_inherits where inhrelid = part::regclass) then
          execute format('alter table %I attach partition %I for values from (%L) to (%L)',
            parent, part, month_start, month_start + interval '1 month');
        end if;
      end if;
    end loop;
    month_start := month_start + interval '1 month';
  end loop;
end $$;
