"""Where a figure comes from."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from api.dependencies import (
    Cursor,
    End,
    Limit,
    Schema,
    SiteCode,
    Start,
    Store,
    instant_of,
    next_link,
    read_cursor,
    write_cursor,
)
from api.routes.data_audit import Decision, decision_of
from api.schema import Answer, about
from api.security import Who, needs
from compute.periods import to_us
from services import tracing

router = APIRouter(tags=["溯源 provenance"], dependencies=[Depends(needs("read"))])


class Origin(Schema):
    """What one base interval of a site was computed from."""

    ts: datetime
    formula: str
    code_version: str
    computed_at: datetime
    input_hash: str = Field(description="输入读数的散列 / Hash over the readings that went in")
    plant_version: int
    plant_sha256: str
    factor_set_id: int
    factor_set_sha256: str


class FactorSet(Schema):
    """Factors that results stand on: used and missing, each with its source."""

    id: int
    sha256: str
    factors: dict[str, Any]


class Provenance(Answer):
    """Origin of the results of a site."""

    clauses: list[str] = Field(description="依据标准 / Standards that the formula follows")
    rows: list[Origin]
    factor_sets: list[FactorSet]
    decisions: list[Decision] = Field(
        description="计算所依据的审核与更正 / Decisions about readings that the results stand on"
    )
    next_cursor: str | None


@router.get("/provenance", operation_id="get_provenance", summary="溯源 / Provenance")
async def get_provenance(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Provenance:
    """Return input hash, description, factors and formula of each base interval.

    返回每个基本周期的输入散列、描述版本、因子与公式。
    """
    place = read_cursor(cursor, int)
    begin = start if place is None else max(start, instant_of(place[0]))
    answer = await tracing.trace_results(
        database, tenant_id=principal.tenant_id, site=site, start=begin, end=end, limit=limit
    )
    next_cursor = None
    if answer.after is not None:
        next_cursor = write_cursor(to_us(answer.after))
        response.headers["Link"] = next_link(request, next_cursor)
    return Provenance.model_validate(
        {
            **about(answer.state),
            "clauses": list(answer.clauses),
            "rows": answer.rows,
            "factor_sets": answer.factor_sets,
            "decisions": [decision_of(row) for row in answer.decisions],
            "next_cursor": next_cursor,
        }
    )
