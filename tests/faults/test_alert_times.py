"""Crossings at known instants, from broker to stored alert: in time, none missed, none false.

The oracle is plain Python: the mean of what was sent over the last minute, reading by reading.
"""

import asyncio
import contextlib
import json
import random
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingest.mqtt import Broker, FastReceiver
from services import clock
from services.plant.compile import gateway_username
from services.plant.read import read_plant
from tests import servers
from tests.centre import Centre
from tests.migrated import SmallPlant, stamp
from tests.servers import DatabaseServer, MosquittoServer
from tests.services.alerts import rule, state

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.timeout(900)]

LIMIT_KW = 150.0
CALM_KW, HIGH_KW, NEAR_KW = 60.0, 6060.0, 500.0
HIGH_READINGS = 5
WINDOW_S = 60.0
STORED_S_MAX = 10.0
# What would be false, or late, has this long to show.
AFTER_S = 4.0
# Every run of these is of the same readings, whenever it is.
SEED = 20261126


@dataclass
class Meter:
    """A meter that is read every second, and what was sent of it.

    `sent` has when each reading reached the broker, by the clock of the test.
    """

    code: str
    high_at: frozenset[int]
    near_at: frozenset[int]
    readings: list[tuple[float, float]] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)

    def value(self, number: int) -> float:
        if any(start <= number < start + HIGH_READINGS for start in self.high_at):
            return HIGH_KW
        return NEAR_KW if number in self.near_at else CALM_KW

    def deciding(self) -> list[int]:
        """Return the readings at which the mean of the minute before rises above the limit."""
        found, was_above = [], False
        for number in range(1, len(self.readings)):
            end_s = self.readings[number][0]
            mean = total = 0.0
            for (at_s, value), (next_s, _) in zip(
                self.readings[:number], self.readings[1 : number + 1], strict=True
            ):
                span_s = next_s - max(at_s, end_s - WINDOW_S)
                if span_s > 0.0:
                    mean += value * span_s
                    total += span_s
            is_above = total > 0.0 and mean / total > LIMIT_KW
            if is_above and not was_above:
                found.append(number)
            was_above = is_above
        return found


