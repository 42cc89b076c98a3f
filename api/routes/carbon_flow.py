"""碳流 carbon flow: the factor of every source, followed to every node, product and tenant."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.dependencies import Code, End, Schema, SiteCode, Start, Store
from api.schema import Answer, about
from api.security import Who, needs
from services import carbon_flow
from services.carbon_figures import CarbonNode, CarbonProduct, CarbonSource, EndKind
from services.carbon_flow import Basis

router = APIRouter(tags=["碳排放核算 carbon accounting"], dependencies=[Depends(needs("read"))])
_LOCATION = "地区法 / Location-based"
_MARKET = "市场法（合同因子） / Market-based, by the factors of contracts"
_MISSING = "；null：缺少因子 / null: a factor is missing"


class Source(Schema):
    """A flow that enters from outside; `earlier` is what storages held of sources now gone."""

    code: str
    name_zh: str | None
    name_en: str | None
    node: str | None
    carrier: str | None
    energy_kwh: float
    location_tco2e: float | None = Field(description=_LOCATION + _MISSING)
    market_tco2e: float | None = Field(description=_MARKET + _MISSING)
    location_kgco2e_per_kwh: float | None
    market_kgco2e_per_kwh: float | None
    has_market_factor: bool = Field(
        description="描述中写有市场法因子；否则与地区法相同 / Else as location-based"
    )


class Node(Schema):
    """A node inside: emission that ended within its boundary, and intensity of what leaves it."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    parent: str | None
    passing_kwh: float = Field(description="流经能量；储能为期末储量 / Of a storage: its content")
    location_tco2e: float | None = Field(description="边界内终用与损失的排放 / " + _LOCATION)
    market_tco2e: float | None = Field(description=_MARKET)
    location_kgco2e_per_kwh: float | None = Field(description="该节点输出的碳强度 / Of what leaves")
    market_kgco2e_per_kwh: float | None
    uncertain: bool = Field(description="有未知能流按 0 计 / A flow that is not known counts as 0")


class Ended(Schema):
    """Where energy and emission of each source ended; lists in the order of `sources`."""

    code: str = Field(description="节点 / Node")
    kind: EndKind = Field(
        description="use 终端使用 | delivery 外供 | loss 损失 | stock 储量增加 / more in store"
    )
    energy_kwh: list[float] = Field(description="转换前的来源能量 / Source energy, unconverted")
    location_tco2e: list[float | None]
    market_tco2e: list[float | None]


class Product(Schema):
    """A product with the emission of the node that makes it."""

    code: str
    name_zh: str
    name_en: str
    unit: str
    node: str
    amount: float | None
    location_tco2e: float | None
    market_tco2e: float | None
    location_kgco2e_per_unit: float | None
    market_kgco2e_per_unit: float | None


class Tenant(Schema):
    """A member of a park with the emission of its node."""

    tenant: str
    node: str
    energy_kwh: float
    location_tco2e: float | None
    market_tco2e: float | None


class Conserved(Schema):
    """What entered less what ended or is held more: rounding at most."""

    entered_kwh: float
    left_over_kwh: float
    location_left_over_tco2e: float | None
    market_left_over_tco2e: float | None


class CarbonFlow(Answer):
    """Where the emission of each source ended over a period."""

    start: datetime
    end: datetime
    formula: str = Field(examples=["balance/1"])
    interval_count: int = Field(description="时段内的基本周期数 / Base intervals of the period")
    traced_count: int = Field(description="其中已追踪的 / Of these, those that are traced")
    sources: list[Source]
    nodes: list[Node]
    ends: list[Ended] = Field(description="来源 → 去向矩阵的行 / Rows of the attribution matrix")
    products: list[Product]
    tenants: list[Tenant]
    conservation: Conserved


class Intensities(Answer):
    """Intensity of what leaves each node, interval by interval."""

    basis: Basis
    unit: Literal["kgCO2e/kWh"]
    starts: list[datetime]
    nodes: dict[str, list[float | None]] = Field(
        description="节点 → 各周期的碳强度；null：未知 / By node; null where not known"
    )


def _named(row: CarbonSource | CarbonNode | CarbonProduct) -> dict[str, Any]:
    fields = asdict(row)
    fields.pop("name")
    if "is_uncertain" in fields:
        fields["uncertain"] = fields.pop("is_uncertain")
    name = row.name
    return {
        **fields,
        "name_zh": None if name is None else name.zh,
        "name_en": None if name is None else name.en,
    }


@router.get("/carbon-flow", operation_id="get_carbon_flow", summary="碳流追踪 / Carbon flow")
async def get_carbon_flow(
    principal: Who, database: Store, site: SiteCode, start: Start, end: End
) -> CarbonFlow:
    """Return intensities of nodes, and where the emission of each source ended; 92 days at most.

    返回各节点碳强度与来源—去向归因矩阵，地区法与市场法并列；至多 92 天。
    """
    found = await carbon_flow.trace(
        database, tenant_id=principal.tenant_id, site=site, start=start, end=end
    )
    return CarbonFlow.model_validate(
        {
            **about(found.state),
            "start": start,
            "end": end,
            "formula": f"balance/{found.formula}",
            "interval_count": found.interval_count,
            "traced_count": found.traced_count,
            "sources": [_named(source) for source in found.sources],
            "nodes": [_named(node) for node in found.nodes],
            "ends": [asdict(end) for end in found.ends],
            "products": [_named(product) for product in found.products],
            "tenants": [asdict(tenant) for tenant in found.tenants],
            "conservation": asdict(found.conservation),
        }
    )


@router.get(
    "/carbon-flow/intensity",
    operation_id="get_carbon_intensity",
    summary="节点碳强度曲线 / Intensity of nodes",
)
async def get_carbon_intensity(
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    basis: Annotated[Basis, Query(description="location | market")] = "location",
    node: Annotated[Code | None, Query(description="仅此节点 / Of this node alone")] = None,
) -> Intensities:
    """Return the stored intensity of nodes in every closed interval; 32 days at most.

    返回各节点逐周期的碳强度；至多 32 天。
    """
    found = await carbon_flow.intensities(
        database,
        tenant_id=principal.tenant_id,
        site=site,
        start=start,
        end=end,
        basis=basis,
        node=node,
    )
    return Intensities.model_validate(
        {
            **about(found.state),
            "basis": basis,
            "unit": "kgCO2e/kWh",
            "starts": found.starts,
            "nodes": found.by_node,
        }
    )
