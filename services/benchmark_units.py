"""The units to benchmark of a plant as arrays: which results they divide, and their marks."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from compute.benchmark_marks import Mark, corrected_marks
from compute.benchmark_sides import Parts, Side
from compute.block import VALUE_COLUMNS
from compute.grid import Float2D
from compute.units import conversion
from services.plant.amounts import carrier_unit, carriers
from services.plant.benchmark import Benchmark, BenchmarkTarget, LimitUse
from services.plant.model import Plant
from services.reference.limits import LEVEL_COUNT, Limit, Quotient, is_energy, limits, quotient_of

SeriesKey = tuple[str, str, str]  # kind, code, carrier
Use = Literal["used", "not_compared", "not_in_force"]

_COLUMN = {name: index for index, name in enumerate(VALUE_COLUMNS)}
_ENERGY_COLUMN = {
    "coal": "coal_equivalent_tce",
    "electricity": "energy_kwh",
    "efficiency": "energy_kwh",
}


@dataclass(frozen=True, slots=True)
class UsedLimit:
    """A limit that a description names, and whether it gives a level on a day."""

    limit: Limit
    compared_with: str | None
    use: Use
    given: float | None  # the parameter of its correction


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit to benchmark."""

    benchmark: Benchmark
    quotient: Quotient

    @property
    def more_is_better(self) -> bool:
        """Return whether its energy stands below the line."""
        return self.quotient.energy == "efficiency"

    @property
    def energy_side(self) -> Side:
        """Return where its energy stands."""
        return Side.BOTTOM if self.more_is_better else Side.TOP

    @property
    def energy_unit(self) -> str:
        """Return the unit of its energy side."""
        return "tce" if self.quotient.energy == "coal" else "kWh"

    def target_at(self, day: date) -> BenchmarkTarget | None:
        """Return the target of a day."""
        for target in self.benchmark.targets:
            if target.valid_from <= day and (target.valid_to is None or day < target.valid_to):
                return target
        return None

    def limits_at(self, day: date) -> list[UsedLimit]:
        """Return every limit that is named, and what it is used for on a day."""
        given = {parameter.name: parameter.value for parameter in self.benchmark.parameters}
        found = []
        for use in self.benchmark.limits:
            limit = limits()[use.limit]
            parameter = None if limit.correction is None else limit.correction.parameter
            found.append(
                UsedLimit(
                    limit=limit,
                    compared_with=use.compared_with,
                    use=_use(limit, use, day),
                    given=given.get(parameter or ""),
                )
            )
        return found


def _use(limit: Limit, use: LimitUse, day: date) -> Use:
    if limit.confidence == "recalled" and use.compared_with is None:
        return "not_compared"
    return "used" if limit.holds_at(day) else "not_in_force"


@dataclass(frozen=True)
class Units:
    """The units of a description, and where their results are.

    Attributes
    ----------
    series_id : (s,) int32
        Series that the parts count; rows of a block to be given to `add_sides`.
    carrier : tuple of str
        (u,) the one carrier of a unit's energy, "" where there are several.
    """

    units: tuple[Unit, ...]
    carrier: tuple[str, ...]
    series_id: npt.NDArray[np.int32]
    parts: Parts

    @cached_property
    def scale(self) -> npt.NDArray[np.float64]:
        """(u,) what a quotient is multiplied by to be in the unit of the benchmark."""
        return np.array([unit.quotient.scale for unit in self.units], dtype=np.float64)

    @cached_property
    def more_is_better(self) -> npt.NDArray[np.bool_]:
        """(u,)."""
        return np.array([unit.more_is_better for unit in self.units], dtype=np.bool_)

    def marks_at(self, day: date) -> Float2D:
        """Return (7, u) the marks that hold on a day, without the own best."""
        since = bisect_right(self._change_days, day)
        if since not in self._marks:
            self._marks[since] = self._marks_on(day)
        return self._marks[since].copy()

    @cached_property
    def _marks(self) -> dict[int, Float2D]:
        """Marks between the days on which any changes: a long history asks for few of them."""
        return {}

    @cached_property
    def _change_days(self) -> list[date]:
        days: set[date | None] = set()
        for unit in self.units:
            for target in unit.benchmark.targets:
                days |= {target.valid_from, target.valid_to}
            for use in unit.benchmark.limits:
                days |= {limits()[use.limit].valid_from, limits()[use.limit].valid_to}
        return sorted(day for day in days if day is not None)

    def _marks_on(self, day: date) -> Float2D:
        marks = np.full((len(Mark), len(self.units)), np.nan)
        for column, unit in enumerate(self.units):
            for used in unit.limits_at(day):
                if used.use == "used":
                    first = Mark.BENCHMARK if used.limit.kind == "list" else Mark.LEVEL_1
                    levels = corrected_levels(used)
                    count = 2 if used.limit.kind == "list" else LEVEL_COUNT
                    marks[first : first + count, column] = levels[:count]
            target = unit.target_at(day)
            if target is not None:
                marks[Mark.TARGET, column] = target.value
        return marks


