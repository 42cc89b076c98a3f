"""The newest live values of a site, for those who do not hold a stream open."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field

from api.dependencies import Schema, SiteCode, Store
from api.security import Who, needs
from services import live_events

router = APIRouter(tags=["实时事件 live events"], dependencies=[Depends(needs("read"))])


class LiveAnswer(Schema):
    """The newest `live` event of a site."""

    as_of: datetime
    time_zone: str
    at: datetime | None = Field(description="事件时刻 / When it was told")
    site: str
    payload: Any = Field(
        description="与实时流 live 事件相同；没有时为 null / As in the stream; null if none"
    )


@router.get("/live", operation_id="get_live", summary="实时值 / Live values")
async def live(principal: Who, database: Store, site: SiteCode) -> LiveAnswer:
    """Return what flows now: rates of the last minute, the open interval and the day so far.

    最近一分钟的速率、当前周期与当日累计；未知为 null，绝不以 0 代替。
    """
    found = await live_events.newest(database, tenant_id=principal.tenant_id, site=site)
    row = found.row
    return LiveAnswer(
        as_of=found.as_of,
        time_zone=found.time_zone,
        at=None if row is None else row.at,
        site=site,
        payload=None if row is None else row.payload,
    )
