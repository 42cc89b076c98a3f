"""The worker: wakes at the bell, computes what is dirty, and lets no site hold up another."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ingest.tick import Worker
from services.store.pool import Database
from tests import servers
from tests.migrated import START, Migrated, SmallPlant, migrate
from tests.servers import PlainServer

pytestmark = [pytest.mark.database]

NOW = START + timedelta(days=2)
REGISTER = {"code": "P1", "kind": "register", "unit": "kWh"}


def plant(tenant: str = "acme", **more: object) -> SmallPlant:
    return SmallPlant(tenant=tenant, points=[{**REGISTER, **more}])


def send(migrated: Migrated, sender: SmallPlant, *, first: int, last: int) -> None:
    """Take in a register that counts 1 kWh a minute, read every quarter of an hour."""
    quarter = timedelta(minutes=15)
    readings = [("P1", START + n * quarter, 15.0 * n) for n in range(first, last + 1)]
    migrated.ingest([sender.delivery(readings, seq=first + 1)], at=NOW)


def hours(migrated: Migrated, tenant: str = "acme") -> list[float]:
    rows = migrated.rows(
        "select r.amount from result r join series s on s.id = r.series_id"
        " join tenant t on t.id = s.tenant_id where t.code = %s and s.kind = 'flow'"
        " and r.grain = 1 and r.amount is not null order by r.ts",
        tenant,
    )
    return [amount for (amount,) in rows]


def drain(migrated: Migrated) -> int:
    return migrated.run("nengtan_worker", lambda database: Worker(database).drain())


@contextlib.asynccontextmanager
async def at_work(migrated: Migrated) -> AsyncIterator[None]:
    database = await Database.open(migrated.role_url("nengtan_worker"), timeout_s=1.0)
    stop = asyncio.Event()
    task = asyncio.create_task(Worker(database).run(stop))
    # A bell before it listens is not heard.
    listening = (
        "select 1 from pg_stat_activity where datname = current_database()"
        " and query = 'listen nengtan_dirty' and state = 'idle'"
    )
    try:
        async with asyncio.timeout(20):
            while not await asyncio.to_thread(migrated.rows, listening):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)
        await database.close()


async def until_computed(migrated: Migrated, *, timeout_s: float) -> None:
    async with asyncio.timeout(timeout_s):
        while await asyncio.to_thread(migrated.rows, "select 1 from dirty limit 1"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


class TestDrain:
    def test_computes_what_is_dirty_and_then_nothing(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())
        send(migrated, plant(), first=0, last=8)
        assert drain(migrated) == 9
        assert hours(migrated) == [60.0, 60.0]
        assert drain(migrated) == 0

    def test_uses_a_new_description_at_once(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())

        async def work(database: Database) -> None:
            worker = Worker(database)
            await asyncio.to_thread(send, migrated, plant(), first=0, last=4)
            await worker.drain()
            await asyncio.to_thread(migrated.install, plant(multiplier=10).plant())
            await worker.drain()

        migrated.run("nengtan_worker", work)
        assert hours(migrated) == [600.0]

    def test_lets_no_site_that_fails_hold_up_another(self, migrated: Migrated) -> None:
        plants = [plant(tenant) for tenant in ("bad", "good")]
        migrated.install(*(one.plant() for one in plants))
        for one in plants:
            send(migrated, one, first=0, last=4)
        # A region that no table knows: it was known when the description was applied.
        migrated.execute(
            "update plant_version set document = jsonb_set(document, '{region}', '\"999999\"')"
            " where tenant_id = (select id from tenant where code = 'bad')"
        )
        assert drain(migrated) == 5
        assert hours(migrated, "good") == [60.0]
        rows = migrated.rows(
            "select distinct t.code from dirty d join tenant t on t.id = d.tenant_id"
        )
        assert rows == [("bad",)], "its marks stay until it can be computed"
        migrated.execute(
            "update plant_version set document = jsonb_set(document, '{region}', '\"320000\"')"
        )
        drain(migrated)
        assert hours(migrated, "bad") == [60.0]

    def test_tells_it_in_the_event_log_of_the_tenant(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())
        send(migrated, plant(), first=0, last=4)
        drain(migrated)
        rows = migrated.rows(
            "select t.code, e.kind, e.payload ->> 'start' from event e"
            " join tenant t on t.id = e.tenant_id"
        )
        assert rows == [("acme", "results", START.isoformat())]


class TestRun:
    async def test_hears_the_bell(self, migrated: Migrated) -> None:
        await asyncio.to_thread(migrated.install, plant().plant())
        async with at_work(migrated):
            # Not the sweep after five seconds: the bell.
            for first in (0, 4):
                await asyncio.to_thread(send, migrated, plant(), first=first, last=first + 4)
                await until_computed(migrated, timeout_s=3.0)
        assert hours(migrated) == [60.0, 60.0]

    async def test_goes_on_after_the_database_was_away(self) -> None:
        with servers.run_folder(servers.RUNS) as folder:
            server = PlainServer(folder)
            server.start()
            migrated = await asyncio.to_thread(lambda: migrate(servers.create_database(server)))
            await asyncio.to_thread(migrated.install, plant().plant())
            async with at_work(migrated):
                await asyncio.to_thread(server.kill9)
                await asyncio.sleep(0.5)
                await asyncio.to_thread(server.start)
                await asyncio.to_thread(send, migrated, plant(), first=0, last=4)
                await until_computed(migrated, timeout_s=20.0)
            assert hours(migrated) == [60.0]
            server.stop()


async def test_the_work_ends_when_it_is_cancelled_as_the_bell_rings() -> None:
    bell = asyncio.Event()
    worker = Worker.__new__(Worker)
    worker._took_s = 0.0
    task = asyncio.create_task(worker._work(bell))
    await asyncio.sleep(0)
    # Both in one turn of the loop: the wait is over, and so is the task.
    bell.set()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
