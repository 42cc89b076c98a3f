"""Alerts as people meet them: what fires, what fired, one alert's story, what they add to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple

from services.alert_events import announce
from services.alert_rules.expression import parse_expression
from services.alert_rules.measures import BY_NAME
from services.refusal import NotFound, Refusal
from services.store import accounts, alert_documents, answers
from services.store import alerts as store
from services.store.alert_documents import DocumentRow
from services.store.alerts import DeliveryRow, EpisodeRow, ExplainedRow, NewNote, NoteRow
from services.store.pool import Connection, Database
from services.totals import check_span

Severity = Literal["info", "warning", "critical"]
_SPAN_DAYS_MAX = 400


class AlertAcknowledged(Refusal):
    """Somebody acknowledged the alert before."""

    code: ClassVar[str] = "alert_acknowledged"


@dataclass(frozen=True, slots=True)
class ActiveAnswer:
    """What fires at the instant of the snapshot; `more` says that the list was cut.

    Attributes
    ----------
    evaluated_at : datetime or None
        When the rules were last looked at; None: never.
    """

    as_of: datetime
    evaluated_at: datetime | None
    rows: list[EpisodeRow]
    more: bool


@dataclass(frozen=True, slots=True)
class HistoryAnswer:
    """A page of episodes, newest first."""

    as_of: datetime
    rows: list[EpisodeRow]
    after: tuple[datetime, int] | None


class Headline(NamedTuple):
    """What the condition of a rule asks for first: what its value is of."""

    measure: str
    period: str
    function: str


@dataclass(frozen=True, slots=True)
class Story:
    """One alert from its beginning, with what was told to whom.

    There is no headline of an alert that another system sent.
    """

    as_of: datetime
    episode: ExplainedRow
    notes: list[NoteRow]
    deliveries: list[DeliveryRow]
    headline: Headline | None


async def active(
    database: Database, *, tenant_id: int, site: str | None, severity: str | None, limit: int
) -> ActiveAnswer:
    """Return what fires now, the most severe and then the newest first."""
    async with database.transaction(tenant_id, snapshot=True) as connection:
        rows = await store.list_active(connection, site=site, severity=severity, limit=limit + 1)
        return ActiveAnswer(
            as_of=await answers.instant(connection),
            evaluated_at=await store.evaluated_at(connection, tenant_id),
            rows=rows[:limit],
            more=len(rows) > limit,
        )


async def history(
    database: Database,
    *,
    tenant_id: int,
    start: datetime,
    end: datetime,
    site: str | None,
    severity: str | None,
    before: tuple[datetime, int] | None,
    limit: int,
) -> HistoryAnswer:
    """Return the episodes that fire somewhere in [start, end), the newest first.

    Raises
    ------
    RangeTooLarge, NotAnEdge
        As their names say.
    """
    check_span(start=start, end=end, days_max=_SPAN_DAYS_MAX)
    async with database.transaction(tenant_id, snapshot=True) as connection:
        rows = await store.list_history(
            connection,
            start=start,
            end=end,
            site=site,
            severity=severity,
            before=before or (end, 0),
            limit=limit + 1,
        )
        as_of = await answers.instant(connection)
    last = rows[limit - 1] if len(rows) > limit else None
    place = None if last is None else (last.fired_at, last.id)
    return HistoryAnswer(as_of, rows[:limit], place)


async def story(database: Database, *, tenant_id: int, alert: int) -> Story:
    """Return one alert with everything that happened to it.

    Raises
    ------
    NotFound
        If the tenant has no such alert.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        episode = await _find(connection, alert)
        rows = await alert_documents.list_documents(connection, tenant_id=tenant_id, kind="group")
        return Story(
            episode=episode,
            headline=_headline(episode, rows),
            as_of=await answers.instant(connection),
            notes=await store.list_notes(connection, alert),
            deliveries=await store.list_deliveries(connection, alert),
        )


def _headline(episode: EpisodeRow, rows: Sequence[DocumentRow]) -> Headline | None:
    """Return what the rule asked for first in the revision that the alert is of."""
    stated = next(
        (
            rule["expr"]
            for row in rows
            if (row.code, row.revision) == (episode.group_code, episode.revision)
            for rule in (row.document or {}).get("rules", ())
            if rule["alert"] == episode.rule
        ),
        None,
    )
    selectors = () if stated is None else parse_expression(stated).selectors
    if not selectors or selectors[0].measure.text not in BY_NAME:
        return None
    first = selectors[0]
    measure = BY_NAME[first.measure.text]
    periods = measure.over(first.function) or measure.periods
    period = periods[0] if first.period is None else first.period.text
    return Headline(measure.name, period, first.function)


async def acknowledge(
    database: Database, *, tenant_id: int, actor: str, alert: int, note: str, at: datetime
) -> EpisodeRow:
    """Say that somebody looks after an alert: it escalates no further.

    Raises
    ------
    NotFound
        If the tenant has no such alert.
    AlertAcknowledged
        If somebody has before.
    """
    async with database.transaction(tenant_id) as connection:
        found = await _find(connection, alert)
        if not await store.acknowledge(connection, episode_id=alert, actor=actor, at=at):
            raise AlertAcknowledged(
                f"{found.acknowledged_by} acknowledged this alert already: comment on it, or"
                " assign it",
                f"{found.acknowledged_by} 已确认该告警：可评论或改派",
            )
        await store.add_notes(
            connection,
            tenant_id=tenant_id,
            notes=[NewNote(alert, at, "acknowledged", actor, note)],
        )
        await accounts.record_change(
            connection,
            tenant_id=tenant_id,
            actor=actor,
            action="alert.acknowledge",
            object_kind="alert",
            object_code=str(alert),
            after={"note": note},
        )
        return await _tell(connection, tenant_id, alert, change="acknowledged", at=at)


async def comment(
    database: Database, *, tenant_id: int, actor: str, alert: int, text: str, at: datetime
) -> EpisodeRow:
    """Add a remark to the story of an alert.

    Raises
    ------
    NotFound
        If the tenant has no such alert.
    """
    note = NewNote(alert, at, "comment", actor, text)
    return await _add(database, tenant_id, note, change="commented")


async def assign(
    database: Database, *, tenant_id: int, actor: str, alert: int, to: str, note: str, at: datetime
) -> EpisodeRow:
    """Name who is to look after an alert; the last one named is.

    Raises
    ------
    NotFound
        If the tenant has no such alert.
    """
    line = NewNote(alert, at, "assigned", actor, note, {"to": to})
    return await _add(database, tenant_id, line, change="assigned")


async def _add(database: Database, tenant_id: int, note: NewNote, *, change: str) -> EpisodeRow:
    async with database.transaction(tenant_id) as connection:
        await _find(connection, note.episode_id)
        await store.add_notes(connection, tenant_id=tenant_id, notes=[note])
        return await _tell(connection, tenant_id, note.episode_id, change=change, at=note.at)


async def _tell(
    connection: Connection, tenant_id: int, alert: int, *, change: str, at: datetime
) -> EpisodeRow:
    episode = await _find(connection, alert)
    await announce(connection, tenant_id=tenant_id, episode=episode, change=change, at=at)
    return episode


async def _find(connection: Connection, alert: int) -> ExplainedRow:
    found = await store.find_episode(connection, alert)
    if found is None:
        raise NotFound("alert")
    return found
