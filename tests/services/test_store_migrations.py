"""The schema: drawn, alike on every tier, and safe to make twice and by two at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from deploy import admin
from deploy.embedded import PROJECT
from services.store.migrations import newest_revision
from tests import schema_picture, servers
from tests.migrated import Migrated
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.database]

# What a person would call the schema, by kind; internals of either tier are in other namespaces.
CATALOG = {
    "columns": """
        select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity, pg_get_expr(d.adbin, d.adrelid)
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
          and a.attnum > 0 and not a.attisdropped
    """,
    "constraints": """
        select conrelid::regclass::text, contype, pg_get_constraintdef(oid) from pg_constraint
        where connamespace = 'public'::regnamespace and contype in ('p', 'f', 'u', 'c')
    """,
    "indexes": """
        select tablename, indexname, replace(indexdef, ' ON ONLY ', ' ON ') from pg_indexes
        where schemaname = 'public'
    """,
    "views": """
        select viewname, definition, coalesce(c.reloptions::text, '') from pg_views
        join pg_class c on c.relname = viewname and c.relnamespace = 'public'::regnamespace
        where schemaname = 'public'
    """,
    "row security": """
        select relname, relrowsecurity, relforcerowsecurity from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
    """,
    "policies": """
        select tablename, policyname, permissive, roles::text, cmd, qual, with_check
        from pg_policies where schemaname = 'public'
    """,
    "grants on tables": """
        select c.relname, coalesce(r.rolname, 'public'), p.privilege_type
        from pg_class c cross join aclexplode(c.relacl) p left join pg_roles r on r.oid = p.grantee
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
          and p.grantee <> c.relowner
    """,
    "grants on columns": """
        select c.relname, a.attname, r.rolname, p.privilege_type
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        cross join aclexplode(a.attacl) p join pg_roles r on r.oid = p.grantee
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
    """,
    "functions": """
        select p.oid::regprocedure::text, p.provolatile, p.prorettype::regtype::text,
               coalesce(r.rolname, 'public')
        from pg_proc p
        cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
        left join pg_roles r on r.oid = x.grantee
        where p.pronamespace = 'public'::regnamespace and x.grantee <> p.proowner
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    """,
    "comments": """
        select c.relname, d.objsubid, d.description from pg_description d
        join pg_class c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
    """,
}


def catalog(url: str) -> dict[str, list[str]]:
    """Return every kind of object as sorted text."""
    with psycopg.connect(url) as connection:
        return {
            kind: sorted(str(row) for row in connection.execute(query).fetchall())
            for kind, query in CATALOG.items()
        }


@contextmanager
def migrated_database(server: DatabaseServer) -> Iterator[str]:
    url = servers.create_database(server)
    admin.upgrade_database(url)
    yield url
    servers.drop_database(server, url)


class TestTheSchema:
    def test_looks_like_its_picture(self, plain_server: DatabaseServer) -> None:
        with migrated_database(plain_server) as url:
            drawn = schema_picture.draw(url)
        kept = schema_picture.PICTURE.read_text(encoding="utf-8")
        assert drawn == kept, (
            "services/store/schema.sql is not what the migrations make: "
            "draw it anew with `python -m tests.schema_picture`, and look at the difference"
        )

    @pytest.mark.parametrize("kind", sorted(CATALOG))
    def test_is_the_same_on_every_tier(
        self, timescale_server: DatabaseServer, plain_server: DatabaseServer, kind: str
    ) -> None:
        with migrated_database(timescale_server) as url:
            timescale = catalog(url)[kind]
        with migrated_database(plain_server) as url:
            plain = catalog(url)[kind]
        assert timescale == plain
        assert plain, f"the query finds no {kind} at all"

    def test_holds_every_table_of_a_tenant_under_forced_row_security(
        self, migrated: Migrated
    ) -> None:
        unguarded = migrated.rows(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)"
            " order by 1"
        )
        # The two large ones are read through barrier views alone; the last is the centre's own.
        assert unguarded == [("alembic_version",), ("reading",), ("result",), ("service_state",)]
        reach = migrated.rows(
            "select grantee, table_name from information_schema.role_table_grants"
            " where table_name in ('reading', 'result') and grantee = 'nengtan_api'"
        )
        assert reach == []

    def test_gives_no_role_a_way_around_row_security(self, migrated: Migrated) -> None:
        rows = migrated.rows(
            "select rolname from pg_roles where rolname like 'nengtan\\_%%' escape '\\'"
            " and rolname <> 'nengtan_owner'"
            " and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)"
        )
        assert rows == []
        owned = migrated.rows(
            "select c.relname from pg_class c join pg_roles r on r.oid = c.relowner"
            " where c.relkind in ('r', 'p') and r.rolname in"
            " ('nengtan_admin', 'nengtan_ingest', 'nengtan_worker', 'nengtan_api')"
        )
        assert owned == []


class TestUpgrade:
    def test_twice_changes_nothing(self, migrated: Migrated) -> None:
        before = catalog(migrated.url)
        admin.upgrade_database(migrated.url)
        assert catalog(migrated.url) == before
        assert migrated.rows("select version_num from alembic_version") == [(newest_revision(),)]

    def test_by_two_at_once_succeeds_for_both(self, database_url: str) -> None:
        command = [sys.executable, "-m", "deploy.cli", "database", "upgrade", "--url", database_url]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        processes = [
            subprocess.Popen(
                command,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for _ in range(2)
        ]
        for process in processes:
            told, _ = process.communicate(timeout=60)
            assert process.returncode == 0, told
        with psycopg.connect(database_url) as connection:
            [(count,)] = connection.execute("select count(*) from alembic_version").fetchall()
        assert count == 1

    def test_that_breaks_off_leaves_nothing_behind(self, database_url: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            # In the way of the last file of the step.
            connection.execute("create table tenant_reading ()")
        with pytest.raises(Exception, match="tenant_reading"):
            admin.upgrade_database(database_url)
        with psycopg.connect(database_url, autocommit=True) as connection:
            tables = connection.execute(
                "select tablename from pg_tables where schemaname = 'public' order by 1"
            ).fetchall()
            connection.execute("drop table tenant_reading")
        assert ("tenant",) not in tables
        admin.upgrade_database(database_url)
