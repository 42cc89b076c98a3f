"""Checks of readings against what a point may show: which reading fails which check, by what limit.

A reading that fails is used all the same, but for what `compute.steps` withholds: its interval
carries the bit, and a person decides. `CHECKS` is the table of the checks; what fails them follows
from the readings and the dated limits alone, so that the same readings always give the same list.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.balance import balanced_nodes, incident_flows
from compute.grid import Float2D
from compute.quality import Quality
from compute.readings import Columns, Readings, columns_of, has_number
from compute.register import IntervalAmounts
from compute.steps import Limits, Series, is_outlier, mark_turning, rise_max, step
from compute.topology import Bool1D, Float1D, Index1D, Int1D, PointKind, Points, Topology

CheckName = Literal[
    "range", "step", "rate", "spike", "decrease", "gap", "frozen", "skew", "balance"
]


@dataclass(frozen=True, slots=True)
class Check:
    """A check by name: what it is of, when something fails it, and the bit it leaves."""

    name: CheckName
    of: Literal["reading", "interval"]
    name_zh: str
    name_en: str
    when_zh: str
    when_en: str
    quality: Quality


CHECKS: tuple[Check, ...] = (
    Check(
        "range",
        "reading",
        "超量程",
        "Range",
        "读数低于或高于核查范围",
        "a reading below or above its plausible range",
        Quality.RANGE,
    ),
    Check(
        "step",
        "reading",
        "突变",
        "Step",
        "与前一读数之差超过限值",
        "a reading farther from the one before it than the limit",
        Quality.STEP,
    ),
    Check(
        "rate",
        "reading",
        "变化过快",
        "Rate",
        "与前一读数之差按小时折算超过限值",
        "a change from the reading before it that is faster than the limit per hour",
        Quality.RATE,
    ),
    Check(
        "spike",
        "reading",
        "突增待审",
        "Spike",
        "累计值升高超过额定，差值暂不计入",
        "a register that rises beyond its rating: the step is withheld",
        Quality.SPIKE,
    ),
    Check(
        "decrease",
        "reading",
        "减小待审",
        "Decrease",
        "累计值无故减小，差值暂不计入",
        "a register that falls without a record: the step is withheld",
        Quality.DECREASE,
    ),
    Check(
        "gap",
        "interval",
        "缺数",
        "Gap",
        "两个读数相隔超过保持时间，或周期量缺少周期",
        "a time without readings longer than hold, or a period that did not come",
        Quality.GOOD,
    ),
    Check(
        "frozen",
        "interval",
        "冻结",
        "Frozen",
        "数值在限定时间内没有变化",
        "a value that has not changed for the limit of time",
        Quality.FROZEN,
    ),
    Check(
        "skew",
        "reading",
        "时钟超前",
        "Clock ahead",
        "读数时标晚于接收时刻超过限值",
        "a reading stamped later than it was received, by more than the limit",
        Quality.GOOD,
    ),
    Check(
        "balance",
        "interval",
        "不平衡",
        "Balance",
        "节点输入与输出之差超过允许范围",
        "a node whose inputs and outputs differ beyond its tolerance",
        Quality.UNBALANCED,
    ),
)

_RANGE, _STEP, _RATE, _SPIKE, _DECREASE, _GAP = range(6)
READING_CHECKS: tuple[CheckName, ...] = ("range", "step", "rate", "spike", "decrease", "gap")
_COUNT = len(READING_CHECKS)
# A reading that fails one of these is used, and its interval shows the bit. The bits of the others
# come from the rules of the register, or there is none.
_SHOWN = ((_RANGE, Quality.RANGE), (_STEP, Quality.STEP), (_RATE, Quality.RATE))

_REGISTER = int(PointKind.REGISTER)
_INTERVAL = int(PointKind.INTERVAL)
_US_PER_HOUR = 3.6e9


@dataclass(frozen=True, slots=True)
class CheckLimits:
    """What a reading of each point may show, raw; infinite where nothing is said.

    Attributes
    ----------
    range_min, range_max : (p,) float64
    step_max : (p,) float64
        Largest change from one reading to the next. Not of registers.
    rate_max_per_hour : (p,) float64
        The same per hour. Not of registers: theirs is `Points.step_rate_max`.
    frozen_us : (p,) int64
        How long a value may stay the same. [µs]
    """

    range_min: Float1D
    range_max: Float1D
    step_max: Float1D
    rate_max_per_hour: Float1D
    frozen_us: Int1D


@dataclass(frozen=True, slots=True)
class Failures:
    """Which reading fails which check.

    Attributes
    ----------
    failed : (n, 6) bool
        By `READING_CHECKS`.
    limit : (n, 6) float64
        What the reading should not have passed, raw; of a gap its limit [s]. NaN where it passed.
    previous : (n,) int64
        Place of the reading before it that holds a number, -1 if there is none.
    """

    failed: npt.NDArray[np.bool_]
    limit: Float2D
    previous: Int1D

    def quality(self) -> Index1D:
        """Return, per reading, the bits of the checks that it fails and is used all the same."""
        bits = np.zeros(len(self.failed), dtype=np.int32)
        for check, quality in _SHOWN:
            bits[self.failed[:, check]] |= int(quality)
        return bits


class _Registers(NamedTuple):
    """Columns of `Points` that the rules of registers and the check for gaps need."""

    kind: Index1D
    modulus: Float1D
    step_rate_max: Float1D
    resolution: Float1D
    hold_us: Int1D
    period_us: Int1D


class _Limits(NamedTuple):
    """Columns of `CheckLimits`."""

    range_min: Float1D
    range_max: Float1D
    step_max: Float1D
    rate_max_per_hour: Float1D


class _Scratch(NamedTuple):
    ts_us: Int1D
    value: Float1D
    turning: Bool1D
    place: Int1D


def check_readings(readings: Readings, *, points: Points, limits: CheckLimits) -> Failures:
    """Return which readings fail which of `READING_CHECKS`.

    Parameters
    ----------
    readings : Readings
    points : Points
    limits : CheckLimits
        (p,), of the same points.

    Returns
    -------
    failures : Failures

    Raises
    ------
    ReadingsMisshapen, ReadingsNotAscending
        As `compute.register.interval_amounts` does.

    Notes
    -----
    What a reading fails depends on `CONTEXT_BEFORE` readings before it and `CONTEXT_AFTER` after
    it at most (`compute.steps`), so that a window gives what the whole gives.
    """
    columns = columns_of(readings, points)
    longest = int(np.diff(columns.point_offset).max(initial=0))
    scratch = _Scratch(
        ts_us=np.empty(longest, dtype=np.int64),
        value=np.empty(longest, dtype=np.float64),
        turning=np.empty(longest, dtype=np.bool_),
        place=np.empty(longest, dtype=np.int64),
    )
    registers = _Registers(
        kind=np.array(points.kind, dtype=np.int32),
        modulus=np.array(points.modulus, dtype=np.float64),
        step_rate_max=np.array(points.step_rate_max, dtype=np.float64),
        resolution=np.array(points.resolution, dtype=np.float64),
        hold_us=np.array(points.hold_us, dtype=np.int64),
        period_us=np.array(points.period_us, dtype=np.int64),
    )
    wanted = _Limits(
        range_min=np.array(limits.range_min, dtype=np.float64),
        range_max=np.array(limits.range_max, dtype=np.float64),
        step_max=np.array(limits.step_max, dtype=np.float64),
        rate_max_per_hour=np.array(limits.rate_max_per_hour, dtype=np.float64),
    )
    shape = (columns.ts_us.size, _COUNT)
    failed = np.zeros(shape, dtype=np.bool_)
    limit = np.full(shape, np.nan, dtype=np.float64)
    previous = np.full(columns.ts_us.size, -1, dtype=np.int64)
    # Only without the compiler does numpy warn of infinite differences.
    with np.errstate(over="ignore", invalid="ignore"):
        _check(columns, registers, wanted, scratch, failed, limit, previous)
    return Failures(failed, limit, previous)


@kernel
def _check(
    columns: Columns,
    registers: _Registers,
    limits: _Limits,
    scratch: _Scratch,
    failed: npt.NDArray[np.bool_],
    limit: Float2D,
    previous: Int1D,
) -> None:
    for row in range(registers.kind.size):
        count = 0
        for place in range(columns.point_offset[row], columns.point_offset[row + 1]):
            if has_number(columns, place):
                scratch.ts_us[count] = columns.ts_us[place]
                scratch.value[count] = columns.value[place]
                scratch.place[count] = place
                count += 1
        silence_us = registers.hold_us[row]
        if registers.kind[row] == _INTERVAL:
            # A stamp within a tenth of a period of its grid is on it.
            silence_us = registers.period_us[row] + registers.period_us[row] // 5
        _check_range(scratch, count, (limits.range_min[row], limits.range_max[row]), failed, limit)
        for i in range(1, count):
            place = scratch.place[i]
            previous[place] = scratch.place[i - 1]
            if scratch.ts_us[i] - scratch.ts_us[i - 1] > silence_us:
                failed[place, _GAP] = True
                limit[place, _GAP] = silence_us / 1e6
        if registers.kind[row] == _REGISTER:
            rules = Limits(
                registers.modulus[row],
                registers.step_rate_max[row],
                registers.resolution[row],
                registers.hold_us[row],
            )
            _check_register(scratch, count, rules, failed, limit)
        else:
            changes = (limits.step_max[row], limits.rate_max_per_hour[row])
            _check_changes(scratch, count, changes, failed, limit)


@kernel
def _check_range(
    scratch: _Scratch,
    count: int,
    bounds: tuple[float, float],
    failed: npt.NDArray[np.bool_],
    limit: Float2D,
) -> None:
    low, high = bounds
    for i in range(count):
        if scratch.value[i] < low or scratch.value[i] > high:
            failed[scratch.place[i], _RANGE] = True
            limit[scratch.place[i], _RANGE] = low if scratch.value[i] < low else high


@kernel
def _check_changes(
    scratch: _Scratch,
    count: int,
    changes: tuple[float, float],
    failed: npt.NDArray[np.bool_],
    limit: Float2D,
) -> None:
    step_max, rate_max_per_hour = changes
    for i in range(1, count):
        place = scratch.place[i]
        change = abs(scratch.value[i] - scratch.value[i - 1])
        hours = (scratch.ts_us[i] - scratch.ts_us[i - 1]) / _US_PER_HOUR
        if change > step_max:
            failed[place, _STEP] = True
            limit[place, _STEP] = step_max
        if change > rate_max_per_hour * hours:
            failed[place, _RATE] = True
            limit[place, _RATE] = rate_max_per_hour


@kernel
def _check_register(
    scratch: _Scratch,
    count: int,
    rules: Limits,
    failed: npt.NDArray[np.bool_],
    limit: Float2D,
) -> None:
    """Find the readings to which the step is withheld: the same rules as for amounts."""
    series = Series(scratch.ts_us, scratch.value, scratch.turning)
    mark_turning(series, count, rules)
    left = -1
    for i in range(count):
        lone = is_outlier(scratch.turning, i, count)
        before = i - 1 if lone else left
        withheld = lone
        if not lone:
            if left >= 0:
                amount, _ = step(series, count, left, i, rules)
                withheld = np.isnan(amount)
            left = i
        if not withheld:
            continue
        place = scratch.place[i]
        if scratch.value[i] > scratch.value[before]:
            failed[place, _SPIKE] = True
            dt_us = scratch.ts_us[i] - scratch.ts_us[before]
            limit[place, _SPIKE] = scratch.value[before] + rise_max(dt_us, rules)
        else:
            failed[place, _DECREASE] = True
            limit[place, _DECREASE] = scratch.value[before]


@dataclass(frozen=True, slots=True)
class Mark:
    """What failed one check in one base interval of one row.

    Attributes
    ----------
    row : int
        Of `Points`, or of the nodes in balance.
    start_us : int
        Of the interval. [µs since 1970 UTC]
    at_us : tuple of int
        The readings that failed; none where the interval itself did.
    value, limit : float
        Of the first of them, raw; of a gap its length and limit [s]; of a balance the difference
        and the tolerance, both as shares of the larger side.
    """

    row: int
    check: CheckName
    start_us: int
    at_us: tuple[int, ...]
    value: float
    limit: float


def marks_of(
    readings: Readings,
    failures: Failures,
    *,
    points: Points,
    window_us: tuple[int, int],
    step_us: int,
) -> Iterator[Mark]:
    """Yield what failed in each base interval of a window.

    A gap is told of every interval between its readings that holds none, or of the one in which it
    begins where there is no such interval; of an interval point, of those that no period covers.
    """
    start_us, end_us = window_us
    row_of = np.repeat(np.arange(len(readings.point_offset) - 1), np.diff(readings.point_offset))
    for check in range(_GAP):
        places = np.flatnonzero(failures.failed[:, check])
        at_us = readings.ts_us[places]
        groups: dict[tuple[int, int], list[int]] = {}
        for place in places[(at_us >= start_us) & (at_us < end_us)].tolist():
            begin_us = int(readings.ts_us[place]) // step_us * step_us
            groups.setdefault((int(row_of[place]), begin_us), []).append(place)
        for (row, begin_us), members in groups.items():
            yield Mark(
                row,
                READING_CHECKS[check],
                begin_us,
                tuple(int(readings.ts_us[place]) for place in members),
                float(readings.value[members[0]]),
                float(failures.limit[members[0], check]),
            )
    told: set[tuple[int, int]] = set()
    for place in np.flatnonzero(failures.failed[:, _GAP]).tolist():
        row = int(row_of[place])
        left_us = int(readings.ts_us[failures.previous[place]])
        right_us = int(readings.ts_us[place])
        for begin_us in _silent_intervals(left_us, right_us, points, row, step_us):
            if start_us <= begin_us < end_us and (row, begin_us) not in told:
                told.add((row, begin_us))
                silence_s = (right_us - left_us) / 1e6
                yield Mark(row, "gap", begin_us, (), silence_s, float(failures.limit[place, _GAP]))


def _silent_intervals(left_us: int, right_us: int, points: Points, row: int, step_us: int) -> range:
    """Return the starts of the base intervals that a gap between two readings leaves empty."""
    if points.kind[row] == _INTERVAL:
        period_us = int(points.period_us[row])
        shift_us = 0 if points.stamped_at_end[row] else period_us
        # Stamps lie beside their grid by a tenth of a period at most: to the nearest edge.
        first_us = (left_us + shift_us + step_us // 2) // step_us * step_us
        last_us = (right_us + shift_us - period_us + step_us // 2) // step_us * step_us
    else:
        first_us = (left_us // step_us + 1) * step_us
        last_us = right_us // step_us * step_us
    if first_us >= last_us:
        first_us = left_us // step_us * step_us
        last_us = first_us + step_us
    return range(first_us, last_us, step_us)


def imbalance(energy_kwh: Float2D, *, topology: Topology) -> Float2D:
    """Return inputs less outputs of every node in balance, as a share of the larger of both.

    Parameters
    ----------
    energy_kwh : (f, k) float64
        Of the flows, NaN where it is not known.
    topology : Topology

    Returns
    -------
    share : (r, k) float64
        Rows as `compute.balance.balanced_nodes`. Positive where more goes in than comes out; 0
        where nothing flows, NaN where a flow is not known.
    """
    incident = incident_flows(topology)
    nodes = balanced_nodes(topology)
    share = np.zeros((len(nodes), energy_kwh.shape[1]), dtype=np.float64)
    for row, node in enumerate(nodes):
        entering = np.zeros(energy_kwh.shape[1], dtype=np.float64)
        leaving = np.zeros(energy_kwh.shape[1], dtype=np.float64)
        for k in range(int(incident.offset[node]), int(incident.offset[node + 1])):
            # What flows against its arrow counts on the other side; NaN counts on both.
            signed = float(incident.weight[k]) * energy_kwh[incident.row_index[k]]
            entering += np.maximum(signed, 0.0)
            leaving += np.maximum(-signed, 0.0)
        larger = np.maximum(entering, leaving)
        share[row] = (entering - leaving) / np.where(larger > 0.0, larger, 1.0)
        share[row][np.isnan(larger)] = np.nan
    return share


def frozen_intervals(
    amounts: IntervalAmounts,
    *,
    points: Points,
    limits: CheckLimits,
    step_us: int,
    before: Int1D,
) -> npt.NDArray[np.bool_]:
    """Return where the amounts of points have stayed the same for as long as the limit says.

    Parameters
    ----------
    amounts : IntervalAmounts
        (p, k).
    points : Points
    limits : CheckLimits
    step_us : int
        Length of an interval. [µs]
    before : (p,) int64
        How many intervals right before the first are the same as it (`is_same`). No more than
        the limit spans need be counted.

    Returns
    -------
    frozen : (p, k) bool
        A register is frozen where it has not risen, any other point where its amount is the same
        in every interval. An interval that is not wholly covered is not frozen, and ends a run.
    """
    frozen = np.zeros(amounts.amount.shape, dtype=np.bool_)
    _frozen(
        np.array(amounts.amount, dtype=np.float64, order="C"),
        np.array(amounts.covered_us >= step_us, dtype=np.bool_, order="C"),
        np.array(points.kind == _REGISTER, dtype=np.bool_),
        np.array(-(-limits.frozen_us // step_us), dtype=np.int64),
        np.array(before, dtype=np.int64),
        frozen,
    )
    return frozen


@kernel
def is_same(a: float, b: float) -> bool:
    """Return whether two amounts are the same but for the rounding of their sums."""
    return abs(a - b) <= 1e-9 * abs(b)


@kernel
def _frozen(
    amount: Float2D,
    whole: npt.NDArray[np.bool_],
    is_register: Bool1D,
    needed: Int1D,
    before: Int1D,
    frozen: npt.NDArray[np.bool_],
) -> None:
    for row in range(amount.shape[0]):
        run = before[row]
        for j in range(amount.shape[1]):
            if not whole[row, j] or (is_register[row] and amount[row, j] != 0.0):
                run = 0
                continue
            if j > 0 and not is_same(amount[row, j - 1], amount[row, j]):
                run = 0
            run += 1
            frozen[row, j] = run >= needed[row]
