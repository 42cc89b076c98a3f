"""Facts entered late are as good as facts known from the start, and touch only what they touch."""

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ingest.tick import Worker
from services import meter_life
from services.plant.facts import LifeRefused
from services.plant.findings import PlantInvalid
from services.refusal import NotFound
from services.store.meter_facts import FactRow
from services.store.pool import Database
from tests.faults.centre import RECEIVED, drain, enter
from tests.migrated import START, Migrated, SmallPlant
from tests.services.histories import origins, results
from tests.services.test_recompute import rebuild, send

pytestmark = [pytest.mark.database]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
FIVE = 5 * MINUTE
QUARTER = 15 * MINUTE
END = START + 24 * HOUR
# 12:00 is the 132nd reading after it; the last is at 19:30.
BEGIN = START + HOUR
COUNT = 223
# Between two readings, not in the middle of them.
AT = START + 12 * HOUR + 2 * MINUTE
SIX_DIGITS = {"integer": 6, "decimal": 1}
POINTS: list[dict[str, Any]] = [
    {"code": "P1", "kind": "register", "unit": "kWh", "digits": SIX_DIGITS, "multiplier": 10},
    {"code": "P2", "kind": "register", "unit": "kWh", "digits": SIX_DIGITS},
    {"code": "P3", "kind": "gauge", "unit": "kW"},
]
READINGS = [
    *(("P1", at, 5000.0 + i) for i, at in enumerate(BEGIN + i * FIVE for i in range(COUNT))),
    *(("P2", at, 70.0 + 2 * i) for i, at in enumerate(BEGIN + i * FIVE for i in range(COUNT))),
    *(("P3", at, 40.0 + i % 7) for i, at in enumerate(BEGIN + i * FIVE for i in range(COUNT))),
]


@dataclass(frozen=True)
class Case:
    """Facts about one point, and the span of readings whose intervals they touch.

    `looks_back` is how far back the rules look from a change of a point of its kind; the marks of
    all points look back as far as those of registers.
    """

    name: str
    point: str
    facts: Sequence[Mapping[str, Any]]
    first: datetime
    last: datetime
    looks_back: datetime | None = None


def of(at: datetime, **fields: object) -> dict[str, object]:
    return {"from": at.isoformat(), **fields}


# Three readings before a change: 11:50, 11:55, 12:00; thirteen after it: up to 13:05.
BEFORE, AFTER = START + 12 * HOUR - 2 * FIVE, START + 13 * HOUR + FIVE
LAST = BEGIN + (COUNT - 1) * FIVE
SIX_PM = START + 18 * HOUR
CASES = [
    Case("ct", "P1", [of(AT, multiplier=20)], BEFORE, LAST),
    Case("ct-read", "P1", [of(AT, multiplier=20, last_reading=5132.4)], BEFORE, LAST),
    Case(
        "ct-for-a-while",
        "P1",
        # The end first: entered the other way round, the first fact would touch all that follows.
        [of(SIX_PM, multiplier=10), of(AT, multiplier=20)],
        BEFORE,
        # Thirteen readings after the one of 18:00 itself.
        SIX_PM + 13 * FIVE,
    ),
    Case(
        "exchange",
        "P1",
        [of(AT, last_reading=5132.4, first_reading=5132.5, serial_number="B")],
        BEFORE,
        AFTER,
    ),
    Case("digits", "P1", [of(AT, digits={"integer": 7, "decimal": 1})], BEFORE, LAST),
    Case("of-a-gauge", "P3", [of(AT, multiplier=2)], BEFORE, LAST, BEFORE + 2 * FIVE),
    Case("retired", "P1", [of(AT, retired=True, last_reading=5132.4)], BEFORE, LAST),
]


def plant(tenant: str, points: Sequence[Mapping[str, Any]] = POINTS) -> SmallPlant:
    return SmallPlant(tenant=tenant, points=[dict(point) for point in points])


def withdraw(migrated: Migrated, tenant: str, fact_id: int) -> None:
    async def work(database: Database) -> None:
        await meter_life.withdraw(
            database,
            tenant_id=tenant_id(migrated, tenant),
            actor="a@acme",
            site="main",
            fact_id=fact_id,
            reason="a slip of the pen",
        )

    migrated.run("nengtan_api", work)


def tenant_id(migrated: Migrated, tenant: str) -> int:
    [(found,)] = migrated.rows("select id from tenant where code = %s", tenant)
    return int(found)


