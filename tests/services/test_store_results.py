"""Derived numbers: upserts that touch only what is different, and leave nothing stale."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from services.store import results
from services.store.pool import Database
from services.store.results import Origin, ResultColumns
from tests.migrated import START, Migrated, SmallPlant, us

pytestmark = [pytest.mark.database]

HOUR_US = 3_600_000_000
NAN = float("nan")
Row = tuple[int, int, float]  # hours after START, series, amount


def columns(rows: Sequence[Row]) -> ResultColumns:
    count = len(rows)
    measures = np.full((count, 6), NAN)
    measures[:, 0] = [amount for _, _, amount in rows]
    return ResultColumns(
        ts_us=np.array([us(START) + hour * HOUR_US for hour, _, _ in rows], dtype=np.int64),
        series_id=np.array([series for _, series, _ in rows], dtype=np.int32),
        quality=np.zeros(count, dtype=np.int32),
        reading_count=np.ones(count, dtype=np.int32),
        covered_us=np.full(count, HOUR_US, dtype=np.int64),
        input_hash=np.full(count, -1, dtype=np.int64),
        measures=measures,
    )


async def put(
    database: Database, rows: Sequence[Row], *, others: Sequence[int] = (), grain: int = 0
) -> None:
    async with database.transaction() as connection:
        await results.put_results(
            connection,
            columns(rows),
            grain=grain,
            others=others,
            span_us=(us(START), us(START) + 3 * HOUR_US),
        )


def stored(migrated: Migrated) -> list[tuple[int, int, float | None]]:
    rows = migrated.rows("select ts, series_id, amount from result order by series_id, ts")
    return [((us(at) - us(START)) // HOUR_US, series, amount) for at, series, amount in rows]


class TestPutResults:
    def test_writes_over_what_stands_there_and_nan_as_null(self, migrated: Migrated) -> None:
        async def work(database: Database) -> None:
            await put(database, [(0, 1, 1.0), (1, 1, 2.0), (0, 2, 3.0)])
            await put(database, [(1, 1, NAN), (0, 2, 4.0)])

        migrated.run("nengtan_worker", work)
        assert stored(migrated) == [(0, 1, 1.0), (1, 1, None), (0, 2, 4.0)]

    def test_does_not_touch_a_row_that_is_the_same(self, migrated: Migrated) -> None:
        rows = [(0, 1, 1.0), (0, 2, NAN), (0, 3, 3.0)]
        migrated.run("nengtan_worker", lambda database: put(database, rows))
        before: dict[int, str] = dict(migrated.rows("select series_id, xmin::text from result"))
        changed = [(0, 1, 1.0), (0, 2, NAN), (0, 3, 4.0)]
        migrated.run("nengtan_worker", lambda database: put(database, changed))
        after: dict[int, str] = dict(migrated.rows("select series_id, xmin::text from result"))
        assert {series for series in before if before[series] != after[series]} == {3}

    def test_deletes_in_the_span_what_others_have_no_more(self, migrated: Migrated) -> None:
        async def work(database: Database) -> None:
            await put(database, [(hour, series, 1.0) for hour in range(4) for series in (1, 2, 3)])
            await put(database, [(0, 1, 1.0), (0, 2, 1.0)], others=[2, 3])

        migrated.run("nengtan_worker", work)
        # Series 1 is not among the others, and hour 3 is not in the span.
        assert stored(migrated) == [
            *((hour, 1, 1.0) for hour in range(4)),
            (0, 2, 1.0),
            (3, 2, 1.0),
            (3, 3, 1.0),
        ]

    def test_deletes_also_where_there_is_nothing_to_write(self, migrated: Migrated) -> None:
        async def work(database: Database) -> None:
            await put(database, [(0, 1, 1.0), (0, 2, 1.0)])
            await put(database, [], others=[2])

        migrated.run("nengtan_worker", work)
        assert stored(migrated) == [(0, 1, 1.0)]

    def test_forgets_what_it_wrote_before_in_the_same_transaction(self, migrated: Migrated) -> None:
        span = (us(START), us(START) + 3 * HOUR_US)

        async def work(database: Database) -> None:
            await put(database, [(0, 2, 1.0)], grain=1)
            async with database.transaction() as connection:
                for grain, rows in ((0, [(0, 2, 1.0)]), (1, [(0, 1, 1.0)])):
                    await results.put_results(
                        connection, columns(rows), grain=grain, others=[2], span_us=span
                    )

        migrated.run("nengtan_worker", work)
        rows = migrated.rows("select grain, series_id from result order by 1, 2")
        assert rows == [(0, 2), (1, 1)]

    def test_keeps_grains_apart(self, migrated: Migrated) -> None:
        async def work(database: Database) -> ResultColumns:
            await put(database, [(0, 1, 1.0)], grain=0)
            await put(database, [(0, 1, 9.0), (1, 1, 8.0)], grain=1)
            async with database.transaction() as connection:
                return await results.read_results(
                    connection,
                    series_ids=[1],
                    grain=1,
                    start_us=us(START),
                    end_us=us(START) + HOUR_US,
                )

        read = migrated.run("nengtan_worker", work)
        # Half-open: the row at the end is not in it.
        assert read.measures[:, 0].tolist() == [9.0]
        assert np.isnan(read.measures[:, 1:]).all()
        assert read.ts_us.tolist() == [us(START)]
        assert read.input_hash.tolist() == [-1]


class TestProvenance:
    def test_is_written_once_and_again_only_if_it_changed(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant().plant())
        [(tenant, site, version)] = migrated.rows(
            "select tenant_id, site_id, id from plant_version"
        )

        async def work(database: Database) -> list[int]:
            sets = []
            for hour, factors, hashed in (
                (0, {"a": 1, "b": [2]}, b"x"),
                (1, {"b": [2], "a": 1}, b"x"),
                (2, {"a": 3}, b"y"),
            ):
                async with database.transaction() as connection:
                    number = await results.put_factor_set(
                        connection, tenant_id=tenant, factors=factors
                    )
                    sets.append(number)
                    await results.put_provenance(
                        connection,
                        site_id=site,
                        ts_us=[us(START)],
                        input_hashes=[hashed],
                        origin=Origin("f/1", number, version, "0"),
                        at=START + timedelta(hours=hour),
                    )
            return sets

        first, same, other = migrated.run("nengtan_worker", work)
        assert first == same != other
        rows = migrated.rows("select input_hash, factor_set_id, computed_at from provenance")
        assert rows == [(b"y", other, START + timedelta(hours=2))]

    def test_of_the_same_origin_keeps_its_first_time(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant().plant())
        [(tenant, site, version)] = migrated.rows(
            "select tenant_id, site_id, id from plant_version"
        )

        async def work(database: Database) -> None:
            for hour in (0, 1):
                async with database.transaction() as connection:
                    number = await results.put_factor_set(connection, tenant_id=tenant, factors={})
                    await results.put_provenance(
                        connection,
                        site_id=site,
                        ts_us=[us(START)],
                        input_hashes=[b"x"],
                        origin=Origin("f/1", number, version, "0"),
                        at=START + timedelta(hours=hour),
                    )

        migrated.run("nengtan_worker", work)
        assert migrated.rows("select computed_at from provenance") == [(START,)]


class TestPointStates:
    def test_widen_and_keep_the_value_of_the_newest(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant().plant())
        [(point,)] = migrated.rows("select min(id) from point")

        async def work(database: Database) -> list[tuple[int, int]]:
            spans = []
            for first, last, value in ((5, 6, 6.0), (1, 2, 2.0), (6, 9, NAN)):
                async with database.transaction() as connection:
                    await results.put_point_states(
                        connection,
                        point_id=np.array([point], dtype=np.int32),
                        first_us=np.array([us(START) + first]),
                        last_us=np.array([us(START) + last]),
                        last_value=np.array([value]),
                        last_quality=np.array([first], dtype=np.int32),
                    )
                    found = await results.point_spans(connection, [point])
                    spans.append(found[point])
            return spans

        begin = us(START)
        assert migrated.run("nengtan_worker", work) == [
            (begin + 5, begin + 6),
            (begin + 1, begin + 6),
            (begin + 1, begin + 9),
        ]
        assert migrated.rows("select last_value, last_quality from point_state") == [(None, 6)]
