"""Meters of 60 kWh/h, what goes wrong with each, and what it truly passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.faults.oracle import Known, Truth

START = datetime(2025, 3, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
# The name plate: 6 digits before the point. It says no rated maximum, as few descriptions do.
SIX_DIGITS: Mapping[str, Any] = {
    "kind": "register",
    "unit": "kWh",
    "digits": {"integer": 6, "decimal": 0},
}

Reading = tuple[datetime, Decimal]


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the fault table.

    Attributes
    ----------
    name
        What is wrong.
    booked_kwh
        What is to be booked, worked out by hand.
    arrivals
        Readings by point, in commits: what one commit holds arrives together.
    truth
        By point.
    flags
        By point: names of quality bits, and the quarters of the day that show them. None else do.
    points
        Descriptions, by point; they measure one flow.
    """

    name: str
    booked_kwh: int
    arrivals: Sequence[Sequence[tuple[str, datetime, Decimal]]]
    truth: Mapping[str, Truth]
    flags: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    points: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"P1": SIX_DIGITS})


def minutes(first: int, last: int, *, at: int, every: int = 1) -> list[Reading]:
    """Return the readings of minutes [first, last): `at` in the first, 1 kWh a minute."""
    return [
        (START + minute * MINUTE, Decimal(at + minute - first))
        for minute in range(first, last, every)
    ]


def of(code: str, readings: Sequence[Reading]) -> list[tuple[str, datetime, Decimal]]:
    """Return readings with their point."""
    return [(code, at, value) for at, value in readings]


def known(*runs: Sequence[Known]) -> Mapping[str, Truth]:
    """Return the truth of the one point P1."""
    return {"P1": Truth(runs)}


DAY = minutes(0, 1440, at=5000)


def _wrapping(every: int, booked_kwh: int) -> Fault:
    true = minutes(0, 1440, at=999_400, every=every)
    shown = [(at, value % 1_000_000) for at, value in true]
    return Fault(
        f"the register wraps at 10^6, read every {every} min",
        booked_kwh,
        [of("P1", shown)],
        known(true),
        {"P1": {"rollover": [39]}},
    )


def _another_meter(at: int, bit: str) -> Fault:
    old, new = minutes(0, 720, at=5000), minutes(720, 1440, at=at)
    return Fault(
        f"another meter that shows {at}, without a record",
        1438,
        [of("P1", [*old, *new])],
        known(old, new),
        # The step between the two meters is withheld: that minute of the quarter is not known.
        {"P1": {bit: [47], "partial": [47]}},
    )


def _recorded_exchange() -> Fault:
    old, new = minutes(0, 661, at=1000), minutes(720, 1440, at=50_000)
    noon = (START + 12 * HOUR).isoformat()
    return Fault(
        "a used meter that shows 50,000, its exchange recorded; 23 h run",
        1379,
        [[*of("P1", old), *of("P2", new)]],
        {"P1": Truth([old]), "P2": Truth([new])},
        points={
            "P1": {**SIX_DIGITS, "valid_to": noon},
            "P2": {**SIX_DIGITS, "valid_from": noon},
        },
    )


def _unrecorded_exchange() -> Fault:
    old, new = minutes(0, 661, at=1000), minutes(720, 1440, at=50_000)
    return Fault(
        "a used meter that shows 50,000, its exchange not recorded; 23 h run",
        1379,
        [of("P1", [*old, *new])],
        known(old, new),
        {"P1": {"spike": [44, 45, 46, 47], "missing": [44, 45, 46, 47]}},
    )


def _gap() -> Fault:
    kept = [reading for minute, reading in enumerate(DAY) if not 300 < minute < 660]
    return Fault(
        "6 h without communication",
        1439,
        [of("P1", kept)],
        known(kept),
        {"P1": {"interpolated": range(20, 44)}},
    )


def _one_wrong(by: int, bit: str) -> Fault:
    shown = [(at, value + by if minute == 600 else value) for minute, (at, value) in enumerate(DAY)]
    right = [reading for minute, reading in enumerate(DAY) if minute != 600]
    return Fault(f"one reading {by:+,}", 1439, [of("P1", shown)], known(right), {"P1": {bit: [40]}})


def _late() -> Fault:
    return Fault(
        "3 h of readings arrive after all others",
        1439,
        [of("P1", [*DAY[:600], *DAY[780:]]), of("P1", DAY[600:780])],
        known(DAY),
    )


def _shuffled() -> Fault:
    """Return the day in 7 commits, each a seventh of the minutes: 0, 7, 14 … and so on."""
    return Fault(
        "every reading in another order",
        1439,
        [of("P1", DAY[first::7]) for first in (3, 0, 6, 1, 5, 2, 4)],
        known(DAY),
    )


FAULTS = (
    Fault("normal", 1439, [of("P1", DAY)], known(DAY)),
    Fault(
        "every reading twice",
        1439,
        [of("P1", [reading for reading in DAY for _ in range(2)]), of("P1", DAY)],
        known(DAY),
    ),
    _wrapping(1, 1439),
    _wrapping(15, 1425),
    _another_meter(0, "decrease"),
    _another_meter(500, "decrease"),
    _recorded_exchange(),
    _unrecorded_exchange(),
    _gap(),
    _late(),
    _shuffled(),
    _one_wrong(1000, "spike"),
    _one_wrong(-1000, "decrease"),
    Fault("the first hour of a new meter", 59, [of("P1", DAY[:60])], known(DAY[:60])),
)
