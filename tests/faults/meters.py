"""Meters of 60 kWh/h, what goes wrong with each, and what it truly passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from compute.quality import flag_names
from compute.settle import SeriesKey
from tests.faults.oracle import Known, Truth
from tests.migrated import SmallPlant

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

FLOW = SeriesKey("flow", "to-hall", "electricity")

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
    shares
        By point: how it counts in the flow.
    rate_kwh_per_minute
        The most that truly passed.
    """

    name: str
    booked_kwh: int | Decimal
    arrivals: Sequence[Sequence[tuple[str, datetime, Decimal]]]
    truth: Mapping[str, Truth]
    flags: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    points: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"P1": SIX_DIGITS})
    shares: Mapping[str, int] = field(default_factory=dict)
    rate_kwh_per_minute: int = 1

    def share(self, code: str) -> int:
        """Return how a point counts in the flow."""
        return self.shares.get(code, 1)


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


def _lived(*life: Mapping[str, Any], **more: Any) -> Mapping[str, Mapping[str, Any]]:
    """Return the one point P1 with the changes of its life."""
    return {"P1": {**SIX_DIGITS, "life": list(life), **more}}


NOON = START + 12 * HOUR
HALF_MINUTE = MINUTE / 2


def _scaled(run: Sequence[Reading], by: int, *, after: Decimal = Decimal(0)) -> list[Known]:
    """Return what passed since the first reading of a run, times a multiplier, after the rest."""
    return [(at, after + (value - run[0][1]) * by) for at, value in run]


def _transformer_replaced(reading: int | None) -> Fault:
    """Return a day with CT 1 until half a minute past noon and CT 2 from then on."""
    at = NOON + HALF_MINUTE
    level = Decimal("5720.5")
    old = [*minutes(0, 721, at=5000), (at, level)]
    new = [(at, level), *minutes(721, 1440, at=5721)]
    passed = _scaled(old, 1)
    change = {"from": at.isoformat(), "multiplier": 2}
    stated = {} if reading is None else {"last_reading": reading / 10}
    return Fault(
        "the CT replaced at noon" + (", the register read then" if stated else ", nobody read it"),
        # 720.5 kWh by the old ratio, and 718.5 rises of 2 kWh by the new one.
        Decimal("2157.5"),
        [of("P1", DAY)],
        known([*passed, *_scaled(new, 2, after=passed[-1][1])[1:]]),
        {} if stated else {"P1": {"split": [48]}},
        _lived({**change, **stated}),
        rate_kwh_per_minute=2,
    )


def _transformer_replaced_on_a_reading() -> Fault:
    old, new = minutes(0, 721, at=5000), minutes(720, 1440, at=5720)
    passed = _scaled(old, 1)
    return Fault(
        "the CT replaced at the instant of a reading",
        720 + 2 * 719,
        [of("P1", DAY)],
        known([*passed, *_scaled(new, 2, after=passed[-1][1])[1:]]),
        points=_lived({"from": NOON.isoformat(), "multiplier": 2}),
        rate_kwh_per_minute=2,
    )


def _digits_changed() -> Fault:
    """Return a register of 4 digits that wraps, and at noon a display of 5 that wraps as well."""
    true = minutes(0, 1440, at=9_700)
    at = NOON - HALF_MINUTE
    # 420 on the old display is 99,580 on the new one.
    shown = [(t, v % 10_000 if t < NOON else (v + 89_160) % 100_000) for t, v in true]
    return Fault(
        "another display at noon, of 5 digits instead of 4; both wrap",
        1439,
        [of("P1", shown)],
        known(true),
        {"P1": {"rollover": [19, 75]}},
        _lived(
            {
                "from": at.isoformat(),
                "digits": {"integer": 5, "decimal": 0},
                "last_reading": 419.5,
                "first_reading": 99_579.5,
            },
            digits={"integer": 4, "decimal": 1},
            rate_max_per_hour=100,
        ),
    )


