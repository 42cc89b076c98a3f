"""G3: received = stored + duplicate + conflict + quarantined; every gap is told until filled."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from ingest.reading import Delivery
from ingest.tick import Worker
from services import data_audit, review
from services.store.pool import Database
from tests.migrated import Migrated, SmallPlant

pytestmark = [pytest.mark.database]

SEEDS = range(20)
START = datetime(2025, 3, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
COUNT = 48
AT = START + timedelta(days=1)
# One text each of what no message may be: B14, B15, B18, B20, B21, B23, B29.
UNREADABLE = [
    b"",
    b"[]",
    b'{"epoch": "e", "seq": 1, "readings": [',
    b"[" * 2000,
    b'{"epoch": "e", "readings": [["P1", "2025-03-10T01:00:00Z", 1]]}',
]
# One item each of what is taken by nothing: B20, B23, B26, B41, B44, B45, B60.
UNFIT: list[tuple[str, datetime, object]] = [
    ("nobody", START + QUARTER, 1.0),
    ("P2", START + QUARTER, 1e6),
    ("P1", START - timedelta(days=1), 1.0),
    ("P1", AT + timedelta(days=300), 1.0),
    ("P1", START + QUARTER, "12 kWh"),
    ("P1", START + QUARTER, True),
]


@dataclass
class History:
    """What a gateway sends in an hour, what becomes of it, and what is lost on the way."""

    plant: SmallPlant
    deliveries: list[Delivery] = field(default_factory=list)
    lost: list[Delivery] = field(default_factory=list)
    fates: Counter[str] = field(default_factory=Counter)
    silent: set[tuple[str, int]] = field(default_factory=set)  # (point, quarter)


def history(seed: int) -> History:
    """Send a quarter's readings a message; lose some, repeat some, and say other things too."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    made = History(SmallPlant(tenant=f"seed-{seed}"))
    # Neither the first nor the last: nobody could know of them. Two in a row at least, since one
    # that is missing between two is within what a register may skip.
    first = rng.randrange(3, 20)
    lost = {*range(first, first + rng.randrange(2, 6)), *range(30, 30 + rng.choice((0, 3)))}
    dumb = rng.choice(["P1", "P2"])
    dumb_from = rng.randrange(36, 42)
    for number in range(COUNT + 1):
        at = START + number * QUARTER
        rows: list[tuple[str, datetime, object]] = [
            (name, at, value)
            for name, value in (("P1", 10.0 * number), ("P2", 40.0 + number % 3))
            if not (name == dumb and dumb_from <= number < dumb_from + 4)
        ]
        delivery = made.plant.delivery(rows, seq=number + 1)
        if number in lost:
            made.lost.append(delivery)
            continue
        made.deliveries.append(delivery)
        made.fates["stored"] += len(rows)
        if rng.random() < 0.2:
            made.deliveries.append(delivery)
            made.fates["duplicate"] += len(rows)
        if rng.random() < 0.2:
            name, when, value = rows[0]
            other = [(name, when, float(str(value)) + 1)]
            made.deliveries.append(made.plant.delivery(other, seq=number + 1))
            made.fates["conflict"] += 1
    for payload in UNREADABLE:
        made.deliveries.append(Delivery(made.plant.topic, payload, 1, qos=1, retained=False))
        made.fates["quarantined"] += 1
    made.deliveries.append(made.plant.delivery(UNFIT, seq=COUNT + 2))
    made.fates["quarantined"] += len(UNFIT)
    made.silent = {(name, number) for name in ("P1", "P2") for number in lost}
    made.silent |= {(dumb, number) for number in range(dumb_from, dumb_from + 4)}
    return made


@pytest.fixture(scope="module")
def told(shared_migrated: Migrated) -> list[History]:
    """Take in what every seed sends, and compute it."""
    made = [history(seed) for seed in SEEDS]
    shared_migrated.install(*(each.plant.plant() for each in made))
    for each in made:
        shared_migrated.ingest(each.deliveries, at=AT)
    shared_migrated.run("nengtan_worker", lambda database: Worker(database).drain())
    return made


def tenant_id(migrated: Migrated, each: History) -> int:
    [(found,)] = migrated.rows("select id from tenant where code = %s", each.plant.tenant)
    return int(found)


class TestTheIdentity:
    def test_holds_for_every_gateway_and_hour_and_counts_each_item_once(
        self, shared_migrated: Migrated, told: Sequence[History]
    ) -> None:
        async def hours(database: Database) -> list[review.HoursAnswer]:
            return [
                await review.received_hours(
                    database,
                    tenant_id=tenant_id(shared_migrated, each),
                    site="main",
                    start=AT,
                    end=AT + timedelta(hours=1),
                    after=None,
                    limit=10,
                )
                for each in told
            ]

        for each, answer in zip(told, shared_migrated.run("nengtan_api", hours), strict=True):
            [row] = answer.rows
            fates = {name: getattr(row, name) for name in each.fates}
            assert fates == dict(each.fates)
            assert row.received == sum(each.fates.values())
            assert row.adds_up


class TestGaps:
    def test_are_told_each_and_no_other(
        self, shared_migrated: Migrated, told: Sequence[History]
    ) -> None:
        for each in told:
            assert silences(shared_migrated, each) == each.silent
            numbers = missing_numbers(shared_migrated, each)
            assert numbers == {delivery.token for delivery in each.lost}

    def test_go_away_as_they_are_filled(
        self, shared_migrated: Migrated, told: Sequence[History]
    ) -> None:
        for each in told:
            shared_migrated.ingest(each.lost, at=AT + timedelta(hours=3))
        shared_migrated.run("nengtan_worker", lambda database: Worker(database).drain())
        for each in told:
            lost = {delivery.token - 1 for delivery in each.lost}
            left = {(name, number) for name, number in each.silent if number not in lost}
            assert silences(shared_migrated, each) == left
            assert missing_numbers(shared_migrated, each) == set()


def missing_numbers(migrated: Migrated, each: History) -> set[int]:
    async def gaps(database: Database) -> review.GapsAnswer:
        return await review.sequence_gaps(
            database, tenant_id=tenant_id(migrated, each), site="main", limit=1000
        )

    answer = migrated.run("nengtan_api", gaps)
    return {number for row in answer.rows for number in range(row.first_seq, row.last_seq + 1)}


def silences(migrated: Migrated, each: History) -> set[tuple[str, int]]:
    """Return the quarters that gaps are told of."""

    async def findings(database: Database) -> data_audit.FindingsAnswer:
        return await data_audit.findings(
            database,
            tenant_id=tenant_id(migrated, each),
            site="main",
            start=START,
            end=AT,
            check="gap",
            subject=None,
            finding_state=None,
            after=None,
            limit=1000,
        )

    answer = migrated.run("nengtan_api", findings)
    return {
        (row.subject, number)
        for row in answer.rows
        for number in range((row.start_ts - START) // QUARTER, (row.end_ts - START) // QUARTER)
    }
