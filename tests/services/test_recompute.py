"""G8: in whatever order readings come, the results are the same, bit for bit, and right."""

import asyncio
import random
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ingest.registry import load_registry
from ingest.tick import Worker
from services.store import ledger
from services.store.pool import Database
from tests.migrated import Migrated, SmallPlant, counts, take_in, us
from tests.services import histories
from tests.services.histories import Oracle, Reading

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
ALL_GRAINS = (0, 1, 2, 3)


def results(migrated: Migrated, tenant: str, *, grains: Sequence[int] = ALL_GRAINS) -> list[Any]:
    """Return every result of a tenant, its numbers as bits."""
    rows = migrated.rows(
        "select r.grain, s.kind, s.code, s.carrier, r.ts, r.quality, r.reading_count, r.covered_us,"
        " r.input_hash, r.amount, r.energy_kwh, r.coal_equivalent_tce, r.coal_equal_tce,"
        " r.emission_direct_tco2e, r.emission_purchased_tco2e"
        " from result r join series s on s.id = r.series_id join tenant t on t.id = s.tenant_id"
        " where t.code = %s and r.grain = any(%s) order by 1, 2, 3, 4, 5",
        tenant,
        list(grains),
    )
    return [tuple(bits(value) for value in row) for row in rows]


def bits(value: object) -> object:
    return struct.pack(">d", value) if isinstance(value, float) else value


def origins(migrated: Migrated, tenant: str) -> list[Any]:
    """Return what provenance says of a tenant's results, but when it was written."""
    return migrated.rows(
        "select p.ts, p.formula, encode(p.input_hash, 'hex'), encode(f.sha256, 'hex'), v.version,"
        " p.code_version from provenance p join tenant t on t.id = p.tenant_id"
        " join factor_set f on f.id = p.factor_set_id"
        " join plant_version v on v.id = p.plant_version_id where t.code = %s order by 1, 2",
        tenant,
    )


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
        rebuild(migrated, "straight")
        covered = {row[4] for row in found if row[0] == 0}
        again = [r for r in results(migrated, "straight", grains=[0]) if r[4] in covered]
        assert again == [row for row in found if row[0] == 0]
        assert [row for row in origins(migrated, "straight") if row[0] in covered] == origin
        check_against_oracle(migrated, "straight", Oracle(readings), zone)


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
    for key, amount in truth.items():
        assert base[key] == pytest.approx(float(amount), rel=1e-9, abs=1e-9), key
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
    assert timedelta(hours=1)  # the zone's own hours are in test_periods
