"""The rate of one point, slow and obvious: its readings as a list of pieces of constant rate."""

import math
from collections.abc import Sequence
from itertools import pairwise

from compute.topology import PointKind
from tests.twins.register import HOUR_US, Point, Reading

Piece = tuple[int, int, float]  # begin, end, amount per hour


def pieces(row: Sequence[Reading], point: Point, *, end_us: int) -> list[Piece]:
    """Return what the readings say of each stretch of time; for rising registers alone."""
    numbers = [reading for reading in row if reading.is_number]
    found = []
    for a, b in pairwise(numbers):
        if point.kind == PointKind.REGISTER:
            rate = (b.value - a.value) / (b.ts_us - a.ts_us) * HOUR_US
            found.append((a.ts_us, b.ts_us, rate))
        elif point.kind == PointKind.GAUGE:
            found.append((a.ts_us, min(b.ts_us, a.ts_us + point.hold_us), a.value))
    if point.kind == PointKind.GAUGE and row and row[-1].is_number:
        last = row[-1]
        if last.ts_us < end_us <= last.ts_us + point.hold_us:
            found.append((last.ts_us, end_us, last.value))
    if point.kind == PointKind.INTERVAL:
        found = [
            (r.ts_us - point.period_us, r.ts_us, r.value / point.period_us * HOUR_US)
            for r in numbers
        ]
    return found


def rate(row: Sequence[Reading], point: Point, *, end_us: int, window_us: int) -> float:
    """Return the amount per hour in the window that ends at `end_us`, NaN if it is not known."""
    found = pieces(row, point, end_us=end_us)
    now = _mean(found, end_us - window_us, end_us)
    if not math.isnan(now) or not found:
        return now * point.scale
    begin_us, last_us, _ = found[-1]
    limit_us = {
        PointKind.REGISTER: min(3 * (last_us - begin_us), point.hold_us),
        PointKind.GAUGE: 0,
        PointKind.INTERVAL: 2 * point.period_us,
    }[point.kind]
    if not 0 < end_us - last_us <= limit_us:
        return math.nan
    return _mean(found, last_us - window_us, last_us) * point.scale


def _mean(found: Sequence[Piece], start_us: int, end_us: int) -> float:
    amount = covered = 0.0
    for begin, end, per_hour in found:
        overlap = min(end, end_us) - max(begin, start_us)
        if overlap > 0:
            amount += per_hour * overlap
            covered += overlap
    return amount / covered if covered else math.nan
