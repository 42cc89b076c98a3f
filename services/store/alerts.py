"""Alerts as rows: the state of instances now, episodes, and their stories."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from services.json_values import iso_utc
from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query

# Whoever asks what was told a year ago gets an answer; episodes and their notes are always kept.
DELIVERIES_KEPT = timedelta(days=400)
_TRIMMED_MAX = 10_000

# The last two are of alerts that other systems send: they said so, or sent it no more.
ResolvedBy = Literal["condition", "rule", "object", "sender", "lapsed"]
NoteKind = Literal["fired", "resolved", "acknowledged", "comment", "assigned"]


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """An instance of a rule that is not inactive.

    Attributes
    ----------
    state : int
        1 pending, 2 firing.
    evaluated_at : datetime
        When its condition was last seen to hold.
    """

    fingerprint: int
    group_code: str
    rule: str
    revision: int
    site_id: int | None
    labels: dict[str, str]
    state: int
    active_at: datetime
    fired_at: datetime | None
    keep_since: datetime | None
    evaluated_at: datetime
    value: float | None
    episode_id: int | None


@dataclass(frozen=True, slots=True)
class NewEpisode:
    """An episode at the moment of firing."""

    site_id: int | None
    fingerprint: int
    group_code: str
    rule: str
    revision: int
    severity: str
    labels: dict[str, str]
    texts: dict[str, str]
    active_at: datetime
    fired_at: datetime
    value: float | None
    limit_value: float | None
    unit: str
    explanation: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """An episode: what fired, from when to when, and how far it went."""

    id: int
    fingerprint: int
    site_id: int | None
    site: str | None
    group_code: str
    rule: str
    revision: int
    severity: str
    labels: dict[str, str]
    texts: dict[str, str]
    active_at: datetime
    fired_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    value: float | None
    value_worst: float | None
    limit_value: float | None
    unit: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True)
class ExplainedRow(EpisodeRow):
    """An episode with what was found behind it at the moment of firing."""

    explanation: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class NoteRow:
    """One line of the story of an episode."""

    id: int
    at: datetime
    kind: str
    actor: str
    text: str
    detail: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
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


@dataclass(frozen=True, slots=True)
class NewNote:
    """A line to add to the story of an episode."""

    episode_id: int
    at: datetime
    kind: NoteKind
    actor: str
    text: str = ""
    detail: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FiringRow:
    """What fires now, as far as the weather needs it."""

    site: str | None
    labels: dict[str, str]
    severity: str
    id: int


async def take_over(
    connection: Connection, *, tenant_id: int, writer: str, at: datetime
) -> list[InstanceRow]:
    """Become the one who keeps the alerts of a tenant, and return their states.

    Who kept them before is refused from now on (`beat`).
    """
    await connection.execute(query("alert_take_over"), (tenant_id, at, Jsonb({"writer": writer})))
    return await fetch_all(connection, InstanceRow, "alert_instances", (tenant_id,))


async def beat(connection: Connection, *, tenant_id: int, writer: str, at: datetime) -> bool:
    """Say that the rules of a tenant were evaluated; False: somebody else keeps its alerts now.

    The row stays locked until the transaction ends: two writers never mix.
    """
    cursor = await connection.execute(query("alert_beat"), (tenant_id, writer, at))
    return cursor.rowcount == 1


async def put_instances(
    connection: Connection, *, tenant_id: int, rows: Sequence[InstanceRow]
) -> None:
    """Write the states of instances over what stands."""
    if rows:
        await connection.execute(query("alert_put_instances"), (tenant_id, _json(rows)))


async def see_instances(
    connection: Connection, *, tenant_id: int, rows: Sequence[tuple[int, datetime, float | None]]
) -> None:
    """Note when the conditions of instances were last seen to hold, and their values."""
    if rows:
        seen = [{"fingerprint": f, "at": iso_utc(at), "value": value} for f, at, value in rows]
        await connection.execute(query("alert_see_instances"), (tenant_id, Jsonb(seen)))


async def drop_instances(
    connection: Connection, *, tenant_id: int, fingerprints: Sequence[int]
) -> None:
    """Forget instances: they are inactive."""
    if fingerprints:
        await connection.execute(query("alert_drop_instances"), (tenant_id, list(fingerprints)))


async def open_episodes(
    connection: Connection, *, tenant_id: int, rows: Sequence[NewEpisode]
) -> dict[int, int]:
    """Begin episodes; return the number of each by fingerprint."""
    if not rows:
        return {}
    cursor = await connection.execute(query("alert_open_episodes"), (tenant_id, _json(rows)))
    return {row["fingerprint"]: row["id"] for row in await cursor.fetchall()}


async def close_episodes(
    connection: Connection, *, tenant_id: int, ids: Sequence[int], at: datetime, by: ResolvedBy
) -> None:
    """End episodes."""
    if ids:
        await connection.execute(query("alert_close_episodes"), (tenant_id, list(ids), at, by))


async def worsen_episodes(
    connection: Connection, *, tenant_id: int, values: Sequence[tuple[int, float]]
) -> None:
    """Write how far episodes have gone by now."""
    if values:
        rows = [{"id": number, "value": value} for number, value in values]
        await connection.execute(query("alert_worsen_episodes"), (tenant_id, Jsonb(rows)))


async def episodes(
    connection: Connection, *, tenant_id: int, ids: Sequence[int]
) -> list[EpisodeRow]:
    """Return episodes by their numbers."""
    return await fetch_all(connection, EpisodeRow, "alert_open_rows", (tenant_id, list(ids)))


async def unexplained(connection: Connection, *, tenant_id: int, ids: Sequence[int]) -> list[int]:
    """Return those of some episodes that have no explanation."""
    cursor = await connection.execute(query("alert_unexplained"), (tenant_id, list(ids)))
    return [row["id"] for row in await cursor.fetchall()]


async def put_explanation(
    connection: Connection, *, tenant_id: int, episode_id: int, explanation: dict[str, Any]
) -> None:
    """Keep what was found behind an episode that has fired without."""
    values = (tenant_id, episode_id, Jsonb(explanation))
    await connection.execute(query("alert_put_explanation"), values)


async def add_notes(connection: Connection, *, tenant_id: int, notes: Sequence[NewNote]) -> None:
    """Add to the stories of episodes."""
    if notes:
        await connection.execute(query("alert_add_notes"), (tenant_id, _json(notes)))


async def list_active(
    connection: Connection, *, site: str | None, severity: str | None, limit: int
) -> list[EpisodeRow]:
    """Return what fires now, the most severe first."""
    return await fetch_all(connection, EpisodeRow, "alert_active", (site, severity, limit))


async def list_history(
    connection: Connection,
    *,
    start: datetime,
    end: datetime,
    site: str | None,
    severity: str | None,
    before: tuple[datetime, int],
    limit: int,
) -> list[EpisodeRow]:
    """Return episodes that fire somewhere in [start, end), the newest first."""
    values = (start, end, site, severity, *before, limit)
    return await fetch_all(connection, EpisodeRow, "alert_history", values)


async def find_episode(connection: Connection, episode_id: int) -> ExplainedRow | None:
    """Return an episode that this transaction may see, if there is one of that number."""
    return await fetch_one(connection, ExplainedRow, "alert_episode", (episode_id,))


async def list_notes(connection: Connection, episode_id: int) -> list[NoteRow]:
    """Return the story of an episode."""
    return await fetch_all(connection, NoteRow, "alert_notes", (episode_id,))


async def list_deliveries(connection: Connection, episode_id: int) -> list[DeliveryRow]:
    """Return what was to be told of an episode."""
    return await fetch_all(connection, DeliveryRow, "alert_deliveries", (episode_id,))


async def trim_deliveries(connection: Connection, *, at: datetime) -> int:
    """Forget deliveries that ended long ago, of episodes that did; return how many there were.

    One that waits, or is of an episode that fires, is kept however old it is: it says that others
    have been told. A summary is kept as long as what it sums up.
    """
    values = (at - DELIVERIES_KEPT, _TRIMMED_MAX)
    cursor = await connection.execute(query("alert_trim_deliveries"), values)
    return cursor.rowcount


async def acknowledge(connection: Connection, *, episode_id: int, actor: str, at: datetime) -> bool:
    """Acknowledge an episode; False: somebody has before."""
    cursor = await connection.execute(query("alert_acknowledge"), (episode_id, at, actor))
    return cursor.rowcount == 1


async def list_firing(connection: Connection) -> list[FiringRow]:
    """Return everything that fires now, the oldest first."""
    return await fetch_all(connection, FiringRow, "alert_weather")


async def evaluated_at(connection: Connection, tenant_id: int) -> datetime | None:
    """Return when the rules of the tenant were last evaluated, if ever."""
    row = await (await connection.execute(query("alert_heartbeat"), (tenant_id,))).fetchone()
    return None if row is None else row["at"]


def _json(rows: Sequence[InstanceRow | NewEpisode | NewNote]) -> Jsonb:
    """Return records as one array of JSON."""
    return Jsonb(
        [
            {
                name: iso_utc(value) if isinstance(value, datetime) else value
                for name, value in asdict(row).items()
            }
            for row in rows
        ]
    )
