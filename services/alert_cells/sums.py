"""Values of open periods: what they came to so far, how they end, what the one before came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, cast

import numpy as np

from compute.pace import Pace
from compute.periods import from_us
from compute.topology import Float1D
from services import open_sums
from services.alert_cells.live import balanced
from services.alert_cells.wanted import LIVE, Wanted
from services.benchmark_periods import CLOCKWORK, Clock
from services.open_sums import OpenSums, Reader, SumPeriod
from services.site_model import Described
from services.store import budgets
from services.store.pool import Connection

QUANTITIES = frozenset(
    {
        "energy_kwh",
        "coal_equivalent_tce",
        "coal_equal_tce",
        "emission_tco2e",
        "emission_direct_tco2e",
        "emission_purchased_tco2e",
        "amount",
        "product_amount",
    }
)
# Numerator of a ratio, and how many of its unit one of the ratio's is.
RATIOS = {
    "intensity_kgce_per_unit": ("coal_equivalent_tce", 1000.0),
    "intensity_kgco2e_per_unit": ("emission_tco2e", 1000.0),
}
MEASURES = QUANTITIES | set(RATIOS) | {"residual_share", "covered_share"}
_PACED: tuple[SumPeriod, ...] = ("day", "month", "year")
_READ_US = 5_000_000
_SELDOM_US = 60_000_000


class Part(NamedTuple):
    """A sum that a cell is made of: rows of the series, added up."""

    rows: tuple[int, ...]
    quantity: str


class Asked(NamedTuple):
    """A cell with its parts; without a bottom it is the top alone. `scale` is of the top."""

    wanted: Wanted
    top: Part
    bottom: Part | None
    scale: float


@dataclass(slots=True)
class _Period:
    """What is known of a period of one name."""

    bounds: tuple[int, int] = (0, 0)
    sums: OpenSums | None = None
    previous: OpenSums | None = None
    paces: Mapping[str, Pace] = field(default_factory=dict)
    budgets: dict[tuple[str, str], float] = field(default_factory=dict)
    read_us: int = 0
    seldom_us: int = 0


@dataclass
class SumCells:
    """Cells of one site that stored results of open periods answer."""

    wanted: Sequence[Wanted]
    described: Described
    clock: Clock
    site_id: int
    asked: dict[SumPeriod, list[Asked]] = field(init=False)
    periods: dict[SumPeriod, _Period] = field(init=False)

    def __post_init__(self) -> None:
        """Find the series of every cell."""
        self.asked = {}
        self._rows: dict[tuple[str, str, str], int] = {
            (key.kind, key.code, key.carrier): row for row, key in enumerate(self.described.keys)
        }
        self._carrier = {flow.code: flow.carrier for flow in self.described.plant.flows}
        arrays = self.described.arrays
        self._roots = tuple(
            self._rows["node", code, ""]
            for code, parent in zip(arrays.node_code, arrays.node_parent_index, strict=True)
            if parent < 0 and ("node", code, "") in self._rows
        )
        self._root_codes = tuple(self.described.keys[row].code for row in self._roots)
        for one in self.wanted:
            if one.cell.measure in MEASURES and one.cell.period != LIVE:
                asked = self._ask(one)
                if asked is not None:
                    self.asked.setdefault(cast("SumPeriod", one.cell.period), []).append(asked)
        self.periods = {period: _Period() for period in self.asked}

    def _ask(self, one: Wanted) -> Asked | None:
        cell = one.cell
        if cell.measure in RATIOS:
            products = {p.code: p.node for p in self.described.plant.products}
            if cell.object not in products:
                return None
            quantity, scale = RATIOS[cell.measure]
            top = self._part("node", products[cell.object], "", quantity)
            bottom = self._part("product", cell.object, "", "amount")
            return None if top is None or bottom is None else Asked(one, top, bottom, scale)
        if cell.measure == "residual_share":
            top = self._part("residual", cell.object, "", "energy_kwh")
            flows = balanced(self.described.plant, cell.object)
            rows = [self._row("flow", code, "") for code in flows]
            if top is None or not rows or None in rows:
                return None
            inputs = Part(cast("tuple[int, ...]", tuple(rows)), "energy_kwh")
            return Asked(one, top, inputs, 1.0)
        quantity = "amount" if cell.measure == "product_amount" else cell.measure
        if cell.measure == "covered_share":
            quantity = "energy_kwh"
        only = self._part(cell.kind, cell.object, cell.carrier, quantity)
        return None if only is None else Asked(one, only, None, 1.0)

    def _part(self, kind: str, code: str, carrier: str, quantity: str) -> Part | None:
        row = self._row(kind, code, carrier)
        return None if row is None else Part((row,), quantity)

    def _row(self, kind: str, code: str, carrier: str) -> int | None:
        if kind == "site":
            # The row behind those of the series.
            return len(self.described.keys) if self._roots else None
        if kind == "flow":
            carrier = self._carrier.get(code, "")
        return self._rows.get((kind, code, carrier))

    async def refresh(
        self, connection: Connection, read: Reader, *, now_us: int, is_news: bool
    ) -> None:
        """Read what may have changed: sums with every news, the rest now and then."""
        for period, state in self.periods.items():
            bounds = open_sums.bounds_us(self.clock, period, now_us)
            is_new = bounds != state.bounds
            if is_new or now_us >= state.seldom_us:
                await self._read_seldom(connection, read, period, state, bounds, now_us)
                state.seldom_us = now_us + _SELDOM_US
            if is_new or is_news or now_us >= state.read_us:
                state.sums = await self._read(connection, read, period, bounds)
                state.read_us = now_us + _READ_US
            state.bounds = bounds

    async def _read(
        self,
        connection: Connection,
        read: Reader,
        period: SumPeriod,
        bounds: tuple[int, int],
    ) -> OpenSums:
        return await open_sums.read_sums(
            connection,
            read,
            series_id=self.described.series_id,
            period=period,
            bounds=bounds,
            together=self._roots,
        )

    async def _read_seldom(
        self,
        connection: Connection,
        read: Reader,
        period: SumPeriod,
        state: _Period,
        bounds: tuple[int, int],
        now_us: int,
    ) -> None:
        functions = {asked.wanted.cell.function for asked in self.asked[period]}
        if "previous" in functions:
            before = open_sums.bounds_us(self.clock, period, bounds[0] - 1)
            state.previous = await self._read(connection, read, period, before)
        if "forecast" in functions and period in _PACED:
            parts = [
                part
                for asked in self.asked[period]
                if asked.wanted.cell.function == "forecast"
                for part in (asked.top, asked.bottom)
                if part is not None
            ]
            state.paces = await open_sums.read_paces(
                connection,
                read,
                series_id=self.described.series_id,
                clock=self.clock,
                period=cast('Literal["day", "month", "year"]', period),
                quantities=sorted({part.quantity for part in parts}),
                now_us=now_us,
                together=self._roots,
            )
        if "budget" in functions:
            rows = budgets.holding(
                await budgets.list_rows(
                    connection,
                    self.site_id,
                    start=from_us(bounds[0]),
                    end=from_us(bounds[0] + 1),
                )
            )
            state.budgets = {
                (row.node, row.quantity): row.amount
                for row in rows
                if budgets.PERIODS[row.grain] == period and row.amount is not None
            }

    def fill(self, values: Float1D, *, now_us: int) -> None:
        """Write what is known."""
        for period, asked in self.asked.items():
            state = self.periods[period]
            for one in asked:
                values[one.wanted.place] = self._figure(period, state, one, now_us)

    def _figure(self, period: SumPeriod, state: _Period, asked: Asked, now_us: int) -> float:
        cell = asked.wanted.cell
        if cell.function == "budget":
            return self._budget(state, asked)
        if state.sums is None:
            return np.nan
        if cell.measure == "covered_share":
            elapsed_us = max(now_us - state.bounds[0], 1)
            covered_us = int(state.sums.covered_us[list(asked.top.rows)].min())
            return min(covered_us / elapsed_us, 1.0)

        def figure(part: Part) -> float:
            if cell.function == "previous":
                return np.nan if state.previous is None else _sum(state.previous, part)
            assert state.sums is not None  # noqa: S101 - looked at above
            if cell.function == "forecast":
                return _paced(state, part, CLOCKWORK[cast("Literal['day']", period)].step_us)
            return _sum(state.sums, part)

        top = asked.scale * figure(asked.top)
        if asked.bottom is None:
            return top
        bottom = figure(asked.bottom)
        return top / bottom if bottom > 0.0 else np.nan

    def _budget(self, state: _Period, asked: Asked) -> float:
        cell, stated = asked.wanted.cell, state.budgets
        if cell.carrier or cell.kind not in {"site", "node"}:
            return np.nan
        nodes = [cell.object if cell.kind == "node" else ""]
        # A site with one outermost boundary is that boundary.
        if len(self._root_codes) == 1:
            if cell.kind == "site":
                nodes.append(self._root_codes[0])
            elif cell.object == self._root_codes[0]:
                nodes.append("")
        found = (stated[node, cell.measure] for node in nodes if (node, cell.measure) in stated)
        return next(found, np.nan)


def _sum(sums: OpenSums, part: Part) -> float:
    return float(sums.of(part.quantity)[list(part.rows)].sum())


def _paced(state: _Period, part: Part, step_us: int) -> float:
    if state.sums is None or part.quantity not in state.paces:
        return np.nan
    ends = open_sums.forecast_of(
        state.sums, part.quantity, state.paces[part.quantity], step_us=step_us
    )
    return float(ends.value[list(part.rows)].sum())
