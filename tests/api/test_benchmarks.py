"""Benchmarks of the installation's day, and the library of limits."""

from typing import Any

import httpx
import pytest

DAY = {"period": "day", "at": "2025-03-10T00:00:00Z"}


async def units(client: httpx.AsyncClient, **parameters: str) -> dict[str, Any]:
    response = await client.get("/benchmarks", params={"site": "site-quokka", **parameters})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return {unit["code"].split("-")[0]: unit for unit in answer["units"]} | {"": answer}


class TestBenchmarks:
    async def test_say_what_a_closed_day_came_to(self, client: httpx.AsyncClient) -> None:
        found = await units(client, **DAY)
        answer = found[""]
        assert (answer["start"], answer["end"]) == ("2025-03-09T16:00:00Z", "2025-03-10T16:00:00Z")
        assert not answer["is_open"]
        assert answer["passed_share"] == 1.0
        power = found["power"]
        assert power["value"] == pytest.approx(50.0)
        assert (power["energy"], power["output"]) == pytest.approx((2400.0, 48.0))
        assert power["forecast"]["value"] == pytest.approx(50.0)
        assert power["forecast"]["low"] == power["forecast"]["high"]

    async def test_agree_with_the_consumption_of_the_product(
        self, client: httpx.AsyncClient
    ) -> None:
        period = {"start": "2025-03-09T16:00:00Z", "end": "2025-03-10T16:00:00Z"}
        response = await client.get("/consumption", params={"site": "site-quokka", **period})
        product = response.json()["products"][0]
        found = await units(client, **DAY)
        assert found["steel"]["value"] == pytest.approx(product["energy"]["value"])

    async def test_have_levels_marks_and_gaps(self, client: httpx.AsyncClient) -> None:
        steel = (await units(client, **DAY))["steel"]
        marks = {mark["mark"]: mark for mark in steel["marks"]}
        assert list(marks) == ["level_1", "level_2", "level_3", "target"]
        for mark in marks.values():
            assert mark["is_met"] == (steel["value"] <= mark["value"])
            gap_tce = (steel["value"] - mark["value"]) * 48.0 / 1000.0
            assert mark["gap_tce"] == pytest.approx(gap_tce)
        met = [k + 1 for k in range(3) if marks[f"level_{k + 1}"]["is_met"]]
        assert steel["level"] == (met[0] if met else 4)
        assert steel["level_zh"]
        assert steel["level_en"]
        assert steel["aim"] == "target"
        assert steel["gap_tce"] == marks["target"]["gap_tce"]
        assert steel["limits"][0]["source"]
        assert steel["limits"][0]["use"] == "used"
        assert steel["target"]["source"]

    async def test_use_no_figure_that_nobody_compared(self, client: httpx.AsyncClient) -> None:
        steel = (await units(client, **DAY))["steel"]
        listed = {limit["code"]: limit for limit in steel["limits"]}
        assert listed["key-fields-2023.calcium-carbide.calcium-carbide"]["use"] == "not_compared"
        assert steel["list_level"] is None

    async def test_rank_by_what_could_be_saved(self, client: httpx.AsyncClient) -> None:
        found = await units(client, **DAY)
        ranks = {name: found[name]["rank"] for name in ("steel", "power")}
        assert sorted(ranks.values()) == [1, 2]
        gaps = {name: found[name]["gap_tce"] for name in ranks}
        assert min(ranks, key=lambda name: ranks[name]) == max(gaps, key=lambda name: gaps[name])

    async def test_of_an_open_period_without_data_say_why(self, client: httpx.AsyncClient) -> None:
        found = await units(client, period="month")
        assert found[""]["is_open"]
        assert found["steel"]["value"] is None
        assert found["steel"]["reason"]
        assert found["steel"]["level"] is None
        assert found["steel"]["forecast"]["value"] is None

    async def test_know_the_month_as_the_best_so_far(self, client: httpx.AsyncClient) -> None:
        found = await units(client, period="day", at="2025-03-12T00:00:00Z")
        best = found["power"]["own_best"]
        assert best["value"] == pytest.approx(50.0)
        assert best["start"] == "2025-03-09T16:00:00Z"
        closed = {period["start"]: period for period in found["power"]["history"]}
        assert closed["2025-03-09T16:00:00Z"]["value"] == pytest.approx(50.0)
        assert closed["2025-03-08T16:00:00Z"]["value"] is None

    @pytest.mark.parametrize(
        ("at", "shift", "hours"),
        [("2025-03-10T01:00:00Z", "day", 12), ("2025-03-10T15:00:00Z", "night", 12)],
    )
    async def test_are_of_shifts(
        self, client: httpx.AsyncClient, at: str, shift: str, hours: int
    ) -> None:
        found = await units(client, period="shift", at=at)
        assert found[""]["shift"] == shift
        if shift == "day":
            assert found["power"]["energy"] == pytest.approx(100.0 * hours)
            assert found["power"]["value"] == pytest.approx(50.0)
        else:
            assert found["power"]["covered_share"] == pytest.approx(4.0 / 12.0)

    async def test_are_of_a_year(self, client: httpx.AsyncClient) -> None:
        found = await units(client, period="year", at="2025-07-01T00:00:00Z")
        assert found[""]["start"] == "2024-12-31T16:00:00Z"
        assert found["power"]["energy"] == pytest.approx(2400.0)

    async def test_of_a_time_before_the_plant_are_none(self, client: httpx.AsyncClient) -> None:
        response = await client.get(
            "/benchmarks", params={"site": "site-quokka", "at": "2020-01-01T00:00:00Z"}
        )
        assert response.status_code == 404

    async def test_are_of_the_own_tenant(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/benchmarks", params={"site": "site-wombat"})
        assert response.status_code == 404


class TestLimits:
    async def test_are_found_by_any_name(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/limits", params={"text": "熟料"})
        found = {limit["code"]: limit for limit in response.json()["limits"]}
        clinker = found["gb16780-2021.clinker"]
        assert clinker["levels"] == [100.0, 107.0, 117.0]
        assert clinker["standard"] == "GB 16780-2021"
        assert clinker["valid_from"] == "2022-11-01"

    async def test_all_have_a_source(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/limits")
        found = response.json()["limits"]
        assert len(found) > 300
        assert all(limit["source"] and limit["clause"] for limit in found)
