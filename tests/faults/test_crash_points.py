"""G1 at the named crash points: a process that dies there loses nothing and doubles nothing."""

import asyncio
import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from deploy import admin
from services import clock
from services.crash import POINTS
from tests import schema_picture, servers
from tests.alert_centre import channel, policy, put_policy
from tests.centre import Centre
from tests.debian import PROJECT
from tests.faults.bench import PATIENCE_S, SERVICES, Bench
from tests.faults.checker import Verdict
from tests.faults.test_alert_times import HIGH_KW, connected
from tests.faults.test_random_kills import SEED
from tests.integration.echo_centre import EchoCentre, serving
from tests.migrated import Migrated, SmallPlant, stamp
from tests.receivers import Receiver
from tests.servers import DatabaseServer, MosquittoServer, PlainServer
from tests.services.alerts import rule, state

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.timeout(900)]

OF_INGEST = (
    "received",
    "parsed",
    "before_insert",
    "after_insert",
    "after_commit",
    "after_receipt",
)
OF_WORKER = ("rollup_before_commit", "rollup_after_commit")
OF_ALERTS = ("alert_before_commit", "alert_event_stored")
# At which test_alert_kills lets it die.
OF_NOTIFIER = ("webhook_200_before_mark",)
OF_COMMANDS = ("import_between_batches", "migration_statement")


def test_every_point_is_crashed_at_here() -> None:
    assert sorted((*OF_INGEST, *OF_WORKER, *OF_ALERTS, *OF_NOTIFIER, *OF_COMMANDS)) == sorted(
        POINTS
    )


@dataclass
class Outcome:
    """What became of services that were to die at points, and of the readings meanwhile."""

    # Deaths that were not by SIGKILL at their point, with what was said last; none if all were.
    elsewhere: dict[str, str] = field(default_factory=dict)
    # Names of what is wrong, by the point after which it was looked for, and at the end.
    found: dict[str, str] = field(default_factory=dict)

    def note(self, point: str, verdict: Verdict) -> None:
        if verdict.found:
            self.found[point] = str(verdict)


def death_elsewhere(bench: Bench, name: str, point: str) -> str | None:
    """Start a service that is to die at a point; return what it said if it did not, there."""
    died = f"crash_point {point.partition(':')[0]}\n"
    before = bench.centre.log(name).count(died)
    bench.start(name, crash_at=point)
    bench.wait(lambda: not bench.centre.is_running(name), f"{name} does not come to {point}")
    was_killed = bench.centre.exit_code(name) == -signal.SIGKILL
    said_so_once = bench.centre.log(name).count(died) == before + 1
    return None if was_killed and said_so_once else bench.last_words()


def die_at_every_point(
    server: DatabaseServer,
    broker: MosquittoServer,
    folder: Path,
    *,
    ways: Sequence[str],
) -> Outcome:
    """Let services die at one point after the other: each while it recovers from the last.

    `ways` are suffixes of a point: how often it is passed before, for each death there.
    """
    broker.start()
    outcome = Outcome()
    with Bench(server, broker, folder, seed=SEED) as bench:
        bench.start(*SERVICES, "gateway")
        bench.wait_receipts()
        for name, points in (("ingest", OF_INGEST), ("worker", OF_WORKER)):
            bench.centre.kill9(name)
            # Nothing runs in between, so what one has not finished is what the next begins with.
            for point in (*points, points[0]):
                for way in ways:
                    words = death_elsewhere(bench, name, point + way)
                    if words is not None:
                        outcome.elsewhere[point + way] = words
                outcome.note(point, bench.verdict(drained=False))
            bench.start(name)
        bench.wait_receipts()
        outcome.note("at the end", bench.finish())
    return outcome


class TestAServiceThatDies:
    def test_at_each_of_its_points_and_while_it_recovers_loses_nothing(
        self, own_plain_server: PlainServer, own_mosquitto_server: MosquittoServer, tmp_path: Path
    ) -> None:
        outcome = die_at_every_point(own_plain_server, own_mosquitto_server, tmp_path, ways=[""])
        assert outcome.elsewhere == {}
        assert outcome.found == {}

    @pytest.mark.faults
    @pytest.mark.parametrize("way", ["", ":2", ":3", ":5", ":8"])
    def test_at_the_nth_coming_there_loses_nothing(
        self,
        own_database_server: DatabaseServer,
        own_mosquitto_server: MosquittoServer,
        tmp_path: Path,
        way: str,
    ) -> None:
        outcome = die_at_every_point(
            own_database_server, own_mosquitto_server, tmp_path, ways=["", way]
        )
        assert outcome.elsewhere == {}
        assert outcome.found == {}


async def keep_reading(centre: Centre, ended: threading.Event) -> None:
    """Send a reading that is too high, twice a second, until told to end."""
    topic, epoch = SmallPlant().topic, secrets.token_hex(4)
    async with connected(centre) as sender:
        for seq in itertools.count(1):
            if ended.is_set():
                return
            rows = [["P1", stamp(clock.now()), HIGH_KW]]
            message = {"epoch": epoch, "seq": seq, "readings": rows}
            await sender.publish(topic, json.dumps(message).encode(), qos=1)
            await asyncio.sleep(0.5)


@contextmanager
def reading(centre: Centre) -> Iterator[None]:
    """Have a meter show too much meanwhile."""
    ended = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(asyncio.run, keep_reading(centre, ended))
        try:
            yield
        finally:
            ended.set()
            sending.result()


