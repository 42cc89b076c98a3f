"""Queue what is to be told of an episode, in the transaction that keeps the episode."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec

from services.notify.event import key_of, payload_of
from services.notify.plan import group_of, plan, route_of
from services.notify.policy import Policy
from services.store import alert_policy, notices
from services.store.notices import Kind, NewDelivery, ToldRow
from services.store.pool import Connection


@dataclass(frozen=True, slots=True)
class _Read:
    """A policy that was read, by its row: rows are only ever added."""

    id: int
    policy: Policy


@lru_cache(maxsize=256)
def _read(row_id: int, document: bytes) -> _Read:
    return _Read(row_id, Policy.model_validate_json(document))


def policy_of(row_id: int, document: dict[str, Any]) -> Policy:
    """Return the policy of a stored document."""
    return _read(row_id, msgspec.json.encode(document)).policy


async def policy_in(connection: Connection, tenant_id: int) -> Policy | None:
    """Return the policy that holds in a tenant, None if it states none."""
    row = await alert_policy.find_policy(connection, tenant_id)
    return None if row is None or row.document is None else policy_of(row.id, row.document)


async def queue(
    connection: Connection,
    *,
    tenant_id: int,
    episode_id: int,
    kind: Literal["firing", "resolved", "escalation"],
    at: datetime,
) -> int:
    """Queue the messages about an episode, and ring the notifier when the transaction commits.

    Called in the transaction that writes the episode: both are kept, or neither.

    Parameters
    ----------
    connection : Connection
        Of the worker or of the API, in the transaction.
    tenant_id, episode_id : int
        The episode must have been written.
    kind : "firing", "resolved" or "escalation"
        What happened: it fired, and the policy says who is told now and who later, unless somebody
        acknowledges; it is over, and those are told who know of it; or somebody wants the next step
        of its escalation to be taken at once.
    at : datetime

    Returns
    -------
    count : int
        Messages that were queued.
    """
    told = await notices.find_told(connection, tenant_id=tenant_id, episode_id=episode_id)
    if told is None:
        return 0
    if kind == "firing":
        count = await _queue_firing(connection, told, at)
    elif kind == "resolved":
        count = await queue_resolved(connection, told, at=at)
    else:
        count = await notices.hurry(connection, episode_id=episode_id, at=at)
    if count:
        await notices.ring(connection)
    return count


async def add(
    connection: Connection,
    told: ToldRow,
    *,
    kind: Kind,
    channel: str,
    step: int,
    at: datetime,
    due_at: datetime,
    group: list[str],
) -> int | None:
    """Add one message about an episode; None if there is one already."""
    return await notices.add_delivery(
        connection,
        NewDelivery(
            tenant_id=told.tenant_id,
            episode_id=told.id,
            kind=kind,
            channel=channel,
            step=step,
            idempotency_key=key_of(told.tenant, told.id, kind, channel, step),
            payload=payload_of(told, group=group),
            created_at=at,
            due_at=due_at,
        ),
    )


async def queue_resolved(connection: Connection, told: ToldRow, *, at: datetime) -> int:
    """Queue that an episode is over, for every channel that was or will be told that it fires."""
    policy = await policy_in(connection, told.tenant_id)
    group = _group(policy, told)
    count = 0
    for channel in await notices.told_channels(connection, told.id):
        added = await add(
            connection,
            told,
            kind="resolved",
            channel=channel,
            step=0,
            at=at,
            due_at=at,
            group=group,
        )
        count += added is not None
    return count


async def _queue_firing(connection: Connection, told: ToldRow, at: datetime) -> int:
    policy = await policy_in(connection, told.tenant_id)
    if policy is None:
        return 0
    group = _group(policy, told)
    count = 0
    for planned in plan(policy, labels=told.labels, fired_at=told.fired_at):
        added = await add(
            connection,
            told,
            kind=planned.kind,
            channel=planned.channel,
            step=planned.step,
            at=at,
            due_at=planned.due_at,
            group=group,
        )
        count += added is not None
        if added is not None and planned.is_held and planned.kind == "firing":
            await notices.add_note(
                connection,
                tenant_id=told.tenant_id,
                episode_id=told.id,
                at=at,
                kind="held",
                text=planned.channel,
                detail={"channel": planned.channel, "until": planned.due_at.isoformat()},
            )
    return count


def _group(policy: Policy | None, told: ToldRow) -> list[str]:
    route = None if policy is None else route_of(policy, told.labels)
    # Where no route says otherwise, an alert is told by itself.
    return [str(told.id)] if route is None else group_of(route, told.labels)
