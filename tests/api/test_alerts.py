"""Alerts over the API: rules, what fires, stories, budgets, the weather; no other tenant's."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from ingest.alert_tick import AlertTick
from services.site_model import SiteModels
from services.store.pool import Database
from tests.api.installation import AT, PERIOD, Installation, document
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

    async def test_are_not_replaced_unseen_when_two_change_them(
        self, client: httpx.AsyncClient
    ) -> None:
        async def put_from(revision: int, *rules: dict[str, Any]) -> httpx.Response:
            body = {"name": "g", "rules": list(rules)}
            headers = {"If-Match": f"{revision}"}
            return await client.put("/alert-rules/g", json=body, headers=headers)

        low = rule("low", "power_kw < 1")
        assert (await put_from(0, HIGH)).json()["revision"] == 1
        assert (await put_from(0, low)).status_code == 412
        assert (await put_from(1, HIGH, low)).json()["revision"] == 2
        overtaken = await client.delete("/alert-rules/g", headers={"If-Match": "1"})
        assert (overtaken.status_code, overtaken.json()["code"]) == (412, "changed_meanwhile")
        assert (await client.delete("/alert-rules/g", headers={"If-Match": "2"})).status_code == 200
        # What was withdrawn has a revision too.
        assert (await put_from(2, HIGH)).status_code == 412
        assert (await put_from(3, HIGH)).json()["revision"] == 4

    @pytest.mark.parametrize(
        ("expr", "place"),
        [
            ('power_kw > "abc"', ("text_as_number", 13)),
            ('power_kw / silent_s{point="P99"} > 1 kW/s', ("unknown_code", 28)),
            ("power_kw{flow='nowhere'} > 1", None),
            ("high > 1", None),
            ("power_kw > 1 t", None),
        ],
    )
    async def test_that_cannot_be_are_refused_with_their_place(
        self, client: httpx.AsyncClient, expr: str, place: tuple[str, int] | None
    ) -> None:
        """B114: 422 when it is stated, and the same fault while it is typed; nothing is kept."""
        answer = await put(client, rule("high", expr), status=422)
        assert answer["code"] == "alert_rules_invalid"
        assert all("expr" in error["pointer"] for error in answer["errors"])
        response = await client.post("/alert-rules/check", json={"expr": expr, "alert": "high"})
        faults = response.json()["faults"]
        assert faults
        if place is not None:
            assert place in [(fault["code"], fault["position"]) for fault in faults]
        assert (await ask(client, "/alert-rules"))["groups"] == []

    @pytest.mark.parametrize(
        ("formulas", "path"),
        [
            (["[V0] + 1"], "V0 → V0"),
            (["[V1] + 1", "[V2] * 2", "[V0] - [P1-quokka]"], "V0 → V1 → V2 → V0"),
        ],
    )
    async def test_cannot_rest_on_a_meter_that_rests_on_itself(
        self, client: httpx.AsyncClient, formulas: list[str], path: str
    ) -> None:
        """B114: 422 when the plant is stated, with the path of the cycle."""
        meters = [
            {"code": f"V{n}", "name": {"zh": "虚拟", "en": "V"}, "unit": "kWh", "formula": formula}
            for n, formula in enumerate(formulas)
        ]
        plant = document("acme", "site-quokka", "quokka", virtual_meters=meters)
        refused = await client.put("/sites/site-quokka/plant", json=plant)
        assert refused.status_code == 422
        errors = [one for one in refused.json()["errors"] if one["severity"] == "error"]
        assert [one["pointer"] for one in errors] == ["virtual_meters[0].formula"]
        assert path in errors[0]["detail"]
        assert path in errors[0]["detail_zh"]

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
        """B115: 46 times a day of one object are told; those of four nobody could attend to.

        It rings in the first and the third quarter of every hour that has one before it.
        """
        so_far, whole = "energy_kwh{flow}[hour]", "previous(energy_kwh{flow}[hour])"
        dance = f"{so_far} < 0.3 * {whole} or {so_far} > 0.6 * {whole} and {so_far} < 0.8 * {whole}"
        rules = [rule("one", dance.replace("flow", 'flow="power-quokka"')), rule("all", dance)]
        response = await client.post(
            "/alert-rules/trial", params=PERIOD, json={"name": "g", "rules": rules}
        )
        found = {row["alert"]: row for row in response.json()["rules"]}
        assert found["one"]["count"] == found["one"]["day_most"] == 46
        assert found["one"]["too_many"] is False
        assert found["all"]["count"] == found["all"]["day_most"] == 4 * 46
        assert found["all"]["too_many"] is True

    async def test_say_what_was_not_tried_as_it_would_have_been(
        self, client: httpx.AsyncClient
    ) -> None:
        """What is of the last minute is the mean of a step; silence is in no result."""
        rules = [
            rule("rate", "power_kw > 50 and emission_rate_kgco2e_per_h > 0"),
            rule("sum", "energy_kwh[day] > 50"),
            rule("pace", "forecast(energy_kwh[day]) > 50"),
            rule("silent", "silent_s{point} > 60 s"),
            rule("mixed", "power_kw > 50 and ingest_running == 1"),
        ]
        response = await client.post(
            "/alert-rules/trial", params=PERIOD, json={"name": "g", "rules": rules}
        )
        assert response.status_code == 200, response.text
        assert {
            row["alert"]: (row["approximated"], row["not_tried"])
            for row in response.json()["rules"]
        } == {
            "rate": (["emission_rate_kgco2e_per_h", "power_kw"], []),
            "sum": ([], []),
            "pace": (["forecast(energy_kwh)"], []),
            "silent": ([], ["silent_s"]),
            "mixed": (["power_kw"], ["ingest_running"]),
        }


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

    async def test_of_a_demand_are_of_electricity(self, client: httpx.AsyncClient) -> None:
        """100 kW from the grid; the gas beside it has no demand."""
        sent = {
            "quantity": "demand_kw",
            "period": "month",
            "start": "2025-02-28T16:00:00Z",
            "amount": 80.0,
            "reason": "contract",
        }
        for node in (None, "press"):
            stated = await client.put(self.SITE, json={**sent, "node": node})
            assert stated.status_code == 200, stated.text
        whole, press = (await ask(client, self.SITE, at="2025-03-10T03:00:00Z"))["budgets"]
        assert (whole["used"], press["used"]) == pytest.approx((100.0, 25.0))
        assert whole["forecast"] is None

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
