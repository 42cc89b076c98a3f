"""Publish → commit → receipt → PUBACK, beside a raw COPY of the same rows and a bare subscriber.

Round by round, one after the other on one machine: what disturbs one disturbs the others too. Wall
time moves with what else runs here; CPU time of a reading moves less, so both are printed.
"""

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import psutil
import psycopg
import pytest

from services.store.binary import pack
from tests import debian, servers
from tests.benchmarks.gateways import LOAD_USER, park, sender
from tests.benchmarks.load import Load, columns
from tests.centre import Centre
from tests.servers import DatabaseServer, MosquittoServer

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1200)]

ROUND_COUNT = 3
READING_COUNT = {100: 2_000_000, 25: 1_000_000, 1: 100_000}  # by readings a message
COPY_BLOCK = 10_000
DELAY_S = 5.0
_TYPES = ("timestamptz", "timestamptz", "float8", "integer", "integer")


@dataclass(slots=True)
class Measured:
    """Rates and costs of one way, a round each."""

    per_s: list[float] = field(default_factory=list)
    cpu_us: dict[str, list[float]] = field(default_factory=dict)

    def add(self, count: int, seconds: float, cpu_s: dict[str, float]) -> None:
        """Note a round."""
        self.per_s.append(count / seconds)
        for name, spent_s in cpu_s.items():
            self.cpu_us.setdefault(name, []).append(spent_s * 1e6 / count)


def cpu_s(process: psutil.Process) -> float:
    """Return what a process and all it ever started have used."""
    spent = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system + times.children_user + times.children_system
    return spent


@contextmanager
def spent(processes: dict[str, psutil.Process]) -> Iterator[dict[str, float]]:
    """Give a dictionary that holds the CPU seconds of each process at the end."""
    before = {name: cpu_s(process) for name, process in processes.items()}
    used: dict[str, float] = {}
    yield used
    used.update({name: cpu_s(process) - before[name] for name, process in processes.items()})


class Bench:
    """A centre with one ingest, a database, and a broker; and a broker for the subscriber."""

    def __init__(self, server: DatabaseServer, folder: Path, root: Path | None, own: Path) -> None:
        # PUBACK is no promise with Mosquitto, whatever it writes to disk; receipts are ours.
        settings = {"autosave_on_changes": "false"}
        self.server = server
        self.root = root
        self.broker = MosquittoServer(folder / "bench", {}, root=root, settings=settings)
        self.other = MosquittoServer(folder / "other", LOAD_USER, root=root, settings=settings)
        self.url = servers.create_database(server)
        self.centre = Centre(database_url=self.url, broker=self.broker, plants=[park()], folder=own)

    def __enter__(self) -> Self:
        self.broker.start()
        self.other.start()
        self.centre.prepare()
        self.broker.set_users({**self.broker.users, **LOAD_USER})
        ids: dict[str, int] = dict(self.centre.rows("select code, id from point"))
        self.point_ids = np.array([ids[f"P{i}"] for i in range(len(ids))], dtype=np.int32)
        self.centre.start("ingest")
        self.centre.wait_subscribed()
        return self

    def __exit__(self, *_: object) -> None:
        self.centre.__exit__(None, None, None)
        self.broker.stop()
        self.other.stop()
        servers.drop_database(self.server, self.url)

    def process(self, name: str) -> psutil.Process:
        """Return a process by what it is."""
        child = {
            "ingest": self.centre._processes.get("ingest"),
            "database": getattr(self.server, "_process", None),
            "broker": self.broker._process,
            "other broker": self.other._process,
        }[name]
        assert child is not None
        return psutil.Process(child.pid)

    def raw_copy(self, reading_count: int, measured: Measured) -> None:
        """Time the same rows as binary COPY blocks, a commit each."""
        ts_ms, point, value = columns(Load(0, "", 1, reading_count))
        blocks = [
            pack(
                _TYPES,  # type: ignore[arg-type]
                (
                    ts_ms[start : start + COPY_BLOCK] * 1000,
                    ts_ms[start : start + COPY_BLOCK] * 1000,
                    value[start : start + COPY_BLOCK],
                    self.point_ids[point[start : start + COPY_BLOCK]],
                    np.zeros(len(ts_ms[start : start + COPY_BLOCK]), dtype=np.int32),
                ),
            )
            for start in range(0, reading_count, COPY_BLOCK)
        ]
        with psycopg.connect(self.url) as connection:
            with spent({"database": self.process("database")}) as used:
                began_s = time.monotonic()
                for block in blocks:
                    with connection.cursor().copy(
                        "copy reading (ts, received_at, value, point_id, quality)"
                        " from stdin (format binary)"
                    ) as copy:
                        copy.write(block)
                    connection.commit()
                took_s = time.monotonic() - began_s
            assert connection.execute("select count(*) from reading").fetchone() == (reading_count,)
            connection.execute("truncate reading")
        measured.add(reading_count, took_s, used)

    def end_to_end(self, load: Load, measured: Measured) -> dict[str, float]:
        """Time the whole path, and see that the answer is right."""
        self.centre.rows("select pg_sleep(0)")
        watched = {name: self.process(name) for name in ("database", "ingest", "broker")}
        before = self.ledger()
        with sender(load) as begin, spent(watched) as used:
            said = begin()()
        [(stored,)] = self.centre.rows("select count(*) from reading")
        assert stored == load.reading_count
        received, kept, others = (
            after - first for after, first in zip(self.ledger(), before, strict=True)
        )
        assert (received, kept, others) == (load.reading_count, load.reading_count, 0)
        with psycopg.connect(self.url) as connection:
            connection.execute("truncate reading, dirty")
        measured.add(load.reading_count, said["seconds"], {**used, "load": said["cpu_s"]})
        return said

    def ledger(self) -> tuple[int, int, int]:
        """Return received, stored, and duplicate + conflict + quarantined of the ledger."""
        [row] = self.centre.rows(
            "select coalesce(sum(received), 0)::bigint, coalesce(sum(stored), 0)::bigint,"
            " coalesce(sum(duplicate + conflict + quarantined), 0)::bigint from ingest_hour"
        )
        return row[0], row[1], row[2]

    def bare_subscriber(self, load: Load, measured: Measured) -> None:
        """Time mosquitto_sub receiving the same messages."""
        count = load.reading_count // load.readings_per_message
        arguments = (
            *("-h", "127.0.0.1", "-p", str(self.other.port), "-u", "load", "-P", "load"),
            *("-q", "1", "-t", "nengtan/v1/bench/main/+/telemetry", "-C", str(count)),
        )
        command = (
            ["mosquitto_sub", *arguments]
            if self.root is None
            else debian.command(self.root, "mosquitto", "/", "/usr/bin/mosquitto_sub", *arguments)
        )
        with (
            sender(load) as begin,
            subprocess.Popen(command, stdout=subprocess.DEVNULL) as subscriber,
            spent({"broker": self.process("other broker")}) as used,
        ):
            time.sleep(0.5)
            began_s = time.monotonic()
            begin()()
            assert subscriber.wait(120) == 0
            took_s = time.monotonic() - began_s
        measured.add(load.reading_count, took_s, used)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):,.2f} ({min(values):,.2f} … {max(values):,.2f})"


