"""One evaluation of a tenant's rules, kept in one transaction with all that goes along."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np

from compute.alert import NEVER_US, AlertState, States
from compute.condition import Verdicts
from compute.errors import NengtanError
from compute.periods import from_us
from services.alert_events import announce
from services.alert_rules.compile import Instance
from services.alert_rules.facts import Facts
from services.alert_rules.wording import figure, texts_of
from services.alert_state import Compiled, Known, direction
from services.json_values import finite
from services.notify.queue import queue
from services.store import alerts as store
from services.store.alerts import InstanceRow, NewEpisode, NewNote, ResolvedBy
from services.store.pool import Connection
from services.store.topology import Site

_FIRING = int(AlertState.FIRING)
_PENDING = int(AlertState.PENDING)
_CENTRE = "centre"


class TakenOver(NengtanError):
    """Another process keeps the alerts of the tenant now."""


@dataclass
class Change:
    """What one evaluation makes of the instances of a tenant, until it is kept.

    `reasons` are what is known to be behind those that fire, by their places.
    """

    tenant_id: int
    tenant_code: str
    writer: str
    compiled: Compiled
    known: Known
    states: States
    found: Verdicts
    sites: Sequence[Site]
    at: datetime
    reasons: Mapping[int, dict[str, Any] | None]

    def __post_init__(self) -> None:
        """Begin with what is known."""
        self.episode_id = self.known.episode_id.copy()
        self.worst, self.sign = self.known.worst.copy(), self.known.sign.copy()
        self.worst_written = self.known.worst_written.copy()

    def kept(self) -> Known:
        """Return what is known once this is kept."""
        return Known(self.states, self.episode_id, self.worst, self.sign, self.worst_written)

    def note_worst(self) -> None:
        """See how far the values of what fires have gone."""
        firing = self.episode_id > 0
        farther = self.sign * self.found.value > self.sign * self.worst
        farther |= np.isnan(self.worst) & ~np.isnan(self.found.value)
        self.worst = np.where(firing & farther, self.found.value, self.worst)

    async def write(
        self,
        connection: Connection,
        moved: np.ndarray[tuple[int], np.dtype[np.bool_]],
        fired: np.ndarray[tuple[int], np.dtype[np.int64]],
        resolved: np.ndarray[tuple[int], np.dtype[np.int64]],
        *,
        is_due: bool,
    ) -> None:
        """Keep all of it in the transaction of the connection.

        Raises
        ------
        TakenOver
            If another process keeps these alerts now.
        """
        tenant_id = self.tenant_id
        if not await store.beat(connection, tenant_id=tenant_id, writer=self.writer, at=self.at):
            raise TakenOver(f"another worker keeps the alerts of {self.tenant_code}")
        await self._open(connection, fired)
        active = self.states.state > 0
        # What is pending may have moved on without any change of state.
        waiting = (self.states.state == _PENDING) | (self.states.keep_since_us != NEVER_US)
        chosen = active & (moved | (waiting & is_due))
        await store.put_instances(
            connection,
            tenant_id=tenant_id,
            rows=[self._row(i) for i in np.flatnonzero(chosen).tolist()],
        )
        gone = np.flatnonzero(moved & ~active).tolist()
        instances = self.compiled.rules.instances
        await store.drop_instances(
            connection,
            tenant_id=tenant_id,
            fingerprints=[instances[i].fingerprint for i in gone],
        )
        await self._write_worst(connection, resolved, is_due=is_due)
        ids = self.episode_id[resolved].tolist()
        await close(connection, tenant_id=tenant_id, ids=ids, at=self.at, by="condition")
        self.episode_id[resolved] = 0

    async def _open(
        self, connection: Connection, fired: np.ndarray[tuple[int], np.dtype[np.int64]]
    ) -> None:
        if not len(fired):
            return
        tenant_id, instances = self.tenant_id, self.compiled.rules.instances
        new = []
        for i in fired.tolist():
            new.append(self._new_episode(i))
            self.sign[i] = direction(finite(self.found.value[i]), finite(self.found.limit[i]))
            self.worst[i] = self.worst_written[i] = self.found.value[i]
        numbers = await store.open_episodes(connection, tenant_id=tenant_id, rows=new)
        for i in fired.tolist():
            self.episode_id[i] = numbers[instances[i].fingerprint]
        ids = self.episode_id[fired].tolist()
        await store.add_notes(
            connection,
            tenant_id=tenant_id,
            notes=[NewNote(number, self.at, "fired", _CENTRE) for number in ids],
        )
        await _tell(connection, tenant_id, ids, change="fired", at=self.at)

    def _new_episode(self, i: int) -> NewEpisode:
        instance = self.compiled.rules.instances[i]
        value, limit = finite(self.found.value[i]), finite(self.found.limit[i])
        rule = instance.rule.rule
        return NewEpisode(
            site_id=self._site_id(instance),
            fingerprint=instance.fingerprint,
            group_code=instance.rule.group,
            rule=rule.alert,
            revision=self._revision(instance),
            severity=rule.severity,
            labels=dict(instance.labels),
            texts=_texts(instance, self.compiled.facts, value=value, limit=limit),
            active_at=from_us(int(self.states.active_us[i])),
            fired_at=self.at,
            value=value,
            limit_value=limit,
            unit=instance.unit,
            explanation=self.reasons.get(i),
        )

    def _row(self, i: int) -> InstanceRow:
        instance, states = self.compiled.rules.instances[i], self.states
        keep_us, is_firing = int(states.keep_since_us[i]), int(states.state[i]) == _FIRING
        return InstanceRow(
            fingerprint=instance.fingerprint,
            group_code=instance.rule.group,
            rule=instance.rule.rule.alert,
            revision=self._revision(instance),
            site_id=self._site_id(instance),
            labels=dict(instance.labels),
            state=int(states.state[i]),
            active_at=from_us(int(states.active_us[i])),
            fired_at=from_us(int(states.fired_us[i])) if is_firing else None,
            keep_since=None if keep_us == NEVER_US else from_us(keep_us),
            evaluated_at=from_us(int(states.evaluated_us[i])),
            value=finite(self.found.value[i]),
            episode_id=int(self.episode_id[i]) if is_firing else None,
        )

    def _revision(self, instance: Instance) -> int:
        return self.compiled.revisions[instance.rule.group, instance.rule.rule.alert]

    def _site_id(self, instance: Instance) -> int | None:
        return next((site.id for site in self.sites if site.code == instance.site), None)

    async def _write_worst(
        self,
        connection: Connection,
        resolved: np.ndarray[tuple[int], np.dtype[np.int64]],
        *,
        is_due: bool,
    ) -> None:
        changed = (self.episode_id > 0) & (self.worst != self.worst_written)
        changed &= ~np.isnan(self.worst)
        if not is_due:
            chosen = np.zeros_like(changed)
            chosen[resolved] = True
            changed &= chosen
        rows = np.flatnonzero(changed)
        await store.worsen_episodes(
            connection,
            tenant_id=self.tenant_id,
            values=list(
                zip(self.episode_id[rows].tolist(), self.worst[rows].tolist(), strict=True)
            ),
        )
        self.worst_written[rows] = self.worst[rows]


async def close(
    connection: Connection, *, tenant_id: int, ids: Sequence[int], at: datetime, by: ResolvedBy
) -> None:
    """End episodes, tell it, and queue what is to be delivered."""
    if not ids:
        return
    await store.close_episodes(connection, tenant_id=tenant_id, ids=ids, at=at, by=by)
    notes = [NewNote(number, at, "resolved", _CENTRE, detail={"by": by}) for number in ids]
    await store.add_notes(connection, tenant_id=tenant_id, notes=notes)
    await _tell(connection, tenant_id, ids, change="resolved", at=at)


async def _tell(
    connection: Connection, tenant_id: int, ids: Iterable[int], *, change: str, at: datetime
) -> None:
    """Queue the deliveries of episodes that fired or were resolved, and append their events."""
    rows = await store.episodes(connection, tenant_id=tenant_id, ids=list(ids))
    for row in rows:
        await queue(
            connection,
            tenant_id=tenant_id,
            episode_id=row.id,
            kind="firing" if change == "fired" else "resolved",
            at=at,
        )
    # The lock of the event log comes last: it is held until the commit.
    for row in rows:
        await announce(connection, tenant_id=tenant_id, episode=row, change=change, at=at)


def _texts(
    instance: Instance, facts: Facts, *, value: float | None, limit: float | None
) -> dict[str, str]:
    """Return what an alert says, in both languages."""
    site = facts.sites.get(instance.site)
    place = None if site is None else site.things["site"][""]
    thing = None if site is None else site.things.get(instance.kind, {}).get(instance.object)
    known = {
        **instance.labels,
        "value": figure(value),
        "limit": figure(limit),
        "unit": instance.unit,
        "site": instance.site,
        "kind": instance.kind,
        "object": instance.object,
    }

    def named(language: Literal["zh", "en"]) -> dict[str, str]:
        return {
            **known,
            "site_name": instance.site if place is None else getattr(place, language),
            "object_name": instance.object if thing is None else getattr(thing, language),
        }

    return texts_of(instance.rule.rule.annotations, known_zh=named("zh"), known_en=named("en"))