def corrected_levels(used: UsedLimit) -> npt.NDArray[np.float64]:
    """Return the three levels of a limit with its correction term; NaN where there is none."""
    base = np.array([np.nan if level is None else level for level in used.limit.levels])
    correction = used.limit.correction
    if correction is None:
        return base
    given = np.nan if used.given is None else used.given
    corrected = corrected_marks(
        base[:, np.newaxis],
        slope=np.array(correction.slope)[:, np.newaxis],
        given=np.array([given]),
        reference=np.array([correction.reference]),
    )
    return np.asarray(corrected[:, 0])


def units_of(plant: Plant, series: Mapping[SeriesKey, int]) -> Units:
    """Return the units of a description.

    Parameters
    ----------
    plant : Plant
    series : mapping of (kind, code, carrier) to int
        Numbers of the site's series.
    """
    rows = _Rows(plant, series)
    units: list[Unit] = []
    for benchmark in plant.benchmarks:
        quotient = quotient_of(benchmark.unit)
        if quotient is None:
            raise AssertionError("a checked description has units that are quotients")
        unit = Unit(benchmark, quotient)
        rows.add(len(units), unit)
        units.append(unit)
    return Units(
        units=tuple(units),
        carrier=tuple(rows.carrier_of(unit) for unit in units),
        series_id=np.array(rows.series_id, dtype=np.int32),
        parts=rows.parts(),
    )


class _Rows:
    """Collects the parts of units, each series once."""

    def __init__(self, plant: Plant, series: Mapping[SeriesKey, int]) -> None:
        self.series_id: list[int] = []
        self._series = series
        self._row: dict[SeriesKey, int] = {}
        self._parts: list[tuple[int, int, int, int, float]] = []
        self._carrier = {flow.code: flow.carrier for flow in plant.flows}
        self._product_unit = {product.code: product.unit for product in plant.products}
        self._power = [code for code, it in carriers().items() if it.kind == "electricity"]

    def add(self, unit: int, what: Unit) -> None:
        energy = what.quotient.energy
        for key in self._energy_keys(what):
            self._part(unit, key, what.energy_side, _ENERGY_COLUMN[energy], 1.0)
            self._part(unit, key, Side.TCE, "coal_equivalent_tce", 1.0)
            self._part(unit, key, Side.EMISSION, "emission_direct_tco2e", 1.0)
            self._part(unit, key, Side.EMISSION, "emission_purchased_tco2e", 1.0)
        output = Side.TOP if what.more_is_better else Side.BOTTOM
        for key, column, weight in self._output_keys(what):
            self._part(unit, key, output, column, weight)

    def parts(self) -> Parts:
        columns = np.array(self._parts, dtype=np.float64).reshape(-1, 5).T
        unit, row, side, column = columns[:4].astype(np.int32)
        return Parts(unit=unit, row=row, side=side, column=column, weight=columns[4])

    def carrier_of(self, what: Unit) -> str:
        if what.quotient.energy == "electricity":
            return "electricity"
        found = {self._carrier[flow] for flow in what.benchmark.flows}
        return found.pop() if len(found) == 1 and not what.benchmark.nodes else ""

    def _energy_keys(self, what: Unit) -> list[SeriesKey]:
        by_power = what.quotient.energy == "electricity"
        wanted = [*self._power] if by_power else [""]
        keys: list[SeriesKey] = [
            ("node", node, carrier) for node in what.benchmark.nodes for carrier in wanted
        ]
        keys.extend(
            ("flow", flow, self._carrier[flow])
            for flow in what.benchmark.flows
            if not by_power or self._carrier[flow] in self._power
        )
        return keys

    def _output_keys(self, what: Unit) -> list[tuple[SeriesKey, str, float]]:
        target = what.quotient.output_unit
        product = what.benchmark.product
        if product is not None:
            weight = conversion(self._product_unit[product], target)
            return [(("product", product, ""), "amount", weight)]
        found: list[tuple[SeriesKey, str, float]] = []
        for flow in what.benchmark.output_flows:
            key = ("flow", flow, self._carrier[flow])
            if is_energy(target):
                found.append((key, "energy_kwh", conversion("kWh", target)))
            else:
                found.append((key, "amount", conversion(carrier_unit(key[2]), target)))
        return found

    def _part(self, unit: int, key: SeriesKey, side: Side, column: str, weight: float) -> None:
        # A node has rows of the carriers that it uses alone.
        if key not in self._series:
            return
        if key not in self._row:
            self._row[key] = len(self.series_id)
            self.series_id.append(self._series[key])
        self._parts.append((unit, self._row[key], int(side), _COLUMN[column], weight))
