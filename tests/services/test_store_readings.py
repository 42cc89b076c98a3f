"""Raw readings: the first of an instant stands, and what came second is told."""

import asyncio
import math
from collections.abc import Sequence

import numpy as np
import pytest

from services.store import readings
from services.store.pool import Connection, Database
from services.store.readings import Known, ReadingColumns, ReadingsKnown
from tests.migrated import START, Migrated, us

pytestmark = [pytest.mark.database]

Row = tuple[int, int, float]  # minutes after START, point, value
NAN = math.nan


def columns(rows: Sequence[Row]) -> ReadingColumns:
    ordered = sorted(rows, key=lambda row: (row[0], row[1]))
    return ReadingColumns(
        np.array([us(START) + minute * 60_000_000 for minute, _, _ in ordered], dtype=np.int64),
        np.array([point for _, point, _ in ordered], dtype=np.int32),
        np.array([value for _, _, value in ordered]),
        np.zeros(len(ordered), dtype=np.int32),
    )


async def put(database: Database, rows: Sequence[Row], *, merge: bool) -> Known | None:
    found = columns(rows)
    async with database.transaction() as connection:
        await readings.prepare_span(connection, int(found.ts_us[0]), int(found.ts_us[-1]))
        if merge:
            return await readings.merge_readings(connection, found, received_us=us(START))
        await readings.copy_readings(connection, found, received_us=us(START))
        return None


