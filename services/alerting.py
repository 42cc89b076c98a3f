"""告警 alerting: rules held against what is known now; each episode is kept once, whatever dies.

Everything of one evaluation of a tenant is one transaction: states, episodes, their notes, what is
to be delivered, and events. What is in memory is what the last commit says; after anything that is
not certain the states are read back. Only the present is looked at: what arrives late changes what
is known now, and pages nobody about the past.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import structlog

from compute.alert import NEVER_US, AlertState, States, step
from compute.condition import Verdicts, evaluate
from compute.errors import NengtanError
from compute.periods import from_us, to_us
from compute.topology import Float1D
from services import alert_book, alert_reasons
from services.alert_cells import service as service_cells
from services.alert_cells.service import ServiceFacts
from services.alert_cells.site import LiveNews, SiteCells
from services.alert_cells.wanted import Wanted
from services.alert_events import announce
from services.alert_rules.compile import CompiledRules, Instance, compile_rules
from services.alert_rules.facts import Facts, facts_of
from services.alert_rules.wording import figure, texts_of
from services.crash import crash_point
from services.json_values import finite
from services.notify.queue import queue
from services.site_model import Described, SiteModel, SiteModels, described_at
from services.store import alert_documents
from services.store import alerts as store
from services.store.alerts import InstanceRow, NewEpisode, NewNote, ResolvedBy
from services.store.pool import Connection, Database, DatabaseUnavailable
from services.store.topology import Site

_log = structlog.get_logger()

# How often the heart beats, and what is not told by news is looked up.
BEAT = timedelta(seconds=5)
# Nobody knows what held in a longer time without evaluation: a hold begins anew after it.
GAP_US = 60_000_000
_FIRING = int(AlertState.FIRING)
_PENDING = int(AlertState.PENDING)
_CENTRE = "centre"


class TakenOver(NengtanError):
    """Another process keeps the alerts of the tenant now."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the worker knows at the moment of an evaluation.

    Attributes
    ----------
    at : datetime
    marks : mapping of int to int
        Of each tenant with rules: changes with what is stated.
    sites : sequence of Site
        Of every tenant.
    live : mapping of int to LiveNews
        The newest live payload, by number of the site.
    news : set of int
        Sites whose results may have changed since the last evaluation.
    service : ServiceFacts
    """

    at: datetime
    marks: Mapping[int, int]
    sites: Sequence[Site]
    live: Mapping[int, LiveNews]
    news: frozenset[int]
    service: ServiceFacts


@dataclass(slots=True)
class _Known:
    """The instances of a tenant as the last commit left them.

    Attributes
    ----------
    states : States
    episode_id : (n,) int64
        0: it does not fire.
    worst, sign : (n,) float64
        How far the value of a firing one has gone, and which way is worse: 1 up, -1 down.
    worst_written : (n,) float64
        As it stands in the database.
    """

    states: States
    episode_id: np.ndarray[tuple[int], np.dtype[np.int64]]
    worst: Float1D
    sign: Float1D
    worst_written: Float1D

    @classmethod
    def blank(cls, count: int) -> "_Known":
        nothing = (np.full(count, np.nan) for _ in range(3))
        return cls(States.inactive(count), np.zeros(count, dtype=np.int64), *nothing)


@dataclass(slots=True)
class _Compiled:
    """Rules over sites as they are described now."""

    mark: int
    described: Mapping[str, tuple[SiteModel, Described]]
    failed: frozenset[str]
    facts: Facts
    rules: CompiledRules
    revisions: Mapping[tuple[str, str], int]
    sites: dict[str, SiteCells]
    service: list[Wanted]
    values: Float1D

    def is_of(
        self,
        mark: int,
        described: Mapping[str, tuple[SiteModel, Described]],
        failed: frozenset[str],
    ) -> bool:
        """Return whether the same rules and descriptions would be compiled again."""
        return (
            self.mark == mark
            and self.failed == failed
            and self.described.keys() == described.keys()
            and all(
                mine is other
                for code, pair in described.items()
                for mine, other in zip(self.described[code], pair, strict=True)
            )
        )


@dataclass
class TenantAlerts:
    """The alerts of one tenant, evaluated over and over by one worker."""

    tenant_id: int
    tenant_code: str
    writer: str
    models: SiteModels
    compiled: _Compiled | None = None
    known: _Known | None = None
    look_due: datetime | None = None
    beat_due: datetime | None = None
    failed: set[str] = field(default_factory=set)

    async def evaluate(self, database: Database, sight: Sight) -> int:
        """Hold every rule against what is known; return how many fired or were resolved.

        Raises
        ------
        DatabaseUnavailable
            Nothing or all of it was kept; the next evaluation reads back which.
        """
        try:
            return await self._evaluate(database, sight)
        except TakenOver:
            _log.warning("alerts.taken_over", tenant=self.tenant_code)
            self.known = None
        except BaseException:
            self.known = None
            raise
        return 0

    async def _evaluate(self, database: Database, sight: Sight) -> int:
        own = [site for site in sight.sites if site.tenant_id == self.tenant_id]
        is_news = any(site.id in sight.news for site in own)
        if self.known is None or is_news or self.look_due is None or sight.at >= self.look_due:
            await self._look(database, sight, own)
            self.look_due = sight.at + BEAT
        compiled, known = self.compiled, self.known
        if compiled is None or known is None or not compiled.rules.instances:
            return 0
        for site in own:
            cells = compiled.sites.get(site.code)
            if cells is not None:
                cells.fill(compiled.values, sight.live.get(site.id), at=sight.at)
        service_cells.fill(compiled.values, compiled.service, sight.service)
        found = evaluate(compiled.rules.conditions, compiled.values)
        now_us = to_us(sight.at)
        before = _after_gaps(known.states, now_us)
        stepped = step(before, found.met, found.clear, compiled.rules.holds, now_us=now_us)
        change = _Change(self, compiled, known, stepped.states, found, own, sight.at)
        fired, resolved = np.flatnonzero(stepped.fired), np.flatnonzero(stepped.resolved)
        is_due = self.beat_due is None or sight.at >= self.beat_due
        moved = stepped.states.state != known.states.state
        moved |= (stepped.states.keep_since_us == NEVER_US) != (
            known.states.keep_since_us == NEVER_US
        )
        change.note_worst()
        if moved.any() or is_due:
            async with database.transaction() as connection:
                await change.write(connection, moved, fired, resolved, is_due=is_due)
                if len(fired):
                    crash_point("alert_before_commit")
            if len(fired):
                crash_point("alert_event_stored")
            if is_due:
                self.beat_due = sight.at + BEAT
        self.known = change.kept()
        return len(fired) + len(resolved)

    async def _look(self, database: Database, sight: Sight, own: Sequence[Site]) -> None:
        """Read what is due, and compile anew where rules or descriptions have changed."""
        async with database.transaction(self.tenant_id) as connection:
            described, failed = await self._describe(connection, own, to_us(sight.at))
            mark = sight.marks.get(self.tenant_id, 0)
            if self.compiled is None or not self.compiled.is_of(mark, described, failed):
                self.compiled = await self._compile(connection, mark, described, failed)
                self.known = None
            if self.known is None:
                kept = frozenset(site.id for site in own if site.code in failed)
                self.known = await self._take_over(connection, sight.at, kept)
            for site in own:
                cells = self.compiled.sites.get(site.code)
                if cells is not None:
                    await cells.refresh(
                        connection,
                        at=sight.at,
                        is_news=site.id in sight.news,
                        service=sight.service,
                    )

    async def _describe(
        self, connection: Connection, own: Sequence[Site], now_us: int
    ) -> tuple[dict[str, tuple[SiteModel, Described]], frozenset[str]]:
        """Return the sites that are described now, and those that cannot be read."""
        described: dict[str, tuple[SiteModel, Described]] = {}
        failed: set[str] = set()
        for site in own:
            try:
                model = await self.models.get(connection, site.id)
            except DatabaseUnavailable:
                raise
            except NengtanError as error:
                if site.code not in self.failed:
                    _log.exception("alerts.site.failed", site=site.code, reason=str(error))
                failed.add(site.code)
                continue
            found = described_at(model, now_us)
            if found is not None:
                described[site.code] = (model, found)
        self.failed = failed
        return described, frozenset(failed)

    async def _compile(
        self,
        connection: Connection,
        mark: int,
        described: Mapping[str, tuple[SiteModel, Described]],
        failed: frozenset[str],
    ) -> _Compiled:
        rows = await alert_documents.list_documents(
            connection, tenant_id=self.tenant_id, kind="group"
        )
        groups = alert_book.holding_groups(rows)
        plants = [now.plant for _, now in described.values()]
        facts = facts_of(self.tenant_code, plants)
        rules = compile_rules(groups, facts)
        for unsound in rules.unsound:
            _log.warning(
                "alerts.rule.unsound",
                tenant=self.tenant_code,
                rule=unsound.rule.rule.alert,
                reason=unsound.faults[0].message_en,
            )
        wanted: dict[str, list[Wanted]] = {}
        for place, cell in enumerate(rules.cells):
            wanted.setdefault(cell.site, []).append(Wanted(place, cell))
        return _Compiled(
            mark=mark,
            described=described,
            failed=failed,
            facts=facts,
            rules=rules,
            revisions=alert_book.rule_revisions(rows),
            sites={
                code: SiteCells(wanted[code], model, now)
                for code, (model, now) in described.items()
                if code in wanted
            },
            service=wanted.get("", []),
            values=np.full(len(rules.cells), np.nan),
        )

    async def _take_over(
        self, connection: Connection, at: datetime, kept_sites: frozenset[int]
    ) -> _Known:
        """Read the states back; what rules or plants have no more is resolved."""
        assert self.compiled is not None  # noqa: S101 - it was compiled just before
        rows = await store.take_over(
            connection, tenant_id=self.tenant_id, writer=self.writer, at=at
        )
        place = {one.fingerprint: i for i, one in enumerate(self.compiled.rules.instances)}
        known = _Known.blank(len(place))
        gone: dict[ResolvedBy, list[InstanceRow]] = {"rule": [], "object": []}
        for row in rows:
            stated = self.compiled.revisions.get((row.group_code, row.rule))
            if stated == row.revision and row.fingerprint in place:
                _restore(known, place[row.fingerprint], row)
            elif stated != row.revision:
                gone["rule"].append(row)
            elif row.site_id not in kept_sites:
                gone["object"].append(row)
        for by, lost in gone.items():
            await store.drop_instances(
                connection,
                tenant_id=self.tenant_id,
                fingerprints=[row.fingerprint for row in lost],
            )
            ids = [row.episode_id for row in lost if row.episode_id is not None]
            await close(connection, tenant_id=self.tenant_id, ids=ids, at=at, by=by)
        episodes = await store.episodes(
            connection,
            tenant_id=self.tenant_id,
            ids=known.episode_id[known.episode_id > 0].tolist(),
        )
        for episode in episodes:
            i = place[episode.fingerprint]
            known.sign[i] = _direction(episode.value, episode.limit_value)
            worst = np.nan if episode.value_worst is None else episode.value_worst
            known.worst[i] = known.worst_written[i] = worst
        return known


@dataclass
class _Change:
    """What one evaluation makes of the instances of a tenant, until it is kept."""

    tenant: TenantAlerts
    compiled: _Compiled
    known: _Known
    states: States
    found: Verdicts
    sites: Sequence[Site]
    at: datetime

    def __post_init__(self) -> None:
        """Begin with what is known."""
        self.episode_id = self.known.episode_id.copy()
        self.worst, self.sign = self.known.worst.copy(), self.known.sign.copy()
        self.worst_written = self.known.worst_written.copy()

    def kept(self) -> _Known:
        """Return what is known once this is kept."""
        return _Known(self.states, self.episode_id, self.worst, self.sign, self.worst_written)

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
        tenant_id = self.tenant.tenant_id
        if not await store.beat(
            connection, tenant_id=tenant_id, writer=self.tenant.writer, at=self.at
        ):
            raise TakenOver(f"another worker keeps the alerts of {self.tenant.tenant_code}")
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
        tenant_id, instances = self.tenant.tenant_id, self.compiled.rules.instances
        new = []
        for i in fired.tolist():
            new.append(await self._new_episode(connection, i))
            self.sign[i] = _direction(finite(self.found.value[i]), finite(self.found.limit[i]))
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

    async def _new_episode(self, connection: Connection, i: int) -> NewEpisode:
        instance = self.compiled.rules.instances[i]
        value, limit = finite(self.found.value[i]), finite(self.found.limit[i])
        cells = self.compiled.sites.get(instance.site)
        reason = None
        if cells is not None:
            reason = await alert_reasons.explain(connection, cells.model, instance, at=self.at)
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
            explanation=reason,
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
            tenant_id=self.tenant.tenant_id,
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


def _restore(known: _Known, i: int, row: InstanceRow) -> None:
    known.states.state[i] = row.state
    known.states.active_us[i] = to_us(row.active_at)
    known.states.fired_us[i] = NEVER_US if row.fired_at is None else to_us(row.fired_at)
    known.states.keep_since_us[i] = NEVER_US if row.keep_since is None else to_us(row.keep_since)
    known.states.evaluated_us[i] = to_us(row.evaluated_at)
    known.episode_id[i] = row.episode_id or 0


def _after_gaps(states: States, now_us: int) -> States:
    """Return states as they are after a long time without evaluation: holds begin anew.

    Whether a condition held all that time nobody has seen. A clock that was set back by more than
    that is no reason to wait until it has caught up.
    """
    seen = states.evaluated_us != NEVER_US
    away_us = np.where(seen, np.abs(now_us - np.where(seen, states.evaluated_us, now_us)), 0)
    is_gap = away_us > GAP_US
    if not is_gap.any():
        return states
    waits = is_gap & (states.state == _PENDING)
    keeps = is_gap & (states.keep_since_us != NEVER_US)
    return states._replace(
        active_us=np.where(waits, now_us, states.active_us),
        keep_since_us=np.where(keeps, now_us, states.keep_since_us),
        evaluated_us=np.where(is_gap, now_us, states.evaluated_us),
    )


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


def _direction(value: float | None, limit: float | None) -> float:
    return -1.0 if value is not None and limit is not None and value < limit else 1.0
