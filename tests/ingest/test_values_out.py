"""Values out, through a real broker: retained, with unit, on change, each tenant its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import aiomqtt
import pytest

from deploy import admin
from ingest.live_tick import LiveTick
from ingest.mqtt import Broker, receiver
from ingest.values_out import ValuesOut
from services.site_model import SiteModels
from services.store.pool import Database
from tests.ingest.test_live_tick import NOW, plant, send
from tests.migrated import Migrated
from tests.servers import MosquittoServer

pytestmark = [pytest.mark.database, pytest.mark.broker]

SECOND = timedelta(seconds=1)


@pytest.fixture
def installed(migrated: Migrated) -> Migrated:
    migrated.install(plant("acme").plant(), plant("bolt").plant())
    send(migrated, plant("acme"))
    send(migrated, plant("bolt"), power_kw=7.0)
    return migrated


@pytest.fixture
def passwords(installed: Migrated, own_mosquitto_server: MosquittoServer) -> dict[str, str]:
    """Start a broker with the access list as we make it."""
    known: dict[str, str] = {}
    users = installed.run("nengtan_admin", admin.gateway_users)
    own_mosquitto_server.start()
    own_mosquitto_server.set_users(admin.broker_access(users, known))
    return known


@asynccontextmanager
async def hearing(
    broker: MosquittoServer, passwords: dict[str, str], user: str, topic: str
) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(
        "127.0.0.1", broker.port, username=user, password=passwords[user]
    ) as client:
        await client.subscribe(topic, qos=0)
        yield client


async def heard(client: aiomqtt.Client, *, quiet_s: float = 0.7) -> dict[str, dict[str, Any]]:
    """Return what arrives until it is quiet, by topic."""
    found: dict[str, dict[str, Any]] = {}
    messages = aiter(client.messages)
    while True:
        try:
            message = await asyncio.wait_for(anext(messages), quiet_s)
        except TimeoutError:
            return found
        assert isinstance(message.payload, bytes)
        found[str(message.topic)] = {**json.loads(message.payload), "retained": message.retain}


@asynccontextmanager
async def centre(
    installed: Migrated, broker: MosquittoServer, passwords: dict[str, str], clock: list[datetime]
) -> AsyncIterator[tuple[LiveTick, ValuesOut]]:
    worker = await Database.open(installed.role_url("nengtan_worker"))
    ingest = await Database.open(installed.role_url("nengtan_ingest"))
    address = Broker(
        host="127.0.0.1",
        port=broker.port,
        client_id="centre",
        username=admin.CENTRE_USERNAME,
        password=passwords[admin.CENTRE_USERNAME],
    )
    try:
        async with receiver(address, ["nengtan/v1/+/+/+/telemetry"]) as session:
            async with asyncio.timeout(20):
                while not session.connected:  # noqa: ASYNC110 - it has no event for others
                    await asyncio.sleep(0.02)
            yield (
                LiveTick(worker, SiteModels()),
                ValuesOut(ingest, session, now=lambda: clock[-1]),
            )
    finally:
        await worker.close()
        await ingest.close()


async def test_are_retained_with_unit_and_grade_for_the_tenant_alone(
    installed: Migrated, own_mosquitto_server: MosquittoServer, passwords: dict[str, str]
) -> None:
    broker = own_mosquitto_server
    clock = [NOW]
    async with centre(installed, broker, passwords, clock) as (live, values):
        await live.tick(NOW)
        assert await values.publish_news() == 12
        async with hearing(broker, passwords, "values@acme", "nengtan/v1/+/+/value/#") as client:
            # Mosquitto takes a filter that is too wide, and delivers what the user may have.
            assert {name.split("/")[2] for name in await heard(client)} == {"acme"}
        topic = "nengtan/v1/bolt/+/value/+/+"
        async with hearing(broker, passwords, "values@acme", topic) as client:
            assert await heard(client) == {}, "another tenant's"
        topic = "nengtan/v1/acme/+/value/+/+"
        async with hearing(broker, passwords, "values@acme", topic) as client:
            found = await heard(client)
        assert found["nengtan/v1/acme/main/value/hall/power_kw"] == {
            "value": 240.0,
            "unit": "kW",
            "ts": "2025-03-10T09:20:00Z",
            "grade": "uncertain",
            "retained": True,
        }
        assert {name.rsplit("/", 1)[1] for name in found} == {
            "power_kw",
            "emission_kgco2e_per_h",
            "intensity_kgco2e_per_kwh",
            "energy_kwh",
            "coal_equivalent_tce",
            "emission_tco2e",
        }


async def test_are_published_on_change_and_said_again_after_a_minute(
    installed: Migrated, own_mosquitto_server: MosquittoServer, passwords: dict[str, str]
) -> None:
    clock = [NOW]
    async with centre(installed, own_mosquitto_server, passwords, clock) as (live, values):
        await live.tick(NOW)
        assert await values.publish_news() == 12
        assert await values.publish_news() == 0, "nothing new in the log"
        await live.tick(NOW + SECOND)
        assert await values.publish_news() == 0, "nothing changed"
        clock.append(NOW + 61 * SECOND)
        await live.tick(NOW + 2 * SECOND)
        assert await values.publish_news() == 12
        # Silent for hours: what was known is not known any more, and that is said.
        await live.tick(NOW + timedelta(hours=3))
        assert await values.publish_news() > 0
        topic = "nengtan/v1/acme/main/value/hall/power_kw"
        async with hearing(own_mosquitto_server, passwords, "values@acme", topic) as client:
            found = await heard(client)
        assert found[topic]["value"] is None
        assert found[topic]["grade"] == "bad"


async def test_cannot_be_forged_by_a_gateway_or_a_reader(
    installed: Migrated, own_mosquitto_server: MosquittoServer, passwords: dict[str, str]
) -> None:
    topic = "nengtan/v1/acme/main/value/hall/power_kw"
    async with hearing(own_mosquitto_server, passwords, "values@acme", topic) as client:
        for user in ("acme.main.gw", "bolt.main.gw", "values@acme"):
            async with aiomqtt.Client(
                "127.0.0.1",
                own_mosquitto_server.port,
                username=user,
                password=passwords[user],
            ) as forger:
                await forger.publish(topic, b'{"value": 1}', qos=0, retain=True)
        assert await heard(client) == {}
    assert installed.rows("select count(*) from event where kind = 'live'") == [(0,)]
