"""Alerts over the API: rules, what fires, stories, budgets, the weather; no other tenant's."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from ingest.alert_tick import AlertTick
from services.site_model import SiteModels
from services.store.pool import Database
from tests.api.installation import AT, PERIOD, Installation
from tests.services.alerts import rule

pytestmark = pytest.mark.database

SECOND = timedelta(seconds=1)
FLOWS = ("power-quokka", "fuel-quokka", "press-quokka")
HIGH = rule("high", "power_kw{flow} > 100", severity="critical")
SPAN = {"start": "2025-03-10T00:00:00Z", "end": "2025-03-12T00:00:00Z"}


@pytest.fixture(autouse=True)
async def _nothing_stated(installation: Installation) -> AsyncIterator[None]:
    yield
    installation.execute(
        "truncate alert_document, alert_instance, alert_episode, alert_note, alert_delivery,"
        " alert_heartbeat, budget"
    )


async def put(
    client: httpx.AsyncClient, *rules: dict[str, Any], status: int = 200
) -> dict[str, Any]:
    response = await client.put("/alert-rules/g", json={"name": "g", "rules": list(rules)})
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def ask(client: httpx.AsyncClient, path: str, **parameters: Any) -> dict[str, Any]:
    response = await client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def play(installation: Installation, powers: list[tuple[float, ...]]) -> None:
    """Have a worker see one row of powers a second."""
    database = await Database.open(installation.url("nengtan_worker"))
    [(site_id,)] = installation.rows("select id from site where tenant_id = %s", installation.a.id)
    tick = AlertTick(database, SiteModels())
    try:
        for second, row in enumerate(powers):
            at = AT + second * SECOND
            payload = {"flow": {"code": list(FLOWS), "power_kw": list(row)}}
            tick.on_live(site_id, payload, at)
            await tick.tick(at)
    finally:
        await database.close()


class TestRules:
    async def test_are_stated_replaced_and_withdrawn(self, client: httpx.AsyncClient) -> None:
        assert (await put(client, HIGH))["revision"] == 1
        assert (await put(client, HIGH))["changed"] is False
        assert (await put(client, HIGH, rule("low", "power_kw < 1")))["revision"] == 2
        response = await client.delete("/alert-rules/g")
        assert response.json() == {"group": "g", "revision": 3, "changed": True}
        assert (await client.delete("/alert-rules/g")).status_code == 404
        stated = (await ask(client, "/alert-rules"))["groups"]
        assert [(row["revision"], row["holds"]) for row in stated] == [
            (1, False),
            (2, False),
            (3, False),
        ]

    @pytest.mark.parametrize(
        "expr", ['power_kw > "abc"', "power_kw{flow='nowhere'} > 1", "high > 1", "power_kw > 1 t"]
    )
    async def test_that_cannot_be_are_refused_with_their_place(
        self, client: httpx.AsyncClient, expr: str
    ) -> None:
        answer = await put(client, rule("high", expr), status=422)
        assert answer["code"] == "alert_rules_invalid"
        assert answer["errors"][0]["pointer"].startswith("/rules/0/expr") or (
            "expr" in answer["errors"][0]["pointer"]
        )
        typed = await client.post("/alert-rules/check", json={"expr": expr, "alert": "high"})
        assert typed.json()["faults"]

    async def test_are_tried_on_the_past(self, client: httpx.AsyncClient) -> None:
        rules = [rule("high", "power_kw > 50"), rule("never", "power_kw > 1e9")]
        response = await client.post(
            "/alert-rules/trial", params=PERIOD, json={"name": "g", "rules": rules}
        )
        assert response.status_code == 200, response.text
        tried = {row["alert"]: row["count"] for row in response.json()["rules"]}
        assert tried == {"high": 1, "never": 0}
        assert response.json()["resolution"] == "base"

    async def test_that_would_ring_all_day_are_said(self, client: httpx.AsyncClient) -> None:
        """B115: it rings with every interval, because what it asks for begins anew each time."""
        rules = [rule("dance", "energy_kwh[day] > 0 and energy_kwh[hour] < 60")]
        response = await client.post(
            "/alert-rules/trial", params=PERIOD, json={"name": "g", "rules": rules}
        )
        [found] = response.json()["rules"]
        assert found["count"] == found["day_most"] == 24
        assert found["too_many"] is False


class TestAlerts:
    async def test_are_acknowledged_once_commented_and_assigned(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        await put(client, HIGH)
        await play(installation, [(101.0, 0.0, 0.0)])
        [alert] = (await ask(client, "/alerts"))["alerts"]
        path = f"/alerts/{alert['id']}"
        done = await client.post(f"{path}/acknowledge", json={"note": "on my way"})
        assert done.json()["acknowledged_by"] is not None
        again = await client.post(f"{path}/acknowledge", json={"note": ""})
        assert (again.status_code, again.json()["code"]) == (409, "alert_acknowledged")
        await client.post(f"{path}/comment", json={"note": "a valve"})
        await client.post(f"{path}/assign", json={"to": "boss-quokka"})
        story = await ask(client, path)
        assert [note["kind"] for note in story["notes"]] == [
            "fired",
            "acknowledged",
            "comment",
            "assigned",
        ]
        told = installation.rows(
            "select payload ->> 'change' from event where kind = 'alert' and"
            " payload ->> 'id' = %s order by seq",
            str(alert["id"]),
        )
        assert told == [("fired",), ("acknowledged",), ("commented",), ("assigned",)]

    async def test_make_the_weather(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        assert (await ask(client, "/weather"))["colour"] == "green"
        await put(client, HIGH)
        await play(installation, [(0.0, 0.0, 101.0)])
        found = await ask(client, "/weather")
        assert found["colour"] == "red"
        [site] = found["sites"]
        nodes = {row["node"]: row["colour"] for row in site["nodes"]}
        assert (nodes["press"], nodes["plant"]) == ("red", "red")
        assert nodes["boiler"] == "green"

    async def test_are_of_one_tenant(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        await put(client, HIGH)
        await play(installation, [(101.0, 0.0, 0.0)])
        [alert] = (await ask(client, "/alerts"))["alerts"]
        client.headers.update(installation.b.headers)
        assert (await ask(client, "/alerts"))["alerts"] == []
        assert (await ask(client, "/alerts/history", **SPAN))["alerts"] == []
        assert (await client.get(f"/alerts/{alert['id']}")).status_code == 404
        refused = await client.post(f"/alerts/{alert['id']}/acknowledge", json={"note": ""})
        assert refused.status_code == 404
        assert (await ask(client, "/alert-rules"))["groups"] == []


class TestBudgets:
    SITE = "/sites/site-quokka/budgets"

    async def test_are_stated_corrected_and_used(self, client: httpx.AsyncClient) -> None:
        budget = {
            "quantity": "energy_kwh",
            "period": "day",
            "start": PERIOD["start"],
            "amount": 10_000.0,
            "reason": "plan",
        }
        for amount, node in ((10_000.0, None), (9_000.0, None), (5_000.0, "plant")):
            sent = {**budget, "amount": amount, "node": node}
            assert (await client.put(self.SITE, json=sent)).status_code == 200
        at = "2025-03-10T03:00:00Z"
        whole, plant = (await ask(client, self.SITE, at=at))["budgets"]
        assert (whole["node"], whole["amount"], whole["revision"]) == ("", 9_000.0, 2)
        assert (plant["node"], plant["amount"]) == ("plant", 5_000.0)
        assert whole["used"] == plant["used"] > 2_400.0
        assert whole["forecast"] == whole["used"]
        stated = (await ask(client, f"{self.SITE}/history", **PERIOD))["budgets"]
        assert [row["holds"] for row in stated] == [False, True, True]

    async def test_begin_with_their_period(self, client: httpx.AsyncClient) -> None:
        sent = {
            "quantity": "emission_tco2e",
            "period": "month",
            "start": "2025-03-09T16:00:00Z",
            "amount": 1.0,
            "reason": "plan",
        }
        refused = await client.put(self.SITE, json=sent)
        assert (refused.status_code, refused.json()["code"]) == (422, "not_an_edge")
        assert "2025-02-28T16:00:00Z" in refused.json()["detail"]