def read(migrated: Migrated, tenant: str) -> None:
    """Take in a day of readings, the worker at work."""
    send(migrated, plant(tenant), [READINGS[::2], READINGS[1::2]], drains=[True, True])


def computed(migrated: Migrated, tenant: str) -> dict[datetime, datetime]:
    """Return when each base interval was computed last from other readings or facts."""
    rows = migrated.rows(
        "select p.ts, p.computed_at from provenance p join tenant t on t.id = p.tenant_id"
        " where t.code = %s",
        tenant,
    )
    return {ts.astimezone(UTC): at for ts, at in rows}


def quarters(first: datetime, last: datetime) -> set[datetime]:
    at = first - (first - START) % QUARTER
    return {at + i * QUARTER for i in range((last - at) // QUARTER + 1)}


# What the others do not show alone is left to `make faults`.
OFTEN = {"ct", "ct-for-a-while", "exchange", "retired"}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=[] if case.name in OFTEN else [pytest.mark.faults])
        for case in CASES
    ],
)
class TestAFactThatIsEnteredLate:
    def test_equals_one_known_from_the_start_and_touches_nothing_else(
        self, shared_migrated: Migrated, case: Case
    ) -> None:
        early, late = f"early-{case.name}", f"late-{case.name}"
        shared_migrated.install(plant(early).plant(), plant(late).plant())
        enter(shared_migrated, early, case.point, case.facts)
        read(shared_migrated, early)
        read(shared_migrated, late)
        without = results(shared_migrated, late)
        before = computed(shared_migrated, late)
        facts = enter(shared_migrated, late, case.point, case.facts)
        count = shared_migrated.run("nengtan_worker", lambda database: Worker(database).drain())
        assert count == len(quarters(case.first, case.last))
        after = computed(shared_migrated, late)
        changed = {at for at in after if after[at] != before[at]}
        assert changed == quarters(case.looks_back or case.first, case.last)
        known = results(shared_migrated, early)
        assert results(shared_migrated, late) == known
        assert known != without
        assert origins(shared_migrated, late) == origins(shared_migrated, early)
        rebuild(shared_migrated, late)
        assert results(shared_migrated, late) == known
        for fact in facts:
            withdraw(shared_migrated, late, fact.id)
        drain(shared_migrated)
        assert results(shared_migrated, late) == without


class TestFactsInAnyOrder:
    def test_give_the_same_bytes_as_a_rebuild(self, migrated: Migrated) -> None:
        facts = [
            of(START + 4 * HOUR, multiplier=20),
            of(START + 6 * HOUR + MINUTE, digits={"integer": 7, "decimal": 0}),
            of(AT, last_reading=5132.4, first_reading=5132.5),
            of(SIX_PM, multiplier=30, last_reading=5204.0),
        ]
        rng = random.Random(6)  # noqa: S311 - repeatable, not secret
        orders = rng.sample(list(itertools.permutations(facts)), k=2)
        for number, order in enumerate([facts, *orders]):
            tenant = f"order-{number}"
            migrated.install(plant(tenant).plant())
            if number == 0:
                enter(migrated, tenant, "P1", order)
                read(migrated, tenant)
                continue
            read(migrated, tenant)
            for fact in order:
                enter(migrated, tenant, "P1", [fact])
                if rng.random() < 0.5:
                    drain(migrated)
            drain(migrated)
            assert results(migrated, tenant) == results(migrated, "order-0")
        found = results(migrated, "order-0")
        migrated.execute("delete from result", "delete from provenance")
        rebuild(migrated, "order-0")
        assert results(migrated, "order-0") == found


class TestAFactOfTheFile:
    def test_equals_one_that_was_entered(self, migrated: Migrated) -> None:
        fact = of(AT, multiplier=20, last_reading=5132.4)
        lived = [{**POINTS[0], "life": [fact]}, *POINTS[1:]]
        for tenant in ("file", "entered"):
            migrated.install(plant(tenant).plant())
            read(migrated, tenant)
        before = computed(migrated, "file")
        migrated.install(plant("file", lived).plant())
        enter(migrated, "entered", "P1", [fact])
        drain(migrated)
        after = computed(migrated, "file")
        assert {at for at in after if after[at] != before[at]} == quarters(BEFORE, LAST)
        assert results(migrated, "file") == results(migrated, "entered")
        # The file catches up with what was entered: the same thing said twice is one thing.
        migrated.install(plant("entered", lived).plant())
        drain(migrated)
        assert results(migrated, "file") == results(migrated, "entered")

    def test_is_refused_where_a_description_forgets_what_was_entered(
        self, migrated: Migrated
    ) -> None:
        migrated.install(plant("acme").plant())
        enter(migrated, "acme", "P1", [of(AT, multiplier=20)])
        later = plant("acme")
        later.valid_from = END
        with pytest.raises(PlantInvalid, match=r"points\[0\].multiplier.*10.0.*20.0 since"):
            migrated.install(later.plant())
        later.points[0]["multiplier"] = 20
        migrated.install(later.plant())


