"""Data quality: what became of everything received, and the review of what was not taken."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api import export
from api.dependencies import (
    ROWS_DEFAULT,
    ROWS_MAX,
    Code,
    Cursor,
    End,
    Instant,
    Limit,
    Now,
    Schema,
    SiteCode,
    Start,
    Store,
    Text,
    instant_of,
    next_link,
    read_cursor,
    write_cursor,
)
from api.schema import Answer, Sum, about, headers_about, sum_of
from api.security import Who, needs
from compute.periods import to_us
from services import review
from services.review import HoursAnswer

router = APIRouter(tags=["数据质量 data quality"], dependencies=[Depends(needs("read"))])
review_router = APIRouter(tags=["数据质量 data quality"], dependencies=[Depends(needs("review"))])

_HOUR_COLUMNS = (
    "hour",
    "gateway",
    "gateway_class",
    "received",
    "stored",
    "duplicate",
    "conflict",
    "quarantined",
    "adds_up",
)


class ReceivedHour(Schema):
    """Readings of a gateway in an hour of receipt: received = the sum of the four others."""

    hour: datetime
    gateway: str
    gateway_class: str = Field(description="receipted | acknowledged | best_effort | import")
    received: int
    stored: int
    duplicate: int
    conflict: int
    quarantined: int
    adds_up: bool = Field(description="收 = 存 + 重复 + 冲突 + 隔离 / The identity holds")


class Received(Answer):
    """What was received, hour by hour."""

    rows: list[ReceivedHour]
    next_cursor: str | None


class Gap(Schema):
    """Messages that a gateway numbered and the centre has not seen."""

    gateway: str
    epoch: str
    first_seq: int
    last_seq: int
    last_received_at: datetime


class Gaps(Answer):
    """Message numbers that are missing."""

    gaps: list[Gap]
    more: bool = Field(description="列表被截断 / The list was cut at the limit")


class Conflict(Schema):
    """A second, different value for an instant; the first stands."""

    point: str
    ts: datetime
    value: float | None
    kept_value: float | None
    received_at: datetime
    reviewed_at: datetime | None
    reviewed_by: str | None


class Conflicts(Answer):
    """Values that came second for an instant."""

    conflicts: list[Conflict]
    more: bool = Field(description="列表被截断 / The list was cut at the limit")


class PointCompleteness(Schema):
    """How much of the period the readings of a point cover."""

    point: str
    unit: str
    total: Sum


class Completeness(Answer):
    """Completeness of every point."""

    start: datetime
    end: datetime
    points: list[PointCompleteness]


class ConflictReview(Schema):
    """A review of the conflicts of an instant."""

    site: Code
    point: Code
    ts: Instant
    reason: Text


class Reviewed(Schema):
    """How many lines were settled."""

    count: int


@router.get(
    "/data-quality/received",
    operation_id="list_received",
    summary="收存恒等 / Received = stored + …",
    response_model=Received,
    responses=export.CSV_RESPONSE,
)
async def received(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    limit: Limit = ROWS_DEFAULT,
    cursor: Cursor = None,
) -> Received | Response:
    """Return readings per gateway and hour by what became of them: nothing is silent.

    按网关与小时返回接收数据的去向。
    """

    async def page(after: tuple[datetime, str] | None, count: int) -> HoursAnswer:
        return await review.received_hours(
            database,
            tenant_id=principal.tenant_id,
            site=site,
            start=start,
            end=end,
            after=after,
            limit=count,
        )

    def table(answer: HoursAnswer) -> export.Page:
        rows = [{name: getattr(row, name) for name in _HOUR_COLUMNS} for row in answer.rows]
        return rows, answer.after

    async def following(after: tuple[datetime, str]) -> export.Page:
        return table(await page(after, ROWS_MAX))

    place = read_cursor(cursor, int, str)
    after = None if place is None else (instant_of(place[0]), str(place[1]))
    csv = export.wants_csv(request)
    answer = await page(after, ROWS_MAX if csv else limit)
    if csv:
        return export.stream(
            file_name="received",
            columns=_HOUR_COLUMNS,
            first=table(answer),
            following=following,
            headers=headers_about(answer.state),
        )
    next_cursor = None
    if answer.after is not None:
        next_cursor = write_cursor(to_us(answer.after[0]), answer.after[1])
        response.headers["Link"] = next_link(request, next_cursor)
    return Received.model_validate(
        {**about(answer.state), "rows": answer.rows, "next_cursor": next_cursor}
    )


@router.get("/data-quality/gaps", operation_id="list_gaps", summary="缺号 / Sequence gaps")
async def gaps(
    principal: Who, database: Store, site: SiteCode, limit: Limit = ROWS_DEFAULT
) -> Gaps:
    """Return the message numbers that never came.

    返回未收到的报文序号。
    """
    answer = await review.sequence_gaps(
        database, tenant_id=principal.tenant_id, site=site, limit=limit
    )
    return Gaps.model_validate({**about(answer.state), "gaps": answer.rows, "more": answer.more})


@router.get("/data-quality/conflicts", operation_id="list_conflicts", summary="冲突 / Conflicts")
async def conflicts(
    principal: Who,
    database: Store,
    site: SiteCode,
    reviewed: Annotated[bool | None, Query(description="是否已审核 / Reviewed or not")] = None,
    limit: Limit = ROWS_DEFAULT,
) -> Conflicts:
    """Return values that came second for an instant; the first stands.

    返回同一时刻的第二个不同值。
    """
    answer = await review.conflicts(
        database, tenant_id=principal.tenant_id, site=site, reviewed=reviewed, limit=limit
    )
    return Conflicts.model_validate(
        {**about(answer.state), "conflicts": answer.rows, "more": answer.more}
    )


@review_router.post(
    "/data-quality/conflicts/review",
    operation_id="review_conflict",
    summary="审核冲突 / Review a conflict",
)
async def review_conflict(
    wanted: ConflictReview, principal: Who, database: Store, now: Now
) -> Reviewed:
    """Mark the conflicts of an instant as reviewed, with a reason; the first value stands.

    审核某一时刻的冲突并说明理由；保留首个值。
    """
    count = await review.close_conflict(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        site=wanted.site,
        point=wanted.point,
        ts=wanted.ts,
        reason=wanted.reason,
        at=now,
    )
    return Reviewed(count=count)


@router.get(
    "/data-quality/completeness", operation_id="get_completeness", summary="完整率 / Completeness"
)
async def completeness(
    principal: Who, database: Store, site: SiteCode, start: Start, end: End
) -> Completeness:
    """Return how much of the period the readings of each point cover.

    返回各测点数据覆盖时段的比例。
    """
    answer = await review.completeness(
        database, tenant_id=principal.tenant_id, site=site, start=start, end=end
    )
    return Completeness.model_validate(
        {
            **about(answer.state),
            "start": start,
            "end": end,
            "points": [
                {"point": row.code, "unit": row.unit, "total": sum_of(total)}
                for row, total in answer.points
            ],
        }
    )
