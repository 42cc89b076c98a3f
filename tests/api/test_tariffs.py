"""Tariffs and what they make of a day: 25 kWh every quarter of an hour, bought by acme.

Worked by hand: a workday of March has 8 h valley, 8 h flat (08-10, 12-17, 22-24 is 9 h), 7 h peak.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.installation import PERIOD, Installation
from tests.services.tariffs import flat, two_part

pytestmark = pytest.mark.database

SITE = "site-quokka"
FLOW = "power-quokka"
# 100 kW over 8 h valley, 9 h flat, 7 h peak.
DAY_CNY = 800 * 0.3 + 900 * 0.65 + 700 * 1.05


@pytest.fixture(autouse=True)
async def _no_tariffs(installation: Installation) -> AsyncIterator[None]:
    yield
    installation.execute("delete from tariff_version")


async def state(
    client: httpx.AsyncClient, version: dict[str, Any], status: int = 200, **target: str
) -> dict[str, Any]:
    response = await client.put(
        f"/sites/{SITE}/tariffs", params=target or {"flow": FLOW}, json=version
    )
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def ask(client: httpx.AsyncClient, path: str, **parameters: str | int) -> dict[str, Any]:
    response = await client.get(path, params={"site": SITE, **PERIOD, **parameters})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


class TestCost:
    async def test_is_no_tariff_rather_than_zero(self, client: httpx.AsyncClient) -> None:
        for path in ("/consumption", "/energy"):
            named = {"flow": FLOW} if path == "/energy" else {}
            cost = (await ask(client, path, **named))["cost"]
            assert cost["cost_cny"] is None
            assert cost["reason"] == "no_tariff"
        rows = (await ask(client, "/energy", flow=FLOW))["rows"]
        assert {row["cost_cny"] for row in rows} == {None}
        bill = await ask(client, "/bill")
        assert (bill["reason"], bill["contracts"]) == ("no_tariff", [])

    async def test_is_priced_by_the_quarter_of_an_hour(self, client: httpx.AsyncClient) -> None:
        await state(client, two_part())
        answer = await ask(client, "/energy", flow=FLOW, interval="base")
        prices = [row["cost_cny"] / 25 for row in answer["rows"]]
        assert prices == pytest.approx(
            [0.3] * 32 + [0.65] * 8 + [1.05] * 8 + [0.65] * 20 + [1.05] * 20 + [0.65] * 8
        )
        assert answer["units"]["cost_cny"] == "CNY"
        assert answer["cost"]["cost_cny"] == pytest.approx(DAY_CNY)
        assert answer["cost"]["known_share"] == 1.0

    @pytest.mark.parametrize("interval", ["base", "hour", "day"])
    async def test_adds_up_in_every_interval(
        self, client: httpx.AsyncClient, interval: str
    ) -> None:
        await state(client, two_part())
        answer = await ask(client, "/energy", flow=FLOW, interval=interval)
        assert sum(row["cost_cny"] for row in answer["rows"]) == pytest.approx(DAY_CNY)
        paged = await ask(client, "/energy", flow=FLOW, interval=interval, limit=1)
        assert paged["rows"][0]["cost_cny"] == answer["rows"][0]["cost_cny"]
        assert paged["cost"]["cost_cny"] == answer["cost"]["cost_cny"]

    async def test_of_the_site_is_that_of_what_it_buys(self, client: httpx.AsyncClient) -> None:
        await state(client, two_part())
        answer = await ask(client, "/consumption")
        assert answer["cost"]["cost_cny"] == pytest.approx(DAY_CNY)
        assert answer["cost"]["without_tariff"] == ["fuel-quokka"]
        assert answer["cost"]["tariffs"][0]["target"] == f"flow/{FLOW}"
        assert answer["cost"]["tariffs"][0]["source"] == "contract 7"
        costs = {row["carrier"]: row["cost"] for row in answer["carriers"]}
        assert costs["electricity"]["cost_cny"] == pytest.approx(DAY_CNY)
        assert costs["natural_gas"]["reason"] == "no_tariff"
        gas = {**flat(3.5), "unit": "1e4Nm3"}
        await state(client, gas, carrier="natural_gas")
        answer = await ask(client, "/consumption")
        # 10 Nm3 an hour.
        assert answer["cost"]["cost_cny"] == pytest.approx(DAY_CNY + 240 * 3.5e-4)
        root = await ask(client, "/energy", node="plant")
        assert root["cost"]["cost_cny"] == pytest.approx(answer["cost"]["cost_cny"])

    async def test_of_what_is_inside_is_not_priced(self, client: httpx.AsyncClient) -> None:
        await state(client, two_part())
        assert (await ask(client, "/energy", node="press"))["cost"]["reason"] == "not_priced"
        inside = await ask(client, "/energy", flow="press-quokka")
        assert inside["cost"]["reason"] == "no_tariff"

    async def test_follows_a_corrected_version_and_keeps_the_old_one(
        self, client: httpx.AsyncClient
    ) -> None:
        first = await state(client, flat(0.5))
        assert (first["revision"], first["changed"]) == (1, True)
        again = await state(client, flat(0.5))
        assert (again["revision"], again["changed"]) == (1, False)
        await state(client, flat(9.0, "2025-03-11"))
        assert (await ask(client, "/consumption"))["cost"]["cost_cny"] == pytest.approx(1200.0)
        assert (await state(client, flat(0.6)))["revision"] == 2
        cost = (await ask(client, "/consumption"))["cost"]
        assert cost["cost_cny"] == pytest.approx(1440.0)
        assert [(row["valid_from"], row["revision"]) for row in cost["tariffs"]] == [
            ("2024-01-01", 2)
        ]
        listed = (await client.get(f"/sites/{SITE}/tariffs")).json()["tariffs"]
        assert [(row["valid_from"], row["revision"], row["holds"]) for row in listed] == [
            ("2024-01-01", 1, False),
            ("2024-01-01", 2, True),
            ("2025-03-11", 1, True),
        ]

    async def test_ends_where_a_version_is_withdrawn(self, client: httpx.AsyncClient) -> None:
        await state(client, flat(0.5))
        await state(client, flat(0.7, "2025-03-10"))
        wanted = {"flow": FLOW, "valid_from": "2025-03-10"}
        response = await client.delete(f"/sites/{SITE}/tariffs", params=wanted)
        assert response.status_code == 200
        assert (await ask(client, "/consumption"))["cost"]["cost_cny"] == pytest.approx(1200.0)
        response = await client.delete(f"/sites/{SITE}/tariffs", params=wanted)
        assert response.status_code == 404
        assert (await state(client, flat(0.7, "2025-03-10")))["revision"] == 3

    async def test_counts_steps_from_the_first_of_the_month(
        self, client: httpx.AsyncClient
    ) -> None:
        steps = {"per": "month", "levels": [{"above": 1000, "add": 0.1}]}
        await state(client, flat(0.5, steps=steps))
        whole = await ask(client, "/energy", flow=FLOW)
        assert whole["cost"]["cost_cny"] == pytest.approx(1200 + 140)
        # The second half of the day alone still knows what the first half used.
        half = await ask(client, "/energy", flow=FLOW, start="2025-03-10T04:00:00Z")
        assert half["cost"]["cost_cny"] == pytest.approx(600 + 120)

    async def test_is_refused_for_too_long_a_period(self, client: httpx.AsyncClient) -> None:
        await state(client, two_part())
        answer = await ask(
            client, "/consumption", start="2022-12-31T16:00:00Z", end="2025-12-31T16:00:00Z"
        )
        assert answer["cost"]["reason"] == "period_too_long"

    async def test_before_the_first_description_is_not_known(
        self, client: httpx.AsyncClient
    ) -> None:
        await state(client, two_part())
        answer = await ask(
            client, "/consumption", start="2024-11-30T16:00:00Z", end="2024-12-01T16:00:00Z"
        )
        assert answer["cost"]["reason"] == "nothing_known"

    async def test_stands_in_csv(self, client: httpx.AsyncClient) -> None:
        await state(client, flat(0.5))
        response = await client.get(
            "/energy",
            params={"site": SITE, **PERIOD, "flow": FLOW},
            headers={"Accept": "text/csv"},
        )
        head, first, *_ = response.text.lstrip("\ufeff").splitlines()
        assert dict(zip(head.split(","), first.split(","), strict=True))["cost_cny"] == "50.0"


class TestBill:
    async def test_adds_up_to_the_fen(self, client: httpx.AsyncClient) -> None:
        await state(client, two_part())
        month = (await ask(client, "/bill"))["contracts"][0]["months"][0]
        assert (month["start"], month["end"]) == ("2025-02-28T16:00:00Z", "2025-03-31T16:00:00Z")
        lines = {line["code"]: line for line in month["lines"]}
        assert lines["peak"]["quantity"] == pytest.approx(700)
        assert lines["peak"]["cny"] == 735.0
        assert lines["sharp"]["cny"] == 0.0
        assert lines["demand"]["quantity"] == pytest.approx(100)
        assert lines["demand"]["cny"] == 4050.0
        assert month["total_cny"] == pytest.approx(DAY_CNY + 4050)
        assert month["power_kw_max"] == pytest.approx(100)
        assert month["known_share"] == pytest.approx(1 / 31)
        assert not month["is_open"]

    @pytest.mark.parametrize(
        ("basic", "cny"),
        [
            ({"method": "capacity", "price": 25.5, "agreed": 315}, 8032.5),
            ({"method": "contract", "price": 40, "agreed": 120}, 4800.0),
            ({"method": "contract", "price": 40, "agreed": 80}, 40 * (80 + 2 * 16)),
        ],
    )
    async def test_charges_power_as_agreed(
        self, client: httpx.AsyncClient, basic: dict[str, Any], cny: float
    ) -> None:
        await state(client, two_part(basic=basic))
        month = (await ask(client, "/bill"))["contracts"][0]["months"][0]
        assert month["lines"][-1]["cny"] == pytest.approx(cny)

    async def test_shares_a_month_between_versions(self, client: httpx.AsyncClient) -> None:
        basic = {"method": "capacity", "price": 31, "agreed": 100}
        await state(client, flat(0.5, basic=basic))
        await state(client, flat(0.5, "2025-03-11", basic={**basic, "price": 62}))
        month = (await ask(client, "/bill"))["contracts"][0]["months"][0]
        lines = [line["cny"] for line in month["lines"] if line["kind"] == "basic"]
        assert lines == [1000.0, 4200.0]

    async def test_is_not_known_without_a_demand(self, client: httpx.AsyncClient) -> None:
        await state(client, two_part())
        month = (
            await ask(client, "/bill", start="2024-12-31T16:00:00Z", end="2025-01-31T16:00:00Z")
        )["contracts"][0]["months"][0]
        assert month["lines"][-1]["cny"] is None
        assert month["total_cny"] is None

    async def test_goes_over_the_new_year(self, client: httpx.AsyncClient) -> None:
        steps = {"per": "year", "levels": [{"above": 1000, "add": 0.1}]}
        await state(client, flat(0.5, steps=steps))
        answer = await ask(
            client, "/bill", start="2024-12-01T16:00:00Z", end="2025-03-15T16:00:00Z"
        )
        months = answer["contracts"][0]["months"]
        assert [month["start"][:7] for month in months] == [
            "2024-11",
            "2024-12",
            "2025-01",
            "2025-02",
        ]
        assert [month["total_cny"] for month in months] == [0.0, 0.0, 0.0, 1340.0]


class TestState:
    async def test_refuses_with_place_value_and_remedy(self, client: httpx.AsyncClient) -> None:
        version = two_part()
        version["days"][0]["times"][0]["to"] = "07:45"
        version["bands"][0]["prise"] = 1
        answer = await state(client, version, 422)
        assert answer["code"] == "tariff_invalid"
        assert answer["errors"][0]["pointer"] == "bands[0].prise"
        assert answer["errors"][0]["nearest"] == "price"
        del version["bands"][0]["prise"]
        error = (await state(client, version, 422))["errors"][0]
        assert error["pointer"] == "days[0].times"
        assert "07:45" in error["detail"]
        assert error["remedy_zh"]

    async def test_is_of_a_flow_of_the_site(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        await state(client, flat(1.0), 404, flow="power-wombat")
        await state(client, flat(1.0), 404, carrier="coke")
        await state(client, flat(1.0), 422, flow=FLOW, carrier="electricity")
        assert installation.rows("select 1 from tariff_version") == []

    async def test_needs_the_right_to_describe(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        client.headers.update(installation.a.bearing("viewer"))
        await state(client, flat(1.0), 403)
        client.headers.update(installation.b.headers)
        await state(client, flat(1.0), 404)
        assert installation.rows("select 1 from tariff_version") == []

    async def test_is_recorded(self, client: httpx.AsyncClient) -> None:
        await state(client, flat(0.5))
        changes = (await client.get("/changes", params={"object_kind": "tariff"})).json()
        assert f"{SITE}/flow/{FLOW}/2024-01-01" in str(changes)
