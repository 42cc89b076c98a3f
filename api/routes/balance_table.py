"""能源平衡表 energy balance table: bought and stored, converted, distributed, used."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from api.dependencies import End, Schema, SiteCode, Start, Store
from api.routes.exports import FILES, FileFormat, answer_file
from api.schema import Answer, about
from api.security import Who, needs
from compute.quantities import quantity
from services import balance_table
from services.balance_lines import Item, KeyLink, Stage, TableRow
from services.balance_table import BalanceTable, Basis
from services.exports import Table
from services.files.write import Column
from services.store.pool import Database

router = APIRouter(tags=["能流分析 energy flow"], dependencies=[Depends(needs("read"))])
TableBasis = Annotated[
    Basis, Query(description="measured 计量值 | reconciled 校正值 / as measured or reconciled")
]
_STAGE_ZH = {
    "purchase": "购入贮存",
    "conversion": "加工转换",
    "distribution": "输送分配",
    "use": "最终使用",
    "unaccounted": "未计入",
}
_ITEM_ZH = {
    "bought": "购入",
    "sold": "外供",
    "stock": "库存变化",
    "input": "投入",
    "output": "产出",
    "loss": "损失",
    "use": "使用",
}


class Figures(Schema):
    """A line's figures; what a stage brings is positive, what it takes is negative."""

    energy_kwh: float | None
    energy_gj: float | None
    coal_equivalent_tce: float | None = Field(
        description=quantity("coal_equivalent_tce").description
    )
    coal_equal_tce: float | None = Field(description=quantity("coal_equal_tce").description)
    emission_tco2e: float | None = Field(description="随能流携带的排放 / Carried by the flow")
    cost_cny: float | None = Field(description="仅购入且有价者 / Of what is bought and priced")


class Row(Figures):
    """A line of the table."""

    stage: Stage
    stage_zh: str
    item: Item
    item_zh: str
    code: str = Field(description="能流；损失与库存为节点 / Flow; node of losses and stocks")
    name_zh: str | None
    name_en: str | None
    node: str
    carrier: str | None
    amount: float | None = Field(description="实物量，单位随品种 / In the unit of the carrier")


class Sum(Figures):
    """The sum of a stage; purchase + conversion + distribution = use + unaccounted."""

    stage: Literal["purchase", "conversion", "distribution", "use", "unaccounted"]
    stage_zh: str
    unknown_count: int = Field(description="能量未知、未计入的行数 / Lines that are not known")


class Link(Schema):
    """A key node, those that lose most first."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    input_kwh: float | None
    loss_kwh: float | None
    loss_share: float | None = Field(description="占输入的比例，0..1 / Of the input")
    efficiency: float | None
    reference_efficiency: float | None = Field(
        description="描述中给定的效率；未给定为 null / As described; null if nothing is"
    )
    potential_kwh: float | None = Field(description="超出参考值的损失 / Loss beyond the reference")
    potential_tco2e: float | None


class Answered(Answer):
    """The balance table of a site over a period."""

    start: datetime
    end: datetime
    basis: Basis
    formula: str
    clause: str
    rows: list[Row]
    sums: list[Sum]
    links: list[Link]
    cost_reason: str | None = Field(description="没有费用的原因 / Why there are no costs")


def _row(row: TableRow) -> dict[str, Any]:
    return {
        **_named(row),
        "stage_zh": _STAGE_ZH[row.stage],
        "item_zh": _ITEM_ZH[row.item],
    }


def _named(row: TableRow | KeyLink) -> dict[str, Any]:
    fields = asdict(row)
    fields.pop("name")
    return {
        **fields,
        "name_zh": None if row.name is None else row.name.zh,
        "name_en": None if row.name is None else row.name.en,
    }


@router.get(
    "/balance-table", operation_id="get_balance_table", summary="能源平衡表 / Energy balance table"
)
async def get_balance_table(
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    basis: TableBasis = "reconciled",
) -> Answered:
    """Return the balance table of a period in every unit, with the nodes that lose most.

    返回任意时段的能源平衡表（kWh、GJ、tce 当量与等价、tCO₂e、元）与损失排序。
    """
    found = await balance_table.table(
        database, tenant_id=principal.tenant_id, site=site, start=start, end=end, basis=basis
    )
    return Answered.model_validate(
        {
            **about(found.state),
            "start": start,
            "end": end,
            "basis": basis,
            "formula": f"balance/{found.formula}",
            "clause": "GB/T 28751-2012",
            "rows": [_row(row) for row in found.rows],
            "sums": [{**asdict(total), "stage_zh": _STAGE_ZH[total.stage]} for total in found.sums],
            "links": [_named(link) for link in found.links],
            "cost_reason": found.cost_reason,
        }
    )


_FIGURES = (
    "amount",
    "energy_kwh",
    "energy_gj",
    "coal_equivalent_tce",
    "coal_equal_tce",
    "emission_tco2e",
    "cost_cny",
)
_COLUMNS = (
    Column("阶段 stage"),
    Column("项目 item"),
    Column("编码 code"),
    Column("名称"),
    Column("name"),
    Column("节点 node"),
    Column("能源品种 carrier"),
    Column("实物量 amount", "number"),
    Column("能量 energy [kWh]", "number"),
    Column("能量 energy [GJ]", "number"),
    Column("当量值 equivalent value [tce]", "number"),
    Column("等价值 equal value [tce]", "number"),
    Column("排放 emission [tCO2e]", "number"),
    Column("费用 cost [CNY]", "number"),
)


def _lines(found: BalanceTable) -> list[Sequence[object]]:
    """Return the lines of the table as they stand in a sheet, the sums last."""
    lines: list[Sequence[object]] = [
        (
            f"{_STAGE_ZH[row.stage]} {row.stage}",
            f"{_ITEM_ZH[row.item]} {row.item}",
            row.code,
            None if row.name is None else row.name.zh,
            None if row.name is None else row.name.en,
            row.node,
            row.carrier,
            *(getattr(row, name) for name in _FIGURES),
        )
        for row in found.rows
    ]
    lines += [
        (
            f"{_STAGE_ZH[total.stage]} {total.stage}",
            "合计 sum",
            *(None,) * 6,
            *(getattr(total, name) for name in _FIGURES[1:]),
        )
        for total in found.sums
    ]
    return lines


async def _once(lines: Sequence[Sequence[object]]) -> AsyncIterator[Sequence[Sequence[object]]]:
    yield lines


@asynccontextmanager
async def _opened(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    start: datetime,
    end: datetime,
    basis: Basis,
) -> AsyncIterator[Table]:
    found = await balance_table.table(
        database, tenant_id=tenant_id, site=site, start=start, end=end, basis=basis
    )
    yield Table.of_site(found.state, _COLUMNS, _once(_lines(found)))


@router.get(
    "/exports/balance-table",
    operation_id="export_balance_table",
    summary="导出能源平衡表 / Balance table as a file",
    response_class=Response,
    responses=FILES,  # type: ignore[arg-type] # a response by status
)
async def export_balance_table(
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    basis: TableBasis = "reconciled",
    form: FileFormat = "xlsx",
) -> Response:
    """Return the balance table as a workbook, CSV or Parquet.

    导出能源平衡表。
    """
    opened = _opened(
        database,
        tenant_id=principal.tenant_id,
        site=site,
        start=start,
        end=end,
        basis=basis,
    )
    return await answer_file(opened, name=f"{site}-balance-{basis}", form=form)
