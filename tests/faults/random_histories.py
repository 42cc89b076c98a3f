"""Random days of a register with every fault of the table, and what it truly passed.

A history knows which of its readings are true, so the truth is written down while it is made.
Faults lie `APART` readings from each other, as far as the rules look to either side: nearer ones
may be told apart in more than one way.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.faults.oracle import Known, Truth

APART = 18
MINUTE = timedelta(minutes=1)

Shown = tuple[datetime, Decimal | None]


@dataclass(frozen=True, slots=True)
class History:
    """What one meter showed, how it is described, and the truth of it.

    `marks` are instants at which a bit has to be seen; `float_kwh` is what sums of differences of
    its levels may be wrong by, as floats.
    """

    point: Mapping[str, Any]
    shown: list[Shown]
    truth: Truth
    marks: list[tuple[datetime, str]]
    float_kwh: Decimal


@dataclass
class _Meter:
    """A register at work: it counts, it is read, and now and then something goes wrong."""

    rng: random.Random
    integer_digits: int
    decimal_digits: int
    multiplier: int
    rate_max_raw_per_hour: Decimal
    at: datetime
    level: Decimal  # what the register would show if it had digits enough
    passed: Decimal = Decimal(0)  # since the beginning, as far as it is known
    shown: list[Shown] = field(default_factory=list)
    runs: list[list[Known]] = field(default_factory=lambda: [[]])
    marks: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def modulus(self) -> Decimal:
        return Decimal(10) ** self.integer_digits

    @property
    def unit(self) -> Decimal:
        return Decimal(1).scaleb(-self.decimal_digits)

    def count(self, minutes: int) -> None:
        """Let time pass, and energy, within what the meter can pass."""
        seconds = 60 * minutes + self.rng.randrange(-20, 20)
        most = self.rate_max_raw_per_hour * seconds / 3600
        share = Decimal(self.rng.choice((0, 5, 20, 50, 90))) / 100
        rise = (most * share).quantize(self.unit)
        if rise > most:
            rise -= self.unit
        self.at += timedelta(seconds=seconds)
        self.level += rise
        self.passed += rise

    def step(self) -> None:
        self.count(self.rng.choice((2, 5, 5, 5, 10, 15)))

    def read(self) -> None:
        """Show the level, truly."""
        self.shown.append((self.at, self.level % self.modulus))
        self.know()

    def know(self) -> None:
        """Take down what has passed until now."""
        self.runs[-1].append((self.at, self.passed * self.multiplier))

    def forget(self) -> None:
        """Begin a run: what passed since the last reading is not known."""
        self.runs.append([])

    def mark(self, bit: str) -> None:
        self.marks.append((self.at, bit))


def normal(meter: _Meter) -> None:
    """Read some times."""
    for _ in range(APART):
        meter.step()
        meter.read()


def gap(meter: _Meter) -> None:
    """Say nothing for hours; the register counts on."""
    meter.count(meter.rng.randrange(45, 600))
    meter.read()
    meter.marks.append((meter.at - MINUTE, "interpolated"))


def high_reading(meter: _Meter) -> None:
    """Show one reading that is far too high."""
    meter.step()
    wrong = meter.level % meter.modulus + meter.modulus * Decimal(meter.rng.randrange(1, 9)) / 10
    meter.shown.append((meter.at, wrong.quantize(meter.unit)))
    meter.mark("spike")


def zero_reading(meter: _Meter) -> None:
    """Show 0 once."""
    if not meter.modulus / 10 < meter.level % meter.modulus < meter.modulus * 9 / 10:
        return  # 0 might be true about the last digit
    meter.step()
    meter.shown.append((meter.at, Decimal(0)))
    meter.mark("decrease")


def zeros(meter: _Meter) -> None:
    """Show 0 two to four times, then the true level: nothing passed that is not in the return."""
    if not meter.modulus / 10 < meter.level % meter.modulus < meter.modulus * 9 / 10:
        return  # 0 might be true about the last digit
    before = meter.passed
    meter.forget()
    for _ in range(meter.rng.randrange(2, 5)):
        meter.step()
        meter.shown.append((meter.at, Decimal(0)))
        meter.runs[-1].append((meter.at, before * meter.multiplier))
        meter.mark("decrease") if len(meter.runs[-1]) == 1 else None
    meter.step()
    meter.read()
    meter.marks.append((meter.at - MINUTE / 2, "interpolated"))


def last_digit(meter: _Meter) -> None:
    """Show one last digit less than before, twice."""
    if meter.level % meter.modulus == 0:
        return
    for _ in range(2):
        meter.at += 3 * MINUTE
        meter.shown.append((meter.at, meter.level % meter.modulus - meter.unit))
        meter.know()


def error(meter: _Meter) -> None:
    """Show an error instead of a value."""
    meter.step()
    meter.shown.append((meter.at, None))
    meter.mark("source_bad")


def lower_meter(meter: _Meter) -> None:
    """Put in another meter that shows much less, and tell nobody."""
    if not meter.modulus / 4 < meter.level % meter.modulus < meter.modulus * 3 / 4:
        return
    meter.step()
    meter.level = meter.modulus * Decimal(meter.rng.randrange(0, 10)) / 100
    meter.forget()
    meter.read()
    meter.marks.append((meter.at - MINUTE / 2, "decrease"))


def higher_meter(meter: _Meter) -> None:
    """Put in a used meter that shows much more, and tell nobody."""
    if meter.level % meter.modulus > meter.modulus / 2:
        return
    meter.step()
    shown = meter.level % meter.modulus
    meter.level = (shown + meter.modulus * Decimal(meter.rng.randrange(5, 40)) / 100).quantize(
        meter.unit
    )
    meter.forget()
    meter.read()
    meter.marks.append((meter.at - MINUTE / 2, "spike"))


FAULTS = (
    gap,
    high_reading,
    zero_reading,
    zeros,
    last_digit,
    error,
    lower_meter,
    higher_meter,
)


def history(rng: random.Random, *, code: str, start: datetime, days: int) -> History:
    """Return some days of a register."""
    integer, decimal = rng.choice(((4, 3), (5, 2), (6, 2), (6, 0)))
    rated = rng.random() < 0.5
    rate = Decimal(10) ** integer / (rng.choice((200, 500)) if rated else 1500)
    multiplier = rng.choice((1, 40, 1200))
    meter = _Meter(
        rng=rng,
        integer_digits=integer,
        decimal_digits=decimal,
        multiplier=multiplier,
        rate_max_raw_per_hour=rate,
        at=start + rng.randrange(0, 120) * MINUTE,
        level=Decimal(10) ** integer * rng.choice((1, 20, 60, 99)) / 100,
    )
    meter.read()
    normal(meter)
    while meter.at < start + timedelta(days=days):
        rng.choice(FAULTS)(meter)
        normal(meter)
    point: dict[str, Any] = {
        "code": code,
        "kind": "register",
        "unit": "kWh",
        "multiplier": multiplier,
        "digits": {"integer": integer, "decimal": decimal},
    }
    if rated:
        point["rate_max_per_hour"] = float(rate * multiplier)
    # A float64 keeps 15.9 digits of a level, and a day has some hundred of them.
    float_kwh = meter.modulus * multiplier * Decimal("1e-14")
    return History(point, meter.shown, Truth(meter.runs), meter.marks, float_kwh)
