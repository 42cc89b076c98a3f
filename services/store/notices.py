"""What is to be told of alerts, as rows: due, tried, delivered or given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query

Kind = Literal["firing", "resolved", "escalation", "summary", "broken", "test"]
NoteKind = Literal["escalated", "silenced", "held", "delivered", "failed", "abandoned"]


@dataclass(frozen=True, slots=True)
class ToldRow:
    """An episode as it is told."""

    id: int
    tenant_id: int
    tenant: str
    site: str | None
    group_code: str
    rule: str
    severity: str
    labels: dict[str, str]
    texts: dict[str, str]
    value: float | None
    value_worst: float | None
    limit_value: float | None
    unit: str
    active_at: datetime
    fired_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    explanation: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message to one channel."""

    tenant_id: int
    episode_id: int | None
    kind: Kind
    channel: str
    step: int
    idempotency_key: UUID
    payload: dict[str, Any]
    created_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class DueRow:
    """A message that is due.

    Attributes
    ----------
    labels, resolved_at, acknowledged_at
        Of its episode, None if it has none.
    was_told : bool
        Of a resolution: whether this channel was told that the alert fires.
    """

    id: int
    tenant_id: int
    episode_id: int | None
    kind: Kind
    channel: str
    step: int
    idempotency_key: UUID
    payload: dict[str, Any]
    created_at: datetime
    due_at: datetime
    attempt_count: int
    first_tried_at: datetime | None
    problem: str
    labels: dict[str, str] | None
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    was_told: bool


@dataclass(frozen=True, slots=True)
class ChannelStateRow:
    """How a channel does: when it last took something, what waits, and why."""

    channel: str
    delivered_at: datetime | None
    open_count: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A summary that still takes more."""

    id: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class FoldedRow:
    """A message that is told in a summary."""

    id: int
    kind: Kind
    episode_id: int | None
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LapsedRow:
    """An alert of another system that was not sent again."""

    id: int
    tenant_id: int
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A channel that is broken."""

    tenant_id: int
    channel: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """When a message is tried again; `tries` are added to its count."""

    id: int
    due_at: datetime
    tries: int


async def find_told(connection: Connection, *, tenant_id: int, episode_id: int) -> ToldRow | None:
    """Return an episode as it is told."""
    return await fetch_one(connection, ToldRow, "notice_episode", (tenant_id, episode_id))


async def add_delivery(connection: Connection, new: NewDelivery) -> int | None:
    """Add a message; None if it is there already."""
    cursor = await connection.execute(
        query("notice_add"),
        (
            new.tenant_id,
            new.episode_id,
            new.kind,
            new.channel,
            new.step,
            new.idempotency_key,
            Jsonb(new.payload),
            new.created_at,
            new.due_at,
        ),
    )
    row = await cursor.fetchone()
    return None if row is None else int(row["id"])


async def told_channels(connection: Connection, episode_id: int) -> list[str]:
    """Return the channels that were, or will be, told that an episode fires."""
    cursor = await connection.execute(query("notice_channels"), (episode_id,))
    return [row["channel"] for row in await cursor.fetchall()]


async def hurry(connection: Connection, *, episode_id: int, at: datetime) -> int:
    """Make the next escalation of an episode due; return how many messages that are."""
    return (await connection.execute(query("notice_hurry"), (episode_id, at))).rowcount


async def ring(connection: Connection) -> None:
    """Ring the bell of the notifier when this transaction commits."""
    await connection.execute(query("notice_ring"))


async def add_note(
    connection: Connection,
    *,
    tenant_id: int,
    episode_id: int,
    at: datetime,
    kind: NoteKind,
    text: str,
    detail: dict[str, Any],
) -> None:
    """Add to the story of an episode what the notifier did."""
    await connection.execute(
        query("notice_note"), (tenant_id, episode_id, at, kind, text, Jsonb(detail))
    )


async def list_due(connection: Connection, *, at: datetime, channel_count_max: int) -> list[DueRow]:
    """Return what is due, by channel, of each the oldest so many."""
    return await fetch_all(connection, DueRow, "notice_due", (at, channel_count_max))


async def claim(
    connection: Connection, *, ids: Sequence[int], at: datetime, until: datetime
) -> set[int]:
    """Count a try of messages and keep them from others until an instant; return those gotten."""
    cursor = await connection.execute(query("notice_claim"), (list(ids), at, until))
    return {row["id"] for row in await cursor.fetchall()}


async def mark_delivered(connection: Connection, *, ids: Sequence[int], at: datetime) -> None:
    """Note that messages were taken."""
    await connection.execute(query("notice_delivered"), (list(ids), at))


