import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.routes import events as route
from services import live_events
from services.store import events
from services.store.pool import Database
from tests import servers
from tests.api.installation import AT, Installation, install
from tests.servers import PlainServer

WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Received:
    """One event as it came over the wire."""

    kind: str
    id: str
    data: dict[str, Any]


@pytest.fixture
async def base_url(app: FastAPI) -> AsyncIterator[str]:
    async with serving(app) as base_url:
        yield base_url


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Give a real server on a port of this machine."""
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, ws="none")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/api/v1"
    server.should_exit = True
    await task


@pytest.fixture
async def worker(installation: Installation) -> AsyncIterator[Database]:
    database = await Database.open(installation.url("nengtan_worker"))
    yield database
    await database.close()


async def add(
    worker: Database,
    tenant_id: int,
    number: int,
    *,
    kind: str = "value",
    site_id: int | None = None,
) -> None:
    async with worker.transaction() as connection:
        await events.add_event(
            connection,
            tenant_id=tenant_id,
            site_id=site_id,
            kind=kind,
            at=AT,
            payload={"number": number},
        )


@asynccontextmanager
async def streaming(
    base_url: str, headers: dict[str, str], last_event_id: str | None = None
) -> AsyncIterator[AsyncIterator[Received]]:
    """Open a stream and give its events."""
    sent = headers if last_event_id is None else {**headers, "Last-Event-ID": last_event_id}
    async with (
        httpx.AsyncClient(timeout=WAIT_S) as client,
        client.stream("GET", f"{base_url}/events", headers=sent) as response,
    ):
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield _events(response)


async def _events(response: httpx.Response) -> AsyncIterator[Received]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line.startswith(":"):
            continue
        if not line and "data" in fields:
            yield Received(
                fields.get("event", ""), fields.get("id", ""), json.loads(fields["data"])
            )
            fields = {}
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value


async def take(stream: AsyncIterator[Received], count: int) -> list[Received]:
    async with asyncio.timeout(WAIT_S):
        return [await anext(stream) for _ in range(count)]


def numbers(received: list[Received]) -> list[int]:
    return [event.data["payload"]["number"] for event in received]


class TestStream:
    async def test_brings_events_as_they_are_committed(
        self, base_url: str, worker: Database, installation: Installation
    ) -> None:
        a, b = installation.a, installation.b
        async with streaming(base_url, a.headers) as stream:
            assert (await take(stream, 1))[0].kind == "hello"
            for number in range(5):
                await add(worker, b.id, -number)
                await add(worker, a.id, number)
            received = await take(stream, 5)
        assert numbers(received) == [0, 1, 2, 3, 4]
        assert [int(event.id) for event in received] == sorted(int(e.id) for e in received)

    async def test_misses_nothing_and_repeats_nothing_after_a_cut(
        self, base_url: str, worker: Database, installation: Installation
    ) -> None:
        a = installation.a
        seen: list[int] = []
        async with streaming(base_url, a.headers) as stream:
            last_id = (await take(stream, 1))[0].id
        for cut in range(4):
            for number in range(cut * 10, cut * 10 + 10):
                await add(worker, a.id, number)
            async with streaming(base_url, a.headers, last_id) as stream:
                hello, *received = await take(stream, 6 if cut < 3 else 23)
                assert hello.kind == "hello"
                assert hello.id == last_id
                seen += numbers(received)
                last_id = received[-1].id
        assert seen == list(range(37))

    async def test_goes_on_from_its_first_event(
        self, base_url: str, worker: Database, installation: Installation
    ) -> None:
        async with streaming(base_url, installation.a.headers) as stream:
            hello = (await take(stream, 1))[0]
        await add(worker, installation.a.id, 1)
        async with streaming(base_url, installation.a.headers, hello.id) as stream:
            assert numbers((await take(stream, 2))[1:]) == [1]

    @pytest.mark.parametrize("last_event_id", ["x", "-1", "1.5", "9" * 19, "١٢", "1 or 1=1"])
    async def test_refuses_an_id_that_is_none(
        self, base_url: str, installation: Installation, last_event_id: str
    ) -> None:
        headers = [
            (b"authorization", installation.a.headers["Authorization"].encode()),
            (b"last-event-id", last_event_id.encode()),
        ]
        async with httpx.AsyncClient() as client:
            response = await client.get(f"{base_url}/events", headers=headers)
        assert response.status_code == 400
        assert response.json()["code"] == "last_event_id_invalid"

    async def test_asks_to_read_anew_where_events_may_be_missing(
        self, base_url: str, worker: Database, installation: Installation
    ) -> None:
        await add(worker, installation.b.id, 1)
        of_b = installation.rows(
            "select max(seq) from event where tenant_id = %s", installation.b.id
        )[0][0]
        for last_event_id in ("999999999", "0", str(of_b)):
            headers = installation.a.headers
            async with streaming(base_url, headers, last_event_id) as stream:
                first = (await take(stream, 1))[0]
                assert first.kind == "resync"
                await add(worker, installation.a.id, 7)
                assert numbers(await take(stream, 1)) == [7]

    async def test_ends_when_its_key_is_revoked(
        self,
        base_url: str,
        client: httpx.AsyncClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(route, "RECHECK_S", 0.2)
        made = (await client.post("/api-keys", json={"name": "live", "roles": ["viewer"]})).json()
        async with streaming(base_url, {"X-API-Key": made["key"]}) as stream:
            await take(stream, 1)
            await client.delete(f"/api-keys/{made['api_key']['id']}")
            async with asyncio.timeout(WAIT_S):
                assert [event async for event in stream] == []

    async def test_ends_when_the_process_stops(
        self, app: FastAPI, base_url: str, installation: Installation
    ) -> None:
        async with streaming(base_url, installation.a.headers) as stream:
            await take(stream, 1)
            app.state.events.close()
            async with asyncio.timeout(WAIT_S):
                assert [event async for event in stream] == []

    async def test_serves_no_more_readers_than_it_may(
        self, base_url: str, installation: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(live_events, "READERS_PER_TENANT_MAX", 1)
        async with streaming(base_url, installation.a.headers) as stream:
            await take(stream, 1)
            async with httpx.AsyncClient() as client:
                refused = await client.get(f"{base_url}/events", headers=installation.a.headers)
                assert refused.status_code == 429
            async with streaming(base_url, installation.b.headers) as other:
                await take(other, 1)

    async def test_reads_the_log_when_it_fell_behind_its_memory(
        self,
        base_url: str,
        worker: Database,
        installation: Installation,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(live_events, "MEMORY_COUNT", 3)
        async with streaming(base_url, installation.a.headers) as stream:
            await take(stream, 1)
        async with streaming(base_url, installation.a.headers) as stream:
            last_id = (await take(stream, 1))[0].id
            for number in range(20):
                await add(worker, installation.a.id, number)
            async with streaming(base_url, installation.a.headers, last_id) as late:
                assert numbers((await take(late, 21))[1:]) == list(range(20))
            assert numbers(await take(stream, 20)) == list(range(20))


def site_of(installation: Installation, tenant_id: int) -> int:
    return int(installation.rows("select id from site where tenant_id = %s", tenant_id)[0][0])


class TestCoalescing:
    async def test_sends_few_bursts_a_second_and_of_live_events_the_newest(
        self, base_url: str, worker: Database, installation: Installation
    ) -> None:
        a = installation.a
        site_id = site_of(installation, a.id)
        async with streaming(base_url, a.headers) as stream:
            await take(stream, 1)
            received: list[Received] = []
            times: list[float] = []

            async def read() -> None:
                async for event in stream:
                    received.append(event)
                    times.append(time.monotonic())
                    if event.data["payload"]["number"] == 99:
                        return

            started = time.monotonic()
            reading = asyncio.create_task(read())
            for number in range(60):
                await add(worker, a.id, number, kind="live", site_id=site_id)
                if number % 10 == 0:
                    await add(worker, a.id, number)
                await asyncio.sleep(0.02)
            await add(worker, a.id, 99)
            await asyncio.wait_for(reading, WAIT_S)
        bursts = 1 + sum(b - a > route.BURST_S / 2 for a, b in itertools.pairwise(times))
        assert bursts <= 2 + (times[-1] - started) / route.BURST_S
        others = [event for event in received if event.kind != "live"]
        assert numbers(others) == [0, 10, 20, 30, 40, 50, 99], "nothing of other kinds is lost"
        lives = [event for event in received if event.kind == "live"]
        assert len(lives) <= bursts
        assert numbers(lives)[-1] == 59
        ids = [int(event.id) for event in received]
        assert ids == sorted(ids)

    async def test_replays_the_newest_live_event_alone(
        self, base_url: str, worker: Database, installation: Installation
    ) -> None:
        a = installation.a
        site_id = site_of(installation, a.id)
        async with streaming(base_url, a.headers) as stream:
            last_id = (await take(stream, 1))[0].id
        for number in range(5):
            await add(worker, a.id, number, kind="live", site_id=site_id)
            await add(worker, a.id, 100 + number)
        async with streaming(base_url, a.headers, last_id) as stream:
            received = (await take(stream, 7))[1:]
        assert numbers(received) == [100, 101, 102, 103, 4, 104]

    async def test_asks_to_read_anew_after_a_live_event_that_was_trimmed(
        self, base_url: str, worker: Database, installation: Installation
    ) -> None:
        a = installation.a
        site_id = site_of(installation, a.id)
        async with streaming(base_url, a.headers) as stream:
            await take(stream, 1)
            await add(worker, a.id, 1, kind="live", site_id=site_id)
            last_id = (await take(stream, 1))[0].id
        async with worker.transaction() as connection:
            await events.trim_live_events(connection, at=AT + events.LIVE_KEPT + events.LIVE_KEPT)
        async with streaming(base_url, a.headers, last_id) as stream:
            assert (await take(stream, 1))[0].kind == "resync"


class TestLive:
    async def test_gives_the_newest(
        self, client: httpx.AsyncClient, worker: Database, installation: Installation
    ) -> None:
        a, b = installation.a, installation.b
        answer = (await client.get("/live", params={"site": b.site})).json()
        assert answer["code"] == "not_found"
        installation.execute("delete from event where kind = 'live'")
        answer = (await client.get("/live", params={"site": a.site})).json()
        assert answer["payload"] is None
        assert answer["at"] is None
        assert answer["time_zone"] == "Asia/Shanghai"
        for number in (1, 2):
            await add(worker, a.id, number, kind="live", site_id=site_of(installation, a.id))
        await add(worker, b.id, 3, kind="live", site_id=site_of(installation, b.id))
        answer = (await client.get("/live", params={"site": a.site})).json()
        assert answer["payload"] == {"number": 2}
        assert answer["site"] == a.site


async def is_ready(client: httpx.AsyncClient, base_url: str) -> bool:
    return (await client.get(f"{base_url}/health/ready")).status_code == 200


class TestOutage:
    async def test_ends_streams_answers_503_and_comes_back(self) -> None:
        with servers.run_folder(servers.RUNS) as folder:
            server = PlainServer(folder)
            server.start()
            installation = await install(servers.create_database(server))
            database = await Database.open(installation.url("nengtan_api"), timeout_s=2.5)
            app = create_app(database=database)
            async with serving(app) as base_url, httpx.AsyncClient(timeout=WAIT_S) as client:
                async with streaming(base_url, installation.a.headers) as stream:
                    await take(stream, 1)
                    await asyncio.to_thread(server.kill9)
                    async with asyncio.timeout(3.0):
                        assert [event async for event in stream] == []
                for path in ("health/ready", "events", "live?site=x"):
                    async with asyncio.timeout(4.0):
                        refused = await client.get(
                            f"{base_url}/{path}", headers=installation.a.headers
                        )
                    assert refused.status_code == 503
                await asyncio.to_thread(server.start)
                async with asyncio.timeout(5.0):
                    while not await is_ready(client, base_url):  # noqa: ASYNC110 - HTTP has no event
                        await asyncio.sleep(0.1)
                async with streaming(base_url, installation.a.headers) as stream:
                    await take(stream, 1)
            await database.close()
            server.stop()
