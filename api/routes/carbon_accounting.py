"""碳排放核算 carbon accounting, with every factor that it stands on."""

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field

from api.dependencies import End, Schema, SiteCode, Start, Store
from api.routes.consumption import CarrierSum, carrier_sum
from api.schema import Answer, Sum, about, sum_of, units_of
from api.security import Who, needs
from compute.quantities import quantity
from services import carbon_accounting
from services.carbon_accounting import SourceEmission
from services.totals import MEASURES

router = APIRouter(tags=["碳排放核算 carbon accounting"], dependencies=[Depends(needs("read"))])


class Source(Schema):
    """Emission that one flow from outside brought into the site."""

    flow: str
    name_zh: str | None
    name_en: str | None
    source: str
    carrier: str
    unit: str
    total: Sum


class FactorUsed(Schema):
    """A factor that went into the emission of a carrier."""

    carrier: str
    quantity: str
    factor_id: str
    value: float | None = Field(
        description="null: 逐时因子，见 /hourly-factors / one of each hour, see /hourly-factors"
    )
    unit: str
    region: str | None
    valid_from: date | None
    valid_to: date | None
    source: str
    clause: str
    confidence: str
    confirmed_by: str
    how: str = Field(
        description="查得方式：exact、regional_fallback、national_fallback、latest、earliest、override、"
        "hourly 逐时、hour_lacking 该小时未给出 / How the lookup found it; hour_lacking: this value"
        " stands in for hours that a statement leaves empty"
    )
    interval_count: int = Field(description="采用该因子的基本周期数 / Base intervals that used it")


class FactorMissing(Schema):
    """Why an emission is invalid, and what mends it."""

    carrier: str
    quantity: str
    parameter: str
    code: str = Field(description="not_found | not_confirmed")
    reason: str
    reason_zh: str
    remedy: str
    remedy_zh: str


class Carbon(Answer):
    """Emission of a site over a period."""

    start: datetime
    end: datetime
    units: dict[str, str]
    total: Sum | None
    emission_total_tco2e: float | None = Field(
        description=quantity("emission_total_tco2e").description
    )
    carriers: list[CarrierSum] = Field(
        description="按品种，扣除外供 / By carrier, net of what is sold; they add up to the total"
    )
    sources: list[Source] = Field(description="按供入能流 / By flow from outside")
    factors: list[FactorUsed]
    missing_factors: list[FactorMissing]


def _source(row: SourceEmission) -> dict[str, Any]:
    return {
        "flow": row.flow,
        "name_zh": None if row.name is None else row.name.zh,
        "name_en": None if row.name is None else row.name.en,
        "source": row.source,
        "carrier": row.carrier,
        "unit": row.unit,
        "total": sum_of(row.total),
    }


def factor_used(line: dict[str, Any]) -> dict[str, Any]:
    """Return a stored line of used factors as it is answered."""
    factor = line["factor"]
    kept = FactorUsed.model_fields.keys() & factor.keys()
    return {
        **{name: factor[name] for name in kept},
        "carrier": line["carrier"],
        "quantity": line["quantity"],
        "how": line["how"],
        "factor_id": factor["id"],
        "interval_count": line["interval_count"],
    }


@router.get("/carbon", operation_id="get_carbon", summary="碳排放 / Carbon")
async def get_carbon(
    principal: Who, database: Store, site: SiteCode, start: Start, end: End
) -> Carbon:
    """Return direct and purchased emission by carrier and source, and the factors used.

    返回直接排放与购入电力、热力排放，及所用因子与缺失因子。
    """
    found = await carbon_accounting.account(
        database, tenant_id=principal.tenant_id, site=site, start=start, end=end
    )
    return Carbon.model_validate(
        {
            **about(found.state),
            "start": start,
            "end": end,
            "units": units_of((*MEASURES, "emission_total_tco2e")),
            "total": None if found.total is None else sum_of(found.total),
            "emission_total_tco2e": found.emission_total_tco2e,
            "carriers": [carrier_sum(row) for row in found.carriers],
            "sources": [_source(row) for row in found.sources],
            "factors": [factor_used(line) for line in found.used],
            "missing_factors": found.missing,
        }
    )
