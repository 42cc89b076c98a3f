"""Findings of the checks, and what people decided about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg import sql

from compute.periods import from_us, to_us
from services.store.binary import ColumnType, copy_out, integers
from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query

DecisionKind = Literal["accept", "reject", "correct", "undo"]
FindingState = Literal["open", "accepted", "rejected", "corrected"]

_AHEAD_TYPES: tuple[ColumnType, ...] = ("timestamptz", "integer", "float8")


@dataclass(frozen=True, slots=True)
class FindingMark:
    """What failed a check in one base interval of a series."""

    series_id: int
    check: str
    start_us: int
    at_us: tuple[int, ...]
    value: float
    limit: float


@dataclass(frozen=True, slots=True)
class StandingDecision:
    """A decision that has not been taken back."""

    point_id: int
    kind: DecisionKind
    check_name: str | None
    at: list[datetime]
    value: float | None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A run of adjoining base intervals of a series that fail a check, decided alike."""

    subject_kind: str
    subject: str
    check_name: str
    start_ts: datetime
    end_ts: datetime
    first_at: datetime | None
    value: float | None
    limit_value: float | None
    reading_count: int
    first_seen_at: datetime
    state: FindingState
    decision_id: int | None
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    series_id: int
    unit: str | None


@dataclass(frozen=True, slots=True)
class MarkRow:
    """One base interval of a finding."""

    ts: datetime
    at: list[datetime]


@dataclass(frozen=True, slots=True)
class AuditPointRow:
    """A point as a decision needs it."""

    series_id: int
    point_id: int
    unit: str
    first_ts: datetime | None
    last_ts: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision as it was made."""

    id: int
    subject_kind: str
    subject: str
    kind: DecisionKind
    check_name: str | None
    start_ts: datetime
    end_ts: datetime
    at: list[datetime]
    value: float | None
    undoes: int | None
    reason: str
    decided_by: str
    decided_at: datetime
    undone_by: int | None
    series_id: int
    site: str
    site_id: int


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision to be kept."""

    site_id: int
    series_id: int
    kind: DecisionKind
    check_name: str | None
    start: datetime
    end: datetime
    at: Sequence[datetime]
    value: float | None
    undoes: int | None
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class _Id:
    id: int


async def put_findings(
    connection: Connection,
    marks: Sequence[FindingMark],
    *,
    site_id: int,
    span_us: tuple[int, int],
    at: datetime,
) -> None:
    """Write what fails in a window over what stands there; what is the same is not touched."""

    def numbers(values: Sequence[float]) -> list[float | None]:
        return [None if value != value else value for value in values]  # noqa: PLR0124 - NaN

    await connection.execute(
        query("put_findings"),
        (
            site_id,
            from_us(span_us[0]),
            from_us(span_us[1]),
            [mark.series_id for mark in marks],
            [mark.check for mark in marks],
            [from_us(mark.start_us) for mark in marks],
            [_instants(mark.at_us) for mark in marks],
            numbers([mark.value for mark in marks]),
            numbers([mark.limit for mark in marks]),
            at,
        ),
    )


def _instants(at_us: Sequence[int]) -> str:
    """Return instants as the text of one array, so that an array of them can be sent."""
    return "{" + ",".join(f'"{from_us(us).isoformat()}"' for us in at_us) + "}"


async def ahead_readings(
    connection: Connection, *, point_ids: Sequence[int], span_us: tuple[int, int]
) -> list[tuple[int, int, float]]:
    """Return (ts_us, point, seconds) of readings stamped a second or more after their receipt."""
    select = sql.SQL(query("ahead_readings")).format(
        start=sql.Literal(from_us(span_us[0])),
        end=sql.Literal(from_us(span_us[1])),
        points=sql.Literal(integers(point_ids)),
    )
    ts_us, point_id, ahead_s = await copy_out(connection, select, _AHEAD_TYPES)
    rows = zip(ts_us.tolist(), point_id.tolist(), ahead_s.tolist(), strict=True)
    return sorted((int(us), int(point), float(seconds)) for us, point, seconds in rows)


async def standing_decisions(connection: Connection, site_id: int) -> list[StandingDecision]:
    """Return the decisions about points of a site that stand, in the order they were made."""
    return await fetch_all(connection, StandingDecision, "standing_decisions", (site_id,))


async def list_findings(
    connection: Connection,
    *,
    site_id: int,
    start: datetime,
    end: datetime,
    base_interval: timedelta,
    check: str | None,
    subject: str | None,
    state: FindingState | None,
    before: tuple[datetime, int, str],
    limit: int,
) -> list[FindingRow]:
    """Return findings whose intervals start in [start, end), newest first, beyond a place."""
    parameters: tuple[Any, ...] = (
        *(site_id, start, end, base_interval, check, subject, state),
        *before,
        limit,
    )
    return await fetch_all(connection, FindingRow, "audit_findings", parameters)


async def list_marks(
    connection: Connection, *, series_id: int, check: str, start: datetime, end: datetime
) -> list[MarkRow]:
    """Return the base intervals of a series that fail a check."""
    return await fetch_all(connection, MarkRow, "audit_marks", (series_id, check, start, end))


async def find_point(connection: Connection, *, site_id: int, code: str) -> AuditPointRow | None:
    """Return a point with its series and how far its readings reach."""
    return await fetch_one(connection, AuditPointRow, "audit_point", (site_id, code))


async def find_series(connection: Connection, *, site_id: int, kind: str, code: str) -> int | None:
    """Return the number of a series that is of no one carrier."""
    row = await fetch_one(connection, _Id, "audit_series", (site_id, kind, code))
    return None if row is None else row.id


async def add_decision(connection: Connection, new: NewDecision, *, at: datetime) -> int:
    """Keep a decision, for good; return its number."""
    row = await fetch_one(
        connection,
        _Id,
        "add_decision",
        (
            new.site_id,
            new.series_id,
            new.kind,
            new.check_name,
            new.start,
            new.end,
            _instants([to_us(instant) for instant in new.at]),
            new.value,
            new.undoes,
            new.reason,
            new.actor,
            at,
        ),
    )
    if row is None:
        raise AssertionError("the site was found in this transaction")
    return row.id


async def lock_decisions(connection: Connection) -> None:
    """Wait until no other transaction of this tenant takes decisions back."""
    await connection.execute(query("lock_decisions"))


async def find_decision(connection: Connection, decision_id: int) -> DecisionRow | None:
    """Return a decision."""
    return await fetch_one(connection, DecisionRow, "audit_decision", (decision_id,))


async def list_decisions(
    connection: Connection, *, site_id: int, before_id: int, subject: str | None, limit: int
) -> list[DecisionRow]:
    """Return the decisions of a site, newest first, older than `before_id`."""
    return await fetch_all(
        connection, DecisionRow, "audit_decisions", (site_id, before_id, subject, limit)
    )


async def list_standing(
    connection: Connection,
    *,
    site_id: int,
    start: datetime,
    end: datetime,
    subject: str | None = None,
) -> list[DecisionRow]:
    """Return the first thousand decisions that stand and touch [start, end), the oldest first."""
    return await fetch_all(
        connection, DecisionRow, "audit_standing", (site_id, start, end, subject)
    )
