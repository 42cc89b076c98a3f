"""G15: whatever is killed, each alert is kept once and told, by its key once."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services import clock
from services.store.pool import Database
from tests import servers
from tests.alert_centre import AlertCentre, channel, migrated_with_tenant, policy
from tests.faults import alert_plan
from tests.faults.alert_siege import VICTIMS, Nursery, ReceiverProcess, Siege
from tests.faults.test_random_kills import SEED
from tests.migrated import Migrated, migrate
from tests.receivers import Receiver
from tests.servers import PlainServer

pytestmark = [pytest.mark.database]

SETTLED_S = 60.0


@pytest.fixture
def migrated(plain_server: PlainServer) -> Iterator[Migrated]:
    """Give a database with a tenant."""
    with migrated_with_tenant(plain_server) as migrated:
        yield migrated


@pytest.fixture
async def centre(migrated: Migrated) -> AsyncIterator[AlertCentre]:
    """Give the tables of alerts of the tenant."""
    [(tenant_id,)] = migrated.rows("select id from tenant")
    database = await Database.open(migrated.role_url("nengtan_worker"))
    yield AlertCentre(migrated, database, tenant_id)
    await database.close()


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with Receiver().running() as receiver:
        yield receiver


@pytest.fixture
def nursery(migrated: Migrated) -> Iterator[Nursery]:
    with Nursery.of(migrated) as nursery:
        yield nursery


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
        with nursery.worker():
            await settled(centre)
        assert [one.kind for one in hook.received] == ["firing", "firing", "resolved"]
        first, copy, _ = hook.received
        assert (first.key, first.body) == (copy.key, copy.body)

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


class TestKills:
    @pytest.mark.timeout(900)
    @pytest.mark.parametrize(
        ("seconds", "kills"), [(50, 50), pytest.param(400, 400, marks=pytest.mark.faults)]
    )
    def test_of_worker_database_and_receiver_leave_each_alert_once_and_told(
        self, own_plain_server: PlainServer, tmp_path: Path, seconds: int, kills: int
    ) -> None:
        began_s = time.monotonic()
        migrated = migrate(servers.create_database(own_plain_server))
        plan = alert_plan.plan(seconds, kills, seed=SEED)
        receiver = ReceiverProcess(tmp_path / "received.jsonl", SEED)
        receiver.start()
        try:
            with Nursery.of(migrated) as nursery:
                siege = Siege(migrated, own_plain_server, nursery, receiver, plan, SEED)
                asyncio.run(siege.play())
        finally:
            receiver.kill9()
        told = siege.compare()
        took_s = time.monotonic() - began_s
        print(f"\nseed {SEED}: {dict(siege.kills)}, {told} messages, {took_s:.0f} s")
        assert sum(siege.kills[victim] for victim in VICTIMS) == kills
