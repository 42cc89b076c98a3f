"""Demand 需量: mean power over the quarter of an hour that is open, and the month's highest.

It is of electricity, as a contract of supply is: what a site or node takes in of other carriers has
none. A flow has its own, whatever it carries.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from compute.block import ResultBlock
from compute.periods import US_PER_HOUR, Grain, from_us
from compute.topology import Float1D
from services import open_sums
from services.alert_cells.live import Look
from services.alert_cells.wanted import DEMAND, ELECTRICITY, Wanted
from services.benchmark_periods import Clock
from services.open_sums import QUARTER_US, Reader
from services.site_model import Described
from services.store import budgets
from services.store.pool import Connection

_READ_US = 5_000_000


@dataclass
class DemandCells:
    """Cells of one site that ask for a demand.

    With base intervals that do not divide a quarter of an hour nothing is known.
    """

    wanted: Sequence[Wanted]
    described: Described
    clock: Clock
    site_id: int
    parts: list[tuple[Wanted, int]] = field(init=False)
    quarter: tuple[int, int] = (0, 0)
    quarter_sums: ResultBlock | None = None
    month_kw: Float1D | None = None
    month_before_kw: Float1D | None = None
    budgets: dict[str, float] = field(default_factory=dict)
    read_us: int = 0

    def __post_init__(self) -> None:
        """Find the series of every cell."""
        rows: dict[tuple[str, str], int] = {}
        for row, key in enumerate(self.described.keys):
            if key.kind == "flow" or (key.kind == "node" and key.carrier == ELECTRICITY):
                rows[key.kind, key.code] = row
        arrays = self.described.arrays
        self._roots = [
            rows["node", code]
            for code, parent in zip(arrays.node_code, arrays.node_parent_index, strict=True)
            if parent < 0 and ("node", code) in rows
        ]
        self.parts = []
        self._crossing: dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {}
        if QUARTER_US % self.clock.base_interval_us:
            return
        for one in self.wanted:
            if one.cell.measure != DEMAND:
                continue
            kind, code = one.cell.kind, one.cell.object
            place = len(self.described.keys) if kind == "site" else rows.get((kind, code))
            if place is not None and (kind != "site" or self._roots):
                self.parts.append((one, place))
                if (kind, code) not in self._crossing and one.cell.function == "forecast":
                    self._crossing[kind, code] = self._crossings(kind, code)

    def _crossings(self, kind: str, code: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the flows of electricity into a boundary, and out of it."""
        plant = self.described.plant
        if kind == "flow":
            return (code,), ()
        within = (
            {self.described.keys[row].code for row in self._roots} if kind == "site" else {code}
        )
        count = 0
        while count < len(within):
            count = len(within)
            within |= {node.code for node in plant.nodes if node.parent in within}
        power = [flow for flow in plant.flows if flow.carrier == ELECTRICITY]
        return (
            tuple(f.code for f in power if f.to_node in within and f.from_node not in within),
            tuple(f.code for f in power if f.from_node in within and f.to_node not in within),
        )

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
        if any(period == "month" for period, _ in asked):
            month = open_sums.bounds_us(self.clock, "month", start_us)
            self.month_kw = await self._highest(connection, read, month[0], start_us)
            if ("month", "previous") in asked:
                before = open_sums.bounds_us(self.clock, "month", month[0] - 1)
                self.month_before_kw = await self._highest(connection, read, *before)
            if ("month", "budget") in asked:
                await self._read_budgets(connection, month[0])

    async def _read_budgets(self, connection: Connection, month_us: int) -> None:
        rows = await budgets.list_rows(
            connection, self.site_id, start=from_us(month_us), end=from_us(month_us + 1)
        )
        self.budgets = {
            row.node: row.amount
            for row in budgets.holding(rows)
            if (row.quantity, row.grain) == (DEMAND, Grain.MONTH) and row.amount is not None
        }
        # A site with one outermost boundary is that boundary.
        if len(self._roots) == 1:
            root = self.described.keys[self._roots[0]].code
            for one, other in (("", root), (root, "")):
                if other in self.budgets:
                    self.budgets.setdefault(one, self.budgets[other])

    async def _quarter(self, connection: Connection, read: Reader, start_us: int) -> ResultBlock:
        block, _ = await open_sums.read_base(
            connection,
            read,
            series_id=self.described.series_id,
            start_us=start_us,
            end_us=start_us + QUARTER_US,
            together=self._roots,
        )
        return block

    async def _highest(
        self, connection: Connection, read: Reader, start_us: int, end_us: int
    ) -> Float1D:
        return await open_sums.read_demand_kw(
            connection,
            read,
            series_id=self.described.series_id,
            start_us=start_us,
            end_us=end_us,
            base_interval_us=self.clock.base_interval_us,
            together=self._roots,
        )

    def fill(self, values: Float1D, look: Look) -> None:
        """Write what is known."""
        for one, row in self.parts:
            values[one.place] = self._figure(one, row, look)

    def _figure(self, one: Wanted, row: int, look: Look) -> float:
        function = one.cell.function
        if function == "budget":
            return self.budgets.get(one.cell.object, np.nan)
        if function == "previous":
            return np.nan if self.month_before_kw is None else float(self.month_before_kw[row])
        so_far = _mean_kw(self.quarter_sums, row)
        if function == "forecast":
            inward, outward = self._crossing[one.cell.kind, one.cell.object]
            power_kw = float(
                look.column("flow", "power_kw", inward).sum()
                - look.column("flow", "power_kw", outward).sum()
            )
            return self._run_on(so_far, row, power_kw)
        if one.cell.period == "interval":
            return so_far
        highest = np.nan if self.month_kw is None else float(self.month_kw[row])
        # The open quarter counts as far as it has come: its mean can only rise.
        return float(np.fmax(highest, so_far))

    def _run_on(self, so_far_kw: float, row: int, power_kw: float) -> float:
        """Return the mean of the quarter if the rest of it runs as the last minute did."""
        if self.quarter_sums is None:
            return np.nan
        left = max(QUARTER_US - int(self.quarter_sums.covered_us[row].sum()), 0) / QUARTER_US
        return so_far_kw + left * power_kw if left else so_far_kw


def _mean_kw(block: ResultBlock | None, row: int) -> float:
    """Return the energy of a quarter so far over a whole quarter."""
    if block is None or np.isnan(block.energy_kwh[row]).all():
        return np.nan
    return float(np.nansum(block.energy_kwh[row])) * US_PER_HOUR / QUARTER_US
