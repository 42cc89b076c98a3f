"""One transaction per batch: everything that arrived has a fate, and exactly one."""

import asyncio
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.commit import Committer, Outcome
from ingest.reading import Delivery
from ingest.registry import load_registry
from services.store.pool import Database
from tests.migrated import START, Migrated, SmallPlant, counts, take_in, us

pytestmark = [pytest.mark.database]

MINUTE = timedelta(minutes=1)
NOW = START + timedelta(days=2)
ZERO = {"received": 0, "stored": 0, "duplicate": 0, "conflict": 0, "quarantined": 0}
KNOWN = ("P1", "P2")

Item = tuple[str, int, float]  # name, minute, value


@dataclass
class Oracle:
    """What should become of readings, in plain Python."""

    kept: dict[tuple[str, int], float] = field(default_factory=dict)
    conflicts: set[tuple[str, int, float]] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=lambda: dict(ZERO))

    def take(self, items: Sequence[Item]) -> None:
        for name, minute, value in items:
            self.counts["received"] += 1
            self.counts[self._fate(name, minute, value)] += 1

    def _fate(self, name: str, minute: int, value: float) -> str:
        if name not in KNOWN or minute < 0 or (name == "P2" and not 0 <= value <= 1000):
            return "quarantined"
        if (name, minute) not in self.kept:
            self.kept[name, minute] = value
            return "stored"
        if self.kept[name, minute] == value:
            return "duplicate"
        self.conflicts.add((name, minute, value))
        return "conflict"


items = st.tuples(
    st.sampled_from(("P1", "P2", "P9")),
    st.integers(-1, 4),
    st.sampled_from((-1.0, 0.0, -0.0, 1.0, 2.5, 2000.0)),
)
messages = st.lists(items, min_size=1, max_size=8)
batches = st.lists(st.lists(messages, min_size=1, max_size=4), min_size=1, max_size=5)
_tenants = itertools.count()


