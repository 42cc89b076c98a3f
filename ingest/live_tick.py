"""The live tick: one `live` event a second and site, whatever else there is to compute.

Where readings have just been stored it does not wait for the second: four times in one it tells of
the sites that the bell named.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

import structlog

from compute.errors import NengtanError
from ingest.alert_tick import AlertTick
from ingest.tick import forever
from services import clock, live_values
from services.live_values import LiveSite
from services.site_model import SiteModels
from services.store import events, ledger, session, topology
from services.store.pool import Database, DatabaseUnavailable
from services.waiting import wait_for_database

_log = structlog.get_logger()

OnTold = Callable[[int, Mapping[str, Any], datetime], None]
_PERIOD_US = 1_000_000
_TRIM_TICKS = 10
# Of the time between whole seconds, ticks for what has just arrived take half at most.
_NEWS_PERIOD_S = 0.25
_AWAY_S_MAX = 0.5


async def tell(url: str, news: deque[int]) -> None:
    """Tell what flows, and hold rules against it, until cancelled, over connections of its own.

    Parameters
    ----------
    url : str
    news : deque of int
        Sites whose results have changed, from the thread that computes them.
    """
    database = await wait_for_database(url, stop=asyncio.Event())
    if database is None:
        raise AssertionError("nothing ends the waiting but the database")
    models = SiteModels()
    alerts = AlertTick(database, models, news)
    live = LiveTick(database, models, alerts.on_live)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(forever(live.listen))
            group.create_task(forever(live.step, pause_s_max=_AWAY_S_MAX))
            group.create_task(forever(alerts.step, pause_s_max=_AWAY_S_MAX))
            group.create_task(forever(alerts.explain))
    finally:
        await database.close()


class LiveTick:
    """Tells what flows now, site by site, each in a transaction of its own.

    Parameters
    ----------
    database : Database
    models : SiteModels
    on_told : callable, optional
        Is handed the number of the site, the payload and the instant of each event.
    """

    def __init__(
        self, database: Database, models: SiteModels, on_told: OnTold | None = None
    ) -> None:
        self._on_told = on_told
        self._database = database
        self._models = models
        self._sites: dict[int, LiveSite] = {}
        self._failed: set[int] = set()
        self._count = 0
        self._hears = False
        self._rung: set[int] = set()
        self._bell = asyncio.Event()
        self._pause_s = 0.0

    @contextlib.contextmanager
    def hearing(self) -> Iterator[None]:
        """Know that every bell is heard: what was read stands until one rings."""
        for site in self._sites.values():
            site.forget()
        self._hears = True
        try:
            yield
        finally:
            self._hears = False

    async def listen(self) -> None:
        """Hear the bell for as long as the database lets it."""
        async with self._database.listen("nengtan_dirty") as connection:
            with self.hearing():
                async for notice in connection.notifies():
                    self.hear(notice.payload)

    def hear(self, said: str) -> None:
        """Take note of a bell."""
        news = ledger.heard(said)
        if news is None:
            for site in self._sites.values():
                site.forget()
            return
        seen = self._sites.get(news.site_id)
        if seen is None or seen.arrived(news):
            self._rung.add(news.site_id)
            self._bell.set()

    async def step(self) -> None:
        """Wait for the next whole second, or shorter where there is news, and tell.

        A tick that takes longer than a second leaves out those that it ran over.
        """
        wait_s = (_PERIOD_US - clock.now_us() % _PERIOD_US) / _PERIOD_US
        has_news = await self._has_news_within(wait_s)
        began_s = clock.monotonic()
        await self.tick(clock.now(), only=frozenset(self._rung) if has_news else None)
        took_s = clock.monotonic() - began_s
        self._pause_s = max(_NEWS_PERIOD_S - took_s, took_s)

    async def _has_news_within(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                await asyncio.sleep(self._pause_s)
                await self._bell.wait()
        except TimeoutError:
            return False
        return True

    async def tick(self, at: datetime, *, only: Collection[int] | None = None) -> int:
        """Append the `live` event of every site, or of those named; return how many there were.

        A site that cannot be computed is left out, said once, and tried again.
        """
        self._bell.clear()
        self._rung.clear()
        async with self._database.transaction() as connection:
            sites = [site for _, site in await topology.all_sites(connection)]
            ingest = await live_values.ingest_is_running(connection)
            await session.commit_without_waiting(connection)
            if only is None:
                if self._count % _TRIM_TICKS == 0:
                    await events.trim_live_events(connection, at=at)
                self._count += 1
        told = 0
        for site in sites:
            if only is not None and site.id not in only:
                continue
            try:
                told += await self._tell(site.id, site.tenant_id, at=at, ingest=ingest)
                self._failed.discard(site.id)
            except DatabaseUnavailable:
                raise
            except NengtanError as error:
                if site.id not in self._failed:
                    _log.exception("live.site.failed", site_id=site.id, reason=str(error))
                self._failed.add(site.id)
        return told

    async def _tell(self, site_id: int, tenant_id: int, *, at: datetime, ingest: bool) -> bool:
        # The tenant is set for the one view that asks for it: a park's, of its members.
        async with self._database.transaction(tenant_id) as connection:
            await session.commit_without_waiting(connection)
            model = await self._models.get(connection, site_id)
            seen = self._sites.get(site_id)
            if seen is None or seen.model is not model:
                seen = self._sites[site_id] = LiveSite(model)
            if not self._hears:
                seen.forget()
            payload = await live_values.emit(connection, seen, at=at, ingest=ingest)
        if payload is not None and self._on_told is not None:
            self._on_told(site_id, payload, at)
        return payload is not None
