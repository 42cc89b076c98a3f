"""Data quality: what became of everything received, and what people decide about the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services import totals
from services.refusal import NotFound
from services.store import accounts, answers
from services.store import review as store
from services.store.answers import SeriesRow
from services.store.pool import Database
from services.store.review import (
    ConflictRow,
    GapRow,
    HourRow,
    ItemState,
    PayloadRow,
    QuarantineRow,
)
from services.totals import SiteState, Total

_HOURS_DAYS_MAX = 400


@dataclass(frozen=True, slots=True)
class HoursAnswer:
    """A page of what was received, hour by hour."""

    state: SiteState
    rows: list[HourRow]
    after: tuple[datetime, str] | None


@dataclass(frozen=True, slots=True)
class GapsAnswer:
    """Message numbers that are missing; `more` says that the list was cut."""

    state: SiteState
    rows: list[GapRow]
    more: bool


@dataclass(frozen=True, slots=True)
class ConflictsAnswer:
    """Values that came second for an instant; `more` says that the list was cut."""

    state: SiteState
    rows: list[ConflictRow]
    more: bool


@dataclass(frozen=True, slots=True)
class CompletenessAnswer:
    """How much of a period the readings of each point cover."""

    state: SiteState
    points: list[tuple[SeriesRow, Total]]


async def received_hours(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    start: datetime,
    end: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> HoursAnswer:
    """Return what a site's gateways sent, by what became of it: nothing is silent.

    Raises
    ------
    NotFound, RangeTooLarge, NotAnEdge
        As their names say.
    """
    totals.check_span(start=start, end=end, days_max=_HOURS_DAYS_MAX)
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        rows = await store.list_hours(
            connection,
            site_id=state.site.id,
            start=start,
            end=end,
            after=after or (start, ""),
            limit=limit + 1,
        )
    last = rows[limit - 1] if len(rows) > limit else None
    return HoursAnswer(state, rows[:limit], None if last is None else (last.hour, last.gateway))


async def sequence_gaps(database: Database, *, tenant_id: int, site: str, limit: int) -> GapsAnswer:
    """Return the message numbers that never came, the newest gateway first.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        rows = await store.list_gaps(connection, site_id=state.site.id, limit=limit + 1)
    return GapsAnswer(state, rows[:limit], more=len(rows) > limit)


async def conflicts(
    database: Database, *, tenant_id: int, site: str, reviewed: bool | None, limit: int
) -> ConflictsAnswer:
    """Return values that came second for an instant, the newest first.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        rows = await store.list_conflicts(
            connection, site_id=state.site.id, reviewed=reviewed, limit=limit + 1
        )
    return ConflictsAnswer(state, rows[:limit], more=len(rows) > limit)


async def completeness(
    database: Database, *, tenant_id: int, site: str, start: datetime, end: datetime
) -> CompletenessAnswer:
    """Return how much of [start, end) the readings of each point cover.

    Raises
    ------
    NotFound, RangeTooLarge, NotAnEdge
        As their names say.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        totals.check_ends(state, start=start, end=end)
        series = await answers.list_series(connection, site_id=state.site.id, kind="point")
        summed = await totals.sum_series(
            connection, state, series_ids=[row.id for row in series], spans=[(start, end)]
        )
    return CompletenessAnswer(state, [(row, summed.of(row.id)) for row in series])


async def close_conflict(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    site: str,
    point: str,
    ts: datetime,
    reason: str,
    at: datetime,
) -> int:
    """Mark the conflicts of an instant as reviewed: the first value stands; return how many.

    Raises
    ------
    NotFound
        If there is no such site or point, or nothing to review there.
    """
    async with database.transaction(tenant_id) as connection:
        state = await totals.load_state(connection, site)
        points = await answers.list_points(
            connection, site_id=state.site.id, code=point, after="", limit=1
        )
        if not points:
            raise NotFound("point")
        count = await store.close_conflict(
            connection, point_id=points[0].id, ts=ts, at=at, actor=actor
        )
        if not count:
            raise NotFound("conflict")
        await accounts.record_change(
            connection,
            tenant_id=tenant_id,
            actor=actor,
            action="conflict.review",
            object_kind="point",
            object_code=f"{site}/{point}",
            after={"ts": ts.isoformat(), "reason": reason, "count": count},
        )
    return count


async def list_quarantine(
    database: Database, *, tenant_id: int, before_id: int, state: ItemState | None, limit: int
) -> list[QuarantineRow]:
    """Return the tenant's quarantined messages, newest first, older than `before_id`."""
    async with database.transaction(tenant_id) as connection:
        return await store.list_quarantine(
            connection, before_id=before_id, state=state, limit=limit
        )


async def quarantine_payload(
    database: Database, *, tenant_id: int, quarantine_id: int
) -> PayloadRow:
    """Return a quarantined message, byte for byte.

    Raises
    ------
    NotFound
        If the tenant has no such message.
    """
    async with database.transaction(tenant_id) as connection:
        row = await store.find_payload(connection, quarantine_id)
    if row is None:
        raise NotFound("quarantine")
    return row


async def settle_quarantine(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    quarantine_id: int,
    items: Sequence[int] | None,
    state: ItemState,
    reason: str,
    at: datetime,
) -> int:
    """Have items tried again (`requested`) or given up (`discarded`); return how many.

    Raises
    ------
    NotFound
        If the tenant has no such message, or no such item in it.
    """
    async with database.transaction(tenant_id) as connection:
        known = await store.lock_items(connection, quarantine_id)
        if not known:
            raise NotFound("quarantine")
        wanted = [row.item for row in known] if items is None else list(items)
        if not {row.item for row in known}.issuperset(wanted):
            raise NotFound("item")
        count = await store.set_items(
            connection, quarantine_id=quarantine_id, items=wanted, state=state, actor=actor, at=at
        )
        await accounts.record_change(
            connection,
            tenant_id=tenant_id,
            actor=actor,
            action=f"quarantine.{state}",
            object_kind="quarantine",
            object_code=str(quarantine_id),
            before={"items": [{"item": row.item, "state": row.state} for row in known]},
            after={"items": wanted, "state": state, "reason": reason, "count": count},
        )
    return count
