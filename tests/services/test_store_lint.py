"""What holds tenants apart, read from the database's own catalogue."""

from collections.abc import Iterator

import psycopg
import pytest

from services.store import roles
from services.store.migrations import upgrade

pytestmark = pytest.mark.database

# Tables without row security: none is granted to a tenant-facing role but alembic_version.
WITHOUT_ROW_SECURITY = {"alembic_version", "reading", "result", "service_state"}
# Of the session's tenant, for the API.
TENANT_VIEWS = {"tenant_reading", "tenant_result", "park_result"}
# Of the tenant of the database role itself, for Grafana, whose users write any SQL.
GRAFANA_VIEWS = {
    "grafana_conflict",
    "grafana_flow",
    "grafana_gap",
    "grafana_health",
    "grafana_node",
    "grafana_point",
    "grafana_product",
    "grafana_quarantine",
    "grafana_reading",
    "grafana_received",
    "grafana_result",
    "grafana_series",
    "grafana_site",
}
BARRIER_VIEWS = TENANT_VIEWS | GRAFANA_VIEWS
# Functions that look across tenants, each for one row and by a name only its owner knows.
SECURITY_DEFINER = {
    "find_account",
    "find_session",
    "find_api_key",
    "last_received",
    "ensure_partitions",
}
OWN_RELATIONS = """
    select c.oid::regclass::text, c.relkind::text, c.relrowsecurity, c.relforcerowsecurity,
           coalesce(c.reloptions, '{}'), c.relispartition
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
"""


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[psycopg.Connection]:
    upgrade(module_database_url)
    with psycopg.connect(module_database_url, autocommit=True) as connection:
        # A month and a week, so that partitions and chunks are looked at too.
        connection.execute("select ensure_partitions('2025-01-01Z', '2025-02-01Z')")
        for table in ("reading", "result"):
            names = {
                "reading": "(ts, received_at, point_id, quality)",
                "result": "(ts, series_id, grain, quality, reading_count, covered_us, input_hash)",
            }[table]
            values = {"reading": "now(), now(), 1, 0", "result": "now(), 1, 0, 0, 0, 0, 0"}[table]
            connection.execute("select ensure_partitions(now(), now())")
            connection.execute(f"insert into {table} {names} values ({values})")
        yield connection


class TestTables:
    def test_force_row_security(self, connection: psycopg.Connection) -> None:
        tables = [row for row in connection.execute(OWN_RELATIONS) if row[1] in {"r", "p"}]
        assert len(tables) > 25
        loose = {
            name
            for name, _, enabled, forced, _, part in tables
            if not (enabled and forced) and not part
        }
        assert loose == WITHOUT_ROW_SECURITY

    def test_have_a_policy_on_the_tenant_for_every_command(
        self, connection: psycopg.Connection
    ) -> None:
        policies = connection.execute(
            "select tablename, policyname, cmd, roles::text[], qual, with_check from pg_policies"
        ).fetchall()
        by_table: dict[str, set[str]] = {}
        for table, name, command, for_roles, condition, check in policies:
            by_table.setdefault(table, set()).add(name)
            assert command == "ALL"
            if name == "tenant_only":
                column = "id" if table == "tenant" else "tenant_id"
                assert condition == f"({column} = current_tenant())"
                assert check is None  # the condition holds for what is written, too
                assert for_roles == ["public"]
            else:
                assert set(for_roles) == set(roles.SERVICE_ROLES) - {"nengtan_api"}
        assert all(names == {"tenant_only", "service"} for names in by_table.values())

    def test_name_the_tenant(self, connection: psycopg.Connection) -> None:
        columns = connection.execute(
            "select table_name from information_schema.columns"
            " where table_schema = 'public' and column_name = 'tenant_id'"
        ).fetchall()
        named = {name for (name,) in columns}
        tables = {row[0] for row in connection.execute(OWN_RELATIONS) if row[2]}
        assert tables - named == {"tenant"}

    def test_are_nobodys_to_materialise(self, connection: psycopg.Connection) -> None:
        kinds = {row[1] for row in connection.execute(OWN_RELATIONS)}
        assert kinds <= {"r", "p", "v"}


