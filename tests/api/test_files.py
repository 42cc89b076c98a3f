"""Files in and out through the API."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pyarrow.parquet
import pytest
from python_calamine import load_workbook

from ingest.importing import import_due
from services.store.pool import Database
from tests.api.installation import PERIOD, Installation

SITE = {"site": "site-quokka"}
FILE = "time,P2-quokka\n2025-03-10 08:30,25.5\n2025-03-10 08:45,26\n"


@pytest.fixture
async def ingest(installation: Installation) -> AsyncIterator[None]:
    """Have an ingest look at files meanwhile."""
    database = await Database.open(installation.url("nengtan_ingest"))

    async def work() -> None:
        while True:
            if not await import_due(database):
                await asyncio.sleep(0.02)

    working = asyncio.create_task(work())
    yield
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await database.close()


async def until(client: httpx.AsyncClient, number: int, state: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            found: dict[str, Any] = (await client.get(f"/imports/{number}")).json()
            if found["state"] == state:
                return found
            await asyncio.sleep(0.02)


async def upload(
    client: httpx.AsyncClient, content: bytes | str = FILE, **more: str
) -> httpx.Response:
    return await client.post("/imports", params={**SITE, "name": "a.csv", **more}, content=content)


class TestImports:
    @pytest.mark.usefixtures("ingest")
    async def test_are_previewed_taken_and_taken_back(self, client: httpx.AsyncClient) -> None:
        response = await upload(client, name="../../报表\r\n.csv")
        assert response.status_code == 201, response.text
        preview = response.json()
        assert preview["state"] == "checked"
        assert preview["file_name"] == "报表__.csv"
        assert preview["report"]["new"] == 2
        assert preview["report"]["zone_assumed"] is True
        url = f"/imports/{preview['id']}"
        taking = {"sha256": preview["sha256"]}
        assert (await client.post(f"{url}/take", json=taking)).status_code == 200
        done = await until(client, preview["id"], "done")
        assert (done["stored"], done["duplicate"]) == (2, 0)
        again = await client.post(f"{url}/take", json=taking)
        assert (again.status_code, again.json()["code"]) == (409, "import_state")
        readings = {"point": "P2-quokka", **SITE, **PERIOD}
        rows = (await client.get("/readings", params=readings)).json()["rows"]
        assert len(rows) == 27 - 1  # the last of 25 lies at the end of the period
        assert (await client.post(f"{url}/undo", json={"reason": "wrong"})).status_code == 200
        undone = await until(client, preview["id"], "withdrawn")
        assert undone["withdrawn_count"] == 2
        rows = (await client.get("/readings", params=readings)).json()["rows"]
        assert len(rows) == 24
        listed = (await client.get("/imports", params=SITE)).json()["imports"]
        assert [one["id"] for one in listed] == [preview["id"]]

    @pytest.mark.usefixtures("ingest")
    async def test_that_cannot_be_read_say_why_in_both_languages(
        self, client: httpx.AsyncClient
    ) -> None:
        refused = (await upload(client, b"%PDF-1.7")).json()
        assert refused["state"] == "refused"
        assert "PDF" in refused["report"]["refused"]["en"]
        assert "PDF" in refused["report"]["refused"]["zh"]
        bad = (await upload(client, FILE + "x,1\n")).json()
        assert bad["report"]["errors"][0]["line"] == 4
        url = f"/imports/{bad['id']}"
        response = await client.post(f"{url}/take", json={"sha256": bad["sha256"]})
        assert (response.status_code, response.json()["pointer"]) == (409, "policy")
        assert (await client.post(f"{url}/cancel")).json()["state"] == "cancelled"

    async def test_are_only_for_who_may(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        client.headers.update(installation.a.bearing("viewer"))
        assert (await upload(client)).status_code == 403
        client.headers.update(installation.b.bearing("operator"))
        response = await upload(client)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")

    async def test_are_not_larger_than_is_taken(
        self, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.files.FILE_BYTES_MAX", 1_000)
        response = await upload(client, b"x" * 1_001)
        assert (response.status_code, response.json()["code"]) == (413, "too_large")

    @pytest.mark.parametrize("text", ["{", "[]", '{"time":{}}', '{"x":1}', "1e999"])
    async def test_with_a_map_that_is_none_are_refused(
        self, client: httpx.AsyncClient, text: str
    ) -> None:
        response = await upload(client, map=text)
        assert (response.status_code, response.json()["pointer"]) == (422, "map")

    @pytest.mark.usefixtures("ingest")
    async def test_the_filled_template_is_read_without_a_map(
        self, client: httpx.AsyncClient
    ) -> None:
        response = await client.get(
            "/imports/template", params={**SITE, "meter": "M2-quokka", "format": "csv"}
        )
        text = response.content.decode("utf-8-sig")
        assert text.startswith("时间 time [Asia/Shanghai],P2-quokka [kW],P3-quokka [Nm3],")
        assert (
            "filename*=UTF-8''site-quokka-M2-quokka.csv" in response.headers["content-disposition"]
        )
        filled = (await upload(client, text + "2025-03-10 09:10,1,2,3,4\n")).json()
        assert filled["report"]["new"] == 4
        assert filled["report"]["zone_assumed"] is False
        book = await client.get("/imports/template", params=SITE)
        rows = load_workbook(io.BytesIO(book.content)).get_sheet_by_index(0).to_python()
        assert rows[0][0] == "时间 time [Asia/Shanghai]"
        assert (await upload(client, book.content)).json()["state"] == "checked"
        missing = await client.get("/imports/template", params={**SITE, "meter": "none"})
        assert missing.status_code == 404


async def exported(
    client: httpx.AsyncClient, table: str, form: str, **more: str
) -> list[list[Any]]:
    """Return a table as rows, the head first."""
    response = await client.get(
        f"/exports/{table}", params={**SITE, **PERIOD, "format": form, **more}
    )
    assert response.status_code == 200, response.text
    if form == "csv":
        rows: list[list[Any]] = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    elif form == "xlsx":
        rows = load_workbook(io.BytesIO(response.content)).get_sheet_by_index(0).to_python()
    else:
        read = pyarrow.parquet.read_table(io.BytesIO(response.content))
        rows = [read.column_names, *(list(row.values()) for row in read.to_pylist())]
    assert int(response.headers["nengtan-rows"]) == len(rows) - 1
    return rows


class TestExports:
    @pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
    async def test_readings_carry_unit_quality_offset_and_revision(
        self, client: httpx.AsyncClient, form: str
    ) -> None:
        head, *rows = await exported(client, "readings", form, point="P1-quokka")
        assert head == [
            "time", "point", "value", "unit", "grade", "flags", "received_at", "revision",
        ]  # fmt: skip
        assert len(rows) == 24
        assert rows[1][:2] == ["2025-03-10T01:00:00+08:00", "P1-quokka"]
        assert float(rows[1][2]) == 100.0
        assert rows[1][3:5] == ["kWh", "good"]
        assert datetime.fromisoformat(rows[1][6]).tzinfo is not None
        assert int(rows[1][7]) == 0

    @pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
    async def test_results_are_those_of_the_api(self, client: httpx.AsyncClient, form: str) -> None:
        head, *rows = await exported(
            client, "results", form, interval="hour", kind="node", code="plant"
        )
        answer = await client.get(
            "/energy", params={**SITE, **PERIOD, "node": "plant", "interval": "hour"}
        )
        expected = answer.json()["rows"]
        total = [row for row in rows if not row[head.index("carrier")]]
        assert len(total) == len(expected) == 24
        column = next(place for place, name in enumerate(head) if name.startswith("energy_kwh"))
        found = [float(row[column]) for row in total]
        # xlsxwriter writes 16 digits, of the 17 that some numbers need.
        tolerance = 1e-15 if form == "xlsx" else 0.0
        assert found == pytest.approx([row["energy_kwh"] for row in expected], rel=tolerance, abs=0)
        starts = [datetime.fromisoformat(row[0]) for row in total]
        assert starts == [datetime.fromisoformat(row["start"]) for row in expected]
        assert total[0][0].endswith("+08:00")

    async def test_are_of_the_tenant_alone(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        client.headers.update(installation.b.headers)
        for table in ("readings", "results"):
            response = await client.get(f"/exports/{table}", params={**SITE, **PERIOD})
            assert response.status_code == 404
