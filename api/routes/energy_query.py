"""能耗查询 energy query: results, points and readings."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Literal

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
    Schema,
    SiteCode,
    Start,
    Store,
    after_instant,
    next_cursor,
)
from api.errors import Detail, Problem
from api.schema import (
    Answer,
    CostSum,
    Measures,
    Sum,
    about,
    cost_of,
    headers_about,
    measured,
    result_rows,
    sum_of,
    units_of,
)
from api.security import Who, needs
from compute.periods import Grain
from compute.quantities import quantity
from services import energy_query
from services.energy_query import EnergyAnswer, SeriesKind
from services.totals import MEASURES

router = APIRouter(tags=["能耗查询 energy query"], dependencies=[Depends(needs("read"))])

Interval = Literal["base", "hour", "day", "month"]
GRAINS = {"base": Grain.BASE, "hour": Grain.HOUR, "day": Grain.DAY, "month": Grain.MONTH}
_ENERGY_COLUMNS = ("start", *MEASURES, "cost_cny", "covered_us", "reading_count", "grade", "flags")


class Series(Schema):
    """What results are of."""

    kind: SeriesKind = Field(
        description="point 测点 | flow 能流 | node 节点边界 | residual 平衡差额 | product 产品"
        " | virtual 虚拟表"
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
    cost_cny: float | None = measured("cost_cny")


class Energy(Answer):
    """Results of a series."""

    series: Series
    interval: Interval
    units: dict[str, str]
    total: Sum = Field(description="整个时段的合计，与分页无关 / Of the whole period, not the page")
    cost: CostSum = Field(description="整个时段的成本 / Cost of the whole period")
    rows: list[EnergyRow]
    next_cursor: str | None


class SeriesList(Answer):
    """Everything a site has results of."""

    series: list[Series]


def chosen(
    *,
    node: str | None,
    flow: str | None,
    point: str | None,
    product: str | None,
    residual: str | None,
    virtual: str | None,
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
        ("virtual", virtual),
    ]
    given = [(kind, code) for kind, code in named if code is not None]
    if len(given) != 1:
        raise Problem(
            "invalid",
            Detail(
                "give one of node, flow, point, product, residual, virtual",
                "请给出 node、flow、point、product、residual、virtual 之一",
                "node",
            ),
        )
    return given[0]


def _energy_table(answer: EnergyAnswer) -> export.Page:
    rows = result_rows(answer.rows)
    for row, cost_cny in zip(rows, answer.cost_cny, strict=True):
        row["cost_cny"] = cost_cny
    return rows, answer.after


def _energy_csv(
    answer: EnergyAnswer,
    following: Callable[[datetime], Awaitable[export.Page]],
    *,
    interval: Interval,
) -> Response:
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
    virtual: Annotated[Code | None, Query(description="虚拟表 / Virtual meter")] = None,
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
    kind, code = chosen(
        node=node,
        flow=flow,
        point=point,
        product=product,
        residual=residual,
        virtual=virtual,
    )

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
        return _energy_table(await page(after, ROWS_MAX))

    csv = export.wants_csv(request)
    answer = await page(after_instant(cursor), ROWS_MAX if csv else limit)
    if csv:
        return _energy_csv(answer, following, interval=interval)
    return Energy.model_validate(
        {
            **about(answer.state),
            "series": answer.series,
            "interval": interval,
            "units": units_of((*MEASURES, "cost_cny", "covered_us"), amount=answer.series.unit),
            "total": sum_of(answer.total),
            "cost": cost_of(answer.cost),
            "rows": _energy_table(answer)[0],
            "next_cursor": next_cursor(request, response, answer.after),
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
