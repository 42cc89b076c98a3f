"""The expressions of a rule held against the plants of a tenant: programs, objects, faults."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from services.alert_rules.binding import Bound, bind
from services.alert_rules.expression import Parsed, parse_expression
from services.alert_rules.facts import Facts
from services.alert_rules.placement import Placement, placements_of
from services.alert_rules.program import Program, program_of
from services.alert_rules.quantity_units import Measured, measured_or_own
from services.plant.arithmetic import FormulaRefused, Token

# A rule of more instances was not meant so, or should be several.
INSTANCE_COUNT_MAX = 10_000

# Symbols; None where it is not known without an object.
Units = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """The expressions of one rule against the plants.

    Attributes
    ----------
    parsed : tuple of Parsed
        One for each expression.
    faults : tuple of list of FormulaRefused
        Likewise, in the order of the text. Where there are any, nothing may be run.
    placements : tuple of Placement
        With the cells of all expressions, one after the other.
    programs : mapping of units to tuple of Program
        One for each expression, by the units of a placement. A LOAD has the number of the cell in
        the placement.
    """

    parsed: tuple[Parsed, ...]
    faults: tuple[list[FormulaRefused], ...]
    placements: tuple[Placement, ...]
    programs: Mapping[Units, tuple[Program, ...]]


def hold(texts: Sequence[str], facts: Facts, *, alert: str = "") -> Held:
    """Return what the expressions of a rule are against the plants of a tenant.

    Parameters
    ----------
    texts : sequence of str
        The condition, and what resolves if the rule says so.
    facts : Facts
    alert : str
        Name of the rule.
    """
    parsed = tuple(parse_expression(text) for text in texts)
    faults: tuple[list[FormulaRefused], ...] = tuple(list(one.faults) for one in parsed)
    ends = list(accumulate(len(one.selectors) for one in parsed))
    bound, wrong = bind([item for one in parsed for item in one.selectors], facts, alert=alert)
    for index, fault in wrong:
        faults[sum(index >= end for end in ends)].append(fault)
    sound = [item for item in bound if item is not None]
    placements: tuple[Placement, ...] = ()
    if len(sound) == len(bound) and not wrong:
        placements = tuple(_limited(placements_of(sound, facts), faults[0]))
    programs: dict[Units, tuple[Program, ...]] = {}
    for units in dict.fromkeys(place.units for place in placements) or [plain_units(bound)]:
        programs[units] = tuple(_programs(parsed, units, faults))
    for of_one in faults:
        of_one.sort(key=lambda fault: fault.at.position if fault.at is not None else 0)
    return Held(parsed, faults, placements, programs)


def _limited(placements: Iterator[Placement], faults: list[FormulaRefused]) -> Iterator[Placement]:
    for count, placement in enumerate(placements):
        if count == INSTANCE_COUNT_MAX:
            faults.append(FormulaRefused("too_many", Token("", "", 1, 0), limit=INSTANCE_COUNT_MAX))
            return
        yield placement


def plain_units(bound: Sequence[Bound | None]) -> Units:
    """Return the units of selectors that are known without an object."""
    return tuple(
        None if item is None or "{}" in item.measure.unit else item.measure.unit for item in bound
    )


def known_units(units: Units) -> list[Measured | None]:
    """Return what symbols stand for."""
    return [None if symbol is None else measured_or_own(symbol) for symbol in units]


def _programs(
    parsed: Sequence[Parsed], units: Units, faults: Sequence[list[FormulaRefused]]
) -> Iterator[Program]:
    known = known_units(units)
    start = 0
    for one, found in zip(parsed, faults, strict=True):
        end = start + len(one.selectors)
        if one.instructions:
            program, wrong = program_of(one.instructions, known[start:end], first_slot=start)
            said = {(fault.code, fault.at) for fault in found}
            found.extend(fault for fault in wrong if (fault.code, fault.at) not in said)
            yield program
        start = end