class TestViews:
    def test_ask_as_their_caller_or_are_barriers(self, connection: psycopg.Connection) -> None:
        views = {row[0]: row[4] for row in connection.execute(OWN_RELATIONS) if row[1] == "v"}
        barriers = {name for name, options in views.items() if "security_barrier=true" in options}
        assert barriers == BARRIER_VIEWS
        for name, options in views.items():
            assert name in barriers or "security_invoker=true" in options, name

    def test_that_are_barriers_name_the_tenant(self, connection: psycopg.Connection) -> None:
        predicates = dict.fromkeys(TENANT_VIEWS, "current_tenant()")
        predicates |= dict.fromkeys(GRAFANA_VIEWS, "(g.role_name = CURRENT_USER)")
        for name, predicate in predicates.items():
            row = connection.execute("select pg_get_viewdef(%s::regclass)", (name,)).fetchone()
            assert row is not None
            # The whole condition, or a part that everything else is added to.
            condition = row[0].rpartition("WHERE ")[2]
            assert predicate in condition, name
            assert " OR " not in condition, name

    def test_of_grafana_reach_everything_from_the_tenant_of_the_role(
        self, connection: psycopg.Connection
    ) -> None:
        for name in GRAFANA_VIEWS:
            row = connection.execute("select pg_get_viewdef(%s::regclass)", (name,)).fetchone()
            assert row is not None
            assert "JOIN site si ON ((si.tenant_id = g.tenant_id))" in row[0], name
            assert "current_tenant()" not in row[0], name

    def test_are_all_that_grafana_may_touch(self, connection: psycopg.Connection) -> None:
        rights = connection.execute(
            "select c.relname, p.privilege_type from pg_class c cross join aclexplode(c.relacl) p"
            " where p.grantee = 'nengtan_grafana'::regrole"
        ).fetchall()
        assert set(rights) == {(name, "SELECT") for name in GRAFANA_VIEWS}
        public = connection.execute(
            "select c.relname from pg_class c cross join aclexplode(c.relacl) p"
            " where p.grantee = 0 and c.relnamespace = 'public'::regnamespace"
            " and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')"
        ).fetchall()
        assert public == []


class TestRoles:
    def test_are_ordinary(self, connection: psycopg.Connection) -> None:
        rows = connection.execute(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
            " from pg_roles where rolname = any(%s)",
            (list(roles.SERVICE_ROLES),),
        ).fetchall()
        assert {row[0] for row in rows} == set(roles.SERVICE_ROLES)
        assert not any(any(row[1:]) for row in rows)

    def test_own_no_table(self, connection: psycopg.Connection) -> None:
        owned = connection.execute(
            "select relname, relkind::text, relowner::regrole::text from pg_class"
            " where relowner::regrole::text = any(%s)",
            (list(roles.SERVICE_ROLES),),
        ).fetchall()
        assert {name for name, kind, _ in owned if kind != "v"} == set()
        assert {name for name, _, _ in owned} == BARRIER_VIEWS
        assert {owner for _, _, owner in owned} == {"nengtan_admin"}

    def test_are_in_no_other_role(self, connection: psycopg.Connection) -> None:
        count = connection.execute(
            "select count(*) from pg_auth_members where member::regrole::text = any(%s)",
            (list(roles.SERVICE_ROLES),),
        ).fetchone()
        assert count == (0,)

    def test_keep_the_api_from_readings_and_results(self, connection: psycopg.Connection) -> None:
        rows = connection.execute(
            "select c.oid::regclass::text from pg_class c"
            " where c.relkind in ('r', 'p') and (c.relname ~ '^(reading|result)(_|$)'"
            "   or c.relname ~ '^_hyper_|^compress_hyper_')"
            " and has_table_privilege('nengtan_api', c.oid, 'select, insert, update, delete')"
        ).fetchall()
        assert rows == []

    def test_keep_the_api_from_rewriting_the_record(self, connection: psycopg.Connection) -> None:
        for role in ("nengtan_api", "nengtan_admin"):
            for right in ("update", "delete", "truncate"):
                row = connection.execute(
                    "select has_table_privilege(%s, 'change_record', %s)", (role, right)
                ).fetchone()
                assert row == (False,), (role, right)

    def test_make_nothing_in_the_schema(self, connection: psycopg.Connection) -> None:
        for role in roles.SERVICE_ROLES:
            row = connection.execute(
                "select has_schema_privilege(%s, 'public', 'create')", (role,)
            ).fetchone()
            assert row == (False,), role


class TestFunctions:
    def test_that_look_across_tenants_are_named_and_pinned(
        self, connection: psycopg.Connection
    ) -> None:
        rows = connection.execute(
            "select proname, proconfig, has_function_privilege('nengtan_worker', oid, 'execute')"
            " from pg_proc where pronamespace = 'public'::regnamespace and prosecdef"
            " and not exists (select from pg_depend d where d.objid = pg_proc.oid"
            "   and d.deptype = 'e')"
        ).fetchall()
        assert {row[0] for row in rows} <= SECURITY_DEFINER
        for name, settings, worker_may in rows:
            assert "search_path=public, pg_temp" in settings, name
            assert name == "ensure_partitions" or not worker_may, name
