"""What a selector means: its measure, the kind of object, the period; and what is wrong with it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.alert_rules.expression import Label, Selector
from services.alert_rules.facts import Facts, SiteFacts, Thing
from services.alert_rules.measures import (
    BUDGET_KINDS,
    BY_NAME,
    NAMED_KINDS,
    Measure,
    ObjectKind,
    PeriodName,
)
from services.plant.amounts import carriers
from services.plant.arithmetic import FormulaRefused, Token
from services.plant.findings import Nearest

_NO_OBJECT: tuple[ObjectKind, ...] = ("site", "service")


@dataclass(frozen=True, slots=True)
class Bound:
    """A selector without faults of its own.

    Attributes
    ----------
    selector : Selector
    measure : Measure
    kind : str
        Of the objects it is about.
    period : str
    of, site, carrier : Label or None
        What it says of the object, the site and the carrier.
    """

    selector: Selector
    measure: Measure
    kind: ObjectKind
    period: PeriodName
    of: Label | None
    site: Label | None
    carrier: Label | None

    @property
    def is_fixed(self) -> bool:
        """Whether it is about one object of a site."""
        return self.kind in _NO_OBJECT or (self.of is not None and self.of.operator == "=")

    @property
    def node_carrier(self) -> str:
        """The carrier whose share of a node is meant; "" for all."""
        if self.kind != "node" or self.carrier is None:
            return ""
        return self.carrier.codes[0]

    def sites(self, facts: Facts) -> list[SiteFacts]:
        """Return the sites it is about."""
        return [site for site in facts.sites.values() if _fits(self.site, site.code)]

    def things(self, site: SiteFacts) -> dict[str, Thing]:
        """Return the objects of a site that it is about."""
        if self.kind == "service":
            return {"": Thing("", "", "")}
        is_filtered = self.kind == "flow"
        return {
            code: thing
            for code, thing in site.things[self.kind].items()
            if _fits(self.of, code) and not (is_filtered and not _fits(self.carrier, thing.carrier))
        }


def _fits(label: Label | None, code: str) -> bool:
    if label is None or not label.operator:
        return True
    return (code in label.codes) != (label.operator == "!=")


def bind(
    selectors: Sequence[Selector], facts: Facts, *, alert: str = ""
) -> tuple[list[Bound | None], list[tuple[int, FormulaRefused]]]:
    """Return what selectors mean, None for one that has a fault; and faults with their selector.

    Parameters
    ----------
    selectors : sequence of Selector
    facts : Facts
    alert : str
        Name of the rule, which cannot ask for itself.
    """
    nearest = Nearest()
    bound: list[Bound | None] = []
    faults: list[tuple[int, FormulaRefused]] = []
    for index, selector in enumerate(selectors):
        measure = BY_NAME.get(selector.measure.text)
        found: Bound | None = None
        if measure is None:
            wrong = [_unknown_measure(selector.measure, alert, nearest)]
        else:
            found, wrong = _bound(selector, measure)
            wrong.extend(_unknown_codes(found, facts, nearest))
        bound.append(None if wrong else found)
        faults.extend((index, fault) for fault in wrong)
    ranging = [
        (index, item) for index, item in enumerate(bound) if item is not None and not item.is_fixed
    ]
    for index, item in ranging:
        first = ranging[0][1]
        if item.kind != first.kind:
            facts_said = {"kind": item.kind, "other": first.selector.measure.text}
            at = item.selector.measure
            refused = _refused("objects_unlike", at, other_kind=first.kind, **facts_said)
            faults.append((index, refused))
    return bound, faults


def _refused(code: str, at: Token, **facts: str | int) -> FormulaRefused:
    return FormulaRefused(code, at, **{"found": at.text[:40], **facts})


def _unknown_measure(at: Token, alert: str, nearest: Nearest) -> FormulaRefused:
    if at.text == alert:
        return _refused("asks_for_itself", at)
    return _refused("unknown_measure", at, nearest=nearest.of(at.text, BY_NAME) or "")


def labels_of(measure: Measure) -> tuple[str, ...]:
    """Return the labels that a selector of a measure can name."""
    of_objects = [kind for kind in measure.kinds if kind in NAMED_KINDS]
    site = [] if measure.kinds == ("service",) else ["site"]
    carrier = ["carrier"] if measure.takes_carrier or "flow" in measure.kinds else []
    return (*of_objects, *site, *carrier)


def _bound(selector: Selector, measure: Measure) -> tuple[Bound, list[FormulaRefused]]:
    faults: list[FormulaRefused] = []
    labels: dict[str, Label] = {}
    for label in selector.labels:
        if label.name.text not in labels_of(measure):
            near = Nearest().of(label.name.text, labels_of(measure)) or ""
            known = ", ".join(labels_of(measure)) or "-"
            faults.append(_refused("label_unfit", label.name, known=known, nearest=near))
        elif label.name.text in labels:
            faults.append(_refused("label_twice", label.name))
        else:
            labels[label.name.text] = label
    named = [kind for kind in measure.kinds if kind in labels and kind in NAMED_KINDS]
    if len(named) > 1:
        faults.append(_refused("label_of_another_kind", labels[named[1]].name, other=named[0]))
    kind = named[0] if named else measure.kinds[0]
    carrier = labels.get("carrier")
    if carrier is not None:
        faults.extend(_carrier_faults(carrier, measure, kind))
    period = _period(selector, measure, faults)
    function = selector.function
    if function == "budget" and (kind not in BUDGET_KINDS or carrier is not None):
        faults.append(_refused("budget_of_boundary", selector.measure))
    of = labels.get(kind) if kind in NAMED_KINDS else None
    return Bound(selector, measure, kind, period, of, labels.get("site"), carrier), faults


def _carrier_faults(carrier: Label, measure: Measure, kind: ObjectKind) -> Iterator[FormulaRefused]:
    if kind not in {"node", "flow"} or (kind == "node" and not measure.takes_carrier):
        yield _refused("carrier_unfit", carrier.name)
    elif kind == "node" and carrier.operator != "=":
        yield _refused("carrier_of_node", carrier.name)
    for token in carrier.texts:
        if token.text not in carriers():
            near = Nearest().of(token.text, carriers()) or ""
            yield _refused("unknown_code", token, kind="carrier", nearest=near)


def _period(selector: Selector, measure: Measure, faults: list[FormulaRefused]) -> PeriodName:
    periods = measure.over(selector.function)
    at = selector.period or selector.measure
    if not periods:
        can = ", ".join(name for name in ("forecast", "previous", "budget") if measure.over(name))
        faults.append(
            _refused("function_unfit", selector.measure, function=selector.function, can=can or "-")
        )
        return measure.periods[0]
    if selector.period is None:
        return periods[0]
    for period in periods:
        if period == at.text:
            return period
    near = Nearest().of(at.text, periods) or ""
    faults.append(_refused("period_unfit", at, known=", ".join(periods), nearest=near))
    return periods[0]


def _unknown_codes(bound: Bound, facts: Facts, nearest: Nearest) -> Iterator[FormulaRefused]:
    """Yield what a selector names and no site of the tenant has."""
    if bound.site is not None:
        yield from _missing(bound.site, "site", facts.sites, nearest)
    if bound.of is not None:
        # Of a site that is not there it cannot be said what it lacks.
        sites = bound.sites(facts) or facts.sites.values()
        known = [code for site in sites for code in site.things[bound.kind]]
        yield from _missing(bound.of, bound.kind, known, nearest)


def _missing(
    label: Label, kind: str, known: Iterable[str], nearest: Nearest
) -> Iterator[FormulaRefused]:
    codes = set(known)
    for token in label.texts:
        if token.text not in codes:
            near = nearest.of(token.text, codes) or ""
            yield _refused("unknown_code", token, kind=kind, nearest=near)
