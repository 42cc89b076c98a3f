"""Alert policy, secrets and silences over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services import clock
from tests.alert_centre import channel, policy
from tests.api.installation import Installation

SOON = timedelta(hours=2)


@pytest.fixture(autouse=True)
def empty(installation: Installation) -> None:
    tables = "alert_delivery, alert_document, alert_secret, alert_silence"
    installation.execute(f"truncate {tables} cascade")


def document(**more: Any) -> dict[str, Any]:
    return policy(channel("hook", **{"url": "https://hook.example.com/x", **more}))


class TestPolicy:
    async def test_is_nobody_at_first(self, client: httpx.AsyncClient) -> None:
        answer = (await client.get("/alert-policy")).json()
        assert answer["revision"] is None
        assert (answer["channels"], answer["secrets"], answer["on_duty"]) == ([], [], [])

    async def test_is_stated_read_and_stated_anew(self, client: httpx.AsyncClient) -> None:
        first = await client.put("/alert-policy", json=document())
        assert (first.json()["revision"], first.json()["changed"]) == (1, True)
        again = await client.put("/alert-policy", json=document())
        assert (again.json()["revision"], again.json()["changed"]) == (1, False)
        second = await client.put("/alert-policy", json=document(alerts_per_minute=5))
        assert second.json()["revision"] == 2
        answer = (await client.get("/alert-policy")).json()
        assert answer["document"]["channels"][0]["alerts_per_minute"] == 5
        assert answer["stated_by"]

    async def test_is_not_replaced_unseen_when_two_change_it(
        self, client: httpx.AsyncClient
    ) -> None:
        async def put(revision: object, alerts_per_minute: int) -> httpx.Response:
            body = document(alerts_per_minute=alerts_per_minute)
            return await client.put(
                "/alert-policy", json=body, headers={"If-Match": f'"{revision}"'}
            )

        assert (await put(0, 3)).json()["revision"] == 1
        assert (await put(1, 4)).json()["revision"] == 2
        overtaken = await put(1, 5)
        assert (overtaken.status_code, overtaken.json()["code"]) == (412, "changed_meanwhile")
        # The answer to it was lost, and it is sent again: it holds already.
        assert (await put(1, 4)).json()["changed"] is False
        assert (await put("abc", 5)).status_code == 422
        answer = (await client.get("/alert-policy")).json()
        assert answer["document"]["channels"][0]["alerts_per_minute"] == 4

    @pytest.mark.parametrize("verb", ["PUT /alert-policy", "POST /alert-policy/check"])
    async def test_is_refused_with_every_fault(self, client: httpx.AsyncClient, verb: str) -> None:
        method, path = verb.split()
        bad = {**document(url="http://127.0.0.1:5432"), "time_zone": "Mars"}
        response = await client.request(method, path, json=bad)
        assert response.status_code == 422
        assert response.json()["code"] == "alert_policy_invalid"
        assert {(fault["code"], fault["pointer"]) for fault in response.json()["errors"]} == {
            ("url_refused", "channels[0].url"),
            ("unknown_zone", "time_zone"),
        }
        assert (await client.get("/alert-policy")).json()["revision"] is None

    async def test_warns_of_a_secret_that_is_not_there(self, client: httpx.AsyncClient) -> None:
        checked = await client.post("/alert-policy/check", json=document(secret="hook"))
        assert [one["code"] for one in checked.json()["warnings"]] == ["secret_unknown"]
        stored = await client.put("/alert-policy/secrets/hook", json={"secret": "whsec_abcdefgh"})
        assert stored.status_code == 200
        checked = await client.post("/alert-policy/check", json=document(secret="hook"))
        assert checked.json()["warnings"] == []

    async def test_says_who_is_on_duty(self, client: httpx.AsyncClient) -> None:
        name = {"zh": "名称", "en": "Name"}
        hours = [{"from": "00:00", "to": "24:00"}]
        shift = {"code": "all", "name": name, "hours": hours, "channels": ["hook"]}
        await client.put("/alert-policy", json={**document(), "shifts": [shift]})
        answer = (await client.get("/alert-policy")).json()
        assert [one["shift"] for one in answer["on_duty"]] == ["all"]

    async def test_is_of_the_tenant_alone(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient, installation: Installation
    ) -> None:
        await client.put("/alert-policy", json=document())
        answer = await stranger.get("/alert-policy", headers=installation.b.headers)
        assert answer.json()["document"] is None

    async def test_tests_a_channel(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        assert (await client.post("/alert-policy/channels/hook/test")).status_code == 404
        await client.put("/alert-policy", json=document())
        assert (await client.post("/alert-policy/channels/hook/test")).status_code == 202
        assert (await client.post("/alert-policy/channels/none/test")).status_code == 404
        [(kind, code)] = installation.rows("select kind, channel from alert_delivery")
        assert (kind, code) == ("test", "hook")
        [state] = (await client.get("/alert-policy")).json()["channels"]
        assert (state["channel"], state["open_count"]) == ("hook", 1)


class TestSecrets:
    async def test_are_stored_replaced_and_never_shown(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        for secret in ("first-secret", "second-secret"):
            await client.put("/alert-policy/secrets/hook", json={"secret": secret})
        answer = await client.get("/alert-policy")
        assert [one["code"] for one in answer.json()["secrets"]] == ["hook"]
        assert "second-secret" not in answer.text
        assert installation.rows("select secret from alert_secret") == [("second-secret",)]
        recorded = installation.rows(
            "select before, after from change_record where object_kind = 'alert_secret'"
        )
        assert len(recorded) >= 2
        assert "secret" not in str(recorded)
        assert (await client.delete("/alert-policy/secrets/hook")).status_code == 200
        assert (await client.delete("/alert-policy/secrets/hook")).status_code == 404

    @pytest.mark.parametrize("secret", ["short", "two  blanks in it", "line\nbreak", "x" * 501])
    async def test_that_are_none_are_refused(self, client: httpx.AsyncClient, secret: str) -> None:
        response = await client.put("/alert-policy/secrets/hook", json={"secret": secret})
        assert response.status_code == 422


def silence(**more: Any) -> dict[str, Any]:
    return {
        "matchers": [{"name": "node", "value": "hall|yard", "isRegex": True}],
        "end": (clock.now() + SOON).isoformat(),
        "comment": "检修 works",
        **more,
    }


class TestSilences:
    async def test_begin_are_listed_and_end(self, client: httpx.AsyncClient) -> None:
        made = await client.post("/alert-silences", json=silence())
        assert made.status_code == 201
        assert made.json()["state"] == "active"
        assert made.json()["matchers"] == [
            {"name": "node", "value": "hall|yard", "isRegex": True, "isEqual": True}
        ]
        number = made.json()["id"]
        listed = (await client.get("/alert-silences")).json()["silences"]
        assert [one["id"] for one in listed] == [number]
        ended = await client.delete(f"/alert-silences/{number}")
        assert ended.json()["state"] == "expired"
        assert ended.json()["expired_by"] == made.json()["created_by"]
        assert (await client.get("/alert-silences")).json()["silences"] == []
        past = {"ended_after": "2020-01-01T00:00:00Z"}
        listed = (await client.get("/alert-silences", params=past)).json()["silences"]
        assert [one["id"] for one in listed] == [number]
        assert (await client.delete(f"/alert-silences/{number}")).status_code == 200

    async def test_may_begin_later(self, client: httpx.AsyncClient) -> None:
        later = {"start": (clock.now() + timedelta(hours=1)).isoformat()}
        made = await client.post("/alert-silences", json=silence(**later))
        assert made.json()["state"] == "pending"

    @pytest.mark.parametrize(
        ("more", "pointer"),
        [
            ({"matchers": [{"name": "node", "value": ".*", "isRegex": True}]}, "matchers"),
            ({"matchers": [{"name": "a", "value": "x", "isEqual": False}]}, "matchers"),
            ({"matchers": []}, "matchers"),
            ({"matchers": [{"name": "a", "value": "(a+)+", "isRegex": True}]}, "matchers/0"),
            ({"end": "2020-01-01T00:00:00Z"}, "end"),
            ({"end": datetime(2100, 1, 1, tzinfo=UTC).isoformat()}, "end"),
            ({"comment": " "}, "comment"),
        ],
    )
    async def test_that_cannot_be_meant_are_refused(
        self, client: httpx.AsyncClient, more: dict[str, Any], pointer: str
    ) -> None:
        response = await client.post("/alert-silences", json=silence(**more))
        assert response.status_code == 422, response.text
        assert response.json()["pointer"] == pointer

    async def test_are_of_the_tenant_alone(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient, installation: Installation
    ) -> None:
        number = (await client.post("/alert-silences", json=silence())).json()["id"]
        stranger.headers.update(installation.b.headers)
        assert (await stranger.get("/alert-silences")).json()["silences"] == []
        assert (await stranger.delete(f"/alert-silences/{number}")).status_code == 404
