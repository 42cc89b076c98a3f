"""告警 alerting: rules held against what is known now; each episode is kept once, whatever dies.

Everything of one evaluation of a tenant is one transaction: states, episodes, their notes, what is
to be delivered, and events. What is in memory is what the last commit says; after anything that is
not certain the states are read back. Only the present is looked at: what arrives late changes what
is known now, and pages nobody about the past.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import structlog

from compute.alert import NEVER_US, step
from compute.condition import evaluate
from compute.errors import NengtanError
from compute.periods import to_us
from services import alert_book, alert_reasons
from services.alert_cells import service as service_cells
from services.alert_cells.service import ServiceFacts
from services.alert_cells.site import LiveNews, SiteCells
from services.alert_cells.wanted import Wanted
from services.alert_change import Change, TakenOver, close
from services.alert_reasons import Asked
from services.alert_rules.compile import compile_rules
from services.alert_rules.facts import facts_of
from services.alert_state import Compiled, Known, after_gaps, direction, restore
from services.crash import crash_point
from services.site_model import Described, SiteModel, SiteModels, described_at
from services.store import alert_documents
from services.store import alerts as store
from services.store.alerts import InstanceRow, ResolvedBy
from services.store.pool import Connection, Database, DatabaseUnavailable
from services.store.topology import Site

_log = structlog.get_logger()

# How often the heart beats, and what is not told by news is looked up.
BEAT = timedelta(seconds=5)
# An alert waits no longer for what explains it; later, nobody waits. What fails as often as this is
# left: trying on would say the same.
_REASON_S = 1.0
_REASON_LATER_S = 20.0
_REASON_TRIES = 3


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
class Unexplained:
    """An episode that fired before its explanation was found."""

    asked: Asked
    tries: int = 0


@dataclass
class TenantAlerts:
    """The alerts of one tenant, evaluated over and over by one worker."""

    tenant_id: int
    tenant_code: str
    writer: str
    models: SiteModels
    compiled: Compiled | None = None
    known: Known | None = None
    look_due: datetime | None = None
    beat_due: datetime | None = None
    failed: set[str] = field(default_factory=set)
    unexplained: dict[int, Unexplained] = field(default_factory=dict)

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

    async def explain(self, database: Database) -> None:
        """Explain what has fired without, each on its own: one that fails holds up no other."""
        for episode_id, one in list(self.unexplained.items()):
            found = await alert_reasons.explain(
                database, {episode_id: one.asked}, within_s=_REASON_LATER_S
            )
            reason = found.get(episode_id)
            if reason is not None:
                async with database.transaction() as connection:
                    await store.put_explanation(
                        connection,
                        tenant_id=self.tenant_id,
                        episode_id=episode_id,
                        explanation=reason,
                    )
            one.tries += 1
            if episode_id in found or one.tries >= _REASON_TRIES:
                del self.unexplained[episode_id]

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
        before = after_gaps(known.states, now_us)
        stepped = step(before, found.met, found.clear, compiled.rules.holds, now_us=now_us)
        fired, resolved = np.flatnonzero(stepped.fired), np.flatnonzero(stepped.resolved)
        asked = self._to_explain(dict.fromkeys(fired.tolist(), sight.at))
        reasons = await alert_reasons.explain(database, asked, within_s=_REASON_S)
        change = Change(
            tenant_id=self.tenant_id,
            tenant_code=self.tenant_code,
            writer=self.writer,
            compiled=compiled,
            known=known,
            states=stepped.states,
            found=found,
            sites=own,
            at=sight.at,
            reasons=reasons,
        )
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
        for i in asked.keys() - reasons.keys():
            self.unexplained[int(self.known.episode_id[i])] = Unexplained(asked[i])
        return len(fired) + len(resolved)

    def _to_explain(self, fired_at: Mapping[int, datetime]) -> dict[int, Asked]:
        """Return the instances that fired of which there is something to say, by place."""
        assert self.compiled is not None  # noqa: S101 - it was compiled before they were evaluated
        instances, sites = self.compiled.rules.instances, self.compiled.sites
        return {
            i: Asked(sites[instances[i].site].model, instances[i], at)
            for i, at in fired_at.items()
            if instances[i].site in sites and alert_reasons.can_be_explained(instances[i])
        }

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
    ) -> Compiled:
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
        return Compiled(
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
    ) -> Known:
        """Read the states back; what rules or plants have no more is resolved."""
        assert self.compiled is not None  # noqa: S101 - it was compiled just before
        rows = await store.take_over(
            connection, tenant_id=self.tenant_id, writer=self.writer, at=at
        )
        place = {one.fingerprint: i for i, one in enumerate(self.compiled.rules.instances)}
        known = Known.blank(len(place))
        gone: dict[ResolvedBy, list[InstanceRow]] = {"rule": [], "object": []}
        for row in rows:
            stated = self.compiled.revisions.get((row.group_code, row.rule))
            if stated == row.revision and row.fingerprint in place:
                restore(known, place[row.fingerprint], row)
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
            known.sign[i] = direction(episode.value, episode.limit_value)
            worst = np.nan if episode.value_worst is None else episode.value_worst
            known.worst[i] = known.worst_written[i] = worst
        # What a worker before this one did not come to explain.
        asked = self._to_explain({place[one.fingerprint]: one.fired_at for one in episodes})
        missing = {int(known.episode_id[i]): one for i, one in asked.items()}
        for number in await store.unexplained(
            connection, tenant_id=self.tenant_id, ids=list(missing)
        ):
            self.unexplained.setdefault(number, Unexplained(missing[number]))
        return known
