"""Three days of a small plant as readings, and what they amount to, worked out with fractions."""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.migrated import SmallPlant, us

MINUTE = timedelta(minutes=1)
STEP_US = 15 * 60 * 1_000_000
HOLD_S = 1800
POINTS: list[dict[str, Any]] = [
    {"code": "register", "kind": "register", "unit": "kWh", "multiplier": 2},
    {"code": "gauge", "kind": "gauge", "unit": "kW", "hold_seconds": HOLD_S},
    {"code": "interval", "kind": "interval", "unit": "kWh", "period_minutes": 15, "stamp": "end"},
]
MULTIPLIER = {"register": 2, "gauge": 1, "interval": 1}

Reading = tuple[str, datetime, float]


def plant(tenant: str, *, start: datetime, time_zone: str, carrier: str) -> SmallPlant:
    """Return the plant that the readings are of; it is described from a day before them."""
    return SmallPlant(
        tenant=tenant,
        valid_from=start - timedelta(days=1),
        time_zone=time_zone,
        carrier=carrier,
        points=POINTS,
    )


def readings(rng: random.Random, *, start: datetime, days: int = 3) -> list[Reading]:
    """Return the readings of every point in order of time.

    Points begin and end at times of their own, are silent now and then for hours, and read every
    5 to 15 minutes, jittered but for the interval meter.
    """
    end = start + timedelta(days=days)
    found: list[Reading] = []
    for name in MULTIPLIER:
        at = start + 15 * MINUTE * rng.randrange(0, 30)
        last = end - 15 * MINUTE * rng.randrange(0, 30)
        every = 15 if name == "interval" else rng.choice((5, 10, 15))
        silent_until = at
        level = rng.randrange(10_000)
        while at < last:
            level += rng.randrange(50)
            if at >= silent_until:
                jitter = timedelta(seconds=0 if name == "interval" else rng.uniform(-60, 60))
                value = level / 100 if name == "register" else rng.randrange(10_000) / 100
                found.append((name, _milliseconds(max(at + jitter, start)), value))
                if rng.random() < 0.01:
                    silent_until = at + timedelta(hours=rng.uniform(0.3, 9))
            at += every * MINUTE
    return sorted(found, key=lambda reading: reading[1])


def _milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@dataclass
class Oracle:
    """What readings amount to: slow, obvious, exact."""

    readings: Sequence[Reading]
    series: dict[str, list[tuple[int, Fraction]]] = field(init=False)

    def __post_init__(self) -> None:
        self.series = {name: [] for name in MULTIPLIER}
        for name, at, value in sorted(self.readings, key=lambda reading: reading[1]):
            self.series[name].append((us(at), Fraction(value)))

    def amount(self, name: str, start_us: int, end_us: int) -> Fraction | None:
        """Return the amount of a point in [start, end); None where no reading covers any of it."""
        series = self.series[name]
        part = {"register": register, "gauge": gauge, "interval": interval}[name]
        found = part(series, start_us, end_us)
        return None if found is None else found * MULTIPLIER[name]

    def steps(self) -> Iterator[int]:
        """Yield the start of every base interval that readings touch, and a few around."""
        stamps = [at for series in self.series.values() for at, _ in series]
        first, last = min(stamps) // STEP_US - 1, max(stamps) // STEP_US + 1
        for number in range(first, last + 1):
            yield number * STEP_US

    def sums(self, name: str, zone: str, form: str) -> dict[str, Fraction]:
        """Return the amounts by local day or month, `form` being how that is written."""
        sums: dict[str, Fraction] = {}
        for start_us in self.steps():
            amount = self.amount(name, start_us, start_us + STEP_US)
            if amount is not None:
                key = local(start_us, zone).strftime(form)
                sums[key] = sums.get(key, Fraction(0)) + amount
        return sums


def local(at_us: int, zone: str) -> datetime:
    """Return the wall clock of a zone."""
    return datetime.fromtimestamp(at_us // 1_000_000, ZoneInfo(zone))


def register(series: Sequence[tuple[int, Fraction]], start_us: int, end_us: int) -> Fraction | None:
    """Return register(end) - register(start), both interpolated, as far as there are readings."""
    if not series:
        return None
    start_us, end_us = max(start_us, series[0][0]), min(end_us, series[-1][0])
    if start_us >= end_us:
        return None
    return _level(series, end_us) - _level(series, start_us)


def _level(series: Sequence[tuple[int, Fraction]], at_us: int) -> Fraction:
    right = min(bisect_right(series, at_us, key=lambda row: row[0]), len(series) - 1)
    (a_us, a), (b_us, b) = series[right - 1], series[right]
    return a + (b - a) * Fraction(at_us - a_us, b_us - a_us)


def gauge(series: Sequence[tuple[int, Fraction]], start_us: int, end_us: int) -> Fraction | None:
    """Return the integral in hours of what stands, each value for as long as it may be held."""
    total, covered = Fraction(0), False
    for (a_us, value), (b_us, _) in zip(series, series[1:], strict=False):
        begin = max(a_us, start_us)
        end = min(b_us, a_us + HOLD_S * 1_000_000, end_us)
        if begin < end:
            covered = True
            total += value * Fraction(end - begin, 3_600_000_000)
    return total if covered else None


def interval(series: Sequence[tuple[int, Fraction]], start_us: int, end_us: int) -> Fraction | None:
    """Return the value stamped at the end of this very interval."""
    del start_us
    return dict(series).get(end_us)
