"""Factors: the reference list, what the tenant confirmed, its own figures."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from api.dependencies import (
    ROWS_DEFAULT,
    Code,
    Cursor,
    Limit,
    Now,
    Schema,
    Store,
    Text,
    next_link,
    read_cursor,
    write_cursor,
)
from api.security import Who, needs
from services import factors, reference
from services.reference import Override

router = APIRouter(tags=["因子 factors"], dependencies=[Depends(needs("read"))])
confirm_router = APIRouter(tags=["因子 factors"], dependencies=[Depends(needs("factor.confirm"))])
write_router = APIRouter(tags=["因子 factors"], dependencies=[Depends(needs("factor.write"))])

FactorInPath = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]+$",
        description="因子编号，须百分号编码 / Id of the factor, percent-encoded",
        examples=["natural_gas.ncv@GB/T 2589-2020"],
    ),
]


class Factor(Schema):
    """One figure with everything needed to judge it."""

    id: str
    carrier: str
    parameter: str
    value: float
    unit: str
    region: str | None = Field(description="地区；空为各地通用 / Region; none: everywhere")
    valid_from: date | None
    valid_to: date | None
    edition: str
    rule_set: str
    source: str
    clause: str
    confidence: str = Field(description="verified | computed | definition | recalled | own")
    basis: str
    note: str
    active: bool = Field(description="是否启用 / Whether it may be used")
    inactive_reason: str
    confirmed_by: str


class Factors(Schema):
    """A page of the factor list, by id."""

    factors: list[Factor]
    next_cursor: str | None


class ConfirmationWanted(Schema):
    """Why a recalled figure is right."""

    reason: Text = Field(
        description="依据，例如所核对文件的页码 / For example the page that was compared"
    )


class OwnFactor(Schema):
    """A figure of the tenant's own."""

    carrier: Code
    parameter: Code
    value: float = Field(allow_inf_nan=False)
    unit: Text
    basis: str = Field("", max_length=64, pattern=r"^[a-z_]*$")
    valid_from: date = Field(ge=date(1970, 1, 2), le=date(2200, 1, 1))
    valid_to: date | None = Field(None, ge=date(1970, 1, 2), le=date(2200, 1, 1))
    source: Text = Field(description="来源，如检测报告编号 / For example the number of a report")


class StoredOwnFactor(OwnFactor):
    """An own figure as it was stated."""

    id: int
    created_by: str
    created_at: datetime


@router.get("/factors", operation_id="list_factors", summary="因子列表 / Factors")
async def list_factors(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    carrier: Annotated[Code | None, Query(description="品种 / Carrier")] = None,
    parameter: Annotated[Code | None, Query(description="参数 / Parameter")] = None,
    region: Annotated[Code | None, Query(description="地区 / Region")] = None,
    active: Annotated[bool | None, Query(description="是否启用 / Active or not")] = None,
    limit: Limit = ROWS_DEFAULT,
    cursor: Cursor = None,
) -> Factors:
    """Return factors with source, validity, confidence, and why one is not active.

    返回因子及来源、有效期、可信度与未启用原因。
    """
    book = await factors.load_book(database, tenant_id=principal.tenant_id)
    place = read_cursor(cursor, str)
    after = "" if place is None else str(place[0])
    wanted = {"carrier": carrier, "parameter": parameter, "region": region, "active": active}
    found = sorted(
        (
            factor
            for factor in book.factors
            if factor.id > after
            and all(v is None or getattr(factor, name) == v for name, v in wanted.items())
        ),
        key=lambda factor: factor.id,
    )
    next_cursor = write_cursor(found[limit - 1].id) if len(found) > limit else None
    if next_cursor is not None:
        response.headers["Link"] = next_link(request, next_cursor)
    return Factors(factors=[_factor(factor) for factor in found[:limit]], next_cursor=next_cursor)


def _factor(factor: reference.Factor) -> Factor:
    return Factor(**{name: getattr(factor, name) for name in Factor.model_fields})


@confirm_router.post(
    "/factors/{factor_id:path}/confirmation",
    operation_id="confirm_factor",
    summary="确认因子 / Confirm a factor",
)
async def confirm_factor(
    factor_id: FactorInPath, confirmation: ConfirmationWanted, principal: Who, database: Store
) -> Factor:
    """Vouch for a recalled figure with a reason; what needs it is computed again.

    填写依据确认因子；相关结果将重算。
    """
    factor = await factors.confirm(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        factor_id=factor_id,
        reason=confirmation.reason,
    )
    return _factor(factor)


@router.get("/own-factors", operation_id="list_own_factors", summary="自有因子 / Own factors")
async def list_own_factors(principal: Who, database: Store) -> list[StoredOwnFactor]:
    """Return the tenant's own figures.

    返回本租户的自有因子。
    """
    rows = await factors.list_overrides(database, tenant_id=principal.tenant_id)
    return [StoredOwnFactor.model_validate(row) for row in rows]


@write_router.post(
    "/own-factors",
    operation_id="add_own_factor",
    summary="录入自有因子 / State an own factor",
    status_code=201,
)
async def add_own_factor(
    own: OwnFactor, principal: Who, database: Store, now: Now
) -> StoredOwnFactor:
    """State an own figure with its source; what lies in its validity is computed again.

    录入自有因子及来源；有效期内的结果将重算。
    """
    row = await factors.add_override(
        database,
        tenant_id=principal.tenant_id,
        override=Override(**own.model_dump(), stated_by=principal.actor),
        at=now,
    )
    return StoredOwnFactor.model_validate(row)
