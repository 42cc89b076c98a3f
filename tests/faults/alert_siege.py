"""Alerts under fire: workers, the receiver and the database as processes, killed while alerts come.

What the meters show is told to the worker second by second; a second that a killed worker was told
is told to the next one again. So what must be stored and told is known exactly, whatever dies.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.alert_centre import channel, policy, put_policy
from tests.debian import PROJECT
from tests.faults import alert_plan
from tests.faults.alert_plan import NOW, SECOND, Episode, Plan
from tests.migrated import Migrated
from tests.servers import PlainServer

VICTIMS = ("worker", "database", "receiver")
# In turn, each ten in an order of its own; a database takes its time to come back.
_TEN = ("worker",) * 6 + ("receiver",) * 3 + ("database",)
# At which every other worker dies by itself, if it comes there.
POINTS = ("alert_before_commit", "alert_event_stored", "webhook_200_before_mark")
# How long the last one lives before the next kill: within an evaluation, or while it notifies.
_LIFE_S = (0.03, 0.2)
_AWAY_S = 0.2
_SETTLED_S = 120.0
_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT)}


class Nursery:
    """Workers of alerts, one after the other, each of which may be killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._number = 0

    @classmethod
    @contextlib.contextmanager
    def of(cls, migrated: Migrated) -> Iterator["Nursery"]:
        """Run the process that begets workers."""
        command = [sys.executable, "-m", "tests.faults.alert_worker_process"]
        with subprocess.Popen(
            [*command, migrated.role_url("nengtan_worker")],
            cwd=PROJECT,
            env=_ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            yield cls(process)

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def start(self, crash_at: str = "-") -> None:
        """Beget a worker; one that is armed may die at any time from now on."""
        self._number = int(self._ask(f"start {crash_at}"))

    def tell(self, order: str) -> bool:
        """Have the worker evaluate; return whether it kept what it found, or died before."""
        return self._ask(f"tell {order}") == "kept"

    def kill9(self) -> None:
        """Kill the worker at once; whoever waits for its answer learns of it."""
        os.kill(self._number, signal.SIGKILL)

    def wait(self) -> int:
        """Wait until the worker has died; return by which signal."""
        return int(self._ask("wait"))

    @contextlib.contextmanager
    def worker(self) -> Iterator[None]:
        """Run a worker, killed at the end."""
        self.start()
        try:
            yield
        finally:
            self.kill9()
            self.wait()

    def die_at(self, point: str) -> int:
        """Run a worker until it dies at a point; return by which signal."""
        self.start(point)
        return self.wait()


class ReceiverProcess:
    """A receiver that misbehaves as a seed says, killed and started again on the same port."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._seed = seed
        self._life = 0
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def start(self) -> None:
        """Serve, on the port of its last life."""
        self._life += 1
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.faults.receiver_process"),
                *(str(self._path), str(self.port), f"{self._seed}/{self._life}"),
            ],
            cwd=PROJECT,
            env=_ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill9(self) -> None:
        """Kill it at once, whatever it is answering."""
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None

    def taken(self) -> list[dict[str, Any]]:
        """Return what it was sent and did not refuse, in the order in which that came."""
        rows = map(json.loads, self._path.read_text(encoding="utf-8").splitlines())
        return [{**row, "event": json.loads(row["body"])} for row in rows if _is_taken(row)]


def _is_taken(row: dict[str, Any]) -> bool:
    return bool(row["behaviour"] == "200")


@dataclass
class Siege:
    """A plan that is played while everything is killed."""

    migrated: Migrated
    server: PlainServer
    nursery: Nursery
    receiver: ReceiverProcess
    plan: Plan
    seed: int
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Describe the plant, its rule, and who is told."""
        self.chance = random.Random(self.seed)  # noqa: S311 - it must come again
        self._next: list[str] = []
        self.site_id = alert_plan.describe(self.migrated)
        [(tenant_id,)] = self.migrated.rows("select id from tenant")
        url = f"http://127.0.0.1:{self.receiver.port}/hook"
        put_policy(self.migrated, tenant_id, policy(channel("hook", url=url)))

    async def play(self) -> None:
        """Tell the plan second by second, kill as it says, and wait until all is told."""
        await self._ask(self.nursery.start)
        for second, kills in enumerate(self.plan.kills):
            for _ in range(kills):
                await self._kill(second)
            while not await self._ask(self.nursery.tell, self._order(second)):
                await self._replace("at a point")
        self.nursery.kill9()
        await self._ask(self.nursery.wait)
        await self._ask(self.nursery.start)
        await self._settle()

    async def _ask(self, work: Any, *arguments: str) -> Any:
        return await asyncio.to_thread(work, *arguments)

    def _order(self, second: int) -> str:
        at = NOW + second * SECOND
        order = {"site_id": self.site_id, "at": at.isoformat()}
        return json.dumps({**order, "payload": self.plan.payload(second)})

    async def _kill(self, second: int) -> None:
        """Kill somebody while the worker evaluates, or while it notifies a moment later."""
        if not self._next:
            self._next = self.chance.sample(_TEN, len(_TEN))
        victim = self._next.pop()
        telling = asyncio.create_task(self._ask(self.nursery.tell, self._order(second)))
        await asyncio.sleep(self.chance.uniform(0.0, self.chance.choice(_LIFE_S)))
        self.kills[victim] += 1
        if victim == "worker":
            self.nursery.kill9()
        elif victim == "database":
            await asyncio.to_thread(self.server.kill9)
            await asyncio.sleep(self.chance.uniform(0.0, _AWAY_S))
            await asyncio.to_thread(self.server.start)
        else:
            self.receiver.kill9()
            await asyncio.sleep(self.chance.uniform(0.0, _AWAY_S))
            await asyncio.to_thread(self.receiver.start)
        lived = await telling
        if victim == "worker":
            await self._replace()
        elif not lived:
            await self._replace("at a point")

    async def _replace(self, why: str | None = None) -> None:
        if why is not None:
            self.kills[why] += 1
        died = await self._ask(self.nursery.wait)
        assert died == signal.SIGKILL, died
        armed = self.chance.random() < 0.5
        await self._ask(self.nursery.start, self.chance.choice(POINTS) if armed else "-")

    async def _settle(self) -> None:
        """Wait until nothing is left to be told."""
        deadline_s = time.monotonic() + _SETTLED_S
        while left := self.migrated.rows(
            "select kind, attempt_count, problem from alert_delivery where delivered_at is null"
            " and abandoned_at is null and summary_id is null"
        ):
            assert time.monotonic() < deadline_s, left
            await asyncio.sleep(0.1)

    def compare(self) -> int:
        """Compare what was kept and what was told with what must be; return how much was told."""
        oracle = alert_plan.expected(self.plan)
        alert_plan.assert_kept(self.migrated, oracle)
        taken = [row for row in self.receiver.taken() if _data(row)["alertname"] == "high"]
        by_key = {row["key"]: row for row in taken}
        # Copies are alike, and not more than there were kills.
        assert len({(row["key"], row["body"]) for row in taken}) == len(by_key)
        assert len(taken) - len(by_key) <= self.kills.total()
        assert Counter(map(_said, by_key.values())) == Counter(_to_say(oracle))
        first: dict[tuple[int, str], int] = {}
        for place, row in enumerate(taken):
            first.setdefault((_data(row)["id"], _kind(row)), place)
        for (episode, kind), place in first.items():
            assert kind == "firing" or first[episode, "firing"] < place, episode
        return len(by_key)


def _data(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = row["event"]["data"]
    return found


def _kind(row: dict[str, Any]) -> str:
    return str(row["event"]["type"]).split(".")[3]


def _said(row: dict[str, Any]) -> tuple[str, str, datetime]:
    data, kind = _data(row), _kind(row)
    at = data["fired_at" if kind == "firing" else "resolved_at"]
    return data["labels"]["flow"], kind, datetime.fromisoformat(at)


def _to_say(oracle: Sequence[Episode]) -> Iterator[tuple[str, str, datetime]]:
    for one in oracle:
        yield one.flow, "firing", one.fired_at
        if one.resolved_at is not None:
            yield one.flow, "resolved", one.resolved_at
