"""The bench of the kills: a whole centre, its servers and its gateways, and who may die when.

A broker, a database and every service are processes of their own. `Bench` starts them, kills any
of them at any instant, and lets the checker compare what is left with what was sent.
"""

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

import httpx

from deploy import supervisor
from tests import servers
from tests.centre import Centre
from tests.debian import PROJECT
from tests.faults.checker import History, Verdict, check
from tests.faults.plan import POINTS, TENANTS
from tests.migrated import SmallPlant
from tests.servers import DatabaseServer, MosquittoServer

Victim = Literal["broker", "database", "ingest", "worker", "api", "gateway"]
VICTIMS: tuple[Victim, ...] = get_args(Victim)
SERVICES = ("ingest", "worker", "api")
# Generous: nothing here may depend on how fast the machine is.
PATIENCE_S = 180.0
# A kill comes when the last one is over and work is going on again, or after so long anyhow.
PROGRESS_S = 3.0


def plants() -> list[SmallPlant]:
    """Return the plants of the run: three registers in a hall, twice."""
    points = [{"code": code, "kind": "register", "unit": "kWh"} for code in POINTS]
    return [SmallPlant(tenant=tenant, points=points) for tenant in TENANTS]


class Bench:
    """A centre under fire. `folder` keeps the history, the outboxes and every log."""

    def __init__(
        self, server: DatabaseServer, broker: MosquittoServer, folder: Path, *, seed: int
    ) -> None:
        self.seed = seed
        self.rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.folder = folder
        self.server = server
        self.broker = broker
        self.kills: list[str] = []
        self.drained_s = 0.0  # how long the end took after the last kill
        self.centre = Centre(
            database_url=servers.create_database(server),
            broker=broker,
            plants=[plant.plant() for plant in plants()],
            folder=folder / "centre",
        )
        self._gateway: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Make schema, plants and the broker's users; nothing of the centre runs yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.centre.prepare()
        self._describe_gateways()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill what still runs."""
        if self._gateway is not None:
            self._gateway.kill()
            self._gateway.wait()
        self.centre.__exit__(kind, error, trace)

    def _describe_gateways(self) -> None:
        gateways = []
        for plant in self.centre.plants:
            settings = self.centre.gateway(plant)
            gateways.append(
                {
                    "tenant": plant.tenant,
                    "site": plant.site,
                    "gateway": settings.address.gateway,
                    "port": settings.port,
                    "username": settings.username,
                    "password": settings.password,
                }
            )
        facts = {"seed": self.seed, "gateways": gateways}
        (self.folder / "sender.json").write_text(json.dumps(facts), encoding="utf-8")

    # What runs

    def start(self, *names: str, crash_at: str | None = None) -> None:
        """Start services, or the gateways; with a point at which they are to die."""
        armed: Mapping[str, str] = {}
        if crash_at is not None:
            armed = {"NENGTAN_CRASH_AT": crash_at, "NENGTAN_TEST_CRASHES": "1"}
        for name in names:
            if name == "gateway":
                self._start_gateway()
            else:
                self.centre.start(name, more=armed)

    def _start_gateway(self) -> None:
        with (self.folder / "gateway.log").open("ab") as log:
            self._gateway = supervisor.spawn(
                (sys.executable, "-m", "tests.faults.sender", str(self.folder)),
                folder=PROJECT,
                log=log,
                death_signal=signal.SIGKILL,
            )

    def kill9(self, victim: Victim) -> None:
        """Kill one of them at once, wherever it is."""
        self.kills.append(victim)
        if victim == "broker":
            self.broker.kill9()
        elif victim == "database":
            self.server.kill9()
        elif victim == "gateway":
            assert self._gateway is not None
            self._gateway.kill()
            self._gateway.wait()
        else:
            self.centre.kill9(victim)

    def bring_back(self, victim: Victim) -> None:
        """Start a killed one again, on what it has kept."""
        if victim == "broker":
            self.broker.start()
        elif victim == "database":
            self.server.start()
        else:
            self.start(victim)

    def receipts(self) -> int:
        """Return how many receipts the gateways have noted."""
        path = self.folder / "history.jsonl"
        return path.read_bytes().count(b'"receipt"') if path.exists() else 0

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"seed {self.seed}: {what}: {self.last_words()}"
            time.sleep(0.05)

    def wait_receipts(self, more: int = 5) -> None:
        """Wait until the centre works: so many receipts more."""
        wanted = self.receipts() + more
        self.wait(lambda: self.receipts() >= wanted, "no receipts")

    # Kills at random

    def kill_at_random(self, count: int) -> None:
        """Kill one after the other; now and then the next before the last is back."""
        seen = self.receipts()
        down: list[Victim] = []
        for _ in range(count):
            deadline = time.monotonic() + PROGRESS_S
            while self.receipts() <= seen + 2 and time.monotonic() < deadline:
                time.sleep(0.1)
            seen = self.receipts()
            time.sleep(self.rng.uniform(0.0, 0.7))
            victim = self.rng.choice([name for name in VICTIMS if name not in down])
            self.revive([name for name in SERVICES if name not in down])
            self.kill9(victim)
            down.append(victim)
            if len(down) == 2 or self.rng.random() < 0.8:
                time.sleep(self.rng.uniform(0.0, 0.8))
                for gone in down:
                    self.bring_back(gone)
                down.clear()
        for gone in down:
            self.bring_back(gone)

    def revive(self, names: Sequence[str]) -> None:
        """Start services again that have ended by themselves, as a supervisor would."""
        for name in names:
            if not self.centre.is_running(name):
                self.kills.append(f"({name} ended)")
                self.start(name)

    def finish(self, *, revived: Sequence[str] = SERVICES) -> Verdict:
        """Let the gateways and the worker finish, and compare.

        Services that end by themselves meanwhile are started again, if they are among `revived`.
        """
        began_s = time.monotonic()
        (self.folder / "enough").touch()
        self.wait(lambda: self._is_drained(revived), "not drained")
        self.centre.wait_computed(timeout_s=PATIENCE_S)
        self.drained_s = time.monotonic() - began_s
        self.wait(self.api_answers, "the API does not answer")
        return self.verdict(drained=True)

    def _is_drained(self, revived: Sequence[str]) -> bool:
        self.revive(revived)
        assert self._gateway is not None
        if self._gateway.poll() is None:
            return False
        assert self._gateway.returncode == 0, self.last_words()
        return True

    def api_answers(self) -> bool:
        """Return whether the API can do its work."""
        with contextlib.suppress(httpx.HTTPError):
            url = f"http://127.0.0.1:{self.centre.api_port}/api/v1/health/ready"
            return httpx.get(url, timeout=5).status_code == httpx.codes.OK
        return False

    def verdict(self, *, drained: bool) -> Verdict:
        """Return what is not as it must be now."""
        history = History.read(self.folder / "history.jsonl")
        for tenant, origins in history.origins.items():
            assert origins == ["created", *["opened"] * (len(origins) - 1)], (tenant, origins)
        return check(self.centre, history, seed=self.seed, ask=self.energy_kwh, drained=drained)

    def energy_kwh(self, tenant: str, start: datetime, end: datetime) -> float | None:
        """Return what the API says that the hall of a tenant used."""
        answer = httpx.get(
            f"http://127.0.0.1:{self.centre.api_port}/api/v1/energy",
            params={
                "site": "main",
                "node": "hall",
                "carrier": "electricity",
                "start": start.isoformat(),
                "end": end.isoformat(),
                "interval": "day",
            },
            headers={"Authorization": f"Bearer {self.centre.keys[tenant]}"},
            timeout=60,
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        found: float | None = answer.json()["total"]["energy_kwh"]
        return found

    def last_words(self) -> str:
        """Return the end of every log, for a person."""
        paths = [*sorted((self.folder / "centre").glob("*.log")), self.folder / "gateway.log"]
        return "\n".join(f"{path.name}:\n{supervisor.tail(path, line_count=8)}" for path in paths)
