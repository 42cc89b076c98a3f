"""The live tick: one `live` event a second and site, whatever else there is to compute."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from compute.errors import NengtanError
from services import clock, live_values
from services.live_values import LiveSite
from services.site_model import SiteModels
from services.store import events, topology
from services.store.pool import Database, DatabaseUnavailable

_log = structlog.get_logger()

OnTold = Callable[[int, Mapping[str, Any], datetime], None]
_PERIOD_US = 1_000_000
_TRIM_TICKS = 10


class LiveTick:
    """Tells what flows now, site by site, each in a transaction of its own.

    Parameters
    ----------
    database : Database
    models : SiteModels
        Shared with who computes the stored results: a description is compiled once.
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

    async def step(self) -> None:
        """Wait for the next whole second, and tell.

        A tick that takes longer than a second leaves out those that it ran over.
        """
        await asyncio.sleep((_PERIOD_US - clock.now_us() % _PERIOD_US) / _PERIOD_US)
        await self.tick(clock.now())

    async def tick(self, at: datetime) -> int:
        """Append the `live` event of every site; return how many there were.

        A site that cannot be computed is left out, said once, and tried again.
        """
        async with self._database.transaction() as connection:
            sites = [site for _, site in await topology.all_sites(connection)]
            ingest = await live_values.ingest_is_running(connection)
            await events.commit_without_waiting(connection)
            if self._count % _TRIM_TICKS == 0:
                await events.trim_live_events(connection, at=at)
        self._count += 1
        told = 0
        for site in sites:
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
            await events.commit_without_waiting(connection)
            model = await self._models.get(connection, site_id)
            seen = self._sites.get(site_id)
            if seen is None or seen.model is not model:
                seen = self._sites[site_id] = LiveSite(model)
            payload = await live_values.emit(connection, seen, at=at, ingest=ingest)
        if payload is not None and self._on_told is not None:
            self._on_told(site_id, payload, at)
        return payload is not None
