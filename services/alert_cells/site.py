"""All cells of one site, from wherever they come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from compute.periods import to_us
from compute.topology import Float1D
from services.alert_cells.demand import DemandCells
from services.alert_cells.facts import FactCells
from services.alert_cells.live import LiveCells, Look
from services.alert_cells.service import ServiceFacts
from services.alert_cells.sums import SumCells
from services.alert_cells.wanted import Wanted
from services.benchmark_periods import Clock
from services.site_model import Described, SiteModel
from services.store import results
from services.store.pool import Connection

# A live event that is older says nothing of now.
_STALE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class LiveNews:
    """The newest payload of a site, and when it was made."""

    payload: Mapping[str, Any]
    at: datetime


@dataclass
class SiteCells:
    """The cells of a site as it is described now.

    Nothing in it enters a value but by being looked up again: it may be thrown away at any time.
    """

    wanted: Sequence[Wanted]
    model: SiteModel
    described: Described
    live: LiveCells = field(init=False)
    sums: SumCells = field(init=False)
    demand: DemandCells = field(init=False)
    facts: FactCells = field(init=False)

    def __post_init__(self) -> None:
        """Give every part its cells."""
        site, plant = self.model.site, self.described.plant
        clock = Clock(site.time_zone, self.model.day_start, site.base_interval_us)
        self.live = LiveCells(self.wanted, plant)
        self.sums = SumCells(self.wanted, self.described, clock, site.id)
        self.demand = DemandCells(self.wanted, self.described, clock, site.id)
        self.facts = FactCells(self.wanted, self.described, clock, site.id)

    async def refresh(
        self, connection: Connection, *, at: datetime, is_news: bool, service: ServiceFacts
    ) -> None:
        """Look up what is due; with news of results, the sums."""
        now_us = to_us(at)
        read = results.read_results
        await self.sums.refresh(connection, read, now_us=now_us, is_news=is_news)
        await self.demand.refresh(connection, read, now_us=now_us, is_news=is_news)
        await self.facts.refresh(connection, at=at, ingest_since=service.ingest_since)

    def fill(self, values: Float1D, news: LiveNews | None, *, at: datetime) -> None:
        """Write what is known of every cell; NaN where nothing is."""
        for one in self.wanted:
            values[one.place] = np.nan
        payload = None if news is None or at - news.at > _STALE else news.payload
        look = Look(payload or {})
        self.sums.fill(values, now_us=to_us(at))
        self.demand.fill(values, look)
        self.facts.fill(values, at=at)
        self.live.fill(values, payload)
