import csv
import io
import math
from typing import Any

import httpx
import pytest

from tests.api.installation import PERIOD, Installation

DAY_KWH = 2400.0  # 24 h at 100 kW


async def ask(client: httpx.AsyncClient, path: str, **parameters: str | int) -> dict[str, Any]:
    response = await client.get(path, params={"site": "site-quokka", **PERIOD, **parameters})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def walk(
    client: httpx.AsyncClient, path: str, **parameters: str | int
) -> list[dict[str, Any]]:
    """Return the rows of every page, by following the links."""
    rows: list[dict[str, Any]] = []
    response = await client.get(path, params={"site": "site-quokka", **PERIOD, **parameters})
    while True:
        rows += response.json()["rows"]
        if "next" not in response.links:
            assert response.json()["next_cursor"] is None
            return rows
        response = await client.get("http://centre" + response.links["next"]["url"])


class TestEnergy:
    async def test_adds_up_to_the_register(self, client: httpx.AsyncClient) -> None:
        for interval, count in (("base", 96), ("hour", 24), ("day", 1)):
            answer = await ask(client, "/energy", flow="power-quokka", interval=interval)
            assert len(answer["rows"]) == count
            assert answer["total"]["amount"] == pytest.approx(DAY_KWH, rel=1e-12)
            total = math.fsum(row["amount"] for row in answer["rows"])
            assert total == pytest.approx(DAY_KWH, rel=1e-12)
            assert answer["units"]["amount"] == "kWh"

    async def test_is_one_number_for_a_day_however_it_is_asked(
        self, client: httpx.AsyncClient
    ) -> None:
        day = await ask(client, "/energy", node="plant", interval="day")
        row = {name: day["rows"][0][name] for name in day["total"] if name != "covered_share"}
        assert row == {name: day["total"][name] for name in row}
        consumption = await ask(client, "/consumption")
        assert consumption["total"] == day["total"]

    async def test_shows_what_is_missing_as_null(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/energy", flow="heat-quokka", interval="hour")
        assert all(row["amount"] is None for row in answer["rows"])
        assert answer["total"]["amount"] is None
        assert "missing" in answer["total"]["flags"]
        assert answer["total"]["grade"] == "bad"

    async def test_says_when_it_is_of_and_whom_it_waits_for(
        self, client: httpx.AsyncClient
    ) -> None:
        answer = await ask(client, "/energy", node="plant")
        assert answer["as_of"].endswith("Z")
        assert answer["complete_until"] is None
        assert answer["waiting_for"] == ["silent-quokka"]
        assert answer["time_zone"] == "Asia/Shanghai"

    async def test_answers_a_node_by_carrier_too(self, client: httpx.AsyncClient) -> None:
        answer = await ask(client, "/energy", node="plant", carrier="electricity", interval="day")
        assert answer["series"]["carrier"] == "electricity"
        assert answer["total"]["amount"] == pytest.approx(DAY_KWH)

    async def test_answers_a_virtual_meter(self, client: httpx.AsyncClient) -> None:
        parts = {
            code: await ask(client, "/energy", point=f"{code}-quokka", interval="hour")
            for code in ("P1", "P2")
        }
        answer = await ask(client, "/energy", virtual="rest-quokka", interval="hour")
        assert answer["series"] == {
            "kind": "virtual",
            "code": "rest-quokka",
            "carrier": "",
            "unit": "kWh",
            "is_root": False,
        }
        assert [row["amount"] for row in answer["rows"]] == [
            pytest.approx(one["amount"] - other["amount"])
            for one, other in zip(parts["P1"]["rows"], parts["P2"]["rows"], strict=True)
        ]

    async def test_comes_page_by_page(self, client: httpx.AsyncClient) -> None:
        whole = await ask(client, "/energy", node="plant", interval="hour", limit=10_000)
        for limit in (1, 5, 23, 24, 25):
            rows = await walk(client, "/energy", node="plant", interval="hour", limit=limit)
            assert rows == whole["rows"]

    async def test_comes_as_csv_whole_whatever_the_limit(self, client: httpx.AsyncClient) -> None:
        whole = await ask(client, "/energy", node="plant", interval="base")
        response = await client.get(
            "/energy",
            params={
                "site": "site-quokka",
                **PERIOD,
                "node": "plant",
                "interval": "base",
                "limit": 1,
            },
            headers={"Accept": "text/csv"},
        )
        rows = list(csv.DictReader(io.StringIO(response.text.lstrip("\ufeff"))))
        assert [row["start"] for row in rows] == [row["start"] for row in whole["rows"]]
        assert [float(row["energy_kwh"]) for row in rows] == [
            row["energy_kwh"] for row in whole["rows"]
        ]
        assert {row["amount"] for row in rows} == {""}
        assert response.headers["Nengtan-As-Of"].endswith("Z")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"start": "2025-03-09T16:07:00Z"}, "not_an_edge"),
            ({"start": "2025-03-09T17:00:00Z", "interval": "day"}, "not_an_edge"),
            ({"end": "2025-03-09T16:00:00Z"}, "not_an_edge"),
            ({"end": "2025-03-08T16:00:00Z"}, "not_an_edge"),
            ({"start": "1970-01-02T00:00:00Z", "interval": "base"}, "range_too_large"),
            ({"start": "0001-01-01T00:00:00Z"}, "invalid"),
            ({"start": "9999-12-31T00:00:00Z"}, "invalid"),
            ({"start": "2025-03-09T16:00:00"}, "invalid"),
            ({"start": "1741536000"}, "invalid"),
            ({"start": "yesterday"}, "invalid"),
            ({"interval": "year"}, "invalid"),
            ({"flow": "power-quokka"}, "invalid"),
            ({"node": "nowhere"}, "not_found"),
            ({"node": "grid"}, "not_found"),
            ({"carrier": "diesel"}, "not_found"),
            ({"site": "site-wombat"}, "not_found"),
        ],
    )
    async def test_refuses(
        self, client: httpx.AsyncClient, change: dict[str, str], code: str
    ) -> None:
        parameters = {"site": "site-quokka", **PERIOD, "node": "plant", **change}
        response = await client.get("/energy", params=parameters)
        assert response.status_code in {404, 422}
        assert response.json()["code"] == code, response.text

    async def test_names_the_edges_that_would_do(self, client: httpx.AsyncClient) -> None:
        parameters = {"site": "site-quokka", **PERIOD, "node": "plant", "interval": "day"}
        parameters["start"] = "2025-03-09T20:00:00Z"
        detail = (await client.get("/energy", params=parameters)).json()["detail"]
        assert "2025-03-09T16:00:00Z" in detail
        assert "2025-03-10T16:00:00Z" in detail


