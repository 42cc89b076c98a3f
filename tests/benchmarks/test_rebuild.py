"""A plant-year of registers, computed from raw into every result, and where the time goes."""

import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from compute.warm import warm
from ingest.tick import Worker
from services import recompute, roll_up
from services.store import ledger, readings, results
from services.store.pool import Database
from tests import servers
from tests.benchmarks import park
from tests.migrated import Migrated, migrate
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

DAY_COUNT = 365
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


def test_a_plant_year(timescale_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    url = servers.create_database(timescale_server)
    migrated = migrate(url)
    migrated.install(park.park())
    point_ids = [row[0] for row in migrated.rows("select id from point order by id")]
    energy_wh = park.load_readings(url, point_ids=point_ids, day_count=DAY_COUNT)
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
        print(f"  {what}: {took_s:.1f} s; {parts}")
    for grain in range(4):
        [(kwh,)] = migrated.rows(
            "select sum(r.energy_kwh) from result r join series s on s.id = r.series_id"
            " where s.kind = 'flow' and r.grain = %s",
            grain,
        )
        assert kwh == pytest.approx(energy_wh / 1000.0, rel=1e-9)
    servers.drop_database(timescale_server, url)
