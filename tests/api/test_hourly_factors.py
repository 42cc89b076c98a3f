"""Hourly factors over the API: sent as CSV and JSON, refused with places, seen by their tenant."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.installation import Installation

pytestmark = pytest.mark.database

GIVEN = {"region": "320000", "source": "省电力公司 2025"}
DAY = "hour,tco2_per_mwh\n2025-03-10T00:00+08:00,0.5\n2025-03-10T02:00+08:00,0.7\n"


@pytest.fixture(autouse=True)
async def _none_stated(installation: Installation) -> AsyncIterator[None]:
    yield
    installation.execute("delete from hourly_factor")
    installation.execute("delete from dirty")


async def post(client: httpx.AsyncClient, content: str, **more: str) -> httpx.Response:
    return await client.post(
        "/hourly-factors",
        params={**GIVEN, **more},
        content=content.encode(),
        headers={"Content-Type": "text/csv; charset=utf-8"},
    )


async def test_are_kept_and_told(client: httpx.AsyncClient) -> None:
    answer = await post(client, DAY)
    assert answer.status_code == 200, answer.text
    stated: dict[str, Any] = answer.json()["statement"]
    assert answer.json()["changed_hour_count"] == 3
    assert (stated["hour_count"], stated["lacking_hour_count"]) == (3, 1)
    assert stated["mean_tco2_per_mwh"] == pytest.approx(0.6)
    assert (await client.get("/hourly-factors")).json() == [stated]
    found = (await client.get(f"/hourly-factors/{stated['id']}")).json()
    assert found == {**stated, "tco2_per_mwh": [0.5, None, 0.7]}
    again = await client.post(
        "/hourly-factors",
        params=GIVEN,
        json={"start": "2025-03-09T16:00:00Z", "tco2_per_mwh": [0.5, None, 0.7]},
    )
    assert again.json() == {"statement": None, "changed_hour_count": 0}


async def test_stand_by_year_of_the_site_whoever_stated_last(client: httpx.AsyncClient) -> None:
    await post(client, DAY)
    # From the last hour of 2024 by the clock of the site; takes 02:00 back.
    around = "2024-12-31T23:00+08:00,0.4\n2025-01-01T00:00+08:00,0.2\n"
    await post(client, f"hour,tco2_per_mwh\n{around}", source="CEC")
    await post(client, "hour,tco2_per_mwh\n2025-03-10T02:00+08:00,\n", source="CEC")
    answer = await client.get("/hourly-factors/years", params={"site": "site-quokka"})
    assert answer.status_code == 200, answer.text
    years = answer.json()
    assert [(y["year"], y["hour_count"], y["lacking_hour_count"]) for y in years] == [
        (2025, 8760, 8758),
        (2024, 8784, 8783),
    ]
    assert [y["mean_tco2_per_mwh"] for y in years] == [pytest.approx(0.35), pytest.approx(0.4)]
    assert [y["sources"] for y in years] == [["省电力公司 2025", "CEC"], ["CEC"]]
    assert years[0]["start"] == "2024-12-31T16:00:00Z"
    unknown = await client.get("/hourly-factors/years", params={"site": "no"})
    assert unknown.status_code == 404


async def test_are_refused_with_every_place(client: httpx.AsyncClient) -> None:
    answer = await post(client, DAY + "2025-03-10T03:00+08:00,480\n10 March,0.5\n")
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "factor_invalid"
    assert [(e["line"], e["column"], e["value"]) for e in problem["errors"]] == [
        (4, "tco2_per_mwh", "480"),
        (5, "hour", "10 March"),
    ]
    assert "1000" in problem["errors"][0]["detail"]
    assert "除以 1000" in problem["errors"][0]["detail_zh"]
    unknown = await post(client, DAY, region="CN-EASTT")
    assert (unknown.status_code, unknown.json()["pointer"]) == (422, "region")


async def test_are_of_their_tenant_and_stated_by_those_who_may(
    client: httpx.AsyncClient, installation: Installation
) -> None:
    number = (await post(client, DAY)).json()["statement"]["id"]
    client.headers.update(installation.b.headers)
    assert (await client.get("/hourly-factors")).json() == []
    assert (await client.get(f"/hourly-factors/{number}")).status_code == 404
    client.headers.update(installation.a.bearing("viewer"))
    assert (await post(client, DAY)).status_code == 403