class TestSeries:
    async def test_are_everything_with_results(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/series", params={"site": "site-quokka", "kind": "node"})
        listed = {(row["code"], row["carrier"]) for row in response.json()["series"]}
        assert {("plant", ""), ("plant", "electricity"), ("boiler", "natural_gas")} <= listed


class TestPoints:
    async def test_show_their_last_value_and_its_age(self, client: httpx.AsyncClient) -> None:
        points = (await client.get("/points", params={"site": "site-quokka"})).json()["points"]
        assert [point["code"] for point in points] == sorted(point["code"] for point in points)
        first = points[0]
        assert first["last_value"] == DAY_KWH
        assert first["age_s"] > 0
        assert first["grade"] == "good"
        silent = next(point for point in points if point["code"] == "silent-quokka")
        assert silent["last_value"] is None
        assert silent["last_ts"] is None

    async def test_come_page_by_page(self, client: httpx.AsyncClient) -> None:
        url, seen = "/points?site=site-quokka&limit=2", []
        while True:
            response = await client.get(url)
            seen += [point["code"] for point in response.json()["points"]]
            if response.json()["next_cursor"] is None:
                break
            url = "http://centre" + response.links["next"]["url"]
        assert len(seen) == len(set(seen)) == 5

    async def test_are_found_one_by_one(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        response = await client.get("/points/P2-quokka", params={"site": installation.a.site})
        assert response.json()["point"]["unit"] == "kW"


class TestReadings:
    async def test_are_as_they_were_received(self, client: httpx.AsyncClient) -> None:
        rows = await walk(client, "/readings", point="P1-quokka", limit=7)
        assert [row["value"] for row in rows] == [100.0 * hour for hour in range(24)]
        assert rows[0]["ts"] == PERIOD["start"]

    async def test_come_as_csv(self, client: httpx.AsyncClient) -> None:
        response = await client.get(
            "/readings",
            params={"site": "site-quokka", **PERIOD, "point": "P1-quokka"},
            headers={"Accept": "text/csv, application/json;q=0.5"},
        )
        lines = response.text.lstrip("\ufeff").splitlines()
        assert lines[0] == "ts,value,grade,flags,received_at"
        assert lines[1].startswith("2025-03-09T16:00:00Z,0.0,good,,")
        assert len(lines) == 25
