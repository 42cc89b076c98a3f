"""What became of messages, as rows: counts, numbers, conflicts, quarantine, dirty marks."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.store import dirty_marks, ledger
from services.store.ledger import Conflict, HourCount, QuarantineItem
from services.store.pool import Connection, Database
from tests.migrated import START, Migrated, SmallPlant, us

pytestmark = [pytest.mark.database]

HOUR = timedelta(hours=1)


@pytest.fixture
def installed(migrated: Migrated) -> Migrated:
    migrated.install(SmallPlant().plant())
    return migrated


@pytest.fixture(scope="module")
def shared_installed(shared_migrated: Migrated) -> Migrated:
    shared_migrated.install(SmallPlant().plant())
    shared_migrated.install(SmallPlant(site="other").plant())
    return shared_migrated


def write(migrated: Migrated, *steps: Callable[[Connection], Awaitable[object]]) -> None:
    """Do each step in a transaction of ingest."""

    async def work(database: Database) -> None:
        for step in steps:
            async with database.transaction() as connection:
                await step(connection)

    migrated.run("nengtan_ingest", work)


def ids(migrated: Migrated) -> tuple[int, int, int]:
    """Return the gateway, the site and the first point."""
    [row] = migrated.rows(
        "select g.id, g.site_id, min(p.id) from gateway g join point p on p.gateway_id = g.id"
        " group by g.id order by g.id limit 1"
    )
    return row[0], row[1], row[2]


class TestAddCounts:
    def test_adds_up_within_the_hour_of_receipt(self, installed: Migrated) -> None:
        gateway, _, _ = ids(installed)
        for minutes in (0, 59, 61):
            at = START + timedelta(minutes=minutes)
            count = HourCount(gateway, stored=1, duplicate=2, conflict=3, quarantined=4)
            write(
                installed,
                lambda c, count=count, at=at: ledger.add_counts(c, [count], received_at=at),  # type: ignore[misc]
            )
        rows = installed.rows(
            "select hour, received, stored, duplicate, conflict, quarantined"
            " from ingest_hour order by hour"
        )
        assert rows == [(START, 20, 2, 4, 6, 8), (START + HOUR, 10, 1, 2, 3, 4)]

    def test_cannot_lose_the_identity_even_by_hand(self, installed: Migrated) -> None:
        gateway, _, _ = ids(installed)
        count = HourCount(gateway, stored=1, duplicate=0, conflict=0, quarantined=0)
        write(installed, lambda c: ledger.add_counts(c, [count], received_at=START))
        with pytest.raises(psycopg.errors.CheckViolation):
            installed.execute("update ingest_hour set stored = 0")


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[tuple[int, int]]]:
    """Return commits of inclusive ranges, which may touch, overlap and come again."""
    span = st.tuples(st.integers(1, 30), st.integers(0, 4)).map(lambda s: (s[0], s[0] + s[1]))
    return draw(st.lists(st.lists(span, min_size=1, max_size=4), min_size=1, max_size=6))


class TestAddSequences:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(commits=arrivals())
    def test_shows_as_gaps_what_is_below_the_highest_and_never_came(
        self, shared_installed: Migrated, commits: list[list[tuple[int, int]]]
    ) -> None:
        gateway, _, _ = ids(shared_installed)
        shared_installed.execute("truncate gateway_sequence")
        seen: set[int] = set()
        for ranges in commits:
            write(
                shared_installed,
                lambda c, r=ranges: ledger.add_sequences(c, [(gateway, "e", r)], received_at=START),  # type: ignore[misc]
            )
            seen |= {number for first, last in ranges for number in range(first, last + 1)}
            gaps = shared_installed.rows("select first_seq, last_seq from sequence_gap")
            missing = [n for first, last in gaps for n in range(first, last + 1)]
            assert sorted(missing) == sorted(set(range(1, max(seen) + 1)) - seen)

    def test_keeps_outboxes_of_a_gateway_apart(self, installed: Migrated) -> None:
        gateway, _, _ = ids(installed)
        seen = [(gateway, "a", [(1, 2)]), (gateway, "b", [(2, 2)])]
        write(installed, lambda c: ledger.add_sequences(c, seen, received_at=START))
        gaps = installed.rows("select epoch, first_seq, last_seq from sequence_gap")
        assert gaps == [("b", 1, 1)]

    def test_takes_the_greatest_number_that_a_message_may_have(self, installed: Migrated) -> None:
        gateway, _, _ = ids(installed)
        seen = [(gateway, "a", [(1, 1), (1 << 53, 1 << 53)])]
        write(installed, lambda c: ledger.add_sequences(c, seen, received_at=START))
        gaps = installed.rows("select first_seq, last_seq from sequence_gap")
        assert gaps == [(2, (1 << 53) - 1)]


class TestAddConflicts:
    def test_lists_each_value_once_also_one_that_is_none(self, installed: Migrated) -> None:
        gateway, _, point = ids(installed)

        def conflict(value: float | None) -> Conflict:
            return Conflict(point, us(START), value, gateway, 1.0)

        for _ in range(2):
            rows = [conflict(2.0), conflict(None), conflict(3.0), conflict(2.0)]
            write(installed, lambda c, rows=rows: ledger.add_conflicts(c, rows, received_at=START))  # type: ignore[misc]
        found = installed.rows("select value, kept_value from conflict order by value")
        assert found == [(2.0, 1.0), (3.0, 1.0), (None, 1.0)]


class TestQuarantine:
    def test_keeps_bytes_once_and_the_first_reason_of_an_item(self, installed: Migrated) -> None:
        gateway, _, _ = ids(installed)
        [(tenant,)] = installed.rows("select id from tenant")
        payload = b"\x00\xff{"

        def put(*items: QuarantineItem) -> Callable[[Connection], Awaitable[object]]:
            return lambda connection: ledger.quarantine(
                connection,
                tenant_id=tenant,
                gateway_id=gateway,
                topic="t",
                payload=payload,
                items=items,
                received_at=START,
            )

        write(
            installed,
            put(QuarantineItem(0, "physics", "a", None)),
            put(QuarantineItem(0, "future", "b", START), QuarantineItem(1, "physics", "c", None)),
        )
        [message] = installed.rows("select payload, sha256, received_count from quarantine")
        assert message == (payload, sha256(payload).digest(), 2)
        items = installed.rows("select item, code, detail from quarantine_item order by item")
        assert items == [(0, "physics", "a"), (1, "physics", "c")]


class TestDirtyMarks:
    def test_are_back_if_the_work_on_them_fails(self, installed: Migrated) -> None:
        _, site, point = ids(installed)
        at = np.array([us(START)])
        points = np.array([point], dtype=np.int32)
        sites = np.array([site], dtype=np.int32)
        for _ in range(3):
            write(
                installed,
                lambda c: ledger.mark_dirty(
                    c, site_ids=sites, point_ids=points, first_us=at, last_us=at + 5
                ),
            )
        write(installed, lambda c: ledger.mark_site_dirty(c, site_id=site, start=START, end=END))

        async def take_and_fail(database: Database) -> None:
            async with database.transaction() as connection:
                await dirty_marks.take_dirty(connection, site_id=site, count_max=10)
                raise ZeroDivisionError

        async def work(database: Database) -> list[dirty_marks.Dirty]:
            with pytest.raises(ZeroDivisionError):
                await take_and_fail(database)
            async with database.transaction() as connection:
                first = await dirty_marks.take_dirty(connection, site_id=site, count_max=2)
            async with database.transaction() as connection:
                assert await dirty_marks.dirty_sites(connection) == [site]
                second = await dirty_marks.take_dirty(connection, site_id=site, count_max=2)
                assert await dirty_marks.dirty_sites(connection) == []
            return [*first, *second]

        marks = installed.run("nengtan_worker", work)
        assert [mark.point_id.tolist() for mark in marks] == [[point], [point], [], [point]]
        assert marks[0].first_us.tolist() == [us(START)]
        assert marks[0].last_us.tolist() == [us(START) + 5]
        assert (int(marks[2].first_us[0]), int(marks[2].last_us[0])) == (us(START), us(END))

    @given(
        marked=st.dictionaries(
            st.tuples(st.integers(0, 1), st.integers(1, 40)),
            st.tuples(st.integers(0, 3), st.integers(0, 5)),
            min_size=1,
            max_size=60,
        )
    )
    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_say_of_each_point_what_it_was_marked_with_however_many_share_it(
        self, shared_installed: Migrated, marked: dict[tuple[int, int], tuple[int, int]]
    ) -> None:
        site_ids = [row[0] for row in shared_installed.rows("select id from site order by id")]
        said = {
            (site_ids[site], point): (us(START) + first, us(START) + first + length)
            for (site, point), (first, length) in marked.items()
        }
        sites, points = (np.array(column, np.int32) for column in zip(*said, strict=True))
        first, last = (np.array(column) for column in zip(*said.values(), strict=True))
        write(
            shared_installed,
            lambda c: ledger.mark_dirty(
                c, site_ids=sites, point_ids=points, first_us=first, last_us=last
            ),
        )

        async def take(database: Database) -> list[tuple[int, dirty_marks.Dirty]]:
            taken = []
            async with database.transaction() as connection:
                for site in site_ids:
                    marks = await dirty_marks.take_dirty(connection, site_id=site, count_max=100)
                    taken += [(site, mark) for mark in marks]
            return taken

        taken = shared_installed.run("nengtan_worker", take)
        found = [
            ((site, point), span)
            for site, mark in taken
            for point, *span in zip(
                mark.point_id.tolist(), mark.first_us.tolist(), mark.last_us.tolist(), strict=True
            )
        ]
        assert len(found) == len(said)
        assert {at: tuple(span) for at, span in found} == said

    @pytest.mark.parametrize(("span_count", "mark_count"), [(1, 1), (3, 3), (50, 1)])
    def test_are_as_few_as_the_spans_or_one_of_the_site(
        self, installed: Migrated, span_count: int, mark_count: int
    ) -> None:
        _, site, _ = ids(installed)
        points = np.arange(1, 101, dtype=np.int32)
        first = us(START) + points.astype(np.int64) % span_count
        write(
            installed,
            lambda c: ledger.mark_dirty(
                c,
                site_ids=np.full(100, site, np.int32),
                point_ids=points,
                first_us=first,
                last_us=first,
            ),
        )
        rows = installed.rows("select cardinality(point_ids), cardinality(start_ts) from dirty")
        assert len(rows) == mark_count
        assert sum(points for points, _ in rows) == 100
        assert {instants for _, instants in rows} == {1 if span_count <= 3 else 100}


END: datetime = START + HOUR
