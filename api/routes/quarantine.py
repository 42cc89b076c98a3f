"""Messages that could not be taken: read, tried again, given up."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from api.dependencies import (
    Cursor,
    Now,
    Schema,
    Store,
    Text,
    next_link,
    read_cursor,
    write_cursor,
)
from api.routes.data_quality import Reviewed
from api.security import Who, needs
from services import review
from services.store.review import ItemState

router = APIRouter(tags=["数据质量 data quality"], dependencies=[Depends(needs("read"))])
write_router = APIRouter(
    tags=["数据质量 data quality"], dependencies=[Depends(needs("quarantine.write"))]
)

_NEWEST = 2**62
QuarantineInPath = Annotated[int, Path(ge=1, lt=2**62)]


class QuarantineItem(Schema):
    """An item that was not taken, and why."""

    item: int = Field(description="报文内序号；-1 为整条 / Place in the message; -1 is all of it")
    code: str
    detail: str
    state: ItemState
    due_at: datetime | None
    attempt_count: int
    resolved_at: datetime | None
    resolved_by: str | None


class Quarantined(Schema):
    """A message of which something was not taken."""

    id: int
    site: str | None
    gateway: str | None
    topic: str
    received_at: datetime
    received_count: int
    payload_bytes: int
    sha256: str
    items: list[QuarantineItem]


class QuarantineList(Schema):
    """A page of quarantined messages, newest first."""

    messages: list[Quarantined]
    next_cursor: str | None


class Decision(Schema):
    """What to do with items of a quarantined message, and why."""

    reason: Text
    items: list[int] | None = Field(
        None, max_length=10_000, description="省略为全部 / All, if left out"
    )


@router.get("/quarantine", operation_id="list_quarantine", summary="隔离区 / Quarantine")
async def list_quarantine(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    state: Annotated[ItemState | None, Query(description="条目状态 / State of an item")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Cursor = None,
) -> QuarantineList:
    """Return messages of which something was not taken, newest first, with each reason.

    返回隔离的报文及逐项原因。
    """
    place = read_cursor(cursor, int)
    rows = await review.list_quarantine(
        database,
        tenant_id=principal.tenant_id,
        before_id=_NEWEST if place is None else int(place[0]),
        state=state,
        limit=limit + 1,
    )
    next_cursor = write_cursor(rows[limit - 1].id) if len(rows) > limit else None
    if next_cursor is not None:
        response.headers["Link"] = next_link(request, next_cursor)
    return QuarantineList(
        messages=[Quarantined.model_validate(row) for row in rows[:limit]],
        next_cursor=next_cursor,
    )


_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}
}


@router.get(
    "/quarantine/{quarantine_id}/payload",
    operation_id="get_quarantine_payload",
    summary="原始报文 / Payload",
    response_class=Response,
    responses=_BYTES,
)
async def payload(quarantine_id: QuarantineInPath, principal: Who, database: Store) -> Response:
    """Return the message byte for byte.

    逐字节返回原始报文。
    """
    row = await review.quarantine_payload(
        database, tenant_id=principal.tenant_id, quarantine_id=quarantine_id
    )
    return Response(
        row.payload,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="quarantine-{quarantine_id}.bin"',
            "ETag": f'"{row.sha256}"',
        },
    )


async def _settle(
    quarantine_id: int,
    decision: Decision,
    principal: Who,
    database: Store,
    *,
    state: Literal["requested", "discarded"],
    now: datetime,
) -> Reviewed:
    count = await review.settle_quarantine(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        quarantine_id=quarantine_id,
        items=decision.items,
        state=state,
        reason=decision.reason,
        at=now,
    )
    return Reviewed(count=count)


@write_router.post(
    "/quarantine/{quarantine_id}/redrive",
    operation_id="redrive_quarantine",
    summary="重新处理 / Try again",
)
async def redrive(
    quarantine_id: QuarantineInPath, decision: Decision, principal: Who, database: Store, now: Now
) -> Reviewed:
    """Have items tried again; ingest takes them up within seconds.

    请求重新处理；接收进程将在数秒内执行。
    """
    return await _settle(quarantine_id, decision, principal, database, state="requested", now=now)


@write_router.post(
    "/quarantine/{quarantine_id}/discard",
    operation_id="discard_quarantine",
    summary="放弃 / Give up",
)
async def discard(
    quarantine_id: QuarantineInPath, decision: Decision, principal: Who, database: Store, now: Now
) -> Reviewed:
    """Give items up, with a reason; the bytes stay.

    说明理由后放弃；报文保留。
    """
    return await _settle(quarantine_id, decision, principal, database, state="discarded", now=now)
