"""People, keys, sessions and the change record, as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query


@dataclass(frozen=True, slots=True)
class AccountSecret:
    """What a sign-in is checked against."""

    account_id: int
    tenant_id: int
    password_hash: str
    roles: list[str]
    active: bool


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as its administrator sees it."""

    login: str
    display_name: str
    roles: list[str]
    active: bool
    locked_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """An API key without the key."""

    id: int
    name: str
    prefix: str
    roles: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """Whom a credential stands for."""

    tenant_id: int
    tenant_code: str
    tenant_kind: str
    actor: str
    roles: list[str]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class TryRow:
    """How many tries an account has had, this one included."""

    failed_count: int
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One line of the change record."""

    id: int
    at: datetime
    actor: str
    action: str
    object_kind: str
    object_code: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Number:
    number: int


async def account_for_sign_in(
    connection: Connection, *, tenant_code: str, login: str
) -> AccountSecret | None:
    """Return the account of a login, before the tenant is known."""
    return await fetch_one(connection, AccountSecret, "account_for_sign_in", (tenant_code, login))


async def account_secret(connection: Connection, *, login: str) -> AccountSecret | None:
    """Return the secret of an account of this tenant."""
    return await fetch_one(connection, AccountSecret, "account_secret", (login,))


async def reserve_try(
    connection: Connection, *, account_id: int, at: datetime, try_max: int, locked_until: datetime
) -> TryRow | None:
    """Count a try before the password is looked at; None if the account is locked.

    Counting first means that tries at the same time cannot pass the limit together.
    """
    return await fetch_one(
        connection, TryRow, "account_reserve_try", (account_id, at, try_max, locked_until)
    )


async def forget_tries(connection: Connection, *, account_id: int) -> None:
    """Forget the wrong tries of an account."""
    await connection.execute(query("account_forget_tries"), (account_id,))


async def rehash(connection: Connection, *, account_id: int, password_hash: str) -> None:
    """Keep the same password under newer cost parameters."""
    await connection.execute(query("account_rehash"), (account_id, password_hash))


async def add_session(
    connection: Connection,
    *,
    token_hash: bytes,
    tenant_id: int,
    account_id: int,
    at: datetime,
    expires_at: datetime,
) -> None:
    """Store a session, and drop those of the account that are over."""
    await connection.execute(query("session_remove_expired"), (account_id, at))
    await connection.execute(query("session_add"), (token_hash, tenant_id, account_id, expires_at))


async def remove_session(connection: Connection, *, token_hash: bytes) -> bool:
    """Delete a session; return whether there was one."""
    cursor = await connection.execute(query("session_remove"), (token_hash,))
    return cursor.rowcount > 0


async def remove_sessions_of(connection: Connection, *, login: str) -> None:
    """Delete every session of an account."""
    await connection.execute(query("session_remove_of_account"), (login,))


async def find_credential(
    connection: Connection, *, hashed: bytes, kind: str
) -> CredentialRow | None:
    """Return whom a hashed session token or API key stands for."""
    name = "api_key_find" if kind == "api_key" else "session_find"
    return await fetch_one(connection, CredentialRow, name, (hashed,))


async def list_accounts(connection: Connection) -> list[AccountRow]:
    """Return the accounts of this tenant."""
    return await fetch_all(connection, AccountRow, "account_list")


async def lock_account(connection: Connection, *, login: str) -> AccountRow | None:
    """Return an account and hold it until the end of the transaction."""
    return await fetch_one(connection, AccountRow, "account_one", (login,))


async def add_account(
    connection: Connection,
    *,
    tenant_id: int,
    login: str,
    display_name: str,
    password_hash: str,
    roles: Sequence[str],
) -> AccountRow | None:
    """Store an account; None if the login is taken."""
    return await fetch_one(
        connection,
        AccountRow,
        "account_add",
        (tenant_id, login, display_name, password_hash, list(roles)),
    )


async def change_account(
    connection: Connection,
    *,
    login: str,
    display_name: str | None,
    roles: Sequence[str] | None,
    active: bool | None,
    password_hash: str | None,
) -> AccountRow:
    """Change what is not None of an account that exists."""
    row = await fetch_one(
        connection,
        AccountRow,
        "account_change",
        (login, display_name, None if roles is None else list(roles), active, password_hash),
    )
    if row is None:
        raise AssertionError(f"account {login} was locked by this transaction")
    return row


async def administrator_count(connection: Connection) -> int:
    """Return the number of active administrators, once other changes of accounts are done."""
    await connection.execute(query("tenant_lock"))
    row = await fetch_one(connection, _Number, "account_administrator_count")
    return 0 if row is None else row.number


async def list_api_keys(connection: Connection) -> list[ApiKeyRow]:
    """Return the API keys of this tenant, revoked ones too."""
    return await fetch_all(connection, ApiKeyRow, "api_key_list")


async def lock_api_key(connection: Connection, *, key_id: int) -> ApiKeyRow | None:
    """Return a key and hold it until the end of the transaction."""
    return await fetch_one(connection, ApiKeyRow, "api_key_one", (key_id,))


async def add_api_key(
    connection: Connection,
    *,
    tenant_id: int,
    name: str,
    prefix: str,
    key_hash: bytes,
    roles: Sequence[str],
    created_by: str,
    expires_at: datetime | None,
) -> ApiKeyRow:
    """Store a key by its hash."""
    row = await fetch_one(
        connection,
        ApiKeyRow,
        "api_key_add",
        (tenant_id, name, prefix, key_hash, list(roles), created_by, expires_at),
    )
    if row is None:
        raise AssertionError("an insert returns its row")
    return row


async def revoke_api_key(connection: Connection, *, key_id: int, at: datetime) -> ApiKeyRow:
    """End a key; the first revocation stands."""
    row = await fetch_one(connection, ApiKeyRow, "api_key_revoke", (key_id, at))
    if row is None:
        raise AssertionError(f"key {key_id} was locked by this transaction")
    return row


async def record_change(
    connection: Connection,
    *,
    tenant_id: int,
    actor: str,
    action: str,
    object_kind: str,
    object_code: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add a line to the change record, in the transaction of the change itself."""
    await connection.execute(
        query("change_add"),
        (
            tenant_id,
            actor,
            action,
            object_kind,
            object_code,
            None if before is None else Jsonb(dict(before)),
            None if after is None else Jsonb(dict(after)),
        ),
    )


async def list_changes(
    connection: Connection,
    *,
    before_id: int,
    object_kind: str | None,
    start: datetime | None,
    end: datetime | None,
    limit: int,
) -> list[ChangeRow]:
    """Return lines of the change record older than a line, newest first."""
    return await fetch_all(
        connection, ChangeRow, "change_list", (before_id, object_kind, start, end, limit)
    )
