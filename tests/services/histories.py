"""Three days of a small plant as readings; what they amount to, exactly; what the centre says."""

import itertools
import random
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Protocol
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

ALL_GRAINS = (0, 1, 2, 3)

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
    for (a_us, value), (b_us, _) in itertools.pairwise(series):
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


class HasRows(Protocol):
    """A database whose rows can be looked at."""

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]: ...


def results(source: HasRows, tenant: str, *, grains: Sequence[int] = ALL_GRAINS) -> list[Any]:
    """Return every result of a tenant, its numbers as bits."""
    rows = source.rows(
        "select r.grain, s.kind, s.code, s.carrier, r.ts, r.quality, r.reading_count, r.covered_us,"
        " r.input_hash, r.amount, r.energy_kwh, r.coal_equivalent_tce, r.coal_equal_tce,"
        " r.emission_direct_tco2e, r.emission_purchased_tco2e"
        " from result r join series s on s.id = r.series_id join tenant t on t.id = s.tenant_id"
        " where t.code = %s and r.grain = any(%s) order by 1, 2, 3, 4, 5",
        tenant,
        list(grains),
    )
    return [tuple(bits(value) for value in row) for row in rows]


def bits(value: object) -> object:
    return struct.pack(">d", value) if isinstance(value, float) else value


def origins(source: HasRows, tenant: str) -> list[Any]:
    """Return what provenance says of a tenant's results, but when it was written."""
    return source.rows(
        "select p.ts, p.formula, encode(p.input_hash, 'hex'), encode(f.sha256, 'hex'), v.version,"
        " p.code_version from provenance p join tenant t on t.id = p.tenant_id"
        " join factor_set f on f.id = p.factor_set_id"
        " join plant_version v on v.id = p.plant_version_id where t.code = %s order by 1, 2",
        tenant,
    )


def differences(source: HasRows, one: str, other: str) -> list[Any]:
    """Return the results that one tenant has and the other has not, bit for bit; both ways.

    The server compares: there may be hundreds of thousands.
    """
    bits_of = ", ".join(
        f"float8send(r.{name})"
        for name in (
            "amount",
            "energy_kwh",
            "coal_equivalent_tce",
            "coal_equal_tce",
            "emission_direct_tco2e",
            "emission_purchased_tco2e",
        )
    )
    part = (
        "select s.kind, s.code, s.carrier, r.grain, r.ts, r.quality, r.reading_count, r.covered_us,"
        f" r.input_hash, {bits_of} from result r join series s on s.id = r.series_id"
        " join tenant t on t.id = s.tenant_id where t.code = %s"
    )
    return [
        row
        for pair in ((one, other), (other, one))
        for row in source.rows(f"{part} except {part} order by 5 limit 10", *pair)
    ]