class TestAContradiction:
    @pytest.mark.parametrize(
        ("fact", "pointer", "words"),
        [
            (of(AT, multiplier=0), "multiplier", "greater than 0"),
            (of(AT), "0", "changes nothing"),
            (of(START - HOUR, multiplier=2), "from", "not after the start of point P1"),
            (of(RECEIVED + HOUR, last_reading=1), "from", "lies ahead"),
            (of(AT, digits={"integer": 3, "decimal": 0}), "digits", "cannot show 5203.0"),
            (of(AT, last_reading=4000), "last_reading", "is lower than 5132.0"),
            (of(AT, last_reading=6000), "last_reading", "is higher than 5133.0"),
            (of(AT, first_reading=6000), "first_reading", "is higher than 5133.0"),
            (of(AT, last_reading=2e6), "last_reading", "6 integer digits cannot show"),
            (of(AT, retired=True, multiplier=3), "multiplier", "after the retirement"),
            (of(SIX_PM, multiplier=3), "from", "changes twice at one instant"),
        ],
    )
    def test_is_refused_with_place_value_and_remedy(
        self, shared_migrated: Migrated, fact: dict[str, Any], pointer: str, words: str
    ) -> None:
        tenant = "contradictions"
        if not shared_migrated.rows("select from tenant where code = %s", tenant):
            shared_migrated.install(plant(tenant).plant())
            read(shared_migrated, tenant)
            enter(shared_migrated, tenant, "P1", [of(SIX_PM, multiplier=30)])
        before = shared_migrated.rows("select count(*) from meter_fact")
        with pytest.raises(LifeRefused, match=words) as refused:
            enter(shared_migrated, tenant, "P1", [fact])
        assert refused.value.pointer == pointer
        assert refused.value.zh
        assert shared_migrated.rows("select count(*) from meter_fact") == before

    def test_of_a_point_that_is_not_there_is_not_found(self, migrated: Migrated) -> None:
        migrated.install(plant("acme").plant())
        with pytest.raises(NotFound):
            enter(migrated, "acme", "P9", [of(AT, multiplier=2)])

    def test_of_what_comes_after_a_retirement_is_refused(self, migrated: Migrated) -> None:
        migrated.install(plant("acme").plant())
        enter(migrated, "acme", "P1", [of(AT, retired=True)])
        with pytest.raises(LifeRefused, match="has ended by then"):
            enter(migrated, "acme", "P1", [of(SIX_PM, multiplier=2)])


class TestARetiredPoint:
    def test_takes_no_more_readings_in(self, migrated: Migrated) -> None:
        migrated.install(plant("acme").plant())
        [fact] = enter(migrated, "acme", "P1", [of(AT, retired=True)])
        read(migrated, "acme")
        [(code, count)] = migrated.rows("select code, count(*) from quarantine_item group by code")
        assert (code, count) == ("after_validity", (LAST - AT) // FIVE + 1)
        withdraw(migrated, "acme", fact.id)
        assert migrated.rows("select valid_to from point where code = 'P1'") == [(None,)]


class TestACalibration:
    def test_is_kept_once_and_recorded(self, migrated: Migrated) -> None:
        migrated.install(plant("acme").plant())
        days = {"certificate": "J-1", "calibrated_on": "2025-02-01", "due": "2027-01-31"}

        async def work(database: Database) -> FactRow:
            return await meter_life.add_calibration(
                database,
                tenant_id=tenant_id(migrated, "acme"),
                actor="a@acme",
                site="main",
                meter="M-P1",
                calibration=days,
            )

        stored = migrated.run("nengtan_api", work)
        assert stored.valid_from.date() == date(2025, 2, 1)
        with pytest.raises(LifeRefused, match="written down already"):
            migrated.run("nengtan_api", work)
        days.update(certificate="J-2", due="2025-01-31")
        with pytest.raises(LifeRefused, match="before calibrated_on"):
            migrated.run("nengtan_api", work)
        rows = migrated.rows("select actor, action, object_code from change_record order by id")
        assert ("a@acme", "meter.calibrate", "M-P1") in rows
        assert migrated.rows("select count(*) from dirty") == [(0,)]
