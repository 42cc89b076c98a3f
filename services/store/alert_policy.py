"""What people state about telling, as rows: policy, keys, silences; and that it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query

Beat = Literal["delivered", "watched"]


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A statement of the alert policy."""

    id: int
    revision: int
    document: dict[str, Any] | None
    sha256: str
    stated_at: datetime
    stated_by: str


@dataclass(frozen=True, slots=True)
class TenantPolicyRow:
    """The policy that holds in a tenant."""

    tenant_id: int
    tenant: str
    id: int
    document: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class SilenceRow:
    """A silence; `matchers` are in the form of Alertmanager."""

    id: UUID
    tenant_id: int
    matchers: list[dict[str, Any]]
    start_at: datetime
    end_at: datetime
    comment: str
    created_by: str
    created_at: datetime
    expired_at: datetime | None
    expired_by: str | None


@dataclass(frozen=True, slots=True)
class SecretRow:
    """A key of a channel."""

    tenant_id: int
    code: str
    secret: str


@dataclass(frozen=True, slots=True)
class SecretCodeRow:
    """That a key is stored, and who stored it; never the key."""

    code: str
    stated_at: datetime
    stated_by: str


@dataclass(frozen=True, slots=True)
class BeatRow:
    """When something that must go on was last done."""

    tenant_id: int
    name: str
    at: datetime


async def find_policy(connection: Connection, tenant_id: int) -> PolicyRow | None:
    """Return the newest statement of a tenant's policy."""
    return await fetch_one(connection, PolicyRow, "notice_policy", (tenant_id,))


async def list_policies(connection: Connection) -> list[TenantPolicyRow]:
    """Return the policy that holds in each tenant that has one."""
    return await fetch_all(connection, TenantPolicyRow, "notice_policies")


async def silences_at(connection: Connection, at: datetime) -> list[SilenceRow]:
    """Return the silences that hold at an instant."""
    return await fetch_all(connection, SilenceRow, "notice_silences", (at,))


async def list_secrets(connection: Connection) -> list[SecretRow]:
    """Return the keys of channels; the worker alone may."""
    return await fetch_all(connection, SecretRow, "notice_secrets")


async def secret_codes(connection: Connection, tenant_id: int) -> list[SecretCodeRow]:
    """Return which keys are stored."""
    return await fetch_all(connection, SecretCodeRow, "notice_secret_codes", (tenant_id,))


async def put_secret(
    connection: Connection, *, tenant_id: int, code: str, secret: str, actor: str
) -> None:
    """Store a key in place of what stands."""
    # Not an upsert: it would have to read the column, which the API may not.
    await connection.execute(query("notice_secret_drop"), (tenant_id, code))
    await connection.execute(query("notice_secret_put"), (tenant_id, code, secret, actor))


async def drop_secret(connection: Connection, *, tenant_id: int, code: str) -> bool:
    """Forget a key; False: there is none."""
    return (await connection.execute(query("notice_secret_drop"), (tenant_id, code))).rowcount == 1


async def list_beats(connection: Connection) -> list[BeatRow]:
    """Return when rules were last evaluated, deliveries looked at, watchers told."""
    return await fetch_all(connection, BeatRow, "notice_beats")


async def beat(
    connection: Connection,
    *,
    tenant_id: int,
    name: Beat,
    at: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Note that something that must go on was done."""
    await connection.execute(query("notice_beat"), (tenant_id, name, at, Jsonb(detail or {})))


async def list_silences(
    connection: Connection, *, tenant_id: int, ended_after: datetime, limit: int
) -> list[SilenceRow]:
    """Return silences that end after an instant, the newest first."""
    return await fetch_all(connection, SilenceRow, "silence_list", (tenant_id, ended_after, limit))


async def find_silence(
    connection: Connection, *, tenant_id: int, silence_id: UUID
) -> SilenceRow | None:
    """Return a silence of a tenant."""
    return await fetch_one(connection, SilenceRow, "silence_find", (tenant_id, silence_id))


async def add_silence(
    connection: Connection,
    *,
    tenant_id: int,
    matchers: Sequence[dict[str, Any]],
    start_at: datetime,
    end_at: datetime,
    comment: str,
    actor: str,
) -> SilenceRow:
    """Add a silence."""
    row = await fetch_one(
        connection,
        SilenceRow,
        "silence_add",
        (tenant_id, Jsonb(list(matchers)), start_at, end_at, comment, actor),
    )
    if row is None:
        raise AssertionError("an insert returns its row")
    return row


async def expire_silence(
    connection: Connection, *, tenant_id: int, silence_id: UUID, at: datetime, actor: str
) -> bool:
    """End a silence; False: it has ended."""
    cursor = await connection.execute(query("silence_expire"), (tenant_id, silence_id, at, actor))
    return cursor.rowcount == 1
