"""Publish → live event: how old a reading is when whoever follows `/events` sees it.

A park of 1,000 registers says all of them once a second, in ten messages; ten other gateways send
history beside it, at shares of the rate that ingest takes at most. The worker computes both.
"""

import itertools
import json
import platform
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pytest

from tests.benchmarks import gateways
from tests.benchmarks.bench import Bench, Measured, cpu_s, spread
from tests.benchmarks.load import START_MS, STEP_MS, Load, connect, packet
from tests.benchmarks.park import HALLS, codes_of, park
from tests.centre import Centre
from tests.migrated import us
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1200)]

SIZE = 100
RATE_ROUNDS, RATE_COUNT = 3, 2_000_000
SHARES = (0.0, 0.1, 0.5, 0.8)
ROUND_COUNT, ROUND_S = 3, 12.0  # in each part
PERIOD_S = 0.1
# A live event is computed from what is stored: without it within this time, none will come.
PATIENCE_S = 30.0
LOAD_POINTS = 1_000


@dataclass
class Living:
    """A gateway that sends what it reads: when each message was published, and its instant."""

    port: int
    sent_s: list[float] = field(default_factory=list)
    ts_us: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        line = connect(self.port, "living")
        threading.Thread(target=_swallow, args=[line], daemon=True).start()
        codes = [code for hall in HALLS for code in codes_of(hall)]
        began_s = time.monotonic()
        for number in itertools.count():
            if self.stop.wait(max(0.0, began_s + number * PERIOD_S - time.monotonic())):
                line.close()
                return
            first = number * SIZE % len(codes)
            ts_ms = time.time_ns() // 1_000_000
            values = {code: round(number * 0.001, 3) for code in codes[first : first + SIZE]}
            message = {"epoch": "living", "seq": number + 1, "ts": ts_ms, "points": values}
            said = packet(
                "nengtan/v1/live/main/gw/telemetry",
                number % 65_535 + 1,
                json.dumps(message).encode(),
            )
            self.sent_s.append(time.monotonic())
            self.ts_us.append(ts_ms * 1000)
            line.sendall(said)


def _swallow(line: socket.socket) -> None:
    try:
        while line.recv(1 << 16):
            pass
    except OSError:
        return


@dataclass
class Follower:
    """Who follows the stream: when each event came, and the newest reading it knows."""

    centre: Centre
    at_s: list[float] = field(default_factory=list)
    newest_us: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self.centre.keys['live']}"}
        url = f"http://127.0.0.1:{self.centre.api_port}/api/v1/events"
        with httpx.stream("GET", url, headers=headers, timeout=PATIENCE_S) as response:
            assert response.status_code == 200
            kind = ""
            for line in response.iter_lines():
                if self.stop.is_set():
                    return
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind == "live":
                    newest = json.loads(value)["payload"]["newest_reading"]
                    if newest is not None:
                        self.at_s.append(time.monotonic())
                        self.newest_us.append(us(datetime.fromisoformat(newest)))


@contextmanager
def running(*who: Living | Follower) -> Iterator[None]:
    threads = [threading.Thread(target=one.run, daemon=True) for one in who]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for one in who:
            one.stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)


