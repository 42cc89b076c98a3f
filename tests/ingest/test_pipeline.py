"""The loop on a real broker and a real database: in this order, and nothing stops it."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import timedelta

import msgspec
import pytest

from ingest.commit import Committer
from ingest.mqtt import Broker, FastReceiver, PublishFailed, Unpublishable
from ingest.pipeline import Pipeline
from ingest.reading import Delivery
from ingest.registry import Registry, build_registry, load_registry
from services.store.pool import Database
from tests import servers
from tests.migrated import START, Migrated, SmallPlant, counts, migrate
from tests.servers import MosquittoServer, PlainServer

pytestmark = [pytest.mark.broker, pytest.mark.database]

POISON = 666.0
# A value that the database, for once, does not take.
REFUSE_POISON = f"""
create function refuse_poison() returns trigger language plpgsql as $$
begin raise exception 'poison' using errcode = '22003'; end $$;
create trigger refuse_poison before insert on reading for each row
  when (new.value = {POISON}) execute function refuse_poison();
"""


async def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is watched has no event of its own
            await asyncio.sleep(0.01)


class Recording(FastReceiver):
    """A receiver that notes what it is asked to do, and may fail to publish."""

    def __init__(self, broker: Broker, filters: Sequence[str]) -> None:
        super().__init__(broker, filters)
        self.steps: list[str] = []
        self.receipts: list[dict[str, object]] = []
        self.look: Callable[[], str] = lambda: ""
        self.fail_count = 0
        self.fault: type[PublishFailed] = PublishFailed

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Note what the database holds at this moment."""
        self.steps.append(f"receipt {self.look()}".strip())
        if self.fail_count:
            self.fail_count -= 1
            raise self.fault("the test wants it so")
        self.receipts.append(msgspec.json.decode(payload))
        await super().publish(topic, payload, qos=qos, retain=retain)

    def acknowledge(self, tokens: Sequence[int]) -> None:
        """Note it."""
        self.steps.append(f"acknowledge {len(tokens)}")
        super().acknowledge(tokens)


@contextlib.asynccontextmanager
async def connected(server: MosquittoServer, topic: str) -> AsyncIterator[Recording]:
    broker = Broker(
        host="127.0.0.1",
        port=server.port,
        client_id=f"pipeline-{secrets.token_hex(4)}",
        username="everything",
        password="everything",
        backoff_s_max=0.2,
    )
    async with Recording(broker, [topic]) as receiver:
        await until(lambda: receiver.connected)
        yield receiver


async def publish(server: MosquittoServer, deliveries: Sequence[Delivery]) -> None:
    broker = Broker(
        host="127.0.0.1",
        port=server.port,
        client_id=f"gateway-{secrets.token_hex(4)}",
        username="everything",
        password="everything",
    )
    async with FastReceiver(broker, []) as sender:
        await until(lambda: sender.connected)
        for delivery in deliveries:
            await sender.publish(delivery.topic, delivery.payload, qos=delivery.qos)
        await until(lambda: not sender._flights)


@contextlib.asynccontextmanager
async def running(
    migrated: Migrated, receiver: Recording, *, registry: Registry | None = None
) -> AsyncIterator[Pipeline]:
    database = await Database.open(migrated.role_url("nengtan_ingest"), timeout_s=1.0)
    pipeline = Pipeline(
        receiver=receiver,
        committer=Committer(database),
        registry=registry or await load_registry(database),
        flush_messages=100,
        flush_s=0.2,
    )
    task = asyncio.create_task(pipeline.run())
    try:
        yield pipeline
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await database.close()


@pytest.fixture
def plant() -> SmallPlant:
    """Return a plant of a tenant of its own: brokers are shared."""
    return SmallPlant(tenant=f"t-{secrets.token_hex(3)}")


def one(plant: SmallPlant, seq: int, value: float = 1.0, minute: int | None = None) -> Delivery:
    at = START + timedelta(minutes=seq if minute is None else minute)
    return plant.delivery([("P1", at, value)], seq=seq)


