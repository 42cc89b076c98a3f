-- name: set_role_password
alter role {role} password {password}

-- name: database_exists
select 1 from pg_database where datname = %s

-- name: create_database
create database {name}
