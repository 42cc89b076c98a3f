#!/bin/sh
# Run by the database image when it makes the cluster: the roles of the centre, each with the
# password of its secret file. The migrations find them and grant what each may do.
set -eu
for role in nengtan_admin nengtan_ingest nengtan_worker nengtan_api; do
    password=$(cat "/run/secrets/database_$role")
    psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 --quiet \
        --set role="$role" --set password="$password" <<'SQL'
create role :"role" login nosuperuser nobypassrls nocreatedb nocreaterole password :'password';
SQL
done
