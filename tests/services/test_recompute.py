"""G8: in whatever order readings come, the results are the same, bit for bit, and right."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from compute.quality import Quality
from ingest.registry import load_registry
from ingest.tick import Worker
from services import factors
from services.reference import load_tables
from services.store import ledger
from services.store.pool import Database
from tests.migrated import Migrated, SmallPlant, counts, take_in, us
from tests.services import histories
from tests.services.histories import Oracle, Reading, origins, results

pytestmark = [pytest.mark.database]

# Daylight saving begins in New York on 2025-03-09 and ends in Berlin on 2025-10-26.
CASES = [
    (1, "Asia/Shanghai", datetime(2025, 6, 29, 16, tzinfo=UTC)),
    (2, "America/New_York", datetime(2025, 3, 8, 5, tzinfo=UTC)),
    (3, "Asia/Kolkata", datetime(2025, 5, 30, 18, 30, tzinfo=UTC)),
    (4, "Europe/Berlin", datetime(2025, 10, 24, 22, tzinfo=UTC)),
    (5, "UTC", datetime(2024, 2, 28, tzinfo=UTC)),
]
MESSAGE_READINGS = 40


def send(
    migrated: Migrated,
    plant: SmallPlant,
    commits: Sequence[Sequence[Reading]],
    *,
    drains: Sequence[bool],
) -> None:
    """Take commits in one by one, with the worker at work between some of them, and at the end."""

    async def work() -> None:
        ingest = await Database.open(migrated.role_url("nengtan_ingest"))
        worker_database = await Database.open(migrated.role_url("nengtan_worker"))
        worker = Worker(worker_database)
        registry = await load_registry(ingest)
        seq = 0
        for commit, drain in zip(commits, drains, strict=True):
            deliveries = []
            for first in range(0, len(commit), MESSAGE_READINGS):
                seq += 1
                part = commit[first : first + MESSAGE_READINGS]
                deliveries.append(plant.delivery(part, seq=seq))
            await take_in(ingest, registry, deliveries, at=datetime(2026, 1, 1, tzinfo=UTC))
            if drain:
                await worker.drain()
        await worker.drain()
        await ingest.close()
        await worker_database.close()

    asyncio.run(work())


def rebuild(migrated: Migrated, *tenants: str) -> None:
    """Compute everything of some tenants again."""

    async def mark(database: Database) -> None:
        for tenant in tenants:
            [(site_id,)] = migrated.rows(
                "select s.id from site s join tenant t on t.id = s.tenant_id where t.code = %s",
                tenant,
            )
            async with database.transaction() as connection:
                await ledger.mark_site_dirty(
                    connection,
                    site_id=site_id,
                    start=datetime(2024, 1, 1, tzinfo=UTC),
                    end=datetime(2026, 1, 1, tzinfo=UTC),
                )

    # The worker may not mark anything, ingest may.
    migrated.run("nengtan_ingest", mark)
    drain(migrated)


def drain(migrated: Migrated) -> None:
    migrated.run("nengtan_worker", lambda database: Worker(database).drain())


def hourly(start: datetime, *, hours: int, name: str = "P1") -> list[Reading]:
    """Return readings of a register that counts 1 kWh a minute, on every quarter of an hour."""
    every = timedelta(minutes=15)
    return [(name, start + number * every, 15.0 * number) for number in range(4 * hours + 1)]


def in_order(readings: Sequence[Reading], *, count: int) -> list[list[Reading]]:
    size = -(-len(readings) // count)
    return [list(readings[first : first + size]) for first in range(0, len(readings), size)]


def shuffled(rng: random.Random, readings: Sequence[Reading], *, count: int) -> list[list[Reading]]:
    """Return commits of readings in any order, a tenth of them twice, some runs very late."""
    everything = [*readings, *rng.sample(list(readings), k=len(readings) // 10)]
    rng.shuffle(everything)
    late = rng.choice(sorted(histories.MULTIPLIER))
    everything.sort(key=lambda reading: reading[0] == late and rng.random() < 0.7)
    return in_order(everything, count=count)


@pytest.mark.parametrize(("seed", "zone", "start"), CASES)
class TestTheOrderOfReadings:
    def test_changes_no_bit_of_any_result(
        self, migrated: Migrated, seed: int, zone: str, start: datetime
    ) -> None:
        rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        readings = histories.readings(rng, start=start)
        plants = {
            name: histories.plant(name, start=start, time_zone=zone, carrier="electricity")
            for name in ("straight", "crooked")
        }
        migrated.install(*(plant.plant() for plant in plants.values()))
        straight = in_order(readings, count=8)
        send(migrated, plants["straight"], straight, drains=[True] * len(straight))
        crooked = shuffled(rng, readings, count=8)
        send(migrated, plants["crooked"], crooked, drains=[rng.random() < 0.7 for _ in crooked])
        assert counts(migrated, tenant="crooked")["duplicate"] == len(readings) // 10
        found = results(migrated, "straight")
        assert len(found) > 8 * 200
        assert results(migrated, "crooked") == found
        assert origins(migrated, "crooked") == origins(migrated, "straight")
        origin = origins(migrated, "straight")
        migrated.execute("delete from result", "delete from provenance")
        rebuild(migrated, "straight")
        assert results(migrated, "straight") == found
        assert origins(migrated, "straight") == origin
        check_against_oracle(migrated, "straight", Oracle(readings), zone)


def test_counts_what_comes_in_400_days_late(migrated: Migrated) -> None:
    start = datetime(2024, 2, 10, tzinfo=UTC)
    codes = ("ended", "running")
    plant = SmallPlant(
        points=[{"code": code, "kind": "register", "unit": "kWh"} for code in codes],
        valid_from=start,
    )
    migrated.install(plant.plant())
    newest = hourly(start + timedelta(days=400), hours=3, name="running")
    late = hourly(start, hours=3, name="ended")
    send(migrated, plant, [newest, late], drains=[True, True])
    [(late_kwh,)] = migrated.rows(
        "select sum(r.amount) from result r join series s on s.id = r.series_id"
        " where s.kind = 'point' and s.code = 'ended' and r.grain = 2"
    )
    assert late_kwh == late[-1][2] - late[0][2]


def check_against_oracle(migrated: Migrated, tenant: str, oracle: Oracle, zone: str) -> None:
    """Compare amounts of points by interval, day and month, and the energy of the whole."""
    rows = migrated.rows(
        "select r.grain, s.kind, s.code, r.ts, r.amount, r.energy_kwh from result r"
        " join series s on s.id = r.series_id join tenant t on t.id = s.tenant_id"
        " where t.code = %s and (s.kind = 'point' or s.kind = 'node' and s.carrier = '')",
        tenant,
    )
    base = {
        (code, us(at)): amount
        for grain, kind, code, at, amount, _ in rows
        if kind == "point" and grain == 0 and amount is not None
    }
    truth = {
        (name, step): amount
        for name in histories.MULTIPLIER
        for step in oracle.steps()
        if (amount := oracle.amount(name, step, step + histories.STEP_US)) is not None
    }
    assert base.keys() == truth.keys()
    for place, amount in truth.items():
        assert base[place] == pytest.approx(float(amount), rel=1e-9, abs=1e-9), place
    for grain, form in ((2, "%Y-%m-%d"), (3, "%Y-%m")):
        total: dict[str, Decimal] = {}
        for name in histories.MULTIPLIER:
            sums = oracle.sums(name, zone, form)
            found = {
                histories.local(us(at), zone).strftime(form): amount
                for g, kind, code, at, amount, _ in rows
                if g == grain and kind == "point" and code == name and amount is not None
            }
            assert found.keys() == sums.keys()
            for key, amount in sums.items():
                assert found[key] == pytest.approx(float(amount), rel=1e-9), (name, key)
                total[key] = total.get(key, Decimal(0)) + Decimal(float(amount))
        energy = {
            histories.local(us(at), zone).strftime(form): energy_kwh
            for g, kind, _, at, _, energy_kwh in rows
            if g == grain and kind == "node" and energy_kwh is not None
        }
        assert energy == {
            key: pytest.approx(float(value), rel=1e-9) for key, value in total.items()
        }


START = datetime(2025, 3, 10, tzinfo=UTC)
NOON = START + timedelta(hours=12)
REGISTER = {"code": "P1", "kind": "register", "unit": "kWh"}


class TestADescription:
    def test_of_a_later_start_changes_only_what_follows_it(self, migrated: Migrated) -> None:
        old = SmallPlant(points=[REGISTER])
        migrated.install(old.plant())
        send(migrated, old, [hourly(START, hours=24)], drains=[False])
        before = results(migrated, "acme", grains=[0])
        origin = origins(migrated, "acme")
        new = SmallPlant(points=[{**REGISTER, "multiplier": 3}], valid_from=NOON)
        migrated.install(new.plant())
        drain(migrated)
        after = results(migrated, "acme", grains=[0])
        assert [row for row in after if row[4] < NOON] == [row for row in before if row[4] < NOON]
        assert point_sums(migrated, grain=0) == {START: 720.0, NOON: 3 * 720.0}
        assert {row[4] for row in origins(migrated, "acme") if row[0] < NOON} == {1}
        assert {row[4] for row in origins(migrated, "acme") if row[0] >= NOON} == {2}
        assert [row for row in origins(migrated, "acme") if row[0] < NOON] == [
            row for row in origin if row[0] < NOON
        ]

    def test_leaves_no_result_of_what_it_drops(self, migrated: Migrated) -> None:
        old = SmallPlant(points=[REGISTER])
        migrated.install(old.plant())
        send(migrated, old, [hourly(START, hours=24)], drains=[False])
        flow = {**old.document()["flows"][0], "code": "renamed"}
        migrated.install(SmallPlant(points=[REGISTER], more={"flows": [flow]}).plant())
        drain(migrated)
        fresh = SmallPlant(tenant="fresh", points=[REGISTER], more={"flows": [flow]})
        migrated.install(fresh.plant())
        send(migrated, fresh, [hourly(START, hours=24)], drains=[False])
        assert {row[2] for row in results(migrated, "acme") if row[1] == "flow"} == {"renamed"}
        assert results(migrated, "acme") == results(migrated, "fresh")

    def test_keeps_results_of_what_it_drops_from_before_its_time(self, migrated: Migrated) -> None:
        old = SmallPlant(points=[REGISTER])
        migrated.install(old.plant())
        send(migrated, old, [hourly(START, hours=24)], drains=[False])
        flow = {**old.document()["flows"][0], "code": "renamed"}
        new = SmallPlant(points=[REGISTER], valid_from=NOON, more={"flows": [flow]})
        migrated.install(new.plant())
        drain(migrated)
        spans: dict[str, set[bool]] = {}
        for row in results(migrated, "acme", grains=[0]):
            if row[1] == "flow":
                spans.setdefault(row[2], set()).add(row[4] >= NOON)
        assert spans == {"to-hall-P1": {False}, "renamed": {True}}

    def test_exchanges_a_meter_within_itself(self, migrated: Migrated) -> None:
        points = [
            {**REGISTER, "valid_to": NOON.isoformat()},
            {**REGISTER, "code": "P2", "valid_from": NOON.isoformat()},
        ]
        plant = SmallPlant(points=points)
        [flow, _] = plant.document()["flows"]
        flow["metered_by"] = [{"point": "P1"}, {"point": "P2"}]
        plant.more["flows"] = [flow]
        migrated.install(plant.plant())
        readings = [*hourly(START, hours=12)[:-1], *hourly(NOON, hours=12, name="P2")]
        send(migrated, plant, [readings], drains=[False])
        [(energy_kwh,)] = migrated.rows(
            "select r.amount from result r join series s on s.id = r.series_id"
            " where s.kind = 'flow' and r.grain = 2 and r.ts = %s",
            START,
        )
        # Of the last quarter before the exchange nothing was read.
        assert energy_kwh == pytest.approx(24 * 60 - 15)


class TestAConfirmedFactor:
    def test_makes_what_lacked_it_valid(self, migrated: Migrated) -> None:
        points = [
            {"code": "P1", "kind": "interval", "unit": "kWh", "period_minutes": 60, "stamp": "end"}
        ]
        plant = SmallPlant(points=points)
        migrated.install(plant.plant())
        hour = timedelta(hours=1)
        readings = [("P1", START + number * hour, 60.0) for number in range(1, 25)]
        send(migrated, plant, [readings], drains=[False])
        assert invalid_and_valid(migrated) == (96, 0)
        [(tenant_id,)] = migrated.rows("select id from tenant")

        async def confirm(database: Database) -> None:
            for factor in load_tables().factors:
                if factor.carrier == "electricity" and factor.parameter == "coal_equal":
                    await factors.confirm(
                        database,
                        tenant_id=tenant_id,
                        actor="a@acme",
                        factor_id=factor.id,
                        reason="compared with the print",
                    )

        migrated.run("nengtan_api", confirm)
        drain(migrated)
        assert invalid_and_valid(migrated) == (0, 96)
        [(coal_tce,)] = migrated.rows(
            "select r.coal_equal_tce from result r join series s on s.id = r.series_id"
            " where s.kind = 'node' and s.carrier = '' and r.grain = 2 and r.ts = %s",
            START,
        )
        assert coal_tce > 24 * 60 * 0.0001229


def point_sums(migrated: Migrated, *, grain: int) -> dict[datetime, float]:
    """Return the amounts of the point before and after noon."""
    rows = migrated.rows(
        "select r.ts, r.amount from result r join series s on s.id = r.series_id"
        " where s.kind = 'point' and r.grain = %s and r.amount is not null",
        grain,
    )
    sums = {START: 0.0, NOON: 0.0}
    for at, amount in rows:
        sums[NOON if at >= NOON else START] += amount
    return sums


def invalid_and_valid(migrated: Migrated) -> tuple[int, int]:
    """Return how many intervals of the hall lack a factor, and how many have all they need."""
    rows = migrated.rows(
        "select r.quality, r.coal_equal_tce from result r join series s on s.id = r.series_id"
        " where s.kind = 'node' and s.carrier = '' and r.grain = 0"
    )
    lacking = [row for row in rows if row[0] & Quality.FACTOR_MISSING and row[1] is None]
    whole = [row for row in rows if not row[0] & Quality.FACTOR_MISSING and row[1] is not None]
    return len(lacking), len(whole)
