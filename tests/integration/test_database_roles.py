"""What the role of the API sees and may do, asked of the database itself, on every tier."""

import psycopg
import pytest

from services.store.pool import Database
from tests.api.installation import Installation

pytestmark = pytest.mark.database


class TestDatabaseRole:
    @pytest.mark.parametrize("tenant", ["a", "none"])
    def test_shows_the_api_no_row_of_another_tenant(
        self, installation: Installation, tenant: str
    ) -> None:
        """Everything that the role may read, asked without any predicate."""
        with psycopg.connect(installation.url("nengtan_api")) as connection:
            relations = connection.execute(
                "select c.relname, exists (select from pg_attribute a where a.attrelid = c.oid"
                " and a.attname = 'tenant_id') from pg_class c"
                " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'p')"
                " and has_table_privilege(c.oid, 'select')"
            ).fetchall()
            assert len(relations) > 20
            if tenant == "a":
                connection.execute(
                    "select set_config('nengtan.tenant', %s, true)", (str(installation.a.id),)
                )
            for name, has_tenant in relations:
                rows = connection.execute(f"select * from {name}").fetchall()
                text = str(rows)
                assert installation.b.word not in text, name
                assert "777.125" not in text, name
                if has_tenant:
                    wanted = {installation.a.id} if tenant == "a" else set()
                    found = connection.execute(f"select distinct tenant_id from {name}").fetchall()
                    assert {row[0] for row in found} <= wanted, name

    @pytest.mark.parametrize(
        "statement",
        [
            "update site set code = 'x' where tenant_id = {b}",
            "delete from session",
            "update account set active = false where tenant_id = {b}",
            "update quarantine_item set state = 'discarded' where tenant_id = {b}",
        ],
    )
    def test_changes_nothing_of_another_tenant(
        self, installation: Installation, statement: str
    ) -> None:
        with psycopg.connect(installation.url("nengtan_api")) as connection:
            connection.execute(
                "select set_config('nengtan.tenant', %s, true)", (str(installation.a.id),)
            )
            statement = statement.format(b=installation.b.id)
            assert connection.execute(statement).rowcount <= 0

    @pytest.mark.parametrize(
        "statement",
        [
            """insert into account (tenant_id, login, display_name, password_hash, roles)
            values ({b}, 'x', 'x', 'x', '{{viewer}}')""",
            """insert into change_record (tenant_id, actor, action, object_kind, object_code)
            values ({b}, 'x', 'x', 'x', 'x')""",
            """insert into dirty (tenant_id, site_id, start_ts, end_ts)
            select {b}, 1, '{{2025-01-01}}', '{{2025-01-02}}'""",
            "update change_record set actor = 'x'",
            "delete from change_record",
            "truncate change_record",
            "select * from reading",
            "select * from result",
            "insert into tenant (code, name_zh, name_en) values ('x', 'x', 'x')",
            "create table public.mine (id integer)",
            "alter table account disable row level security",
            "set role nengtan_admin",
            "set session authorization nengtan_admin",
        ],
    )
    def test_is_refused(self, installation: Installation, statement: str) -> None:
        with psycopg.connect(installation.url("nengtan_api")) as connection:
            connection.execute(
                "select set_config('nengtan.tenant', %s, true)", (str(installation.a.id),)
            )
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.format(b=installation.b.id))

    async def test_forgets_its_tenant_with_the_transaction(
        self, installation: Installation
    ) -> None:
        database = await Database.open(installation.url("nengtan_api"), size_max=1)
        try:
            async with database.transaction(installation.b.id) as connection:
                rows = await connection.execute("select count(*) as n from site")
                assert (await rows.fetchall())[0]["n"] == 1
            with pytest.raises(ZeroDivisionError):
                async with database.transaction(installation.b.id):
                    raise ZeroDivisionError
            async with database.transaction() as connection:
                rows = await connection.execute("select count(*) as n from site")
                assert (await rows.fetchall())[0]["n"] == 0
        finally:
            await database.close()
