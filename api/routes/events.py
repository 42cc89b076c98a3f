"""Live events as server-sent events: replay from Last-Event-ID, then as they are committed."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.dependencies import Code, Now, Schema, Store
from api.errors import Detail, Problem
from api.security import Who, needs
from services import clock
from services.accounts import identify
from services.live_events import LiveEvents, Resume
from services.store.live import EventRow
from services.store.pool import DatabaseUnavailable

router = APIRouter(tags=["实时事件 live events"], dependencies=[Depends(needs("read"))])

# A revoked credential ends its streams within a minute.
RECHECK_S = 20.0
_RETRY_MS = 2_000


class Event(Schema):
    """What the data of an event holds."""

    at: datetime
    site: str | None
    payload: Any


class Hello(Schema):
    """The first event of a stream, or the word that some were missed: read everything anew."""

    as_of: datetime
    reason: str
    reason_zh: str


async def last_event_id(
    value: Annotated[
        str | None,
        Header(alias="Last-Event-ID", max_length=1000, description="上次收到的编号 / Last seen id"),
    ] = None,
) -> int | None:
    """Return the number that a client saw last.

    Raises
    ------
    Problem
        If it is no number of ours.
    """
    if value is None:
        return None
    if not value.isascii() or not value.isdecimal() or len(value) > 18:
        raise Problem(
            "last_event_id_invalid",
            Detail(
                "Last-Event-ID is not an id of this stream: connect without it",
                "Last-Event-ID 不是本流的编号：请去掉后重新连接",
                "Last-Event-ID",
            ),
        )
    return int(value)


async def subscription(
    request: Request, principal: Who, last_seq: Annotated[int | None, Depends(last_event_id)]
) -> AsyncIterator[Resume]:
    """Count the reader while its stream runs, and give where it goes on."""
    events: LiveEvents = request.app.state.events
    async with events.reader(principal.tenant_id):
        yield await events.resume(principal.tenant_id, last_seq)


@router.get(
    "/events",
    operation_id="stream_events",
    summary="实时事件流 / Live events",
    response_class=EventSourceResponse,
)
async def stream(
    request: Request,
    principal: Who,
    database: Store,
    now: Now,
    resume: Annotated[Resume, Depends(subscription)],
    site: Annotated[Code | None, Query(description="只要该厂区 / This site only")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Stream the tenant's events; the id of each is its number in the log.

    `hello` 为首个事件；`resync` 表示可能有遗漏，应重新读取全部数据。
    """
    events: LiveEvents = request.app.state.events
    tenant_id, seq = principal.tenant_id, resume.seq
    yield _opening(resume, now)
    checked_at = clock.monotonic()
    try:
        while True:
            if events.has_fallen_behind(tenant_id, seq):
                place = await events.resume(tenant_id, seq)
                seq = place.seq
                if place.is_gap:
                    yield _opening(place, clock.now())
            for row in await events.after(tenant_id, seq, timeout_s=RECHECK_S):
                seq = row.seq
                if site is None or row.site in {None, site}:
                    yield _event(row)
            if clock.monotonic() - checked_at >= RECHECK_S:
                again = await identify(database, request.state.token)
                if again is None or "read" not in again.permissions:
                    return
                checked_at = clock.monotonic()
    except DatabaseUnavailable:
        # The client comes back with the last id that it saw.
        return


def _opening(resume: Resume, now: datetime) -> ServerSentEvent:
    hello = Hello(as_of=now, reason="live from here on", reason_zh="自此刻起实时推送")
    if resume.is_gap:
        hello = Hello(
            as_of=now,
            reason="events may have been missed: read everything anew",
            reason_zh="可能有事件遗漏：请重新读取全部数据",
        )
    return ServerSentEvent(
        data=hello,
        event="resync" if resume.is_gap else "hello",
        id=str(resume.seq),
        retry=_RETRY_MS,
    )


def _event(row: EventRow) -> ServerSentEvent:
    return ServerSentEvent(
        data=Event(at=row.at, site=row.site, payload=row.payload),
        event=row.kind,
        id=str(row.seq),
    )