def delays_ms(
    living: Living, follower: Follower, *, between_s: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Return how long each message of a time took to an event that holds it. [ms]."""
    sent_s = np.array(living.sent_s)
    of_time = (sent_s >= between_s[0]) & (sent_s < between_s[1])
    ts_us = np.array(living.ts_us)[: len(sent_s)][of_time]
    deadline_s = time.monotonic() + PATIENCE_S
    while not follower.newest_us or follower.newest_us[-1] < ts_us[-1]:
        assert time.monotonic() < deadline_s, "no live event holds what was sent"
        time.sleep(0.05)
    newest_us, at_s = np.array(follower.newest_us), np.array(follower.at_s)
    first = np.searchsorted(np.maximum.accumulate(newest_us), ts_us)
    delay_ms: npt.NDArray[np.float64] = 1000.0 * (at_s[first] - sent_s[of_time])
    return delay_ms


def until_computed(centre: Centre) -> None:
    """Wait until all that is dirty now has been computed."""
    [(last,)] = centre.rows("select coalesce(max(id), 0) from dirty")
    deadline_s = time.monotonic() + 300.0
    while centre.rows("select 1 from dirty where id <= %s limit 1", last):
        assert time.monotonic() < deadline_s, centre.log("worker")[-2000:]
        time.sleep(0.2)


def top_rate(bench: Bench) -> float:
    """Return how many readings ingest takes in a second, a hundred a message."""
    measured = Measured()
    for attempt in range(RATE_ROUNDS):
        load = Load(bench.broker.port, f"top{attempt}", SIZE, RATE_COUNT)
        bench.end_to_end(load, measured)
    return statistics.median(measured.per_s)


@pytest.fixture(scope="session")
def found() -> dict[float, list[npt.NDArray[np.float64]]]:
    """Return how long messages took to their event in the parts so far, by share. [ms]."""
    return {share: [] for share in SHARES}


@pytest.mark.usefixtures("part")
def test_live_events_beside_a_load(
    timescale_server: DatabaseServer,
    mosquitto_folder: tuple[Path, Path | None],
    tmp_path: Path,
    row: Callable[[int, str, str], None],
    found: dict[float, list[npt.NDArray[np.float64]]],
) -> None:
    plants = [gateways.park(), park(tenant="live")]
    with Bench(timescale_server, mosquitto_folder, tmp_path, plants) as bench:
        rate = top_rate(bench)
        centre = bench.centre
        centre.start("worker", "api")
        url = f"http://127.0.0.1:{centre.api_port}/api/v1/health/ready"
        wait_answers(url)
        living, follower = Living(bench.broker.port), Follower(centre)
        with running(living, follower):
            time.sleep(5.0)
            start_ms = START_MS
            worker = bench.process("worker")
            spent_s, began_s = cpu_s(worker), time.monotonic()
            time.sleep(ROUND_S)
            worker_share = (cpu_s(worker) - spent_s) / (time.monotonic() - began_s)
            for attempt, share in itertools.product(range(ROUND_COUNT), SHARES):
                until_computed(centre)
                began_s = time.monotonic()
                if share:
                    per_s = share * rate / SIZE
                    count = int(per_s * ROUND_S) * SIZE // LOAD_POINTS * LOAD_POINTS
                    load = Load(
                        bench.broker.port,
                        f"l{attempt}-{share}",
                        SIZE,
                        count,
                        messages_per_s=per_s,
                        start_ms=start_ms,
                    )
                    start_ms += STEP_MS * (count // LOAD_POINTS)
                    with gateways.sender(load) as begin:
                        began_s = time.monotonic()
                        begin()()
                else:
                    time.sleep(ROUND_S)
                between_s = (began_s + 1.0, time.monotonic())
                delays = delays_ms(living, follower, between_s=between_s)
                # Told of every second's reading, and of none before it was sent.
                assert len(delays) > ROUND_S / 2
                assert (delays > 0.0).all()
                found[share].append(delays)
    print(
        f"\n{platform.machine()}; {rate:,.0f} readings/s of {SIZE} a message at most;"
        f" {LOAD_POINTS:,} registers a second live, for which the worker needs"
        f" {worker_share:.0%} of a core; rounds of {ROUND_S:.0f} s, median (least … most)"
    )
    tell(row, found)


def tell(
    row: Callable[[int, str, str], None], found: dict[float, list[npt.NDArray[np.float64]]]
) -> None:
    """Say how long messages took to their event, round by round. [ms]."""
    row(
        30,
        f"publish → live event at a reader of the stream, {LOAD_POINTS:,} registers read every"
        " second, p50 / p99",
        "; ".join(
            " / ".join(
                spread([float(np.percentile(one, part)) / 1000.0 for one in rounds])
                for part in (50, 99)
            )
            + (f" s with {100 * share:.0f} % of the first rate beside" if share else " s alone")
            for share, rounds in found.items()
        ),
    )


def wait_answers(url: str) -> None:
    """Wait until the API does."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline_s
        time.sleep(0.2)
