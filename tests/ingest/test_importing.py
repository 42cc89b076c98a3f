"""Files of readings: looked at, taken whole, and taken back, beside what gateways send."""

import asyncio
import csv
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from compute.quality import Quality
from ingest.commit import Committer
from ingest.fates import mark_dirty
from ingest.importing import import_due
from ingest.redrive import redrive_due
from ingest.registry import load_registry
from services import clock, energy_query, imports
from services.refusal import NotFound
from services.store.imports import ImportRow, Kind, Policy
from services.store.pool import Database, DatabaseUnavailable
from tests.migrated import START, Migrated, SmallPlant, counts

pytestmark = [pytest.mark.database]

MINUTE = timedelta(minutes=1)
ACTOR = "editor@acme"
READINGS = "from reading r join point p on p.id = r.point_id where p.tenant_id = {t} order by ts"


@dataclass
class Desk:
    """Someone who sends files, with an ingest that works when told to."""

    migrated: Migrated
    runner: asyncio.Runner
    api: Database
    ingest: Database
    folder: Path
    tenant: str
    tenant_id: int
    number: int = 0

    def plant(self, **more: Any) -> SmallPlant:
        return SmallPlant(tenant=self.tenant, **more)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the superuser sees of this tenant: `{t}` stands for its number."""
        return self.migrated.rows(query.replace("{t}", str(self.tenant_id)))

    def upload(self, content: str | bytes, *, kind: Kind = "readings", **options: Any) -> ImportRow:
        """Send a file, and have ingest look at it."""
        self.number += 1
        path = self.folder / f"{self.number}.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        row = self.ask(
            lambda database: imports.upload(
                database,
                tenant_id=self.tenant_id,
                tenant_code=self.tenant,
                actor=ACTOR,
                site="main",
                kind=kind,
                file_name=path.name,
                options=options,
                path=path,
                at=clock.now(),
            )
        )
        return self.work(row)

    def ask(self, work: Any) -> Any:
        """Do something as the API does."""
        return self.runner.run(work(self.api))

    def work(self, row: ImportRow) -> ImportRow:
        """Have ingest do what waits, and look at an import again."""

        async def do() -> None:
            while await import_due(self.ingest):
                pass

        self.runner.run(do())
        return self.find(row)

    def find(self, row: ImportRow) -> ImportRow:
        found: ImportRow = self.ask(
            lambda database: imports.find_import(
                database, tenant_id=self.tenant_id, import_id=row.id
            )
        )
        return found

    def take(self, row: ImportRow, policy: Policy = "all_or_nothing") -> ImportRow:
        self.ask(
            lambda database: imports.take(
                database,
                tenant_id=self.tenant_id,
                actor=ACTOR,
                import_id=row.id,
                sha256_hex=row.sha256,
                policy=policy,
                at=clock.now(),
            )
        )
        return self.work(row)

    def bring(self, content: str | bytes, policy: Policy = "all_or_nothing") -> ImportRow:
        """Send a file and have it taken."""
        return self.take(self.upload(content), policy)

    def undo(self, row: ImportRow) -> ImportRow:
        self.ask(
            lambda database: imports.undo(
                database,
                tenant_id=self.tenant_id,
                actor=ACTOR,
                import_id=row.id,
                reason="wrong file",
                at=clock.now(),
            )
        )
        return self.work(row)

    def standing(self, point: str = "P1") -> dict[int, float | None]:
        """Return the readings of a point by minute, as the API shows them."""

        async def query(database: Database) -> dict[int, float | None]:
            answer = await energy_query.query_readings(
                database,
                tenant_id=self.tenant_id,
                site="main",
                code=point,
                start=START,
                end=START + timedelta(days=30),
                after=None,
                limit=10_000,
            )
            return {(row.ts - START) // MINUTE: row.value for row in answer.rows}

        found: dict[int, float | None] = self.ask(query)
        return found

    def send(self, values: Mapping[int, float], seq: int = 1) -> None:
        """Have the gateway send readings of P1."""
        rows = [("P1", START + minute * MINUTE, value) for minute, value in values.items()]
        self.migrated.ingest([self.plant().delivery(rows, seq=seq)], at=START + timedelta(days=40))

    def dirty(self) -> list[tuple[Any, ...]]:
        rows = self.rows(
            "select point_ids, start_ts, end_ts from dirty where tenant_id = {t} order by id"
        )
        self.migrated.execute("delete from dirty")
        return rows


_tenants = itertools.count()


@pytest.fixture(scope="module")
def pools(shared_migrated: Migrated) -> Iterator[tuple[asyncio.Runner, Database, Database]]:
    """Give a loop with the pools of the API and of ingest, opened once."""
    with asyncio.Runner() as runner:
        api, ingest = (
            runner.run(Database.open(shared_migrated.role_url(role)))
            for role in ("nengtan_api", "nengtan_ingest")
        )
        yield runner, api, ingest
        for database in (api, ingest):
            runner.run(database.close())


@pytest.fixture
def desk(
    shared_migrated: Migrated,
    pools: tuple[asyncio.Runner, Database, Database],
    tmp_path: Path,
) -> Desk:
    tenant = f"t{next(_tenants)}"
    shared_migrated.install(SmallPlant(tenant=tenant).plant())
    [(tenant_id,)] = shared_migrated.rows("select id from tenant where code = %s", tenant)
    return Desk(shared_migrated, *pools, tmp_path, tenant, tenant_id)


def table(rows: Mapping[int, object], point: str = "P1") -> str:
    """Return a file of readings, by minute."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["time [UTC]", point])
    for minute, value in rows.items():
        writer.writerow([f"{START + minute * MINUTE:%Y-%m-%d %H:%M}", value])
    return text.getvalue()


