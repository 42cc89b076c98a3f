-- name: set_role_password
alter role {role} password {password}

-- name: database_exists
select 1 from pg_database where datname = %s

-- name: create_database
create database {name}

-- name: become_admin
set local role nengtan_admin

-- name: find_tenant_id
select id from tenant where code = %s

-- name: put_grafana_role
insert into grafana_role (role_name, tenant_id) values (%s, %s)
on conflict (role_name) do update set tenant_id = excluded.tenant_id

-- name: put_grafana_carriers
insert into grafana_carrier (tenant_id, code, name_zh, name_en)
select %s, c.code, c.name_zh, c.name_en from unnest(%s::text[], %s::text[], %s::text[]) as c (code, name_zh, name_en)
on conflict (tenant_id, code) do update set name_zh = excluded.name_zh, name_en = excluded.name_en

-- name: become_owner
reset role

-- name: role_exists
select from pg_roles where rolname = %s

-- name: create_grafana_role
create role {role} login nosuperuser nobypassrls nocreatedb nocreaterole noreplication

-- name: limit_grafana_role
alter role {role} connection limit 20;
alter role {role} set default_transaction_read_only = on;
alter role {role} set statement_timeout = '30s';
alter role {role} set lock_timeout = '5s';
alter role {role} set idle_in_transaction_session_timeout = '60s';
alter role {role} set timezone = 'UTC';
alter role {role} set jit = off;
grant nengtan_grafana to {role}