def meters_of(count: int, rounds: int, *, first: int, spread: int, apart: int) -> list[Meter]:
    """Return meters that cross once a round, some that nearly do, and some that never do."""
    draw = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    meters = []
    for number in range(count + count // 10):
        starts = frozenset(first + turn * apart + draw.randrange(spread) for turn in range(rounds))
        crosses = number < count
        meters.append(
            Meter(
                code=f"P{number}",
                high_at=starts if crosses else frozenset(),
                near_at=frozenset() if crosses or number % 2 else starts,
            )
        )
    return meters


def wall_s() -> float:
    return clock.now_us() / 1e6


@contextlib.asynccontextmanager
async def connected(centre: Centre) -> AsyncIterator[FastReceiver]:
    plant = centre.plants[0]
    username = gateway_username(plant, plant.gateways[0])
    broker = Broker(
        host="127.0.0.1",
        port=centre.broker.port,
        client_id=f"gateway-{secrets.token_hex(4)}",
        username=username,
        password=centre.passwords[username],
    )
    async with FastReceiver(broker, []) as sender:
        while not sender.connected:  # noqa: ASYNC110 - it has no event of its own
            await asyncio.sleep(0.01)
        yield sender


async def send(centre: Centre, topic: str, meters: list[Meter], seconds: int) -> None:
    """Send a reading of every meter each second, and once a second an old one of some."""
    epoch, seq = secrets.token_hex(4), 0
    began_s = wall_s()

    def message(rows: list[Any]) -> bytes:
        nonlocal seq
        seq += 1
        return json.dumps({"epoch": epoch, "seq": seq, "readings": rows}).encode()

    async with connected(centre) as sender:
        for number in range(seconds):
            await asyncio.sleep(max(began_s + number - wall_s(), 0.0))
            now_s = began_s + number
            at = datetime.fromtimestamp(now_s, UTC)
            rows = []
            for meter in meters:
                value = meter.value(number)
                meter.readings.append((now_s, value))
                meter.sent.append(wall_s())
                rows.append([meter.code, stamp(at), value])
            await sender.publish(topic, message(rows), qos=1)
            # What was high ten minutes ago, and arrives only now, is no news of now.
            old = at - timedelta(minutes=10)
            late = [[meter.code, stamp(old), 90_000.0] for meter in meters[-4:]]
            await sender.publish(topic, message(late), qos=1)


async def watch(url: str, seen: dict[int, tuple[str, datetime, float]]) -> None:
    """Note when each alert is first seen in the database."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            rows = await connection.execute(
                "select id, labels ->> 'flow', fired_at from alert_episode where id > %s"
                " order by id",
                (max(seen, default=0),),
            )
            for number, flow, fired_at in await rows.fetchall():
                seen[number] = (flow.removeprefix("to-hall-"), fired_at, wall_s())
            await asyncio.sleep(0.05)


async def run(
    centre: Centre, topic: str, meters: list[Meter], seconds: int
) -> dict[int, tuple[str, datetime, float]]:
    seen: dict[int, tuple[str, datetime, float]] = {}
    watching = asyncio.create_task(watch(centre.database_url, seen))
    await send(centre, topic, meters, seconds)
    await asyncio.sleep(AFTER_S)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return seen


def compare(meters: list[Meter], seen: dict[int, tuple[str, datetime, float]]) -> list[float]:
    """Return how long each alert took; fail where one is missed, false or twice there."""
    by_code: dict[str, list[tuple[datetime, float]]] = {}
    for code, fired_at, seen_s in seen.values():
        by_code.setdefault(code, []).append((fired_at, seen_s))
    lags = []
    for meter in meters:
        expected, found = meter.deciding(), sorted(by_code.get(meter.code, []))
        assert len(found) == len(expected), (meter.code, expected, found)
        for number, (fired_at, seen_s) in zip(expected, found, strict=True):
            sent_s = meter.sent[number]
            assert fired_at.timestamp() > meter.sent[number - 1], (meter.code, number)
            lags.append(seen_s - sent_s)
    return sorted(lags)


@pytest.fixture
def centre(
    timescale_server: DatabaseServer, own_mosquitto_server: MosquittoServer, tmp_path: Path
) -> Any:
    own_mosquitto_server.start()
    url = servers.create_database(timescale_server)

    def make(meters: list[Meter]) -> Centre:
        plant = SmallPlant(
            valid_from=datetime.now(UTC).replace(minute=0, second=0, microsecond=0)  # noqa: TID251
            - timedelta(hours=2),
            points=[
                {"code": meter.code, "kind": "gauge", "unit": "kW", "hold_seconds": 300}
                for meter in meters
            ],
        )
        content = json.dumps(plant.document()).encode()
        return Centre(
            database_url=url,
            broker=own_mosquitto_server,
            plants=[read_plant(content, form="json")],
            folder=tmp_path / "centre",
        )

    yield make
    servers.drop_database(timescale_server, url)


@pytest.mark.parametrize(
    ("count", "rounds"),
    [pytest.param(200, 1), pytest.param(250, 4, marks=pytest.mark.faults)],
)
def test_crossings_are_stored_in_time_none_missed_none_false(
    centre: Any, count: int, rounds: int
) -> None:
    apart = 90
    meters = meters_of(count, rounds, first=6, spread=10, apart=apart)
    with centre(meters) as running:
        running.prepare()
        state(running.database_url, rule("high", f"power_kw{{flow}} > {LIMIT_KW}"))
        running.start("ingest", "worker")
        running.wait_subscribed()
        deadline = time.monotonic() + 240
        while "worker.ready" not in running.log("worker"):
            assert time.monotonic() < deadline, running.log("worker")[-2000:]
            time.sleep(0.05)
        topic = SmallPlant().topic
        seconds = 6 + 10 + HIGH_READINGS + (rounds - 1) * apart
        seen = asyncio.run(run(running, topic, meters, seconds))
        lags = compare(meters, seen)
        assert "Traceback" not in running.log("worker"), running.log("worker")[-3000:]
    p99 = lags[int(len(lags) * 0.99) - 1]
    print(f"\n{len(lags)} crossings: p50 {lags[len(lags) // 2]:.2f} s, p99 {p99:.2f} s")
    assert len(lags) == count * rounds
    assert p99 <= STORED_S_MAX
