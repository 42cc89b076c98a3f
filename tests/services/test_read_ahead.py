"""Readings read ahead of their slice: used where they are still true, and nowhere else."""

import threading
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from ingest.tick import Worker
from services.read_ahead import ReadAhead
from services.site_model import SiteModels
from services.store import dirty_marks, ledger
from services.store.dirty_marks import Dirty
from services.store.pool import Database
from services.window_readings import Ready
from tests.faults.centre import filled, send
from tests.faults.meters import START, of
from tests.migrated import Migrated, us

pytestmark = [pytest.mark.database]

DAYS = 42
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
END = START + timedelta(days=DAYS)
# Every second hour: what comes for the hours between is late.
READINGS = [(START + 2 * n * HOUR, Decimal(20 * n)) for n in range(12 * DAYS + 1)]


async def mark_all(database: Database) -> None:
    async with database.transaction() as connection:
        await ledger.mark_site_dirty(connection, site_id=1, start=START, end=END + DAY)


def point_mark(point: int, at_us: int) -> Dirty:
    return Dirty(np.array([point], dtype=np.int32), np.array([at_us]), np.array([at_us]))


class TestReadAhead:
    async def begun(self, database: Database) -> tuple[ReadAhead, Dirty, int]:
        """Return readings being read ahead, what they are of, and the number of the point."""
        ahead = ReadAhead(database)
        async with database.transaction() as connection:
            taken = await dirty_marks.take_dirty(connection, site_id=1, count_max=9)
            model = await SiteModels().get(connection, 1)
            coming = await dirty_marks.next_slice(connection, 1)
        assert coming is not None
        assert coming.last_us[0] == taken[0].first_us[0] == us(END - WEEK)
        ahead.note(1, taken, 100)
        ahead.begin(model, coming)
        return ahead, coming, model.point_ids()[0]

    def ready(self, migrated: Migrated, *more: timedelta, site_mark: bool = False) -> Ready | None:
        """Return what was read ahead when the next slice is taken with marks of readings."""
        filled(migrated, READINGS)
        migrated.run("nengtan_ingest", mark_all)

        async def work(database: Database) -> Ready | None:
            ahead, _, point = await self.begun(database)
            async with database.transaction() as connection:
                if site_mark:
                    await ledger.mark_site_span(
                        connection, site_id=1, start=END - 2 * WEEK, end=END - WEEK
                    )
                taken = await dirty_marks.take_dirty(connection, site_id=1, count_max=9)
            marks = [point_mark(point, us(START + distance)) for distance in more]
            try:
                return await ahead.taken(1, [*marks, *taken])
            finally:
                await ahead.drop()

        return migrated.run("nengtan_worker", work)

    def test_is_used_for_the_slice_that_comes_next(self, migrated: Migrated) -> None:
        found = self.ready(migrated)
        assert found is not None
        week_us = us(END) - us(END - WEEK)
        assert found.span[0] < us(END - 2 * WEEK)
        assert found.span[1] > us(END - WEEK)
        assert found.span[1] - found.span[0] < 1.1 * week_us
        expected = [us(at) for at, _ in READINGS if found.span[0] <= us(at) < found.span[1]]
        assert sorted(found.columns[0].tolist()) == expected

    def test_is_used_beside_what_arrives_elsewhere(self, migrated: Migrated) -> None:
        assert self.ready(migrated, timedelta(days=DAYS), timedelta(days=1)) is not None

    def test_is_not_used_where_a_reading_came_meanwhile(self, migrated: Migrated) -> None:
        assert self.ready(migrated, timedelta(days=DAYS - 10)) is None

    def test_is_not_used_where_more_was_marked_meanwhile(self, migrated: Migrated) -> None:
        assert self.ready(migrated, site_mark=True) is None

    def test_is_not_begun_where_a_slice_holds_too_much(self, migrated: Migrated) -> None:
        filled(migrated, READINGS)
        migrated.run("nengtan_ingest", mark_all)

        async def work(database: Database) -> Ready | None:
            ahead, coming, _ = await self.begun(database)
            await ahead.drop()
            ahead.note(1, [coming], 10**9)
            async with database.transaction() as connection:
                ahead.begin(await SiteModels().get(connection, 1), coming)
            return await ahead.taken(1, [coming])

        assert migrated.run("nengtan_worker", work) is None


class TestWorker:
    def test_counts_what_comes_late_into_slices_read_ahead(self, migrated: Migrated) -> None:
        plant = filled(migrated, READINGS)
        migrated.run("nengtan_ingest", mark_all)
        slices = [0]

        def store_late(_site_id: int) -> None:
            """Store a reading into the middle of the next slice."""
            slices[0] += 1
            number = 12 * (DAYS - 7 * slices[0]) - 42
            if number < 0:
                return
            at, kwh = READINGS[number]
            late = [(at + HOUR, kwh + 3)]
            thread = threading.Thread(
                target=send,
                args=(migrated, plant, [of("P1", late)]),
                kwargs={"idle": [0], "first_seq": 10 * slices[0]},
            )
            thread.start()
            thread.join()

        migrated.run("nengtan_worker", lambda database: Worker(database, store_late).drain())
        assert slices[0] >= DAYS // 7
        assert not migrated.rows("select 1 from dirty")
        before = migrated.rows(
            "select count(*), sum(hashtextextended(r::text, 0)::numeric) from result r"
        )
        late_count = "select count(*) from reading where mod(extract(hour from ts)::int, 2) = 1"
        assert migrated.rows(late_count) == [(DAYS // 7 - 1,)]
        migrated.execute("truncate result")
        migrated.run("nengtan_ingest", mark_all)
        migrated.run("nengtan_worker", lambda database: Worker(database).drain())
        after = migrated.rows(
            "select count(*), sum(hashtextextended(r::text, 0)::numeric) from result r"
        )
        assert before == after