def identity(desk: Desk) -> dict[str, int]:
    found = dict(counts(desk.migrated, tenant=desk.tenant))
    assert found["received"] == sum(
        found[name] for name in ("stored", "duplicate", "conflict", "quarantined")
    )
    return found


class TestLook:
    def test_stores_nothing_and_says_what_taking_it_would_do(self, desk: Desk) -> None:
        desk.send({0: 1.0, 15: 2.0})
        row = desk.upload(table({0: 1, 15: 7, 30: 3, 45: "x", 60: 5, 60 * 24 * 365 * 30: 6}))
        assert row.state == "checked"
        report = row.report or {}
        assert (report["new"], report["duplicate"], report["conflict"]) == (2, 1, 1)
        assert report["rejected_by_code"] == {"future": 1, "type": 1}
        assert [(e["line"], e["code"]) for e in report["errors"]] == [(5, "type"), (7, "future")]
        assert all(error["zh"] and error["en"] for error in report["errors"])
        assert report["rows"] == 6
        assert desk.standing() == {0: 1.0, 15: 2.0}
        assert identity(desk)["received"] == 2

    def test_refuses_what_cannot_be_read_and_goes_on(self, desk: Desk) -> None:
        refused = desk.upload(b"\x89PNG")
        assert refused.state == "refused"
        assert (refused.report or {})["refused"]["code"] == "file_type"
        assert desk.upload(table({0: 1})).state == "checked"

    def test_takes_a_map(self, desk: Desk) -> None:
        file_map = {
            "time": {"column": "t", "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"},
            "points": [{"column": "Zähler", "point": "P1", "scale": 1000}],
            "delimiter": ";",
            "decimal": ",",
            "encoding": "latin-1",
        }
        text = "t;Zähler\n10.03.2025 01:15;0,5\n"
        row = desk.take(desk.upload(text.encode("latin-1"), map=file_map))
        assert (row.state, desk.standing()) == ("done", {15: 500.0})
        with pytest.raises(imports.MapInvalid, match="did you mean"):
            desk.upload("t,a\n", map=file_map | {"delimitr": ","})

    def test_marks_times_whose_zone_was_assumed(self, desk: Desk) -> None:
        desk.bring("time,P1\n2025-03-10 00:00,1\n2025-03-10T00:15Z,2\n")
        rows = desk.rows(f"select value, quality {READINGS}")
        assert rows == [(1.0, 16), (2.0, 0)]


