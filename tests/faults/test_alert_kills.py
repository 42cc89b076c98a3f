"""G15: the notifier killed beside a receiver that misbehaves: each alert is told once by key."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from deploy import admin
from services import clock
from services.store.pool import Database
from tests import servers
from tests.alert_centre import AlertCentre, channel, policy
from tests.debian import PROJECT
from tests.faults.test_random_kills import SEED
from tests.migrated import Migrated, migrate
from tests.receivers import Receiver
from tests.servers import PlainServer

pytestmark = [pytest.mark.database]

BEHAVIOURS = ("200", "200", "200", "500", "429:0", "hang", "redirect", "close", "cut")
SETTLED_S = 60.0


@contextmanager
def tenant_of(server: PlainServer) -> Iterator[Migrated]:
    """Give a database with a tenant."""
    url = servers.create_database(server)
    made = migrate(url)

    async def tenant(database: Database) -> None:
        await admin.create_tenant(
            database, code="acme", kind="enterprise", name_zh="租户", name_en="Tenant"
        )

    made.run("nengtan_admin", tenant)
    yield made
    servers.drop_database(server, url)


@asynccontextmanager
async def centre_of(migrated: Migrated) -> AsyncIterator[AlertCentre]:
    """Give the tables of alerts of the tenant."""
    [(tenant_id,)] = migrated.rows("select id from tenant")
    database = await Database.open(migrated.role_url("nengtan_worker"))
    yield AlertCentre(migrated, database, tenant_id)
    await database.close()


@pytest.fixture
def migrated(plain_server: PlainServer) -> Iterator[Migrated]:
    with tenant_of(plain_server) as migrated:
        yield migrated


@pytest.fixture
async def centre(migrated: Migrated) -> AsyncIterator[AlertCentre]:
    async with centre_of(migrated) as centre:
        yield centre


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with Receiver().running() as receiver:
        yield receiver


class Nursery:
    """Notifiers, one after the other, each of which a test kills."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def _ask(self, line: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    @contextmanager
    def notifier(self) -> Iterator[None]:
        """Run a notifier, killed at the end."""
        number = self._ask("start -")
        try:
            yield
        finally:
            os.kill(number, signal.SIGKILL)
            self._ask("wait")

    def die_at(self, point: str) -> int:
        """Run a notifier until it dies at a point; return by which signal."""
        self._ask(f"start {point}")
        return self._ask("wait")


@pytest.fixture
def nursery(migrated: Migrated) -> Iterator[Nursery]:
    with nursery_of(migrated) as nursery:
        yield nursery


