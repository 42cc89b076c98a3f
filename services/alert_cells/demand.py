"""Demand 需量: mean power over the quarter of an hour that is open, and the month's highest."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from compute.block import ResultBlock
from compute.periods import US_PER_HOUR, Grain
from compute.topology import Float1D
from services import open_sums
from services.alert_cells.live import Look
from services.alert_cells.sums import Part, rate_per_h
from services.alert_cells.wanted import DEMAND, Wanted
from services.benchmark_periods import Clock
from services.open_sums import Reader
from services.rollup_rows import block_of
from services.site_model import Described
from services.store.pool import Connection

QUARTER_US = 900_000_000
_READ_US = 5_000_000
_HOURS = QUARTER_US / US_PER_HOUR


@dataclass
class DemandCells:
    """Cells of one site that ask for a demand.

    With base intervals that do not divide a quarter of an hour nothing is known.
    """

    wanted: Sequence[Wanted]
    described: Described
    clock: Clock
    parts: list[tuple[Wanted, Part]] = field(init=False)
    quarter: tuple[int, int] = (0, 0)
    quarter_sums: ResultBlock | None = None
    before_sums: ResultBlock | None = None
    month_kw: Float1D | None = None
    month_before_kw: Float1D | None = None
    read_us: int = 0

    def __post_init__(self) -> None:
        """Find the series of every cell."""
        rows: dict[tuple[str, str], int] = {}
        for row, key in enumerate(self.described.keys):
            if key.kind == "flow" or (key.kind == "node" and not key.carrier):
                rows[key.kind, key.code] = row
        arrays = self.described.arrays
        self._roots = [
            rows["node", code]
            for code, parent in zip(arrays.node_code, arrays.node_parent_index, strict=True)
            if parent < 0 and ("node", code) in rows
        ]
        self.parts = []
        if QUARTER_US % self.clock.base_interval_us:
            return
        for one in self.wanted:
            if one.cell.measure != DEMAND:
                continue
            kind, code = one.cell.kind, one.cell.object
            place = len(self.described.keys) if kind == "site" else rows.get((kind, code))
            if place is not None and (kind != "site" or self._roots):
                self.parts.append((one, Part((place,), "energy_kwh", kind, code)))

    async def refresh(
        self, connection: Connection, read: Reader, *, now_us: int, is_news: bool
    ) -> None:
        """Read the open quarter with every news, and the month when a quarter has closed."""
        if not self.parts:
            return
        start_us = now_us // QUARTER_US * QUARTER_US
        quarter = (start_us, start_us + QUARTER_US)
        is_new = quarter != self.quarter
        if is_new or is_news or now_us >= self.read_us:
            self.quarter_sums = await self._quarter(connection, read, start_us)
            self.read_us = now_us + _READ_US
        if is_new:
            await self._read_closed(connection, read, start_us)
            self.quarter = quarter

    async def _read_closed(self, connection: Connection, read: Reader, start_us: int) -> None:
        asked = {(one.cell.period, one.cell.function) for one, _ in self.parts}
        if ("interval", "previous") in asked:
            self.before_sums = await self._quarter(connection, read, start_us - QUARTER_US)
        if any(period == "month" for period, _ in asked):
            month = open_sums.bounds_us(self.clock, "month", start_us)
            self.month_kw = await self._highest(connection, read, month[0], start_us)
            if ("month", "previous") in asked:
                before = open_sums.bounds_us(self.clock, "month", month[0] - 1)
                self.month_before_kw = await self._highest(connection, read, *before)

    async def _load(
        self, connection: Connection, read: Reader, start_us: int, end_us: int
    ) -> tuple[ResultBlock, np.ndarray[tuple[int], np.dtype[np.int64]]]:
        columns = await read(
            connection,
            series_ids=self.described.series_id.tolist(),
            grain=Grain.BASE,
            start_us=start_us,
            end_us=end_us,
        )
        block, starts_us = block_of(columns, series_id=self.described.series_id)
        return open_sums.with_sum(block, self._roots), starts_us

    async def _quarter(self, connection: Connection, read: Reader, start_us: int) -> ResultBlock:
        block, _ = await self._load(connection, read, start_us, start_us + QUARTER_US)
        return block

    async def _highest(
        self, connection: Connection, read: Reader, start_us: int, end_us: int
    ) -> Float1D:
        """Return the highest mean power of the whole quarters of a span, NaN without any."""
        block, starts_us = await self._load(connection, read, start_us, end_us)
        quarter = starts_us // QUARTER_US
        edges = np.flatnonzero(np.diff(quarter, prepend=-1))
        if not len(edges):
            return np.full(block.energy_kwh.shape[0], np.nan)
        power = np.add.reduceat(block.energy_kwh, edges, axis=1) / _HOURS
        count = np.diff(edges, append=len(quarter))
        power[:, count * self.clock.base_interval_us != QUARTER_US] = np.nan
        known = ~np.isnan(power)
        highest = np.where(known, power, -np.inf).max(axis=1)
        return np.where(known.any(axis=1), highest, np.nan)

    def fill(self, values: Float1D, look: Look) -> None:
        """Write what is known."""
        for one, part in self.parts:
            values[one.place] = self._figure(one, part, look)

    def _figure(self, one: Wanted, part: Part, look: Look) -> float:
        [row], function = part.rows, one.cell.function
        if function == "budget":
            return np.nan
        if one.cell.period == "interval":
            if function == "previous":
                return _mean_kw(self.before_sums, row)
            so_far = _mean_kw(self.quarter_sums, row)
            return so_far if function == "value" else self._run_on(so_far, part, look)
        if function == "previous":
            return np.nan if self.month_before_kw is None else float(self.month_before_kw[row])
        highest = np.nan if self.month_kw is None else float(self.month_kw[row])
        so_far = _mean_kw(self.quarter_sums, row)
        if function == "forecast":
            so_far = self._run_on(so_far, part, look)
        # The open quarter counts as far as it has come: its mean can only rise.
        known = [figure for figure in (highest, so_far) if not np.isnan(figure)]
        return max(known, default=np.nan)

    def _run_on(self, so_far_kw: float, part: Part, look: Look) -> float:
        """Return the mean of the quarter if the rest of it runs as the last minute did."""
        if self.quarter_sums is None:
            return np.nan
        covered_us = int(self.quarter_sums.covered_us[part.rows[0]].sum())
        left = max(QUARTER_US - covered_us, 0) / QUARTER_US
        return so_far_kw + left * rate_per_h(part, look) if left else so_far_kw


def _mean_kw(block: ResultBlock | None, row: int) -> float:
    """Return the energy of a quarter so far over a whole quarter."""
    if block is None or not block.energy_kwh.shape[1]:
        return np.nan
    return float(np.nansum(block.energy_kwh[row])) / _HOURS if _known(block, row) else np.nan


def _known(block: ResultBlock, row: int) -> bool:
    return bool((~np.isnan(block.energy_kwh[row])).any())
