"""Values of the last minute, out of a live event: the page and a rule see the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from compute.topology import Float1D, Int1D
from services.alert_cells.wanted import LIVE, Wanted
from services.plant.model import Plant

# Where in the payload the columns of a measure are, by the kind of the object.
_COLUMNS: Mapping[tuple[str, str], tuple[str, str]] = {
    **{
        (measure, kind): (kind, column)
        for kind in ("node", "flow")
        for measure, column in (
            ("power_kw", "power_kw"),
            ("emission_rate_kgco2e_per_h", "emission_kgco2e_per_h"),
            ("coal_equivalent_kgce_per_h", "coal_equivalent_kgce_per_h"),
        )
    },
    ("intensity_kgco2e_per_kwh", "node"): ("node", "intensity_kgco2e_per_kwh"),
    ("amount_per_h", "flow"): ("flow", "amount_per_h"),
    ("amount_per_h", "product"): ("product", "amount_per_h"),
    ("intensity_kgce_per_unit", "product"): ("product", "intensity_kgce_per_unit"),
    ("intensity_kgco2e_per_unit", "product"): ("product", "intensity_kgco2e_per_unit"),
}
_BENCHMARKS = {
    ("benchmark_value", "value"): "value",
    ("benchmark_value", "forecast"): "forecast",
    ("benchmark_level", "value"): "level",
    ("benchmark_level_end", "value"): "level_end",
}
MEASURES = frozenset({measure for measure, _ in _COLUMNS} | {measure for measure, _ in _BENCHMARKS})
_NONE: Mapping[str, Any] = {}


class Look(NamedTuple):
    """A payload as its columns are asked for."""

    payload: Mapping[str, Any]

    def column(self, table: str, name: str, codes: Sequence[str]) -> Float1D:
        """Return figures of objects, NaN where there is none."""
        columns = self.payload.get(table) or _NONE
        place = {code: row for row, code in enumerate(columns.get("code", ()))}
        figures = columns.get(name, ())
        found = [figures[place[code]] if code in place else None for code in codes]
        return np.array(found, dtype=np.float64)

    def roots(self, name: str) -> float:
        """Return a figure of the site: of the nodes that no other holds, NaN if one has none."""
        nodes = self.payload.get("node") or _NONE
        figures = [
            np.nan if figure is None else figure
            for figure, is_root in zip(nodes.get(name, ()), nodes.get("root", ()), strict=True)
            if is_root
        ]
        return float(sum(figures)) if figures else np.nan


@dataclass(frozen=True, slots=True)
class _Group:
    table: str
    column: str
    index: Int1D
    codes: tuple[str, ...]


@dataclass
class LiveCells:
    """Cells of one site that a live event answers."""

    wanted: Sequence[Wanted]
    plant: Plant
    groups: list[_Group] = field(init=False)
    sites: list[tuple[int, str]] = field(init=False)
    residuals: list[Wanted] = field(init=False)
    tests: list[Wanted] = field(init=False)
    suspects: list[Wanted] = field(init=False)
    benchmarks: list[tuple[int, str, str, str]] = field(init=False)

    def __post_init__(self) -> None:
        """Sort the cells by the columns that hold them."""
        live = [one for one in self.wanted if one.cell.period == LIVE]
        found: dict[tuple[str, str], list[Wanted]] = {}
        self.sites = []
        for one in live:
            key = (one.cell.measure, one.cell.kind)
            if one.cell.kind == "site" and (one.cell.measure, "node") in _COLUMNS:
                self.sites.append((one.place, _COLUMNS[one.cell.measure, "node"][1]))
            elif key in _COLUMNS:
                found.setdefault(_COLUMNS[key], []).append(one)
        self.groups = [
            _Group(
                *place,
                np.array([one.place for one in chosen], dtype=np.int64),
                tuple(one.cell.object for one in chosen),
            )
            for place, chosen in found.items()
        ]
        self.residuals = [one for one in live if one.cell.measure == "residual_share"]
        self.tests = [one for one in live if one.cell.measure == "residual_z"]
        self.suspects = [one for one in live if one.cell.measure == "suspect_z"]
        self.benchmarks = [
            (
                one.place,
                one.cell.period,
                _BENCHMARKS[one.cell.measure, one.cell.function],
                one.cell.object,
            )
            for one in self.wanted
            if (one.cell.measure, one.cell.function) in _BENCHMARKS
        ]

    def fill(self, values: Float1D, payload: Mapping[str, Any] | None) -> None:
        """Write what a payload says; None: nothing is known."""
        look = Look(payload or _NONE)
        for group in self.groups:
            values[group.index] = look.column(group.table, group.column, group.codes)
        for index, column in self.sites:
            values[index] = look.roots(column)
        balance = Look(look.payload.get("balance") or _NONE)
        for place, cell in self.residuals:
            values[place] = self._residual_share(look, balance, cell.object)
        for place, cell in self.tests:
            values[place] = balance.column("node", "residual_z", (cell.object,))[0]
        self._fill_suspects(values, balance)
        benchmark = Look(look.payload.get("benchmark") or _NONE)
        for index, period, column, code in self.benchmarks:
            values[index] = benchmark.column(period, column, (code,))[0]

    def _residual_share(self, look: Look, balance: Look, node: str) -> float:
        inputs = look.column("flow", "power_kw", balanced(self.plant, node)).sum()
        residual = float(balance.column("node", "residual_kw", (node,))[0])
        return residual / float(inputs) if inputs > 0.0 else np.nan

    def _fill_suspects(self, values: Float1D, balance: Look) -> None:
        if not self.suspects:
            return
        codes = tuple(one.cell.object for one in self.suspects)
        z = np.abs(balance.column("flow", "z", codes))
        is_suspect = balance.column("flow", "suspect", codes)
        index = np.array([one.place for one in self.suspects], dtype=np.int64)
        # One that is not tested is unknown; one that is and stands out from nothing is 0.
        values[index] = np.where(is_suspect == 1.0, z, np.where(np.isnan(is_suspect), np.nan, 0.0))


def inflows(plant: Plant, node: str) -> tuple[str, ...]:
    """Return the flows into a node."""
    return tuple(flow.code for flow in plant.flows if flow.to_node == node)


def balanced(plant: Plant, node: str) -> tuple[str, ...]:
    """Return the flows into a node out of which as much must come; none into others.

    Only a bus neither converts nor stores: the residual of any other node is what it is for.
    """
    is_bus = any(one.code == node and one.kind == "bus" for one in plant.nodes)
    return inflows(plant, node) if is_bus else ()


def is_live(wanted: Iterable[Wanted]) -> bool:
    """Return whether any of the cells changes with every live event."""
    return any(one.cell.period == LIVE or one.cell.measure in MEASURES for one in wanted)
