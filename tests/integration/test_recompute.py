"""Everything computed again from raw readings: the same bits, watched, killed and gone on with."""

import asyncio
import io
import itertools
import threading
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from rich.console import Console

from deploy.recompute import NothingToRecompute, Progress, Rebuilt, rebuild, watch
from ingest.tick import Worker
from services.store import dirty_marks, ledger, readings
from services.store.pool import Database
from tests.faults.centre import drain, filled, send
from tests.faults.meters import SIX_DIGITS, START, of
from tests.migrated import Migrated, SmallPlant, us

pytestmark = [pytest.mark.database]

DAYS = 40
HOUR = timedelta(hours=1)
READINGS = [(START + number * HOUR, Decimal(7 * number)) for number in range(24 * DAYS + 1)]
SPOIL = (
    "update result set amount = amount + 1 where ts < timestamptz '2025-03-20'",
    "delete from result where ts >= timestamptz '2025-04-01'",
)


def digest(migrated: Migrated) -> object:
    return migrated.rows(
        "select count(*), sum(hashtextextended(r::text, 0)::numeric) from result r"
    )


async def rebuilt(migrated: Migrated, seen: list[Progress], work: asyncio.Event) -> list[Rebuilt]:
    """Rebuild as the command does, a worker at work once `work` is set."""
    admin = await Database.open(migrated.role_url("nengtan_admin"))
    worker = await Database.open(migrated.role_url("nengtan_worker"))

    async def compute() -> None:
        await work.wait()
        await Worker(worker).drain()

    def report(progress: Progress) -> None:
        seen.append(progress)
        work.set()

    try:
        done, _ = await asyncio.gather(
            rebuild(admin, tenant="acme", site=None, first=None, last=None, report=report),
            compute(),
        )
    finally:
        await admin.close()
        await worker.close()
    return done


class TestRecompute:
    def test_gives_back_every_bit_that_was_spoilt(self, migrated: Migrated) -> None:
        filled(migrated, READINGS)
        whole = digest(migrated)
        migrated.execute(*SPOIL)
        assert digest(migrated) != whole
        seen: list[Progress] = []
        [done] = asyncio.run(rebuilt(migrated, seen, asyncio.Event()))
        assert digest(migrated) == whole
        assert not done.is_same, "it says that something had been wrong"
        shares = [progress.share for progress in seen]
        assert shares == sorted(shares)
        assert shares[0] == 0
        assert shares[-1] == 1
        [again] = asyncio.run(rebuilt(migrated, [], asyncio.Event()))
        assert again.is_same
        assert digest(migrated) == whole

    def test_goes_on_where_it_was_killed(self, migrated: Migrated) -> None:
        filled(migrated, READINGS)
        whole = digest(migrated)
        migrated.execute(*SPOIL)

        async def begin_and_die(database: Database) -> None:
            marked = asyncio.Event()
            task = asyncio.ensure_future(
                rebuild(
                    database,
                    tenant="acme",
                    site="main",
                    first=None,
                    last=None,
                    report=lambda _: marked.set(),
                )
            )
            async with asyncio.timeout(60):
                await marked.wait()
            task.cancel()
            await asyncio.wait([task])

        async def one_slice_and_die(database: Database) -> None:
            worker = Worker(database)
            async with database.transaction() as connection:
                [site] = await dirty_marks.dirty_sites(connection)
            await worker._site(site)

        migrated.run("nengtan_admin", begin_and_die)
        migrated.run("nengtan_worker", one_slice_and_die)
        [(start, end)] = migrated.rows("select start_ts[1], end_ts[1] from dirty")
        assert start == START
        assert end == READINGS[-1][0] - timedelta(days=7)
        assert digest(migrated) != whole
        drain(migrated)
        assert digest(migrated) == whole

    def test_does_not_hold_up_what_arrives(self, migrated: Migrated) -> None:
        plant = filled(migrated, READINGS)

        async def ask(database: Database) -> None:
            with pytest.raises(NothingToRecompute, match="acme/nowhere"):
                await rebuild(
                    database,
                    tenant="acme",
                    site="nowhere",
                    first=None,
                    last=None,
                    report=lambda _: None,
                )

        migrated.run("nengtan_admin", ask)
        migrated.execute(
            "insert into dirty (tenant_id, site_id, start_ts, end_ts)"
            f" select tenant_id, id, array[timestamptz '{START}'], array[timestamptz '{START}'"
            f" + interval '{DAYS} days'] from site"
        )
        later = [(READINGS[-1][0] + HOUR, Decimal(7 * len(READINGS)))]
        send(migrated, plant, [of("P1", later)], idle=[0], first_seq=2)

        async def one_pass(database: Database) -> list[dirty_marks.Dirty]:
            async with database.transaction() as connection:
                [site] = await dirty_marks.dirty_sites(connection)
                return await dirty_marks.take_dirty(connection, site_id=site, count_max=400)

        marks = migrated.run("nengtan_worker", one_pass)
        assert [len(mark.point_id) for mark in marks] == [1, 0]
        assert migrated.rows("select end_ts[1] - start_ts[1] from dirty") == [
            (timedelta(days=DAYS - 7),)
        ]

    def test_says_what_it_came_to(self, migrated: Migrated) -> None:
        filled(migrated, READINGS)
        shown = io.StringIO()
        day = date(2025, 3, 20)
        begun = threading.Event()

        def compute() -> None:
            while not migrated.rows("select 1 from dirty"):
                begun.wait(0.1)
            drain(migrated)

        worker = threading.Thread(target=compute)
        worker.start()
        said = watch(
            migrated.role_url("nengtan_admin"),
            Console(file=shown, width=120),
            *("acme", "main", day, day),
        )
        worker.join()
        assert said.startswith("acme/main: 2025-03-20T00:00:00+00:00 – 2025-03-21T00:00:00+00:00")
        assert said.endswith("the same bits")
        assert "100%" in shown.getvalue()


