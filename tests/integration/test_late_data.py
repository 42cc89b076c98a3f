"""G8 through the whole centre: late by a year, shuffled, doubled, with the worker killed."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.gateway import Gateway
from deploy.outbox import Outbox
from ingest.commit import Committer
from ingest.registry import load_registry
from ingest.tick import Worker
from services.store import ledger
from services.store.pool import Database
from tests import servers
from tests.centre import Centre
from tests.migrated import Migrated, SmallPlant, migrate, take_in, us
from tests.servers import MosquittoServer, best_server
from tests.services import histories
from tests.services.histories import Reading, differences, origins

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.timeout(240)]

ZONE = "America/New_York"
# The clock goes forward within the first days; the second part is 400 days later.
EARLY = datetime(2024, 3, 9, 5, tzinfo=UTC)
LATE = EARLY + timedelta(days=400)
VISIBLE_S_MAX = 60.0
MESSAGE_READINGS = 25


async def send(
    centre: Centre,
    folder: Path,
    tenant: str,
    readings: Sequence[Reading],
    *,
    last: Sequence[Reading] = (),
    kill: bool = False,
) -> None:
    """Send as a gateway does; kill the worker in the midst of it."""
    plant = next(plant for plant in centre.plants if plant.tenant == tenant)
    with Outbox.open(folder / f"{tenant}.sqlite") as outbox:
        sender = Gateway(outbox, centre.gateway(plant, receipt_timeout_s=2.0))
        running = asyncio.create_task(sender.run())
        messages = [
            [
                (name, us(at), value)
                for name, at, value in readings[first : first + MESSAGE_READINGS]
            ]
            for first in range(0, len(readings), MESSAGE_READINGS)
        ]
        for part in (messages[0::3], messages[1::3]) if kill else (messages,):
            outbox.put_many(part)
            await asyncio.wait_for(sender.drained(), 60)
            if kill:
                centre.kill9("worker")
                centre.start("worker")
        if kill:
            outbox.put_many(messages[2::3])
        for name, at, value in last:
            # One by one into what is computed: each reaches back and forward by itself.
            await asyncio.wait_for(sender.drained(), 60)
            await asyncio.to_thread(centre.wait_computed)
            outbox.put_many([[(name, us(at), value)]])
        await asyncio.wait_for(sender.drained(), 60)
        sender.stop()
        await running


def is_of(reading: Reading) -> bool:
    """Return whether a reading is of the register, whose amounts reach over the gap."""
    return reading[0] == "register"


@pytest.fixture
def best_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give an empty database of one tier: that both give the same bits is asked below."""
    server = best_server(request)
    url = servers.create_database(server)
    yield url
    servers.drop_database(server, url)


