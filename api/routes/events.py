"""Live events as server-sent events: replay from Last-Event-ID, then as they are committed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from api.dependencies import Code, Now, Schema, Store
from api.errors import Detail, Problem
from api.security import Who, needs
from services import clock
from services.accounts import identify
from services.live_events import PAGE_COUNT, LiveEvents, Resume
from services.store.live import EventRow
from services.store.pool import DatabaseUnavailable

router = APIRouter(tags=["实时事件 live events"], dependencies=[Depends(needs("read"))])

# How often a silent stream is kept alive, and any stream's credential is looked at again: one that
# is revoked ends within a minute.
RECHECK_S = 15.0
_RETRY_MS = 2_000
# A client is sent at most five bursts a second; what comes meanwhile goes with the next.
BURST_S = 0.2


class EventStream(StreamingResponse):
    """Server-sent events as bytes.

    Not FastAPI's `EventSourceResponse`: its generator endpoints (0.165) end in a logged error
    whenever a client leaves while an event is on its way.
    """

    media_type = "text/event-stream"


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
    response_class=EventStream,
)
async def stream(
    request: Request,
    principal: Who,
    database: Store,
    now: Now,
    resume: Annotated[Resume, Depends(subscription)],
    site: Annotated[Code | None, Query(description="只要该厂区 / This site only")] = None,
) -> EventStream:
    """Stream the tenant's events; the id of each is its number in the log.

    At most five bursts a second; of `live` events that wait, only the newest of each site is sent.
    每秒至多推送五批；积压的 `live` 事件每个厂区只发最新一条。
    `hello` 为首个事件；`resync` 表示可能有遗漏，应重新读取全部数据。
    """
    live: LiveEvents = request.app.state.events
    token: str = request.state.token

    async def is_still_allowed() -> bool:
        again = await identify(database, token)
        return again is not None and "read" in again.permissions

    return EventStream(
        _frames(live, principal.tenant_id, resume, now, site, is_still_allowed),
        headers={"X-Accel-Buffering": "no"},
    )


async def _frames(
    live: LiveEvents,
    tenant_id: int,
    resume: Resume,
    now: datetime,
    site: str | None,
    is_still_allowed: Callable[[], Awaitable[bool]],
) -> AsyncIterator[bytes]:
    """Yield events as they are sent; nothing is read ahead of a client that is slow."""
    seq = resume.seq
    yield _opening(resume, now)
    checked_at = clock.monotonic()
    try:
        while not live.is_closed:
            if live.has_fallen_behind(tenant_id, seq):
                place = await live.resume(tenant_id, seq)
                seq = place.seq
                if place.is_gap:
                    yield _opening(place, clock.now())
            rows = await live.after(tenant_id, seq, timeout_s=RECHECK_S)
            if not rows:
                yield KEEPALIVE_COMMENT
            for row in rows:
                seq = row.seq
                if site is None or row.site in {None, site}:
                    yield _event(row)
            await asyncio.sleep(_pause_s(rows))
            if clock.monotonic() - checked_at >= RECHECK_S:
                if not await is_still_allowed():
                    return
                checked_at = clock.monotonic()
    except DatabaseUnavailable:
        # The client comes back with the last id that it saw.
        return


def _pause_s(rows: list[EventRow]) -> float:
    """Return how long to gather before the next burst: not at all while catching up."""
    return BURST_S if 0 < len(rows) < PAGE_COUNT else 0.0


def _opening(resume: Resume, now: datetime) -> bytes:
    hello = Hello(as_of=now, reason="live from here on", reason_zh="自此刻起实时推送")
    if resume.is_gap:
        hello = Hello(
            as_of=now,
            reason="events may have been missed: read everything anew",
            reason_zh="可能有事件遗漏：请重新读取全部数据",
        )
    return format_sse_event(
        data_str=hello.model_dump_json(),
        event="resync" if resume.is_gap else "hello",
        id=str(resume.seq),
        retry=_RETRY_MS,
    )


def _event(row: EventRow) -> bytes:
    event = Event(at=row.at, site=row.site, payload=row.payload)
    return format_sse_event(data_str=event.model_dump_json(), event=row.kind, id=str(row.seq))
