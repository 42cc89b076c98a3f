"""The gate: nothing under /api is answered before it is known who asks, but for a short list."""

import asyncio
import base64
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Detail, Problem, not_signed_in, problem_of, respond
from services.accounts import Permission, Principal, identify
from services.store.pool import Database

PREFIX: Final = "/api/v1"
ALERTMANAGER_PREFIX: Final = "/api/v2"
COOKIE: Final = "nengtan_session"
BODY_BYTES_MAX: Final = 5 * 1024 * 1024
BODY_TIMEOUT_S: Final = 30.0
OPEN_ROUTES: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        ("GET", f"{PREFIX}/health/live"),
        ("GET", f"{PREFIX}/health/ready"),
        ("POST", f"{PREFIX}/session"),
        ("GET", f"{PREFIX}/openapi.json"),
    }
)
# Bodies of these are files: any content type, more bytes, read by the route as they come.
FILE_ROUTES: Final[frozenset[tuple[str, str]]] = frozenset({("POST", f"{PREFIX}/imports")})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'self';"
    " form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
# None of them is sent by a form of another site.
_BODY_TYPES = frozenset({"application/json", "text/csv"})
_WRITES_WITHOUT_CONTENT_TYPE = "application/octet-stream"

Source = Literal["header", "cookie"]


def credential(headers: Headers, *, takes_basic: bool = False) -> tuple[str, Source] | None:
    """Return the token of a request and where it stood; the first place that has one decides.

    With `takes_basic`, an API key may also be the password of basic authentication: readers of
    Alertmanager know nothing else. The name beside it is not looked at.
    """
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if takes_basic and scheme.lower() == "basic":
            return _password(token), "header"
        return (token.strip() if scheme.lower() == "bearer" else ""), "header"
    key = headers.get("x-api-key")
    if key is not None:
        return key.strip(), "header"
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if morsel is None else (morsel.value, "cookie")


