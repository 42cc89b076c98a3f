"""A centre to measure: one ingest, a database and a broker, and a broker for the subscriber."""

import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import psutil
import psycopg

from services.plant.model import Plant
from services.store.binary import pack
from tests import debian, servers
from tests.benchmarks.gateways import LOAD_USER, sender
from tests.benchmarks.load import Load, columns
from tests.centre import Centre
from tests.servers import DatabaseServer, MosquittoServer

COPY_BLOCK = 10_000
_TYPES = ("timestamptz", "timestamptz", "float8", "integer", "integer")


def spread(values: Sequence[float], form: str = ",.2f") -> str:
    """Return the median, and the least and the most of what was measured."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({least:{form}} … {most:{form}})"


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
    """A centre with one ingest, a database, and a broker; and a broker for the subscriber.

    Parameters
    ----------
    server : DatabaseServer
    brokers : (Path, Path or None)
        Folder of the brokers, and the root they run in.
    own : Path
        Folder of the centre.
    plants : sequence of Plant
        The first is the one that the load is of.
    """

    def __init__(
        self,
        server: DatabaseServer,
        brokers: tuple[Path, Path | None],
        own: Path,
        plants: Sequence[Plant],
    ) -> None:
        folder, root = brokers
        # PUBACK is no promise with Mosquitto, whatever it writes to disk; receipts are ours.
        settings = {"autosave_on_changes": "false"}
        self.server = server
        self.root = root
        self.broker = MosquittoServer(folder / "bench", {}, root=root, settings=settings)
        self.other = MosquittoServer(folder / "other", LOAD_USER, root=root, settings=settings)
        self.url = servers.create_database(server)
        self.centre = Centre(database_url=self.url, broker=self.broker, plants=plants, folder=own)

    def __enter__(self) -> Self:
        self.broker.start()
        self.other.start()
        self.centre.prepare()
        self.broker.set_users({**self.broker.users, **LOAD_USER})
        ids = self.centre.rows(
            "select p.id from point p join tenant t on t.id = p.tenant_id where t.code = %s"
            " order by substr(p.code, 2)::integer",
            self.centre.plants[0].tenant,
        )
        self.point_ids = np.array([row[0] for row in ids], dtype=np.int32)
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
            "worker": self.centre._processes.get("worker"),
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
        self._settle()
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
        self._settle()
        measured.add(load.reading_count, said["seconds"], {**used, "load": said["cpu_s"]})
        return said

    def _settle(self) -> None:
        """Have the database write what it holds, which the next round would wait for."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("checkpoint")

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
