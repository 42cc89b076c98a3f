"""What virtual meters say of points and of each other."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

from compute.units import UNITS, unit
from services.plant.amounts import is_rate, is_unit
from services.plant.arithmetic import FUNCTIONS, FormulaRefused
from services.plant.compile import points_of
from services.plant.findings import Finding, Nearest, Place, finding
from services.plant.formula import parse_formula, references
from services.plant.model import Plant
from services.plant.virtual import cycles

_CYCLE_SHOWN_MAX = 20
_CYCLE_COUNT_MAX = 20  # each is looked for anew: the rest is found when these are mended


def virtual_findings(plant: Plant, also_known: Mapping[str, AbstractSet[str]]) -> Iterator[Finding]:
    """Yield the findings about virtual meters."""
    points = {point.code for _, point in points_of(plant)}
    row = {meter.code: i for i, meter in reversed(list(enumerate(plant.virtual_meters)))}
    known = points | row.keys()
    known_elsewhere = also_known.get("points", set()) | also_known.get("virtual_meters", set())
    nearest = Nearest()
    named: list[list[int]] = []
    for i, meter in enumerate(plant.virtual_meters):
        place: Place = ("virtual_meters", i)
        if meter.code in points:
            yield finding("virtual_is_point", (*place, "code"), meter.code)
        yield from _unit_findings(place, meter.unit, nearest)
        codes: Sequence[str] = ()
        try:
            codes = references(parse_formula(meter.formula))
        except FormulaRefused as refused:
            yield _refused((*place, "formula"), refused, nearest)
        else:
            if not codes:
                yield finding("formula_constant", (*place, "formula"), meter.formula)
        for code in codes:
            if code not in known and code not in known_elsewhere:
                near = nearest.of(code, known)
                yield finding("unknown_operand", (*place, "formula"), code, nearest=near)
        named.append([row[code] for code in codes if code in row and code not in points])
    for cycle in islice(cycles(named), _CYCLE_COUNT_MAX):
        shown = [plant.virtual_meters[i].code for i in cycle]
        if len(shown) > _CYCLE_SHOWN_MAX:
            shown = [*shown[: _CYCLE_SHOWN_MAX - 2], "…", shown[-1]]
        meter = plant.virtual_meters[cycle[0]]
        place = ("virtual_meters", cycle[0], "formula")
        yield finding("formula_cycle", place, meter.formula, cycle=" → ".join(shown))


def _unit_findings(place: Place, symbol: str, nearest: Nearest) -> Iterator[Finding]:
    if not is_unit(symbol):
        yield finding("unknown_unit", (*place, "unit"), symbol, nearest=nearest.of(symbol, UNITS))
    elif is_rate(symbol):
        yield finding("rate_refused", (*place, "unit"), symbol, unit=unit(symbol).symbol)


def _refused(place: Place, refused: FormulaRefused, nearest: Nearest) -> Finding:
    found = refused.facts.get("found")
    near = nearest.of(found, FUNCTIONS) if refused.code == "formula_function" else None
    facts: dict[str, Any] = dict(refused.facts)
    return finding(refused.code, place, found, nearest=near, **facts)
