"""One process per job, however the other one ended."""

import asyncio
import contextlib
import time

import pytest

from services import lease
from services.lease import LeaseTaken, keep_lease
from services.store.pool import Database
from tests import servers
from tests.migrated import Migrated, migrate
from tests.servers import PlainServer

pytestmark = [pytest.mark.database]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_WAIT_S", 1.0)
    monkeypatch.setattr(lease, "_PING_S", 0.1)


async def taken(database: Database, name: str, *, wait_s: float = 5.0) -> asyncio.Task[None]:
    """Take a lease and return the task that keeps it."""
    held = asyncio.Event()
    task = asyncio.create_task(keep_lease(database, name, held=held))
    waiter = asyncio.create_task(held.wait())
    await asyncio.wait([task, waiter], timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    if task.done():
        task.result()
    assert held.is_set()
    return task


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


class TestKeepLease:
    def test_refuses_a_second_holder_of_the_same_job_alone(self, migrated: Migrated) -> None:
        async def work(database: Database) -> None:
            other = await Database.open(migrated.role_url("nengtan_ingest"))
            first = await taken(database, "ingest a")
            second = await taken(other, "ingest b")
            with pytest.raises(LeaseTaken, match="another process is ingest a: stop it first"):
                await taken(other, "ingest a")
            await end(first)
            third = await taken(other, "ingest a")
            for task in (second, third):
                await end(task)
            await other.close()

        migrated.run("nengtan_ingest", work)

    def test_waits_for_one_that_is_about_to_end(self, migrated: Migrated) -> None:
        async def work(database: Database) -> None:
            first = await taken(database, "job")
            asyncio.get_running_loop().call_later(0.4, first.cancel)
            second = await taken(database, "job")
            # The server may know before the first one has heard it itself.
            await asyncio.wait([first], timeout=5.0)
            assert first.done()
            await end(second)

        migrated.run("nengtan_ingest", work)

    def test_takes_it_from_a_holder_whose_connection_died(
        self, migrated: Migrated, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Longer than it takes to take it, or the first one would have it back before.
        monkeypatch.setattr(lease, "_PING_S", 1.0)

        async def work(database: Database) -> None:
            other = await Database.open(migrated.role_url("nengtan_ingest"))
            first = await taken(other, "job")
            await asyncio.to_thread(
                migrated.rows,
                "select pg_terminate_backend(pid, 10000) from pg_locks where locktype = 'advisory'"
                " and pid <> pg_backend_pid()",
            )
            second = await taken(database, "job")
            # The first one wants it back, and finds that it is gone.
            with pytest.raises(LeaseTaken):
                await asyncio.wait_for(first, 10)
            await end(second)
            await other.close()

        migrated.run("nengtan_ingest", work)

    def test_is_taken_anew_when_the_database_comes_back(self) -> None:
        with servers.run_folder(servers.RUNS) as folder:
            server = PlainServer(folder)
            server.start()
            migrated = migrate(servers.create_database(server))

            def holders() -> int:
                query = "select count(*) from pg_locks where locktype = 'advisory' and granted"
                return int(migrated.rows(query)[0][0])

            async def work() -> None:
                database = await Database.open(migrated.role_url("nengtan_ingest"), timeout_s=1.0)
                task = await taken(database, "job")
                await asyncio.to_thread(server.kill9)
                await asyncio.to_thread(server.start)
                deadline = time.monotonic() + 20
                while await asyncio.to_thread(holders) != 1:
                    assert time.monotonic() < deadline
                    assert not task.done()
                    await asyncio.sleep(0.05)
                await end(task)
                await database.close()

            asyncio.run(work())
            server.stop()
