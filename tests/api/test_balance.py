from typing import Any

import httpx
import pytest

from tests.api.installation import PERIOD

QUARTER = {"start": "2025-03-09T17:00:00Z", "end": "2025-03-09T17:15:00Z"}
HALF_DAY = {"start": "2025-03-09T16:00:00Z", "end": "2025-03-10T04:00:00Z"}


async def ask(client: httpx.AsyncClient, path: str, **parameters: str) -> dict[str, Any]:
    response = await client.get(path, params={"site": "site-quokka", **PERIOD, **parameters})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


class TestBalance:
    @pytest.mark.parametrize(
        ("period", "source", "share"),
        [(QUARTER, "interval", 1 / 96), (PERIOD, "day", 1.0), (HALF_DAY, "period", 0.5)],
    )
    async def test_says_what_is_measured_and_what_follows(
        self, client: httpx.AsyncClient, period: dict[str, str], source: str, share: float
    ) -> None:
        answer = await ask(client, "/balance", **period)
        assert answer["source"] == source
        flows = {flow["code"].split("-")[0]: flow for flow in answer["flows"]}
        assert flows["power"]["class"] == "measured_only"
        assert flows["power"]["measured_kwh"] == pytest.approx(2400.0 * share)
        assert flows["power"]["adjustment_kwh"] == 0.0
        assert flows["power"]["class_assumed"]
        assert flows["power"]["meters"] == ["M1-quokka"]
        rest = flows["rest"]
        assert (rest["class"], rest["measured_kwh"]) == ("observable", None)
        assert rest["value_kwh"] == pytest.approx(1800.0 * share)
        sigma = [flows[code]["sigma_kwh"] for code in ("power", "press")]
        assert rest["value_sigma_kwh"] == pytest.approx((sigma[0] ** 2 + sigma[1] ** 2) ** 0.5)
        assert answer["test"]["rejects"] is None

    async def test_names_what_no_balance_determines(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/balance")
        flows = {flow["code"].split("-")[0]: flow for flow in answer["flows"]}
        assert flows["heat"]["class"] == "unobservable"
        assert flows["heat"]["value_kwh"] is None
        [message] = answer["messages"]
        assert message["code"] == "unobservable"
        assert message["places"] == ["heat-quokka", "boiler:loss"]
        assert "heat-quokka" in message["text_zh"]

    async def test_splits_what_a_node_leaves_over(self, client: httpx.AsyncClient) -> None:
        nodes = {node["code"]: node for node in (await ask(client, "/balance"))["nodes"]}
        board = nodes["board"]
        over = board["metered_in_kwh"] - board["metered_out_kwh"]
        assert over == pytest.approx(1800.0)
        parts = ("transformer_loss_kwh", "line_loss_kwh", "pipe_loss_kwh", "conversion_loss_kwh")
        named = [board[part] for part in (*parts, "stock_change_kwh", "meters_kwh")]
        assert sum(named) + board["unmetered_kwh"] == pytest.approx(over)
        assert nodes["boiler"]["conversion_loss_kwh"] is None

    async def test_refuses_what_is_no_edge(self, client: httpx.AsyncClient) -> None:
        response = await client.get(
            "/balance",
            params={"site": "site-quokka", **PERIOD, "start": "2025-03-09T16:01:00Z"},
        )
        assert response.status_code == 422
        assert response.json()["code"] == "not_an_edge"


class TestHistory:
    @pytest.mark.parametrize(("interval", "count"), [("base", 96), ("day", 1)])
    async def test_has_a_row_for_each_closed_interval(
        self, client: httpx.AsyncClient, interval: str, count: int
    ) -> None:
        answer = await ask(client, "/balance/history", interval=interval)
        assert len(answer["rows"]) == count
        assert all(row["test"]["degrees_of_freedom"] == 0 for row in answer["rows"])


class TestTable:
    @pytest.mark.parametrize("basis", ["measured", "reconciled"])
    async def test_adds_up_in_every_unit(self, client: httpx.AsyncClient, basis: str) -> None:
        answer = await ask(client, "/balance-table", basis=basis)
        sums = {total["stage"]: total for total in answer["sums"]}
        for unit in ("energy_kwh", "energy_gj", "coal_equivalent_tce", "coal_equal_tce"):
            before = sum(sums[s][unit] for s in ("purchase", "conversion", "distribution"))
            left = sums["unaccounted"][unit]
            assert before == pytest.approx(sums["use"][unit] + left)
        rows = {(row["stage"], row["code"]): row for row in answer["rows"]}
        bought = rows["purchase", "power-quokka"]
        assert bought["energy_kwh"] == pytest.approx(2400.0)
        assert bought["energy_gj"] == pytest.approx(8.64)
        assert bought["coal_equivalent_tce"] == pytest.approx(0.29496)
        assert rows["use", "rest-quokka"]["energy_kwh"] == pytest.approx(1800.0)
        # What the boiler gives is not known: what it took is not accounted for.
        assert rows["conversion", "heat-quokka"]["energy_kwh"] is None
        assert sums["conversion"]["unknown_count"] == 1

    async def test_ranks_nodes_by_what_they_lose(self, client: httpx.AsyncClient) -> None:
        links = (await ask(client, "/balance-table"))["links"]
        assert {link["code"] for link in links} == {"board", "boiler"}
        assert [link["reference_efficiency"] for link in links if link["code"] == "board"] == [1.0]

    @pytest.mark.parametrize("form", ["xlsx", "csv"])
    async def test_comes_as_a_file(self, client: httpx.AsyncClient, form: str) -> None:
        response = await client.get(
            "/exports/balance-table", params={"site": "site-quokka", **PERIOD, "format": form}
        )
        assert response.status_code == 200, response.text
        assert int(response.headers["nengtan-rows"]) > 10
        assert len(response.content) > 500
