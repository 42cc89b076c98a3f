"""告警 alerts: what fires, what fired, one alert's story, and what people do about it; 晴雨表."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from api.dependencies import (
    ROWS_DEFAULT,
    Code,
    Cursor,
    End,
    Limit,
    Now,
    Schema,
    Start,
    Store,
    Text,
    instant_of,
    next_link,
    read_cursor,
    write_cursor,
)
from api.security import Who, needs
from compute.periods import to_us
from services import alert_stories, weather
from services.alert_stories import Severity

router = APIRouter(tags=["告警 alerts"], dependencies=[Depends(needs("read"))])
write_router = APIRouter(tags=["告警 alerts"], dependencies=[Depends(needs("alert.write"))])

AlertId = Annotated[int, Path(ge=1, lt=2**62, description="告警编号 / Number of the alert")]
InSite = Annotated[Code | None, Query(description="只要该厂区 / This site only")]
OfSeverity = Annotated[Severity | None, Query(description="只要该级别 / This severity only")]
_LONG = Field(default="", max_length=4_000)
Colour = Literal["green", "yellow", "red"]


class Alert(Schema):
    """An alert: one row for each time an instance of a rule fired."""

    id: int
    rule: str
    group_code: str = Field(description="规则组 / Group of the rule")
    revision: int = Field(description="规则版本 / Revision of the rule")
    severity: Severity
    site: str | None
    labels: dict[str, str]
    texts: dict[str, str] = Field(
        description="触发时的文本（中英） / Texts at the moment of firing"
    )
    active_at: datetime = Field(description="条件开始成立 / The condition held from here")
    fired_at: datetime
    resolved_at: datetime | None
    resolved_by: Literal["condition", "rule", "object", "sender", "lapsed"] | None
    value: float | None = Field(description="触发时的值 / Value at the moment of firing")
    value_worst: float | None = Field(description="最严重的值 / Farthest from the limit")
    limit_value: float | None
    unit: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class ActiveAlerts(Schema):
    """What fires now."""

    as_of: datetime
    evaluated_at: datetime | None = Field(
        description="规则最近一次评估；久远则不可依赖 / When rules were last evaluated"
    )
    alerts: list[Alert]
    more: bool = Field(description="true: 列表被截断 / the list was cut")


class AlertHistory(Schema):
    """A page of alerts, newest first."""

    as_of: datetime
    alerts: list[Alert]
    next_cursor: str | None


class Note(Schema):
    """One line of the story of an alert."""

    id: int
    at: datetime
    kind: str
    actor: str
    text: str
    detail: dict[str, Any] | None


class Delivery(Schema):
    """What was to be told to whom, and what became of it."""

    id: int
    kind: str
    channel: str
    step: int
    created_at: datetime
    due_at: datetime
    attempt_count: int
    delivered_at: datetime | None
    abandoned_at: datetime | None
    problem: str


class Headline(Schema):
    """What the condition of a rule asks for first: what the value of an alert is of."""

    measure: str = Field(description="规则可用的量 / As rules name it")
    period: str = Field(description="live, interval, hour, day, month, year")
    function: str = Field(description="value, forecast, previous, budget")


class AlertStory(Schema):
    """One alert from its beginning."""

    as_of: datetime
    alert: Alert
    headline: Headline | None = Field(description="null: 外部系统的告警 / of another system")
    explanation: dict[str, Any] | None = Field(
        description="触发时的原因分析：变化分解为产量、结构、强度、因子效应 / What was behind it:"
        " the change as volume, structure, intensity and factor effects"
    )
    notes: list[Note]
    deliveries: list[Delivery]


class Remark(Schema):
    """What somebody says."""

    note: str = _LONG


class Comment(Schema):
    """A remark that says something."""

    note: Text


class Assignment(Schema):
    """Who is to look after an alert."""

    to: Text
    note: str = _LONG


class NodeWeather(Schema):
    """The weather of a node."""

    node: str
    name_zh: str
    name_en: str
    parent: str | None
    colour: Colour
    alerts: list[int]


class SiteWeather(Schema):
    """The weather of a site."""

    site: str
    name_zh: str
    name_en: str
    colour: Colour
    alerts: list[int]
    nodes: list[NodeWeather]


class Weather(Schema):
    """Green, yellow or red for the tenant, its sites and their nodes."""

    as_of: datetime
    evaluated_at: datetime | None
    colour: Colour
    sites: list[SiteWeather]


@router.get("/alerts", operation_id="list_alerts", summary="当前告警 / What fires now")
async def list_alerts(
    principal: Who,
    database: Store,
    site: InSite = None,
    severity: OfSeverity = None,
    limit: Limit = ROWS_DEFAULT,
) -> ActiveAlerts:
    """Return what fires now, the most severe and then the newest first.

    返回当前触发的告警，按级别、时间排序。
    """
    found = await alert_stories.active(
        database, tenant_id=principal.tenant_id, site=site, severity=severity, limit=limit
    )
    return ActiveAlerts(
        as_of=found.as_of,
        evaluated_at=found.evaluated_at,
        alerts=[_alert(row) for row in found.rows],
        more=found.more,
    )


@router.get("/alerts/history", operation_id="list_alert_history", summary="历史告警 / History")
async def list_history(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    start: Start,
    end: End,
    site: InSite = None,
    severity: OfSeverity = None,
    limit: Limit = ROWS_DEFAULT,
    cursor: Cursor = None,
) -> AlertHistory:
    """Return the alerts that fire somewhere in a period of at most 400 days, newest first.

    返回时段内触发过的告警（最长 400 天），新的在前。
    """
    place = read_cursor(cursor, int, int)
    found = await alert_stories.history(
        database,
        tenant_id=principal.tenant_id,
        start=start,
        end=end,
        site=site,
        severity=severity,
        before=None if place is None else (instant_of(place[0]), place[1]),
        limit=limit,
    )
    after = None if found.after is None else write_cursor(to_us(found.after[0]), found.after[1])
    if after is not None:
        response.headers["Link"] = next_link(request, after)
    return AlertHistory(
        as_of=found.as_of, alerts=[_alert(row) for row in found.rows], next_cursor=after
    )


@router.get("/alerts/{alert}", operation_id="get_alert", summary="告警始末 / One alert's story")
async def get_alert(alert: AlertId, principal: Who, database: Store) -> AlertStory:
    """Return one alert with its notes, what was behind it, and what was told to whom.

    返回单条告警的始末：记录、原因分析、投递情况。
    """
    found = await alert_stories.story(database, tenant_id=principal.tenant_id, alert=alert)
    return AlertStory(
        as_of=found.as_of,
        alert=_alert(found.episode),
        headline=None if found.headline is None else Headline(**found.headline._asdict()),
        explanation=found.episode.explanation,
        notes=[Note.model_validate(row) for row in found.notes],
        deliveries=[Delivery.model_validate(row) for row in found.deliveries],
    )


@write_router.post(
    "/alerts/{alert}/acknowledge", operation_id="acknowledge_alert", summary="确认 / Acknowledge"
)
async def acknowledge(
    alert: AlertId, remark: Remark, principal: Who, database: Store, now: Now
) -> Alert:
    """Say that somebody looks after the alert: it escalates no further.

    确认告警：不再升级通知。
    """
    return _alert(
        await alert_stories.acknowledge(
            database,
            tenant_id=principal.tenant_id,
            actor=principal.actor,
            alert=alert,
            note=remark.note,
            at=now,
        )
    )


@write_router.post(
    "/alerts/{alert}/comment", operation_id="comment_alert", summary="评论 / Comment"
)
async def comment(
    alert: AlertId, remark: Comment, principal: Who, database: Store, now: Now
) -> Alert:
    """Add a remark to the story of the alert.

    添加评论。
    """
    return _alert(
        await alert_stories.comment(
            database,
            tenant_id=principal.tenant_id,
            actor=principal.actor,
            alert=alert,
            text=remark.note,
            at=now,
        )
    )


@write_router.post("/alerts/{alert}/assign", operation_id="assign_alert", summary="指派 / Assign")
async def assign(
    alert: AlertId, assignment: Assignment, principal: Who, database: Store, now: Now
) -> Alert:
    """Name who is to look after the alert; the last one named is.

    指派处理人，以最后一次为准。
    """
    return _alert(
        await alert_stories.assign(
            database,
            tenant_id=principal.tenant_id,
            actor=principal.actor,
            alert=alert,
            to=assignment.to,
            note=assignment.note,
            at=now,
        )
    )


@router.get("/weather", operation_id="get_weather", summary="晴雨表 / Weather")
async def get_weather(principal: Who, database: Store) -> Weather:
    """Return green, yellow or red for the tenant, its sites and their nodes.

    返回租户、厂区与各用能单元的红黄绿状态：有紧急告警为红，有一般告警为黄。
    """
    found = await weather.read_weather(database, tenant_id=principal.tenant_id)
    return Weather.model_validate(found)


def _alert(row: object) -> Alert:
    known = {name: getattr(row, name) for name in Alert.model_fields}
    return Alert.model_validate(known)