def stored_rows(migrated: Migrated, tenant: str) -> dict[tuple[str, int], float | None]:
    rows = migrated.rows(
        "select p.code, r.ts, r.value from reading r join point p on p.id = r.point_id"
        " join tenant t on t.id = p.tenant_id where t.code = %s",
        tenant,
    )
    assert len({row[:2] for row in rows}) == len(rows)
    return {(code, (at - START) // MINUTE): value for code, at, value in rows}


def conflict_rows(migrated: Migrated, tenant: str) -> list[tuple[str, int, float, float | None]]:
    rows = migrated.rows(
        "select p.code, c.ts, c.value, c.kept_value from conflict c"
        " join point p on p.id = c.point_id join tenant t on t.id = c.tenant_id"
        " where t.code = %s order by 1, 2, 3",
        tenant,
    )
    return [(code, (at - START) // MINUTE, value, kept) for code, at, value, kept in rows]


class TestCommit:
    @settings(
        max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
    )
    @given(batches=batches)
    def test_gives_every_reading_the_fate_that_plain_python_gives_it(
        self, shared_migrated: Migrated, batches: list[list[list[Item]]]
    ) -> None:
        plant = SmallPlant(tenant=f"t{next(_tenants)}")
        shared_migrated.install(plant.plant())
        oracle = Oracle()

        async def work(database: Database) -> None:
            committer = Committer(database)
            registry = await load_registry(database)
            for number, batch in enumerate(batches):
                for message in batch:
                    oracle.take(message)
                deliveries = [
                    plant.delivery(
                        [(name, START + minute * MINUTE, value) for name, minute, value in message],
                        seq=100 * number + index + 1,
                    )
                    for index, message in enumerate(batch)
                ]
                outcome = await take_in(database, registry, deliveries, at=NOW, committer=committer)
                assert outcome.receipts, "what has a number is receipted, whatever became of it"

        shared_migrated.run("nengtan_ingest", work)
        # Received is what arrived, not what the other four add up to.
        assert oracle.counts["received"] == sum(len(m) for batch in batches for m in batch)
        assert counts(shared_migrated, tenant=plant.tenant) == oracle.counts
        assert stored_rows(shared_migrated, plant.tenant) == oracle.kept
        conflicts = conflict_rows(shared_migrated, plant.tenant)
        assert [row[:3] for row in conflicts] == sorted(oracle.conflicts)
        assert all(oracle.kept[name, minute] == kept for name, minute, _, kept in conflicts)

    def test_of_the_same_batch_again_changes_nothing_but_the_count_of_duplicates(
        self, migrated: Migrated
    ) -> None:
        plant = SmallPlant()
        migrated.install(plant.plant())
        deliveries = [
            plant.delivery([("P1", START + n * MINUTE, float(n)) for n in range(50)], seq=seq)
            for seq in (1, 2)
        ]
        first = migrated.ingest(deliveries[:1], at=NOW)
        assert (first.stored, first.duplicate) == (50, 0)
        before = everything(migrated)
        for _ in range(3):
            again = migrated.ingest(deliveries[:1], at=NOW + MINUTE)
            assert (again.stored, again.duplicate) == (0, 50)
            assert [r.payload for r in again.receipts] == [r.payload for r in first.receipts]
        assert everything(migrated) == before
        assert counts(migrated) == {**ZERO, "received": 200, "stored": 50, "duplicate": 150}

    def test_takes_back_the_quick_way_once_duplicates_are_over(self, migrated: Migrated) -> None:
        plant = SmallPlant()
        migrated.install(plant.plant())

        async def work(database: Database) -> list[bool]:
            committer = Committer(database)
            registry = await load_registry(database)
            expecting = []
            for minute in (0, 0, 0, 1, 2):
                delivery = plant.delivery([("P1", START + minute * MINUTE, 1.0)], seq=minute + 1)
                await take_in(database, registry, [delivery], at=NOW, committer=committer)
                expecting.append(committer._expect_duplicates)
            return expecting

        assert migrated.run("nengtan_ingest", work) == [False, True, True, False, False]

    def test_tells_an_error_of_the_source_from_a_value(self, migrated: Migrated) -> None:
        topic = "plc/1"
        gateways = [{"code": "gw", "form": "neuron", "topic": topic, "class": "acknowledged"}]
        points = [{"code": "P1", "address": "n/g/t", "kind": "gauge", "unit": "kW"}]
        migrated.install(SmallPlant(points=points, more={"gateways": gateways}).plant())
        at_ms = us(START) // 1000
        head = f'{{"timestamp": {at_ms}, "node": "n", "group": "g", "metas": {{}}, '
        error = Delivery(topic, (head + '"values": {}, "errors": {"t": 1}}').encode(), 1, 1, False)
        value = Delivery(topic, (head + '"values": {"t": 5}, "errors": {}}').encode(), 2, 1, False)
        for delivery in (error, error, value, value):
            outcome = migrated.ingest([delivery], at=NOW)
            assert outcome.receipts == []
        assert stored_rows(migrated, "acme") == {("P1", 0): None}
        assert counts(migrated) == {
            **ZERO,
            "received": 4,
            "stored": 1,
            "duplicate": 1,
            "conflict": 2,
        }
        [(_, _, second, kept)] = conflict_rows(migrated, "acme")
        assert (second, kept) == (5.0, None)
        assert migrated.rows("select quality from reading") == [(1,)]

    def test_keeps_what_it_cannot_take_byte_for_byte(self, migrated: Migrated) -> None:
        plant = SmallPlant()
        migrated.install(plant.plant())
        payload = b'\xef\xbb\xbf{"epoch":"e","seq":4,"ts":1741564800000,"points":{"P1":1,"P9":2}}'
        strange = Delivery("somewhere/else", b"\x00\xff", 2, 0, False)
        outcome = migrated.ingest([Delivery(plant.topic, payload, 1, 1, False), strange], at=NOW)
        rows = migrated.rows(
            "select q.topic, q.payload, q.tenant_id is null, i.item, i.code from quarantine q"
            " join quarantine_item i on i.quarantine_id = q.id order by q.id"
        )
        assert rows == [
            (plant.topic, payload, False, 1, "unknown_point"),
            ("somewhere/else", b"\x00\xff", True, -1, "unknown_gateway"),
        ]
        [receipt] = outcome.receipts
        assert b'"rejected":[{"seq":4,"item":1,"code":"unknown_point"}]' in receipt.payload

    def test_shows_gaps_until_they_are_filled(self, migrated: Migrated) -> None:
        plant = SmallPlant()
        migrated.install(plant.plant())

        def send(*numbers: int) -> list[tuple[int, int]]:
            deliveries = [plant.delivery([("P1", START + n * MINUTE, 1.0)], seq=n) for n in numbers]
            migrated.ingest(deliveries, at=NOW)
            return [
                (first, last)
                for first, last in migrated.rows("select first_seq, last_seq from sequence_gap")
            ]

        assert send(1, 2) == []
        assert send(5, 9) == [(3, 4), (6, 8)]
        assert send(7) == [(3, 4), (6, 6), (8, 8)]
        assert send(3, 4, 6) == [(8, 8)]
        assert send(8, 5) == []

    def test_rejects_more_than_one_receipt_can_name(self, migrated: Migrated) -> None:
        plant = SmallPlant()
        migrated.install(plant.plant())
        early = START - MINUTE
        deliveries = [plant.delivery([("P1", early, 1.0)] * 5000, seq=seq) for seq in (1, 2, 3)]
        outcome = migrated.ingest(deliveries, at=NOW)
        assert [receipt.ranges for receipt in outcome.receipts] == [[(1, 1)], [(2, 2)], [(3, 3)]]
        assert migrated.rows("select received::text from gateway_sequence") == [("{[1,4)}",)]
        assert counts(migrated)["quarantined"] == 15_000

    def test_marks_what_the_worker_must_look_at(self, migrated: Migrated) -> None:
        plants = [SmallPlant(tenant=tenant) for tenant in ("one", "two")]
        migrated.install(*(plant.plant() for plant in plants))
        deliveries = [
            plant.delivery([("P1", START + n * MINUTE, 1.0) for n in (5, 1, 9)]) for plant in plants
        ]
        migrated.ingest(deliveries, at=NOW)
        rows = migrated.rows(
            "select t.code, cardinality(d.point_ids), d.start_ts, d.end_ts from dirty d"
            " join tenant t on t.id = d.tenant_id order by 1"
        )
        span = ([START + MINUTE], [START + 9 * MINUTE])
        assert rows == [("one", 1, *span), ("two", 1, *span)]
        migrated.ingest(deliveries, at=NOW)
        assert migrated.rows("select count(*) from dirty") == [(2,)]

    def test_by_two_at_once_counts_every_reading_once(self, migrated: Migrated) -> None:
        """As for a moment when a second ingest takes over from one that is thought dead."""
        plant = SmallPlant()
        migrated.install(plant.plant())
        batches = [
            [plant.delivery([("P1", START + n * MINUTE, 1.0) for n in range(m, m + 40)], seq=m + 1)]
            for m in range(0, 400, 20)
        ]

        async def work(database: Database) -> None:
            registry = await load_registry(database)

            async def all_of_it() -> list[Outcome]:
                committer = Committer(database)
                return [
                    await take_in(database, registry, batch, at=NOW, committer=committer)
                    for batch in batches
                ]

            await asyncio.gather(all_of_it(), all_of_it(), all_of_it())

        migrated.run("nengtan_ingest", work)
        assert counts(migrated) == {
            **ZERO,
            "received": 3 * 20 * 40,
            "stored": 420,
            "duplicate": 3 * 20 * 40 - 420,
        }
        assert len(stored_rows(migrated, "acme")) == 420


def everything(migrated: Migrated) -> dict[str, list[tuple[object, ...]]]:
    """Return every row that ingest writes, but counts and the time a message last came."""
    queries = {
        "reading": "select * from reading order by ts, point_id",
        "dirty": "select * from dirty order by id",
        "conflict": "select * from conflict order by 1, 2, 3",
        "quarantine": "select * from quarantine_item order by 1, 2",
        "sequence": "select gateway_id, epoch, received::text from gateway_sequence",
    }
    return {name: [tuple(row) for row in migrated.rows(query)] for name, query in queries.items()}


def test_the_oracle_can_tell_fates_apart() -> None:
    oracle = Oracle()
    oracle.take([("P1", 0, 1.0), ("P1", 0, 1.0), ("P1", 0, 2.0), ("P9", 0, 1.0)])
    assert oracle.counts == {
        "received": 4,
        "stored": 1,
        "duplicate": 1,
        "conflict": 1,
        "quarantined": 1,
    }
    assert not math.isnan(oracle.kept["P1", 0])
