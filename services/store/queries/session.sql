-- name: set_tenant
select set_config('nengtan.tenant', $1, true)

-- name: read_one_instant
set transaction isolation level repeatable read, read only

-- name: commit_without_waiting
set local synchronous_commit = off

-- name: limit_statements
select set_config('statement_timeout', $1, true)

-- name: compute_in_memory
-- A worker reads whole weeks and groups them: helpers would hand each other what one process can hold.
select set_config('max_parallel_workers_per_gather', '0', true), set_config('work_mem', '64MB', true)

-- name: fitness
select current_user as role,
       to_regclass('alembic_version')::text as revision_table,
       current_setting('fsync') as fsync,
       current_setting('full_page_writes') as full_page_writes,
       current_setting('synchronous_commit') as synchronous_commit,
       (select rolsuper from pg_roles where rolname = current_user) as superuser,
       (select rolbypassrls from pg_roles where rolname = current_user) as bypasses_row_security,
       current_setting('timescaledb.license', true) as licence,
       to_regclass('reading') is not null
         and (select relkind from pg_class where oid = to_regclass('reading')) = 'r' as hypertable

-- name: revision
select version_num from alembic_version

-- name: listen_nengtan_dirty
listen nengtan_dirty

-- name: listen_nengtan_event
listen nengtan_event

-- name: listen_nengtan_plant
listen nengtan_plant

-- name: listen_nengtan_alert
listen nengtan_alert

-- name: try_lease
select pg_try_advisory_lock(hashtext(split_part($1, ' ', 1)), hashtext($1)) as taken

-- name: lease_is_held
select exists (
  select from pg_locks where locktype = 'advisory' and granted and objsubid = 2
    and database = (select oid from pg_database where datname = current_database())
    and classid = (hashtext($1)::bigint & 4294967295)::oid
) as held

-- name: release_leases
select pg_advisory_unlock_all()

-- name: stop_listening
unlisten *

-- name: still_there
select 1
