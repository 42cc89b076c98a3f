"""告警策略 alert policy: who is told of alerts; what was stated, how its channels do, a test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import msgspec

from services import alert_book
from services.notify.plan import on_duty
from services.notify.policy import CODE, Policy
from services.notify.queue import policy_in, policy_of
from services.notify.read import read_policy
from services.plant.findings import Finding
from services.refusal import NotFound
from services.settings import Network
from services.store import accounts, alert_documents, notices
from services.store import alert_policy as store
from services.store.alert_policy import PolicyRow, SecretCodeRow
from services.store.notices import ChannelStateRow, NewDelivery
from services.store.pool import Connection, Database

# How far back the states of channels look.
_STATES_OF = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """The policy that holds, and how it does.

    Attributes
    ----------
    row : PolicyRow or None
        None if the tenant never stated one: its alerts are told nobody.
    policy : Policy or None
    on_duty : list of (shift, until)
    channels : list of ChannelStateRow
        Of the last 30 days.
    secrets : list of SecretCodeRow
    watched_at : datetime or None
        When an outside watcher was last told.
    """

    row: PolicyRow | None
    policy: Policy | None
    on_duty: list[tuple[str, datetime]]
    channels: list[ChannelStateRow]
    secrets: list[SecretCodeRow]
    watched_at: datetime | None


@dataclass(frozen=True, slots=True)
class StatedPolicy:
    """What stating a policy did; `changed` is False where it holds already."""

    revision: int
    changed: bool
    warnings: tuple[Finding, ...]


async def current(database: Database, *, tenant_id: int, at: datetime) -> PolicyAnswer:
    """Return the policy that holds in a tenant, and how its channels do."""
    async with database.transaction(tenant_id, snapshot=True) as connection:
        row = await store.find_policy(connection, tenant_id)
        policy = None if row is None or row.document is None else policy_of(row.id, row.document)
        beats = {beat.name: beat.at for beat in await store.list_beats(connection)}
        return PolicyAnswer(
            row=row,
            policy=policy,
            on_duty=[] if policy is None else on_duty(policy, at),
            channels=await notices.channel_states(
                connection, tenant_id=tenant_id, after=at - _STATES_OF
            ),
            secrets=await store.secret_codes(connection, tenant_id),
            watched_at=beats.get("watched"),
        )


async def check(
    database: Database, *, tenant_id: int, content: bytes, allowed: Sequence[Network]
) -> tuple[Finding, ...]:
    """Return the warnings about a policy that could be stated.

    Raises
    ------
    PolicyInvalid
        If it could not; with every finding.
    """
    async with database.transaction(tenant_id) as connection:
        _, findings = await _read(connection, tenant_id, content, allowed)
    return findings


async def state(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    content: bytes,
    allowed: Sequence[Network],
    if_revision: int | None = None,
) -> StatedPolicy:
    """State a policy: it holds from now on, also for what waits; the one before stays readable.

    Parameters
    ----------
    if_revision : int or None
        Revision that held when the change was made; 0 if none did.

    Raises
    ------
    ChangedMeanwhile
        If another holds, and does not already say the same.
    PolicyInvalid
        If it cannot be taken; with every finding.
    """
    async with database.transaction(tenant_id) as connection:
        policy, findings = await _read(connection, tenant_id, content, allowed)
        document: dict[str, Any] = policy.model_dump(mode="json", by_alias=True)
        digest = sha256(msgspec.json.encode(document, order="sorted")).digest()
        await alert_documents.lock(connection, tenant_id)
        before = await store.find_policy(connection, tenant_id)
        if before is not None and before.sha256 == digest.hex():
            return StatedPolicy(before.revision, changed=False, warnings=findings)
        alert_book.check_newest(before, if_revision)
        row = await alert_documents.add_document(
            connection,
            tenant_id=tenant_id,
            kind="policy",
            code=CODE,
            document=document,
            sha256=digest,
            actor=actor,
        )
        await accounts.record_change(
            connection,
            tenant_id=tenant_id,
            actor=actor,
            action="alert_policy.state",
            object_kind="alert_policy",
            object_code=CODE,
            before=None if before is None else {"revision": before.revision},
            after={"revision": row.revision, "sha256": row.sha256},
        )
        await notices.ring(connection)
    return StatedPolicy(row.revision, changed=True, warnings=findings)


async def put_secret(
    database: Database, *, tenant_id: int, actor: str, code: str, secret: str
) -> None:
    """Store the key of a channel in place of what stands; it can never be read again."""
    async with database.transaction(tenant_id) as connection:
        await store.put_secret(
            connection, tenant_id=tenant_id, code=code, secret=secret, actor=actor
        )
        await _record_secret(connection, tenant_id, actor, "alert_secret.put", code)


async def drop_secret(database: Database, *, tenant_id: int, actor: str, code: str) -> None:
    """Forget the key of a channel.

    Raises
    ------
    NotFound
        If there is none of that code.
    """
    async with database.transaction(tenant_id) as connection:
        if not await store.drop_secret(connection, tenant_id=tenant_id, code=code):
            raise NotFound("secret")
        await _record_secret(connection, tenant_id, actor, "alert_secret.drop", code)


async def test_channel(
    database: Database, *, tenant_id: int, tenant: str, channel: str, at: datetime
) -> None:
    """Queue a test message to a channel; its state tells what became of it.

    Raises
    ------
    NotFound
        If the policy has no such channel.
    """
    async with database.transaction(tenant_id) as connection:
        policy = await policy_in(connection, tenant_id)
        if policy is None or policy.channel(channel) is None:
            raise NotFound("channel")
        await notices.add_delivery(
            connection,
            NewDelivery(
                tenant_id=tenant_id,
                episode_id=None,
                kind="test",
                channel=channel,
                step=0,
                idempotency_key=uuid4(),
                payload={"tenant": tenant, "site": None, "channel": channel},
                created_at=at,
                due_at=at,
            ),
        )
        await notices.ring(connection)


async def _read(
    connection: Connection, tenant_id: int, content: bytes, allowed: Sequence[Network]
) -> tuple[Policy, tuple[Finding, ...]]:
    secrets = {row.code for row in await store.secret_codes(connection, tenant_id)}
    return read_policy(content, allowed=allowed, secrets=secrets)


async def _record_secret(
    connection: Connection, tenant_id: int, actor: str, action: str, code: str
) -> None:
    await accounts.record_change(
        connection,
        tenant_id=tenant_id,
        actor=actor,
        action=action,
        object_kind="alert_secret",
        object_code=code,
    )
