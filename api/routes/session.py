"""Signing in and out."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, SecretStr

from api.dependencies import Now, Schema, Store
from api.security import COOKIE, Throttle, Who, needs
from services import accounts

open_router = APIRouter(prefix="/session", tags=["会话 session"])
router = APIRouter(prefix="/session", tags=["会话 session"])

Password = Annotated[SecretStr, Field(max_length=1024)]


class Credentials(Schema):
    """A login and its password."""

    login: str = Field(
        max_length=160,
        pattern=r"^[A-Za-z0-9_.:@-]+$",
        description="账号@租户 / name@tenant",
        examples=["manager@plant1"],
    )
    password: Password
    cookie: bool = Field(
        default=False, description="同时写入网页会话 Cookie / Set the page's session cookie too"
    )


class Me(Schema):
    """Who is signed in."""

    tenant: str = Field(description="租户编码 / Code of the tenant")
    tenant_kind: str = Field(description="enterprise 企业 | park 园区")
    actor: str = Field(description="账号或密钥 / Account or key")
    roles: list[str]
    permissions: list[str]
    expires_at: datetime | None


class SignedIn(Me):
    """A new session; its token is told once."""

    token: str


class PasswordChange(Schema):
    """The old password and the new."""

    current: Password
    password: Password


def _me(principal: accounts.Principal) -> dict[str, object]:
    return {
        "tenant": principal.tenant_code,
        "tenant_kind": principal.tenant_kind,
        "actor": principal.actor,
        "roles": list(principal.roles),
        "permissions": sorted(principal.permissions),
        "expires_at": principal.expires_at,
    }


@open_router.post("", operation_id="sign_in", summary="登录 / Sign in", status_code=201)
async def sign_in(
    credentials: Credentials, request: Request, response: Response, database: Store, now: Now
) -> SignedIn:
    """Open a session of 12 h.

    登录，会话有效 12 小时。
    """
    throttle: Throttle = request.app.state.throttle
    address = "" if request.client is None else request.client.host
    throttle.check(address, at=now)
    try:
        session = await accounts.sign_in(
            database,
            login=credentials.login,
            password=credentials.password.get_secret_value(),
            at=now,
        )
    except accounts.SignInRefused:
        throttle.count(address, at=now)
        raise
    if credentials.cookie:
        response.set_cookie(
            COOKIE,
            session.token,
            max_age=int(accounts.SESSION_LIFE.total_seconds()),
            path="/",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return SignedIn.model_validate({**_me(session.principal), "token": session.token})


@router.get("", operation_id="get_session", summary="我是谁 / Who am I")
async def me(principal: Who) -> Me:
    """Return the tenant, the roles and what they allow.

    返回租户、角色与权限。
    """
    return Me.model_validate(_me(principal))


@router.delete("", operation_id="sign_out", summary="退出 / Sign out", status_code=204)
async def sign_out(principal: Who, request: Request, response: Response, database: Store) -> None:
    """End the session at once.

    立即结束会话。
    """
    await accounts.sign_out(database, principal=principal, token=request.state.token)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


@router.put(
    "/password",
    operation_id="change_own_password",
    summary="修改密码 / Change the password",
    status_code=204,
    dependencies=[Depends(needs("read"))],
)
async def change_password(
    change: PasswordChange, principal: Who, database: Store, now: Now
) -> None:
    """Set a new password; every session of the account ends.

    修改后所有会话失效。
    """
    await accounts.change_own_password(
        database,
        principal=principal,
        current=change.current.get_secret_value(),
        password=change.password.get_secret_value(),
        at=now,
    )
