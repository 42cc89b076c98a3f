"""Publish → durable → receipt, beside a raw COPY of the same rows into the same table."""

import asyncio
import os
import platform
import statistics
import time
from pathlib import Path

import aiomqtt
import msgspec
import numpy as np
import psycopg
import pytest

from services.plant.compile import gateway_username
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


def bodies(readings_per_message: int) -> list[bytes]:
    """Return the messages that carry the readings."""
    ts_ms, point, value = columns()
    names = [f"P{index}" for index in range(POINT_COUNT)]
    rows = list(
        zip([names[index] for index in point], ts_ms.tolist(), value.tolist(), strict=True)
    )
    return [
        msgspec.json.encode(
            {
                "epoch": f"bench-{readings_per_message}",
                "seq": number,
                "readings": rows[start : start + readings_per_message],
            }
        )
        for number, start in enumerate(range(0, len(rows), readings_per_message), start=1)
    ]


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


async def end_to_end_s(centre: Centre, plant: Plant, messages: list[bytes]) -> float:
    """Return how long it takes from the first publication to the last receipt."""
    username = gateway_username(plant, plant.gateways[0])
    root = f"nengtan/v1/{plant.tenant}/{plant.site}/{plant.gateways[0].code}"
    receipted = 0
    async with aiomqtt.Client(
        "127.0.0.1",
        centre.broker.port,
        username=username,
        password=centre.passwords[username],
        identifier="bench",
        max_queued_outgoing_messages=0,
        max_inflight_messages=2000,
        protocol=aiomqtt.ProtocolVersion.V5,
    ) as client:
        await client.subscribe(f"{root}/receipt", qos=1)
        began_s = time.monotonic()
        window = asyncio.Semaphore(4000)

        async def publish() -> None:
            for body in messages:
                await window.acquire()
                # Not awaited one by one: QoS 1 is confirmed while the next ones are written.
                client._client.publish(f"{root}/telemetry", body, qos=1)
                if window.locked():
                    await asyncio.sleep(0)

        publishing = asyncio.create_task(publish())
        async for message in client.messages:
            receipt = msgspec.json.decode(message.payload)
            assert receipt["rejected"] == []
            for first, last in receipt["seq"]:
                receipted += last - first + 1
                for _ in range(last - first + 1):
                    window.release()
            if receipted >= len(messages):
                break
        await publishing
        return time.monotonic() - began_s


@pytest.mark.parametrize("readings_per_message", [100])
def test_end_to_end_beside_raw_copy(
    timescale_server: DatabaseServer,
    own_mosquitto_server: MosquittoServer,
    tmp_path: Path,
    readings_per_message: int,
) -> None:
    plant = bench_plant()
    messages = bodies(readings_per_message)
    own_mosquitto_server.start()
    copies: list[float] = []
    runs: list[float] = []
    for attempt in range(3):
        url = servers.create_database(timescale_server)
        with Centre(
            database_url=url,
            broker=own_mosquitto_server,
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
            runs.append(asyncio.run(end_to_end_s(centre, plant, messages)))
            assert centre.rows("select count(*) from reading") == [(READING_COUNT,)]
            centre.stop("ingest")
        servers.drop_database(timescale_server, url)
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