class TestSpansThatOverlap:
    def test_are_computed_once(self, migrated: Migrated) -> None:
        filled(migrated, READINGS)
        day = timedelta(days=1)
        for start, end in ((0, 20), (10, 20), (15, 18), (2, 5)):
            migrated.execute(
                "insert into dirty (tenant_id, site_id, start_ts, end_ts) select tenant_id, id,"
                f" array[timestamptz '{START + start * day}'],"
                f" array[timestamptz '{START + end * day}'] from site"
            )

        async def take_all(database: Database) -> list[tuple[int, int]]:
            taken: list[tuple[int, int]] = []
            while True:
                async with database.transaction() as connection:
                    sites = await dirty_marks.dirty_sites(connection)
                    if not sites:
                        return taken
                    [mark] = await dirty_marks.take_dirty(connection, site_id=sites[0], count_max=9)
                taken.append((int(mark.first_us[0]), int(mark.last_us[0])))

        taken = migrated.run("nengtan_worker", take_all)
        ends = [last for _, last in taken]
        assert ends == sorted(ends, reverse=True)
        assert all(after[1] <= before[0] for before, after in itertools.pairwise(taken))
        assert sum(last - first for first, last in taken) == 20 * 86_400_000_000


class TestMarksThatReachFarBack:
    """As those of an imported history do, which ingest writes while readings arrive."""

    async def passes(self, database: Database) -> list[list[dirty_marks.Dirty]]:
        taken: list[list[dirty_marks.Dirty]] = []
        while True:
            async with database.transaction() as connection:
                sites = await dirty_marks.dirty_sites(connection)
                if not sites:
                    return taken
                taken.append(
                    await dirty_marks.take_dirty(connection, site_id=sites[0], count_max=4)
                )

    def test_are_taken_in_slices_beside_what_arrives(self, migrated: Migrated) -> None:
        """A year of one point, months of another, and an hour ago: all of it, newest first."""
        plant = SmallPlant(points=[{"code": code, **SIX_DIGITS} for code in ("P1", "P2")])
        migrated.install(plant.plant())
        points = [row[0] for row in migrated.rows("select id from point order by code")]
        hour_us, now_us = 3_600_000_000, us(START) + 365 * 24 * 3_600_000_000
        marks = [
            ([points[0], points[1]], [us(START), us(START)], [now_us - hour_us, us(START) + 9]),
            *(
                ([points[1]], [us(START) + day * 24 * hour_us], [us(START) + day * 24 * hour_us])
                for day in (300, 60, 30, 200)
            ),
            ([points[1]], [now_us], [now_us]),
        ]

        async def mark(database: Database) -> None:
            async with database.transaction() as connection:
                for point, first, last in marks:
                    await ledger.mark_dirty(
                        connection,
                        site_ids=np.ones(len(point), dtype=np.int32),
                        point_ids=np.array(point, dtype=np.int32),
                        first_us=np.array(first),
                        last_us=np.array(last),
                    )

        migrated.run("nengtan_ingest", mark)
        taken = migrated.run("nengtan_worker", self.passes)
        assert int(max(part.last_us.max() for part in taken[0])) == now_us
        week_us = 7 * 24 * hour_us
        pieces: dict[int, list[tuple[int, int]]] = {point: [] for point in points}
        for one in taken:
            spans = [
                (int(first), int(last))
                for part in one
                for first, last in zip(part.first_us, part.last_us, strict=True)
            ]
            assert sum(min(last - first, week_us) for first, last in spans) < 3 * week_us
            for part in one:
                for row, point in enumerate(part.point_id.tolist()):
                    pieces[point].append((int(part.first_us[row]), int(part.last_us[row])))
        whole = sorted(pieces[points[0]])
        assert (whole[0][0], whole[-1][1]) == (us(START), now_us - hour_us)
        assert all(b[0] - a[1] == 1 for a, b in itertools.pairwise(whole))
        assert sorted(pieces[points[1]]) == sorted(
            (first[-1], last[-1]) for _, first, last in marks
        )

    def test_pass_over_the_time_in_which_nothing_was_read(self, migrated: Migrated) -> None:
        """A reading a minute for an hour, then one after 400 days: two slices, and not sixty."""
        migrated.install(SmallPlant(points=[{"code": "P1", **SIX_DIGITS}]).plant())
        first_us, minute_us = us(START), 60_000_000
        ts_us = np.append(first_us + minute_us * np.arange(60), first_us + 400 * 1440 * minute_us)
        point = np.array([row[0] for row in migrated.rows("select id from point")], dtype=np.int32)
        columns = readings.ReadingColumns(
            ts_us, np.repeat(point, 61), np.arange(61.0), np.zeros(61, dtype=np.int32)
        )

        async def arrive(database: Database) -> None:
            async with database.transaction() as connection:
                await readings.prepare_span(connection, first_us, int(ts_us[-1]))
                await readings.copy_readings(connection, columns, received_us=us(START))
                await ledger.mark_dirty(
                    connection,
                    site_ids=np.ones(1, dtype=np.int32),
                    point_ids=point,
                    first_us=ts_us[:1],
                    last_us=ts_us[-1:],
                )

        def pieces() -> list[tuple[int, int]]:
            taken = migrated.run("nengtan_worker", self.passes)
            return [(int(part.first_us[0]), int(part.last_us[0])) for one in taken for part in one]

        migrated.run("nengtan_ingest", arrive)
        found = pieces()
        assert len(found) == 2
        assert all(any(first <= at <= last for first, last in found) for at in ts_us.tolist())
        # What a person decided about an instant without a reading counts as much.
        decided_at, last_at = (START + timedelta(days=days) for days in (200, 400))
        migrated.execute(
            *(
                "insert into dirty (tenant_id, site_id, point_ids, start_ts, end_ts) select"
                f" tenant_id, site_id, array[id], array[timestamptz '{first}'],"
                f" array[timestamptz '{last}'] from point"
                for first, last in ((START, last_at), (decided_at, decided_at))
            )
        )
        found = pieces()
        assert (us(decided_at), us(decided_at)) in found
        assert all(any(first <= at <= last for first, last in found) for at in ts_us.tolist())

    @pytest.mark.parametrize("days", [7, 1, 9999])
    def test_end_in_the_same_bits(
        self, migrated: Migrated, monkeypatch: pytest.MonkeyPatch, days: int
    ) -> None:
        filled(migrated, READINGS)
        whole = digest(migrated)
        # As if all had just been taken from a file.
        migrated.execute("delete from result", "delete from point_state")
        monkeypatch.setattr(dirty_marks, "_SLICE", timedelta(days=days))
        migrated.execute(
            "insert into dirty (tenant_id, site_id, point_ids, start_ts, end_ts)"
            f" select tenant_id, site_id, array[id], array[timestamptz '{START}'],"
            f" array[timestamptz '{READINGS[-1][0]}'] from point where code = 'P1'"
        )
        drain(migrated)
        assert digest(migrated) == whole
