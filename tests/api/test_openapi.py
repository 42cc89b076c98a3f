import json
import math

import httpx
import pytest
from fastapi import FastAPI

from compute.quantities import quantity
from tests.api.installation import PERIOD, Installation
from tests.api.test_security import address, operations

NASTY = [
    "",
    "'",
    "\x00",
    "%00",
    "../../etc/passwd",
    "..",
    "-1",
    "1e999",
    "NaN",
    "99999999999999999999",
    "null",
    "[]",
    "{}",
    "<script>",
    "%",
    "_",
    "能" * 70,
    "x" * 5000,
    "\U0001f600",
    "2025-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "1; drop table account",
]


class TestDescription:
    def test_names_every_operation_in_both_languages(self, app: FastAPI) -> None:
        seen = set()
        for path, item in app.openapi()["paths"].items():
            for method, operation in item.items():
                place = f"{method} {path}"
                assert operation["operationId"] not in seen, place
                seen.add(operation["operationId"])
                texts = [operation["summary"], *operation["tags"], operation["description"]]
                for text in texts:
                    assert any("\u4e00" <= letter <= "\u9fff" for letter in text), place
                    assert any(letter.isascii() and letter.isalpha() for letter in text), place

    def test_says_how_to_sign_in(self, app: FastAPI) -> None:
        document = app.openapi()
        assert set(document["components"]["securitySchemes"]) == {"Bearer", "ApiKey", "Session"}
        assert document["paths"]["/api/v1/energy"]["get"]["security"]
        assert "security" not in document["paths"]["/api/v1/health/live"]["get"]

    def test_draws_units_from_the_nomenclature(self, app: FastAPI) -> None:
        schema = app.openapi()["components"]["schemas"]["EnergyRow"]["properties"]
        for name in ("energy_kwh", "coal_equal_tce", "emission_direct_tco2e"):
            assert quantity(name).description in schema[name]["description"]
            assert schema[name]["examples"]

    def test_forbids_unknown_fields(self, app: FastAPI) -> None:
        for name, schema in app.openapi()["components"]["schemas"].items():
            if schema.get("type") == "object" and "properties" in schema:
                assert schema.get("additionalProperties") is False, name

    async def test_is_open_and_holds_no_tenant(self, stranger: httpx.AsyncClient) -> None:
        text = (await stranger.get("/openapi.json")).text
        assert "quokka" not in text
        assert json.loads(text)["openapi"].startswith("3.1")


class TestNastyValues:
    async def test_never_fail_the_centre_in_a_query(
        self, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        good = {"site": "site-quokka", **PERIOD, "node": "plant", "point": "P1-quokka"}
        for method, path, name in operations(app):
            if method != "GET" or name == "stream_events":
                continue
            listed = app.openapi()["paths"][path]["get"].get("parameters", [])
            names = [one["name"] for one in listed if one["in"] == "query"]
            for spoiled in names:
                for value in NASTY:
                    query = {n: good[n] for n in names if n in good} | {spoiled: value}
                    response = await client.get(f"http://centre{address(path)}", params=query)
                    assert response.status_code < 500, (path, query, response.text)

    async def test_never_fail_the_centre_in_a_path(
        self, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        for method, path, _ in operations(app):
            if "{" not in path:
                continue
            for value in NASTY:
                before, _, rest = path.partition("{")
                url = before + httpx.URL("http://x", params={"v": value}).query.decode()[2:]
                url += rest.partition("}")[2]
                response = await client.request(
                    method, f"http://centre{url}", json=None if method == "GET" else {}
                )
                assert response.status_code < 500, (method, url, response.text)

    async def test_never_fail_the_centre_in_a_body(
        self, app: FastAPI, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        bodies = [b"", b"null", b"[]", b"1", b'"x"', b"{", b"\xff", b"NaN", b'{"a":1e999}']
        bodies += [b"[" * 100_000, b'{"reason":"\\ud800"}', b'{"login":"\\u0000"}']
        for method, path, name in operations(app):
            if method in {"GET", "DELETE"}:
                continue
            for body in bodies:
                response = await client.request(
                    method,
                    f"http://centre{address(path)}",
                    content=body,
                    headers={"Content-Type": "application/json"},
                )
                assert response.status_code < 500, (name, body[:50], response.text)
        assert installation.a.id

    @pytest.mark.parametrize("value", NASTY)
    async def test_never_fail_the_centre_in_a_field(
        self, client: httpx.AsyncClient, value: str
    ) -> None:
        for url, body in (
            ("/session", {"login": value, "password": value}),
            ("/accounts", {"login": value, "display_name": value, "password": value}),
            ("/api-keys", {"name": value, "roles": [value], "expires_at": value}),
            ("/own-factors", {"carrier": value, "parameter": value, "value": math.pi}),
            ("/data-quality/conflicts/review", {"site": value, "point": value, "ts": value}),
        ):
            response = await client.post(url, json=body)
            assert 400 <= response.status_code < 500
