"""From readings to results by ingest, database and worker, and what is stored then."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from compute.periods import Grain
from compute.settle import SeriesKey
from ingest.registry import load_registry
from ingest.tick import Worker
from services import meter_life
from services.store.meter_facts import FactRow
from services.store.pool import Database
from tests.faults.arrays import Arrival
from tests.faults.meters import SIX_DIGITS, of
from tests.migrated import Migrated, SmallPlant, take_in

RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)

Stored = Mapping[datetime, tuple[float | None, int]]


def send(
    migrated: Migrated,
    plant: SmallPlant,
    commits: Sequence[Sequence[Arrival]],
    *,
    idle: Sequence[int] = (),
    first_seq: int = 1,
) -> None:
    """Take commits in, the worker at work after each of them but those it is idle at."""

    async def work() -> None:
        ingest = await Database.open(migrated.role_url("nengtan_ingest"))
        worker = await Database.open(migrated.role_url("nengtan_worker"))
        # One, as in life: it keeps what it read from pass to pass.
        keeps = Worker(worker)
        registry = await load_registry(ingest)
        for number, commit in enumerate(commits):
            readings = [(code, at, float(value)) for code, at, value in commit if value is not None]
            message = plant.delivery(readings, seq=first_seq + number)
            await take_in(ingest, registry, [message], at=RECEIVED)
            if number not in idle:
                await keeps.drain()
        await ingest.close()
        await worker.close()

    asyncio.run(work())


def enter(
    migrated: Migrated, tenant: str, point: str, changes: Sequence[Mapping[str, Any]]
) -> list[FactRow]:
    """Enter changes in the life of a point one by one, as the API does."""
    [(tenant_id,)] = migrated.rows("select id from tenant where code = %s", tenant)

    async def work(database: Database) -> list[FactRow]:
        return [
            await meter_life.add_change(
                database,
                tenant_id=tenant_id,
                actor="a@acme",
                site="main",
                point=point,
                change=change,
                at=RECEIVED,
            )
            for change in changes
        ]

    return migrated.run("nengtan_api", work)


def drain(migrated: Migrated) -> None:
    """Let the worker do what there is to do."""
    migrated.run("nengtan_worker", lambda database: Worker(database).drain())


def stored(migrated: Migrated, tenant: str, key: SeriesKey, grain: Grain) -> Stored:
    """Return amount and quality of each stored interval of a series."""
    rows = migrated.rows(
        "select r.ts, r.amount, r.quality from result r join series s on s.id = r.series_id"
        " join tenant t on t.id = s.tenant_id"
        " where t.code = %s and s.kind = %s and s.code = %s and s.carrier = %s and r.grain = %s",
        *(tenant, key.kind, key.code, key.carrier, int(grain)),
    )
    return {at.astimezone(UTC): (amount, quality) for at, amount, quality in rows}


def amounts_of(rows: Stored) -> dict[datetime, float]:
    """Return the amounts that are known."""
    return {at: amount for at, (amount, _) in rows.items() if amount is not None}


def filled(migrated: Migrated, readings: Sequence[tuple[datetime, Decimal]]) -> SmallPlant:
    """Return a plant of one register whose readings have been computed."""
    plant = SmallPlant(points=[{"code": "P1", **SIX_DIGITS}])
    migrated.install(plant.plant())
    send(migrated, plant, [of("P1", readings)])
    return plant