async def postpone(
    connection: Connection, *, rows: Sequence[Postponed], problem: str, at: datetime
) -> None:
    """Have messages tried again later."""
    columns = [
        [row.id for row in rows],
        [row.due_at for row in rows],
        [row.tries for row in rows],
    ]
    await connection.execute(query("notice_postpone"), (*columns, problem, at))


async def abandon(
    connection: Connection, *, ids: Sequence[int], at: datetime, problem: str
) -> set[int]:
    """Give messages up; return those that were still open."""
    cursor = await connection.execute(query("notice_abandon"), (list(ids), at, problem))
    return {row["id"] for row in await cursor.fetchall()}


async def sent_count(
    connection: Connection, *, tenant_id: int, channel: str, after: datetime
) -> int:
    """Return how many messages a channel took after an instant."""
    cursor = await connection.execute(query("notice_sent_count"), (tenant_id, channel, after))
    row = await cursor.fetchone()
    return 0 if row is None else int(row["count"])


async def open_summary(
    connection: Connection, *, tenant_id: int, channel: str, at: datetime
) -> SummaryRow | None:
    """Return the summary of a channel that is not due yet."""
    return await fetch_one(connection, SummaryRow, "notice_open_summary", (tenant_id, channel, at))


async def fold(connection: Connection, *, ids: Sequence[int], summary_id: int) -> set[int]:
    """Have messages told in a summary; return those that were still open and untried."""
    cursor = await connection.execute(query("notice_fold"), (list(ids), summary_id))
    return {row["id"] for row in await cursor.fetchall()}


async def list_folded(connection: Connection, summary_id: int) -> list[FoldedRow]:
    """Return the messages that a summary tells."""
    return await fetch_all(connection, FoldedRow, "notice_folded", (summary_id,))


async def set_payload(connection: Connection, *, delivery_id: int, payload: dict[str, Any]) -> None:
    """Set what a message says, as long as it was never tried."""
    await connection.execute(query("notice_set_payload"), (delivery_id, Jsonb(payload)))


async def open_of_channel(connection: Connection, *, tenant_id: int, channel: str) -> list[ToldRow]:
    """Return the episodes that fire and of which a channel was told."""
    return await fetch_all(connection, ToldRow, "notice_open_of", (tenant_id, channel))


async def channel_states(
    connection: Connection, *, tenant_id: int, after: datetime
) -> list[ChannelStateRow]:
    """Return how channels do, from the messages made after an instant."""
    return await fetch_all(connection, ChannelStateRow, "notice_channel_states", (tenant_id, after))


async def lapsed(connection: Connection, at: datetime) -> list[LapsedRow]:
    """Return alerts of other systems that are over, for they were not sent again."""
    return await fetch_all(connection, LapsedRow, "notice_lapsed", (at,))


async def broken_episode(connection: Connection, *, tenant_id: int, channel: str) -> int | None:
    """Return the open alert that a channel is broken, None if there is none."""
    row = await (await connection.execute(query("notice_broken"), (tenant_id, channel))).fetchone()
    return None if row is None else int(row["id"])


async def list_broken(connection: Connection) -> list[BrokenRow]:
    """Return the channels of all tenants that are broken."""
    return await fetch_all(connection, BrokenRow, "notice_broken_list")


async def add_delivered_notes(connection: Connection, *, ids: Sequence[int], at: datetime) -> None:
    """Add to the stories of episodes that messages were taken, those in summaries too."""
    await connection.execute(query("notice_delivered_notes"), (list(ids), at))


@dataclass(frozen=True, slots=True)
class OpenRow:
    """An episode that has not ended, and whose it is."""

    id: int
    group_code: str


async def lock_external(connection: Connection, tenant_id: int) -> None:
    """Wait until no other transaction takes alerts of other systems into this tenant."""
    await connection.execute(query("external_lock"), (tenant_id,))


async def open_by_fingerprint(
    connection: Connection, *, tenant_id: int, fingerprint: int
) -> OpenRow | None:
    """Return the open episode of an identity."""
    return await fetch_one(connection, OpenRow, "external_open", (tenant_id, fingerprint))


async def open_external_count(connection: Connection, tenant_id: int) -> int:
    """Return how many alerts of other systems fire in a tenant."""
    cursor = await connection.execute(query("external_open_count"), (tenant_id,))
    row = await cursor.fetchone()
    return 0 if row is None else int(row["count"])


async def has_begun(
    connection: Connection, *, tenant_id: int, fingerprint: int, active_at: datetime
) -> bool:
    """Return whether an episode of an identity began at an instant."""
    cursor = await connection.execute(
        query("external_has_begun"), (tenant_id, fingerprint, active_at)
    )
    return await cursor.fetchone() is not None


async def set_ends_at(connection: Connection, *, episode_id: int, ends_at: datetime) -> None:
    """Set when an alert of another system is over, unless it is sent again."""
    await connection.execute(query("external_ends_at"), (episode_id, ends_at))
