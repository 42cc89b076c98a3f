"""The alert tick: rules are looked at after each live tick with what is new, and every 5 s."""

import asyncio
import contextlib
import secrets
import shutil
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from services import clock
from services.alert_cells import service as service_cells
from services.alert_cells.service import ServiceFacts
from services.alert_cells.site import LiveNews
from services.alerting import BEAT, Sight, TenantAlerts
from services.site_model import SiteModels
from services.store import alert_documents, topology
from services.store.pool import Database, DatabaseUnavailable
from services.store.topology import Site

_log = structlog.get_logger()


class AlertTick:
    """Holds the rules of every tenant against what the worker has just found out.

    Parameters
    ----------
    database : Database
    models : SiteModels
        Shared with who tells live values.
    news : deque of int, optional
        Sites whose results have changed; another thread may add to it.
    """

    def __init__(
        self, database: Database, models: SiteModels, news: deque[int] | None = None
    ) -> None:
        self._database = database
        self._models = models
        # Who comes after this process is another writer: what this one still tries is refused.
        self._writer = secrets.token_hex(8)
        self._bell = asyncio.Event()
        self._live: dict[int, LiveNews] = {}
        self._news: deque[int] = deque() if news is None else news
        self._tenants: dict[int, TenantAlerts] = {}
        self._failed: set[int] = set()
        self._service = ServiceFacts()
        self._marks: dict[int, int] = {}
        self._sites: list[tuple[str, Site]] = []
        self._look_due: datetime | None = None

    def on_live(self, site_id: int, payload: Mapping[str, Any], at: datetime) -> None:
        """Take over what a live event tells."""
        self._live[site_id] = LiveNews(payload, at)
        self._bell.set()

    async def step(self) -> None:
        """Wait for news, or for the sweep, and evaluate."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT.total_seconds()):
                await self._bell.wait()
        self._bell.clear()
        await self.tick(clock.now())

    async def explain(self) -> None:
        """Explain what has fired without; no evaluation waits for it."""
        await asyncio.sleep(BEAT.total_seconds())
        await self.explain_now()

    async def explain_now(self) -> None:
        """Explain what has fired without, tenant by tenant."""
        for tenant_id in sorted(self._tenants):
            await self._tenants[tenant_id].explain(self._database)

    async def tick(self, at: datetime) -> int:
        """Evaluate the rules of every tenant; return how many alerts fired or were resolved.

        A tenant that cannot be evaluated is said once, tried again, and holds up no other.

        Raises
        ------
        DatabaseUnavailable
            If it does not answer: what was not kept is found again by the next tick.
        """
        news: set[int] = set()
        while self._news:
            news.add(self._news.popleft())
        try:
            if self._look_due is None or at >= self._look_due:
                await self._look(at)
            return await self._evaluate(at, frozenset(news))
        except BaseException:
            self._news.extend(news)
            raise

    async def _evaluate(self, at: datetime, news: frozenset[int]) -> int:
        sight = Sight(
            at=at,
            marks=self._marks,
            sites=[site for _, site in self._sites],
            live=self._live,
            news=news,
            service=self._service,
        )
        changed = 0
        for tenant_id in sorted(self._marks):
            alerts = self._tenants.get(tenant_id)
            if alerts is None:
                continue
            try:
                changed += await alerts.evaluate(self._database, sight)
                self._failed.discard(tenant_id)
            except DatabaseUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - a defect that one tenant meets
                if tenant_id not in self._failed:
                    _log.exception("alerts.failed", tenant_id=tenant_id, reason=str(error))
                self._failed.add(tenant_id)
        return changed

    async def _look(self, at: datetime) -> None:
        """Find out which tenants have rules, and how the centre itself is."""
        disk = await asyncio.to_thread(shutil.disk_usage, Path.cwd())
        async with self._database.transaction() as connection:
            self._marks = await alert_documents.marks(connection)
            self._sites = await topology.all_sites(connection)
            codes = await topology.tenant_codes(connection)
            self._service = await service_cells.look(
                connection, self._service, at=at, disk_free_share=disk.free / disk.total
            )
        for tenant_id in self._marks:
            if tenant_id not in self._tenants:
                self._tenants[tenant_id] = TenantAlerts(
                    tenant_id, codes[tenant_id], self._writer, self._models
                )
        self._look_due = at + BEAT
