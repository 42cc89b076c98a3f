"""Checks of readings against what a point may show: which reading fails which check, by what limit.

A reading that fails is used all the same, but for what `compute.steps` withholds: its interval
carries the bit, and a person decides. `CHECKS` is the table of the checks; what fails them follows
from the readings and the dated limits alone, so that the same readings always give the same list.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.grid import Float2D
from compute.life import Numbers, numbers_of
from compute.quality import Quality
from compute.readings import Columns, Readings, columns_of, take_numbers
from compute.steps import (
    MEMORY,
    Limits,
    Series,
    is_outlier,
    mark_turning,
    rise_max,
    step_back,
    step_between,
)
from compute.topology import Float1D, Index1D, Int1D, PointKind, Points

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
        What the reading should not have passed, raw; of a gap its limit [s]. Says nothing where it
        passed.
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
    numbers = numbers_of(longest)
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
    # Check by check, and zeros: of what nothing fails, no memory is ever touched.
    shape = (_COUNT, columns.ts_us.size)
    failed = np.zeros(shape, dtype=np.bool_).T
    limit = np.zeros(shape, dtype=np.float64).T
    previous = np.full(columns.ts_us.size, -1, dtype=np.int64)
    # Only without the compiler does numpy warn of infinite differences.
    with np.errstate(over="ignore", invalid="ignore"):
        _check(columns, registers, wanted, numbers, failed, limit, previous)
    return Failures(failed, limit, previous)


@kernel
def _check(
    columns: Columns,
    registers: _Registers,
    limits: _Limits,
    numbers: Numbers,
    failed: npt.NDArray[np.bool_],
    limit: Float2D,
    previous: Int1D,
) -> None:
    for row in range(registers.kind.size):
        count = take_numbers(columns, row, numbers)
        silence_us = registers.hold_us[row]
        if registers.kind[row] == _INTERVAL:
            # A stamp within a tenth of a period of its grid is on it.
            silence_us = registers.period_us[row] + registers.period_us[row] // 5
        _check_range(numbers, count, (limits.range_min[row], limits.range_max[row]), failed, limit)
        for i in range(1, count):
            place = numbers.place[i]
            previous[place] = numbers.place[i - 1]
            if numbers.ts_us[i] - numbers.ts_us[i - 1] > silence_us:
                failed[place, _GAP] = True
                limit[place, _GAP] = silence_us / 1e6
        if registers.kind[row] == _REGISTER:
            rules = Limits(
                registers.modulus[row],
                registers.step_rate_max[row],
                registers.resolution[row],
                registers.hold_us[row],
            )
            _check_register(numbers, count, rules, failed, limit)
        else:
            changes = (limits.step_max[row], limits.rate_max_per_hour[row])
            _check_changes(numbers, count, changes, failed, limit)


@kernel
def _check_range(
    numbers: Numbers,
    count: int,
    bounds: tuple[float, float],
    failed: npt.NDArray[np.bool_],
    limit: Float2D,
) -> None:
    low, high = bounds
    for i in range(count):
        if numbers.value[i] < low or numbers.value[i] > high:
            failed[numbers.place[i], _RANGE] = True
            limit[numbers.place[i], _RANGE] = low if numbers.value[i] < low else high


@kernel
def _check_changes(
    numbers: Numbers,
    count: int,
    changes: tuple[float, float],
    failed: npt.NDArray[np.bool_],
    limit: Float2D,
) -> None:
    step_max, rate_max_per_hour = changes
    for i in range(1, count):
        place = numbers.place[i]
        change = abs(numbers.value[i] - numbers.value[i - 1])
        hours = (numbers.ts_us[i] - numbers.ts_us[i - 1]) / _US_PER_HOUR
        if change > step_max:
            failed[place, _STEP] = True
            limit[place, _STEP] = step_max
        if change > rate_max_per_hour * hours:
            failed[place, _RATE] = True
            limit[place, _RATE] = rate_max_per_hour


@kernel
def _check_register(
    numbers: Numbers,
    count: int,
    rules: Limits,
    failed: npt.NDArray[np.bool_],
    limit: Float2D,
) -> None:
    """Find the readings to which the step is withheld: the same rules as for amounts."""
    series = Series(numbers.ts_us, numbers.value, numbers.turning)
    mark_turning(series, count, rules)
    left = -1
    fall, fall_before_left = -MEMORY, -MEMORY
    for i in range(count):
        if i > 0 and numbers.value[i] < numbers.value[i - 1]:
            fall = i
        lone = is_outlier(numbers.turning, i, count)
        before = i - 1 if lone else left
        withheld = lone
        if not lone:
            if left >= 0:
                if fall_before_left <= left - MEMORY:
                    dt_us = numbers.ts_us[i] - numbers.ts_us[left]
                    amount, _ = step_between(numbers.value[left], numbers.value[i], dt_us, rules)
                else:
                    amount, _ = step_back(series, count, left, i, rules)
                withheld = np.isnan(amount)
            left = i
            fall_before_left = fall
        if not withheld:
            continue
        place = numbers.place[i]
        if numbers.value[i] > numbers.value[before]:
            failed[place, _SPIKE] = True
            dt_us = numbers.ts_us[i] - numbers.ts_us[before]
            limit[place, _SPIKE] = numbers.value[before] + rise_max(dt_us, rules)
        else:
            failed[place, _DECREASE] = True
            limit[place, _DECREASE] = numbers.value[before]
