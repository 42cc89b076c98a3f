"""More alerts in a minute than a channel takes become one summary."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.notify.event import key_of
from services.notify.message import summary_of
from services.notify.policy import Channel
from services.store import notices
from services.store.notices import DueRow, NewDelivery
from services.store.pool import Connection

_MINUTE = timedelta(seconds=60)
_SINGLE = ("summary", "test")


async def limit(
    connection: Connection, channel: Channel, tenant: str, rows: Sequence[DueRow], *, at: datetime
) -> list[DueRow]:
    """Return what a channel is sent by itself; the rest is put into a summary due in a minute.

    While a summary waits, everything new goes into it. What was tried before is never moved: the
    receiver may have it. An Alertmanager is no reader: it takes everything at once.
    """
    kept = [row for row in rows if row.kind in _SINGLE or row.attempt_count]
    fresh = [row for row in rows if row.kind not in _SINGLE and not row.attempt_count]
    for row in kept:
        if row.kind == "summary" and not row.attempt_count:
            await _fill(connection, row, tenant)
    if channel.kind == "alertmanager" or not fresh:
        return list(rows)
    tenant_id = fresh[0].tenant_id
    waiting = await notices.open_summary(
        connection, tenant_id=tenant_id, channel=channel.code, at=at
    )
    if waiting is not None:
        await notices.fold(connection, ids=[row.id for row in fresh], summary_id=waiting.id)
        return kept
    left = channel.per_minute_max - await notices.sent_count(
        connection, tenant_id=tenant_id, channel=channel.code, after=at - _MINUTE
    )
    alone, beyond = _split(channel, fresh, max(left, 0))
    if beyond:
        summary_id = await _add_summary(connection, beyond[0], tenant, at=at)
        await notices.fold(connection, ids=[row.id for row in beyond], summary_id=summary_id)
    taken = {row.id for row in (*kept, *alone)}
    return [row for row in rows if row.id in taken]


def _split(
    channel: Channel, rows: Sequence[DueRow], messages_max: int
) -> tuple[list[DueRow], list[DueRow]]:
    """Return the rows of so many messages, and the rest; people get a group as one message."""
    if not channel.is_for_people:
        return list(rows[:messages_max]), list(rows[messages_max:])
    groups: dict[tuple[str, ...], list[DueRow]] = {}
    for row in rows:
        groups.setdefault((row.kind, *row.payload["told_with"]), []).append(row)
    listed = list(groups.values())
    alone = [row for group in listed[:messages_max] for row in group]
    return alone, [row for group in listed[messages_max:] for row in group]


async def _add_summary(connection: Connection, first: DueRow, tenant: str, *, at: datetime) -> int:
    added = await notices.add_delivery(
        connection,
        NewDelivery(
            tenant_id=first.tenant_id,
            episode_id=None,
            kind="summary",
            channel=first.channel,
            step=0,
            idempotency_key=key_of(tenant, "summary", first.channel, first.id),
            payload={},
            created_at=at,
            due_at=at + _MINUTE,
        ),
    )
    if added is None:
        raise AssertionError("a message is the first of one summary only")
    return added


async def _fill(connection: Connection, row: DueRow, tenant: str) -> None:
    """Write what a summary says, before it is tried for the first time."""
    folded = await notices.list_folded(connection, row.id)
    if not folded:
        return  # it stands in for one that another channel did not take, and says the same
    payload = summary_of(
        [(one.kind, one.payload) for one in folded], tenant=tenant, channel=row.channel
    )
    await notices.set_payload(connection, delivery_id=row.id, payload=payload)
    row.payload.update(payload)
