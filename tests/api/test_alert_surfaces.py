"""G16 and G17 of alerts: the same wherever they are asked for, and nothing lost on the way."""

import asyncio
import csv
import io
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from python_calamine import load_workbook

from api.app import create_app
from ingest.alert_tick import AlertTick
from services.site_model import SiteModels
from services.store.pool import Database
from tests.api.installation import AT, Installation
from tests.api.test_alerts import FLOWS, HIGH, SECOND, SPAN, ask, play, put
from tests.api.test_events import Received, serving, streaming, take

pytestmark = pytest.mark.database

SEED = 20261126
# What a surface says of an alert, by the name that the API has for it; an event has its own names.
FIELDS = {
    "id": "id",
    "rule": "alertname",
    "severity": "severity",
    "site": "site",
    "labels": "labels",
    "value": "value",
    "limit_value": "limit",
    "unit": "unit",
    "active_at": "active_at",
    "fired_at": "fired_at",
    "resolved_at": "resolved_at",
}
TEXTS = ("summary_zh", "summary_en")
INSTANTS = ("active_at", "fired_at", "resolved_at", "acknowledged_at")


@pytest.fixture(autouse=True)
async def _nothing_stated(installation: Installation) -> AsyncIterator[None]:
    yield
    installation.execute(
        "truncate alert_document, alert_instance, alert_episode, alert_note, alert_delivery,"
        " alert_heartbeat"
    )


def ups_and_downs(pairs: int) -> Iterator[tuple[float, ...]]:
    """Give powers second by second: each flow now above the limit, now below."""
    draw = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    for _ in range(pairs):
        yield tuple(draw.uniform(101.0, 200.0) for _ in FLOWS)
        yield tuple(draw.uniform(0.0, 99.0) for _ in FLOWS)


def instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def of_answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an answer says of an alert, in the words in which surfaces are compared."""
    said = {name: row[name] for name in row if name != "texts"}
    said |= {name: row["texts"][name] for name in TEXTS}
    return said | {name: instant(row[name]) for name in INSTANTS}


def of_event(payload: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: payload[other] for name, other in FIELDS.items()}
    said |= {name: payload[name] for name in TEXTS}
    return said | {name: instant(payload[name]) for name in INSTANTS}


def of_line(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same of a line of a file, whose empty cells are nothing."""
    said: dict[str, Any] = {name: None if cell == "" else cell for name, cell in cells.items()}
    said["labels"] = json.loads(said["labels"])
    for name in ("id", "revision"):
        said[name] = int(said[name])
    for name in ("value", "value_worst", "limit_value"):
        said[name] = None if said[name] is None else float(said[name])
    del said["description_zh"], said["description_en"]
    return said | {name: instant(said[name]) for name in INSTANTS}


async def exported(client: httpx.AsyncClient, form: str) -> dict[int, dict[str, Any]]:
    """Return the lines of a file of alerts by their number."""
    response = await client.get("/exports/alerts", params={**SPAN, "format": form})
    assert response.status_code == 200, response.text
    if form == "csv":
        lines = [*csv.reader(io.StringIO(response.content.decode("utf-8-sig")))]
    else:
        lines = load_workbook(io.BytesIO(response.content)).get_sheet_by_index(0).to_python()
    head, *rest = lines
    assert len(rest) == int(response.headers["Nengtan-Rows"])
    found = [of_line(dict(zip(head, line, strict=True))) for line in rest]
    assert found == sorted(found, key=lambda one: (one["fired_at"], one["id"]), reverse=True)
    return {one["id"]: one for one in found}


