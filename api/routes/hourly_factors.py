"""Hourly factors of a grid: a year of values at once, and what was stated."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from api.dependencies import Code, Schema, SiteCode, Store, Text
from api.security import Who, needs
from services import hourly_factors
from services.files.hours import HOURS_MAX
from services.json_values import finite
from services.store.hourly_factors import StatementRow

router = APIRouter(tags=["因子 factors"], dependencies=[Depends(needs("read"))])
write_router = APIRouter(tags=["因子 factors"], dependencies=[Depends(needs("factor.write"))])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "hour,tco2_per_mwh\n2026-01-01T00:00+08:00,0.5366\n",
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["start", "tco2_per_mwh"],
                    "properties": {
                        "start": {"type": "string", "format": "date-time"},
                        "tco2_per_mwh": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": HOURS_MAX,
                            "items": {"type": ["number", "null"]},
                        },
                    },
                }
            },
        },
    }
}


class HourlyStatement(Schema):
    """Factors of successive hours, as they were stated."""

    id: int
    region: str
    start: datetime
    end: datetime
    hour_count: int
    lacking_hour_count: int = Field(
        description="未给出的小时，用月度或年度因子 / Hours that have the factor of month or year"
    )
    mean_tco2_per_mwh: float | None = Field(description="算术平均 / Arithmetic mean of the hours")
    source: str
    sha256: str = Field(description="溯源中的因子版本 / The version that provenance names")
    stated_at: datetime
    stated_by: str


class HourlyYear(Schema):
    """What stands of a place in a calendar year of the site."""

    region: str
    year: int
    start: datetime
    end: datetime
    hour_count: int
    lacking_hour_count: int = Field(
        description="无小时因子，用月度或年度因子 / Hours that have the factor of month or year"
    )
    mean_tco2_per_mwh: float | None = Field(
        description="已有小时的算术平均 / Mean of those that stand"
    )
    sources: list[str]
    stated_at: datetime


class HourlyValues(HourlyStatement):
    """A statement with its values."""

    tco2_per_mwh: list[float | None]


class StatedHours(Schema):
    """What stating did."""

    statement: HourlyStatement | None = Field(
        description="null: 与现行数值及来源相同 / every hour holds already, from this source"
    )
    changed_hour_count: int


def _statement(row: StatementRow) -> dict[str, Any]:
    values = [value for value in row.tco2_per_mwh if finite(value) is not None]
    return {
        "id": row.id,
        "region": row.region,
        "start": row.start_ts,
        "end": row.start_ts + timedelta(hours=len(row.tco2_per_mwh)),
        "hour_count": len(row.tco2_per_mwh),
        "lacking_hour_count": len(row.tco2_per_mwh) - len(values),
        "mean_tco2_per_mwh": sum(values) / len(values) if values else None,
        "source": row.source,
        "sha256": row.sha256,
        "stated_at": row.stated_at,
        "stated_by": row.stated_by,
    }


@router.get(
    "/hourly-factors", operation_id="list_hourly_factors", summary="小时因子 / Hourly factors"
)
async def list_hourly_factors(principal: Who, database: Store) -> list[HourlyStatement]:
    """Return every statement; of an hour the last one that covers it decides.

    返回历次录入的电网小时因子；同一小时以最后一次为准。
    """
    rows = await hourly_factors.list_statements(database, tenant_id=principal.tenant_id)
    return [HourlyStatement.model_validate(_statement(row)) for row in rows]


@router.get(
    "/hourly-factors/years",
    operation_id="list_hourly_factor_years",
    summary="各年小时因子 / Hourly factors by year",
)
async def list_hourly_factor_years(
    principal: Who, database: Store, site: SiteCode
) -> list[HourlyYear]:
    """Return how many hours of each year stand and how many lack, by region, the newest year first.

    按地区返回各年（厂区时区）已有与缺少的小时数，同一小时以最后一次录入为准。
    """
    years = await hourly_factors.list_years(database, tenant_id=principal.tenant_id, site=site)
    return [HourlyYear.model_validate(asdict(year)) for year in years]


@router.get(
    "/hourly-factors/{number}",
    operation_id="get_hourly_factors",
    summary="小时因子数值 / Values of a statement",
)
async def get_hourly_factors(
    number: Annotated[int, Path(ge=1, lt=2**31)], principal: Who, database: Store
) -> HourlyValues:
    """Return a statement with the factor of each hour.

    返回一次录入的逐时数值。
    """
    row = await hourly_factors.find_statement(
        database, tenant_id=principal.tenant_id, number=number
    )
    values = [finite(value) for value in row.tco2_per_mwh]
    return HourlyValues.model_validate({**_statement(row), "tco2_per_mwh": values})


@write_router.post(
    "/hourly-factors",
    operation_id="state_hourly_factors",
    summary="录入小时因子 / State hourly factors",
    openapi_extra=_BODY,
)
async def state_hourly_factors(
    request: Request,
    principal: Who,
    database: Store,
    region: Annotated[Code, Query(description="地区或电网代码 / Region or grid")],
    source: Annotated[Text, Query(description="来源 / Where the values are from")],
) -> StatedHours:
    """State up to a year of hours in tCO2/MWh, as CSV or JSON; what they change is computed again.

    录入至多一年的逐时因子（tCO2/MWh，CSV 或 JSON）；受影响的结果将重算，未给出者用月度或年度因子。
    """
    done = await hourly_factors.state(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        region=region,
        source=source,
        content=await request.body(),
    )
    return StatedHours.model_validate(
        {
            "statement": None if done.statement is None else _statement(done.statement),
            "changed_hour_count": done.changed_hour_count,
        }
    )
