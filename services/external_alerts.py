"""Alerts of other systems, taken as Alertmanager takes them: kept, told and shown like ours."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from services import alert_events
from services.alert_rules.identity import fingerprint
from services.notify.alertmanager import ENDS_AFTER
from services.notify.decide import holds, matchers_of
from services.notify.matching import LabelMatcher, matches
from services.notify.plan import group_of, plan, route_of
from services.notify.policy import Policy
from services.notify.queue import policy_in, queue
from services.refusal import Refusal
from services.store import alert_policy, alerts, answers, notices
from services.store.alert_policy import SilenceRow
from services.store.alerts import EpisodeRow, NewEpisode, ResolvedBy
from services.store.pool import Connection, Database

GROUP = "external"
_SEVERITIES = ("critical", "warning", "info")
_SEVERITY_ELSE = "warning"
_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABELS_MAX = 50
_TEXT_LENGTH_MAX = 2_000
_SHOWN_MAX = 10_000
_OPEN_MAX = 5_000
# In one transaction: events of others wait for its end.
_AT_ONCE = 20


class AlertRefused(Refusal):
    """An alert of another system that cannot be kept."""

    code: ClassVar[str] = "invalid"


@dataclass(frozen=True, slots=True)
class Sent:
    """An alert as another system sends it; without an end it is over in five minutes."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert that fires, with what silences it and who is told.

    Attributes
    ----------
    receivers : list of str
        Channels of the first step; `none` alone if nobody is told.
    group : dict of str to str
        The labels by which people are told of it together with others.
    """

    episode: EpisodeRow
    silenced_by: list[str]
    receivers: list[str]
    group: dict[str, str]


async def receive(
    database: Database, *, tenant_id: int, tenant: str, sent: Sequence[Sent], at: datetime
) -> int:
    """Keep alerts of another system, none if one is at fault; return how many fired or ended.

    Raises
    ------
    AlertRefused
        If one has no name, or a label that is none; or if too many fire.
    """
    kept = [(one, _labels(one, tenant, place)) for place, one in enumerate(sent)]
    changed = 0
    for start in range(0, len(kept), _AT_ONCE):
        async with database.transaction(tenant_id) as connection:
            await notices.lock_external(connection, tenant_id)
            if await notices.open_external_count(connection, tenant_id) > _OPEN_MAX:
                raise AlertRefused(
                    f"more than {_OPEN_MAX} alerts of other systems fire: resolve some first",
                    f"其他系统的告警已超过 {_OPEN_MAX} 条：请先恢复一些",
                )
            for one, labels in kept[start : start + _AT_ONCE]:
                changed += await _keep(connection, tenant_id, one, labels, at=at)
    return changed


async def lapse(database: Database, *, at: datetime) -> int:
    """End the alerts of other systems that were not sent again; return how many."""
    async with database.transaction() as connection:
        rows = await notices.lapsed(connection, at)
        for row in rows:
            await _end(connection, row.tenant_id, row.id, at=at, by="lapsed")
    return len(rows)


async def show(
    database: Database,
    *,
    tenant_id: int,
    filters: Sequence[LabelMatcher],
    at: datetime,
) -> list[Shown]:
    """Return what fires, ours and that of others, if its labels match every filter."""
    async with database.transaction(tenant_id, snapshot=True) as connection:
        policy = await policy_in(connection, tenant_id)
        silences = await alert_policy.silences_at(connection, at)
        rows = await alerts.list_active(connection, site=None, severity=None, limit=_SHOWN_MAX)
    return [_shown(row, policy, silences, at=at) for row in rows if matches(filters, row.labels)]


def _shown(
    row: EpisodeRow, policy: Policy | None, silences: Sequence[SilenceRow], *, at: datetime
) -> Shown:
    silenced_by = [
        str(silence.id)
        for silence in silences
        if holds(silence, at) and matches(matchers_of(silence), row.labels)
    ]
    route = None if policy is None else route_of(policy, row.labels)
    if policy is None or route is None:
        return Shown(row, silenced_by, ["none"], {})
    planned = plan(policy, labels=row.labels, fired_at=row.fired_at)
    receivers = dict.fromkeys(one.channel for one in planned if one.kind == "firing")
    group = dict(zip(route.group_by, group_of(route, row.labels), strict=True))
    return Shown(row, silenced_by, list(receivers) or ["none"], group)


def _labels(one: Sent, tenant: str, place: int) -> dict[str, str]:
    labels = {name: value for name, value in one.labels.items() if value}
    faulty = next((name for name in labels if not _LABEL_NAME.fullmatch(name)), None)
    if faulty is not None or len(labels) > _LABELS_MAX:
        raise AlertRefused(
            f"label {faulty!r} is none: letters, digits and _, at most {_LABELS_MAX} labels",
            f"标签 {faulty!r} 无效：仅限字母、数字与 _，至多 {_LABELS_MAX} 个",
            pointer=f"{place}/labels",
        )
    if "alertname" not in labels:
        raise AlertRefused(
            "an alert needs the label alertname",
            "告警须有标签 alertname",
            pointer=f"{place}/labels",
        )
    # Whose it is the credential says.
    return {**labels, "tenant": tenant}


async def _keep(
    connection: Connection, tenant_id: int, one: Sent, labels: dict[str, str], *, at: datetime
) -> bool:
    number = fingerprint(labels)
    found = await notices.open_by_fingerprint(connection, tenant_id=tenant_id, fingerprint=number)
    if found is not None and found.group_code != GROUP:
        return False  # one of ours that came back: we know it better
    ends_at = one.ends_at or at + ENDS_AFTER
    if ends_at <= at:
        if found is not None:
            await _end(connection, tenant_id, found.id, at=at, by="sender")
        return found is not None
    if found is None:
        episode_id = await _begin(connection, tenant_id, one, labels, at=at)
    else:
        episode_id = found.id
    await notices.set_ends_at(connection, episode_id=episode_id, ends_at=ends_at)
    return found is None


async def _begin(
    connection: Connection, tenant_id: int, one: Sent, labels: dict[str, str], *, at: datetime
) -> int:
    severity = labels.get("severity", "")
    site = await answers.find_site(connection, labels["site"]) if "site" in labels else None
    number = fingerprint(labels)
    starts_at = min(one.starts_at or at, at)
    if await notices.has_begun(
        connection, tenant_id=tenant_id, fingerprint=number, active_at=starts_at
    ):
        starts_at = at  # sent again after it was over: an episode of its own
    opened = await alerts.open_episodes(
        connection,
        tenant_id=tenant_id,
        rows=[
            NewEpisode(
                site_id=None if site is None else site.id,
                fingerprint=number,
                group_code=GROUP,
                rule=labels["alertname"],
                revision=0,
                severity=severity if severity in _SEVERITIES else _SEVERITY_ELSE,
                labels=labels,
                texts=_texts(one.annotations),
                active_at=starts_at,
                fired_at=at,
                value=None,
                limit_value=None,
                unit="",
                explanation=None,
            )
        ],
    )
    [episode_id] = opened.values()
    await alert_events.tell(
        connection,
        tenant_id=tenant_id,
        episode_id=episode_id,
        change="fired",
        actor=GROUP,
        at=at,
    )
    await queue(connection, tenant_id=tenant_id, episode_id=episode_id, kind="firing", at=at)
    return episode_id


async def _end(
    connection: Connection, tenant_id: int, episode_id: int, *, at: datetime, by: ResolvedBy
) -> None:
    await alerts.close_episodes(connection, tenant_id=tenant_id, ids=[episode_id], at=at, by=by)
    await alert_events.tell(
        connection,
        tenant_id=tenant_id,
        episode_id=episode_id,
        change="resolved",
        actor=GROUP,
        at=at,
    )
    await queue(connection, tenant_id=tenant_id, episode_id=episode_id, kind="resolved", at=at)


def _texts(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of an alert: one that has a single language says it in both."""
    texts = {}
    for name in ("summary", "description"):
        said = annotations.get(name, "")
        for language in ("zh", "en"):
            text = annotations.get(f"{name}_{language}", "") or said
            if text:
                texts[f"{name}_{language}"] = text[:_TEXT_LENGTH_MAX]
    return texts
