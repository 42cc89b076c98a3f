"""Cells as they would have been at the end of each interval of a past span, for trying a rule.

Everything is taken from the stored results of base intervals or hours: what was of the last minute
is the mean of the interval, and what results do not hold (silence, suspects, the centre itself) is
not known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from compute.block import ResultBlock
from compute.periods import US_PER_HOUR
from compute.topology import Float1D, Int1D
from services import open_sums
from services.alert_cells.live import balanced
from services.alert_cells.sums import QUANTITIES, RATIOS
from services.alert_cells.wanted import DEMAND, ELECTRICITY, LIVE, Wanted
from services.benchmark_periods import Clock
from services.open_sums import QUARTER_US, SumPeriod
from services.plant.model import Plant

# A rate of the last minute as the sum that it is the rate of: quantity, and how many it makes.
_RATES = {
    "power_kw": ("energy_kwh", 1.0),
    "emission_rate_kgco2e_per_h": ("emission_tco2e", 1000.0),
    "coal_equivalent_kgce_per_h": ("coal_equivalent_tce", 1000.0),
    "amount_per_h": ("amount", 1.0),
}
_RATIOS = {
    **RATIOS,
    "intensity_kgco2e_per_kwh": ("emission_tco2e", 1000.0),
}
TRIED = frozenset(QUANTITIES | set(_RATES) | set(_RATIOS) | {"residual_share", DEMAND})
# The pace of a forecast is the mean of this long before.
_PACE_US = {
    "day": 7 * 86_400_000_000,
    "month": 60 * 86_400_000_000,
    "year": 365 * 86_400_000_000,
}


@dataclass
class PastCells:
    """Stored results of a site over a span, and what cells come to at the end of each interval.

    Attributes
    ----------
    block : ResultBlock
        (s + 1, k): the series, and the site as a whole.
    starts_us : (k,) int64
        Consecutive, from long enough before the span that open periods are whole.
    step_us : int
    """

    plant: Plant
    clock: Clock
    rows: Mapping[tuple[str, str, str], int]
    block: ResultBlock
    starts_us: Int1D
    step_us: int
    budgets: Mapping[tuple[str, str, str, int], float]
    roots: Sequence[str]
    _edges: dict[SumPeriod, Int1D] = field(default_factory=dict)

    def values(self, one: Wanted) -> Float1D:
        """Return a cell at the end of every interval, (k,); NaN: not known."""
        cell = one.cell
        found: Float1D | None = None
        if cell.measure in TRIED:
            if cell.function == "budget":
                found = self._budget(one)
            elif cell.measure == DEMAND:
                found = self._demand(one)
            elif cell.measure in _RATIOS:
                found = self._intensity(one)
            elif cell.measure == "residual_share":
                found = self._residual(one)
            else:
                found = self._sum(one)
        return np.full(len(self.starts_us), np.nan) if found is None else found

    def _sum(self, one: Wanted) -> Float1D | None:
        cell = one.cell
        quantity, scale = _RATES.get(cell.measure, (cell.measure, 1.0))
        if quantity == "product_amount":
            quantity = "amount"
        figures = self._figures(cell.kind, cell.object, cell.carrier, quantity)
        return None if figures is None else scale * self._over(one, figures)

    def _residual(self, one: Wanted) -> Float1D | None:
        node = one.cell.object
        top = self._figures("residual", node, "", "energy_kwh")
        flows = [
            self._figures("flow", code, "", "energy_kwh") for code in balanced(self.plant, node)
        ]
        known = [flow for flow in flows if flow is not None]
        if top is None or not known or len(known) < len(flows):
            return None
        return self._ratio(one, top, np.sum(known, axis=0), 1.0)

    def _intensity(self, one: Wanted) -> Float1D | None:
        cell = one.cell
        quantity, scale = _RATIOS[cell.measure]
        node, bottom = cell.object, self._figures("node", cell.object, "", "energy_kwh")
        if cell.kind == "product":
            node = next((made.node for made in self.plant.products if made.code == node), "")
            bottom = self._figures("product", cell.object, "", "amount")
        top = self._figures("node", node, "", quantity)
        return None if top is None or bottom is None else self._ratio(one, top, bottom, scale)

    def _figures(self, kind: str, code: str, carrier: str, quantity: str) -> Float1D | None:
        if kind == "site":
            row: int | None = self.block.energy_kwh.shape[0] - 1
        else:
            if kind == "flow":
                carrier = next((f.carrier for f in self.plant.flows if f.code == code), "")
            row = self.rows.get((kind, code, carrier))
        return None if row is None else open_sums.quantity_of(self.block, quantity)[row]

    def _ratio(self, one: Wanted, top: Float1D, bottom: Float1D, scale: float) -> Float1D:
        above, below = self._over(one, top), self._over(one, bottom)
        return np.where(below > 0.0, scale * above / np.where(below > 0.0, below, 1.0), np.nan)

    def _over(self, one: Wanted, figures: Float1D) -> Float1D:
        """Return a figure over the period of a cell, at the end of every interval."""
        cell = one.cell
        if cell.period == LIVE:
            return figures * (US_PER_HOUR / self.step_us)
        first, last = self._period_of(cell.period)
        so_far = _since(figures, first)
        if cell.function == "value":
            return so_far
        if cell.function == "previous":
            return _before(figures, first)
        left = (last - 1 - np.arange(len(figures))).astype(np.float64)
        return so_far + left * _mean_before(figures, _PACE_US[cell.period] // self.step_us)

    def _demand(self, one: Wanted) -> Float1D | None:
        cell = one.cell
        figures = self._power(cell.kind, cell.object)
        if figures is None or QUARTER_US % self.step_us or cell.function == "previous":
            return None
        quarter = self.starts_us // QUARTER_US
        first = np.searchsorted(quarter, quarter)
        to_kw = US_PER_HOUR / QUARTER_US
        mean_kw = _since(figures, first) * to_kw
        if cell.function == "forecast":
            left = first + QUARTER_US // self.step_us - 1 - np.arange(len(figures))
            return mean_kw + left * figures * to_kw
        if cell.period == "interval":
            return mean_kw
        month, _ = self._period_of("month")
        highest = np.full(len(figures), np.nan)
        for begin, end in _runs(month):
            highest[begin:end] = np.fmax.accumulate(mean_kw[begin:end])
        return highest

    def _power(self, kind: str, code: str) -> Float1D | None:
        """Return the electricity of a boundary, or what a flow carries, in each interval. [kWh]."""
        if kind != "site":
            return self._figures(kind, code, ELECTRICITY, "energy_kwh")
        known = [self._figures("node", root, ELECTRICITY, "energy_kwh") for root in self.roots]
        found = [figures for figures in known if figures is not None]
        return np.sum(found, axis=0) if found else None

    def _budget(self, one: Wanted) -> Float1D:
        cell = one.cell
        found = np.full(len(self.starts_us), np.nan)
        if cell.carrier or cell.kind not in {"site", "node"}:
            return found
        nodes = [cell.object if cell.kind == "node" else ""]
        if len(self.roots) == 1 and cell.kind == "site":
            nodes.append(self.roots[0])
        first, _ = self._period_of(cell.period)
        edges = self._edges[_named(cell.period)]
        starts = edges[np.searchsorted(edges, self.starts_us, side="right") - 1]
        for begin, end in _runs(first):
            for node in nodes:
                key = (node, cell.measure, cell.period, int(starts[begin]))
                if key in self.budgets:
                    found[begin:end] = self.budgets[key]
                    break
        return found

    def _period_of(self, period: str) -> tuple[Int1D, Int1D]:
        """Return, of every interval, the first of its period and the one after the last."""
        name = _named(period)
        if name not in self._edges:
            self._edges[name] = open_sums.edges_us(
                self.clock, name, int(self.starts_us[0]), int(self.starts_us[-1]) + self.step_us
            )
        edges = self._edges[name]
        place = np.searchsorted(edges, self.starts_us, side="right") - 1
        origin = int(self.starts_us[0])
        first = np.maximum((edges[place] - origin) // self.step_us, 0)
        last = -((origin - edges[place + 1]) // self.step_us)
        return first, last


def _named(period: str) -> SumPeriod:
    return next(name for name in open_sums.PERIODS if name == period)


def _since(figures: Float1D, first: Int1D) -> Float1D:
    """Return sums from the first interval of each period on; what is missing adds nothing."""
    known = ~np.isnan(figures)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, figures, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    here = np.arange(len(figures))
    some = count[here + 1] > count[first]
    return np.where(some, total[here + 1] - total[first], np.nan)


def _before(figures: Float1D, first: Int1D) -> Float1D:
    """Return what the whole period before came to; NaN before the first whole one."""
    found = np.full(len(figures), np.nan)
    runs = list(_runs(first))
    sums = [float(np.nansum(figures[begin:end])) for begin, end in runs]
    some = [bool((~np.isnan(figures[begin:end])).any()) for begin, end in runs]
    for place in range(1, len(runs)):
        begin, end = runs[place]
        if some[place - 1]:
            found[begin:end] = sums[place - 1]
    return found


def _mean_before(figures: Float1D, count: int) -> Float1D:
    known = ~np.isnan(figures)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, figures, 0.0))])
    number = np.concatenate([[0], np.cumsum(known)])
    here = np.arange(len(figures)) + 1
    start = np.maximum(here - count, 0)
    found = number[here] - number[start]
    return np.where(found > 0, (total[here] - total[start]) / np.maximum(found, 1), np.nan)


def _runs(first: Int1D) -> Iterator[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(first)) + 1).tolist(), len(first)]
    yield from pairwise(edges)