def _exchanged_within_a_point() -> Fault:
    """Return a meter of ratio 1 up to 5720.5, and another of ratio 2 from 50000.5 on."""
    at = NOON + HALF_MINUTE
    old = [*minutes(0, 721, at=5000), (at, Decimal("5720.5"))]
    new = [(at, Decimal("50000.5")), *minutes(721, 1440, at=50_001)]
    passed = _scaled(old, 1)
    shown = [*minutes(0, 721, at=5000), *minutes(721, 1440, at=50_001)]
    return Fault(
        "a used meter that shows 50,000.5, its last and first levels written down",
        # As above.
        Decimal("2157.5"),
        [of("P1", shown)],
        known([*passed, *_scaled(new, 2, after=passed[-1][1])[1:]]),
        points=_lived(
            {
                "from": at.isoformat(),
                "last_reading": 5720.5,
                "first_reading": 50_000.5,
                "multiplier": 2,
                "serial_number": "B",
            }
        ),
        rate_kwh_per_minute=2,
    )


def _exchanged_without_its_last_level() -> Fault:
    old, new = minutes(0, 661, at=1000), minutes(720, 1440, at=50_000)
    return Fault(
        "a used meter that shows 50,000, the last level of the old one unread; 23 h run",
        1379,
        [of("P1", [*old, *new])],
        known(old, new),
        {"P1": {"missing": [44, 45, 46, 47]}},
        _lived({"from": NOON.isoformat(), "first_reading": 50_000}),
    )


def _retired() -> Fault:
    """Return a meter that was taken out at noon, while its gateway sent on until 13:00."""
    run = [*minutes(0, 715, at=5000), (NOON, Decimal(5720))]
    late = minutes(720, 780, at=5720)
    return Fault(
        "retired at noon, its last level written down; the gateway sends on",
        720,
        [of("P1", [*minutes(0, 715, at=5000), *late])],
        known(run),
        points=_lived({"from": NOON.isoformat(), "retired": True, "last_reading": 5720}),
    )


def _import_and_export() -> Fault:
    """Return one meter with a register each way: 1,439 kWh came in, 359 of 6 h went out."""
    given = minutes(0, 361, at=70)
    back = [*given, *[(START + m * MINUTE, Decimal(430)) for m in range(361, 1440)]]
    return Fault(
        "a register of import and one of export, of one meter",
        1439 - 360,
        [[*of("P1", DAY), *of("P2", back)]],
        {"P1": Truth([DAY]), "P2": Truth([back])},
        points={"P1": SIX_DIGITS, "P2": SIX_DIGITS},
        shares={"P2": -1},
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
    _transformer_replaced(None),
    _transformer_replaced(57_205),
    _transformer_replaced_on_a_reading(),
    _digits_changed(),
    _exchanged_within_a_point(),
    _exchanged_without_its_last_level(),
    _retired(),
    _import_and_export(),
    Fault("the first hour of a new meter", 59, [of("P1", DAY[:60])], known(DAY[:60])),
)


def described(fault: Fault, **more: Any) -> SmallPlant:
    """Return a plant in which the points of a fault measure one flow, one after the other."""
    points = [{"code": code, **point} for code, point in fault.points.items()]
    flow = {
        "code": FLOW.code,
        "from": "grid",
        "to": "hall",
        "carrier": "electricity",
        "metered_by": [{"point": code, "share": fault.share(code)} for code in fault.points],
    }
    return SmallPlant(points=points, more={"flows": [flow]}, **more)


def flags_between_readings(
    fault: Fault, code: str, quality: Mapping[datetime, int]
) -> dict[str, list[int]]:
    """Return which quarters show which bits, up to the last that is known of the point."""
    instants = [at for commit in fault.arrivals for name, at, _ in commit if name == code]
    last = fault.truth[code].runs[-1][-1][0]
    shown: dict[str, list[int]] = {}
    for at, mask in sorted(quality.items()):
        if min(instants) <= at and at + QUARTER <= last:
            for name in flag_names(mask):
                shown.setdefault(name, []).append((at - START) // QUARTER)
    return shown
