"""The readings of a site's points as columns, checked."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from compute._jit import inlined, kernel
from compute.cores import share_out
from compute.digest import UInt1D
from compute.errors import NengtanError
from compute.life import Numbers, ends_us
from compute.quality import Quality
from compute.topology import Float1D, Index1D, Int1D, Points

_Q_SOURCE_BAD = int(Quality.SOURCE_BAD)


class ReadingsNotAscending(NengtanError):
    """Readings of a point that do not ascend in time."""

    def __init__(self, code: str, ts_us: int) -> None:
        super().__init__(
            f"point {code}: the reading at {ts_us} µs is not later than the one before it: "
            "sort by time and keep one reading per instant"
        )
        self.code = code
        self.ts_us = ts_us


class ReadingsMisshapen(NengtanError):
    """Offsets of readings that do not fit the points or the columns."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"readings do not fit: {detail}: rebuild point_offset from the columns")


@dataclass(frozen=True, slots=True)
class Readings:
    """The readings of a site's points around a span of time, by point.

    Holds every reading of the span and, where they exist, the last `CONTEXT_BEFORE` readings with
    a number before it and the first `CONTEXT_AFTER` with a number after it (`compute.register`).
    More do no harm.

    Attributes
    ----------
    point_offset : (p + 1,) int64
        Readings of row i of `Points` are point_offset[i]:point_offset[i + 1], ascending in time.
    ts_us : (n,) int64
        [µs since 1970-01-01 UTC]
    value : (n,) float64
        Raw value; NaN where the source reported an error.
    quality : (n,) int32
        `Quality`.
    """

    point_offset: Int1D
    ts_us: Int1D
    value: Float1D
    quality: Index1D

    @classmethod
    def of_rows(
        cls, row: Int1D, ts_us: Int1D, value: Float1D, quality: Index1D, *, point_count: int
    ) -> "Readings":
        """Return readings in any order, each with the row of its point, (n,), by point."""
        order = np.lexsort((ts_us, row))
        offset = np.searchsorted(row[order], np.arange(point_count + 1))
        return cls(offset.astype(np.int64), ts_us[order], value[order], quality[order])


class Columns(NamedTuple):
    """Readings of all points; `word` is the bits of the value."""

    point_offset: Int1D
    ts_us: Int1D
    value: Float1D
    word: UInt1D
    quality: Index1D


def while_in_use(readings: Readings, points: Points) -> Readings:
    """Return readings without what was read of a point after it was retired.

    Readings that are misshapen are returned as they are: whoever checks them says what is wrong.
    """
    offset = np.asarray(readings.point_offset, dtype=np.int64)
    ts_us = np.asarray(readings.ts_us, dtype=np.int64)
    if not points.changes.ends.any() or not _fits(offset, ts_us.size, len(points.code)):
        return readings
    end_us = ends_us(points.changes, len(points.code))
    kept = ts_us < np.repeat(end_us, np.diff(offset))
    return Readings(
        point_offset=np.concatenate([[0], np.cumsum(kept)])[offset],
        ts_us=ts_us[kept],
        value=np.asarray(readings.value)[kept],
        quality=np.asarray(readings.quality)[kept],
    )


def _fits(offset: Int1D, count: int, point_count: int) -> bool:
    if offset.shape != (point_count + 1,):
        return False
    return bool(offset[0] == 0 and offset[-1] == count and (np.diff(offset) >= 0).all())


def columns_of(readings: Readings, points: Points) -> Columns:
    """Return checked columns of one signature, copied only where they are not: not to be written.

    What was read of a point after it was retired is left out.
    """
    readings = while_in_use(readings, points)
    point_offset = np.require(readings.point_offset, np.int64, ["C", "W"])
    ts_us = np.require(readings.ts_us, np.int64, ["C", "W"])
    value = np.require(readings.value, np.float64, ["C", "W"])
    quality = np.require(readings.quality, np.int32, ["C", "W"])
    if point_offset.shape != (len(points.code) + 1,):
        raise ReadingsMisshapen(f"{len(points.code)} points, {point_offset.size} offsets")
    if not ts_us.shape == value.shape == quality.shape or ts_us.ndim != 1:
        raise ReadingsMisshapen("ts_us, value and quality differ in length")
    if point_offset[0] != 0 or point_offset[-1] != ts_us.size or (np.diff(point_offset) < 0).any():
        raise ReadingsMisshapen(f"offsets do not run from 0 to {ts_us.size}")
    finite: list[bool] = []

    def look(first: int, last: int) -> None:
        row = _first_descending(ts_us, point_offset, first, last)
        if row < last:
            own = ts_us[point_offset[row] : point_offset[row + 1]]
            late = own[1:][own[1:] <= own[:-1]]
            raise ReadingsNotAscending(points.code[row], int(late[0]))
        finite.append(_all_finite(value[point_offset[first] : point_offset[last]]))

    share_out(look, point_offset)
    # Every NaN is one NaN, whatever its payload.
    if not all(finite):
        value = np.where(np.isfinite(value), value, np.nan)
    return Columns(point_offset, ts_us, value, value.view(np.uint64), quality)


@kernel
def _first_descending(ts_us: Int1D, point_offset: Int1D, first: int, last: int) -> int:
    """Return the first of some rows whose readings do not ascend in time, `last` if all do."""
    for row in range(first, last):
        own = ts_us[point_offset[row] : point_offset[row + 1]]
        before, after = own[:-1], own[1:]
        descends = 0
        for i in range(after.size):
            descends |= after[i] <= before[i]
        if descends:
            return row
    return last


@kernel
def _all_finite(value: Float1D) -> bool:
    missing = 0
    for i in range(value.size):
        missing |= not abs(value[i]) < np.inf
    return missing == 0


@inlined
def has_number(columns: Columns, place: int) -> bool:
    """Return whether a reading holds a number that may be used."""
    return not (np.isnan(columns.value[place]) or columns.quality[place] & _Q_SOURCE_BAD)


@kernel
def take_numbers(columns: Columns, row: int, numbers: Numbers) -> int:
    """Copy the readings of a point that hold a number, and return how many there are."""
    count = 0
    for place in range(columns.point_offset[row], columns.point_offset[row + 1]):
        if has_number(columns, place):
            numbers.ts_us[count] = columns.ts_us[place]
            numbers.value[count] = columns.value[place]
            numbers.quality[count] = columns.quality[place]
            numbers.place[count] = place
            count += 1
    return count
