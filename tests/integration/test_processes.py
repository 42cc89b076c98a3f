"""Start, wait, stop: the processes of a centre in any order, with anything absent."""

import asyncio
import copy
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import cast

import psutil
import psycopg
import pytest

from deploy import gateway, supervisor
from deploy.access import Access
from deploy.embedded import EmbeddedBroker
from deploy.outbox import Outbox
from tests import servers
from tests.centre import Centre
from tests.migrated import START, SmallPlant, us
from tests.servers import MosquittoServer, PlainServer
from tests.services.alerts import rule, state

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.timeout(400)]

PLANT = SmallPlant(points=[{"code": "P1", "kind": "register", "unit": "kWh"}])
MINUTE_US = 60_000_000
STOP_S_MAX = 10.0
INGEST_BYTES_MAX = 512 * 1024 * 1024
GROWTH_BYTES_MAX = 48 * 1024 * 1024


@pytest.fixture
def server() -> Iterator[PlainServer]:
    """Give a database server that the test may stop; processes do not know tiers."""
    with servers.run_folder(servers.RUNS) as folder:
        server = PlainServer(folder)
        server.start()
        yield server
        server.stop()


def centre_of(
    server: PlainServer,
    broker: MosquittoServer,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Centre:
    return Centre(
        database_url=servers.create_database(server),
        broker=broker,
        plants=[PLANT.plant()],
        folder=folder / "centre",
        environment=environment,
    )


def until(condition: Callable[[], object], *, log: Callable[[], str], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, log()[-3000:]
        time.sleep(0.05)


def wait_said(centre: Centre, name: str, pattern: str, *, timeout_s: float = 120.0) -> None:
    until(
        lambda: re.search(pattern, centre.log(name)),
        log=lambda: centre.log(name),
        timeout_s=timeout_s,
    )


def stopped(centre: Centre, name: str) -> None:
    """Stop a process, which must end in time, in good order, and without a trace of an error."""
    began_s = time.monotonic()
    assert centre.stop(name) == 0, centre.log(name)[-3000:]
    assert time.monotonic() - began_s < STOP_S_MAX
    assert "Traceback" not in centre.log(name)


def send(centre: Centre, folder: Path, *, first: int, count: int, timeout_s: float = 60.0) -> None:
    """Send a minute's reading per message as a gateway does, until each has its receipt."""

    async def work() -> None:
        with Outbox.open(folder / "outbox.sqlite") as outbox:
            outbox.put_many(
                [("P1", us(START) + number * MINUTE_US, float(number))]
                for number in range(first, first + count)
            )
            settings = centre.gateway(centre.plants[0], receipt_timeout_s=2.0, pause_s_max=1.0)
            sender = gateway.Gateway(outbox, settings)
            running = asyncio.create_task(sender.run())
            await asyncio.wait_for(sender.drained(), timeout_s)
            sender.stop()
            await running

    asyncio.run(work())


def stored(centre: Centre) -> list[int]:
    return [
        (at - START) // timedelta(minutes=1)
        for (at,) in centre.rows("select ts from reading order by ts")
    ]


class TestAlerts:
    # It waits for a broker to be missed and found again: 40 s.
    @pytest.mark.faults
    def test_see_a_backlog_of_ingest_and_a_lost_broker(
        self, server: PlainServer, own_mosquitto_server: MosquittoServer, tmp_path: Path
    ) -> None:
        """What ingest says of itself is what rules of the service come to."""

        def is_firing(alert: str) -> bool:
            query = "select from alert_episode where rule = %s and resolved_at is null"
            return bool(centre.rows(query, alert))

        def wait(condition: Callable[[], object]) -> None:
            until(condition, log=lambda: centre.log("worker"), timeout_s=60)

        with centre_of(server, own_mosquitto_server, tmp_path) as centre:
            own_mosquitto_server.start()
            centre.prepare()
            state(
                centre.database_url,
                rule("fine", "broker_connected == 1 and ingest_lag_s < 1 s"),
                rule("behind", "ingest_lag_s > 1 s"),
                rule("lost", "broker_connected == 0"),
            )
            centre.start("worker", "ingest")
            wait(lambda: is_firing("fine"))
            with psycopg.connect(centre.database_url) as connection:
                # Nothing can be stored: messages are received, and wait.
                connection.execute("lock table reading in exclusive mode")
                sending = threading.Thread(
                    target=lambda: send(centre, tmp_path, first=0, count=5), daemon=True
                )
                sending.start()
                wait(lambda: is_firing("behind"))
                assert not is_firing("fine")
            sending.join(60)
            wait(lambda: is_firing("fine") and not is_firing("behind"))
            assert stored(centre) == list(range(5))
            own_mosquitto_server.stop()
            wait(lambda: is_firing("lost"))
            own_mosquitto_server.start()
            wait(lambda: not is_firing("lost"))


class TestStart:
    def test_waits_for_what_is_absent_and_says_so(
        self, server: PlainServer, own_mosquitto_server: MosquittoServer, tmp_path: Path
    ) -> None:
        with centre_of(server, own_mosquitto_server, tmp_path) as centre:
            own_mosquitto_server.start()
            centre.prepare()
            own_mosquitto_server.stop()
            server.stop()
            centre.start("worker", "ingest")
            for name in ("worker", "ingest"):
                wait_said(centre, name, r"database\.waiting.*Connection refused")
            server.start()
            wait_said(centre, "worker", r"worker\.ready")
            wait_said(centre, "ingest", r"ingest\.ready")
            wait_said(centre, "ingest", r"mqtt\.connection\.lost")
            own_mosquitto_server.start()
            send(centre, tmp_path, first=0, count=20)
            centre.wait_computed()
            assert stored(centre) == list(range(20))
            for name in ("ingest", "worker"):
                stopped(centre, name)
            assert "ingest.stopped" in centre.log("ingest")
            assert "worker.stopped" in centre.log("worker")

    def test_can_be_stopped_while_it_waits(
        self, server: PlainServer, broker: MosquittoServer, tmp_path: Path
    ) -> None:
        with centre_of(server, broker, tmp_path) as centre:
            centre.prepare()
            server.stop()
            centre.start("ingest", "worker", "api")
            for name in ("ingest", "worker", "api"):
                wait_said(centre, name, r"database\.waiting")
                stopped(centre, name)
                assert not centre.is_running(name)

    def test_can_be_stopped_while_it_compiles(
        self, server: PlainServer, broker: MosquittoServer, tmp_path: Path
    ) -> None:
        empty_cache = {"NUMBA_CACHE_DIR": str(tmp_path / "numba")}
        with centre_of(server, broker, tmp_path, empty_cache) as centre:
            centre.prepare()
            centre.start("worker")
            wait_said(centre, "worker", r"worker\.preparing")
            stopped(centre, "worker")
            assert "worker.ready" not in centre.log("worker")

    def test_waits_for_the_schema_of_its_version(
        self, server: PlainServer, broker: MosquittoServer, tmp_path: Path
    ) -> None:
        with centre_of(server, broker, tmp_path) as centre:
            centre.prepare()
            with_version = "update alembic_version set version_num = %s returning 1"
            centre.rows(with_version, "9999")
            centre.start("ingest")
            wait_said(centre, "ingest", r"schema is revision 9999")
            assert centre.is_running("ingest")
            stopped(centre, "ingest")

    def test_refuses_to_be_a_second_ingest_of_one_name(
        self, server: PlainServer, broker: MosquittoServer, tmp_path: Path
    ) -> None:
        with centre_of(server, broker, tmp_path) as centre:
            centre.prepare()
            centre.start("ingest")
            wait_said(centre, "ingest", r"ingest\.ready")
            with second_of(centre, {}) as second, second_of(centre, OTHER_NAME) as other:
                second.start("ingest")
                other.start("ingest")
                wait_said(other, "ingest", r"ingest\.ready")
                until(
                    lambda: not second.is_running("ingest"),
                    log=lambda: second.log("ingest"),
                    timeout_s=30,
                )
                assert process_of(second, "ingest").returncode == 1
                last = second.log("ingest").splitlines()[-1]
                assert last == ("nengtan: another process is ingest nengtan-ingest: stop it first")
                assert centre.is_running("ingest")
                stopped(other, "ingest")
            stopped(centre, "ingest")


OTHER_NAME = {"NENGTAN_MQTT_CLIENT_ID": "nengtan-ingest-2"}


def second_of(centre: Centre, environment: Mapping[str, str]) -> Centre:
    """Return another set of processes of the same centre."""
    second = copy.copy(centre)
    second.folder = centre.folder / f"second-{len(environment)}"
    second._environment = dict(environment)
    second._processes = {}
    return second


def process_of(centre: Centre, name: str) -> subprocess.Popen[bytes]:
    return centre._processes[name]


class TestADatabaseThatIsStopped:
    OUTAGE_S = 20.0
    MESSAGES = 1500
    PAD = "x" * 65_536

    def test_costs_nothing_but_time(
        self, server: PlainServer, broker: MosquittoServer, tmp_path: Path
    ) -> None:
        """98 MB of messages, of which ingest may hold 13: the broker keeps the rest."""
        window = {"NENGTAN_INGEST_FLUSH_MESSAGES": "200"}
        with centre_of(server, broker, tmp_path, window) as centre:
            centre.prepare()
            centre.start("ingest")
            wait_said(centre, "ingest", r"mqtt\.connection\.opened")
            send(centre, tmp_path, first=0, count=5)
            process = psutil.Process(process_of(centre, "ingest").pid)
            before = process.memory_info().rss
            server.stop()
            began_s = time.monotonic()
            asyncio.run(self._publish(centre))
            most = process.memory_info().rss
            while time.monotonic() - began_s < self.OUTAGE_S:
                most = max(most, process.memory_info().rss)
                time.sleep(0.2)
            assert most < INGEST_BYTES_MAX
            assert most - before < GROWTH_BYTES_MAX
            wait_said(centre, "ingest", r"ingest\.commit\.postponed")
            server.start()
            until(
                lambda: len(stored(centre)) == 5 + self.MESSAGES,
                log=lambda: centre.log("ingest"),
                timeout_s=60,
            )
            [(received, kept)] = centre.rows(
                "select sum(received)::int, sum(stored)::int from ingest_hour"
            )
            assert kept == 5 + self.MESSAGES
            assert received >= kept
            assert centre.rows("select * from sequence_gap where epoch = 'bulk'") == []
            stopped(centre, "ingest")

    async def _publish(self, centre: Centre) -> None:
        import aiomqtt  # noqa: PLC0415 - as a device of its own would

        settings = centre.gateway(centre.plants[0])
        async with aiomqtt.Client(
            settings.host, settings.port, username=settings.username, password=settings.password
        ) as client:
            for number in range(1, self.MESSAGES + 1):
                stamp = us(START) // 1000 + (1000 + number) * 60_000
                body = (
                    f'{{"epoch":"bulk","seq":{number},"pad":"{self.PAD}",'
                    f'"readings":[["P1",{stamp},{number}]]}}'
                )
                await client.publish(PLANT.topic, body, qos=1)


class EmbeddedBrokerOfACentre:
    """The demo's broker, as a centre of the tests wants it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = supervisor.free_port()
        self.server: EmbeddedBroker | None = None

    def set_users(self, users: Mapping[str, Access]) -> None:
        """Start it with these users."""
        self.server = EmbeddedBroker(self._folder, users, port=self.port)
        self.server.start()


class TestTheOtherReceiver:
    def test_takes_readings_in_from_a_broker_that_speaks_3_1_1_alone(
        self, server: PlainServer, tmp_path: Path
    ) -> None:
        broker = EmbeddedBrokerOfACentre(tmp_path / "broker")
        environment = {"NENGTAN_MQTT_RECEIVER": "aiomqtt"}
        with centre_of(server, cast("MosquittoServer", broker), tmp_path, environment) as centre:
            centre.prepare()
            centre.start("ingest", "worker")
            wait_said(centre, "ingest", r"mqtt\.connection\.opened")
            send(centre, tmp_path, first=0, count=60)
            centre.wait_computed()
            assert stored(centre) == list(range(60))
            assert centre.rows(
                "select sum(stored)::int, sum(conflict + quarantined)::int from ingest_hour"
            ) == [(60, 0)]
            for name in ("ingest", "worker"):
                stopped(centre, name)
        assert broker.server is not None
        broker.server.stop()
