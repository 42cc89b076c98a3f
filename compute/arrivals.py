"""What arrived, as columns: which readings can be, which came first, and what they touch."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import inlined, kernel
from compute.quality import Quality

Int1D = npt.NDArray[np.int64]
Row1D = npt.NDArray[np.int32]
Float1D = npt.NDArray[np.float64]


class Fate(IntEnum):
    """What a check found; of several faults of a reading the first in this order."""

    GOOD = 0
    EARLY = 1
    RETIRED = 2
    FUTURE = 3
    UNPHYSICAL = 4


_SOURCE_BAD = int(Quality.SOURCE_BAD)
_GOOD, _EARLY, _RETIRED, _FUTURE, _UNPHYSICAL = map(int, Fate)


class Lives(NamedTuple):
    """Of each point, by row: when it is valid, what its values may be, and who comes after it.

    Attributes
    ----------
    from_us, to_us : (p,) int64
        Half-open. [µs since 1970 UTC]
    next_row : (p,) int32
        The point that has the same address from `to_us` on, -1 if there is none.
    value_min, value_max : (p,) float64
        Infinite where there is no limit.
    """

    from_us: Int1D
    to_us: Int1D
    next_row: Row1D
    value_min: Float1D
    value_max: Float1D


def check_arrivals(
    row: Row1D, ts_us: Int1D, value: Float1D, quality: Row1D, *, lives: Lives, ts_us_max: int
) -> tuple[Row1D, npt.NDArray[np.int8], int]:
    """Return the rows of the points that have the addresses then, and what is wrong.

    Parameters
    ----------
    row : (n,) int32
        First point of the address of each reading.
    ts_us : (n,) int64
    value : (n,) float64
        NaN, where the source reported an error, is within all limits.
    quality : (n,) int32
        What its own device does not stand by is not used, and so need not be possible.
    lives : Lives
    ts_us_max : int
        What is later lies in the future. [µs since 1970 UTC]

    Returns
    -------
    row : (n,) int32
    fate : (n,) int8
        A `Fate` each.
    bad_count : int
        How many are not `GOOD`.
    """
    then = np.empty(len(row), dtype=np.int32)
    fate = np.empty(len(row), dtype=np.int8)
    return then, fate, _check(row, ts_us, value, quality, lives, ts_us_max, then, fate)


@kernel
def _check(
    row: Row1D,
    ts_us: Int1D,
    value: Float1D,
    quality: Row1D,
    lives: Lives,
    ts_us_max: int,
    then: Row1D,
    fate: npt.NDArray[np.int8],
) -> int:
    from_us, to_us, next_row = lives.from_us, lives.to_us, lives.next_row
    value_min, value_max = lives.value_min, lives.value_max
    bad_count = 0
    for index in range(len(row)):
        here, ts = row[index], ts_us[index]
        while ts >= to_us[here] and next_row[here] >= 0:
            here = next_row[here]
        then[index] = here
        found = _GOOD
        stands = quality[index] & _SOURCE_BAD == 0
        if stands and (value[index] < value_min[here] or value[index] > value_max[here]):
            found = _UNPHYSICAL
        if ts > ts_us_max:
            found = _FUTURE
        if ts >= to_us[here]:
            found = _RETIRED
        if ts < from_us[here]:
            found = _EARLY
        fate[index] = found
        bad_count += found != _GOOD
    return bad_count


def first_arrivals(ts_us: Int1D, point_id: Row1D) -> tuple[Int1D, Int1D, Int1D]:
    """Return which readings came first for their instant and point, and which came again.

    Parameters
    ----------
    ts_us : (n,) int64
    point_id : (n,) int32
        In order of arrival.

    Returns
    -------
    origin : (m,) int64
        Places of the first, sorted by (ts, point).
    repeat : (n - m,) int64
        Places of all others, in the same order, then in that of arrival.
    repeat_of : (n - m,) int64
        Which of `origin` each of them repeats.
    """
    count = len(ts_us)
    order, spare = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    edges = np.empty(count + 1, dtype=np.int64)
    if _sort(ts_us, point_id, order, spare, edges):
        order, spare = spare, order
    # What was sorted with is free again.
    origin, repeat, repeat_of = spare, edges, np.empty(count, dtype=np.int64)
    first_count = _part(ts_us, point_id, order, origin, repeat, repeat_of)
    again_count = count - first_count
    return origin[:first_count], repeat[:again_count], repeat_of[:again_count]


@inlined
def _comes_before(ts_us: Int1D, point_id: Row1D, left: int, right: int) -> bool:
    if ts_us[left] != ts_us[right]:
        return bool(ts_us[left] < ts_us[right])
    return bool(point_id[left] < point_id[right])


@kernel
def _sort(ts_us: Int1D, point_id: Row1D, order: Int1D, spare: Int1D, edges: Int1D) -> bool:
    """Merge the runs that are there, two by two: what arrives is mostly in order, and stays so.

    Returns whether the result is in `spare` and not in `order`.
    """
    count = len(ts_us)
    run_count = 0
    for place in range(count):
        order[place] = place
        if place == 0 or _comes_before(ts_us, point_id, place, place - 1):
            edges[run_count] = place
            run_count += 1
    edges[run_count] = count
    is_spare = False
    while run_count > 1:
        merged_count = 0
        for first in range(0, run_count, 2):
            start, stop = edges[first], edges[min(first + 2, run_count)]
            middle = edges[min(first + 1, run_count)]
            if is_spare:
                _merge(ts_us, point_id, spare, order, start, middle, stop)
            else:
                _merge(ts_us, point_id, order, spare, start, middle, stop)
            edges[merged_count] = start
            merged_count += 1
        edges[merged_count] = count
        run_count = merged_count
        is_spare = not is_spare
    return is_spare


@kernel
def _merge(
    ts_us: Int1D,
    point_id: Row1D,
    source: Int1D,
    target: Int1D,
    start: int,
    middle: int,
    stop: int,
) -> None:
    left, right = start, middle
    for place in range(start, stop):
        # Of equals the left came first.
        if left < middle and (
            right >= stop or not _comes_before(ts_us, point_id, source[right], source[left])
        ):
            target[place] = source[left]
            left += 1
        else:
            target[place] = source[right]
            right += 1


@kernel
def _part(
    ts_us: Int1D,
    point_id: Row1D,
    order: Int1D,
    origin: Int1D,
    repeat: Int1D,
    repeat_of: Int1D,
) -> int:
    first_count, again_count = 0, 0
    for index in range(len(order)):
        place = order[index]
        if index == 0 or _comes_before(ts_us, point_id, order[index - 1], place):
            origin[first_count] = place
            first_count += 1
        else:
            repeat[again_count], repeat_of[again_count] = place, first_count - 1
            again_count += 1
    return first_count


def touched_rows(row: Row1D, ts_us: Int1D, *, row_count: int) -> tuple[Row1D, Int1D, Int1D]:
    """Return which rows readings are of, sorted, and the first and last instant of each.

    Parameters
    ----------
    row : (n,) int32
    ts_us : (n,) int64
        Ascending. [µs since 1970 UTC]
    row_count : int
        Every row is below.
    """
    first_us = np.empty(row_count, dtype=np.int64)
    last_us = np.full(row_count, np.iinfo(np.int64).min)
    _touch(row, ts_us, first_us, last_us)
    touched = np.flatnonzero(last_us != np.iinfo(np.int64).min).astype(np.int32)
    return touched, first_us[touched], last_us[touched]


@kernel
def _touch(row: Row1D, ts_us: Int1D, first_us: Int1D, last_us: Int1D) -> None:
    for index in range(len(row) - 1, -1, -1):
        first_us[row[index]] = ts_us[index]
    for index in range(len(row)):
        last_us[row[index]] = ts_us[index]
