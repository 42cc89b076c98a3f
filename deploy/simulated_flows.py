"""The truth of a simulated plant: flows that balance, with integrals in closed form.

Some amounts are free and follow daily profiles (uses, solar, what a battery takes in); the others
follow from the balance of every bus and the efficiency of every conversion. A profile is constant
over five minutes of the week and scaled by a number of the day, so its integral to any instant is
two table look-ups: the value at a time does not depend on when it is asked for.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from compute.errors import NengtanError
from compute.periods import from_us
from compute.topology import NodeKind, Topology
from services.reference import load_tables

Float1D = npt.NDArray[np.float64]
Float2D = npt.NDArray[np.float64]
Int1D = npt.NDArray[np.int64]

_SLOT_COUNT = 288
_SLOT_HOURS = 24.0 / _SLOT_COUNT
_SLOT_US = 300_000_000
_DAY_US = 86_400_000_000
_DAY_FIRST = 18_262  # 2020-01-01, in days since 1970-01-01
_DAY_COUNT = 7_305  # to the end of 2039
_DAY_NOISE = 0.08
_SLOT_NOISE = 0.05
_EFFICIENCY = 0.87  # of a conversion, and of a battery from charge to discharge
# What one unit of a carrier is worth, by its kind: only the simulator's efficiencies rest on it.
_NOMINAL_KWH_PER_UNIT = {
    "electricity": 1.0,
    "fossil_solid": 6_500.0,
    "fossil_liquid": 12_000.0,
    "fossil_gas": 108_000.0,
    "zero_carbon_fuel": 27_000.0,
    "bio_solid": 4_500.0,
    "bio_liquid": 7_500.0,
    "bio_gas": 58_000.0,
    "waste": 3_000.0,
    "steam": 880.0,
    "heat": 278.0,
    # Compressed air, whose standard coefficient holds the energy of making it: a compressor that
    # ran at its real 0.12 kWh/m3 would seem to give more than it takes.
    "energy_medium": 0.33,
}
_DEFAULT_RATE_KWH = 30.0  # per hour, of a use that nothing measures


class NotSimulable(NengtanError):
    """A plant for which no profile keeps every derived flow positive."""


def nominal_kwh(carrier: str) -> float:
    """Return roughly what one unit of a carrier is worth. [kWh per unit]."""
    return _NOMINAL_KWH_PER_UNIT[load_tables().carriers[carrier].kind]


def default_rate(carrier: str) -> float:
    """Return a modest rate for a flow that nothing measures. [unit per hour]."""
    return _DEFAULT_RATE_KWH / nominal_kwh(carrier)


@dataclass(frozen=True)  # not slotted: its tables are made once, when first asked for
class Profiles:
    """The free amounts, one row each: a week of rates, and a number for every day.

    Attributes
    ----------
    rate : (k, 7, 288) float64
        Rate in every five minutes of the week, Monday first. [unit per hour]
    day_factor : (k, d) float64
        What the rates of each day are multiplied by.
    offset_us : int
        Of local time, without daylight saving. [µs]
    """

    rate: npt.NDArray[np.float64]
    day_factor: Float2D
    offset_us: int

    def cumulative(self, ts_us: Int1D) -> Float2D:
        """Return the integral of every profile from the first day to each instant, (k, n).

        Raises
        ------
        ValueError
            If an instant is outside the years that are simulated.
        """
        day, slot, rest_us = self._local(ts_us)
        weekday = _weekday(day)
        step = self.rate[:, weekday, slot] * (_SLOT_HOURS * rest_us / _SLOT_US)
        within: Float2D = self._before_slot[:, weekday, slot] + step
        return self._before_day[:, day] + self.day_factor[:, day] * within

    def rates(self, ts_us: Int1D) -> Float2D:
        """Return the rate of every profile at each instant, (k, n). [unit per hour]."""
        day, slot, _ = self._local(ts_us)
        rates: Float2D = self.rate[:, _weekday(day), slot] * self.day_factor[:, day]
        return rates

    @cached_property
    def _before_slot(self) -> npt.NDArray[np.float64]:
        """Return the integral from each midnight to each slot of its day, (k, 7, 288)."""
        step = self.rate * _SLOT_HOURS
        before: npt.NDArray[np.float64] = np.cumsum(step, axis=2) - step
        return before

    @cached_property
    def _before_day(self) -> Float2D:
        """Return the integral from the first day to each midnight, (k, d)."""
        of_weekday = (self.rate * _SLOT_HOURS).sum(axis=2)
        of_day = of_weekday[:, _weekday(np.arange(_DAY_COUNT))] * self.day_factor
        before: Float2D = np.cumsum(of_day, axis=1) - of_day
        return before

    def _local(self, ts_us: Int1D) -> tuple[Int1D, Int1D, Int1D]:
        """Return the day, the slot of the day and the time since its start of each instant."""
        day, of_day_us = np.divmod(ts_us + self.offset_us, _DAY_US)
        day -= _DAY_FIRST
        if np.any((day < 0) | (day >= _DAY_COUNT)):
            raise ValueError("the simulator knows the years 2020 to 2039; ask for an instant there")
        slot, rest_us = np.divmod(of_day_us, _SLOT_US)
        return day, slot, rest_us


def _weekday(day: Int1D) -> Int1D:
    return (day + _DAY_FIRST + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0


def make_profiles(
    codes: Sequence[str], shapes: Sequence[str], rate_max: Float1D, *, seed: int, time_zone: str
) -> Profiles:
    """Return the profiles of some free amounts.

    Parameters
    ----------
    codes : sequence of str
        What each one's noise is drawn for; amounts of one code vary together.
    shapes : sequence of str
        `solar`, `charge`, `discharge`, `office`, `shifts` or `steady`.
    rate_max : (k,) float64
        Rate at the top of the shape. [unit per hour]
    """
    rate = np.empty((len(codes), 7, _SLOT_COUNT))
    day_factor = np.empty((len(codes), _DAY_COUNT))
    for row, (code, shape) in enumerate(zip(codes, shapes, strict=True)):
        draw = np.random.default_rng([seed, zlib.crc32(code.encode())])
        noise = 1.0 - _SLOT_NOISE * draw.random((7, _SLOT_COUNT))
        # What a battery gives must be what it took, every day: its shapes have no noise.
        noise = np.ones_like(noise) if "charge" in shape else noise
        rate[row] = rate_max[row] * _shape(shape) * noise
        day_factor[row] = 1.0 - _DAY_NOISE * draw.random(_DAY_COUNT)
    first = from_us(_DAY_FIRST * _DAY_US).astimezone(ZoneInfo(time_zone))
    offset = first.utcoffset()
    if offset is None:
        raise AssertionError("an aware datetime has an offset")
    return Profiles(rate, day_factor, offset_us=round(offset.total_seconds() * 1e6))


def _shape(name: str) -> Float2D:
    """Return a week of a shape between 0 and 1, (7, 288)."""
    hour = np.arange(0.5, _SLOT_COUNT, dtype=np.float64) * _SLOT_HOURS
    flat = np.ones(_SLOT_COUNT)
    if name == "solar":
        day = np.clip(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0, None) ** 1.5
        return np.tile(day, (7, 1))
    if name == "charge":
        return np.tile(np.where(hour < 6.0, 1.0, 0.0), (7, 1))
    if name == "discharge":
        # The energy of six hours of charging, less the losses, in four hours of the evening.
        level = _EFFICIENCY * 6.0 / 4.0
        return np.tile(np.where((hour >= 17.0) & (hour < 21.0), level, 0.0), (7, 1))
    if name == "steady":
        return np.tile(0.85 + 0.1 * np.sin(hour / 24.0 * 2.0 * np.pi), (7, 1))
    if name == "office":
        busy = 0.15 + 0.85 * _hump(hour, start=8.0, end=18.0)
        return np.stack([busy] * 5 + [0.2 * flat] * 2)
    busy = 0.2 + 0.8 * np.maximum(
        _hump(hour, start=6.0, end=14.2), 0.9 * _hump(hour, start=14.0, end=22.5)
    )
    return np.stack([busy] * 6 + [0.25 * flat])


def _hump(hour: Float1D, *, start: float, end: float) -> Float1D:
    """Return 1 between two hours and 0 outside, with slopes of half an hour."""
    rise: Float1D = 1.0 / (1.0 + np.exp(-(hour - start) * 8.0))
    fall: Float1D = 1.0 / (1.0 + np.exp(-(hour - end) * 8.0))
    return rise - fall


def derive(topology: Topology, *, extra_rows: Float2D) -> tuple[Float2D, list[int]]:
    """Return how every flow follows from the free ones, and which are free.

    Parameters
    ----------
    topology : Topology
    extra_rows : (r, f) float64
        Further equations, row @ flows = 0.

    Returns
    -------
    mixing : (f, k) float64
        flows = mixing @ free flows.
    free : list of int
        Rows of `topology.flow_code`.
    """
    flow_count = len(topology.flow_code)
    rows = np.vstack([_balances(topology), extra_rows])
    order = sorted(range(flow_count), key=lambda flow: (_freedom(topology, flow), flow))
    matrix = rows[:, order]
    pivots: list[int] = []
    for column in range(flow_count):
        row = len(pivots)
        if row == len(matrix):
            break
        best = row + int(np.argmax(np.abs(matrix[row:, column])))
        if abs(matrix[best, column]) < 1e-9:
            continue
        matrix[[row, best]] = matrix[[best, row]]
        matrix[row] /= matrix[row, column]
        others = np.arange(len(matrix)) != row
        matrix[others] -= np.outer(matrix[others, column], matrix[row])
        pivots.append(column)
    free = [column for column in range(flow_count) if column not in pivots]
    mixing = np.zeros((flow_count, len(free)))
    for k, column in enumerate(free):
        mixing[order[column], k] = 1.0
        for row, pivot in enumerate(pivots):
            mixing[order[pivot], k] = -matrix[row, column]
    mixing[np.abs(mixing) < 1e-12] = 0.0
    return mixing, [order[column] for column in free]


def _balances(topology: Topology) -> Float2D:
    """Return one row per bus and conversion: energy out less (efficient) energy in is 0."""
    worth = [nominal_kwh(code) for code in topology.carrier_code]
    rows: list[Float1D] = []
    for node, kind in enumerate(topology.node_kind):
        if kind not in {NodeKind.BUS, NodeKind.CONVERSION}:
            continue
        yielded = _EFFICIENCY if kind == NodeKind.CONVERSION else 1.0
        row = np.zeros(len(topology.flow_code))
        for flow, carrier in enumerate(topology.flow_carrier_index):
            if topology.flow_to_index[flow] == node:
                row[flow] -= yielded * worth[carrier]
            if topology.flow_from_index[flow] == node:
                row[flow] += worth[carrier]
        rows.append(row)
    return np.array(rows).reshape(len(rows), len(topology.flow_code))


def _freedom(topology: Topology, flow: int) -> int:
    """Return how much a flow goes its own way: the least free are derived first."""
    giver = topology.node_kind[topology.flow_from_index[flow]]
    taker = topology.node_kind[topology.flow_to_index[flow]]
    if flow_shape(topology, flow) == "solar" or NodeKind.STORAGE in {giver, taker}:
        return 4
    if taker == NodeKind.USE:
        return 3
    if taker == NodeKind.DELIVERY:
        return 2
    return 0 if giver == NodeKind.SOURCE else 1


def flow_shape(topology: Topology, flow: int) -> str:
    """Return the daily shape that suits a flow."""
    giver = topology.flow_from_index[flow]
    taker = topology.flow_to_index[flow]
    if topology.node_kind[taker] == NodeKind.STORAGE:
        return "charge"
    if topology.node_kind[giver] == NodeKind.STORAGE:
        return "discharge"
    carrier = topology.carrier_code[topology.flow_carrier_index[flow]]
    if carrier == "electricity_pv" and topology.node_kind[giver] == NodeKind.SOURCE:
        return "solar"
    name = f"{topology.node_code[taker]} {topology.flow_code[flow]}"
    if "office" in name:
        return "office"
    # By name, not by chance: a renamed seed must not turn night into day.
    return "steady" if zlib.crc32(name.encode()) % 3 == 0 else "shifts"