@contextmanager
def nursery_of(migrated: Migrated) -> Iterator[Nursery]:
    """Run the process that begets notifiers."""
    command = [sys.executable, "-m", "tests.faults.notifier_process"]
    with subprocess.Popen(
        [*command, migrated.role_url("nengtan_worker")],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield Nursery(process)


async def settled(centre: AlertCentre) -> None:
    """Wait until nothing is left to be told."""
    deadline_s = time.monotonic() + SETTLED_S
    while any(fate == "open" for _, _, fate in centre.deliveries()):
        assert time.monotonic() < deadline_s, centre.deliveries()
        await asyncio.sleep(0.1)


async def fire(centre: AlertCentre, node: str) -> int:
    centre.clock.at = clock.now()
    return await centre.fire(node=node)


async def resolve(centre: AlertCentre, episode: int) -> None:
    centre.clock.at = clock.now()
    await centre.resolve(episode)


class TestANotifierThatDies:
    async def test_between_200_and_its_mark_sends_a_copy_with_the_same_key(
        self, centre: AlertCentre, nursery: Nursery, hook: Receiver
    ) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url)))
        episode = await fire(centre, "hall")
        died = await asyncio.to_thread(nursery.die_at, "webhook_200_before_mark")
        assert died == signal.SIGKILL
        assert centre.deliveries() == [("firing", "hook", "open")]
        await resolve(centre, episode)
        with nursery.notifier():
            await settled(centre)
        assert [one.kind for one in hook.received] == ["firing", "firing", "resolved"]
        first, copy, _ = hook.received
        assert (first.key, first.body) == (copy.key, copy.body)

    async def _die(
        self,
        centre: AlertCentre,
        nursery: Nursery,
        hook: Receiver,
        *,
        kills: int,
        seed: int,
        between: Callable[[int], Awaitable[None]] | None = None,
    ) -> dict[int, bool]:
        """Kill the notifier at random, while alerts come and go and the receiver misbehaves.

        Return the episodes that fired, and which of them are over.
        """
        chance = random.Random(seed)  # noqa: S311 - it must come again
        hook.script = [chance.choice(BEHAVIOURS) for _ in range(kills * 2)]
        centre.state_policy(policy(channel("hook", url=hook.url)))
        firing: list[int] = []
        told: dict[int, bool] = {}
        for life in range(kills):
            with nursery.notifier():
                until_s = time.monotonic() + chance.uniform(0.02, 0.4)
                while time.monotonic() < until_s:
                    if firing and chance.random() < 0.4:
                        ended = firing.pop(chance.randrange(len(firing)))
                        await resolve(centre, ended)
                        told[ended] = True
                    else:
                        episode = await fire(centre, f"n{life}-{len(told)}")
                        firing.append(episode)
                        told[episode] = False
                    await asyncio.sleep(chance.uniform(0.01, 0.08))
            if between is not None:
                await between(life)
        with nursery.notifier():
            await settled(centre)
        return told

    def _told(
        self, hook: Receiver, told: dict[int, bool], *, kills: int
    ) -> Counter[tuple[int, str]]:
        """Return how often each was told, by its key: copies are few, alike and in order."""
        mine = [one for one in hook.taken() if int(one.event["subject"]) in told]
        by_key = {one.key: one for one in mine}
        seen = Counter((int(one.event["subject"]), one.kind) for one in by_key.values())
        assert len(mine) - len(by_key) <= kills
        assert len({(one.key, one.body) for one in mine}) == len(by_key)
        place = {(one.event["subject"], one.kind): i for i, one in reversed([*enumerate(mine)])}
        for (subject, kind), i in place.items():
            assert kind == "firing" or place[subject, "firing"] < i
        return seen

    def _expected(self, told: dict[int, bool]) -> Counter[tuple[int, str]]:
        return Counter(
            (episode, kind)
            for episode, is_over in told.items()
            for kind in (("firing", "resolved") if is_over else ("firing",))
        )

    async def test_at_random_tells_everything_and_by_its_key_once(
        self, centre: AlertCentre, nursery: Nursery, hook: Receiver
    ) -> None:
        told = await self._die(centre, nursery, hook, kills=15, seed=SEED)
        assert self._told(hook, told, kills=15) == self._expected(told)

    @pytest.mark.faults
    @pytest.mark.timeout(1800)
    async def test_at_random_beside_a_database_that_dies_tells_everything_by_its_key_once(
        self, own_plain_server: PlainServer, hook: Receiver
    ) -> None:
        with tenant_of(own_plain_server) as migrated, nursery_of(migrated) as nursery:
            async with centre_of(migrated) as centre:

                async def lose_power(life: int) -> None:
                    if life % 10 == 9:
                        own_plain_server.kill9()
                        own_plain_server.start()
                        await centre.database.close()
                        centre.database = await Database.open(migrated.role_url("nengtan_worker"))

                told = await self._die(
                    centre, nursery, hook, kills=400, seed=SEED + 1, between=lose_power
                )
                assert self._told(hook, told, kills=400) == self._expected(told)

    async def test_or_loses_its_database_while_it_marks_sends_no_copy(
        self, centre: AlertCentre, migrated: Migrated, hook: Receiver
    ) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url)))
        hook.script = ["slow"]
        await fire(centre, "hall")
        centre.clock.at = clock.now()
        await centre.notifier.tick()
        await asyncio.to_thread(hook.arrived.wait, 10)
        # The connections die between the answer and the mark.
        migrated.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'nengtan_worker' and datname = current_database()"
        )
        await centre.notifier.settle()
        await settled(centre)
        assert len(hook.received) == 1
