"""The life of one point: its stretches between dated changes, and what its register showed at them.

Every stretch is booked for itself, by the rules of `compute.steps` and with the multiplier and
digits of its own time. What joins two stretches is what the register showed at the change: as
somebody read it; else, where the register counts on, by the reading of that instant, or between the
readings on both sides, evenly over the time (`Quality.SPLIT`). An exchanged register whose last
level nobody read has passed something unknown since its last reading: nothing is booked there.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.digest import mix
from compute.quality import Quality
from compute.topology import Bool1D, Changes, Float1D, Index1D, Int1D, Points

UInt2D = npt.NDArray[np.uint64]

LONG_AGO_US = -(1 << 62)
FAR_AHEAD_US = 1 << 62

_HOLDING = ("scale", "modulus", "step_rate_max", "resolution")

_Q_SPLIT = int(Quality.SPLIT)
_Q_INTERPOLATED = int(Quality.INTERPOLATED)
_Q_CONFLICT = int(Quality.CONFLICT)


class Numbers(NamedTuple):
    """Readings of one point that hold a number, with room for two more.

    `place` is where they are in the columns of all readings; `turning` and `plain` are for
    `compute.steps`.
    """

    ts_us: Int1D
    value: Float1D
    quality: Index1D
    place: Int1D
    turning: Bool1D
    plain: Bool1D


class Lives(NamedTuple):
    """`Changes` as columns: those of point row i are offset[i]:offset[i + 1].

    `word` is the bits of each change, (c, 8): first the four columns of what holds from then on;
    `base` is those four of each point before all changes, (p, 4).
    """

    offset: Index1D
    at_us: Int1D
    scale: Float1D
    modulus: Float1D
    step_rate_max: Float1D
    resolution: Float1D
    last_raw: Float1D
    first_raw: Float1D
    goes_on: Bool1D
    word: UInt2D
    base: UInt2D


class Level(NamedTuple):
    """What a register showed at an instant; NaN where it is not known."""

    raw: float
    quality: int


class Reach(NamedTuple):
    """How far the changes that an interval of a point depends on may lie, [from, until)."""

    row: int
    from_us: int
    until_us: int


def numbers_of(count: int) -> Numbers:
    """Return room for a number of readings."""
    return Numbers(
        ts_us=np.empty(count, dtype=np.int64),
        value=np.empty(count, dtype=np.float64),
        quality=np.empty(count, dtype=np.int32),
        place=np.empty(count, dtype=np.int64),
        turning=np.empty(count, dtype=np.bool_),
        plain=np.empty(count, dtype=np.bool_),
    )


def lives_of(points: Points) -> Lives:
    """Return the changes of points as kernels read them."""
    changes = points.changes
    rows = np.arange(len(points.code) + 1)
    columns = {
        name: np.array(getattr(changes, name), dtype=np.float64)
        for name in (*_HOLDING, "last_raw", "first_raw")
    }
    base = [np.array(getattr(points, name), dtype=np.float64) for name in _HOLDING]
    at_us = np.array(changes.at_us, dtype=np.int64)
    goes_on = np.array(changes.goes_on, dtype=np.bool_)
    word = np.stack(
        [
            *(column.view(np.uint64) for column in columns.values()),
            at_us.view(np.uint64),
            goes_on.astype(np.uint64),
        ],
        axis=-1,
    )
    return Lives(
        offset=np.searchsorted(changes.point_index, rows).astype(np.int32),
        at_us=at_us,
        **columns,
        goes_on=goes_on,
        word=np.ascontiguousarray(word),
        base=np.ascontiguousarray(np.stack(base, axis=-1)).view(np.uint64),
    )


def ends_us(changes: Changes, point_count: int) -> Int1D:
    """Return from when on the readings of each point are none of its, (p,)."""
    end_us = np.full(point_count, FAR_AHEAD_US, dtype=np.int64)
    end_us[changes.point_index[changes.ends]] = changes.at_us[changes.ends]
    return end_us


@kernel
def stretch_us(lives: Lives, first: int, last: int, change: int) -> tuple[int, int]:
    """Return the stretch that begins with a change; with first - 1, the one before all changes."""
    from_us = lives.at_us[change] if change >= first else LONG_AGO_US
    until_us = lives.at_us[change + 1] if change + 1 < last else FAR_AHEAD_US
    return from_us, until_us


@kernel
def first_at(numbers: Numbers, count: int, at_us: int) -> int:
    """Return which of the readings is the first that is not before an instant."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if numbers.ts_us[middle] < at_us:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _shown_at(
    numbers: Numbers, count: int, lives: Lives, bounds: tuple[int, int], change: int, hold_us: int
) -> Level:
    """Return what a register that counts on showed at a change that nobody read it at."""
    first, last = bounds
    at_us = lives.at_us[change]
    i = first_at(numbers, count, at_us)
    if i < count and numbers.ts_us[i] == at_us:
        # `| 0`: as wide as the quality of any other level.
        return Level(numbers.value[i], numbers.quality[i] | 0)
    a_us, a, flags = LONG_AGO_US, np.nan, 0
    if i > 0:
        a_us, a = numbers.ts_us[i - 1], numbers.value[i - 1]
        flags = numbers.quality[i - 1] | 0
    # A level that somebody read nearer by, or another register, stands before the reading.
    for c in range(first, change):
        if lives.at_us[c] > a_us and not (lives.goes_on[c] and np.isnan(lives.first_raw[c])):
            a_us, a, flags = lives.at_us[c], lives.first_raw[c], 0
    b_us, b = FAR_AHEAD_US, np.nan
    if i < count:
        b_us, b = numbers.ts_us[i], numbers.value[i]
    b_flags = numbers.quality[i] | 0 if i < count else 0
    for c in range(last - 1, change, -1):
        if lives.at_us[c] <= b_us and not (lives.goes_on[c] and np.isnan(lives.last_raw[c])):
            b_us, b, b_flags = lives.at_us[c], lives.last_raw[c], 0
    raw = a + (b - a) * ((at_us - a_us) / (b_us - a_us))
    if not np.isfinite(raw):
        return Level(np.nan, 0)
    flags |= b_flags | _Q_SPLIT
    if b_us - a_us > hold_us:
        flags |= _Q_INTERPOLATED
    return Level(raw, flags)


