"""能源消费量和强度 consumption and intensity."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field

from api.dependencies import End, Schema, SiteCode, Start, Store
from api.schema import Answer, CostSum, Sum, about, cost_of, sum_of, units_of
from api.security import Who, needs
from compute.intensity import Undefined
from compute.quantities import quantity
from services import consumption
from services.boundary import CarrierTotal
from services.consumption import ProductConsumption, Quotient
from services.totals import MEASURES

router = APIRouter(tags=["消费量与强度 consumption"], dependencies=[Depends(needs("read"))])

REASONS = {
    Undefined.NO_OUTPUT: "无产量，强度无定义 / not defined: nothing was made",
    Undefined.IDLE: "既无消费也无产量 / not defined: nothing consumed, nothing made",
    Undefined.UNKNOWN: "消费量或产量未知 / consumption or output is not known",
    Undefined.NEGATIVE_OUTPUT: "产量为负 / output is negative: take a longer period",
    Undefined.TOO_LARGE: "产量过小 / the output is too small",
}


class CarrierSum(Schema):
    """One carrier over the boundary of the site."""

    carrier: str
    name_zh: str
    name_en: str
    unit: str = Field(description="amount 的单位 / Unit of amount")
    total: Sum


class Intensity(Schema):
    """A quotient, or why there is none."""

    value: float | None = Field(examples=[412.5])
    unit: str = Field(examples=["kgce/t"])
    reason: str | None = Field(description="无定义的原因 / Why it is not defined")


class ProductIntensity(Schema):
    """What one unit of a product needed."""

    product: str
    name_zh: str
    name_en: str
    unit: str
    node: str = Field(description="所计消费的节点边界 / Consumption is that of this node")
    made: Sum = Field(description=quantity("product_amount").description)
    energy: Intensity = Field(description="单位产品综合能耗（当量值） / equivalent value")
    energy_equal: Intensity = Field(description="单位产品综合能耗（等价值） / equal value")
    electricity: Intensity = Field(description="单位产品电耗 / Electricity per unit")
    emission: Intensity = Field(description=quantity("intensity_tco2e_per_t").description)


class CarrierConsumption(CarrierSum):
    """One carrier over the boundary of the site, and what it cost."""

    cost: CostSum


class Consumption(Answer):
    """Consumption and intensity over a period."""

    start: datetime
    end: datetime
    units: dict[str, str]
    total: Sum | None = Field(
        description="综合能源消费量，含当量值与等价值 / Comprehensive energy consumption, both"
        " values"
    )
    cost: CostSum = Field(description="全厂用能成本 / Cost of the site's energy")
    carriers: list[CarrierConsumption]
    feedstock: Sum | None = Field(
        description="其中原料用能，可从总量中扣除 / Of which feedstock, which may be left out"
    )
    renewable_power: Sum | None = Field(
        description="其中可再生能源电力，可从总量中扣除 / Of which renewable power, likewise"
    )
    products: list[ProductIntensity]


def carrier_sum(row: CarrierTotal) -> dict[str, Any]:
    """Return a carrier's total as it is answered."""
    return {
        "carrier": row.carrier,
        "name_zh": row.name_zh,
        "name_en": row.name_en,
        "unit": row.unit,
        "total": sum_of(row.total),
    }


def _intensity(found: Quotient) -> dict[str, Any]:
    return {
        "value": found.value,
        "unit": found.unit,
        "reason": REASONS.get(found.reason),
    }


def _product(row: ProductConsumption) -> dict[str, Any]:
    return {
        "product": row.product,
        "name_zh": row.name_zh,
        "name_en": row.name_en,
        "unit": row.unit,
        "node": row.node,
        "made": sum_of(row.made),
        "energy": _intensity(row.energy),
        "energy_equal": _intensity(row.energy_equal),
        "electricity": _intensity(row.electricity),
        "emission": _intensity(row.emission),
    }


@router.get("/consumption", operation_id="get_consumption", summary="消费量与强度 / Consumption")
async def get_consumption(
    principal: Who, database: Store, site: SiteCode, start: Start, end: End
) -> Consumption:
    """Return what the site consumed by carrier, in tce, and per unit of each product.

    按 GB/T 2589-2020 返回任意时段的消费量与单位产品强度。
    """
    found = await consumption.consume(
        database, tenant_id=principal.tenant_id, site=site, start=start, end=end
    )
    return Consumption.model_validate(
        {
            **about(found.state),
            "start": start,
            "end": end,
            "units": units_of((*MEASURES, "cost_cny")),
            "total": None if found.total is None else sum_of(found.total),
            "cost": cost_of(found.cost),
            "carriers": [
                {**carrier_sum(row), "cost": cost_of(cost)}
                for row, cost in zip(found.carriers, found.carrier_costs, strict=True)
            ],
            "feedstock": None if found.feedstock is None else sum_of(found.feedstock),
            "renewable_power": None
            if found.renewable_power is None
            else sum_of(found.renewable_power),
            "products": [_product(row) for row in found.products],
        }
    )
