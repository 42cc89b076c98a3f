import json
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from api.app import ALERTMANAGER_ROUTERS, ROUTERS
from api.security import BODY_BYTES_MAX, OPEN_ROUTES, PREFIX
from services.accounts import ROLE_PERMISSIONS, Permission
from tests.api.installation import PASSWORD, Installation

WITHOUT_PERMISSION = {"get_session", "sign_out"}


def operations(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Yield method, address and operation of every route that the description lists."""
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation["operationId"]


def needed_permissions() -> dict[str, str]:
    """Return the permission that guards each operation, as the routers declare it."""
    found = {}
    for router in (*ROUTERS, *ALERTMANAGER_ROUTERS):
        for route in router.routes:
            dependencies = [*router.dependencies, *route.dependencies]  # type: ignore[attr-defined]
            names = [d.dependency.__name__ for d in dependencies]
            needs = [name.removeprefix("needs_") for name in names if name.startswith("needs_")]
            found[route.operation_id] = needs[-1] if needs else ""  # type: ignore[attr-defined]
    return found


def address(path: str) -> str:
    """Return an address with something in every gap."""
    for name in ("key_id", "quarantine_id", "fact"):
        path = path.replace(f"{{{name}}}", "1")
    return path.replace("{", "").replace("}", "").replace(":path", "")


class TestEveryRoute:
    async def test_answers_401_without_a_credential(
        self, app: FastAPI, stranger: httpx.AsyncClient
    ) -> None:
        asked = 0
        for method, path, _ in operations(app):
            if (method, path) in OPEN_ROUTES:
                continue
            for headers in ({}, {"Authorization": "Bearer nt_nonsense"}, {"X-API-Key": "ns_x"}):
                response = await stranger.request(
                    method, f"http://centre{address(path)}", headers=headers, json={}
                )
                assert response.status_code == 401, (method, path)
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
                assert response.headers["Content-Type"] == "application/problem+json"
                asked += 1
        assert asked > 90

    async def test_is_guarded_by_a_permission(self, app: FastAPI) -> None:
        needed = needed_permissions()
        listed = {
            name for method, path, name in operations(app) if (method, path) not in OPEN_ROUTES
        }
        assert listed == set(needed)
        assert {name for name, permission in needed.items() if not permission} == WITHOUT_PERMISSION

    async def test_lets_each_role_do_what_the_table_says(
        self, app: FastAPI, stranger: httpx.AsyncClient, installation: Installation
    ) -> None:
        needed = needed_permissions()
        for role, permissions in ROLE_PERMISSIONS.items():
            named = {permission.replace(".", "_") for permission in permissions}
            for method, path, name in operations(app):
                if name in WITHOUT_PERMISSION or (method, path) in OPEN_ROUTES:
                    continue
                if name == "stream_events":
                    continue  # does not end; every role may read
                response = await stranger.request(
                    method,
                    f"http://centre{address(path)}",
                    headers=installation.b.bearing(role),
                    json={},
                )
                refused = response.status_code == 403
                assert refused == (needed[name] not in named), (role, method, path, response.text)

    async def test_has_only_the_agreed_open_ones(self) -> None:
        assert {
            ("GET", f"{PREFIX}/health/live"),
            ("GET", f"{PREFIX}/health/ready"),
            ("POST", f"{PREFIX}/session"),
            ("GET", f"{PREFIX}/openapi.json"),
        } == OPEN_ROUTES


class TestGate:
    @pytest.mark.parametrize(
        "headers",
        [
            lambda key: {"Authorization": f"Bearer {key}"},
            lambda key: {"Authorization": f"bearer {key}"},
            lambda key: {"X-API-Key": key},
            lambda key: {"Cookie": f"nengtan_session={key}"},
        ],
    )
    async def test_takes_a_credential_from(
        self,
        stranger: httpx.AsyncClient,
        installation: Installation,
        headers: object,
    ) -> None:
        key = installation.a.keys["viewer"]
        response = await stranger.get("/session", headers=headers(key))  # type: ignore[operator]
        assert response.json()["tenant"] == "acme"

    @pytest.mark.parametrize(
        "headers",
        [
            {"Authorization": "Basic eDp5"},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer " + "x" * 10_000},
            {"Authorization": "Bearer nt_\udcff"},
            {"X-Tenant": "acme", "X-Forwarded-For": "127.0.0.1"},
            {"Cookie": "nengtan_session"},
            {"Cookie": "=;;nengtan_session=\x01"},
        ],
    )
    async def test_refuses(self, stranger: httpx.AsyncClient, headers: dict[str, str]) -> None:
        raw = [(k.encode(), v.encode("utf-8", "surrogateescape")) for k, v in headers.items()]
        response = await stranger.get("/session", headers=raw)
        assert response.status_code == 401

    async def test_looks_no_further_than_a_wrong_header(
        self, stranger: httpx.AsyncClient, installation: Installation
    ) -> None:
        response = await stranger.get(
            "/session",
            headers={
                "Authorization": "Bearer wrong",
                "Cookie": f"nengtan_session={installation.a.keys['viewer']}",
            },
        )
        assert response.status_code == 401

    @pytest.mark.parametrize(
        ("origin", "status"),
        [("http://centre", 201), ("http://evil.example", 403), ("null", 403), (None, 403)],
    )
    async def test_takes_changes_by_cookie_from_its_own_pages_only(
        self,
        stranger: httpx.AsyncClient,
        origin: str | None,
        status: int,
    ) -> None:
        signed_in = await stranger.post(
            "/session", json={"login": "boss-quokka@acme", "password": PASSWORD, "cookie": True}
        )
        cookie = signed_in.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        stranger.cookies.clear()
        headers = {"Cookie": cookie.partition(";")[0]}
        if origin is not None:
            headers["Origin"] = origin
        response = await stranger.post(
            "/api-keys", headers=headers, json={"name": "page", "roles": ["viewer"]}
        )
        assert response.status_code == status, response.text

    async def test_refuses_a_sign_in_from_another_site(self, stranger: httpx.AsyncClient) -> None:
        response = await stranger.post(
            "/session",
            headers={"Origin": "http://evil.example"},
            json={"login": "boss-quokka@acme", "password": PASSWORD},
        )
        assert response.json()["code"] == "foreign_origin"

    async def test_puts_security_headers_on_everything(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        for response in (
            await client.get("/sites"),
            await client.get("/nowhere"),
            await stranger.get("/sites"),
            await stranger.get("/health/live"),
            await stranger.get("http://centre/elsewhere"),
        ):
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
            if response.url.path.startswith("/api/"):
                assert response.headers["Cache-Control"] == "no-store"

    async def test_refuses_a_body_over_the_limit(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/plant/check", content=b"x" * (BODY_BYTES_MAX + 1))
        assert response.status_code == 413

        async def endless() -> object:
            for _ in range(7):
                yield b" " * (1024 * 1024)

        response = await client.post("/plant/check", content=endless())  # type: ignore[arg-type]
        assert response.status_code == 413

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {},
            {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        ],
    )
    async def test_takes_json_only(
        self, client: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        body = json.dumps({"name": "k", "roles": ["viewer"]})
        response = await client.post("/api-keys", content=body, headers=headers)
        assert response.status_code == 415

    @pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "HEAD", "OPTIONS", "CONNECT"])
    async def test_answers_other_methods_with_those_there_are(
        self, client: httpx.AsyncClient, method: str
    ) -> None:
        response = await client.request(method, "/session")
        assert response.status_code == 405
        assert response.headers["Allow"] == "DELETE, GET, POST"


class TestSecrets:
    async def test_are_in_no_answer_and_no_record(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        made = (await client.post("/api-keys", json={"name": "n", "roles": ["viewer"]})).json()
        for path in ("/api-keys", "/changes", "/accounts"):
            text = (await client.get(path)).text
            assert made["key"] not in text
            assert "argon2" not in text
            assert PASSWORD not in text
        stored = str(installation.rows("select * from api_key")) + str(
            installation.rows("select * from change_record")
        )
        assert made["key"] not in stored

    async def test_permissions_are_as_the_type_lists_them(self) -> None:
        everything = set().union(*ROLE_PERMISSIONS.values())
        assert everything == set(Permission.__args__)  # type: ignore[attr-defined]
