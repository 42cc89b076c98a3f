"""Points and their readings."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api import export
from api.dependencies import (
    ROWS_DEFAULT,
    ROWS_MAX,
    Code,
    Cursor,
    End,
    Limit,
    SiteCode,
    Start,
    Store,
    after_instant,
    next_cursor,
    next_link,
    read_cursor,
    write_cursor,
)
from api.routes.data_audit import Decision, decision_of
from api.schema import Answer, Assessed, about, assessed, headers_about
from api.security import Who, needs
from services import energy_query
from services.energy_query import ReadingsAnswer
from services.store.answers import PointRow

router = APIRouter(tags=["测点与读数 points"], dependencies=[Depends(needs("read"))])

_READING_COLUMNS = ("ts", "value", "grade", "flags", "received_at")


class PointState(Assessed):
    """A point and its last reading; grade and flags are those of the reading."""

    code: str
    meter: str
    gateway: str
    gateway_class: str = Field(description="receipted | acknowledged | best_effort")
    kind: Literal["register", "gauge", "interval"]
    unit: str
    address: str
    active: bool
    valid_from: datetime
    valid_to: datetime | None
    first_ts: datetime | None
    last_ts: datetime | None
    last_value: float | None = Field(description="原始读数 / Raw reading")
    age_s: float | None = Field(description="距 as_of 的秒数 / Age at as_of [s]")


class Points(Answer):
    """Points of a site."""

    points: list[PointState]
    next_cursor: str | None


class OnePoint(Answer):
    """One point."""

    point: PointState


class Reading(Assessed):
    """One reading as it was received."""

    ts: datetime = Field(description="表计时刻 / Time of the meter")
    value: float | None = Field(description="null: 设备报错 / the device reported an error")
    received_at: datetime = Field(description="中心接收时刻 / Time of receipt")


class Readings(Answer):
    """Readings of a point; `unit` is that of the raw reading times the multiplier."""

    point: str
    unit: str
    rows: list[Reading]
    decisions: list[Decision] = Field(
        description="时段内有效的审核与更正：计算采用更正后的值，读数保留原样 /"
        " Decisions that stand: amounts are computed as decided, readings stay as they came"
    )
    next_cursor: str | None


def _reading_table(answer: ReadingsAnswer) -> export.Page:
    rows = [
        {
            "ts": row.ts,
            "value": row.value,
            "received_at": row.received_at,
            **assessed(row.quality),
        }
        for row in answer.rows
    ]
    return rows, answer.after


def _point(row: PointRow) -> dict[str, Any]:
    return {
        **{
            name: getattr(row, name)
            for name in PointState.model_fields
            if name not in {"meter", "gateway", "grade", "flags"}
        },
        "meter": row.meter_code,
        "gateway": row.gateway_code,
        **assessed(row.last_quality or 0),
    }


@router.get("/points", operation_id="list_points", summary="测点 / Points")
async def points(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    site: SiteCode,
    limit: Limit = ROWS_DEFAULT,
    cursor: Cursor = None,
) -> Points:
    """Return points with last value, its age and quality.

    测点及其最新值、时效与质量。
    """
    place = read_cursor(cursor, str)
    answer = await energy_query.query_points(
        database,
        tenant_id=principal.tenant_id,
        site=site,
        after="" if place is None else str(place[0]),
        limit=limit,
    )
    following = None if answer.after is None else write_cursor(answer.after)
    if following is not None:
        response.headers["Link"] = next_link(request, following)
    return Points.model_validate(
        {
            **about(answer.state),
            "points": [_point(row) for row in answer.points],
            "next_cursor": following,
        }
    )


@router.get("/points/{point}", operation_id="get_point", summary="单个测点 / One point")
async def one_point(point: Code, principal: Who, database: Store, site: SiteCode) -> OnePoint:
    """Return one point with its last value.

    单个测点及其最新值。
    """
    answer = await energy_query.query_point(
        database, tenant_id=principal.tenant_id, site=site, code=point
    )
    return OnePoint.model_validate({**about(answer.state), "point": _point(answer.points[0])})


@router.get(
    "/readings",
    operation_id="query_readings",
    summary="原始读数 / Readings",
    response_model=Readings,
    responses=export.CSV_RESPONSE,
)
async def readings(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    site: SiteCode,
    point: Annotated[Code, Query(description="测点 / Point", examples=["E1"])],
    start: Start,
    end: End,
    limit: Limit = ROWS_DEFAULT,
    cursor: Cursor = None,
) -> Readings | Response:
    """Return the readings of a point as they were received.

    测点原始读数。
    """

    async def page(after: datetime | None, count: int) -> ReadingsAnswer:
        return await energy_query.query_readings(
            database,
            tenant_id=principal.tenant_id,
            site=site,
            code=point,
            start=start,
            end=end,
            after=after,
            limit=count,
        )

    async def following(after: datetime) -> export.Page:
        return _reading_table(await page(after, ROWS_MAX))

    csv = export.wants_csv(request)
    answer = await page(after_instant(cursor), ROWS_MAX if csv else limit)
    if csv:
        return export.stream(
            file_name="readings",
            columns=_READING_COLUMNS,
            first=_reading_table(answer),
            following=following,
            headers=headers_about(answer.state),
        )
    return Readings.model_validate(
        {
            **about(answer.state),
            "point": answer.point.code,
            "unit": answer.point.unit,
            "rows": _reading_table(answer)[0],
            "decisions": [decision_of(row) for row in answer.decisions],
            "next_cursor": next_cursor(request, response, answer.after),
        }
    )
