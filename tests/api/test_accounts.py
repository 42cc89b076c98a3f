import csv
import io

import httpx
import pytest

from tests.api.installation import PASSWORD, Installation


def wanted(login: str, **fields: object) -> dict[str, object]:
    return {
        "login": login,
        "display_name": "Someone",
        "password": PASSWORD,
        "roles": ["viewer"],
        **fields,
    }


class TestAccounts:
    async def test_are_made_changed_and_recorded(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/accounts", json=wanted("ann"))).status_code == 201
        assert (await client.post("/accounts", json=wanted("ann"))).status_code == 409
        response = await client.patch("/accounts/ann", json={"roles": ["operator"]})
        assert response.json()["roles"] == ["operator"]
        changes = (await client.get("/changes", params={"object_kind": "account"})).json()
        change = changes["changes"][0]
        assert change["action"] == "account.change"
        assert change["before"]["roles"] == ["viewer"]
        assert change["after"]["roles"] == ["operator"]
        assert change["actor"] == "key tenant_admin quokka@acme"

    async def test_lose_their_sessions_when_switched_off(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        await client.post("/accounts", json=wanted("bob"))
        credentials = {"login": "bob@acme", "password": PASSWORD}
        token = (await stranger.post("/session", json=credentials)).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert (await stranger.get("/sites", headers=headers)).status_code == 200
        await client.patch("/accounts/bob", json={"active": False})
        assert (await stranger.get("/sites", headers=headers)).status_code == 401
        assert (await stranger.post("/session", json=credentials)).status_code == 401

    async def test_lose_a_permission_at_once(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        await client.post("/accounts", json=wanted("cid", roles=["verifier"]))
        credentials = {"login": "cid@acme", "password": PASSWORD}
        token = (await stranger.post("/session", json=credentials)).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert (await stranger.get("/changes", headers=headers)).status_code == 200
        await client.patch("/accounts/cid", json={"roles": ["viewer"]})
        assert (await stranger.get("/changes", headers=headers)).status_code == 403

    async def test_always_hold_one_administrator(self, client: httpx.AsyncClient) -> None:
        for change in ({"active": False}, {"roles": ["viewer"]}):
            response = await client.patch("/accounts/boss-quokka", json=change)
            assert response.json()["code"] == "account_invalid"

    @pytest.mark.parametrize(
        "password",
        ["short-1A", "password-PASSWORD-1", "aaaaaaaaaaaaaa", "has-Dan-in-it-9", "Tab\tulator-99"],
    )
    async def test_refuse_a_password_that_would_be_guessed(
        self, client: httpx.AsyncClient, password: str
    ) -> None:
        response = await client.post("/accounts", json=wanted("dan", password=password))
        assert response.json()["code"] == "password_unfit"


class TestApiKeys:
    async def test_work_until_they_are_revoked(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        made = (await client.post("/api-keys", json={"name": "n", "roles": ["viewer"]})).json()
        assert made["key"].startswith(made["api_key"]["prefix"])
        headers = {"X-API-Key": made["key"]}
        assert (await stranger.get("/sites", headers=headers)).status_code == 200
        revoked = (await client.delete(f"/api-keys/{made['api_key']['id']}")).json()
        assert revoked["revoked_at"] is not None
        assert (await stranger.get("/sites", headers=headers)).status_code == 401

    async def test_end_with_their_time(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient, installation: Installation
    ) -> None:
        body = {"name": "n", "roles": ["viewer"], "expires_at": "2199-01-01T00:00:00+08:00"}
        made = (await client.post("/api-keys", json=body)).json()
        headers = {"X-API-Key": made["key"]}
        assert (await stranger.get("/sites", headers=headers)).status_code == 200
        installation.execute(
            "update api_key set expires_at = now() where id = %s", made["api_key"]["id"]
        )
        assert (await stranger.get("/sites", headers=headers)).status_code == 401

    async def test_cannot_begin_in_the_past(self, client: httpx.AsyncClient) -> None:
        body = {"name": "n", "roles": ["viewer"], "expires_at": "2020-01-01T00:00:00Z"}
        assert (await client.post("/api-keys", json=body)).status_code == 422


class TestChanges:
    async def test_come_page_by_page_newest_first(self, client: httpx.AsyncClient) -> None:
        seen: list[int] = []
        url = "/changes?limit=3"
        for _ in range(100):
            response = await client.get(url)
            seen += [change["id"] for change in response.json()["changes"]]
            if response.json()["next_cursor"] is None:
                break
            url = "http://centre" + response.links["next"]["url"]
        assert len(seen) > 6
        assert seen == sorted(set(seen), reverse=True)

    async def test_come_as_csv_without_formulas(self, client: httpx.AsyncClient) -> None:
        body = {"name": "=HYPERLINK(1)", "roles": ["viewer"]}
        await client.post("/api-keys", json=body)
        response = await client.get("/changes", headers={"Accept": "text/csv"})
        assert response.content.startswith(b"\xef\xbb\xbf")
        rows = list(csv.DictReader(io.StringIO(response.text.lstrip("\ufeff"))))
        everything = (await client.get("/changes", params={"limit": 10_000})).json()["changes"]
        assert len(rows) == len(everything)
        assert not any(
            value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values()
        )
