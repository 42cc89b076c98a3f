"""G24: started in any order, stopped at any instant, or twice at once: nothing lost or doubled."""

import copy
import itertools
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.bench import SERVICES, Bench, Victim
from tests.faults.checker import Verdict
from tests.faults.test_random_kills import SEED
from tests.servers import MosquittoServer, PlainServer

pytestmark = [pytest.mark.broker, pytest.mark.database]

STOPPED_S_MAX = 10.0
PARTS: tuple[Victim, ...] = ("database", "broker", "ingest", "worker", "api")
ORDERS = list(itertools.permutations(PARTS))
READY = {"ingest": "ingest.ready", "worker": "worker.ready"}


def sampled() -> list[tuple[Victim, ...]]:
    """Return one order of all parts for each order of the services; once the database is last."""
    rng = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    found = []
    for number, services in enumerate(itertools.permutations(SERVICES)):
        fitting = [
            order
            for order in ORDERS
            if tuple(part for part in order if part in SERVICES) == services
            and (order[-1] == "database") == (number == 0)
        ]
        found.append(rng.choice(fitting))
    return found


@dataclass
class Outcome:
    """What became of services that were started in orders and stopped, and of the readings.

    Attributes
    ----------
    exit_codes : set of int
        With which services ended that were asked to.
    stopped_s : float
        The longest that all of them took.
    tracebacks : list of str
        What services said in which there is one.
    verdict : Verdict
    """

    exit_codes: set[int] = field(default_factory=set)
    stopped_s: float = 0.0
    tracebacks: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)


class Starts:
    """A bench of which everything but the gateways stands still between two orders."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.said: dict[str, int] = dict.fromkeys(SERVICES, 0)
        self.outcome = Outcome()

    def heard(self, name: str) -> str:
        """Return what a service said since the last order."""
        return self.bench.centre.log(name)[self.said[name] :]

    def wait_heard(self, name: str, word: str) -> None:
        """Wait until a service says something."""
        self.bench.wait(lambda: word in self.heard(name), f"{name} does not say {word}")

    def start(self, order: Sequence[Victim]) -> None:
        """Start every part in an order, and wait until each is at work."""
        bench = self.bench
        for part in order:
            if part == "database" and order[-1] == part:
                for name in SERVICES:
                    self.wait_heard(name, "database.waiting")
            bench.bring_back(part)
            time.sleep(bench.rng.uniform(0.0, 0.3))
        for name, word in READY.items():
            self.wait_heard(name, word)
        bench.wait(bench.api_answers, f"api after {order}")
        bench.wait_receipts()

    def stop(self) -> None:
        """Ask all services to stop while they work; then stop the servers."""
        bench = self.bench
        time.sleep(bench.rng.uniform(0.0, 0.5))
        began_s = time.monotonic()
        for name in SERVICES:
            bench.centre.send_signal(name, signal.SIGTERM)
        self.outcome.exit_codes |= {bench.centre.exit_code(name) for name in SERVICES}
        self.outcome.stopped_s = max(self.outcome.stopped_s, time.monotonic() - began_s)
        self.outcome.tracebacks += [
            self.heard(name) for name in SERVICES if "Traceback" in self.heard(name)
        ]
        for name in SERVICES:
            self.said[name] = len(bench.centre.log(name))
        bench.broker.stop()
        bench.server.stop()


def go_through(bench: Bench, orders: Sequence[Sequence[Victim]]) -> Outcome:
    """Start and stop everything in one order after the other; then compare."""
    bench.start("gateway")
    starts = Starts(bench)
    bench.broker.stop()
    bench.server.stop()
    for order in orders:
        starts.start(order)
        starts.stop()
    starts.start(PARTS)
    starts.outcome.verdict = bench.finish()
    return starts.outcome


@pytest.mark.timeout(600)
def test_services_start_in_any_order_and_stop_at_any_instant(
    own_plain_server: PlainServer, own_mosquitto_server: MosquittoServer, tmp_path: Path
) -> None:
    own_mosquitto_server.start()
    with Bench(own_plain_server, own_mosquitto_server, tmp_path, seed=SEED) as bench:
        outcome = go_through(bench, sampled())
    assert not outcome.verdict.found, f"seed {SEED}: {outcome.verdict}"
    assert outcome.exit_codes == {0}
    assert outcome.stopped_s < STOPPED_S_MAX
    assert outcome.tracebacks == []


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_services_start_in_every_order(
    own_plain_server: PlainServer, own_mosquitto_server: MosquittoServer, tmp_path: Path
) -> None:
    own_mosquitto_server.start()
    with Bench(own_plain_server, own_mosquitto_server, tmp_path, seed=SEED) as bench:
        outcome = go_through(bench, ORDERS)
    assert not outcome.verdict.found, f"seed {SEED}: {outcome.verdict}"
    assert outcome.exit_codes == {0}
    assert outcome.stopped_s < STOPPED_S_MAX
    assert outcome.tracebacks == []


@pytest.mark.timeout(600)
def test_two_at_once_count_every_reading_once(
    own_plain_server: PlainServer, own_mosquitto_server: MosquittoServer, tmp_path: Path
) -> None:
    own_mosquitto_server.start()
    with Bench(own_plain_server, own_mosquitto_server, tmp_path, seed=SEED) as bench:
        bench.start(*SERVICES, "gateway")
        bench.wait_receipts()
        second = copy.copy(bench.centre)
        second.folder = tmp_path / "second"
        second._processes = {}
        with second:
            # Each has every message: what one stores is a duplicate to the other.
            second.start("ingest", more={"NENGTAN_MQTT_CLIENT_ID": "nengtan-ingest-2"})
            second.start("worker")
            bench.wait(lambda: not second.is_running("worker"), "two workers")
            assert second.exit_code("worker") == 1
            assert "another process is worker: stop it first" in second.log("worker")
            bench.wait(lambda: "mqtt.connection.opened" in second.log("ingest"), "no second")
            bench.wait_receipts(20)
            bench.centre.kill9("ingest")
            bench.wait_receipts()
            verdict = bench.finish(revived=("worker", "api"))
        assert not verdict.found, f"seed {bench.seed}: {verdict}"
        [(duplicate,)] = bench.centre.rows("select sum(duplicate)::int from ingest_hour")
        assert duplicate > 0
