"""A park's view: sums of its consenting members."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api.dependencies import (
    ROWS_DEFAULT,
    Cursor,
    End,
    Limit,
    Schema,
    Start,
    Store,
    instant_of,
    next_link,
    read_cursor,
    write_cursor,
)
from api.schema import Measures, measures_of, units_of
from api.security import Who, needs
from compute.periods import Grain, to_us
from services import park
from services.store.answers import ParkRow
from services.totals import MEASURES

router = APIRouter(tags=["园区 park"], dependencies=[Depends(needs("park.read"))])


class Member(Schema):
    """An enterprise that the park lists; it shows sums only if it consents."""

    member_code: str
    valid_from: datetime
    valid_to: datetime | None


class MemberSum(Measures):
    """The sum of one carrier over the boundary of a member's site."""

    member_code: str
    name_zh: str
    name_en: str
    site_code: str
    time_zone: str = Field(description="start 按此时区的日、月 / start is of this zone's days")
    carrier: str = Field(description="空为合计 / Empty is the total")
    unit: str
    start: datetime


class Park(Schema):
    """Sums of the members that consent."""

    as_of: datetime
    units: dict[str, str]
    members: list[Member]
    rows: list[MemberSum]
    next_cursor: str | None


def _row(row: ParkRow) -> dict[str, Any]:
    named = ("member_code", "name_zh", "name_en", "site_code", "time_zone", "carrier", "unit")
    return {**{name: getattr(row, name) for name in named}, "start": row.ts, **measures_of(row)}


@router.get("/park", operation_id="query_park", summary="园区汇总 / Park sums")
async def query_park(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    start: Start,
    end: End,
    interval: Annotated[Literal["day", "month"], Query(description="统计周期 / Interval")] = "day",
    limit: Limit = ROWS_DEFAULT,
    cursor: Cursor = None,
) -> Park:
    """Return members' sums by day or month: no curves, no meters.

    按日或月返回成员汇总；不含曲线与测点。
    """
    place = read_cursor(cursor, int, int)
    after = None
    if place is not None:
        after = (instant_of(place[0]), min(max(place[1], 0), 2**31 - 1))
    answer = await park.query_park(
        database,
        tenant_id=principal.tenant_id,
        grain=Grain.DAY if interval == "day" else Grain.MONTH,
        start=start,
        end=end,
        after=after,
        limit=limit,
    )
    next_cursor = None
    if answer.after is not None:
        next_cursor = write_cursor(to_us(answer.after[0]), answer.after[1])
        response.headers["Link"] = next_link(request, next_cursor)
    return Park.model_validate(
        {
            "as_of": answer.as_of,
            "units": units_of(MEASURES),
            "members": answer.members,
            "rows": [_row(row) for row in answer.rows],
            "next_cursor": next_cursor,
        }
    )
