"""Alertmanager 接口 alertmanager: its API v2, for readers and senders that speak it.

Karma and Grafana read what fires and silence it; Prometheus and others send their alerts. Names
and forms are Alertmanager's; whose alerts they are the credential says.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import ConfigDict, Field

from api.dependencies import Instant, Now, Schema, Store
from api.errors import Detail, Problem
from api.security import Who, needs
from services import external_alerts, silencing
from services.external_alerts import Sent, Shown
from services.notify.alertmanager import ENDS_AFTER, annotations_of, labels_of
from services.notify.matching import (
    LabelMatcher,
    Matcher,
    PatternRefused,
    matches,
    read_matcher,
)
from services.provenance import VERSION
from services.silencing import NewSilence
from services.store.alert_policy import SilenceRow

_TAGS: list[Any] = ["Alertmanager 接口 alertmanager"]
router = APIRouter(tags=_TAGS, dependencies=[Depends(needs("read"))])
write_router = APIRouter(tags=_TAGS, dependencies=[Depends(needs("alert.write"))])

# Readers choose their dialect by it: what is answered is that of this version.
_SPOKEN: Final = "0.28.1"
_FILTERS_MAX = 20
_ALERTS_MAX = 1_000

Filters = Annotated[
    list[str] | None,
    Query(alias="filter", max_length=_FILTERS_MAX, description='如 node="hall" / Label matchers'),
]
Wanted = Annotated[bool, Query(description="是否列出 / Whether to list these")]
ReceiverPattern = Annotated[
    str | None, Query(max_length=200, description="接收者（模式） / Pattern of the receiver")
]
SilenceId = Annotated[UUID, Path(description="静默编号 / Number of the silence")]
_Labels = Annotated[dict[str, Annotated[str, Field(max_length=2_000)]], Field(max_length=60)]


class _Camel(Schema):
    model_config = ConfigDict(populate_by_name=True)


class PostableAlert(_Camel):
    """An alert of another system."""

    labels: _Labels
    annotations: _Labels = Field(default_factory=dict)
    starts_at: Instant | None = Field(default=None, alias="startsAt")
    ends_at: Instant | None = Field(default=None, alias="endsAt")
    generator_url: str = Field(default="", alias="generatorURL", max_length=2_000)


class Receiver(Schema):
    """A channel."""

    name: str


class AlertStatus(_Camel):
    """Whether an alert is told."""

    state: Literal["unprocessed", "active", "suppressed"]
    silenced_by: list[str] = Field(alias="silencedBy")
    inhibited_by: list[str] = Field(default_factory=list, alias="inhibitedBy")
    muted_by: list[str] = Field(default_factory=list, alias="mutedBy")


class GettableAlert(_Camel):
    """An alert that fires."""

    labels: dict[str, str]
    annotations: dict[str, str]
    receivers: list[Receiver]
    fingerprint: str
    starts_at: datetime = Field(alias="startsAt")
    updated_at: datetime = Field(alias="updatedAt")
    ends_at: datetime = Field(alias="endsAt")
    generator_url: str = Field(alias="generatorURL")
    status: AlertStatus


class AlertGroup(Schema):
    """Alerts that a channel is told of together."""

    labels: dict[str, str]
    receiver: Receiver
    alerts: list[GettableAlert]


class PostableSilence(_Camel):
    """A silence to begin, or to put in place of another."""

    id: UUID | None = None
    matchers: Annotated[tuple[Matcher, ...], Field(min_length=1, max_length=20)]
    starts_at: Instant = Field(alias="startsAt")
    ends_at: Instant = Field(alias="endsAt")
    created_by: str = Field(default="", alias="createdBy", max_length=200)
    comment: str = Field(default="", max_length=1_000)


class SilenceStatus(Schema):
    """Whether a silence holds."""

    state: Literal["pending", "active", "expired"]


class GettableSilence(_Camel):
    """A silence."""

    id: UUID
    status: SilenceStatus
    updated_at: datetime = Field(alias="updatedAt")
    comment: str
    created_by: str = Field(alias="createdBy")
    ends_at: datetime = Field(alias="endsAt")
    starts_at: datetime = Field(alias="startsAt")
    matchers: list[dict[str, Any]]


class SilenceCreated(_Camel):
    """The number of a silence."""

    silence_id: UUID = Field(alias="silenceID")


@router.get("/status", operation_id="get_alertmanager_status", summary="状态 / Status")
async def get_status(now: Now) -> dict[str, Any]:
    """Return what readers ask for first: a version, and a cluster of one.

    返回版本与集群状态（单机）。
    """
    return {
        "cluster": {"status": "disabled", "peers": []},
        "config": {"original": ""},
        "uptime": now,
        "versionInfo": {
            "version": _SPOKEN,
            "revision": f"nengtan-{VERSION}",
            "branch": "",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        },
    }


@router.get("/receivers", operation_id="list_alertmanager_receivers", summary="接收者 / Receivers")
async def list_receivers(principal: Who, database: Store, now: Now) -> list[Receiver]:
    """Return the channels that are told of what fires now.

    返回当前告警的接收通道。
    """
    shown = await external_alerts.show(database, tenant_id=principal.tenant_id, filters=(), at=now)
    names = sorted({name for one in shown for name in one.receivers})
    return [Receiver(name=name) for name in names]


@router.get("/alerts", operation_id="list_alertmanager_alerts", summary="告警 / Alerts")
async def list_alerts(
    principal: Who,
    database: Store,
    now: Now,
    filters: Filters = None,
    receiver: ReceiverPattern = None,
    *,
    active: Wanted = True,
    silenced: Wanted = True,
    inhibited: Wanted = True,
    unprocessed: Wanted = True,
) -> list[GettableAlert]:
    """Return what fires, as Alertmanager would.

    按 Alertmanager 的形式返回当前告警。
    """
    del inhibited, unprocessed  # nothing is ever one of these here
    shown = await external_alerts.show(
        database, tenant_id=principal.tenant_id, filters=_filters(filters), at=now
    )
    wanted = _wanted(shown, receiver, active=active, silenced=silenced)
    return [_alert(one, now) for one in wanted]


@router.get("/alerts/groups", operation_id="list_alertmanager_groups", summary="分组 / Groups")
async def list_groups(
    principal: Who,
    database: Store,
    now: Now,
    filters: Filters = None,
    receiver: ReceiverPattern = None,
    *,
    active: Wanted = True,
    silenced: Wanted = True,
    inhibited: Wanted = True,
    muted: Wanted = True,
) -> list[AlertGroup]:
    """Return what fires, by channel and by what is told together.

    按通道与分组返回当前告警。
    """
    del inhibited, muted
    shown = await external_alerts.show(
        database, tenant_id=principal.tenant_id, filters=_filters(filters), at=now
    )
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[GettableAlert]] = {}
    for one in _wanted(shown, receiver, active=active, silenced=silenced):
        labels = tuple(sorted(labels_of(one.group).items()))
        for name in one.receivers:
            groups.setdefault((name, labels), []).append(_alert(one, now))
    return [
        AlertGroup(labels=dict(labels), receiver=Receiver(name=name), alerts=alerts)
        for (name, labels), alerts in sorted(groups.items(), key=lambda item: item[0])
    ]


@write_router.post("/alerts", operation_id="post_alertmanager_alerts", summary="送入 / Send alerts")
async def post_alerts(
    alerts: Annotated[list[PostableAlert], Field(max_length=_ALERTS_MAX)],
    principal: Who,
    database: Store,
    now: Now,
) -> None:
    """Take alerts of another system: they are kept, told and shown like ours.

    接收其他系统的告警：与本系统的一样记录、通知与显示。
    """
    await external_alerts.receive(
        database,
        tenant_id=principal.tenant_id,
        tenant=principal.tenant_code,
        sent=[Sent(one.labels, one.annotations, one.starts_at, one.ends_at) for one in alerts],
        at=now,
    )


@router.get("/silences", operation_id="list_alertmanager_silences", summary="静默 / Silences")
async def list_silences(
    principal: Who, database: Store, now: Now, filters: Filters = None
) -> list[GettableSilence]:
    """Return the silences that hold or will.

    返回生效与将生效的静默。
    """
    rows = await silencing.list_silences(database, tenant_id=principal.tenant_id, ended_after=now)
    wanted = _filters(filters)
    return [
        _silence(row, now)
        for row in rows
        if all(one.model_dump() in row.matchers for one in wanted)
    ]


@router.get(
    "/silence/{silence_id}", operation_id="get_alertmanager_silence", summary="静默 / A silence"
)
async def get_silence(
    silence_id: SilenceId, principal: Who, database: Store, now: Now
) -> GettableSilence:
    """Return a silence, also one that ended.

    返回一个静默（含已结束）。
    """
    row = await silencing.find(database, tenant_id=principal.tenant_id, silence_id=silence_id)
    return _silence(row, now)


@write_router.post(
    "/silences", operation_id="post_alertmanager_silence", summary="新建静默 / Begin a silence"
)
async def post_silence(
    wanted: PostableSilence, principal: Who, database: Store, now: Now
) -> SilenceCreated:
    """Begin a silence, or put one in place of another; its author is who is signed in.

    新建或替换静默；创建人为当前账号。
    """
    said = " ".join(part for part in (wanted.comment.strip(), wanted.created_by.strip()) if part)
    row = await silencing.create(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        new=NewSilence(
            wanted.matchers,
            wanted.starts_at,
            wanted.ends_at,
            wanted.comment.strip() or said or "—",
        ),
        at=now,
        instead_of=wanted.id,
    )
    return SilenceCreated(silence_id=row.id)


@write_router.delete(
    "/silence/{silence_id}",
    operation_id="delete_alertmanager_silence",
    summary="结束静默 / End a silence",
)
async def delete_silence(silence_id: SilenceId, principal: Who, database: Store, now: Now) -> None:
    """End a silence now.

    立即结束静默。
    """
    await silencing.expire(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        silence_id=silence_id,
        at=now,
    )


def _filters(texts: Iterable[str] | None) -> list[LabelMatcher]:
    try:
        return [read_matcher(text) for text in texts or ()]
    except PatternRefused as refused:
        raise Problem(
            "invalid",
            Detail(
                f'{str(refused)[:64]!r} is no matcher that is taken: write one such as node="hall"'
                ' or node=~"hall|yard.*"',
                f'{str(refused)[:64]!r} 不是可用的匹配式：如 node="hall" 或 node=~"hall|yard.*"',
                pointer="filter",
            ),
        ) from None


def _wanted(
    shown: Iterable[Shown], receiver: str | None, *, active: bool, silenced: bool
) -> list[Shown]:
    told = _filters(None if receiver is None else [f'receiver=~"{receiver}"'])
    return [
        one
        for one in shown
        if (silenced if one.silenced_by else active)
        and any(matches(told, {"receiver": name}) for name in one.receivers)
    ]


def _alert(one: Shown, now: datetime) -> GettableAlert:
    row = one.episode
    return GettableAlert(
        labels=labels_of(row.labels),
        annotations=annotations_of(row.texts),
        receivers=[Receiver(name=name) for name in one.receivers],
        fingerprint=f"{row.fingerprint % 2**64:016x}",
        starts_at=row.fired_at,
        updated_at=now,
        ends_at=now + ENDS_AFTER,
        generator_url=f"/alerts/{row.id}",
        status=AlertStatus(
            state="suppressed" if one.silenced_by else "active", silenced_by=one.silenced_by
        ),
    )


def _silence(row: SilenceRow, now: datetime) -> GettableSilence:
    return GettableSilence(
        id=row.id,
        status=SilenceStatus(state=silencing.state_of(row, at=now)),
        updated_at=row.expired_at or row.created_at,
        comment=row.comment,
        created_by=row.created_by,
        ends_at=silencing.end_of(row),
        starts_at=row.start_at,
        matchers=row.matchers,
    )
