"""Findings, verdicts and corrections over the API: who may, what is said, what stays."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.installation import PERIOD, START, Installation

SITE = {"site": "site-quokka"}


async def post(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], **more: Any
) -> httpx.Response:
    return await client.post(f"/data-audit/{path}", json=body, **more)


def correction(**more: Any) -> dict[str, Any]:
    ts = (START + timedelta(hours=3)).isoformat()
    return {**SITE, "point": "P2-quokka", "ts": ts, "value": 26.5, "reason": "read by hand", **more}


class TestCorrections:
    async def test_are_shown_beside_the_reading_and_in_the_provenance(
        self, client: httpx.AsyncClient
    ) -> None:
        made = await post(client, "corrections", correction())
        number = made.json()["decision_id"]
        readings = await client.get("/readings", params={**SITE, **PERIOD, "point": "P2-quokka"})
        answer = readings.json()
        [row] = [row for row in answer["rows"] if row["ts"] == answer["decisions"][0]["start"]]
        assert row["value"] == 25.0
        assert [(d["id"], d["kind"], d["value"]) for d in answer["decisions"]] == [
            (number, "correct", 26.5)
        ]
        provenance = await client.get("/provenance", params={**SITE, **PERIOD})
        assert [d["id"] for d in provenance.json()["decisions"]] == [number]
        undone = await post(client, f"decisions/{number}/undo", {"reason": "misread"})
        listed = (await client.get("/data-audit/decisions", params=SITE)).json()["decisions"]
        assert [(d["id"], d["kind"], d["undone_by"]) for d in listed] == [
            (undone.json()["decision_id"], "undo", None),
            (number, "correct", undone.json()["decision_id"]),
        ]
        again = await post(client, f"decisions/{number}/undo", {"reason": "misread"})
        assert (again.status_code, again.json()["pointer"]) == (422, "decision_id")

    @pytest.mark.parametrize(
        ("more", "status", "pointer"),
        [
            ({"point": "nobody"}, 404, "point"),
            ({"site": "site-wombat"}, 404, "site"),
            ({"ts": "2025-01-02T00:00:00Z"}, 422, "ts"),
            ({"reason": " "}, 422, None),
            ({"value": 1e300}, 422, None),
        ],
    )
    async def test_are_refused_with_place_and_remedy(
        self, client: httpx.AsyncClient, more: dict[str, Any], status: int, pointer: str | None
    ) -> None:
        response = await post(client, "corrections", correction(**more))
        assert response.status_code == status, response.text
        assert response.json().get("pointer") == pointer or pointer is None

    @pytest.mark.parametrize("role", ["viewer", "verifier", "park_operator"])
    async def test_are_not_for_those_who_only_look(
        self, client: httpx.AsyncClient, installation: Installation, role: str
    ) -> None:
        bearing = installation.a.bearing(role)
        response = await post(client, "corrections", correction(), headers=bearing)
        assert response.status_code == 403
        seen = await client.get("/data-audit/findings", params={**SITE, **PERIOD}, headers=bearing)
        assert seen.status_code == 200


class TestFindings:
    async def test_of_nothing_cannot_be_decided(self, client: httpx.AsyncClient) -> None:
        wanted = {
            **SITE,
            **PERIOD,
            "subject": "P1-quokka",
            "check": "spike",
            "verdict": "accept",
            "reason": "seen on site",
        }
        response = await post(client, "decisions", wanted)
        assert (response.status_code, response.json()["pointer"]) == (404, "finding")

    async def test_page_to_their_end(self, client: httpx.AsyncClient) -> None:
        whole = (await client.get("/data-audit/findings", params={**SITE, **PERIOD})).json()
        assert whole["findings"], "hourly readings of a register in quarters leave gaps"
        seen: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await client.get(
                "/data-audit/findings", params={**SITE, **PERIOD, "limit": 1, **cursor}
            )
            seen += page.json()["findings"]
            if page.json()["next_cursor"] is None:
                break
            cursor = {"cursor": page.json()["next_cursor"]}
        assert seen == whole["findings"]


class TestCollection:
    async def test_tells_each_point_and_meter(self, client: httpx.AsyncClient) -> None:
        answer = (await client.get("/data-audit/collection", params={**SITE, **PERIOD})).json()
        assert {row["point"] for row in answer["points"]} >= {"P1-quokka", "silent-quokka"}
        assert {row["meter"] for row in answer["meters"]} == {"M1-quokka", "M2-quokka"}
        for row in answer["points"]:
            assert 0 <= row["self_collection"] <= row["completeness"] <= 1
            assert row["is_complete"] == (row["completeness"] >= row["completeness_min"])

    async def test_lists_the_checks_by_name(self, client: httpx.AsyncClient) -> None:
        answer = (await client.get("/data-audit/checks")).json()
        assert len({check["name"] for check in answer["checks"]}) == 9
