"""A plant-year of registers: computed from raw into every result, repaired, and asked for."""

import asyncio
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import psycopg
import pytest

from api.app import create_app
from compute.warm import warm
from deploy import admin
from ingest.tick import Worker
from services import recompute, roll_up
from services.long_lived import keep_for_long
from services.store import ledger, readings, results
from services.store.pool import Database
from tests import servers
from tests.benchmarks import park
from tests.benchmarks.bench import spread
from tests.migrated import Migrated, SmallPlant, migrate
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

DAY_COUNT = 365
READING_COUNT = park.POINT_COUNT * DAY_COUNT * 96
ROUND_COUNT = 2  # in each part
ANSWER_ROUNDS = 5
MESSAGE_READINGS = 100
EXPECTED_ROWS = {"month": 12, "day": DAY_COUNT, "hour": DAY_COUNT * 24}
SPLIT: dict[str, list[tuple[Any, str]]] = {
    "read": [(readings, "read_window"), (readings, "read_neighbours"), (results, "read_results")],
    "kernel": [
        (recompute, "check_readings"),
        (recompute, "interval_amounts"),
        (recompute, "_settled"),
        (roll_up, "rollup"),
    ],
    "write": [(results, "_copy"), (results, "put_provenance"), (results, "put_point_states")],
}


