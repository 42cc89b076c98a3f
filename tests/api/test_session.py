from datetime import timedelta

import httpx
import pytest

from tests.api.installation import PASSWORD, Installation

BOSS = "boss-quokka@acme"


async def sign_in(client: httpx.AsyncClient, login: str = BOSS, password: str = PASSWORD) -> str:
    response = await client.post("/session", json={"login": login, "password": password})
    assert response.status_code == 201, response.text
    token: str = response.json()["token"]
    return token


class TestSignIn:
    async def test_opens_a_session_of_twelve_hours(self, stranger: httpx.AsyncClient) -> None:
        token = await sign_in(stranger)
        me = (await stranger.get("/session", headers={"Authorization": f"Bearer {token}"})).json()
        assert me["tenant"] == "acme"
        assert me["actor"] == BOSS
        assert me["roles"] == ["tenant_admin"]
        assert token not in str(me)

    async def test_gives_a_new_token_each_time(self, stranger: httpx.AsyncClient) -> None:
        assert await sign_in(stranger) != await sign_in(stranger)

    @pytest.mark.parametrize(
        ("login", "password"),
        [
            (BOSS, "wrong"),
            (BOSS, PASSWORD + "x"),
            (BOSS, PASSWORD.ljust(500, "x")),
            (BOSS, ""),
            ("nobody@acme", PASSWORD),
            ("boss-quokka@bolt", PASSWORD),
            ("boss-quokka", PASSWORD),
            ("boss-wombat@acme", PASSWORD),
        ],
    )
    async def test_gives_one_answer_to_whatever_is_wrong(
        self, stranger: httpx.AsyncClient, login: str, password: str
    ) -> None:
        response = await stranger.post("/session", json={"login": login, "password": password})
        assert response.status_code == 401
        assert response.json()["code"] == "sign_in_refused"
        assert "wrong login or password, or the account is locked" in response.json()["detail"]
        await sign_in(stranger)  # forgets the wrong tries

    async def test_refuses_an_address_that_tires(self, stranger: httpx.AsyncClient) -> None:
        answers = [
            await stranger.post("/session", json={"login": f"n{i}@acme", "password": "x"})
            for i in range(31)
        ]
        assert [answer.status_code for answer in answers] == [401] * 30 + [429]
        assert answers[-1].headers["Retry-After"] == "60"


class TestSignOut:
    async def test_ends_the_session_at_once(self, stranger: httpx.AsyncClient) -> None:
        headers = {"Authorization": f"Bearer {await sign_in(stranger)}"}
        assert (await stranger.delete("/session", headers=headers)).status_code == 204
        assert (await stranger.get("/session", headers=headers)).status_code == 401

    async def test_leaves_a_key_alone(
        self, stranger: httpx.AsyncClient, installation: Installation
    ) -> None:
        headers = installation.a.bearing("viewer")
        assert (await stranger.delete("/session", headers=headers)).status_code == 204
        assert (await stranger.get("/session", headers=headers)).status_code == 200


class TestSession:
    async def test_ends_with_its_time(
        self, stranger: httpx.AsyncClient, installation: Installation
    ) -> None:
        headers = {"Authorization": f"Bearer {await sign_in(stranger)}"}
        installation.execute("update session set expires_at = now() - %s", timedelta(seconds=1))
        assert (await stranger.get("/session", headers=headers)).status_code == 401


class TestOwnPassword:
    async def test_changes_and_ends_every_session(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        made = await client.post(
            "/accounts",
            json={
                "login": "eve",
                "display_name": "Eve",
                "password": PASSWORD,
                "roles": ["viewer"],
            },
        )
        assert made.status_code == 201
        headers = {"Authorization": f"Bearer {await sign_in(stranger, 'eve@acme')}"}
        new = "Another-Horse-8"
        change = {"current": "wrong", "password": new}
        response = await stranger.put("/session/password", headers=headers, json=change)
        assert response.status_code == 401
        change["current"] = PASSWORD
        response = await stranger.put("/session/password", headers=headers, json=change)
        assert response.status_code == 204
        assert (await stranger.get("/session", headers=headers)).status_code == 401
        await sign_in(stranger, "eve@acme", new)

    async def test_is_nothing_that_a_key_has(self, client: httpx.AsyncClient) -> None:
        response = await client.put(
            "/session/password", json={"current": PASSWORD, "password": "Another-Horse-8"}
        )
        assert response.json()["code"] == "account_invalid"
