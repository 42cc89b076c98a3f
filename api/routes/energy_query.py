"""能耗查询 energy query: results, points and readings."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api import export
from api.dependencies import (
    ROWS_DEFAULT,
    Code,
    Cursor,
    End,
    Limit,
    Schema,
    SiteCode,
    Start,
    Store,
    next_link,
    read_cursor,
    write_cursor,
)
from api.errors import Detail, Problem
from api.schema import (
    Answer,
    Assessed,
    Measures,
    Sum,
    about,
    assessed,
    headers_about,
    measures_of,
    sum_of,
    units_of,
)
from api.security import Who, needs
from compute.periods import Grain, from_us, to_us
from compute.quantities import quantity
from services import energy_query
from services.energy_query import EnergyAnswer, ReadingsAnswer, SeriesKind
from services.store.answers import PointRow
from services.totals import MEASURES

router = APIRouter(tags=["能耗查询 energy query"], dependencies=[Depends(needs("read"))])

Interval = Literal["base", "hour", "day", "month"]
GRAINS = {"base": Grain.BASE, "hour": Grain.HOUR, "day": Grain.DAY, "month": Grain.MONTH}
_ENERGY_COLUMNS = ("start", *MEASURES, "covered_us", "reading_count", "grade", "flags")
_READING_COLUMNS = ("ts", "value", "grade", "flags", "received_at")


class Series(Schema):
    """What results are of."""

    kind: SeriesKind = Field(
        description="point 测点 | flow 能流 | node 节点边界 | residual 平衡差额 | product 产品"
    )
    code: str
    carrier: str = Field(description="能源品种；空为合计 / Carrier; empty is the total")
    unit: str = Field(description="amount 的单位 / Unit of amount", examples=["kWh"])
    is_root: bool = Field(description="是否厂区总边界 / Whether it is the boundary of the site")


class EnergyRow(Measures):
    """The result of one interval."""

    start: datetime = Field(
        description="周期起点；日、月按厂区时区 / Start; days and months are those of the site"
    )
    covered_us: int = Field(description=quantity("covered_us").description)


class Energy(Answer):
    """Results of a series."""

    series: Series
    interval: Interval
    units: dict[str, str]
    total: Sum = Field(description="整个时段的合计，与分页无关 / Of the whole period, not the page")
    rows: list[EnergyRow]
    next_cursor: str | None


class SeriesList(Answer):
    """Everything a site has results of."""

    series: list[Series]


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
    next_cursor: str | None


def chosen(
    *,
    node: str | None,
    flow: str | None,
    point: str | None,
    product: str | None,
    residual: str | None,
) -> tuple[SeriesKind, str]:
    """Return the one series kind that a request names, and its code.

    Raises
    ------
    Problem
        If it names none, or several.
    """
    named: list[tuple[SeriesKind, str | None]] = [
        ("node", node),
        ("flow", flow),
        ("point", point),
        ("product", product),
        ("residual", residual),
    ]
    given = [(kind, code) for kind, code in named if code is not None]
    if len(given) != 1:
        raise Problem(
            "invalid",
            Detail(
                "give one of node, flow, point, product, residual",
                "请给出 node、flow、point、product、residual 之一",
                "node",
            ),
        )
    return given[0]


def _energy_table(answer: EnergyAnswer) -> export.Page:
    rows = [
        {"start": row.ts, "covered_us": row.covered_us, **measures_of(row)} for row in answer.rows
    ]
    return rows, answer.after


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


def _after(cursor: str | None) -> datetime | None:
    place = read_cursor(cursor, int)
    return None if place is None else from_us(min(max(int(place[0]), 0), 7_258_118_400_000_000))


def _next(request: Request, response: Response, after: datetime | None) -> str | None:
    if after is None:
        return None
    cursor = write_cursor(to_us(after))
    response.headers["Link"] = next_link(request, cursor)
    return cursor


@router.get(
    "/energy",
    operation_id="query_energy",
    summary="能耗 / Energy",
    response_model=Energy,
    responses=export.CSV_RESPONSE,
)
async def energy(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    interval: Annotated[Interval, Query(description="统计周期 / Interval")] = "hour",
    node: Annotated[Code | None, Query(description="节点 / Node")] = None,
    flow: Annotated[Code | None, Query(description="能流 / Flow")] = None,
    point: Annotated[Code | None, Query(description="测点 / Point")] = None,
    product: Annotated[Code | None, Query(description="产品 / Product")] = None,
    residual: Annotated[
        Code | None, Query(description="平衡差额的节点 / Node of the residual")
    ] = None,
    carrier: Annotated[
        Code | None, Query(description="能源品种；省略为合计 / Carrier; without it the total")
    ] = None,
    limit: Limit = ROWS_DEFAULT,
    cursor: Cursor = None,
) -> Energy | Response:
    """Return energy, standard coal and emission of one series.

    返回能量、标准煤与排放。

    CSV holds every row of the period.
    """
    kind, code = chosen(node=node, flow=flow, point=point, product=product, residual=residual)

    async def page(after: datetime | None, count: int) -> EnergyAnswer:
        return await energy_query.query_energy(
            database,
            tenant_id=principal.tenant_id,
            site=site,
            kind=kind,
            code=code,
            carrier=carrier,
            start=start,
            end=end,
            grain=GRAINS[interval],
            after=after,
            limit=count,
        )

    async def following(after: datetime) -> export.Page:
        return _energy_table(await page(after, ROWS_DEFAULT))

    csv = export.wants_csv(request)
    answer = await page(_after(cursor), ROWS_DEFAULT if csv else limit)
    if csv:
        return export.stream(
            file_name=f"energy_{interval}",
            columns=_ENERGY_COLUMNS,
            first=_energy_table(answer),
            following=following,
            headers={
                **headers_about(answer.state),
                "Nengtan-Amount-Unit": answer.series.unit.encode("ascii", "replace").decode(),
            },
        )
    return Energy.model_validate(
        {
            **about(answer.state),
            "series": answer.series,
            "interval": interval,
            "units": units_of((*MEASURES, "covered_us"), amount=answer.series.unit),
            "total": sum_of(answer.total),
            "rows": _energy_table(answer)[0],
            "next_cursor": _next(request, response, answer.after),
        }
    )


@router.get("/series", operation_id="list_series", summary="数据序列 / Series")
async def series(
    principal: Who,
    database: Store,
    site: SiteCode,
    kind: Annotated[SeriesKind | None, Query(description="种类 / Kind")] = None,
) -> SeriesList:
    """Return everything the site has results of.

    厂区有结果的全部序列。
    """
    answer = await energy_query.list_series(
        database, tenant_id=principal.tenant_id, site=site, kind=kind
    )
    return SeriesList.model_validate({**about(answer.state), "series": answer.series})


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
    next_cursor = None if answer.after is None else write_cursor(answer.after)
    if next_cursor is not None:
        response.headers["Link"] = next_link(request, next_cursor)
    return Points.model_validate(
        {
            **about(answer.state),
            "points": [_point(row) for row in answer.points],
            "next_cursor": next_cursor,
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
        return _reading_table(await page(after, ROWS_DEFAULT))

    csv = export.wants_csv(request)
    answer = await page(_after(cursor), ROWS_DEFAULT if csv else limit)
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
            "next_cursor": _next(request, response, answer.after),
        }
    )