def _password(token: str) -> str:
    try:
        return base64.b64decode(token.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def check_origin(method: str, headers: Headers, source: Source | None) -> None:
    """Refuse a change that a page of another site had the browser send.

    Raises
    ------
    Problem
        If the request's Origin is not this host, or a cookie comes without one.
    """
    if method in _SAFE_METHODS:
        return
    origin = headers.get("origin")
    if origin is None and source != "cookie":
        return
    if origin is None or urlsplit(origin).netloc != headers.get("host"):
        raise Problem(
            "foreign_origin",
            Detail(
                "a cookie is taken only from this site's own pages: send an API key instead",
                "Cookie 仅限本站页面使用：请改用 API 密钥",
            ),
        )


class Gate:
    """Deny by default: middleware before any routing.

    It finds the principal of each request under /api, reads the body within its limits, and puts
    the security headers on every answer. Websockets are refused.
    """

    def __init__(self, app: ASGIApp, *, database: Database) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        try:
            await self._admit(scope)
            body = await _read_body(scope, receive)
        except Exception as error:  # noqa: BLE001 - every fault becomes its problem document
            await respond(problem_of(error))(scope, receive, send_with_headers)
            return
        await self._app(
            scope, receive if body is None else _again(body, receive), send_with_headers
        )

    async def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        state = scope.setdefault("state", {})
        state["principal"] = None
        if not scope["path"].startswith("/api/"):
            return
        found = credential(headers, takes_basic=scope["path"].startswith(f"{ALERTMANAGER_PREFIX}/"))
        check_origin(scope["method"], headers, None if found is None else found[1])
        if (scope["method"], scope["path"]) in OPEN_ROUTES:
            return
        if found is None:
            raise not_signed_in()
        principal = await identify(self._database, found[0])
        if principal is None:
            raise not_signed_in()
        state["principal"] = principal
        state["token"] = found[0]


async def _read_body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the body of a request that may have one, all of it, or refuse it."""
    if scope["method"] in _SAFE_METHODS or (scope["method"], scope["path"]) in FILE_ROUTES:
        return None
    headers = Headers(scope=scope)
    stated = headers.get("content-length", "0")
    if stated.isdecimal() and int(stated) > BODY_BYTES_MAX:
        raise _too_large()
    parts = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while True:
                message = await receive()
                parts += message.get("body", b"")
                if len(parts) > BODY_BYTES_MAX:
                    raise _too_large()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    break
    except TimeoutError as error:
        raise Problem(
            "timeout",
            Detail(
                f"the body took more than {BODY_TIMEOUT_S:.0f} s: send it faster",
                f"请求体接收超过 {BODY_TIMEOUT_S:.0f} 秒：请更快发送",
            ),
            headers={"Connection": "close"},
        ) from error
    media_type = headers.get("content-type", _WRITES_WITHOUT_CONTENT_TYPE).partition(";")[0].strip()
    encoded = headers.get("content-encoding", "identity").lower() != "identity"
    if parts and (media_type.lower() not in _BODY_TYPES or encoded):
        raise Problem(
            "media_type",
            Detail(
                "send the body as Content-Type: application/json (hourly factors: or text/csv),"
                " not compressed",
                "请以 Content-Type: application/json 发送（小时因子亦可 text/csv），且不压缩",
            ),
        )
    return bytes(parts)


def _too_large() -> Problem:
    return Problem(
        "too_large",
        Detail(
            f"the body is larger than {BODY_BYTES_MAX} bytes: send less at once",
            f"请求体超过 {BODY_BYTES_MAX} 字节：请减少单次内容",
        ),
        headers={"Connection": "close"},
    )


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


# What the API description says of credentials; the gate has looked at them before.
_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="Bearer",
    description="Session token or API key. 会话令牌或 API 密钥。",
)
_key_header = APIKeyHeader(
    name="X-API-Key", auto_error=False, scheme_name="ApiKey", description="API key. API 密钥。"
)
_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, scheme_name="Session", description="Of the page. 网页会话。"
)


async def signed_in(
    request: Request,
    _by_bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    _by_key: Annotated[str | None, Security(_key_header)],
    _by_cookie: Annotated[str | None, Security(_cookie)],
) -> Principal:
    """Return who asks; the second lock behind the gate."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        raise not_signed_in()
    return principal


Who = Annotated[Principal, Depends(signed_in)]


def needs(permission: Permission) -> Callable[[Principal], Awaitable[None]]:
    """Return a dependency that lets through only who has the permission."""

    async def check(principal: Who) -> None:
        if permission not in principal.permissions:
            raise Problem(
                "forbidden",
                Detail(
                    f"your roles lack {permission}: ask a tenant_admin of yours for it",
                    f"您的角色没有 {permission} 权限：请向本租户的 tenant_admin 申请",
                ),
            )

    check.__name__ = f"needs_{permission.replace('.', '_')}"
    return check


class Throttle:
    """Counts refused tries of each address in the last minute, and stops an address that tires.

    It knows at most `addresses_max` addresses; the one unheard of for longest is forgotten.
    """

    def __init__(self, *, tries_max: int = 30, addresses_max: int = 10_000) -> None:
        self._tries_max = tries_max
        self._addresses_max = addresses_max
        self._tries: dict[str, deque[datetime]] = {}

    def check(self, address: str, *, at: datetime) -> None:
        """Refuse an address with too many refused tries.

        Raises
        ------
        Problem
            If it had them in the last minute.
        """
        tries = self._tries.get(address)
        if tries is None:
            return
        while tries and tries[0] <= at - timedelta(minutes=1):
            tries.popleft()
        if len(tries) >= self._tries_max:
            raise Problem(
                "busy",
                Detail(
                    "too many refused sign-ins from your address: wait a minute",
                    "您的地址登录失败过多：请等待一分钟",
                ),
                headers={"Retry-After": "60"},
            )

    def count(self, address: str, *, at: datetime) -> None:
        """Count a refused try."""
        tries = self._tries.pop(address, deque(maxlen=self._tries_max))
        tries.append(at)
        self._tries[address] = tries
        if len(self._tries) > self._addresses_max:
            del self._tries[next(iter(self._tries))]