@kernel
def _level_before(
    numbers: Numbers, count: int, lives: Lives, bounds: tuple[int, int], change: int, hold_us: int
) -> Level:
    """Return what the register of the stretch that ends with a change showed at its end."""
    last_raw = lives.last_raw[change]
    if np.isnan(last_raw):
        if not lives.goes_on[change]:
            return Level(np.nan, 0)
        return _shown_at(numbers, count, lives, bounds, change, hold_us)
    i = first_at(numbers, count, lives.at_us[change])
    read = i < count and numbers.ts_us[i] == lives.at_us[change]
    differs = read and lives.goes_on[change] and numbers.value[i] != last_raw
    return Level(last_raw, _Q_CONFLICT if differs else 0)


@kernel
def _level_after(
    numbers: Numbers, count: int, lives: Lives, bounds: tuple[int, int], change: int, hold_us: int
) -> Level:
    """Return what the register of the stretch that begins with a change showed at its start."""
    first_raw = lives.first_raw[change]
    if np.isnan(first_raw) and lives.goes_on[change]:
        return _shown_at(numbers, count, lives, bounds, change, hold_us)
    return Level(first_raw, 0)


@kernel
def take_stretch(
    numbers: Numbers,
    count: int,
    lives: Lives,
    bounds: tuple[int, int],
    change: int,
    hold_us: int,
    part: Numbers,
) -> int:
    """Copy the readings of a stretch, with what its register showed at both ends; return how many.

    A reading of the instant of a change opens the stretch itself.
    """
    first, last = bounds
    from_us, until_us = stretch_us(lives, first, last, change)
    begin, end = first_at(numbers, count, from_us), first_at(numbers, count, until_us)
    n = 0
    if change >= first and not (begin < count and numbers.ts_us[begin] == from_us):
        level = _level_after(numbers, count, lives, bounds, change, hold_us)
        n = _put(part, n, from_us, level)
    for i in range(begin, end):
        part.ts_us[n], part.value[n] = numbers.ts_us[i], numbers.value[i]
        part.quality[n], part.place[n] = numbers.quality[i], numbers.place[i]
        n += 1
    if change + 1 < last:
        level = _level_before(numbers, count, lives, bounds, change + 1, hold_us)
        n = _put(part, n, until_us, level)
    return n


@kernel
def _put(part: Numbers, n: int, at_us: int, level: Level) -> int:
    """Add a level that is known; return how many there are then."""
    if np.isnan(level.raw):
        return n
    part.ts_us[n], part.value[n] = at_us, level.raw
    part.quality[n], part.place[n] = level.quality, -1
    return n + 1


@kernel
def mix_changes(state: np.uint64, lives: Lives, reach: Reach, start_us: int) -> np.uint64:
    """Continue a digest by what holds at the start of an interval, and by the changes in reach.

    What holds as it did before all changes adds nothing.
    """
    row = reach.row
    holding = -1
    for c in range(lives.offset[row], lives.offset[row + 1]):
        if lives.at_us[c] <= start_us:
            holding = c
    if holding >= 0:
        differs = False
        for column in range(lives.base.shape[1]):
            differs |= lives.word[holding, column] != lives.base[row, column]
        if differs:
            for column in range(lives.base.shape[1]):
                state = mix(state, lives.word[holding, column])
    for c in range(lives.offset[row], lives.offset[row + 1]):
        if reach.from_us <= lives.at_us[c] < reach.until_us:
            for column in range(lives.word.shape[1]):
                state = mix(state, lives.word[c, column])
    return state