def delays_below(bench: Bench, per_s: float, size: int) -> dict[float, dict[str, float]]:
    """Return the times from publication to receipt at shares of a rate, five seconds each."""
    found = {}
    for share in (0.1, 0.5, 0.8):
        messages_per_s = share * per_s / size
        count = max(100, int(messages_per_s * DELAY_S)) * size
        load = Load(bench.broker.port, f"d{share}", size, count, messages_per_s=messages_per_s)
        found[share] = bench.end_to_end(load, Measured())
    return found


def test_end_to_end_beside_raw_copy(
    timescale_server: DatabaseServer,
    mosquitto_folder: tuple[Path, Path | None],
    tmp_path: Path,
) -> None:
    folder, root = mosquitto_folder
    sizes = [int(size) for size in os.environ.get("NENGTAN_TEST_SIZES", "100,25,1").split(",")]
    ways = ("copy", "whole", "subscriber")
    measured = {(size, way): Measured() for size in sizes for way in ways}
    with Bench(timescale_server, folder, root, tmp_path) as bench:
        for attempt in range(ROUND_COUNT):
            for size in sizes:
                count = READING_COUNT[size]
                bench.raw_copy(max(count, 500_000), measured[size, "copy"])
                load = Load(bench.broker.port, f"r{attempt}-{size}", size, count)
                bench.end_to_end(load, measured[size, "whole"])
                other = Load(bench.other.port, f"s{attempt}-{size}", size, count, waits_for="acks")
                bench.bare_subscriber(other, measured[size, "subscriber"])
        delays = delays_below(bench, statistics.median(measured[sizes[0], "whole"].per_s), sizes[0])
    lines, record = [], []
    for size in sizes:
        copy, whole, bare = (measured[size, way] for way in ways)
        of_copy = [w / c for w, c in zip(whole.per_s, copy.per_s, strict=True)]
        of_bare = [w / b for w, b in zip(whole.per_s, bare.per_s, strict=True)]
        database = [
            c / w for c, w in zip(copy.cpu_us["database"], whole.cpu_us["database"], strict=True)
        ]
        costs = {name: statistics.median(values) for name, values in whole.cpu_us.items()}
        lines.append(
            f"{size:>4} a message: {statistics.median(whole.per_s):>9,.0f} readings/s"
            f"   ÷ COPY {_spread(of_copy)}   ÷ mosquitto_sub {_spread(of_bare)}\n"
            f"     database CPU, COPY ÷ whole {_spread(database)};"
            f" COPY {statistics.median(copy.per_s):,.0f}/s"
            f" {statistics.median(copy.cpu_us['database']):.2f} µs;"
            f" mosquitto_sub {statistics.median(bare.per_s):,.0f}/s\n"
            f"     CPU µs a reading: "
            + ", ".join(f"{name} {value:.2f}" for name, value in costs.items())
        )
        record.append(
            {
                "readings_per_message": size,
                "readings_per_s": whole.per_s,
                "copy_per_s": copy.per_s,
                "subscriber_per_s": bare.per_s,
                "copy_database_cpu_us": copy.cpu_us["database"],
                "cpu_us": whole.cpu_us,
            }
        )
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" median of {ROUND_COUNT} (least … most)"
    )
    print("\n".join(lines))
    for share, said in delays.items():
        print(
            f"at {share:.0%} of the rate of {sizes[0]} a message, publish → receipt:"
            f" p50 {said['p50_s'] * 1000:.0f} ms, p99 {said['p99_s'] * 1000:.0f} ms"
        )
    print(json.dumps({"benchmark": "end_to_end", "rows": record, "delays": delays}))
    # Loose on purpose: a machine that is busy otherwise must not fail the benchmark.
    assert min(whole for size in sizes for whole in measured[size, "whole"].per_s) > 1000
