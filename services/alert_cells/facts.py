"""Values about meters and data: silence, freezing, gaps, quarantine, calibration, balances."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

import numpy as np

from compute.periods import Grain, from_us, to_us
from compute.topology import Float1D
from services.alert_cells.wanted import LIVE, Wanted, of_measures
from services.balance_figures import nodal_tests
from services.benchmark_periods import Clock
from services.plant.life import due_on
from services.plant.metering import silent_after
from services.site_model import Described
from services.store import alert_facts as store
from services.store.pool import Connection

_US_PER_S = 1_000_000
_S = timedelta(seconds=1)
# How late results may be before what they would say is not known.
_LAG = timedelta(seconds=30)
# How long ingest must have run before silence means that nothing came.
_SETTLED = timedelta(seconds=30)
_BALANCES = ("suspect_z", "residual_z")
_GRAINS = {"interval": Grain.BASE, "day": Grain.DAY}
# How far back the newest balance may lie to be that of now.
_NEWEST = {"interval": 3, "day": 2}


@dataclass
class FactCells:
    """Cells of one site that rest on what is kept of its points and gateways.

    Every look-up is of now: what arrives late changes what is known now, and pages nobody about
    the past.
    """

    wanted: Sequence[Wanted]
    described: Described
    clock: Clock
    site_id: int
    due: dict[str, datetime] = field(default_factory=dict)
    known: dict[int, Callable[[datetime], float]] = field(default_factory=dict)

    _EVERY: ClassVar[Mapping[str, timedelta]] = {
        "silent_s": 5 * _S,
        "gap_open_s": 5 * _S,
        "frozen": 15 * _S,
        "quarantine_share": 15 * _S,
        "suspect_z": 15 * _S,
        "residual_z": 15 * _S,
        "calibration_due_d": 60 * _S,
    }

    async def refresh(
        self, connection: Connection, *, at: datetime, ingest_since: datetime | None
    ) -> None:
        """Look up what is due; `ingest_since` is since when ingest has been seen to run."""
        for measure, every in self._EVERY.items():
            wanted = of_measures(self.wanted, (measure,))
            if measure in _BALANCES:
                wanted = [one for one in wanted if one.cell.period != LIVE]
            if not wanted or at < self.due.get(measure, at):
                continue
            if measure == "silent_s":
                await self._look_silent(connection, wanted, at, ingest_since)
            elif measure == "gap_open_s":
                await self._look_gaps(connection, wanted)
            elif measure == "frozen":
                await self._look_frozen(connection, wanted, at)
            elif measure == "quarantine_share":
                await self._look_received(connection, wanted, at)
            elif measure in _BALANCES:
                await self._look_balances(connection, measure, wanted, at)
            else:
                self._look_due(wanted)
            self.due[measure] = at + every

    def fill(self, values: Float1D, *, at: datetime) -> None:
        """Write what is known."""
        for place, figure in self.known.items():
            values[place] = figure(at)

    async def _look_silent(
        self,
        connection: Connection,
        wanted: Sequence[Wanted],
        at: datetime,
        ingest_since: datetime | None,
    ) -> None:
        rows = await store.point_ages(connection, site_id=self.site_id, at=at)
        lag = await store.site_lag(connection, self.site_id)
        # While nobody listens, or what was heard is not looked at yet, silence means nothing.
        is_deaf = ingest_since is None or at - ingest_since < _SETTLED
        if is_deaf or (lag is not None and at - lag > _LAG):
            self.known |= {one.place: _unknown for one in wanted}
            return
        patience = self._patience()
        due = {row.code: row.since + patience[row.code] for row in rows if row.code in patience}
        of_gateway: dict[str, datetime] = {}
        for row in rows:
            if row.code in due:
                # A gateway is silent when all of its points are.
                newest = of_gateway.get(row.gateway, due[row.code])
                of_gateway[row.gateway] = max(newest, due[row.code])
        for place, cell in wanted:
            since = (due if cell.kind == "point" else of_gateway).get(cell.object)
            self.known[place] = _unknown if since is None else _age_of(since)

    def _patience(self) -> dict[str, timedelta]:
        base = timedelta(microseconds=self.clock.base_interval_us)
        return {
            point.code: silent_after(point, base_interval=base)
            for meter in self.described.plant.meters
            for point in meter.points
        }

    async def _look_gaps(self, connection: Connection, wanted: Sequence[Wanted]) -> None:
        since = await store.gaps(connection, self.site_id)
        for place, cell in wanted:
            if cell.object not in since:
                self.known[place] = _unknown
                continue
            began = since[cell.object]
            self.known[place] = _constant(0.0) if began is None else _age_of(began)

    async def _look_frozen(
        self, connection: Connection, wanted: Sequence[Wanted], at: datetime
    ) -> None:
        recent = at - timedelta(microseconds=2 * self.clock.base_interval_us)
        codes = await store.frozen(connection, site_id=self.site_id, since=recent)
        limited = {
            point.code
            for meter in self.described.plant.meters
            for point in meter.points
            if point.checks.frozen_hours
        }
        for place, cell in wanted:
            known = float(cell.object in codes) if cell.object in limited else np.nan
            self.known[place] = _constant(known)

    async def _look_received(
        self, connection: Connection, wanted: Sequence[Wanted], at: datetime
    ) -> None:
        # Counts are kept by the hour: of the one before as many as are not an hour old.
        rows = await store.received(connection, site_id=self.site_id, at=at)
        for place, cell in wanted:
            received, quarantined = rows.get(cell.object, (0.0, 0.0))
            self.known[place] = _constant(quarantined / received if received else np.nan)

    async def _look_balances(
        self, connection: Connection, measure: str, wanted: Sequence[Wanted], at: datetime
    ) -> None:
        for period in sorted({one.cell.period for one in wanted}):
            length = self.clock.base_interval_us if period == "interval" else 86_400 * _US_PER_S
            since = from_us(to_us(at) - _NEWEST[period] * length)
            grain = int(_GRAINS[period])
            if measure == "suspect_z":
                found = await store.suspects(
                    connection, site_id=self.site_id, grain=grain, since=since
                )
            else:
                found = await self._residuals(connection, grain, since)
            for place, cell in wanted:
                if cell.period == period:
                    self.known[place] = _constant((found or {}).get(cell.object, np.nan))

    async def _residuals(
        self, connection: Connection, grain: int, since: datetime
    ) -> dict[str, float] | None:
        newest = await store.newest_balance(
            connection, site_id=self.site_id, grain=grain, since=since
        )
        network = self.described.balanced.network
        # One of before the description changed says nothing of the nodes of now.
        if newest is None or newest.code != network.code:
            return None
        return nodal_tests(network, newest.measured_kwh, newest.sigma_kwh)

    def _look_due(self, wanted: Sequence[Wanted]) -> None:
        zone = ZoneInfo(self.clock.time_zone)
        meters = {meter.code: meter for meter in self.described.plant.meters}
        for place, cell in wanted:
            meter = meters.get(cell.object)
            newest = None if meter is None else due_on(meter)
            due = None if meter is None else meter.calibration_due
            due = due if newest is None else newest.due

            def days(at: datetime, due: object = due) -> float:
                today = at.astimezone(zone).date()
                return np.nan if due is None else float((due - today).days)  # type: ignore[operator]

            self.known[place] = days


def _unknown(_at: datetime) -> float:
    return np.nan


def _constant(value: float) -> Callable[[datetime], float]:
    return lambda _at: value


def _age_of(since: datetime) -> Callable[[datetime], float]:
    return lambda at: max((at - since) / _S, 0.0)
