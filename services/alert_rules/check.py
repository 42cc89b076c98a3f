"""What is wrong with alert rules: as they are typed, and before they are kept."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from compute.units import UNITS
from services.alert_rules.completion import Completion, completions
from services.alert_rules.expression import CELL_FUNCTIONS
from services.alert_rules.facts import Facts
from services.alert_rules.holding import Held, hold
from services.alert_rules.identity import RESERVED_LABELS
from services.alert_rules.measures import NAMED_KINDS
from services.alert_rules.model import Group, Rule
from services.alert_rules.texts import DOCUMENT, EXPRESSION, expected_words
from services.alert_rules.wording import PLACEHOLDERS, places
from services.plant.arithmetic import FUNCTIONS, FormulaRefused
from services.plant.findings import Finding, Nearest, Place, finding, limited
from services.plant.read import Form, read_document


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an expression.

    Attributes
    ----------
    code : str
        Its name in `texts`, for programs.
    position, length : int
        Where it stands: the first character is 1; the end of the text is one beyond its last.
    found : str
        What stands there.
    expected : tuple of str
        What could have: signs and words as they are written, and kinds of words as <measure>.
    nearest : str or None
        What was probably meant.
    """

    code: str
    position: int
    length: int
    found: str
    expected: tuple[str, ...]
    nearest: str | None
    message_zh: str
    message_en: str
    remedy_zh: str
    remedy_en: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What there is to say of an expression while it is typed.

    Attributes
    ----------
    faults : tuple of Fault
        All of them, in the order of the text; without any, the expression can be kept.
    completions : tuple of Completion
        What fits where the cursor is.
    unit : str
        Of value and limit; "" for a plain number, and while there are faults.
    objects_count : int
        How many objects it is held against; 0 while there are faults.
    """

    faults: tuple[Fault, ...]
    completions: tuple[Completion, ...]
    unit: str
    objects_count: int


def check_text(expr: str, facts: Facts, *, alert: str = "", cursor: int | None = None) -> Checked:
    """Return everything there is to say of an expression.

    Parameters
    ----------
    expr : str
    facts : Facts
        The plants of the tenant.
    alert : str
        Name of the rule.
    cursor : int or None
        How many characters stand before the cursor; None: all.

    Returns
    -------
    checked : Checked
    """
    held = hold([expr], facts, alert=alert)
    faults = tuple(fault_of(refused) for refused in held.faults[0])
    offered = completions(expr if cursor is None else expr[:cursor], facts)
    if faults:
        return Checked(faults, offered, "", 0)
    return Checked(faults, offered, unit_of(held), len(held.placements))


def unit_of(held: Held) -> str:
    """Return the unit of value and limit; of several objects, that of the first."""
    return next((programs[0].unit for programs in held.programs.values() if programs), "")


def fault_of(refused: FormulaRefused) -> Fault:
    """Return what is said of a fault."""
    expected_zh, expected_en = expected_words(refused.expected)
    facts: dict[str, Any] = {
        "expected_zh": expected_zh,
        "expected_en": expected_en,
        **refused.facts,
    }
    text = EXPRESSION[refused.code]
    nearest = str(facts.pop("nearest", "")) or None
    found = str(facts.get("found", ""))
    if refused.code in _KNOWN:
        nearest = Nearest().of(found, _KNOWN[refused.code])
    position, length = (1, 0) if refused.at is None else (refused.at.position, refused.at.length)
    return Fault(
        code=refused.code,
        position=position,
        length=length,
        found=found,
        expected=tuple(sorted(refused.expected)),
        nearest=nearest,
        message_zh=text.message_zh.format(**facts),
        message_en=text.message_en.format(**facts),
        remedy_zh=text.remedy_zh.format(**facts),
        remedy_en=text.remedy_en.format(**facts),
    )


def read_group(content: bytes | str, facts: Facts, *, form: Form = "json") -> Group:
    """Return the group of rules that a document is.

    Parameters
    ----------
    content : bytes or str
        UTF-8 text of one document.
    facts : Facts
        The plants of the tenant.
    form : "yaml" or "json"

    Raises
    ------
    services.plant.findings.PlantInvalid
        With every finding: place, value, remedy, and the character of an expression.
    """
    return read_document(
        content, form=form, model=Group, check=lambda group: check_group(group, facts)
    )


def check_group(group: Group, facts: Facts) -> tuple[Finding, ...]:
    """Return everything that is wrong with a group whose shape is right."""
    found: list[Finding] = []
    names = Counter(rule.alert for rule in group.rules)
    for index, rule in enumerate(group.rules):
        place: Place = ("rules", index)
        if names[rule.alert] > 1:
            found.append(_said("duplicate_alert", (*place, "alert"), rule.alert))
        found.extend(_expression_findings(rule, facts, place))
        found.extend(_label_findings(rule, place))
        found.extend(_text_findings(rule, place))
    return limited(found)


# What a word can be that the grammar itself refuses.
_KNOWN: Mapping[str, Collection[str]] = {
    "formula_function": (*CELL_FUNCTIONS, *FUNCTIONS),
    "unknown_unit": UNITS,
}
_said = partial(finding, texts=DOCUMENT)


def expressions_of(rule: Rule) -> dict[str, str]:
    """Return the expressions of a rule by their keys."""
    texts = {"expr": rule.expr}
    if rule.resolve_when is not None:
        texts["resolve_when"] = rule.resolve_when
    return texts


def _expression_findings(rule: Rule, facts: Facts, place: Place) -> Iterator[Finding]:
    texts = expressions_of(rule)
    held = hold(list(texts.values()), facts, alert=rule.alert)
    for key, refusals in zip(texts, held.faults, strict=True):
        for refused in refusals:
            fault = fault_of(refused)
            yield _said(
                "expression",
                (*place, key),
                fault.found or texts[key],
                nearest=fault.nearest,
                position=fault.position,
                said_zh=fault.message_zh,
                said_en=fault.message_en,
                remedy_zh=fault.remedy_zh,
                remedy_en=fault.remedy_en,
            )


def _label_findings(rule: Rule, place: Place) -> Iterator[Finding]:
    for name, value in rule.labels.items():
        if name in RESERVED_LABELS or name in NAMED_KINDS:
            yield _said("label_reserved", (*place, "labels", name), value, name=name)


def _text_findings(rule: Rule, place: Place) -> Iterator[Finding]:
    known: Sequence[str] = (*PLACEHOLDERS, *NAMED_KINDS, *rule.labels)
    nearest = Nearest()
    for key in ("summary", "description"):
        wording = getattr(rule.annotations, key)
        for language in ("zh", "en") if wording is not None else ():
            for name in places(getattr(wording, language)):
                if name not in known:
                    yield _said(
                        "placeholder",
                        (*place, "annotations", key, language),
                        name,
                        nearest=nearest.of(name, known),
                        name=name,
                        known=", ".join(known),
                    )
