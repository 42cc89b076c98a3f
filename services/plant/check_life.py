"""What the dated rows in the lives of points and meters say of each other."""

from collections.abc import Iterator
from itertools import pairwise

from services.plant.findings import Finding, Place, finding
from services.plant.life import Held, held
from services.plant.metering import Change, Meter, Point

_OF_REGISTERS = ("digits", "rate_max_per_hour", "last_reading", "first_reading")
_NOTHING_AFTER = ("multiplier", "digits", "rate_max_per_hour", "first_reading", "serial_number")
_SAYS = (*_OF_REGISTERS, "multiplier", "serial_number")


def life_findings(place: Place, point: Point) -> Iterator[Finding]:
    """Yield what is wrong with the life of a point."""
    for row, change in enumerate(point.life):
        yield from _row_findings((*place, "life", row), point, change)
    for row, (earlier, later) in enumerate(pairwise(point.life), start=1):
        at: Place = (*place, "life", row, "from")
        other = earlier.valid_from.isoformat()
        if later.valid_from == earlier.valid_from:
            yield finding("life_same_instant", at, other, point=point.code)
        elif later.valid_from < earlier.valid_from:
            yield finding("life_order", at, later.valid_from.isoformat(), other=other)
        if earlier.retired:
            yield finding("life_after_end", at, later.valid_from.isoformat(), end=other)
    if len({change.valid_from for change in point.life}) == len(point.life):
        yield from _level_findings(place, point)


def _row_findings(place: Place, point: Point, change: Change) -> Iterator[Finding]:
    at = change.valid_from.isoformat()
    given = [name for name in _SAYS if getattr(change, name) is not None]
    if not given and not change.retired:
        yield finding("life_empty", place, at)
    if point.valid_from is not None and change.valid_from <= point.valid_from:
        start = point.valid_from.isoformat()
        yield finding("life_before_start", (*place, "from"), at, start=start)
    if point.valid_to is not None and change.valid_from >= point.valid_to:
        end = point.valid_to.isoformat()
        # Retired when its validity ends: the same thing said twice.
        if not (change.retired and change.valid_from == point.valid_to):
            yield finding("life_after_end", (*place, "from"), at, end=end)
    for name in _OF_REGISTERS:
        value = getattr(change, name)
        if value is not None and point.kind != "register":
            yield finding("not_of_kind", (*place, name), value, kind=point.kind)
    if change.retired:
        for name in _NOTHING_AFTER:
            if name in given:
                yield finding("life_retired_more", (*place, name), getattr(change, name))


def _level_findings(place: Place, point: Point) -> Iterator[Finding]:
    """Yield stated readings that the digits cannot show, or that a register cannot have passed."""
    rows = held(point)
    if point.kind != "register":
        return
    numbers = {change.valid_from: row for row, change in enumerate(point.life)}
    level: float | None = None
    for before, after in pairwise(rows):
        if after.at not in numbers:
            continue
        at: Place = (*place, "life", numbers[after.at])
        stated: tuple[tuple[str, float | None, Held], ...] = (
            ("last_reading", after.last_raw, before),
            ("first_reading", None if after.goes_on else after.first_raw, after),
        )
        for name, value, holding in stated:
            if value is not None and not fits(value, holding):
                digits = 0 if holding.digits is None else holding.digits.integer
                yield finding("life_digits", (*at, name), value, digits=digits)
        if (
            level is not None
            and after.last_raw is not None
            and falls(level, after.last_raw, before)
        ):
            yield finding("life_falls", (*at, "last_reading"), after.last_raw, level=level)
        level = after.first_raw if after.first_raw is not None else level if after.goes_on else None


def fits(value: float, holding: Held) -> bool:
    """Return whether a register of these digits can show a value."""
    return holding.digits is None or 0.0 <= value < 10.0**holding.digits.integer


def falls(a: float, b: float, holding: Held) -> bool:
    """Return whether a register that went from a to b went backwards.

    One that passes its last digit may show less, but has not passed more than half of them.
    """
    if b >= a:
        return False
    if holding.digits is None:
        return True
    jitter = 10.0**-holding.digits.decimal
    return (
        a - b > jitter and 10.0**holding.digits.integer - a + b > 0.5 * 10.0**holding.digits.integer
    )


def calibration_findings(place: Place, meter: Meter) -> Iterator[Finding]:
    """Yield calibrations that end before they were made."""
    for row, calibration in enumerate(meter.calibrations):
        if calibration.due < calibration.calibrated_on:
            yield finding(
                "calibration_order",
                (*place, "calibrations", row, "due"),
                calibration.due.isoformat(),
                start=calibration.calibrated_on.isoformat(),
            )