def stored(migrated: Migrated) -> list[tuple[int, int, float | None]]:
    rows = migrated.rows("select ts, point_id, value from reading order by ts, point_id")
    return [((us(at) - us(START)) // 60_000_000, point, value) for at, point, value in rows]


class TestCopyReadings:
    def test_keeps_every_row_and_a_nan_as_null(self, migrated: Migrated) -> None:
        rows = [(0, 1, 1.5), (0, 2, NAN), (60 * 24 * 70, 1, 2.5)]
        migrated.run("nengtan_ingest", lambda database: put(database, rows, merge=False))
        assert stored(migrated) == [(0, 1, 1.5), (0, 2, None), (60 * 24 * 70, 1, 2.5)]

    def test_stores_nothing_if_one_instant_is_taken(self, migrated: Migrated) -> None:
        async def work(database: Database) -> None:
            await put(database, [(0, 1, 1.0)], merge=False)
            with pytest.raises(ReadingsKnown):
                await put(database, [(0, 2, 1.0), (0, 1, 1.0), (5, 1, 1.0)], merge=False)

        migrated.run("nengtan_ingest", work)
        assert stored(migrated) == [(0, 1, 1.0)]


class TestAMonthThatIsNew:
    def test_holds_up_nobody_while_a_transaction_makes_it_and_goes_on(
        self, migrated: Migrated
    ) -> None:
        async def work(database: Database) -> None:
            await put(database, [(0, 1, 1.0)], merge=False)
            later_us = us(START) + 400 * 86_400_000_000
            async with database.transaction() as long, database.transaction() as other:
                await readings.prepare_span(long, us(START), later_us)
                await other.execute("set local lock_timeout = '2s'")
                found = await (await other.execute("select count(*) from reading")).fetchone()
                assert found == {"count": 1}
                await readings.copy_readings(other, columns([(1, 1, 2.0)]), received_us=us(START))

        migrated.run("nengtan_ingest", work)
        assert stored(migrated) == [(0, 1, 1.0), (1, 1, 2.0)]


class TestMergeReadings:
    @pytest.mark.parametrize(
        ("first", "second", "known"),
        [
            ([(0, 1, 1.0)], [(0, 1, 1.0)], {0: 1.0}),
            ([(0, 1, 1.0)], [(0, 1, 2.0)], {0: 1.0}),
            ([(0, 1, NAN)], [(0, 1, NAN)], {0: NAN}),
            ([(0, 1, NAN)], [(0, 1, 2.0)], {0: NAN}),
            ([(0, 1, 1.0)], [(0, 1, NAN)], {0: 1.0}),
            ([(0, 1, 1.0)], [(0, 2, 1.0)], {}),
            ([(0, 1, 1.0)], [(1, 1, 1.0)], {}),
            ([(5, 1, 1.0), (5, 3, 3.0)], [(0, 1, 9.0), (5, 1, 9.0), (5, 2, 9.0)], {1: 1.0}),
        ],
    )
    def test_stores_what_is_new_and_tells_what_stands(
        self,
        shared_migrated: Migrated,
        first: list[Row],
        second: list[Row],
        known: dict[int, float],
    ) -> None:
        shared_migrated.execute("truncate reading")

        async def work(database: Database) -> Known | None:
            await put(database, first, merge=False)
            return await put(database, second, merge=True)

        found = shared_migrated.run("nengtan_ingest", work)
        assert found is not None
        assert found.position.tolist() == list(known)
        np.testing.assert_array_equal(found.value, list(known.values()))
        kept = {(minute, point): value for minute, point, value in [*second, *first]}
        assert stored(shared_migrated) == [
            (*key, None if math.isnan(value) else value) for key, value in sorted(kept.items())
        ]

    def test_can_be_done_twice_in_one_connection(self, migrated: Migrated) -> None:
        async def work(database: Database) -> list[int]:
            sizes = []
            for minute in (0, 1, 0):
                known = await put(database, [(minute, 1, 1.0)], merge=True)
                assert known is not None
                sizes.append(len(known.position))
            return sizes

        assert migrated.run("nengtan_ingest", work) == [0, 0, 1]


class TestReadNeighbours:
    ROWS = ((0, 1, 1.0), (1, 1, NAN), (2, 1, 2.0), (3, 1, 3.0), (4, 1, 4.0), (2, 2, 9.0))

    def test_passes_over_what_has_no_value_and_counts_per_point(self, migrated: Migrated) -> None:
        async def work(database: Database) -> list[list[tuple[int, int]]]:
            await put(database, self.ROWS, merge=False)
            found = []
            for before in (True, False):
                async with database.transaction() as connection:
                    found.append(await self._neighbours(connection, before=before))
            return found

        before, after = migrated.run("nengtan_ingest", work)
        # Asked for two before (or from) minute 3 of points 1 and 2, and of point 1 at minute 1.
        assert sorted(before) == [(0, 0), (0, 2), (1, 2), (2, 0)]
        assert sorted(after) == [(0, 3), (0, 4), (2, 2), (2, 3)]

    async def _neighbours(self, connection: Connection, *, before: bool) -> list[tuple[int, int]]:
        minute_us = 60_000_000
        instants = [us(START) + minute * minute_us for minute in (3, 3, 1)]
        ts_us, _, _, _, place = await readings.read_neighbours(
            connection,
            point_ids=[1, 2, 1],
            instants_us=instants,
            bounds_us=[us(START) + (minute if before else 4) * minute_us for minute in (0, 1, 0)],
            count=2,
            before=before,
        )
        minutes = ((ts_us - us(START)) // minute_us).tolist()
        return list(zip(place.tolist(), minutes, strict=True))

    def test_looks_no_farther_than_its_bound(self, migrated: Migrated) -> None:
        async def work(database: Database) -> list[int]:
            await put(database, self.ROWS, merge=False)
            found = []
            for before, bound in ((True, 2), (False, 3)):
                async with database.transaction() as connection:
                    ts_us, *_ = await readings.read_neighbours(
                        connection,
                        point_ids=[1],
                        instants_us=[us(START) + 180_000_000],
                        bounds_us=[us(START) + 60_000_000 * bound],
                        count=9,
                        before=before,
                    )
                found += ((ts_us - us(START)) // 60_000_000).tolist()
            return found

        assert migrated.run("nengtan_ingest", work) == [2, 3]

    def test_gives_nothing_for_no_point(self, migrated: Migrated) -> None:
        async def work(database: Database) -> list[int]:
            async with database.transaction() as connection:
                columns = await readings.read_neighbours(
                    connection, point_ids=[], instants_us=[], bounds_us=[], count=2, before=True
                )
            return [len(column) for column in columns]

        assert migrated.run("nengtan_ingest", work) == [0] * 5


class TestPartitions:
    def test_are_made_by_two_at_once(self, migrated: Migrated) -> None:
        """Of the plain tier; hypertables make their own."""
        months = [(minute, 1, 1.0) for minute in range(0, 60 * 24 * 400, 60 * 24 * 20)]

        async def work(database: Database) -> None:
            others = [(minute, 2, value) for minute, _, value in months]
            await asyncio.gather(
                put(database, months, merge=False), put(database, others, merge=False)
            )

        migrated.run("nengtan_ingest", work)
        assert len(stored(migrated)) == 2 * len(months)
