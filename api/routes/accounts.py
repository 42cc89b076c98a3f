"""Accounts, API keys, and the record of every change."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from api import export
from api.dependencies import (
    ROWS_DEFAULT,
    ROWS_MAX,
    Cursor,
    Instant,
    Limit,
    Now,
    Schema,
    Store,
    Text,
    next_link,
    read_cursor,
    write_cursor,
)
from api.errors import Detail, Problem
from api.routes.session import Password
from api.security import Who, needs
from services import accounts
from services.accounts import Role
from services.store.accounts import ChangeRow

router = APIRouter(tags=["账号 accounts"], dependencies=[Depends(needs("accounts.write"))])
changes_router = APIRouter(tags=["变更记录 changes"], dependencies=[Depends(needs("changes.read"))])

_NEWEST = 2**62
_CHANGE_COLUMNS = (
    "id",
    "at",
    "actor",
    "action",
    "object_kind",
    "object_code",
    "before",
    "after",
)
LoginInPath = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
KeyInPath = Annotated[int, Path(ge=1, lt=2**31)]


class Account(Schema):
    """An account."""

    login: str
    display_name: str
    roles: list[str]
    active: bool
    locked_until: datetime | None
    created_at: datetime


class NewAccount(Schema):
    """An account to make."""

    login: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    display_name: Text
    password: Password
    roles: list[Role] = Field(min_length=1, max_length=7)


class AccountChange(Schema):
    """What to change of an account; what is left out stays."""

    display_name: Text | None = None
    password: Password | None = None
    roles: list[Role] | None = Field(None, min_length=1, max_length=7)
    active: bool | None = None


class ApiKey(Schema):
    """An API key without the key itself."""

    id: int
    name: str
    prefix: str = Field(description="密钥前几位 / First letters of the key")
    roles: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class ApiKeyWanted(Schema):
    """An API key to make."""

    name: Text
    roles: list[Role] = Field(min_length=1, max_length=7)
    expires_at: Instant | None = None


class CreatedApiKey(Schema):
    """A new API key. The key is told once: keep it."""

    key: str
    api_key: ApiKey


class Change(Schema):
    """One line of the change record."""

    id: int
    at: datetime
    actor: str
    action: str
    object_kind: str
    object_code: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Changes(Schema):
    """A page of the change record, newest first."""

    changes: list[Change]
    next_cursor: str | None


@router.get("/accounts", operation_id="list_accounts", summary="账号列表 / Accounts")
async def list_accounts(principal: Who, database: Store) -> list[Account]:
    """Return the accounts of the tenant.

    返回本租户账号。
    """
    rows = await accounts.list_accounts(database, principal=principal)
    return [Account.model_validate(row) for row in rows]


@router.post(
    "/accounts", operation_id="create_account", summary="新建账号 / New account", status_code=201
)
async def create_account(wanted: NewAccount, principal: Who, database: Store) -> Account:
    """Make an account of your own tenant.

    在本租户新建账号。
    """
    row = await accounts.create_account(
        database,
        principal=principal,
        login=wanted.login,
        display_name=wanted.display_name,
        password=wanted.password.get_secret_value(),
        roles=wanted.roles,
    )
    return Account.model_validate(row)


@router.patch(
    "/accounts/{login}", operation_id="change_account", summary="修改账号 / Change an account"
)
async def change_account(
    login: LoginInPath, change: AccountChange, principal: Who, database: Store
) -> Account:
    """Change what is given; a new password or `active: false` ends its sessions.

    修改账号。
    """
    row = await accounts.change_account(
        database,
        principal=principal,
        login=login,
        display_name=change.display_name,
        password=None if change.password is None else change.password.get_secret_value(),
        roles=change.roles,
        active=change.active,
    )
    return Account.model_validate(row)


@router.get("/api-keys", operation_id="list_api_keys", summary="密钥列表 / API keys")
async def list_api_keys(principal: Who, database: Store) -> list[ApiKey]:
    """Return the API keys of the tenant, without the keys.

    返回本租户密钥（不含密钥本身）。
    """
    rows = await accounts.list_api_keys(database, principal=principal)
    return [ApiKey.model_validate(row) for row in rows]


@router.post(
    "/api-keys", operation_id="create_api_key", summary="新建密钥 / New API key", status_code=201
)
async def create_api_key(
    wanted: ApiKeyWanted, principal: Who, database: Store, now: Now
) -> CreatedApiKey:
    """Make an API key; it is shown this once.

    新建密钥，仅显示一次。
    """
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise Problem(
            "invalid",
            Detail(
                "expires_at is past: give a later instant",
                "expires_at 已过：请给更晚的时刻",
                "expires_at",
            ),
        )
    made = await accounts.create_api_key(
        database,
        principal=principal,
        name=wanted.name,
        roles=wanted.roles,
        expires_at=wanted.expires_at,
    )
    return CreatedApiKey(key=made.key, api_key=ApiKey.model_validate(made.row))


@router.delete(
    "/api-keys/{key_id}", operation_id="revoke_api_key", summary="吊销密钥 / Revoke an API key"
)
async def revoke_api_key(key_id: KeyInPath, principal: Who, database: Store, now: Now) -> ApiKey:
    """End a key at once; its live streams end within a minute.

    立即吊销。
    """
    row = await accounts.revoke_api_key(database, principal=principal, key_id=key_id, at=now)
    return ApiKey.model_validate(row)


@changes_router.get(
    "/changes",
    operation_id="list_changes",
    summary="变更记录 / Change record",
    response_model=Changes,
    responses=export.CSV_RESPONSE,
)
async def list_changes(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    object_kind: Annotated[
        str | None, Query(max_length=64, pattern=r"^[a-z_]+$", examples=["account"])
    ] = None,
    start: Instant | None = None,
    end: Instant | None = None,
    limit: Limit = ROWS_DEFAULT,
    cursor: Cursor = None,
) -> Changes | Response:
    """Return who changed what, when, from what to what, newest first.

    谁在何时改了什么。
    """

    async def page(before_id: int, count: int) -> tuple[list[ChangeRow], int | None]:
        rows = await accounts.list_changes(
            database,
            principal=principal,
            before_id=before_id,
            object_kind=object_kind,
            start=start,
            end=end,
            limit=count + 1,
        )
        return rows[:count], rows[count - 1].id if len(rows) > count else None

    async def table_page(before_id: int) -> export.Page:
        rows, place = await page(before_id, ROWS_MAX)
        return [{name: getattr(row, name) for name in _CHANGE_COLUMNS} for row in rows], place

    place = read_cursor(cursor, int)
    before_id = _NEWEST if place is None else int(place[0])
    if export.wants_csv(request):
        return export.stream(
            file_name="changes",
            columns=_CHANGE_COLUMNS,
            first=await table_page(before_id),
            following=table_page,
            headers={},
        )
    rows, last = await page(before_id, limit)
    next_cursor = None if last is None else write_cursor(last)
    if next_cursor is not None:
        response.headers["Link"] = next_link(request, next_cursor)
    return Changes(changes=[Change.model_validate(row) for row in rows], next_cursor=next_cursor)
