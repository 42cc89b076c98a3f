"""静默 alert silences: alerts whose labels match are told to nobody for a while."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from api.dependencies import Instant, Now, Schema, Store
from api.security import Who, needs
from services import silencing
from services.notify.matching import Matcher
from services.silencing import NewSilence
from services.store.alert_policy import SilenceRow

router = APIRouter(tags=["告警静默 alert silences"], dependencies=[Depends(needs("read"))])
write_router = APIRouter(
    tags=["告警静默 alert silences"], dependencies=[Depends(needs("alert.write"))]
)

SilenceId = Annotated[UUID, Path(description="静默编号 / Number of the silence")]
Comment = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_000,
        pattern=r"[^\s\x00-\x1f]",
        description="原因 / Why",
    ),
]


class SilenceRequest(Schema):
    """A silence to begin."""

    matchers: Annotated[tuple[Matcher, ...], Field(min_length=1, max_length=20)] = Field(
        description="全部满足才静默，形式同 Alertmanager / All must hold, as in Alertmanager"
    )
    start: Instant | None = Field(default=None, description="省略为现在 / Now if left out")
    end: Instant
    comment: Comment


class Silence(Schema):
    """A silence."""

    id: UUID
    state: Literal["pending", "active", "expired"]
    matchers: list[dict[str, Any]]
    start: datetime
    end: datetime = Field(description="提前结束则为结束时刻 / When it ended, if early")
    comment: str
    created_by: str
    created_at: datetime
    expired_by: str | None = Field(description="提前结束者 / Who ended it early")


class Silences(Schema):
    """Silences, the newest first."""

    silences: list[Silence]


def _answer(row: SilenceRow, now: datetime) -> Silence:
    return Silence(
        id=row.id,
        state=silencing.state_of(row, at=now),
        matchers=row.matchers,
        start=row.start_at,
        end=silencing.end_of(row),
        comment=row.comment,
        created_by=row.created_by,
        created_at=row.created_at,
        expired_by=row.expired_by,
    )


@router.get("/alert-silences", operation_id="list_alert_silences", summary="静默 / Silences")
async def list_alert_silences(
    principal: Who,
    database: Store,
    now: Now,
    ended_after: Annotated[
        Instant | None,
        Query(description="也列出此后结束的；省略只列未结束的 / Also those that ended after this"),
    ] = None,
) -> Silences:
    """Return the silences that hold or will, at most 1,000, and on request those that ended.

    返回生效与将生效的静默；可同时列出已结束的。
    """
    rows = await silencing.list_silences(
        database, tenant_id=principal.tenant_id, ended_after=ended_after or now
    )
    return Silences(silences=[_answer(row, now) for row in rows])


@write_router.post(
    "/alert-silences",
    operation_id="create_alert_silence",
    summary="新建静默 / Begin a silence",
    status_code=201,
)
async def create_alert_silence(
    wanted: SilenceRequest, principal: Who, database: Store, now: Now
) -> Silence:
    """Begin a silence: what matches is kept and shown, and told to nobody until it ends.

    新建静默：匹配的告警照常记录与显示，静默结束前不通知任何人。
    """
    row = await silencing.create(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        new=NewSilence(wanted.matchers, wanted.start or now, wanted.end, wanted.comment),
        at=now,
    )
    return _answer(row, now)


@write_router.delete(
    "/alert-silences/{silence_id}",
    operation_id="expire_alert_silence",
    summary="结束静默 / End a silence",
)
async def expire_alert_silence(
    silence_id: SilenceId, principal: Who, database: Store, now: Now
) -> Silence:
    """End a silence now; it stays on record.

    立即结束静默；记录保留。
    """
    row = await silencing.expire(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        silence_id=silence_id,
        at=now,
    )
    return _answer(row, now)
