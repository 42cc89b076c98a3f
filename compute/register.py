"""Amounts per interval from the readings of registers, gauges and interval points.

A register's amount in an interval is register(end) - register(start), both interpolated between
the neighbouring readings. It is computed as the sum of the shares of the steps that overlap the
interval, in time order, never as a difference of running totals: so the same readings give the
same bits whichever window they are computed in. What is booked between two readings is decided in
`compute.steps`; `compute.rules` is the table of every rule.

Gauges: a value stands until the next reading, for hold_us at most (then HELD, not covered).
Interval points: the value covers its period; a stamp within a tenth of the period (or interval) of
their grid is taken as on it; where two periods overlap, one ends where the next begins (CONFLICT).
A change in a point's life (`compute.life`) parts it in stretches that are booked by themselves.
For all: before the first and after the last reading nothing is covered, and a reading without a
number is skipped, counted, and shown where it lies.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.cores import share_out
from compute.errors import NengtanError
from compute.gauge import add_gauge, add_periods, period_of, snapped_us
from compute.grid import Float2D, Grid, Index2D, Int2D, Line, close, flag, spread_from, take_over
from compute.life import Lives, Numbers, lives_of, numbers_of, stretch_us, take_stretch
from compute.quality import Quality
from compute.readings import (
    Columns,
    Readings,
    ReadingsMisshapen,
    ReadingsNotAscending,
    columns_of,
    take_numbers,
)
from compute.steps import (
    CONTEXT_AFTER,
    CONTEXT_BEFORE,
    MEMORY,
    Limits,
    Series,
    accepted_step,
    is_outlier,
    mark_plain,
    mark_turning,
    plain_step,
    step_back,
    step_between,
)
from compute.tally import Context, Digests, Tally, count_and_digest, digests_of
from compute.topology import Bool1D, Float1D, Index1D, Int1D, PointKind, Points

__all__ = [
    "CONTEXT_AFTER",
    "CONTEXT_BEFORE",
    "CONTEXT_READINGS",
    "IntervalAmounts",
    "PeriodMissing",
    "Readings",
    "ReadingsMisshapen",
    "ReadingsNotAscending",
    "interval_amounts",
]

# Readings with a number that an interval may depend on, on each side of it.
CONTEXT_READINGS = max(CONTEXT_BEFORE, CONTEXT_AFTER)
_NEIGHBOURS = 1  # the same for gauges and interval points

_NEVER_US = -(1 << 62)

_REGISTER = int(PointKind.REGISTER)
_GAUGE = int(PointKind.GAUGE)
_INTERVAL = int(PointKind.INTERVAL)

_Q_DECREASE = int(Quality.DECREASE)
_Q_SPIKE = int(Quality.SPIKE)
_Q_INTERPOLATED = int(Quality.INTERPOLATED)
_Q_ACCEPTED = int(Quality.ACCEPTED)


class PeriodMissing(NengtanError):
    """An interval point without the length of its period."""

    def __init__(self, code: str) -> None:
        super().__init__(f"point {code} is an interval point without a period: declare its length")
        self.code = code


@dataclass(frozen=True, slots=True)
class IntervalAmounts:
    """Amounts of all points of a site on a uniform grid of intervals.

    Attributes
    ----------
    amount : (p, k) float64
        In the unit of the carrier or product; NaN where nothing is covered.
    covered_us : (p, k) int64
        How much of the interval the amount stands for. [µs]
    reading_count : (p, k) int32
        Readings, errors included, with a time in the interval.
    quality : (p, k) int32
        `Quality` of the readings used and of the result.
    input_hash : (p, k) int64
        Digest of time, value and quality of every reading that the amount may depend on.
    """

    amount: Float2D
    covered_us: Int2D
    reading_count: Index2D
    quality: Index2D
    input_hash: Int2D


class _Rules(NamedTuple):
    """Columns of `Points`."""

    kind: Index1D
    scale: Float1D
    modulus: Float1D
    step_rate_max: Float1D
    resolution: Float1D
    hold_us: Int1D
    period_us: Int1D
    stamped_at_end: Bool1D


class _Scratch(NamedTuple):
    """Room for the numbers of one point, of one stretch of its life, its amounts and digests."""

    numbers: Numbers
    stretch: Numbers
    part: Float1D
    digests: Digests


class _Output(NamedTuple):
    """Columns of `IntervalAmounts`."""

    amount: Float2D
    covered_us: Int2D
    reading_count: Index2D
    quality: Index2D
    input_hash: npt.NDArray[np.uint64]


def interval_amounts(
    readings: Readings, *, points: Points, start_us: int, step_us: int, count: int
) -> IntervalAmounts:
    """Return the amount of every point in every interval of a uniform grid.

    Parameters
    ----------
    readings : Readings
    points : Points
    start_us : int
        Start of the first interval. [µs since 1970-01-01 UTC]
    step_us : int
        Length of an interval. > 0. [µs]
    count : int
        Number of intervals, k.

    Returns
    -------
    amounts : IntervalAmounts

    Raises
    ------
    ReadingsMisshapen
        If the offsets do not fit the points and the columns.
    ReadingsNotAscending
        If two readings of a point are not in order of time.
    PeriodMissing
        If an interval point has no period.

    Notes
    -----
    Every rule and its quality bit: the table of `compute.rules`. A window that starts
    elsewhere on the same grid gives the same bits for the intervals it shares.
    """
    columns = columns_of(readings, points)
    point_count = len(points.code)
    rules = _Rules(
        kind=np.array(points.kind, dtype=np.int32),
        scale=np.array(points.scale, dtype=np.float64),
        modulus=np.array(points.modulus, dtype=np.float64),
        step_rate_max=np.array(points.step_rate_max, dtype=np.float64),
        resolution=np.array(points.resolution, dtype=np.float64),
        hold_us=np.array(points.hold_us, dtype=np.int64),
        period_us=np.array(points.period_us, dtype=np.int64),
        stamped_at_end=np.array(points.stamped_at_end, dtype=np.bool_),
    )
    for row in np.flatnonzero((rules.kind == _INTERVAL) & (rules.period_us <= 0)):
        raise PeriodMissing(points.code[row])
    longest = int(np.diff(columns.point_offset).max(initial=0))
    shape = (point_count, count)
    out = _Output(
        amount=np.zeros(shape, dtype=np.float64),
        covered_us=np.zeros(shape, dtype=np.int64),
        reading_count=np.zeros(shape, dtype=np.int32),
        quality=np.zeros(shape, dtype=np.int32),
        input_hash=np.zeros(shape, dtype=np.uint64),
    )
    grid = Grid(int(start_us), int(step_us), int(count))
    lives = lives_of(points)

    def work(first: int, last: int) -> None:
        # A stretch has what the register showed at both of its ends besides its readings.
        scratch = _Scratch(
            numbers_of(longest),
            numbers_of(longest + 2),
            np.zeros(count),
            digests_of(longest, count),
        )
        # Only without the compiler does numpy warn of the wrapping that the digest means.
        with np.errstate(over="ignore", invalid="ignore"):
            _interval_amounts(columns, rules, lives, grid, scratch, out, first, last)

    share_out(work, columns.point_offset)
    return IntervalAmounts(
        amount=out.amount,
        covered_us=out.covered_us,
        reading_count=out.reading_count,
        quality=out.quality,
        input_hash=out.input_hash.view(np.int64),
    )


@kernel
def _interval_amounts(
    columns: Columns,
    rules: _Rules,
    lives: Lives,
    grid: Grid,
    scratch: _Scratch,
    out: _Output,
    first_row: int,
    last_row: int,
) -> None:
    numbers = scratch.numbers
    for row in range(first_row, last_row):
        count = take_numbers(columns, row, numbers)
        line = Line(out.amount[row], out.covered_us[row], out.quality[row])
        before, after = _NEIGHBOURS, _NEIGHBOURS
        begin_us = numbers.ts_us[0] if count > 0 else _NEVER_US
        closed_until_us = numbers.ts_us[count - 1] if count > 0 else _NEVER_US
        if rules.kind[row] == _REGISTER:
            before, after = CONTEXT_BEFORE, CONTEXT_AFTER
            if count > 0:
                begin_us, closed_until_us = _add_registers(
                    line, grid, rules, row, lives, scratch, count
                )
        else:
            unit_us = _add_others(line, grid, rules, row, lives, scratch, count)
            if count > 0 and rules.kind[row] == _INTERVAL:
                closed_until_us = snapped_us(closed_until_us, grid.start_us, unit_us)
                begin_us = snapped_us(begin_us, grid.start_us, unit_us)
                if rules.stamped_at_end[row]:
                    begin_us -= rules.period_us[row]
                else:
                    closed_until_us += rules.period_us[row]
        close(line, grid, closed_until_us)
        context = Context(numbers.place[:count], before, after, begin_us, closed_until_us, lives)
        tally = Tally(out.reading_count, out.quality, out.input_hash)
        count_and_digest(columns, row, grid, context, scratch.digests, tally)


@kernel
def _add_registers(
    line: Line,
    grid: Grid,
    rules: _Rules,
    row: int,
    lives: Lives,
    scratch: _Scratch,
    count: int,
) -> tuple[int, int]:
    """Book a register, stretch by stretch; return from when until when its levels are known."""
    numbers, part = scratch.numbers, scratch.stretch
    raw = Line(scratch.part, line.covered_us, line.quality)
    first, last = lives.offset[row], lives.offset[row + 1]
    begin_us, end_us = numbers.ts_us[0], numbers.ts_us[count - 1]
    limits = Limits(
        rules.modulus[row], rules.step_rate_max[row], rules.resolution[row], rules.hold_us[row]
    )
    if first == last:
        _add_register(raw, grid, numbers, count, limits)
        take_over(line, scratch.part, rules.scale[row])
        return begin_us, end_us
    for change in range(first - 1, last):
        scale = rules.scale[row]
        if change >= first:
            scale = lives.scale[change]
            limits = Limits(
                lives.modulus[change],
                lives.step_rate_max[change],
                lives.resolution[change],
                rules.hold_us[row],
            )
        n = take_stretch(numbers, count, lives, (first, last), change, rules.hold_us[row], part)
        if n > 0:
            begin_us, end_us = min(begin_us, part.ts_us[0]), max(end_us, part.ts_us[n - 1])
        _add_register(raw, grid, part, n, limits)
        take_over(line, scratch.part, scale)
    return begin_us, end_us


@kernel
def _add_others(
    line: Line,
    grid: Grid,
    rules: _Rules,
    row: int,
    lives: Lives,
    scratch: _Scratch,
    count: int,
) -> int:
    """Book a gauge or interval point; return the unit that stamps are snapped to.

    A value counts with the multiplier of when it was read; that of a period, with the one of when
    the period began.
    """
    raw = Line(scratch.part, line.covered_us, line.quality)
    first, last = lives.offset[row], lives.offset[row + 1]
    period = period_of(rules.period_us[row], rules.stamped_at_end[row], grid)
    for change in range(first - 1, last):
        scale = lives.scale[change] if change >= first else rules.scale[row]
        span_us = stretch_us(lives, first, last, change)
        if rules.kind[row] == _GAUGE:
            add_gauge(raw, grid, scratch.numbers, count, rules.hold_us[row], span_us)
        else:
            add_periods(raw, grid, scratch.numbers, count, period, span_us)
        take_over(line, scratch.part, scale)
    return period.unit_us


@kernel
def _add_register(line: Line, grid: Grid, scratch: Numbers, count: int, limits: Limits) -> None:
    series = Series(scratch.ts_us, scratch.value, scratch.turning)
    mark_turning(series, count, limits)
    mark_plain(scratch.ts_us[:count], scratch.value[:count], scratch.plain[:count], limits)
    for i in range(count):
        if scratch.quality[i] & _Q_ACCEPTED:
            scratch.turning[i] = False
    left = -1
    interval = 0
    fall, fall_before_left = -MEMORY, -MEMORY
    for i in range(count):
        ts_us = scratch.ts_us[i]
        if i > 0 and scratch.value[i] < scratch.value[i - 1]:
            fall = i
        if is_outlier(scratch.turning, i, count):
            high = scratch.value[i] > scratch.value[i - 1]
            flags = _Q_SPIKE if high else _Q_DECREASE
            flag(line, grid, ts_us, flags | scratch.quality[i])
            continue
        if left >= 0:
            a, b, dt_us = scratch.value[left], scratch.value[i], ts_us - scratch.ts_us[left]
            # Without a fall among the readings that a step looks back at, it need not look.
            looks_back = fall_before_left > left - MEMORY
            if not looks_back and left == i - 1 and scratch.plain[i]:
                amount, flags = plain_step(a, b, dt_us, limits)
            elif not looks_back:
                amount, flags = step_between(a, b, dt_us, limits)
            else:
                amount, flags = step_back(series, count, left, i, limits)
            if np.isnan(amount) and scratch.quality[i] & _Q_ACCEPTED:
                amount = accepted_step(a, b)
                flags = _Q_INTERPOLATED if dt_us > limits.hold_us else 0
            flags |= scratch.quality[left] | scratch.quality[i]
            span_us = (scratch.ts_us[left], ts_us)
            interval = spread_from(line, grid, interval, span_us, amount, flags)
        left = i
        fall_before_left = fall