class Split:
    """Seconds by what they went into: of the wall, and of this process's processor."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_s: dict[str, float] = defaultdict(float)
        self.processor_s: dict[str, float] = defaultdict(float)
        for part, functions in SPLIT.items():
            for module, name in functions:
                monkeypatch.setattr(module, name, self._timed(part, getattr(module, name)))

    def clear(self) -> None:
        self.wall_s.clear()
        self.processor_s.clear()

    def _timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def add(began: tuple[float, float]) -> None:
            self.wall_s[part] += time.perf_counter() - began[0]
            self.processor_s[part] += time.process_time() - began[1]

        async def wait(work: Coroutine[Any, Any, Any], began: tuple[float, float]) -> Any:
            try:
                return await work
            finally:
                add(began)

        def call(*arguments: Any, **named: Any) -> Any:
            began = (time.perf_counter(), time.process_time())
            found = function(*arguments, **named)
            if isinstance(found, Coroutine):
                return wait(found, began)
            add(began)
            return found

        return call


def rebuild_s(migrated: Migrated) -> float:
    """Have the whole site computed again, and return how long that takes."""

    async def mark(database: Database) -> None:
        async with database.transaction() as connection:
            await ledger.mark_site_dirty(
                connection,
                site_id=1,
                start=park.START,
                end=park.START + timedelta(days=DAY_COUNT),
            )

    migrated.run("nengtan_ingest", mark)
    began_s = time.perf_counter()
    migrated.run("nengtan_worker", lambda database: Worker(database).drain())
    return time.perf_counter() - began_s


def late_s(migrated: Migrated, late_at: list[datetime], late_kwh: npt.NDArray[np.float64]) -> float:
    """Return how long three late hours take from their messages to every total."""
    codes = [code for hall in park.HALLS for code in park.codes_of(hall)]
    rows = [
        (code, at, value)
        for at, values in zip(late_at, late_kwh.tolist(), strict=True)
        for code, value in zip(codes, values, strict=True)
    ]
    plant = SmallPlant(tenant="bench", site="main")
    epoch = f"{late_at[0]:%Y%m%d}"
    deliveries = [
        plant.delivery(rows[first : first + MESSAGE_READINGS], seq=1 + first, epoch=epoch)
        for first in range(0, len(rows), MESSAGE_READINGS)
    ]
    began_s = time.perf_counter()
    migrated.ingest(deliveries, at=late_at[-1] + timedelta(days=9))
    migrated.run("nengtan_worker", lambda database: Worker(database).drain())
    return time.perf_counter() - began_s


async def answers_ms(migrated: Migrated, key: str) -> dict[str, list[float]]:
    """Return p95 of a year of each hall and of the park: of a new application, and again."""
    database = await Database.open(migrated.role_url("nengtan_api"))
    app = create_app(database=database)
    period = {
        "site": "main",
        "start": park.START.isoformat(),
        "end": (park.START + timedelta(days=DAY_COUNT)).isoformat(),
        "limit": "10000",
    }
    keep_for_long()
    p95_ms: dict[str, list[float]] = {}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://centre/api/v1",
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    ) as client:
        for interval, row_count in EXPECTED_ROWS.items():
            p95_ms[interval] = []
            for _ in range(ANSWER_ROUNDS):
                times_ms = []
                for node in ("park", *park.HALLS):
                    began_s = time.perf_counter()
                    answer = await client.get(
                        "/energy", params={**period, "node": node, "interval": interval}
                    )
                    times_ms.append(1000.0 * (time.perf_counter() - began_s))
                    assert answer.status_code == 200, answer.text
                    assert len(answer.json()["rows"]) >= row_count
                p95_ms[interval].append(float(np.quantile(times_ms, 0.95)))
    await database.close()
    return p95_ms


def rebuilt(migrated: Migrated, split: Split, took_s: dict[str, list[float]]) -> None:
    """Time a rebuild into no results, whole and each part of it."""
    with psycopg.connect(migrated.url, autocommit=True) as connection:
        connection.execute("truncate result")
    split.clear()
    took_s["whole"].append(rebuild_s(migrated))
    for part in SPLIT:
        took_s[part].append(split.wall_s[part])
    parts = ", ".join(
        f"{part} {split.wall_s[part]:.1f} s (here {split.processor_s[part]:.1f})" for part in SPLIT
    )
    print(f"  rebuild: {took_s['whole'][-1]:.1f} s; {parts}")


def settle_down(migrated: Migrated) -> None:
    """Have the database clean up after a rebuild, which a plant does once in years."""
    with psycopg.connect(migrated.url, autocommit=True) as connection:
        connection.execute("vacuum (analyze) result")
        connection.execute("checkpoint")


def check_totals(migrated: Migrated, loaded: park.Loaded) -> None:
    """See that every grain adds up to what the registers counted."""
    for grain in range(4):
        [(kwh,)] = migrated.rows(
            "select sum(r.energy_kwh) from result r join series s on s.id = r.series_id"
            " where s.kind = 'flow' and r.grain = %s",
            grain,
        )
        assert kwh == pytest.approx(loaded.energy_wh / 1000.0, rel=1e-9)


def check_late(
    migrated: Migrated, late_at: list[datetime], late_kwh: npt.NDArray[np.float64]
) -> None:
    """See that an interval between two late instants has what passed between them."""
    [(kwh,)] = migrated.rows(
        "select sum(r.energy_kwh) from result r join series s on s.id = r.series_id"
        " where s.kind = 'flow' and r.grain = 0 and r.ts = %s",
        late_at[5],
    )
    assert kwh == pytest.approx(float((late_kwh[6] - late_kwh[5]).sum()), rel=1e-9)


@dataclass(slots=True)
class Found:
    """What the rounds of all parts found."""

    took_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    first_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    again_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


@pytest.fixture(scope="session")
def found() -> Found:
    """Return what the parts so far found."""
    return Found()


@pytest.mark.usefixtures("part")
def test_a_plant_year(
    timescale_server: DatabaseServer,
    monkeypatch: pytest.MonkeyPatch,
    row: Callable[[int, str, str], None],
    found: Found,
) -> None:
    url = servers.create_database(timescale_server)
    migrated = migrate(url)
    migrated.install(park.park())
    key = migrated.run(
        "nengtan_admin",
        lambda database: admin.create_key(
            database, tenant="bench", name="bench", roles=["tenant_admin"]
        ),
    )
    point_ids = [row[0] for row in migrated.rows("select id from point order by id")]
    loaded = park.load_readings(
        url, point_ids=point_ids, day_count=DAY_COUNT, late_count=ROUND_COUNT
    )
    warm()
    split = Split(monkeypatch)
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores; {park.POINT_COUNT:,} registers, "
        f"{DAY_COUNT} days of quarters of an hour = {READING_COUNT:,} readings"
    )
    # Rounds of everything in turn: what the machine does meanwhile is in the spread of each.
    for late_at, late_kwh in loaded.late:
        rebuilt(migrated, split, found.took_s)
        settle_down(migrated)
        found.took_s["late"].append(late_s(migrated, late_at, late_kwh))
        check_late(migrated, late_at, late_kwh)
        print(f"  three late hours, until every total is right: {found.took_s['late'][-1]:.1f} s")
        for interval, (first, *again) in asyncio.run(answers_ms(migrated, key)).items():
            found.first_ms[interval].append(first)
            found.again_ms[interval] += again
            print(
                f"  a year by {interval}: p95 {first:.1f} at first, {spread(again, '.1f')} ms again"
            )
        found.took_s["over the same"].append(rebuild_s(migrated))
        print(f"  over the same results: {found.took_s['over the same'][-1]:.1f} s")
    check_totals(migrated, loaded)
    tell(row, found)
    servers.drop_database(timescale_server, url)


def tell(row: Callable[[int, str, str], None], found: Found) -> None:
    """Say what the rounds so far found."""
    said = {name: spread(seconds, ".1f") for name, seconds in found.took_s.items()}
    kernel = spread(found.took_s["kernel"])
    row(
        70,
        f"rebuild of a plant-year: {park.POINT_COUNT:,} registers, {READING_COUNT / 1e6:.0f}"
        " million readings, into every interval, hour, day, month and node",
        f"{said['whole']} s; waiting for readings {said['read']}, kernels {kernel}, waiting"
        f" for writes {said['write']}, in part side by side; over the same results"
        f" {said['over the same']} s",
    )
    row(
        80,
        f"three late hours of {park.POINT_COUNT:,} meters, until every total is right",
        f"{spread(found.took_s['late'])} s",
    )
    row(
        90,
        f"a year of {len(park.HALLS)} halls and the park, {park.POINT_COUNT:,} registers filled:"
        " p95 of an answer by month / by day / by hour, without HTTP",
        " / ".join(spread(p95_ms, ".1f") for p95_ms in found.again_ms.values())
        + " ms; of a new application "
        + " / ".join(spread(p95_ms, ".1f") for p95_ms in found.first_ms.values())
        + " ms",
    )
