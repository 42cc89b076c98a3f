"""What can be typed next in a condition."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from compute.topology import Operation
from compute.units import UNITS
from services.alert_rules.binding import bind, labels_of
from services.alert_rules.expression import CELL_FUNCTIONS, UNREAD, Parsed, parse_expression
from services.alert_rules.facts import Facts
from services.alert_rules.holding import known_units, plain_units
from services.alert_rules.measures import BY_NAME, MEASURES, Measure
from services.alert_rules.program import program_of
from services.plant.amounts import carriers
from services.plant.arithmetic import FUNCTIONS, plainly

Offer = tuple[str, str, str]

COMPLETION_COUNT_MAX = 200
_WORD = re.compile(r"[^\W\d]\w*\Z")
_FUNCTIONS = {
    "forecast": ("预测到期末", "Forecast of the end of the period"),
    "previous": ("上一个同类周期", "The whole period before"),
    "budget": ("预算", "Budget"),
    "if": ("如果", "If"),
    "min": ("最小", "Least"),
    "max": ("最大", "Greatest"),
    "abs": ("绝对值", "Absolute value"),
    "first_known": ("第一个已知的", "The first that is known"),
}
_PERIODS = {
    "live": ("最近一分钟", "The last minute"),
    "interval": ("正在进行的基本周期", "The open base interval"),
    "hour": ("本小时至今", "The hour so far"),
    "day": ("今日至今", "The day so far"),
    "month": ("本月至今", "The month so far"),
    "year": ("本年至今", "The year so far"),
}
_LABELS = {
    "site": ("厂区", "Site"),
    "node": ("节点", "Node"),
    "flow": ("能流", "Flow"),
    "product": ("产品", "Product"),
    "point": ("测点", "Point"),
    "meter": ("计量器具", "Meter"),
    "unit": ("对标单元", "Unit to benchmark"),
    "gateway": ("网关", "Gateway"),
    "carrier": ("能源品种", "Carrier"),
}
_SIGNS = ("{", "[", "<", "<=", ">", ">=", "==", "!=", "=", "}", "]", ")", ",")
_WORDS = {
    "and": ("并且", "Both hold"),
    "or": ("或者", "One holds"),
    "not": ("不", "Does not hold"),
    "in": ("之一", "One of"),
}


@dataclass(frozen=True, slots=True)
class Completion:
    """A text that fits at a place, and what it replaces: `length` characters from `position`."""

    text: str
    zh: str
    en: str
    position: int
    length: int


def completions(text: str, facts: Facts) -> tuple[Completion, ...]:
    """Return what fits at the end of a text, and begins as what is being typed there."""
    plain = plainly(text)
    # What is being typed: a text whose quote is open, or a word.
    match = _WORD.search(plain)
    start = len(plain) if match is None else match.start()
    if plain.count('"') % 2:
        start = plain.rindex('"')
    part = plain[start:].casefold()
    parsed = parse_expression(plain[:start])
    found = []
    seen = set()
    for offered, zh, en in (*_offered(parsed, facts), *_units(parsed, facts)):
        if offered.casefold().startswith(part) and offered not in seen:
            seen.add(offered)
            found.append(Completion(offered, zh, en, start + 1, len(plain) - start))
    return tuple(found[:COMPLETION_COUNT_MAX])


def _offered(parsed: Parsed, facts: Facts) -> Iterator[Offer]:
    expected, context = parsed.expected, parsed.context
    measure = BY_NAME.get(context[0]) if context else None
    if measure is not None:
        yield from _of_selector(expected, measure, context[-1], facts)
    if "<measure>" in expected:
        yield from ((item.name, _named(item, item.zh), _named(item, item.en)) for item in MEASURES)
    if "<function>" in expected:
        yield from ((name, *_FUNCTIONS[name]) for name in (*CELL_FUNCTIONS, *FUNCTIONS))
    yield from ((word, *named) for word, named in _WORDS.items() if word in expected)
    yield from ((sign, sign, sign) for sign in _SIGNS if sign in expected)


def _units(parsed: Parsed, facts: Facts) -> Iterator[Offer]:
    """Yield the units that the number at the end can have, beside what it is compared with."""
    if "<unit>" not in parsed.expected:
        return
    steps = list(parsed.instructions)
    numbers = [i for i, step in enumerate(steps) if step.operation is Operation.CONSTANT]
    bound, _ = bind(parsed.selectors, facts)
    units = known_units(plain_units(bound))
    for symbol in UNITS:
        if symbol[0].isalpha() or symbol[0] in "%‰":
            if numbers and steps[numbers[-1]].unit != UNREAD:
                steps[numbers[-1]] = replace(steps[numbers[-1]], unit=symbol)
                _, faults = program_of(steps, units)
                if any(fault.code == "units_unlike" for fault in faults):
                    continue
            yield symbol, symbol, symbol


def _of_selector(
    expected: frozenset[str], measure: Measure, label: str, facts: Facts
) -> Iterator[Offer]:
    if "<text>" in expected:
        yield from _codes(label, facts)
    if "<label>" in expected:
        yield from ((name, *_LABELS[name]) for name in labels_of(measure))
    if "<period>" in expected:
        yield from ((period, *_PERIODS[period]) for period in measure.periods)


def _named(measure: Measure, name: str) -> str:
    unit = measure.unit.replace("{}", "…")
    return name if unit == "1" else f"{name} [{unit}]"


def _codes(label: str, facts: Facts) -> Iterator[tuple[str, str, str]]:
    if label == "carrier":
        yield from (
            (f'"{code}"', carrier.name_zh, carrier.name_en) for code, carrier in carriers().items()
        )
    for site in facts.sites.values():
        if label == "site":
            name = site.things["site"][""]
            yield f'"{site.code}"', name.zh, name.en
        for kind, things in site.things.items():
            if kind == label and kind != "site":
                yield from ((f'"{code}"', thing.zh, thing.en) for code, thing in things.items())