def wait(condition: Callable[[], object], words: Callable[[], object]) -> None:
    """Wait until something is so; else fail with words."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, words()
        time.sleep(0.05)


def told_count(centre: Centre) -> int:
    [(count,)] = centre.rows("select count(*) from alert_delivery where delivered_at is not null")
    return int(count)


class TestAWorkerThatDiesOverAnAlert:
    def test_at_each_of_its_points_keeps_it_once_and_tells_it(
        self, plain_server: PlainServer, own_mosquitto_server: MosquittoServer, tmp_path: Path
    ) -> None:
        own_mosquitto_server.start()
        url = servers.create_database(plain_server)
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        gauge = {"code": "P1", "kind": "gauge", "unit": "kW", "hold_seconds": 300}
        plant = SmallPlant(valid_from=hour - timedelta(hours=2), points=[gauge])
        with (
            Receiver().running() as hook,
            Centre(
                database_url=url,
                broker=own_mosquitto_server,
                plants=[plant.plant()],
                folder=tmp_path / "centre",
                environment={"NENGTAN_NOTIFY_NETWORKS": "127.0.0.0/8"},
            ) as centre,
        ):
            centre.prepare()
            state(url, rule("high", f"power_kw{{flow}} > {HIGH_KW / 2}"))
            [(tenant_id,)] = centre.rows("select id from tenant")
            put_policy(Migrated(url), tenant_id, policy(channel("hook", url=hook.url)))
            centre.start("ingest")
            centre.wait_subscribed()
            kept: list[int] = []  # after each death
            with reading(centre):
                for point in OF_ALERTS:
                    armed = {"NENGTAN_CRASH_AT": point, "NENGTAN_TEST_CRASHES": "1"}
                    centre.start("worker", more=armed)
                    wait(lambda: not centre.is_running("worker"), lambda: centre.log("worker"))
                    assert centre.exit_code("worker") == -signal.SIGKILL
                    assert centre.log("worker").endswith(f"crash_point {point}\n")
                    [(count,)] = centre.rows("select count(*) from alert_episode")
                    kept.append(count)
                centre.start("worker")
                wait(lambda: told_count(centre) == 1, lambda: centre.log("worker"))
            events = centre.rows("select payload ->> 'change' from event where kind = 'alert'")
        servers.drop_database(plain_server, url)
        assert kept == [0, 1]
        assert events == [("fired",)]
        assert {(one.key, one.body, one.kind) for one in hook.received} == {
            (hook.received[0].key, hook.received[0].body, "firing")
        }
        assert len(hook.received) <= 1 + len(OF_ALERTS)


def command(
    *arguments: str, folder: Path, crash_at: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `nengtan` with some settings, as a process that may die."""
    armed = {"NENGTAN_CRASH_AT": crash_at, "NENGTAN_TEST_CRASHES": "1"} if crash_at else {}
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", *arguments],
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **more, **armed},
        capture_output=True,
        text=True,
        timeout=300,
    )


def died_at(ended: subprocess.CompletedProcess[str], point: str) -> bool:
    """Return whether a command was killed at a point and said so."""
    return ended.returncode == -signal.SIGKILL and ended.stderr.endswith(f"crash_point {point}\n")


class TestAnImportThatDies:
    def test_between_batches_twice_is_finished_by_the_same_command(
        self, mosquitto_server: MosquittoServer, tmp_path: Path
    ) -> None:
        row_count = 40_000  # three batches
        (tmp_path / "data.csv").write_text(
            "t,a\n" + "".join(f"{1_577_836_800 + 60 * row},{row}\n" for row in range(row_count))
        )
        file_map = {
            "tenant": "crash",
            "site": "main",
            "gateway": "gw",
            "time": {"column": "t", "format": "epoch_s"},
            "points": [{"column": "a", "point": "A"}],
        }
        (tmp_path / "map.yaml").write_text(yaml.safe_dump(file_map))
        (tmp_path / "password").write_text("everything")

        def replay(crash_at: str | None) -> subprocess.CompletedProcess[str]:
            return command(
                *("replay", "data.csv", "--map", "map.yaml"),
                *("--username", "everything", "--password-file", "password"),
                folder=tmp_path,
                crash_at=crash_at,
                NENGTAN_MQTT_HOST="127.0.0.1",
                NENGTAN_MQTT_PORT=str(mosquitto_server.port),
            )

        points = ("import_between_batches", "import_between_batches", None)

        async def work() -> tuple[EchoCentre, list[subprocess.CompletedProcess[str]]]:
            async with serving(EchoCentre(mosquitto_server.port)) as centre:
                return centre, [await asyncio.to_thread(replay, point) for point in points]

        centre, [*died, done] = asyncio.run(work())
        for ended in died:
            assert died_at(ended, "import_between_batches"), ended.stderr
        assert done.returncode == 0, done.stderr
        [by_seq] = [readings for readings in centre.readings.values() if readings]
        values = [row[2] for seq in sorted(by_seq) for row in by_seq[seq]]
        assert values == [float(row) for row in range(row_count)]
        assert sorted(by_seq) == list(range(1, len(by_seq) + 1))


class TestAMigrationThatDies:
    def test_between_statements_is_finished_by_the_next(
        self, plain_server: PlainServer, tmp_path: Path
    ) -> None:
        url = servers.create_database(plain_server)
        died = 0
        # As often as it takes: what a step has done stays done, so the next dies further on.
        for statement in range(6, 100, 10):
            ended = command(
                *("database", "upgrade"),
                folder=tmp_path,
                crash_at=f"migration_statement:{statement}",
                NENGTAN_DATABASE_URL=url,
            )
            if ended.returncode == 0:
                break
            assert died_at(ended, "migration_statement"), ended.stderr
            died += 1
        assert died >= 2
        straight = servers.create_database(plain_server)
        admin.upgrade_database(straight)
        assert schema_picture.draw(url) == schema_picture.draw(straight)
        for made in (url, straight):
            servers.drop_database(plain_server, made)
