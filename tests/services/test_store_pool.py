"""Connections: what is refused at the door, whose rows a transaction sees, what a fault means."""

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
from psycopg import sql

from compute.errors import NengtanError
from deploy import admin, supervisor
from deploy.embedded import EmbeddedPostgres
from services.store import topology
from services.store.migrations import newest_revision
from services.store.pool import Database, DatabaseUnavailable, NotStorable, UnfitDatabase
from tests import servers
from tests.migrated import PASSWORD, Migrated, SmallPlant, migrate
from tests.servers import PlainServer

pytestmark = [pytest.mark.database]


def refusal(url: str, *, timeout_s: float = 5.0) -> NengtanError:
    """Return what opening a database is refused with."""

    async def work() -> None:
        await (await Database.open(url, timeout_s=timeout_s)).close()

    with pytest.raises(NengtanError) as caught:
        asyncio.run(work())
    assert "\n" not in str(caught.value)
    return caught.value


class TestOpen:
    def test_says_which_tier_it_found(self, migrated: Migrated, database_server: object) -> None:
        async def tier(database: Database) -> str:
            return database.tier

        tiers = {"timescaledb": "timescaledb apache", "plain": "plain"}
        expected = tiers[getattr(database_server, "tier", "")]
        assert migrated.run("nengtan_ingest", tier).startswith(expected)

    def test_refuses_a_superuser(self, migrated: Migrated) -> None:
        error = refusal(migrated.url)
        assert isinstance(error, UnfitDatabase)
        assert "superuser" in str(error)
        assert "nengtan_ingest" in str(error)

    def test_refuses_a_role_that_bypasses_row_security(self, migrated: Migrated) -> None:
        migrated.execute("alter role nengtan_worker bypassrls")
        try:
            error = refusal(migrated.role_url("nengtan_worker"))
        finally:
            migrated.execute("alter role nengtan_worker nobypassrls")
        assert isinstance(error, UnfitDatabase)
        assert "bypasses row security" in str(error)

    def test_refuses_a_database_without_a_schema(self, database_url: str) -> None:
        error = refusal(database_url)
        assert isinstance(error, UnfitDatabase)
        assert "nengtan database upgrade" in str(error)

    def test_refuses_the_schema_of_another_version(self, migrated: Migrated) -> None:
        migrated.execute("update alembic_version set version_num = '9999'")
        error = refusal(migrated.role_url("nengtan_ingest"))
        assert isinstance(error, UnfitDatabase)
        assert "9999" in str(error)
        assert newest_revision() in str(error)
        assert "nengtan database upgrade" in str(error)

    def test_refuses_commits_that_are_not_durable(self, migrated: Migrated) -> None:
        name = migrated.url.rsplit("/", 1)[1]
        migrated.execute(f"alter database {name} set synchronous_commit = off")
        error = refusal(migrated.role_url("nengtan_ingest"))
        assert isinstance(error, UnfitDatabase)
        assert "synchronous_commit is off" in str(error)

    def test_refuses_a_server_that_trades_safety_for_speed(self) -> None:
        with servers.run_folder(servers.RUNS) as folder:
            server = EmbeddedPostgres(folder, settings={"fsync": "off"})
            server.start()
            url = migrate(server.url()).role_url("nengtan_ingest")
            error = refusal(url)
            server.stop()
        assert isinstance(error, UnfitDatabase)
        assert "fsync is off" in str(error)

    def test_says_at_once_that_nothing_answers(self) -> None:
        began_s = time.monotonic()
        error = refusal(f"postgresql://nengtan_ingest@127.0.0.1:{supervisor.free_port()}/nengtan")
        assert isinstance(error, DatabaseUnavailable)
        assert "refused" in str(error)
        assert time.monotonic() - began_s < 3

    def test_says_that_the_password_is_wrong(self, migrated: Migrated) -> None:
        error = refusal(migrated.role_url("nengtan_ingest").replace(PASSWORD, "another"))
        assert isinstance(error, DatabaseUnavailable)
        assert "password authentication failed" in str(error)