class TestTake:
    def test_counts_every_reading_once_and_marks_it_dirty(self, desk: Desk) -> None:
        desk.send({0: 1.0, 15: 2.0})
        desk.dirty()
        row = desk.bring(table({0: 1, 15: 7, 30: 3, 45: 4}))
        assert (row.state, row.stored, row.duplicate, row.conflict) == ("done", 2, 1, 1)
        assert desk.standing() == {0: 1.0, 15: 2.0, 30: 3.0, 45: 4.0}
        assert identity(desk) == {
            "received": 6, "stored": 4, "duplicate": 1, "conflict": 1, "quarantined": 0,
        }  # fmt: skip
        [(_, starts, ends)] = desk.dirty()
        assert (starts, ends) == ([START + 30 * MINUTE], [START + 45 * MINUTE])
        gateways = desk.rows(
            "select g.code, h.stored from ingest_hour h join gateway g on g.id = h.gateway_id"
            " where g.tenant_id = {t} order by 1"
        )
        assert gateways == [("@import", 2), ("gw", 2)]
        assert desk.rows("select gateway_id from conflict where tenant_id = {t}") == [
            desk.rows("select id from gateway where code = '@import' and tenant_id = {t}")[0]
        ]

    def test_takes_nothing_where_one_row_is_bad(self, desk: Desk) -> None:
        looked = desk.upload(table({0: 1, 15: "x"}))
        with pytest.raises(imports.ImportNotReady, match="skip_bad"):
            desk.take(looked)
        # The plant may have changed since it was looked at: what counts is when it is taken.
        looked = desk.upload(table({0: 1, 15: 2}, "P2"))
        desk.migrated.install(
            desk.plant(points=[{"code": "P1", "kind": "register", "unit": "kWh"}]).plant()
        )
        row = desk.take(looked)
        assert row.state == "refused"
        assert desk.standing() == {}
        assert identity(desk)["received"] == 0

    def test_keeps_bad_rows_in_quarantine_where_asked_to(self, desk: Desk) -> None:
        row = desk.bring(
            "time [UTC],P1,P2\n2025-03-10 00:00,1,5000\n2025-03-10 00:15,x,3\n", "skip_bad"
        )
        assert (row.state, row.stored, row.quarantined) == ("done", 2, 2)
        assert identity(desk)["quarantined"] == 2
        items = desk.rows(
            "select item, code, detail from quarantine_item where tenant_id = {t} order by item"
        )
        assert [item[:2] for item in items] == [(0, "physics"), (1, "type")]
        assert items[0][2].startswith("line 2: ")

    def test_what_was_quarantined_can_be_tried_again_and_undone(self, desk: Desk) -> None:
        row = desk.bring(table({0: 5000, 15: 3, 30: "x"}, "P2"), "skip_bad")
        wider = desk.plant()
        wider.points[1]["value_max"] = 10_000
        desk.migrated.install(wider.plant())
        desk.migrated.execute(
            f"update quarantine_item set state = 'requested' where tenant_id = {desk.tenant_id}"
        )

        async def again(database: Database) -> None:
            await redrive_due(database, Committer(database), await load_registry(database))

        desk.migrated.run("nengtan_ingest", again)
        assert desk.standing("P2") == {0: 5000.0, 15: 3.0}
        assert identity(desk) == {
            "received": 3, "stored": 2, "duplicate": 0, "conflict": 0, "quarantined": 1,
        }  # fmt: skip
        desk.undo(row)
        assert desk.standing("P2") == {}
        states = desk.rows("select state from quarantine_item where tenant_id = {t} order by item")
        assert states == [("resolved",), ("discarded",)]

    def test_the_same_file_again_stores_nothing_and_says_so(self, desk: Desk) -> None:
        first = desk.bring(table({0: 1, 15: 2, 30: 2}))
        again = desk.upload(table({0: 1, 15: 2, 30: 2}))
        assert (again.report or {})["same_as"] == [first.id]
        again = desk.take(again)
        assert (again.stored, again.duplicate) == (0, 3)
        assert identity(desk)["stored"] == 3

    def test_repeated_rows_of_a_file_are_duplicates_or_conflicts(self, desk: Desk) -> None:
        text = table({0: 1, 15: 2}) + "2025-03-10 00:00,1\n2025-03-10 00:00,9\n"
        row = desk.bring(text)
        assert (row.stored, row.duplicate, row.conflict) == (2, 1, 1)
        assert desk.standing()[0] == 1.0

    def test_only_what_was_seen_is_taken_and_only_once(self, desk: Desk) -> None:
        row = desk.upload(table({0: 1}))
        other = desk.upload(table({15: 2}))

        def taking(sha256: str) -> Any:
            return lambda database: imports.take(
                database,
                tenant_id=desk.tenant_id,
                actor=ACTOR,
                import_id=row.id,
                sha256_hex=sha256,
                policy="all_or_nothing",
                at=clock.now(),
            )

        with pytest.raises(imports.ImportNotReady, match="another file"):
            desk.ask(taking("0" * 64))
        desk.ask(taking(row.sha256))
        with pytest.raises(imports.ImportNotReady):
            desk.ask(taking(row.sha256))
        with pytest.raises(imports.ImportBusy, match=ACTOR):
            desk.take(other)
        desk.work(row)
        assert desk.take(other).state == "done"

    def test_is_of_the_tenant_alone(self, desk: Desk) -> None:
        row = desk.upload(table({0: 1}))
        with pytest.raises(NotFound):
            desk.ask(
                lambda database: imports.find_import(
                    database, tenant_id=desk.tenant_id + 1_000, import_id=row.id
                )
            )

    def test_the_gateway_of_files_outlives_a_new_description(self, desk: Desk) -> None:
        looked = desk.upload(table({0: 1}))
        desk.migrated.install(desk.plant(valid_from=START - timedelta(days=1)).plant())
        assert desk.take(looked).state == "done"

    def test_a_large_file_goes_in_slices_with_the_same_fates(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ingest.importing.SLICE_READINGS", 7)
        desk.send({minute: float(minute) for minute in range(0, 100, 10)})
        order = [*range(50, 100), *range(50), 3, 3, 70]
        rows = [(minute, minute if minute != 20 else 1) for minute in order]
        text = "time [UTC],P1\n" + "".join(
            f"{START + minute * MINUTE:%Y-%m-%d %H:%M},{value}\n" for minute, value in rows
        )
        row = desk.bring(text)
        assert (row.stored, row.duplicate, row.conflict) == (90, 12, 1)
        assert desk.standing() == {minute: float(minute) for minute in range(100)}

    def test_that_breaks_off_is_not_there_at_all_and_is_done_again(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked = desk.upload(table({minute: minute for minute in range(0, 100, 10)}))
        monkeypatch.setattr("ingest.importing.SLICE_READINGS", 3)
        slices = itertools.count()

        async def fail(*arguments: Any) -> None:
            if next(slices) == 2:
                raise DatabaseUnavailable("the power is gone")
            await mark_dirty(*arguments)

        with monkeypatch.context() as patched:
            patched.setattr("ingest.importing.mark_dirty", fail)
            with pytest.raises(DatabaseUnavailable):
                desk.take(looked)
        assert desk.standing() == {}
        assert desk.find(looked).state == "requested"
        assert identity(desk)["received"] == 0
        assert desk.work(looked).stored == 10
        assert identity(desk)["stored"] == 10


class TestUndo:
    def test_withdraws_what_it_stored_and_leaves_what_others_sent(self, desk: Desk) -> None:
        desk.send({0: 1.0})
        row = desk.bring(table({0: 1, 15: 2, 30: 3, 45: 4}))
        # The gateway sends one of them late, and one with another value.
        desk.send({30: 3.0, 45: 5.0}, seq=2)
        desk.dirty()
        undone = desk.undo(row)
        assert (undone.state, undone.withdrawn_count, undone.withdrawn_by) == (
            "withdrawn",
            2,
            ACTOR,
        )
        assert desk.standing() == {0: 1.0, 30: 3.0}
        [(_, starts, ends)] = desk.dirty()
        assert (starts, ends) == ([START + 15 * MINUTE], [START + 45 * MINUTE])
        # Raw rows are never changed.
        assert desk.rows(f"select value {READINGS}") == [
            (1.0,), (2.0,), (3.0,), (4.0,),
        ]  # fmt: skip
        identity(desk)

    def test_a_corrected_file_takes_the_place_of_what_was_withdrawn(self, desk: Desk) -> None:
        desk.undo(desk.bring(table({0: 1, 15: 2})))
        looked = desk.upload(table({0: 10, 15: 2, 30: 30}))
        assert (looked.report or {})["new"] == 3
        row = desk.take(looked)
        assert (row.stored, row.duplicate, row.conflict) == (3, 0, 0)
        assert desk.standing() == {0: 10.0, 15: 2.0, 30: 30.0}
        # And again, to any depth.
        desk.undo(row)
        assert desk.standing() == {}
        desk.send({0: 11.0, 15: 12.0})
        assert desk.standing() == {0: 11.0, 15: 12.0}
        desk.bring(table({0: 11, 15: 13}))
        assert desk.standing() == {0: 11.0, 15: 12.0}
        identity(desk)

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_a_reading_stands_until_all_who_sent_it_take_it_back(
        self, desk: Desk, order: Sequence[int]
    ) -> None:
        both = [desk.bring(table({0: 1, 15: 2})), desk.bring(table({15: 2, 30: 3}))]
        desk.undo(both[order[0]])
        assert desk.standing() == ({15: 2.0, 30: 3.0} if order[0] == 0 else {0: 1.0, 15: 2.0})
        desk.undo(both[order[1]])
        assert desk.standing() == {}

    def test_what_a_gateway_sent_first_is_never_withdrawn(self, desk: Desk) -> None:
        desk.send({0: 1.0, 15: 2.0})
        undone = desk.undo(desk.bring(table({0: 1, 15: 2})))
        assert undone.withdrawn_count == 0
        assert desk.standing() == {0: 1.0, 15: 2.0}

    def test_is_asked_for_once_and_only_of_what_was_taken(self, desk: Desk) -> None:
        looked = desk.upload(table({0: 1}))
        with pytest.raises(imports.ImportNotReady):
            desk.undo(looked)
        row = desk.undo(desk.take(looked))
        with pytest.raises(imports.ImportNotReady):
            desk.undo(row)
        records = desk.rows(
            "select action, actor from change_record"
            " where object_kind = 'import' and tenant_id = {t} order by id"
        )
        assert records == [
            (action, ACTOR) for action in ("import.upload", "import.take", "import.undo")
        ]


class TestBills:
    BILL = "point,start,end (inclusive),amount [MWh]\nP3,2025-03-11,2025-03-12,9.6\n"

    def test_become_readings_that_say_what_they_are_and_can_be_undone(self, desk: Desk) -> None:
        points = [{"code": "P3", "kind": "interval", "unit": "kWh", "period_minutes": 60}]
        desk.migrated.install(desk.plant(points=[points[0] | {"stamp": "start"}]).plant())
        row = desk.take(desk.upload(self.BILL, kind="bills"))
        assert (row.state, row.stored) == ("done", 48), row.report
        assert desk.standing("P3") == {(24 + hour) * 60: 200.0 for hour in range(48)}
        qualities = desk.rows(f"select distinct quality {READINGS.replace('order by ts', '')}")
        assert qualities == [(int(Quality.INTERPOLATED),)]
        # The next bill may be for days that another one has: then the first stands.
        again = desk.upload(self.BILL.replace("2025-03-11", "2025-03-12"), kind="bills")
        assert (again.report or {})["conflict"] == 24
        desk.undo(row)
        assert desk.standing("P3") == {}

    def test_need_an_interval_point(self, desk: Desk) -> None:
        row = desk.upload(self.BILL.replace("P3", "P1"), kind="bills")
        assert "interval" in (row.report or {})["errors"][0]["en"]