class TestPipeline:
    async def test_commits_then_receipts_then_acknowledges(
        self, migrated: Migrated, mosquitto_server: MosquittoServer, plant: SmallPlant
    ) -> None:
        await asyncio.to_thread(migrated.install, plant.plant())
        async with connected(mosquitto_server, plant.topic) as receiver:
            receiver.look = lambda: str(migrated.rows("select count(*) from reading")[0][0])
            async with running(migrated, receiver) as pipeline:
                await publish(mosquitto_server, [one(plant, 1), one(plant, 2)])
                await until(lambda: pipeline.tally.messages == 2)
        assert receiver.steps == ["receipt 2", "acknowledge 2"]
        assert receiver.receipts == [{"epoch": "e", "seq": [[1, 2]], "rejected": []}]
        assert (pipeline.tally.stored, pipeline.tally.commits) == (2, 1)

    async def test_does_not_acknowledge_what_it_could_not_receipt(
        self, migrated: Migrated, mosquitto_server: MosquittoServer, plant: SmallPlant
    ) -> None:
        await asyncio.to_thread(migrated.install, plant.plant())
        async with connected(mosquitto_server, plant.topic) as receiver:
            receiver.fail_count = 1
            async with running(migrated, receiver) as pipeline:
                await publish(mosquitto_server, [one(plant, 1)])
                await until(lambda: pipeline.tally.messages == 1)
                assert receiver.steps == ["receipt"]
                assert receiver.unacknowledged_count == 1
                await receiver._disconnect()
                await until(lambda: pipeline.tally.messages == 2)
        assert receiver.steps == ["receipt", "receipt", "acknowledge 1"]
        assert receiver.receipts == [{"epoch": "e", "seq": [[1, 1]], "rejected": []}]
        assert (pipeline.tally.stored, pipeline.tally.duplicate) == (1, 1)

    async def test_goes_on_where_a_receipt_can_never_be_published(
        self, migrated: Migrated, mosquitto_server: MosquittoServer, plant: SmallPlant
    ) -> None:
        await asyncio.to_thread(migrated.install, plant.plant())
        async with (
            connected(mosquitto_server, plant.topic) as receiver,
            running(migrated, receiver) as pipeline,
        ):
            receiver.fail_count, receiver.fault = 1, Unpublishable
            await publish(mosquitto_server, [one(plant, 1)])
            await until(lambda: pipeline.tally.messages == 1)
        assert receiver.steps == ["receipt", "acknowledge 1"]

    async def test_quarantines_a_poison_message_and_stores_the_others(
        self, migrated: Migrated, mosquitto_server: MosquittoServer, plant: SmallPlant
    ) -> None:
        await asyncio.to_thread(migrated.install, plant.plant())
        migrated.execute(REFUSE_POISON)
        deliveries = [one(plant, seq, POISON if seq in (3, 8) else 1.0) for seq in range(1, 10)]
        async with (
            connected(mosquitto_server, plant.topic) as receiver,
            running(migrated, receiver) as pipeline,
        ):
            await publish(mosquitto_server, deliveries)
            await until(lambda: pipeline.tally.messages == 9)
            await publish(mosquitto_server, [one(plant, 10)])
            await until(lambda: pipeline.tally.messages == 10)
        assert counts(migrated, tenant=plant.tenant) == {
            "received": 10,
            "stored": 8,
            "duplicate": 0,
            "conflict": 0,
            "quarantined": 2,
        }
        rows = migrated.rows(
            "select q.payload, i.item, i.code, i.detail from quarantine q"
            " join quarantine_item i on i.quarantine_id = q.id order by q.id"
        )
        assert [bytes(row[0]) for row in rows] == [deliveries[2].payload, deliveries[7].payload]
        assert {row[1:3] for row in rows} == {(-1, "not_storable")}
        assert all("poison" in row[3] and "\n" not in row[3] for row in rows)
        named = [
            number
            for receipt in receiver.receipts
            for first, last in receipt["seq"]  # type: ignore[attr-defined]
            for number in range(first, last + 1)
        ]
        assert sorted(named) == list(range(1, 11))
        rejected = [item for receipt in receiver.receipts for item in receipt["rejected"]]  # type: ignore[attr-defined]
        assert rejected == [{"seq": seq, "item": -1, "code": "not_storable"} for seq in (3, 8)]

    async def test_ends_when_the_receiver_is_closed(
        self, migrated: Migrated, mosquitto_server: MosquittoServer, plant: SmallPlant
    ) -> None:
        await asyncio.to_thread(migrated.install, plant.plant())
        async with (
            connected(mosquitto_server, plant.topic) as receiver,
            running(migrated, receiver) as pipeline,
        ):
            await publish(mosquitto_server, [one(plant, 1)])
            await until(lambda: receiver.queued_count + pipeline.tally.messages > 0)
            await receiver.close()
            await until(lambda: pipeline.tally.messages == 1)
        assert counts(migrated, tenant=plant.tenant)["stored"] == 1


class TestWhileTheDatabaseIsAway:
    @pytest.fixture
    def own_server(self) -> Iterator[PlainServer]:
        with servers.run_folder(servers.RUNS) as folder:
            server = PlainServer(folder)
            server.start()
            yield server
            server.stop()

    async def test_a_new_description_does_not_move_what_waits_to_other_points(
        self, own_server: PlainServer, mosquitto_server: MosquittoServer, plant: SmallPlant
    ) -> None:
        migrated = await asyncio.to_thread(lambda: migrate(servers.create_database(own_server)))
        await asyncio.to_thread(migrated.install, plant.plant())
        ids: dict[str, int] = dict(migrated.rows("select code, id from point"))
        async with (
            connected(mosquitto_server, plant.topic) as receiver,
            running(migrated, receiver) as pipeline,
        ):
            await asyncio.to_thread(own_server.kill9)
            await publish(mosquitto_server, [one(plant, 1, 5.0)])
            await until(lambda: receiver.unacknowledged_count == 1)
            await until(lambda: receiver.queued_count == 0)
            pipeline.registry = turned_round(pipeline.registry, plant.topic, ids)
            await asyncio.to_thread(own_server.start)
            await until(lambda: pipeline.tally.messages == 1)
            # What comes now is looked up in the new one.
            await publish(mosquitto_server, [one(plant, 2, 6.0)])
            await until(lambda: pipeline.tally.messages == 2)
        rows = migrated.rows("select point_id, value from reading order by ts")
        assert rows == [(ids["P1"], 5.0), (ids["P1"], 6.0)]


def turned_round(registry: Registry, topic: str, ids: dict[str, int]) -> Registry:
    """Return the same points in other rows, as after a description that adds some."""
    gateway = registry.by_topic[topic]
    row = {
        "id": gateway.id,
        "tenant_id": gateway.tenant_id,
        "site_id": gateway.site_id,
        "form": gateway.form,
        "topic": topic,
        "username": "",
        "signed": False,
    }
    points = [
        {
            "id": ids[code],
            "gateway_id": gateway.id,
            "site_id": gateway.site_id,
            "address": code,
            "value_min": None,
            "value_max": None,
            "valid_from": START,
            "valid_to": None,
        }
        for code in sorted(ids, reverse=True)
    ]
    turned = build_registry([row], points)
    assert turned.by_topic[topic].row_of["P1"] != gateway.row_of["P1"]
    return turned
