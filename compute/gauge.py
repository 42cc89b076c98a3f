"""What a gauge or an interval point says: a value that stands, or the amount of a period."""

from typing import NamedTuple

import numpy as np

from compute._jit import inlined, kernel
from compute.grid import Grid, Line, flag, spread
from compute.life import Numbers
from compute.periods import US_PER_HOUR
from compute.quality import Quality

_Q_CONFLICT = int(Quality.CONFLICT)
_Q_INTERPOLATED = int(Quality.INTERPOLATED)
_Q_HELD = int(Quality.HELD)
_Q_SPLIT = int(Quality.SPLIT)


class Period(NamedTuple):
    """How an interval point is stamped. Stamps are snapped to multiples of `unit_us`, if any."""

    period_us: int
    stamped_at_end: bool
    unit_us: int


@inlined
def period_of(period_us: int, stamped_at_end: bool, grid: Grid) -> Period:  # noqa: FBT001
    """Return how a point is stamped; the unit is 0 where its periods and the grid do not fit."""
    unit_us = min(period_us, grid.step_us)
    if unit_us > 0 and (period_us % unit_us != 0 or grid.step_us % unit_us != 0):
        unit_us = 0
    return Period(period_us, stamped_at_end, unit_us)


@kernel
def add_gauge(
    line: Line, grid: Grid, scratch: Numbers, count: int, hold_us: int, span_us: tuple[int, int]
) -> None:
    """Let each value read in a span stand until the next one, for hold_us at most."""
    for i in range(count - 1):
        begin_us, end_us = scratch.ts_us[i], scratch.ts_us[i + 1]
        if not span_us[0] <= begin_us < span_us[1]:
            continue
        held_until_us = min(end_us, begin_us + hold_us)
        integral = scratch.value[i] * ((held_until_us - begin_us) / US_PER_HOUR)
        spread(line, grid, (begin_us, held_until_us), integral, scratch.quality[i])
        spread(line, grid, (held_until_us, end_us), np.nan, _Q_HELD)


@inlined
def snapped_us(ts_us: int, origin_us: int, unit_us: int) -> int:
    """Return a stamp, moved to the nearest multiple of a unit if within a tenth of it."""
    if unit_us == 0:
        return ts_us
    off_us = (ts_us - origin_us + unit_us // 2) % unit_us - unit_us // 2
    return ts_us - off_us if 10 * abs(off_us) <= unit_us else ts_us


@kernel
def add_periods(
    line: Line,
    grid: Grid,
    scratch: Numbers,
    count: int,
    period: Period,
    span_us: tuple[int, int],
) -> None:
    """Share each value of a period that began in a span over that period."""
    length_us = period.period_us
    origin_us, unit_us = grid.start_us, period.unit_us
    shape_flag = _Q_INTERPOLATED if length_us > grid.step_us else 0
    for i in range(count):
        stamp_us = snapped_us(scratch.ts_us[i], origin_us, unit_us)
        whole_us = stamp_us - length_us if period.stamped_at_end else stamp_us
        if not span_us[0] <= whole_us < span_us[1]:
            continue
        if period.stamped_at_end:
            begin_us, end_us = stamp_us - length_us, stamp_us
            if i > 0:
                begin_us = max(begin_us, snapped_us(scratch.ts_us[i - 1], origin_us, unit_us))
        else:
            begin_us, end_us = stamp_us, stamp_us + length_us
            if i < count - 1:
                end_us = min(end_us, snapped_us(scratch.ts_us[i + 1], origin_us, unit_us))
        flags = scratch.quality[i] | shape_flag
        if whole_us + length_us > span_us[1]:
            flags |= _Q_SPLIT
        part = scratch.value[i]
        if end_us - begin_us < length_us:
            flags |= _Q_CONFLICT
            part *= (end_us - begin_us) / length_us
        if end_us <= begin_us:
            flag(line, grid, scratch.ts_us[i], flags)
        spread(line, grid, (begin_us, end_us), part, flags)
