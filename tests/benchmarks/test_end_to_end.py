"""Publish → durable → receipt, beside a raw COPY of the same rows into the same table."""

import asyncio
import os
import platform
import statistics
import time
from pathlib import Path

import msgspec
import numpy as np
import psycopg
import pytest

from deploy.gateway import Gateway
from deploy.outbox import Outbox
from services.plant.model import Plant
from services.plant.read import read_plant
from services.store.binary import pack
from tests import servers
from tests.centre import Centre
from tests.servers import DatabaseServer, MosquittoServer

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

POINT_COUNT = 100
READING_COUNT = 3_000_000
COPY_BLOCK = 10_000
START_MS = 1_735_689_600_000  # 2025-01-01
STEP_MS = 1_000
_TYPES = ("timestamptz", "timestamptz", "float8", "integer", "integer")


def bench_plant() -> Plant:
    """Return a plant of a hundred gauges on one gateway."""
    points = [
        {
            "code": f"M{index}",
            "name": {"zh": f"表 {index}", "en": f"Meter {index}"},
            "gateway": "g",
            "points": [{"code": f"P{index}", "kind": "gauge", "unit": "kW"}],
        }
        for index in range(POINT_COUNT)
    ]
    document = {
        "schema": "nengtan.plant/1",
        "tenant": "bench",
        "site": "main",
        "name": {"zh": "基准", "en": "Bench"},
        "valid_from": "2024-01-01T00:00:00Z",
        "time_zone": "UTC",
        "region": "CN",
        "gateways": [{"code": "g"}],
        "meters": points,
    }
    return read_plant(msgspec.json.encode(document), form="json")


def columns() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ts_ms, point and value of every reading, in the order in which they are sent."""
    sweep = READING_COUNT // POINT_COUNT
    ts_ms = np.repeat(START_MS + STEP_MS * np.arange(sweep, dtype=np.int64), POINT_COUNT)
    point = np.tile(np.arange(POINT_COUNT, dtype=np.int32), sweep)
    value = np.random.default_rng(7).uniform(0, 500, READING_COUNT).round(3)
    return ts_ms, point, value


def fill(outbox: Outbox, readings_per_message: int) -> None:
    """Put every reading into an outbox: what is measured is what comes after."""
    ts_ms, point, value = columns()
    names = [f"P{index}" for index in range(POINT_COUNT)]
    rows = list(
        zip(
            [names[index] for index in point.tolist()],
            (ts_ms * 1000).tolist(),
            value.tolist(),
            strict=True,
        )
    )
    outbox.put_many(
        rows[start : start + readings_per_message]
        for start in range(0, len(rows), readings_per_message)
    )


def raw_copy_s(url: str, *, point_ids: list[int]) -> float:
    """Return how long the same rows take as binary COPY blocks, a commit each."""
    ts_ms, point, value = columns()
    ids = np.array(point_ids, dtype=np.int32)[point]
    blocks = [
        pack(
            _TYPES,  # type: ignore[arg-type]
            (
                ts_ms[start : start + COPY_BLOCK] * 1000,
                ts_ms[start : start + COPY_BLOCK] * 1000,
                value[start : start + COPY_BLOCK],
                ids[start : start + COPY_BLOCK],
                np.zeros(COPY_BLOCK, dtype=np.int32),
            ),
        )
        for start in range(0, READING_COUNT, COPY_BLOCK)
    ]
    with psycopg.connect(url) as connection:
        began_s = time.monotonic()
        for block in blocks:
            with connection.cursor().copy(
                "copy reading (ts, received_at, value, point_id, quality)"
                " from stdin (format binary)"
            ) as copy:
                copy.write(block)
            connection.commit()
        return time.monotonic() - began_s


async def end_to_end_s(centre: Centre, plant: Plant, outbox: Outbox) -> float:
    """Return how long a gateway takes from its first publication to the last receipt."""
    began_s = time.monotonic()
    settings = centre.gateway(plant, window_message_count=6000, unacknowledged_count=500)
    gateway = Gateway(outbox, settings)
    running = asyncio.create_task(gateway.run())
    await gateway.drained()
    took_s = time.monotonic() - began_s
    gateway.stop()
    await running
    assert not gateway.counters.rejected_reading_counts
    return took_s


@pytest.mark.parametrize("readings_per_message", [100])
def test_end_to_end_beside_raw_copy(
    timescale_server: DatabaseServer,
    mosquitto_folder: tuple[Path, Path | None],
    tmp_path: Path,
    readings_per_message: int,
) -> None:
    plant = bench_plant()
    folder, root = mosquitto_folder
    # PUBACK is no promise with Mosquitto, whatever it writes to disk; receipts are ours.
    broker = MosquittoServer(
        folder / "bench", {}, root=root, settings={"autosave_on_changes": "false"}
    )
    broker.start()
    copies: list[float] = []
    runs: list[float] = []
    for attempt in range(3):
        url = servers.create_database(timescale_server)
        with Centre(
            database_url=url,
            broker=broker,
            plants=[plant],
            folder=tmp_path / str(attempt),
        ) as centre:
            centre.prepare()
            ids = [row[0] for row in centre.rows("select id from point order by id")]
            copies.append(raw_copy_s(url, point_ids=ids))
            assert centre.rows("select count(*) from reading") == [(READING_COUNT,)]
            with psycopg.connect(url) as connection:
                connection.execute("truncate reading")
            centre.start("ingest")
            centre.wait_subscribed()
            with Outbox.open(tmp_path / f"{attempt}.sqlite") as outbox:
                fill(outbox, readings_per_message)
                runs.append(asyncio.run(end_to_end_s(centre, plant, outbox)))
            assert centre.rows("select count(*) from reading") == [(READING_COUNT,)]
            centre.stop("ingest")
        servers.drop_database(timescale_server, url)
    broker.stop()
    ratios = [copy_s / run_s for copy_s, run_s in zip(copies, runs, strict=True)]
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"{READING_COUNT:,} readings, {readings_per_message} a message, median of {len(runs)}\n"
        f"  raw COPY, blocks of {COPY_BLOCK:,}   "
        f"{READING_COUNT / statistics.median(copies):>12,.0f} readings/s\n"
        f"  publish → durable → receipt {READING_COUNT / statistics.median(runs):>12,.0f} "
        f"readings/s\n"
        f"  ratio                       {statistics.median(ratios):>12.2f} "
        f"({min(ratios):.2f} … {max(ratios):.2f})"
    )
    # Loose on purpose: a machine that is busy otherwise must not fail the benchmark.
    assert statistics.median(ratios) > 0.02
