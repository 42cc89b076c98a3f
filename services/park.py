"""A park: sums of the members that consent, by day or month. No curves, no meters."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from compute.periods import Grain
from services import totals
from services.store import answers
from services.store.answers import MemberRow, ParkRow
from services.store.pool import Database

_SPAN_DAYS_MAX = 3_660
ParkGrain = Literal[Grain.DAY, Grain.MONTH]


@dataclass(frozen=True, slots=True)
class ParkAnswer:
    """A page of members' sums."""

    as_of: datetime
    members: list[MemberRow]
    rows: list[ParkRow]
    after: tuple[datetime, int] | None


async def query_park(
    database: Database,
    *,
    tenant_id: int,
    grain: ParkGrain,
    start: datetime,
    end: datetime,
    after: tuple[datetime, int] | None,
    limit: int,
) -> ParkAnswer:
    """Return the sums whose day or month starts in [start, end).

    Raises
    ------
    RangeTooLarge, NotAnEdge
        If the period is too long or reversed.
    """
    totals.check_span(start=start, end=end, days_max=_SPAN_DAYS_MAX)
    async with database.transaction(tenant_id, snapshot=True) as connection:
        as_of = await answers.instant(connection)
        members = await answers.list_members(connection)
        rows = await answers.list_park_rows(
            connection,
            grain=grain,
            start=start,
            end=end,
            after=after or (start, 0),
            limit=limit + 1,
        )
    last = rows[limit - 1] if len(rows) > limit else None
    return ParkAnswer(
        as_of=as_of,
        members=members,
        rows=rows[:limit],
        after=None if last is None else (last.ts, last.series_id),
    )
