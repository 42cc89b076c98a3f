"""Data audit 数据审核: what fails a check, and what people decide about it.

Findings follow from readings and limits, and are written as results are. Decisions are records that
are only ever added: the readings stay as they came, and the amounts are computed anew from readings
as decided. Undo is a record too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from compute.checks import CHECKS
from compute.decisions import ACTIONS
from services import totals
from services.refusal import NotFound, Refusal
from services.store import accounts, ledger
from services.store import data_audit as store
from services.store.data_audit import DecisionRow, FindingRow, FindingState, NewDecision
from services.store.pool import Connection, Database
from services.totals import SiteState

Verdict = Literal["accept", "reject"]

CHECK_NAMES = tuple(check.name for check in CHECKS)
_SPAN_DAYS_MAX = 400
_READINGS_MAX = 10_000
_MICROSECOND = timedelta(microseconds=1)


class DecisionTooLarge(Refusal):
    """A decision about more readings than one record holds."""

    code: ClassVar[str] = "range_too_large"


class NothingThere(Refusal):
    """A correction where the point was not read, or an undo of what is undone."""

    code: ClassVar[str] = "invalid"


@dataclass(frozen=True, slots=True)
class FindingsAnswer:
    """A page of findings, newest first."""

    state: SiteState
    rows: list[FindingRow]
    after: tuple[datetime, int, str] | None


@dataclass(frozen=True, slots=True)
class DecisionsAnswer:
    """A page of decisions, newest first."""

    state: SiteState
    rows: list[DecisionRow]
    after: int | None


async def findings(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    start: datetime,
    end: datetime,
    check: str | None,
    subject: str | None,
    finding_state: FindingState | None,
    after: tuple[datetime, int, str] | None,
    limit: int,
) -> FindingsAnswer:
    """Return what fails a check in [start, end), adjoining base intervals as one, newest first.

    A finding that reaches beyond the period is shown as far as it lies within.

    Raises
    ------
    NotFound, RangeTooLarge, NotAnEdge
        As their names say.
    """
    totals.check_span(start=start, end=end, days_max=_SPAN_DAYS_MAX)
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        rows = await store.list_findings(
            connection,
            site_id=state.site.id,
            start=start,
            end=end,
            base_interval=_base(state),
            check=check,
            subject=subject,
            state=finding_state,
            before=after or (end, 0, ""),
            limit=limit + 1,
        )
    last = rows[limit - 1] if len(rows) > limit else None
    place = None if last is None else (last.start_ts, last.series_id, last.check_name)
    return FindingsAnswer(state, rows[:limit], place)


def _base(state: SiteState) -> timedelta:
    return timedelta(microseconds=state.site.base_interval_us)


async def decide(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    site: str,
    subject_kind: str,
    subject: str,
    check: str,
    start: datetime,
    end: datetime,
    verdict: Verdict,
    reason: str,
    at: datetime,
) -> int:
    """Accept or reject what fails a check in [start, end); return the number of the decision.

    An accepted step that was withheld is booked; a rejected reading that was used is left out
    (`compute.decisions.ACTIONS`). Only intervals that such readings touch are computed anew. Of
    several decisions about the same readings the last stands.

    Raises
    ------
    NotFound
        If there is no such site or subject, or nothing of it fails the check there.
    DecisionTooLarge
        If it is about too many readings.
    """
    async with database.transaction(tenant_id) as connection:
        state = await totals.load_state(connection, site)
        series_id = await store.find_series(
            connection, site_id=state.site.id, kind=subject_kind, code=subject
        )
        if series_id is None:
            raise NotFound("subject")
        marks = await store.list_marks(
            connection, series_id=series_id, check=check, start=start, end=end
        )
        if not marks:
            raise NotFound("finding")
        instants = [instant for mark in marks for instant in mark.at]
        _check_count(len(instants))
        decision_id = await store.add_decision(
            connection,
            NewDecision(
                site_id=state.site.id,
                series_id=series_id,
                kind=verdict,
                check_name=check,
                start=start,
                end=end,
                at=instants,
                value=None,
                undoes=None,
                reason=reason,
                actor=actor,
            ),
            at=at,
        )
        if (verdict, check) in ACTIONS:
            await _mark_dirty(connection, state.site.id, subject, instants)
        await accounts.record_change(
            connection,
            tenant_id=tenant_id,
            actor=actor,
            action=f"finding.{verdict}",
            object_kind=subject_kind,
            object_code=f"{site}/{subject}",
            after={
                "decision": decision_id,
                "check": check,
                "start": start.isoformat(),
                "end": end.isoformat(),
                "readings": len(instants),
                "reason": reason,
            },
        )
    return decision_id


def _check_count(count: int) -> None:
    if count > _READINGS_MAX:
        raise DecisionTooLarge(
            f"the finding has {count} readings, and one decision is about"
            f" {_READINGS_MAX} at most: decide a shorter part of it",
            f"该项涉及 {count} 个读数，一次最多处理 {_READINGS_MAX} 个：请缩短时段",
            pointer="end",
        )


async def correct(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    site: str,
    point: str,
    ts: datetime,
    value: float | None,
    reason: str,
    at: datetime,
) -> int:
    """Have a value stand for the reading of an instant, or leave it out; return the decision.

    The reading itself stays as it came. A value may also stand where there is no reading, between
    the first and the last of the point.

    Raises
    ------
    NotFound
        If there is no such site or point.
    NothingThere
        If the instant lies before the first or after the last reading.
    """
    async with database.transaction(tenant_id) as connection:
        state = await totals.load_state(connection, site)
        found = await store.find_point(connection, site_id=state.site.id, code=point)
        if found is None:
            raise NotFound("point")
        if (
            found.first_ts is None
            or found.last_ts is None
            or not (found.first_ts <= ts <= found.last_ts)
        ):
            raise NothingThere(
                f"point {point} was not read around {ts.isoformat()}: give an instant between its"
                " first and its last reading",
                f"测点 {point} 在 {ts.isoformat()} 前后没有读数：请给首末读数之间的时刻",
                pointer="ts",
            )
        decision_id = await store.add_decision(
            connection,
            NewDecision(
                site_id=state.site.id,
                series_id=found.series_id,
                kind="correct",
                check_name=None,
                start=ts,
                end=ts + _MICROSECOND,
                at=[ts],
                value=value,
                undoes=None,
                reason=reason,
                actor=actor,
            ),
            at=at,
        )
        await _mark_dirty(connection, state.site.id, point, [ts])
        await accounts.record_change(
            connection,
            tenant_id=tenant_id,
            actor=actor,
            action="reading.correct",
            object_kind="point",
            object_code=f"{site}/{point}",
            after={
                "decision": decision_id,
                "ts": ts.isoformat(),
                "value": value,
                "reason": reason,
            },
        )
    return decision_id


async def undo(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    decision_id: int,
    reason: str,
    at: datetime,
) -> int:
    """Take a decision back by another record; return that record's number.

    Raises
    ------
    NotFound
        If the tenant has no such decision.
    NothingThere
        If it is an undo itself, or taken back already.
    """
    async with database.transaction(tenant_id) as connection:
        await store.lock_decisions(connection)
        row = await store.find_decision(connection, decision_id)
        if row is None:
            raise NotFound("decision")
        if row.kind == "undo" or row.undone_by is not None:
            raise NothingThere(
                f"decision {decision_id} does not stand any more, or is an undo: decide anew",
                f"决定 {decision_id} 已撤销，或其本身是撤销：请重新作出决定",
                pointer="decision_id",
            )
        undo_id = await store.add_decision(
            connection,
            NewDecision(
                site_id=row.site_id,
                series_id=row.series_id,
                kind="undo",
                check_name=None,
                start=row.start_ts,
                end=row.end_ts,
                at=row.at,
                value=None,
                undoes=decision_id,
                reason=reason,
                actor=actor,
            ),
            at=at,
        )
        if row.kind == "correct" or (row.kind, row.check_name) in ACTIONS:
            await _mark_dirty(connection, row.site_id, row.subject, row.at)
        await accounts.record_change(
            connection,
            tenant_id=tenant_id,
            actor=actor,
            action="decision.undo",
            object_kind=row.subject_kind,
            object_code=f"{row.site}/{row.subject}",
            before={"decision": decision_id, "kind": row.kind, "value": row.value},
            after={"decision": undo_id, "reason": reason},
        )
    return undo_id


async def _mark_dirty(
    connection: Connection, site_id: int, point: str, instants: Sequence[datetime]
) -> None:
    """Have the intervals computed anew that the readings of some instants touch, and no other."""
    found = await store.find_point(connection, site_id=site_id, code=point)
    if found is None:
        raise AssertionError("a series of kind point is of a point")
    await ledger.mark_instants_dirty(
        connection, site_id=site_id, point_id=found.point_id, instants=instants
    )


async def decisions(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    subject: str | None,
    before_id: int,
    limit: int,
) -> DecisionsAnswer:
    """Return the decisions of a site, newest first, older than `before_id`.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        rows = await store.list_decisions(
            connection,
            site_id=state.site.id,
            before_id=before_id,
            subject=subject,
            limit=limit + 1,
        )
    more = len(rows) > limit
    return DecisionsAnswer(state, rows[:limit], rows[limit - 1].id if more else None)
