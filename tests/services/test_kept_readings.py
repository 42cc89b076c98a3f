"""Readings kept from pass to pass: used where they still stand, and nowhere else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from ingest import tick
from ingest.registry import load_registry
from ingest.tick import Worker
from services import kept_readings, window_readings
from services.store import ledger, readings
from services.store.pool import Database
from tests.faults.centre import RECEIVED, drain
from tests.faults.meters import MINUTE, QUARTER, SIX_DIGITS, START
from tests.migrated import Migrated, SmallPlant, take_in, us

pytestmark = [pytest.mark.database]

SECOND = timedelta(seconds=1)
# Read every ten seconds.
FIRST = [(START + 10 * number * SECOND, 2 * number) for number in range(60)]
NEXT = ("P1", START + 10 * MINUTE, 130)
Send = Callable[..., Awaitable[None]]


class Passes:
    """Has one worker compute what is sent, and notes from when on it reads each time."""

    def __init__(self, migrated: Migrated, monkeypatch: pytest.MonkeyPatch) -> None:
        self.migrated = migrated
        self.read_from_us: list[int] = []
        self._plant = SmallPlant(points=[{"code": code, **SIX_DIGITS} for code in ("P1", "P2")])
        self._seq = 0
        migrated.install(self._plant.plant())
        read_window = readings.read_window

        async def noted(connection: Any, **span: Any) -> Any:
            self.read_from_us.append(span["start_us"])
            return await read_window(connection, **span)

        monkeypatch.setattr(readings, "read_window", noted)

    def run(self, work: Callable[[Worker, Send], Awaitable[None]]) -> None:
        """Have work done by one worker."""

        async def both(database: Database) -> None:
            ingest = await Database.open(self.migrated.role_url("nengtan_ingest"))
            registry = await load_registry(ingest)

            async def send(*values: tuple[datetime, int], code: str = "P1") -> None:
                self._seq += 1
                rows = [(code, at, float(kwh)) for at, kwh in values]
                message = self._plant.delivery(rows, seq=self._seq)
                await take_in(ingest, registry, [message], at=RECEIVED)

            try:
                await work(Worker(database), send)
            finally:
                await ingest.close()

        self.migrated.run("nengtan_worker", both)

    def read_after(
        self,
        *sent: tuple[str, datetime, int],
        before: Sequence[tuple[str, datetime, int]] = (),
        meanwhile: Callable[[], Awaitable[None]] | None = None,
    ) -> int:
        """Return from when on the second pass reads, of what is sent after `FIRST` and `before`."""

        async def work(worker: Worker, send: Send) -> None:
            await send(*FIRST)
            for code, at, kwh in before:
                await send((at, kwh), code=code)
            await worker.drain()
            self.read_from_us.clear()
            if meanwhile is not None:
                await meanwhile()
            for code, at, kwh in sent:
                await send((at, kwh), code=code)
            await worker.drain()

        self.run(work)
        return min(self.read_from_us)

    async def mark(self) -> None:
        """Mark the whole site."""
        database = await Database.open(self.migrated.role_url("nengtan_ingest"))
        async with database.transaction() as connection:
            await ledger.mark_site_dirty(
                connection, site_id=1, start=START - QUARTER, end=START + 9 * QUARTER
            )
        await database.close()

    def results(self) -> list[tuple[Any, ...]]:
        """Return every bit that stands."""
        return self.migrated.rows("select r::text from result r order by 1")

    def check(self) -> None:
        """See that everything computed anew gives the same."""
        before = self.results()
        assert before
        self.migrated.execute("truncate result")
        asyncio.run(self.mark())
        drain(self.migrated)
        assert self.results() == before


@pytest.fixture
def passes(migrated: Migrated, monkeypatch: pytest.MonkeyPatch) -> Passes:
    """Return passes of a centre with two registers."""
    return Passes(migrated, monkeypatch)


class TestKeptReadings:
    def test_are_not_read_again(self, passes: Passes) -> None:
        read_us = passes.read_after(NEXT, before=[("P2", START, 5)])
        assert read_us == us(START + 10 * MINUTE)
        passes.check()

    def test_are_read_again_from_the_first_that_is_new(self, passes: Passes) -> None:
        # Late, of another point, and of the same one another value: which is a conflict.
        late = ("P2", START + 3 * MINUTE, 44)
        other = ("P1", START + 4 * MINUTE, 999)
        read_us = passes.read_after(NEXT, late, other, before=[("P2", START, 5)])
        assert read_us == us(START + 3 * MINUTE)
        passes.check()

    def test_go_on_from_quarter_to_quarter(self, passes: Passes) -> None:
        async def work(worker: Worker, send: Send) -> None:
            for number in range(0, 400, 7):
                await send(
                    *((START + 10 * (number + i) * SECOND, 2 * (number + i)) for i in range(7))
                )
                # Every fifth message of the other point is late by up to a quarter.
                late = number - (83 * number) % 90 if number % 5 == 0 else number
                await send((START + (10 * late + 3) * SECOND, late), code="P2")
                await worker.drain()

        passes.run(work)
        passes.check()

    # Within the quarter; and before it, too far for a reading of the quarter to look back.
    @pytest.mark.parametrize("late_s", [301, -141])
    def test_are_not_used_where_another_worker_took_marks(
        self, passes: Passes, late_s: int
    ) -> None:
        begins = START + 2 * QUARTER

        def read(*seconds: int) -> list[tuple[datetime, int]]:
            return [(begins + second * SECOND, 400 + second // 5) for second in seconds]

        async def work(worker: Worker, send: Send) -> None:
            await send(*read(*range(-200, 600, 10)))
            await worker.drain()
            await send(*read(595))
            await worker.drain()
            await send(*read(late_s))
            other = await Database.open(passes.migrated.role_url("nengtan_worker"))
            assert await Worker(other).drain() == 1
            await other.close()
            passes.read_from_us.clear()
            await send(*read(600))
            await worker.drain()

        passes.run(work)
        assert min(passes.read_from_us) < us(begins)
        passes.check()

    def test_are_not_used_for_a_point_that_is_new(self, passes: Passes) -> None:
        assert passes.read_after(("P2", START + 10 * MINUTE, 130)) < us(START)
        passes.check()

    def test_are_not_used_while_more_marks_wait(
        self, passes: Passes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tick, "_MARKS_MAX", 2)
        assert passes.read_after(NEXT, ("P1", START + 11 * MINUTE, 140)) < us(START)
        passes.check()

    def test_are_not_used_after_the_whole_site_was_marked(self, passes: Passes) -> None:
        assert passes.read_after(NEXT, meanwhile=passes.mark) < us(START)
        passes.check()

    @pytest.mark.parametrize("where", [kept_readings, window_readings])
    def test_are_not_kept_where_there_are_too_many(
        self, passes: Passes, monkeypatch: pytest.MonkeyPatch, where: ModuleType
    ) -> None:
        monkeypatch.setattr(where, "READY_MAX", len(FIRST) - 1)
        assert passes.read_after(NEXT) < us(START)
