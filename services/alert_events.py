"""The `alert` event: what changed of an episode, in the words in which every answer has it."""

from datetime import datetime
from typing import Any, Literal

from services.json_values import iso_utc
from services.store import alerts, events
from services.store.alerts import EpisodeRow, NewNote
from services.store.pool import Connection


def payload_of(episode: EpisodeRow, change: str) -> dict[str, Any]:
    """Return the payload of the event of a change."""
    return {
        "change": change,
        "id": episode.id,
        "alertname": episode.rule,
        "severity": episode.severity,
        "site": episode.site,
        "labels": episode.labels,
        "summary_zh": episode.texts.get("summary_zh", ""),
        "summary_en": episode.texts.get("summary_en", ""),
        "value": episode.value,
        "limit": episode.limit_value,
        "unit": episode.unit,
        "active_at": iso_utc(episode.active_at),
        "fired_at": iso_utc(episode.fired_at),
        "resolved_at": None if episode.resolved_at is None else iso_utc(episode.resolved_at),
        "acknowledged_at": None
        if episode.acknowledged_at is None
        else iso_utc(episode.acknowledged_at),
    }


async def announce(
    connection: Connection, *, tenant_id: int, episode: EpisodeRow, change: str, at: datetime
) -> None:
    """Append the event of a change, in the transaction that makes it."""
    await events.add_event(
        connection,
        tenant_id=tenant_id,
        site_id=episode.site_id,
        kind="alert",
        at=at,
        payload=payload_of(episode, change),
    )


async def tell(
    connection: Connection,
    *,
    tenant_id: int,
    episode_id: int,
    change: Literal["fired", "resolved"],
    actor: str,
    at: datetime,
) -> None:
    """Add a change to the story of an episode that was just written, and append its event."""
    note = NewNote(episode_id, at, change, actor)
    await alerts.add_notes(connection, tenant_id=tenant_id, notes=[note])
    [episode] = await alerts.episodes(connection, tenant_id=tenant_id, ids=[episode_id])
    await announce(connection, tenant_id=tenant_id, episode=episode, change=change, at=at)
