"""G17 of alerts: who follows the event stream of an API that is killed loses nothing."""

import asyncio
import contextlib
import random
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from ingest.alert_tick import AlertTick
from services import clock
from services.site_model import SiteModels
from services.store.pool import Database
from tests import servers
from tests.api.test_events import Received, streaming
from tests.centre import WAIT_S, Centre
from tests.faults.test_random_kills import SEED
from tests.migrated import SmallPlant
from tests.servers import DatabaseServer, MosquittoServer
from tests.services.alerts import rule, state

pytestmark = [pytest.mark.database, pytest.mark.broker, pytest.mark.faults]

KILLS = 20
SECOND = timedelta(seconds=1)


async def come_and_go(centre: Centre, enough: asyncio.Event) -> None:
    """Have an alert fire and end until there are enough of them."""
    database = await Database.open(centre.role_url("nengtan_worker"))
    [(site_id,)] = centre.rows("select id from site")
    tick, at, power_kw = AlertTick(database, SiteModels()), clock.now(), 0.0
    while not enough.is_set():
        at, power_kw = at + SECOND, 150.0 - power_kw
        tick.on_live(site_id, {"flow": {"code": ["to-hall-P1"], "power_kw": [power_kw]}}, at)
        await tick.tick(at)
        await asyncio.sleep(0.05)
    await database.close()


async def ready(centre: Centre) -> None:
    """Wait until the API can do its work."""
    deadline_s = time.monotonic() + WAIT_S
    async with httpx.AsyncClient() as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                url = f"http://127.0.0.1:{centre.api_port}/api/v1/health/ready"
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            assert time.monotonic() < deadline_s, centre.log("api")[-2000:]
            await asyncio.sleep(0.05)


async def follow(centre: Centre) -> tuple[int, list[Received]]:
    """Follow the stream while the API is killed; return where that began, and what came."""
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    headers = {"Authorization": f"Bearer {centre.keys['acme']}"}
    base_url = f"http://127.0.0.1:{centre.api_port}/api/v1"
    enough = asyncio.Event()
    coming: asyncio.Task[None] | None = None
    received: list[Received] = []
    first_id = last_id = ""
    for kill in range(KILLS + 1):
        centre.start("api")
        await ready(centre)
        async with streaming(base_url, headers, last_id or None) as stream:
            hello = await anext(stream)
            assert hello.kind == "hello"
            if coming is None:
                first_id = hello.id
                coming = asyncio.create_task(come_and_go(centre, enough))
            if kill == KILLS:
                enough.set()
                await coming
                [(count,)] = centre.rows("select count(*) from event where kind = 'alert'")
                received += [await anext(stream) for _ in range(count - len(received))]
                break
            for _ in range(chance.randrange(12)):
                received.append(await anext(stream))
            killing = asyncio.create_task(asyncio.to_thread(centre.kill9, "api"))
            # What was on its way may still come.
            with contextlib.suppress(httpx.HTTPError, StopAsyncIteration):
                while True:
                    received.append(await anext(stream))
            await killing
        last_id = received[-1].id if received else first_id
    return int(first_id), received


def test_an_api_that_is_killed_twenty_times_loses_and_repeats_nothing(
    plain_server: DatabaseServer, own_mosquitto_server: MosquittoServer, tmp_path: Path
) -> None:
    own_mosquitto_server.start()
    url = servers.create_database(plain_server)
    point = {"code": "P1", "kind": "gauge", "unit": "kW"}
    plant = SmallPlant(
        valid_from=clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2),
        points=[point],
    )
    with Centre(
        database_url=url,
        broker=own_mosquitto_server,
        plants=[plant.plant()],
        folder=tmp_path / "centre",
    ) as centre:
        centre.prepare()
        state(url, rule("high", "power_kw{flow} > 100"))
        first, received = asyncio.run(follow(centre))
        kept = centre.rows(
            "select seq::text as id, payload from event where kind = 'alert' and seq > %s"
            " order by seq",
            first,
        )
    servers.drop_database(plain_server, url)
    assert [(event.id, event.data["payload"]) for event in received] == kept
    print(f"\n{KILLS} kills of the API, {len(kept)} events of alerts, each once and in order")
    assert len(kept) >= KILLS