def test_late_and_shuffled_readings_give_the_bits_of_readings_in_order(
    best_database_url: str, broker: MosquittoServer, tmp_path: Path
) -> None:
    rng = random.Random(20_250_413)  # noqa: S311 - repeatable, not secret
    early, late = (
        [reading for reading in histories.readings(rng, start=start, days=2) if is_of(reading)]
        for start in (EARLY, LATE)
    )
    last = rng.sample(early, k=6)
    first = [reading for reading in early if reading not in last]
    crooked = [*first, *rng.sample(first, k=len(first) // 10)]
    rng.shuffle(crooked)
    plants = [
        replace(
            histories.plant(tenant, start=EARLY, time_zone=ZONE, carrier="electricity"),
            points=histories.POINTS[:1],
        ).plant()
        for tenant in ("straight", "crooked")
    ]
    with Centre(
        database_url=best_database_url, broker=broker, plants=plants, folder=tmp_path / "centre"
    ) as centre:
        centre.prepare()
        centre.start("ingest", "worker")
        centre.wait_subscribed()
        asyncio.run(send(centre, tmp_path, "straight", [*early, *late]))
        # The newest first, then what is 400 days late.
        asyncio.run(send(centre, tmp_path, "crooked", [*late, *crooked], last=last, kill=True))
        began_s = time.monotonic()
        centre.wait_computed()
        assert time.monotonic() - began_s < VISIBLE_S_MAX
        [(count,)] = centre.rows("select count(*) from result where grain = 0")
        # Every interval of 400 days: registers are interpolated over the gap.
        assert count > 2 * 4 * 96 * 400
        assert differences(centre, "straight", "crooked") == []
        assert origins(centre, "crooked") == origins(centre, "straight")


@dataclass(frozen=True)
class Case:
    """Readings of a plant, and the commits in which they come when all goes wrong."""

    seed: int
    late_days: float
    straight: SmallPlant
    crooked: SmallPlant
    readings: list[Reading]
    commits: list[list[Reading]]
    conflict_count: int


RECEIVED = EARLY + timedelta(days=500)


def case(seed: int) -> Case:
    """Return a case: a part of the readings is late by an hour up to 400 days.

    What is late by more than days is of a register that has ended: one that goes on is interpolated
    over the whole gap, as in the test of the processes above, and here each case has to be quick.
    """
    rng = random.Random(f"late {seed}")  # noqa: S311 - repeatable, not secret
    late_days = 400.0 if seed % 4 == 0 else 1 / 24 * 9600 ** rng.random()
    plants = [
        histories.plant(
            f"{way}-{seed}",
            start=EARLY,
            time_zone=rng.choice((ZONE, "Asia/Kolkata", "UTC")),
            carrier="electricity",
        )
        for way in ("straight", "crooked")
    ]
    plants[1].time_zone = plants[0].time_zone
    early = histories.readings(rng, start=EARLY, days=1)
    newest = histories.readings(rng, start=EARLY + timedelta(days=max(1.0, late_days)), days=1)
    if late_days > 3:
        early = [reading for reading in early if is_of(reading)]
        newest = [reading for reading in newest if not is_of(reading)]
    every = [*early, *newest]
    # What is newest comes first; then the rest in any order, a tenth of it twice.
    doubled = [*every, *rng.sample(every, k=len(every) // 10)]
    rng.shuffle(doubled)
    doubled.sort(key=lambda reading: reading in early and rng.random() < 0.9)
    conflicts = [(name, at, value + 1) for name, at, value in rng.sample(every, k=5)]
    size = -(-len(doubled) // 4)
    commits = [doubled[first : first + size] for first in range(0, len(doubled), size)]
    return Case(seed, late_days, plants[0], plants[1], every, [*commits, conflicts], 5)


class TestReadingsThatComeInAnyOrder:
    """Of many plants at once: what their results hash to, in order, in disorder and anew."""

    def test_give_the_bits_of_readings_in_order_and_of_a_full_rebuild(
        self, module_database_url: str
    ) -> None:
        self.check(migrate(module_database_url), [case(seed) for seed in range(20)])

    @pytest.mark.faults
    @pytest.mark.timeout(3600)
    @pytest.mark.parametrize("first", range(20, 220, 20))
    def test_give_them_whatever_the_seed(self, database_url: str, first: int) -> None:
        self.check(migrate(database_url), [case(seed) for seed in range(first, first + 20)])

    def check(self, migrated: Migrated, cases: Sequence[Case]) -> None:
        for one in cases:
            migrated.install(one.straight.plant(), one.crooked.plant())
        asyncio.run(self.take_in(migrated, cases))
        before = {}
        for one in cases:
            tenants = (one.straight.tenant, one.crooked.tenant)
            assert differences(migrated, *tenants) == [], one.seed
            before[one.seed] = histories.results(migrated, one.crooked.tenant)
            assert before[one.seed], one.seed
            [(conflicts,)] = migrated.rows(
                "select count(*) from conflict c join tenant t on t.id = c.tenant_id"
                " where t.code = %s",
                one.crooked.tenant,
            )
            assert conflicts == one.conflict_count, one.seed
        migrated.execute("delete from result", "delete from provenance")
        asyncio.run(self.rebuild(migrated))
        for one in cases:
            for tenant in (one.straight.tenant, one.crooked.tenant):
                assert histories.results(migrated, tenant) == before[one.seed], one.seed

    async def take_in(self, migrated: Migrated, cases: Sequence[Case]) -> None:
        ingest = await Database.open(migrated.role_url("nengtan_ingest"))
        worker = await Database.open(migrated.role_url("nengtan_worker"))
        # One, as in life: it keeps what it read from pass to pass.
        keeps = Worker(worker)
        registry = await load_registry(ingest)
        committer = Committer(ingest)
        for number in range(max(len(one.commits) for one in cases)):
            deliveries = []
            for one in cases:
                part = one.commits[number] if number < len(one.commits) else []
                sent = [one.crooked.delivery(part, seq=number + 1)] if part else []
                if number == 0:
                    sent.append(one.straight.delivery(one.readings, seq=1))
                deliveries += sent
            await take_in(ingest, registry, deliveries, at=RECEIVED, committer=committer)
            await keeps.drain()
        await ingest.close()
        await worker.close()

    async def rebuild(self, migrated: Migrated) -> None:
        admin_database = await Database.open(migrated.role_url("nengtan_admin"))
        worker = await Database.open(migrated.role_url("nengtan_worker"))
        sites = [site for (site,) in migrated.rows("select id from site order by id desc")]
        async with admin_database.transaction() as connection:
            for site in sites:
                await ledger.mark_site_dirty(
                    connection, site_id=site, start=EARLY - timedelta(days=9), end=RECEIVED
                )
        await Worker(worker).drain()
        await admin_database.close()
        await worker.close()
