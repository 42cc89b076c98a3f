"""A plant-year of registers: computed from raw into every result, repaired, and asked for."""

import asyncio
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
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
from tests.migrated import Migrated, SmallPlant, migrate
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

DAY_COUNT = 365
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


def late_s(migrated: Migrated, loaded: park.Loaded) -> float:
    """Return how long three late hours take from their messages to every total."""
    codes = [code for hall in park.HALLS for code in park.codes_of(hall)]
    rows = [
        (code, at, value)
        for at, values in zip(loaded.late_at, loaded.late_kwh.tolist(), strict=True)
        for code, value in zip(codes, values, strict=True)
    ]
    plant = SmallPlant(tenant="bench", site="main")
    deliveries = [
        plant.delivery(rows[first : first + MESSAGE_READINGS], seq=1 + first)
        for first in range(0, len(rows), MESSAGE_READINGS)
    ]
    began_s = time.perf_counter()
    migrated.ingest(deliveries, at=loaded.late_at[-1] + timedelta(days=2))
    migrated.run("nengtan_worker", lambda database: Worker(database).drain())
    return time.perf_counter() - began_s


async def answers_ms(migrated: Migrated, key: str) -> dict[str, list[list[float]]]:
    """Return how long a year of each hall and of the park takes, asked in three rounds."""
    database = await Database.open(migrated.role_url("nengtan_api"))
    app = create_app(database=database)
    period = {
        "site": "main",
        "start": park.START.isoformat(),
        "end": (park.START + timedelta(days=DAY_COUNT)).isoformat(),
        "limit": "10000",
    }
    keep_for_long()
    took: dict[str, list[list[float]]] = {"month": [], "day": [], "hour": []}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://centre/api/v1",
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    ) as client:
        for interval, rounds in took.items():
            for _ in range(3):
                times = []
                for node in ("park", *park.HALLS):
                    began_s = time.perf_counter()
                    answer = await client.get(
                        "/energy", params={**period, "node": node, "interval": interval}
                    )
                    times.append(1000.0 * (time.perf_counter() - began_s))
                    assert answer.status_code == 200, answer.text
                    assert len(answer.json()["rows"]) >= EXPECTED_ROWS[interval]
                rounds.append(times)
    await database.close()
    return took


def quantile(values: list[float], share: float) -> float:
    return float(np.quantile(np.array(values), share))


def test_a_plant_year(timescale_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
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
    loaded = park.load_readings(url, point_ids=point_ids, day_count=DAY_COUNT)
    warm()
    split = Split(monkeypatch)
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores; {park.POINT_COUNT:,} registers, "
        f"{DAY_COUNT} days of quarters of an hour = {park.POINT_COUNT * DAY_COUNT * 96:,} readings"
    )
    for what in ("into an empty table", "over the same results"):
        split.clear()
        took_s = rebuild_s(migrated)
        parts = ", ".join(
            f"{part} {split.wall_s[part]:.1f} s (here {split.processor_s[part]:.1f})"
            for part in SPLIT
        )
        print(f"  rebuild {what}: {took_s:.1f} s; {parts}")
    took_s = late_s(migrated, loaded)
    print(f"  three late hours of {park.POINT_COUNT:,} meters, until every total: {took_s:.1f} s")
    for grain in range(4):
        [(kwh,)] = migrated.rows(
            "select sum(r.energy_kwh) from result r join series s on s.id = r.series_id"
            " where s.kind = 'flow' and r.grain = %s",
            grain,
        )
        assert kwh == pytest.approx(loaded.energy_wh / 1000.0, rel=1e-9)
    at = loaded.late_at[5]
    [(kwh,)] = migrated.rows(
        "select sum(r.energy_kwh) from result r join series s on s.id = r.series_id"
        " where s.kind = 'flow' and r.grain = 0 and r.ts = %s",
        at,
    )
    assert kwh == pytest.approx(float((loaded.late_kwh[6] - loaded.late_kwh[5]).sum()), rel=1e-9)
    for interval, rounds in asyncio.run(answers_ms(migrated, key)).items():
        warm_ms = [ms for times in rounds[1:] for ms in times]
        print(
            f"  a year by {interval}, {len(rounds[0])} nodes: p95 {quantile(rounds[0], 0.95):.0f}"
            f" at first, {quantile(warm_ms, 0.95):.0f} ms again"
        )
    servers.drop_database(timescale_server, url)