async def paged(client: httpx.AsyncClient) -> dict[int, dict[str, Any]]:
    """Return the history as a program reads it: page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await ask(client, "/alerts/history", **SPAN, limit=50, **cursor)
        found += answer["alerts"]
        if answer["next_cursor"] is None:
            return {row["id"]: row for row in found}
        cursor = {"cursor": answer["next_cursor"]}


class TestSurfaces:
    async def test_say_the_same_of_two_hundred_alerts(
        self, client: httpx.AsyncClient, app: FastAPI, installation: Installation
    ) -> None:
        """List, history, story, event stream and files, field by field."""
        await put(client, HIGH)
        async with (
            serving(app) as base_url,
            streaming(base_url, installation.a.headers) as stream,
        ):
            await take(stream, 1)
            await play(installation, [*ups_and_downs(67), (101.0, 50.0, 150.0)])
            [(count,)] = installation.rows("select count(*) from event where kind = 'alert'")
            told = [event.data["payload"] for event in await take(stream, count)]
        fired = {one["id"]: of_event(one) for one in told if one["change"] == "fired"}
        newest = {one["id"]: of_event(one) for one in told}
        history = await paged(client)
        # As the page asks: more and more of it from the beginning, and all that fires at once.
        seen = {
            row["id"]: row
            for row in (await ask(client, "/alerts/history", **SPAN, limit=300))["alerts"]
        }
        active = {row["id"]: row for row in (await ask(client, "/alerts", limit=500))["alerts"]}
        files = [await exported(client, form) for form in ("csv", "xlsx")]
        assert len(history) >= 200
        assert history == seen
        assert all(found.keys() == history.keys() for found in (fired, newest, *files))
        assert active == {i: row for i, row in history.items() if row["resolved_at"] is None}
        assert len(active) == 2
        for number, row in history.items():
            said = of_answer(row)
            story = await ask(client, f"/alerts/{number}")
            assert story["alert"] == row
            assert story["headline"] == {
                "measure": "power_kw",
                "period": "live",
                "function": "value",
            }
            assert newest[number] == {name: said[name] for name in newest[number]}
            assert fired[number] == newest[number] | {"resolved_at": None}
            for file in files:
                assert file[number] == said

    async def test_that_are_files_hold_what_was_asked_for_of_one_tenant(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        await put(client, HIGH)
        await play(installation, [(101.0, 0.0, 0.0)])

        async def count(**asked: str) -> int:
            response = await client.get("/exports/alerts", params={**SPAN, **asked})
            assert response.status_code == 200, response.text
            return int(response.headers["Nengtan-Rows"])

        assert await count() == await count(severity="critical") == 1
        assert await count(site=installation.a.site) == 1
        assert await count(severity="info") == await count(site="elsewhere") == 0
        refused = await client.get(
            "/exports/alerts", params={"start": SPAN["end"], "end": SPAN["start"]}
        )
        assert refused.status_code == 422
        client.headers.update(installation.b.headers)
        assert await count() == 0


class TestStream:
    async def test_loses_nothing_and_repeats_nothing_over_twenty_reconnections(
        self, client: httpx.AsyncClient, database: Database, installation: Installation
    ) -> None:
        """Cut at random while alerts come and go, and the server that streams goes three times."""
        await put(client, HIGH)
        chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
        received: list[Received] = []
        enough = asyncio.Event()
        coming: asyncio.Task[None] | None = None
        last_id = first_id = ""
        for _ in range(4):
            async with serving(create_app(database=database)) as base_url:
                for _ in range(5):
                    headers = installation.a.headers
                    async with streaming(base_url, headers, last_id or None) as stream:
                        [hello] = await take(stream, 1)
                        assert hello.kind == "hello"
                        if coming is None:
                            first_id = last_id = hello.id
                            coming = asyncio.create_task(come_and_go(installation, enough))
                        assert hello.id == last_id
                        received += await take(stream, chance.randrange(8))
                    last_id = received[-1].id if received else first_id
        enough.set()
        assert coming is not None
        await coming
        kept = installation.rows(
            "select seq::text as id, payload from event where kind = 'alert' and seq > %s"
            " order by seq",
            int(first_id),
        )
        async with (
            serving(create_app(database=database)) as base_url,
            streaming(base_url, installation.a.headers, last_id) as stream,
        ):
            received += (await take(stream, 1 + len(kept) - len(received)))[1:]
        assert [(event.id, event.data["payload"]) for event in received] == kept
        assert all(event.kind == "alert" for event in received)
        changes = Counter(event.data["payload"]["change"] for event in received)
        assert changes["fired"] == changes["resolved"] >= 30


async def come_and_go(installation: Installation, enough: asyncio.Event) -> None:
    """Have alerts fire and end until there are enough."""
    database = await Database.open(installation.url("nengtan_worker"))
    [(site_id,)] = installation.rows("select id from site where tenant_id = %s", installation.a.id)
    tick = AlertTick(database, SiteModels())
    try:
        at = AT
        while not enough.is_set():
            for powers in ups_and_downs(1):
                await tell(tick, site_id, powers, at)
                at += SECOND
            await asyncio.sleep(0.02)
    finally:
        await database.close()


async def tell(tick: AlertTick, site_id: int, powers: Sequence[float], at: datetime) -> None:
    tick.on_live(site_id, {"flow": {"code": list(FLOWS), "power_kw": list(powers)}}, at)
    await tick.tick(at)
