"""What fails a check, slow and obvious: one point, from the table of checks."""

import math
from dataclasses import dataclass
from itertools import pairwise

from compute.topology import PointKind
from tests.twins.register import Point, Reading, register_account

HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Bounds:
    range_min: float = -math.inf
    range_max: float = math.inf
    step_max: float = math.inf
    rate_max_per_hour: float = math.inf


def failures(readings: list[Reading], point: Point, bounds: Bounds) -> set[tuple[int, str]]:
    """Return (instant, check) of everything that fails."""
    numbers = [reading for reading in readings if reading.is_number]
    found = {
        (reading.ts_us, "range")
        for reading in numbers
        if not bounds.range_min <= reading.value <= bounds.range_max
    }
    silence_us = point.hold_us
    if point.kind == PointKind.INTERVAL:
        silence_us = point.period_us + point.period_us // 5
    for a, b in pairwise(numbers):
        if b.ts_us - a.ts_us > silence_us:
            found.add((b.ts_us, "gap"))
        if point.kind == PointKind.REGISTER:
            continue
        change = abs(b.value - a.value)
        if change > bounds.step_max:
            found.add((b.ts_us, "step"))
        if change > bounds.rate_max_per_hour * ((b.ts_us - a.ts_us) / HOUR_US):
            found.add((b.ts_us, "rate"))
    if point.kind == PointKind.REGISTER:
        found |= withheld(numbers, point)
    return found


def withheld(numbers: list[Reading], point: Point) -> set[tuple[int, str]]:
    """Return the readings to which the account books nothing, and those that stand alone."""
    plain = [Reading(reading.ts_us, reading.value) for reading in numbers]
    account = register_account(plain, point)
    value = {reading.ts_us: reading.value for reading in plain}
    before = {b.ts_us: a.value for a, b in pairwise(plain)}
    found = set()
    for span in account.spans:
        if span.total is None:
            higher = value[span.end_us] > value[span.begin_us]
            found.add((span.end_us, "spike" if higher else "decrease"))
    for ts_us, _ in account.marks:
        found.add((ts_us, "spike" if value[ts_us] > before[ts_us] else "decrease"))
    return found
