from typing import Any

import httpx
import pytest

from tests.api.installation import PERIOD

EMPTY = {"start": "2025-02-01T16:00:00Z", "end": "2025-02-02T16:00:00Z"}


async def ask(client: httpx.AsyncClient, path: str, **parameters: str | int) -> dict[str, Any]:
    response = await client.get(path, params={"site": "site-quokka", **PERIOD, **parameters})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


class TestConsumption:
    async def test_is_per_unit_of_product(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/consumption")
        product = answer["products"][0]
        assert product["made"]["amount"] == pytest.approx(48.0)
        tce = answer["total"]["coal_equivalent_tce"]
        assert product["energy"]["value"] == pytest.approx(tce * 1000 / 48)
        assert product["energy"]["unit"] == "kgce/t"
        assert product["electricity"] == {
            "value": pytest.approx(50.0),
            "unit": "kWh/t",
            "reason": None,
        }

    async def test_is_the_sum_of_its_carriers(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/consumption")
        parts = [row["total"]["coal_equivalent_tce"] for row in answer["carriers"]]
        assert sum(parts) == pytest.approx(answer["total"]["coal_equivalent_tce"])

    async def test_is_not_defined_where_nothing_is_known(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/consumption", **EMPTY)
        assert answer["total"]["energy_kwh"] is None
        product = answer["products"][0]
        assert product["energy"]["value"] is None
        assert product["energy"]["reason"]

    async def test_may_end_at_any_base_interval(self, client: httpx.AsyncClient) -> None:
        answer = await ask(
            client, "/consumption", start="2025-03-09T17:15:00Z", end="2025-03-10T03:45:00Z"
        )
        assert answer["carriers"][0]["total"]["amount"] == pytest.approx(1050.0)


class TestEnergyFlow:
    async def test_has_every_flow_the_way_it_went(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/energy-flow")
        links = {link["code"]: link for link in answer["links"]}
        assert links["power-quokka"]["value"] == pytest.approx(2400.0)
        assert links["power-quokka"]["role"] == "supply"
        assert links["rest-quokka"]["value"] == pytest.approx(1800.0)
        assert links["rest-quokka"]["derived"]
        assert links["heat-quokka"]["value"] is None

    async def test_balances_nodes(self, client: httpx.AsyncClient) -> None:
        nodes = {node["code"]: node for node in (await ask(client, "/energy-flow"))["nodes"]}
        board = nodes["board"]
        assert board["input_value"] == pytest.approx(board["output_value"])
        assert board["residual_value"] == pytest.approx(0.0, abs=1e-9)
        assert nodes["boiler"]["output_value"] is None
        assert nodes["plant"]["input_value"] is None

    @pytest.mark.parametrize(
        ("unit", "value"), [("kWh", 2400.0), ("GJ", 8.64), ("tce", 0.29496), ("tCO2e", 1.39848)]
    )
    async def test_comes_in_one_unit(
        self, client: httpx.AsyncClient, unit: str, value: float
    ) -> None:
        answer = await ask(client, "/energy-flow", unit=unit)
        power = next(link for link in answer["links"] if link["code"] == "power-quokka")
        assert power["value"] == pytest.approx(value)


class TestCarbon:
    async def test_is_direct_and_purchased(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/carbon")
        parts = {row["carrier"]: row["total"] for row in answer["carriers"]}
        assert parts["electricity"]["emission_direct_tco2e"] == 0.0
        assert parts["natural_gas"]["emission_purchased_tco2e"] == 0.0
        assert answer["emission_total_tco2e"] == pytest.approx(
            parts["electricity"]["emission_purchased_tco2e"]
            + parts["natural_gas"]["emission_direct_tco2e"]
        )
        assert {row["flow"] for row in answer["sources"]} == {"power-quokka", "fuel-quokka"}

    async def test_names_its_factors_and_how_they_were_found(
        self, client: httpx.AsyncClient
    ) -> None:
        factors = (await ask(client, "/carbon"))["factors"]
        power = next(f for f in factors if f["quantity"] == "emission_purchased_tco2e")
        assert power["carrier"] == "electricity"
        assert power["region"] == "320000"
        assert power["source"]
        assert power["how"]


class TestProvenance:
    async def test_leads_from_an_interval_to_its_facts(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/provenance", limit=1)
        row = answer["rows"][0]
        assert row["plant_version"] == 1
        assert len(row["input_hash"]) == 32
        assert row["factor_set_id"] in {entry["id"] for entry in answer["factor_sets"]}
        assert any("GB/T 2589" in clause for clause in answer["clauses"])
        assert answer["next_cursor"] is not None

    async def test_comes_page_by_page(self, client: httpx.AsyncClient) -> None:
        url, seen = "/provenance?site=site-quokka&limit=40", []
        url += "".join(f"&{name}={value}" for name, value in PERIOD.items())
        while True:
            response = await client.get(url)
            seen += [row["ts"] for row in response.json()["rows"]]
            if response.json()["next_cursor"] is None:
                break
            url = "http://centre" + response.links["next"]["url"]
        assert len(seen) == len(set(seen)) == 96


class TestDataQuality:
    async def test_adds_up(self, client: httpx.AsyncClient) -> None:
        answer = await ask(
            client,
            "/data-quality/received",
            start="2025-03-11T00:00:00Z",
            end="2025-03-12T00:00:00Z",
        )
        row = answer["rows"][0]
        parts = row["stored"] + row["duplicate"] + row["conflict"] + row["quarantined"]
        assert row["received"] == parts == 104
        assert row["adds_up"]

    async def test_lists_gaps(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/data-quality/gaps", params={"site": "site-quokka"})
        gap = response.json()["gaps"][0]
        assert (gap["first_seq"], gap["last_seq"]) == (5, 6)

    async def test_says_how_complete_each_point_is(self, client: httpx.AsyncClient) -> None:
        points = (await ask(client, "/data-quality/completeness"))["points"]
        share = {point["point"]: point["total"]["covered_share"] for point in points}
        assert share["P1-quokka"] == 1.0
        assert share["silent-quokka"] == 0.0

    async def test_has_conflicts_reviewed_once(self, client: httpx.AsyncClient) -> None:
        url = "/data-quality/conflicts"
        parameters = {"site": "site-quokka", "reviewed": "false"}
        conflict = (await client.get(url, params=parameters)).json()["conflicts"][0]
        assert conflict["value"] == 100.0625
        body = {"site": "site-quokka", "point": conflict["point"], "ts": conflict["ts"]}
        body["reason"] = "compared with the ledger"
        assert (await client.post(f"{url}/review", json=body)).json() == {"count": 1}
        assert (await client.post(f"{url}/review", json=body)).status_code == 404
        assert (await client.get(url, params=parameters)).json()["conflicts"] == []


class TestQuarantine:
    async def test_is_read_tried_again_and_given_up(self, client: httpx.AsyncClient) -> None:
        message = (await client.get("/quarantine")).json()["messages"][0]
        url = f"/quarantine/{message['id']}"
        payload = await client.get(f"{url}/payload")
        assert payload.content == b'{"secret":"quokka"}'
        assert payload.headers["Content-Type"] == "application/octet-stream"
        assert payload.headers["Content-Disposition"].startswith("attachment")
        body: dict[str, Any] = {"reason": "the point exists now", "items": [0]}
        assert (await client.post(f"{url}/redrive", json=body)).json() == {"count": 1}
        body = {"reason": "a test message", "items": [1]}
        assert (await client.post(f"{url}/discard", json=body)).json() == {"count": 1}
        assert (await client.post(f"{url}/discard", json=body)).json() == {"count": 0}
        items = (await client.get("/quarantine")).json()["messages"][0]["items"]
        assert [item["state"] for item in items] == ["requested", "discarded"]
        assert items[0]["resolved_by"] == "key tenant_admin quokka@acme"
        body = {"reason": "no such item", "items": [7]}
        assert (await client.post(f"{url}/redrive", json=body)).status_code == 404


class TestFactors:
    async def test_say_why_one_is_not_active(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/factors", params={"active": "false", "limit": 1})
        factor = response.json()["factors"][0]
        assert factor["inactive_reason"]
        assert factor["source"]
        assert response.json()["next_cursor"]

    async def test_are_confirmed_with_a_reason_and_recompute(
        self, client: httpx.AsyncClient
    ) -> None:
        response = await client.get("/factors", params={"active": "false"})
        factor = response.json()["factors"][0]
        url = f"/factors/{factor['id'].replace('/', '%2F')}/confirmation"
        assert (await client.post(url, json={"reason": " "})).status_code == 422
        confirmed = await client.post(url, json={"reason": "page 12 of the printed standard"})
        assert confirmed.json()["active"], confirmed.text
        assert confirmed.json()["confirmed_by"] == "key tenant_admin quokka@acme"
        changes = await client.get("/changes", params={"object_kind": "factor"})
        assert changes.json()["changes"][0]["object_code"] == factor["id"]

    async def test_of_the_tenant_are_checked(self, client: httpx.AsyncClient) -> None:
        own = {
            "carrier": "natural_gas",
            "parameter": "ncv",
            "value": 389.31,
            "unit": "GJ/1e4Nm3",
            "valid_from": "2025-01-01",
            "source": "laboratory report 7",
        }
        assert (await client.post("/own-factors", json=own)).status_code == 201
        again = await client.post("/own-factors", json=own)
        assert again.json()["code"] == "factor_invalid"
        wrong = await client.post("/own-factors", json={**own, "carrier": "natural_gass"})
        assert "natural_gas" in wrong.json()["detail"]
        assert (await client.post("/own-factors", json={**own, "value": "NaN"})).status_code == 422
        assert len((await client.get("/own-factors")).json()) == 1
