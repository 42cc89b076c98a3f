from typing import Any

import httpx
import pytest

from tests.api.installation import PERIOD

HALF_DAY = {"start": "2025-03-09T16:00:00Z", "end": "2025-03-10T04:00:00Z"}


async def ask(client: httpx.AsyncClient, path: str, **parameters: str) -> dict[str, Any]:
    response = await client.get(path, params={"site": "site-quokka", **PERIOD, **parameters})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


class TestCarbonFlow:
    @pytest.mark.parametrize(("period", "share"), [(PERIOD, 1.0), (HALF_DAY, 0.5)])
    async def test_follows_the_factor_of_each_source_to_its_uses(
        self, client: httpx.AsyncClient, period: dict[str, str], share: float
    ) -> None:
        answer = await ask(client, "/carbon-flow", **period)
        assert answer["traced_count"] == answer["interval_count"] == 96 * share
        sources = {source["code"]: source for source in answer["sources"]}
        power = sources["power-quokka"]
        factor = power["location_kgco2e_per_kwh"]
        assert power["energy_kwh"] == pytest.approx(2400.0 * share)
        assert power["location_tco2e"] == pytest.approx(2400.0 * share * factor / 1000.0)
        assert power["market_tco2e"] == power["location_tco2e"]
        place = [source["code"] for source in answer["sources"]].index("power-quokka")
        ends = {end["code"]: end["energy_kwh"][place] for end in answer["ends"]}
        assert ends["rest"] == pytest.approx(1800.0 * share)
        assert ends["press"] == pytest.approx(600.0 * share)
        nodes = {node["code"]: node for node in answer["nodes"]}
        assert nodes["board"]["location_kgco2e_per_kwh"] == pytest.approx(factor)
        # What a boiler gives is not metered: what comes of its gas is not known.
        assert nodes["boiler"]["uncertain"]

    async def test_conserves_what_enters(self, client: httpx.AsyncClient) -> None:
        kept = (await ask(client, "/carbon-flow"))["conservation"]
        assert kept["entered_kwh"] > 2400.0
        assert kept["left_over_kwh"] == pytest.approx(0.0, abs=1e-9)
        assert kept["location_left_over_tco2e"] == pytest.approx(0.0, abs=1e-12)

    async def test_is_the_carbon_account_of_the_site(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/carbon-flow")
        account = await ask(client, "/carbon")
        total = sum(source["location_tco2e"] for source in answer["sources"])
        assert total == pytest.approx(account["emission_total_tco2e"])

    async def test_gives_a_product_the_emission_of_its_node(
        self, client: httpx.AsyncClient
    ) -> None:
        [product] = (await ask(client, "/carbon-flow"))["products"]
        assert product["amount"] == pytest.approx(48.0)
        assert product["location_kgco2e_per_unit"] == pytest.approx(
            product["location_tco2e"] * 1000.0 / 48.0
        )


class TestIntensities:
    async def test_has_every_closed_interval(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/carbon-flow/intensity", node="board")
        assert len(answer["starts"]) == 96
        assert list(answer["nodes"]) == ["board"]
        assert len(set(answer["nodes"]["board"])) == 1

    async def test_leaves_out_what_is_not_known(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/carbon-flow/intensity", node="boiler")
        assert answer["nodes"]["boiler"] == [None] * 96
