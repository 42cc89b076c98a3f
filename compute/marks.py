"""What failed which check in which base interval: the failures of readings, by interval."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from compute.checks import READING_CHECKS, CheckName, Failures
from compute.readings import Readings
from compute.topology import PointKind, Points

_GAP = READING_CHECKS.index("gap")
_INTERVAL = int(PointKind.INTERVAL)


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