class TestTransaction:
    PLANTS = (SmallPlant(tenant="one"), SmallPlant(tenant="two"))

    @pytest.fixture
    def two_tenants(self, migrated: Migrated) -> Migrated:
        migrated.install(*(plant.plant() for plant in self.PLANTS))
        return migrated

    def test_shows_a_tenant_its_own_rows_and_none_without_one(self, two_tenants: Migrated) -> None:
        """Over one pooled connection, so that what a transaction leaves behind would show."""
        one, two = (
            two_tenants.rows("select id from tenant where code = %s", code)[0][0]
            for code in ("one", "two")
        )

        async def work() -> list[list[str]]:
            database = await Database.open(two_tenants.role_url("nengtan_api"), size_max=1)
            seen = []
            for tenant_id in (one, None, two, one, None):
                async with database.transaction(tenant_id) as connection:
                    seen.append([code for code, _ in await topology.all_sites(connection)])
            # An error does not leave the tenant behind either.
            with pytest.raises(ZeroDivisionError):
                async with database.transaction(two) as connection:
                    raise ZeroDivisionError
            async with database.transaction() as connection:
                seen.append([code for code, _ in await topology.all_sites(connection)])
            await database.close()
            return seen

        assert asyncio.run(work()) == [["one"], [], ["two"], ["one"], [], []]

    def test_keeps_tenants_apart_while_they_take_turns_on_a_pool(
        self, two_tenants: Migrated
    ) -> None:
        ids: dict[int, str] = dict(two_tenants.rows("select id, code from tenant"))

        async def work(database: Database) -> list[bool]:
            async def look(tenant_id: int) -> bool:
                async with database.transaction(tenant_id) as connection:
                    await asyncio.sleep(0)
                    sites = await topology.all_sites(connection)
                    return [code for code, _ in sites] == [ids[tenant_id]]

            return await asyncio.gather(*(look(tenant_id) for tenant_id in [*ids] * 40))

        assert all(two_tenants.run("nengtan_api", work))

    def test_lets_no_tenant_write_into_another(self, two_tenants: Migrated) -> None:
        ids = {code: number for number, code in two_tenants.rows("select id, code from tenant")}

        async def work(database: Database) -> None:
            async with database.transaction(ids["one"]) as connection:
                await topology.add_change(
                    connection,
                    tenant_id=ids["two"],
                    actor="a@one",
                    action="x",
                    object_kind="x",
                    object_code="x",
                )

        with pytest.raises(Exception, match="row-level security"):
            two_tenants.run("nengtan_api", work)

    def test_says_that_a_value_cannot_be_stored(self, migrated: Migrated) -> None:
        async def work(database: Database) -> None:
            async with database.transaction() as connection:
                await topology.create_tenant(
                    connection, code="x", kind="enterprise", name_zh="\0", name_en="x"
                )

        with pytest.raises(NotStorable):
            migrated.run("nengtan_admin", work)

    def test_shows_one_instant_if_asked(self, two_tenants: Migrated) -> None:
        async def work(database: Database) -> tuple[int, int]:
            async with database.transaction(snapshot=True) as connection:
                before = await topology.all_sites(connection)
                two_tenants.execute(
                    "delete from series",
                    "delete from point",
                    "delete from gateway",
                    "delete from plant_version",
                    "delete from site",
                )
                after = await topology.all_sites(connection)
            return len(before), len(after)

        assert two_tenants.run("nengtan_admin", work) == (2, 2)


class TestAnUnavailableDatabase:
    @pytest.fixture
    def own_server(self) -> Iterator[PlainServer]:
        with servers.run_folder(servers.RUNS) as folder:
            server = PlainServer(folder)
            server.start()
            yield server
            server.stop()

    def test_is_told_as_such_and_comes_back_by_itself(self, own_server: PlainServer) -> None:
        migrated = migrate(servers.create_database(own_server))

        async def look(database: Database, happens: Callable[[], None]) -> None:
            async with database.transaction() as connection:
                await topology.all_sites(connection)
                await asyncio.to_thread(happens)
                await topology.all_sites(connection)

        async def work() -> None:
            database = await Database.open(
                migrated.role_url("nengtan_ingest"), size_max=2, timeout_s=1.0
            )
            with pytest.raises(DatabaseUnavailable):
                await look(database, own_server.kill9)
            with pytest.raises(DatabaseUnavailable):
                async with database.transaction() as connection:
                    await topology.all_sites(connection)
            with pytest.raises(DatabaseUnavailable):
                async with database.listen("nengtan_plant"):
                    pass
            await asyncio.to_thread(own_server.start)
            deadline = time.monotonic() + 20
            while True:
                try:
                    async with database.transaction() as connection:
                        assert await topology.all_sites(connection) == []
                    break
                except DatabaseUnavailable:
                    assert time.monotonic() < deadline
            await database.close()

        asyncio.run(work())

    def test_is_also_one_that_cancels_or_locks_us_out(self, migrated: Migrated) -> None:
        async def work(database: Database, statement: str) -> None:
            async with database.transaction() as connection:
                await connection.execute(sql.SQL(statement))

        for statement in (
            "do $$ begin raise exception using errcode = '57014'; end $$",  # query_canceled
            "do $$ begin raise exception using errcode = '55P03'; end $$",  # lock_not_available
            "do $$ begin raise exception using errcode = '40P01'; end $$",  # deadlock_detected
            "do $$ begin raise exception using errcode = '53100'; end $$",  # disk_full
            "select pg_terminate_backend(pg_backend_pid())",
        ):
            with pytest.raises(DatabaseUnavailable):
                migrated.run("nengtan_ingest", lambda d, s=statement: work(d, s))  # type: ignore[misc]


class TestAdmin:
    def test_gives_passwords_to_service_roles_only(self, migrated: Migrated) -> None:
        with pytest.raises(NengtanError, match="not a service role"):
            asyncio.run(admin.set_role_password(migrated.url, "postgres", "x"))


class TestATaskThatIsCancelled:
    def test_ends_also_in_the_turn_in_which_it_gets_a_connection(self, migrated: Migrated) -> None:
        """It waits for the one connection there is; the cancellation comes so many turns after."""

        async def go_on(database: Database) -> None:
            while True:
                async with database.transaction() as connection:
                    await topology.all_sites(connection)
                await asyncio.sleep(0)

        async def ended(database: Database, turns: int) -> bool:
            async with database.hold():
                task = asyncio.create_task(go_on(database))
                for _ in range(20):
                    await asyncio.sleep(0)
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=2)
            while not task.done():
                task.cancel()
                await asyncio.sleep(0.01)
            return task in done and task.cancelled()

        async def work() -> list[int]:
            database = await Database.open(migrated.role_url("nengtan_worker"), size_max=1)
            try:
                return [turns for turns in range(25) if not await ended(database, turns)]
            finally:
                await database.close()

        assert asyncio.run(work()) == []
