"""The API of Alertmanager, as Karma, Grafana and Prometheus use it."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services import clock, external_alerts
from services.store.pool import Database
from tests.alert_centre import channel, forget_alerts, policy
from tests.api.installation import Installation
from tests.migrated import Migrated


@pytest.fixture(autouse=True)
def empty(installation: Installation) -> None:
    forget_alerts(Migrated(installation.superuser_url))


@pytest.fixture
async def reader(app: FastAPI, installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that signs in as Karma does: an API key as the password of basic auth."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://centre/api/v2",
        auth=("karma", installation.a.keys["operator"]),
    ) as client:
        yield client


def alert(**labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": "HostDown", "severity": "critical", **labels},
        "annotations": {"summary": "it is down", "description_zh": "主机无响应"},
        "startsAt": (clock.now() - timedelta(minutes=1)).isoformat(),
        "generatorURL": "http://prometheus/graph",
    }


class TestAlerts:
    async def test_of_others_are_kept_shown_and_end(
        self, reader: httpx.AsyncClient, client: httpx.AsyncClient
    ) -> None:
        for _ in range(2):
            sent = await reader.post("/alerts", json=[alert(instance="a"), alert(instance="b")])
            assert sent.status_code == 200, sent.text
        shown = (await reader.get("/alerts")).json()
        assert len(shown) == 2
        one = next(one for one in shown if one["labels"]["instance"] == "a")
        assert one["labels"] == {
            "alertname": "HostDown",
            "severity": "critical",
            "instance": "a",
            "tenant": "acme",
        }
        assert one["annotations"]["summary"] == "it is down"
        assert one["status"] == {
            "state": "active",
            "silencedBy": [],
            "inhibitedBy": [],
            "mutedBy": [],
        }
        assert one["receivers"] == [{"name": "none"}]
        assert len(one["fingerprint"]) == 16
        assert one["startsAt"] < one["endsAt"]
        ours = (await client.get("/alerts")).json()["alerts"]
        assert {row["group_code"] for row in ours} == {"external"}
        over = {**alert(instance="a"), "endsAt": clock.now().isoformat()}
        await reader.post("/alerts", json=[over])
        shown = (await reader.get("/alerts")).json()
        assert [one["labels"]["instance"] for one in shown] == ["b"]
        await reader.post("/alerts", json=[alert(instance="a")])
        assert len((await reader.get("/alerts")).json()) == 2

    async def test_of_others_end_when_they_are_not_sent_again(
        self, reader: httpx.AsyncClient, installation: Installation
    ) -> None:
        await reader.post("/alerts", json=[alert()])
        database = await Database.open(installation.url("nengtan_worker"))
        try:
            assert await external_alerts.lapse(database, at=clock.now()) == 0
            later = clock.now() + timedelta(minutes=6)
            assert await external_alerts.lapse(database, at=later) == 1
            assert await external_alerts.lapse(database, at=later) == 0
        finally:
            await database.close()
        assert (await reader.get("/alerts")).json() == []
        [(by,)] = installation.rows("select resolved_by from alert_episode")
        assert by == "lapsed"
        changes = installation.rows("select payload->>'change' from event where kind = 'alert'")
        assert changes == [("fired",), ("resolved",)]

    async def test_are_queued_for_the_channels_of_the_policy(
        self, reader: httpx.AsyncClient, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        document = policy(channel("hook", url="https://hook.example.com/x"))
        assert (await client.put("/alert-policy", json=document)).status_code == 200
        await reader.post("/alerts", json=[alert(instance="a"), alert(instance="b")])
        rows = installation.rows("select kind, channel from alert_delivery order by id")
        assert rows == [("firing", "hook")] * 2
        groups = (await reader.get("/alerts/groups")).json()
        assert [group["labels"] for group in groups] == [{"alertname": "HostDown"}]
        assert groups[0]["receiver"] == {"name": "hook"}
        assert len(groups[0]["alerts"]) == 2
        assert (await reader.get("/receivers")).json() == [{"name": "hook"}]
        shown = await reader.get("/alerts", params={"receiver": "other"})
        assert shown.json() == []

    @pytest.mark.parametrize(
        ("filters", "instances"),
        [
            (['instance="a"'], ["a"]),
            (["instance=a"], ["a"]),
            (['instance=~"a|c"'], ["a", "c"]),
            (['instance!="a"', 'instance!~"b.*"'], ["c"]),
            (['nothing=""'], ["a", "b", "c"]),
        ],
    )
    async def test_are_filtered(
        self, reader: httpx.AsyncClient, filters: list[str], instances: list[str]
    ) -> None:
        await reader.post("/alerts", json=[alert(instance=name) for name in "abc"])
        shown = await reader.get("/alerts", params={"filter": filters, "unknown": "1"})
        assert sorted(one["labels"]["instance"] for one in shown.json()) == instances

    @pytest.mark.parametrize("text", ["", "instance", 'instance=~"(a+)+"', "=x"])
    async def test_filters_that_are_none_are_refused(
        self, reader: httpx.AsyncClient, text: str
    ) -> None:
        response = await reader.get("/alerts", params={"filter": text})
        assert (response.status_code, response.json()["pointer"]) == (422, "filter")

    @pytest.mark.parametrize(
        "labels", [{"severity": "info"}, {"alertname": "x", "bad-name": "1"}, {}]
    )
    async def test_that_are_none_are_refused_all_together(
        self, reader: httpx.AsyncClient, labels: dict[str, str]
    ) -> None:
        response = await reader.post("/alerts", json=[alert(), {"labels": labels}])
        assert (response.status_code, response.json()["pointer"]) == (422, "1/labels")
        assert (await reader.get("/alerts")).json() == []

    async def test_never_name_another_tenant(
        self, reader: httpx.AsyncClient, stranger: httpx.AsyncClient, installation: Installation
    ) -> None:
        await reader.post("/alerts", json=[alert(tenant="bolt")])
        [one] = (await reader.get("/alerts")).json()
        assert one["labels"]["tenant"] == "acme"
        other = await stranger.get("http://centre/api/v2/alerts", headers=installation.b.headers)
        assert other.json() == []


class TestSilences:
    async def test_are_made_changed_and_deleted_as_karma_does(
        self, reader: httpx.AsyncClient
    ) -> None:
        await reader.post("/alerts", json=[alert(instance="a"), alert(instance="b")])
        wanted = {
            "matchers": [{"name": "instance", "value": "a", "isRegex": False, "isEqual": True}],
            "startsAt": clock.now().isoformat(),
            "endsAt": (clock.now() + timedelta(hours=1)).isoformat(),
            "createdBy": "somebody",
            "comment": "works",
        }
        number = (await reader.post("/silences", json=wanted)).json()["silenceID"]
        [one] = (await reader.get("/silences")).json()
        assert (one["id"], one["status"]["state"]) == (number, "active")
        assert one["createdBy"] != "somebody"
        shown = {
            one["labels"]["instance"]: one["status"] for one in (await reader.get("/alerts")).json()
        }
        assert shown["a"]["state"] == "suppressed"
        assert shown["a"]["silencedBy"] == [number]
        assert shown["b"]["state"] == "active"
        audible = (await reader.get("/alerts", params={"silenced": "false"})).json()
        assert [one["labels"]["instance"] for one in audible] == ["b"]
        changed = await reader.post("/silences", json={**wanted, "id": number})
        second = changed.json()["silenceID"]
        assert second != number
        [one] = (await reader.get("/silences")).json()
        assert one["id"] == second
        assert (await reader.delete(f"/silence/{second}")).status_code == 200
        assert (await reader.get(f"/silence/{second}")).json()["status"]["state"] == "expired"
        assert (await reader.get("/silences")).json() == []


class TestSignIn:
    async def test_by_basic_auth_is_for_these_routes_alone(
        self, stranger: httpx.AsyncClient, installation: Installation
    ) -> None:
        key = installation.a.keys["viewer"]
        basic = {"Authorization": "Basic " + base64.b64encode(f"x:{key}".encode()).decode()}
        status = await stranger.get("http://centre/api/v2/status", headers=basic)
        assert status.json()["versionInfo"]["version"] == "0.28.1"
        assert (await stranger.get("/session", headers=basic)).status_code == 401
        posted = await stranger.post("http://centre/api/v2/alerts", headers=basic, json=[alert()])
        assert posted.status_code == 403

    @pytest.mark.parametrize("token", ["", "!", "eA==", "eDp5", "w6k="])
    async def test_with_nonsense_is_refused(self, stranger: httpx.AsyncClient, token: str) -> None:
        headers = {"Authorization": f"Basic {token}"}
        answer = await stranger.get("http://centre/api/v2/status", headers=headers)
        assert answer.status_code == 401
