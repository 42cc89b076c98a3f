"""What fails a check, what is decided about it, and what that does to amounts; nothing is lost."""

import random
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compute.quality import Quality
from ingest.tick import Worker
from services import clock, collection, data_audit, silences
from services.refusal import NotFound
from services.store.data_audit import FindingRow
from services.store.pool import Database
from tests.migrated import NAME, Migrated, SmallPlant

pytestmark = [pytest.mark.database]

START = datetime(2025, 3, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
AT = datetime(2025, 4, 2, tzinfo=UTC)
POINTS: list[dict[str, Any]] = [
    {
        "code": "R",
        "kind": "register",
        "unit": "kWh",
        "rate_max_per_hour": 100,
        "multiplier": 2,
        "checks": {"frozen_hours": 2},
    },
    {
        "code": "G",
        "kind": "gauge",
        "unit": "kW",
        "checks": {
            "range_max": 90,
            "step_max": 50,
            "rate_max_per_hour": 400,
            "frozen_hours": 1,
        },
    },
]
Reading = tuple[str, datetime, float]


def quarters(name: str, values: Sequence[float], *, start: datetime = START) -> list[Reading]:
    return [(name, start + place * QUARTER, value) for place, value in enumerate(values)]


class Audit:
    """A tenant with readings taken in and computed, and its API."""

    def __init__(
        self,
        migrated: Migrated,
        readings: Sequence[Reading],
        *,
        points: list[dict[str, Any]] = POINTS,
        more: dict[str, Any] | None = None,
    ) -> None:
        # The tests of this module share a database: each has tenants of its own.
        tenant = f"tenant-{len(migrated.rows('select id from tenant'))}"
        self.migrated = migrated
        self.plant = SmallPlant(tenant=tenant, points=points, more=more or {})
        migrated.install(self.plant.plant())
        [(self.tenant_id,)] = migrated.rows("select id from tenant where code = %s", tenant)
        self.seq = 0
        self.take_in(readings)

    def take_in(self, readings: Sequence[Reading], *, at: datetime = AT) -> None:
        self.seq += 1
        self.migrated.ingest([self.plant.delivery(readings, seq=self.seq)], at=at)
        self.drain()

    def drain(self) -> int:
        return self.migrated.run("nengtan_worker", lambda database: Worker(database).drain())

    def ask(self, work: Any) -> Any:
        async def run(database: Database) -> Any:
            answer: Coroutine[Any, Any, Any] = work(database)
            return await answer

        return self.migrated.run("nengtan_api", run)

    def findings(self, **more: Any) -> list[FindingRow]:
        wanted = {
            "tenant_id": self.tenant_id,
            "site": "main",
            "start": START,
            "end": START + timedelta(days=30),
            "check": None,
            "subject": None,
            "finding_state": None,
            "after": None,
            "limit": 1000,
        }
        answer = self.ask(lambda database: data_audit.findings(database, **{**wanted, **more}))
        found: list[FindingRow] = answer.rows
        return found

    def decide(self, finding: FindingRow, verdict: data_audit.Verdict) -> int:
        return int(
            self.ask(
                lambda database: data_audit.decide(
                    database,
                    tenant_id=self.tenant_id,
                    actor="li@acme",
                    site="main",
                    subject_kind=finding.subject_kind,
                    subject=finding.subject,
                    check=finding.check_name,
                    start=finding.start_ts,
                    end=finding.end_ts,
                    verdict=verdict,
                    reason="seen on site",
                    at=AT,
                )
            )
        )

    def correct(self, point: str, ts: datetime, value: float | None) -> int:
        return int(
            self.ask(
                lambda database: data_audit.correct(
                    database,
                    tenant_id=self.tenant_id,
                    actor="li@acme",
                    site="main",
                    point=point,
                    ts=ts,
                    value=value,
                    reason="read by hand",
                    at=AT,
                )
            )
        )

    def undo(self, decision_id: int) -> int:
        return int(
            self.ask(
                lambda database: data_audit.undo(
                    database,
                    tenant_id=self.tenant_id,
                    actor="wang@acme",
                    decision_id=decision_id,
                    reason="wrong after all",
                    at=AT,
                )
            )
        )

    def amounts(self, code: str) -> dict[int, tuple[float | None, int]]:
        """Return amount and quality of a point by the number of its quarter."""
        rows = self.migrated.rows(
            "select r.ts, r.amount, r.quality from result r join series s on s.id = r.series_id"
            " where s.tenant_id = %s and s.kind = 'point' and s.code = %s and r.grain = 0",
            self.tenant_id,
            code,
        )
        return {(at - START) // QUARTER: (amount, quality) for at, amount, quality in rows}

    def forget(self) -> None:
        """Delete what is derived."""
        self.migrated.execute(
            f"delete from finding where tenant_id = {self.tenant_id}",
            "delete from result where series_id in"
            f" (select id from series where tenant_id = {self.tenant_id})",
        )

    def readings(self) -> list[Any]:
        """Return the readings as they came."""
        return self.migrated.rows(
            "select p.code, r.* from reading r join point p on p.id = r.point_id"
            " where p.tenant_id = %s order by r.ts, p.code",
            self.tenant_id,
        )

    def everything(self) -> list[Any]:
        """Return all results and findings, but for when they were first seen."""
        return self.migrated.rows(
            "select s.kind, s.code, s.carrier, r.grain::text, r.ts, r.amount, r.quality,"
            " r.input_hash::text from result r join series s on s.id = r.series_id"
            " where s.tenant_id = %s union all"
            " select s.kind, s.code, f.check_name, f.at::text, f.ts, f.value, 0,"
            " f.limit_value::text from finding f join series s on s.id = f.series_id"
            " where s.tenant_id = %s order by 1, 2, 3, 4, 5",
            self.tenant_id,
            self.tenant_id,
        )


SPIKE = [*quarters("R", [10, 20, 30, 900, 910, 920]), *quarters("G", [40, 41, 42, 43, 44, 45])]
OUT = [*quarters("R", [10, 20, 30, 40, 50, 60]), *quarters("G", [40, 41, 95, 96, 44, 45])]


def shape(rows: Sequence[FindingRow]) -> list[tuple[str, str, int, int, str]]:
    return sorted(
        (
            row.subject,
            row.check_name,
            (row.start_ts - START) // QUARTER,
            (row.end_ts - START) // QUARTER,
            row.state,
        )
        for row in rows
    )


class TestFindings:
    def test_name_check_point_span_value_and_limit(self, shared_migrated: Migrated) -> None:
        audit = Audit(shared_migrated, OUT)
        assert shape(audit.findings()) == [
            ("G", "range", 2, 4, "open"),
            ("G", "step", 2, 3, "open"),
            ("G", "step", 4, 5, "open"),
        ]
        [found] = audit.findings(check="range")
        assert (found.first_at, found.value, found.limit_value, found.reading_count) == (
            START + 2 * QUARTER,
            95.0,
            90.0,
            2,
        )
        assert audit.amounts("G")[2][1] & Quality.RANGE
        assert not audit.amounts("G")[1][1]

    def test_are_the_same_in_whatever_order_readings_came(self, shared_migrated: Migrated) -> None:
        rng = random.Random(7)  # noqa: S311 - repeatable, not secret
        readings = [
            *quarters("R", [rng.choice([10 * n, 10 * n, 900, 3]) for n in range(60)]),
            *quarters("G", [rng.choice([40, 41, 95, 300]) for _ in range(60)]),
            *quarters("R", [700.0] * 40, start=START + 60 * QUARTER),
            *quarters("G", [44, *[45] * 30, 46, *[45] * 8], start=START + 60 * QUARTER),
        ]
        kept = [reading for reading in readings if rng.random() < 0.8]
        straight = Audit(shared_migrated, kept)
        shuffled = rng.sample(kept, k=len(kept))
        crooked = Audit(shared_migrated, shuffled[:30])
        for first in range(30, len(shuffled), 30):
            crooked.take_in(shuffled[first : first + 30])
        assert {row[2] for row in straight.everything()} >= {
            "spike",
            "range",
            "step",
            "gap",
            "frozen",
        }
        assert straight.everything() == crooked.everything()

    def test_are_paged_and_filtered(self, shared_migrated: Migrated) -> None:
        audit = Audit(shared_migrated, OUT)
        whole = audit.findings()
        paged: list[FindingRow] = []
        place = None
        for _ in whole:
            [row] = audit.findings(after=place, limit=1)
            paged.append(row)
            place = (row.start_ts, row.series_id, row.check_name)
        assert paged == whole
        assert audit.findings(after=place) == []
        assert audit.findings(subject="R") == []
        assert audit.findings(finding_state="accepted") == []

    def test_tell_what_stays_the_same_for_too_long(self, shared_migrated: Migrated) -> None:
        readings = [
            *quarters("R", [10, 20, *[20] * 12, 30]),
            *quarters("G", [40, 41, 42, 42, 42, 42, 42, 43, *range(44, 51)]),
        ]
        audit = Audit(shared_migrated, readings)
        assert shape(audit.findings(check="frozen")) == [
            ("G", "frozen", 5, 7, "open"),
            ("R", "frozen", 8, 13, "open"),
        ]
        assert audit.amounts("R")[8] == (0.0, int(Quality.FROZEN))
        # One reading that comes late, and the value was not frozen at all.
        audit.take_in([("R", START + 3 * QUARTER + QUARTER / 3, 19.0)])
        audit.take_in([("G", START + 3 * QUARTER + QUARTER / 3, 41.5)])
        assert shape(audit.findings(check="frozen")) == [("R", "frozen", 8, 13, "open")]

    def test_tell_a_clock_that_runs_ahead(self, shared_migrated: Migrated) -> None:
        audit = Audit(shared_migrated, OUT[:6])
        late = START + 6 * QUARTER
        audit.take_in([("R", late, 70.0)], at=late - timedelta(seconds=90))
        [found] = audit.findings(check="skew")
        assert (found.value, found.limit_value, found.first_at) == (90.0, 30.0, late)


class TestBalance:
    def test_tells_a_bus_whose_outputs_exceed_its_input(self, shared_migrated: Migrated) -> None:
        ends = {"in": ("grid", "board"), "one": ("board", "hall"), "two": ("board", "works")}
        more = {
            "nodes": [
                {"code": "grid", "name": NAME, "kind": "source"},
                {"code": "board", "name": NAME, "kind": "bus"},
                {"code": "hall", "name": NAME, "kind": "use"},
                {"code": "works", "name": NAME, "kind": "use"},
            ],
            "flows": [
                {
                    "code": f"to-{code}",
                    "from": start,
                    "to": end,
                    "carrier": "electricity",
                    "metered_by": [{"point": code}],
                }
                for code, (start, end) in ends.items()
            ],
        }
        points: list[dict[str, Any]] = [
            {"code": code, "kind": "register", "unit": "kWh"} for code in ends
        ]
        readings = [
            *quarters("in", [100.0 * n for n in range(6)]),
            *quarters("one", [60.0 * n for n in range(6)]),
            # B61: 130 % in the second and third quarter, 105 % before.
            *quarters("two", [0, 45, 115, 185, 225, 265]),
        ]
        audit = Audit(shared_migrated, readings, points=points, more=more)
        [found] = audit.findings(check="balance")
        assert (found.subject_kind, found.subject) == ("residual", "board")
        assert shape([found]) == [("board", "balance", 1, 3, "open")]
        assert found.value == pytest.approx(-30 / 130)
        assert found.limit_value == 0.1
        audit.decide(found, "accept")
        assert audit.drain() == 0
        assert audit.findings(check="balance")[0].state == "accepted"


class TestSilences:
    def test_are_told_until_the_point_is_read_again(self, shared_migrated: Migrated) -> None:
        audit = Audit(shared_migrated, [])

        def silent() -> dict[str, datetime]:
            answer = audit.ask(
                lambda database: silences.silences(database, tenant_id=audit.tenant_id, site="main")
            )
            return {row.point: row.since for row in answer.rows}

        assert silent() == {"R": START, "G": START}
        now = clock.now()
        # Two base intervals and a minute.
        late = now - timedelta(minutes=32)
        audit.take_in([("R", now - timedelta(minutes=5), 70.0), ("G", late, 44.0)], at=now)
        assert silent() == {"G": late}
        audit.take_in([("G", now - timedelta(minutes=4), 44.0)], at=now)
        assert silent() == {}


class TestDecisions:
    def test_book_a_withheld_step_once_accepted_and_undo_it(
        self, shared_migrated: Migrated
    ) -> None:
        audit = Audit(shared_migrated, SPIKE)
        before = audit.everything()
        assert audit.amounts("R")[2] == (None, int(Quality.SPIKE | Quality.MISSING))
        [found] = audit.findings(check="spike")
        assert found.value == 900.0
        decision = audit.decide(found, "accept")
        assert 0 < audit.drain() <= 20
        assert audit.amounts("R")[2] == (2 * 870.0, int(Quality.ACCEPTED))
        [decided] = audit.findings(check="spike")
        assert (decided.state, decided.reason, decided.decided_by) == (
            "accepted",
            "seen on site",
            "li@acme",
        )
        audit.undo(decision)
        audit.drain()
        assert audit.everything() == before
        assert shape(audit.findings(check="spike")) == [("R", "spike", 3, 4, "open")]

    def test_leave_out_what_was_rejected_and_keep_the_reading(
        self, shared_migrated: Migrated
    ) -> None:
        audit = Audit(shared_migrated, OUT)
        [found] = audit.findings(check="range")
        raw = audit.readings()
        audit.decide(found, "reject")
        audit.drain()
        assert audit.amounts("G")[2][0] is None
        assert audit.amounts("G")[2][1] & Quality.CORRECTED
        assert audit.readings() == raw
        assert shape(audit.findings(check="range")) == [("G", "range", 2, 4, "rejected")]

    def test_change_no_number_where_the_verdict_says_that_all_is_right(
        self, shared_migrated: Migrated
    ) -> None:
        audit = Audit(shared_migrated, OUT)
        [found] = audit.findings(check="range")
        audit.decide(found, "accept")
        assert audit.drain() == 0

    def test_are_open_again_for_a_reading_that_came_later(self, shared_migrated: Migrated) -> None:
        audit = Audit(shared_migrated, OUT)
        [found] = audit.findings(check="range")
        audit.decide(found, "accept")
        audit.take_in([("G", START + 3 * QUARTER + timedelta(minutes=5), 97.0)])
        assert shape(audit.findings(check="range")) == [
            ("G", "range", 2, 3, "accepted"),
            ("G", "range", 3, 4, "open"),
        ]

    def test_are_refused_where_nothing_fails(self, shared_migrated: Migrated) -> None:
        audit = Audit(shared_migrated, OUT)
        [found] = audit.findings(check="range")
        audit.forget()
        with pytest.raises(NotFound):
            audit.decide(found, "accept")


class TestCorrections:
    def test_stand_for_the_reading_and_come_off_again(self, shared_migrated: Migrated) -> None:
        audit = Audit(shared_migrated, OUT)
        before = audit.everything()
        first = audit.correct("G", START + 2 * QUARTER, 42.0)
        second = audit.correct("G", START + 2 * QUARTER, 43.0)
        audit.drain()
        assert audit.amounts("G")[2] == (43.0 / 4, int(Quality.CORRECTED))
        audit.undo(second)
        audit.drain()
        assert audit.amounts("G")[2] == (42.0 / 4, int(Quality.CORRECTED))
        audit.undo(first)
        audit.drain()
        assert audit.everything() == before
        with pytest.raises(data_audit.NothingThere):
            audit.undo(first)

    def test_give_the_same_bits_from_the_start_as_later(self, shared_migrated: Migrated) -> None:
        """A history computed with its corrections equals one computed before them."""
        readings = [
            *quarters("R", [10.0 * n for n in range(80)]),
            *quarters("G", [40 + n % 7 for n in range(80)]),
        ]
        audit = Audit(shared_migrated, readings)
        for place in (20, 21, 22, 23, 24, 25, 60):
            audit.correct("R", START + place * QUARTER, None)
            audit.drain()
        audit.correct("R", START + 22 * QUARTER + timedelta(minutes=1), 221.0)
        audit.correct("G", START + 30 * QUARTER, 77.0)
        audit.drain()
        found = audit.everything()
        audit.forget()
        shared_migrated.execute(
            "insert into dirty (tenant_id, site_id, start_ts, end_ts) select tenant_id, id,"
            " array['2025-01-01Z'::timestamptz], array['2026-01-01Z'::timestamptz] from site"
            f" where tenant_id = {audit.tenant_id}"
        )
        audit.drain()
        assert audit.everything() == found
        total = sum(amount or 0 for amount, _ in audit.amounts("R").values())
        assert total == pytest.approx(2 * 790.0)

    def test_are_taken_only_where_the_point_was_read(self, shared_migrated: Migrated) -> None:
        audit = Audit(shared_migrated, OUT)
        with pytest.raises(data_audit.NothingThere):
            audit.correct("G", START + timedelta(days=1), 1.0)
        with pytest.raises(NotFound):
            audit.correct("nobody", START, 1.0)

    def test_leave_a_line_in_the_change_record(self, shared_migrated: Migrated) -> None:
        audit = Audit(shared_migrated, OUT)
        decision = audit.correct("G", START + 2 * QUARTER, 42.0)
        audit.undo(decision)
        assert shared_migrated.rows(
            "select actor, action, object_code, after ->> 'reason' from change_record"
            " where action ~ 'correct|undo' and tenant_id = %s order by id",
            audit.tenant_id,
        ) == [
            ("li@acme", "reading.correct", "main/G", "read by hand"),
            ("wang@acme", "decision.undo", "main/G", "wrong after all"),
        ]


class TestRecords:
    def test_cannot_be_changed_by_any_role_of_the_application(
        self, shared_migrated: Migrated
    ) -> None:
        audit = Audit(shared_migrated, OUT)
        audit.correct("G", START + 2 * QUARTER, 42.0)
        granted = shared_migrated.rows(
            "select distinct privilege_type from information_schema.role_table_grants"
            " where table_name = 'decision' and grantee like 'nengtan%%' and grantee <> grantor"
        )
        assert {right for (right,) in granted} == {"SELECT", "INSERT"}

    def test_belong_to_their_tenant(self, shared_migrated: Migrated) -> None:
        audit = Audit(shared_migrated, OUT)
        decision = audit.correct("G", START + 2 * QUARTER, 42.0)
        other = Audit(shared_migrated, [])
        assert other.findings() == []
        with pytest.raises(NotFound):
            other.undo(decision)


class TestCollection:
    def test_expects_nothing_before_the_first_reading(self, shared_migrated: Migrated) -> None:
        """Meters are described from the 10th of March: all but one are fitted on the 20th."""
        fitted = START + timedelta(days=10)
        hour: dict[str, Any] = {"kind": "interval", "unit": "kWh", "period_minutes": 15}
        points: list[dict[str, Any]] = [
            *POINTS,
            {"code": "I", **hour, "stamp": "end"},
            {"code": "S", **hour, "stamp": "start"},
        ]
        days = (datetime(2025, 4, 1, tzinfo=UTC) - fitted) // timedelta(days=1)
        rising = [10.0 * n for n in range(96 * days + 1)]
        readings = [
            *quarters("R", rising, start=fitted),
            *quarters("I", [1.0] * (96 * days), start=fitted + QUARTER),
            *quarters("S", [1.0] * (96 * days), start=fitted),
        ]
        audit = Audit(shared_migrated, readings, points=points)
        start, end = datetime(2025, 2, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)

        def rows() -> dict[tuple[int, str], tuple[int, float]]:
            answer = audit.ask(
                lambda database: collection.collection(
                    database, tenant_id=audit.tenant_id, site="main", start=start, end=end
                )
            )
            return {
                (row.month.month, row.point): (
                    row.expected_us // 86_400_000_000,
                    row.completeness,
                )
                for row in answer.rows
            }

        whole = (days, 1.0)
        # What never sent a reading is looked for since it was described.
        assert rows() == {(3, "R"): whole, (3, "I"): whole, (3, "S"): whole, (3, "G"): (22, 0.0)}
        # What came late says that it was there before.
        audit.take_in([("R", fitted - timedelta(days=5), -4800.0)])
        assert rows()[3, "R"] == (days + 5, 1.0)

    def test_says_what_came_and_what_gateways_sent(self, shared_migrated: Migrated) -> None:
        readings = quarters("R", [10.0 * n for n in range(97)])
        audit = Audit(shared_migrated, readings)
        month = (datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))

        def rows() -> dict[str, collection.PointMonth]:
            answer = audit.ask(
                lambda database: collection.collection(
                    database, tenant_id=audit.tenant_id, site="main", start=month[0], end=month[1]
                )
            )
            return {row.point: row for row in answer.rows}

        whole_us = (month[1] - START) // timedelta(microseconds=1)
        day_us = 86_400_000_000
        found = rows()
        assert (found["R"].expected_us, found["R"].covered_us) == (whole_us, day_us)
        assert found["R"].self_collection == found["R"].completeness == day_us / whole_us
        assert found["G"].completeness == 0.0
        audit.correct("R", START + 4 * QUARTER, 41.0)
        audit.drain()
        # The two quarters beside the value stand on it.
        assert rows()["R"].covered_us == day_us
        assert rows()["R"].self_collected_us == day_us - 2 * 900_000_000
