"""静默 silencing: alerts that go to nobody for a while; they are still kept and shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID

from services.notify.decide import holds
from services.notify.matching import LabelMatcher, matches
from services.refusal import NotFound, Refusal
from services.store import accounts
from services.store import alert_policy as store
from services.store.alert_policy import SilenceRow
from services.store.pool import Connection, Database

State = Literal["pending", "active", "expired"]

_LENGTH_MAX = timedelta(days=400)
_COUNT_MAX = 1_000


class SilenceInvalid(Refusal):
    """A silence that cannot be meant like this."""

    code: ClassVar[str] = "invalid"


@dataclass(frozen=True, slots=True)
class NewSilence:
    """What somebody wants to be silent about, from when to when, and why."""

    matchers: Sequence[LabelMatcher]
    start_at: datetime
    end_at: datetime
    comment: str


def state_of(row: SilenceRow, *, at: datetime) -> State:
    """Return whether a silence holds, will, or did."""
    if holds(row, at):
        return "active"
    return "pending" if row.expired_at is None and at < row.start_at else "expired"


def end_of(row: SilenceRow) -> datetime:
    """Return when a silence ended or ends."""
    return row.end_at if row.expired_at is None else max(row.expired_at, row.start_at)


async def list_silences(
    database: Database, *, tenant_id: int, ended_after: datetime
) -> list[SilenceRow]:
    """Return the silences that end after an instant, the newest first, at most 1,000."""
    async with database.transaction(tenant_id) as connection:
        return await store.list_silences(
            connection, tenant_id=tenant_id, ended_after=ended_after, limit=_COUNT_MAX
        )


async def find(database: Database, *, tenant_id: int, silence_id: UUID) -> SilenceRow:
    """Return a silence.

    Raises
    ------
    NotFound
        If the tenant has none of that number.
    """
    async with database.transaction(tenant_id) as connection:
        return await _find(connection, tenant_id, silence_id)


async def create(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    new: NewSilence,
    at: datetime,
    instead_of: UUID | None = None,
) -> SilenceRow:
    """Begin a silence; the one that it replaces ends.

    Raises
    ------
    SilenceInvalid
        If it would silence everything, is over, or is longer than 400 days.
    NotFound
        If there is nothing to replace.
    """
    _check(new, at=at)
    async with database.transaction(tenant_id) as connection:
        if instead_of is not None:
            await _find(connection, tenant_id, instead_of)
            await store.expire_silence(
                connection, tenant_id=tenant_id, silence_id=instead_of, at=at, actor=actor
            )
        row = await store.add_silence(
            connection,
            tenant_id=tenant_id,
            matchers=[matcher.model_dump() for matcher in new.matchers],
            start_at=new.start_at,
            end_at=new.end_at,
            comment=new.comment,
            actor=actor,
        )
        await _record(connection, tenant_id, actor, "alert_silence.create", row)
    return row


async def expire(
    database: Database, *, tenant_id: int, actor: str, silence_id: UUID, at: datetime
) -> SilenceRow:
    """End a silence; one that has ended stays as it is.

    Raises
    ------
    NotFound
        If the tenant has none of that number.
    """
    async with database.transaction(tenant_id) as connection:
        await _find(connection, tenant_id, silence_id)
        has_ended = await store.expire_silence(
            connection, tenant_id=tenant_id, silence_id=silence_id, at=at, actor=actor
        )
        row = await _find(connection, tenant_id, silence_id)
        if has_ended:
            await _record(connection, tenant_id, actor, "alert_silence.expire", row)
    return row


def _check(new: NewSilence, *, at: datetime) -> None:
    if matches(new.matchers, {}):
        raise SilenceInvalid(
            "every alert would be silent: name a label that only some alerts have, such as node",
            "会静默所有告警：请至少用一个仅部分告警具有的标签，如 node",
            pointer="matchers",
        )
    if new.end_at <= max(new.start_at, at):
        raise SilenceInvalid(
            "the end is not after the start, or is past: give a later one",
            "结束时间不晚于开始，或已过去：请改晚",
            pointer="end",
        )
    if new.end_at - new.start_at > _LENGTH_MAX:
        raise SilenceInvalid(
            f"longer than {_LENGTH_MAX.days} days: change the rule instead",
            f"超过 {_LENGTH_MAX.days} 天：请改规则",
            pointer="end",
        )


async def _find(connection: Connection, tenant_id: int, silence_id: UUID) -> SilenceRow:
    row = await store.find_silence(connection, tenant_id=tenant_id, silence_id=silence_id)
    if row is None:
        raise NotFound("silence")
    return row


async def _record(
    connection: Connection, tenant_id: int, actor: str, action: str, row: SilenceRow
) -> None:
    after: dict[str, Any] = {
        "matchers": row.matchers,
        "start_at": row.start_at.isoformat(),
        "end_at": end_of(row).isoformat(),
        "comment": row.comment,
    }
    await accounts.record_change(
        connection,
        tenant_id=tenant_id,
        actor=actor,
        action=action,
        object_kind="alert_silence",
        object_code=str(row.id),
        after=after,
    )
