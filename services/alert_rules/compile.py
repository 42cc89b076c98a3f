"""What rules become for the kernels: one instance per rule and object, programs, and cells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from compute.alert import Holds
from compute.condition import NO_PROGRAM, Conditions
from services.alert_rules.cells import Cell
from services.alert_rules.check import Fault, expressions_of, fault_of
from services.alert_rules.facts import Facts
from services.alert_rules.holding import Held, hold
from services.alert_rules.identity import fingerprint
from services.alert_rules.measures import ObjectKind
from services.alert_rules.model import Group, Rule
from services.alert_rules.placement import Placement
from services.alert_rules.program import Program
from services.plant.virtual import offsets_of


@dataclass(frozen=True, slots=True)
class StatedGroup:
    """A group of rules as it holds: the document and its revision."""

    group: Group
    revision: int


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule that has instances, and where it comes from."""

    group: str
    revision: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Instance:
    """A rule held against one object.

    Attributes
    ----------
    rule : CompiledRule
    labels : mapping of str to str
        `alertname`, `severity`, `tenant`, `group`, the rule's own, and what it is about: `site`,
        and the object as in node="kiln". Of a service: neither.
    fingerprint : int
        Of the labels.
    site : str
        Code; "" for a service.
    kind, object : str
        What it is about.
    unit : str
        Of the value and the limit, for people; "" for a plain number.
    headline : Cell
        The first value that the expression asks for: what an explanation is about.
    """

    rule: CompiledRule
    labels: Mapping[str, str]
    fingerprint: int
    site: str
    kind: ObjectKind
    object: str
    unit: str
    headline: Cell


@dataclass(frozen=True, slots=True)
class Unsound:
    """A stated rule that cannot be held against the plants as they are now, and why."""

    rule: CompiledRule
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """All rules of a tenant against its plants.

    Attributes
    ----------
    instances : tuple of Instance
        n, ordered by fingerprint, each of which is there once.
    cells : tuple of Cell
        c, each once: what is to be known. Values are passed in this order.
    conditions : Conditions
        Of the n instances over the c cells, for `compute.condition.evaluate`.
    holds : Holds
        (n,) for `compute.alert.step`.
    unsound : tuple of Unsound
        Rules without instances because a description changed: a node is gone, a unit is another.
    """

    instances: tuple[Instance, ...]
    cells: tuple[Cell, ...]
    conditions: Conditions
    holds: Holds
    unsound: tuple[Unsound, ...]


def compile_rules(groups: Iterable[StatedGroup], facts: Facts) -> CompiledRules:
    """Return the rules of a tenant as the kernels take them.

    Parameters
    ----------
    groups : iterable of StatedGroup
        Those that hold, as they were checked when they were kept.
    facts : Facts
        The plants of the tenant, as they are now.

    Returns
    -------
    compiled : CompiledRules
        Whatever the order of groups and rules, the same.
    """
    made = _Made()
    rules = [
        CompiledRule(stated.group.name, stated.revision, rule)
        for stated in groups
        for rule in stated.group.rules
    ]
    for rule in sorted(rules, key=lambda rule: (rule.group, rule.rule.alert)):
        held = hold(list(expressions_of(rule.rule).values()), facts, alert=rule.rule.alert)
        faults = tuple(fault_of(refused) for of_one in held.faults for refused in of_one)
        if faults:
            made.unsound.append(Unsound(rule, faults))
        else:
            made.add(rule, held, facts.tenant)
    return made.compiled()


def _labels(rule: CompiledRule, place: Placement, tenant: str) -> dict[str, str]:
    labels = {
        **rule.rule.labels,
        "alertname": rule.rule.alert,
        "severity": rule.rule.severity,
        "tenant": tenant,
        "group": rule.group,
    }
    if place.site:
        labels["site"] = place.site
    if place.object:
        labels[place.kind] = place.object
    return labels


class _Made:
    def __init__(self) -> None:
        self.cells: dict[Cell, int] = {}
        self.programs: dict[Program, int] = {}
        self.rows: dict[int, tuple[Instance, int, int, list[int]]] = {}
        self.unsound: list[Unsound] = []

    def add(self, rule: CompiledRule, held: Held, tenant: str) -> None:
        for place in held.placements:
            programs = held.programs[place.units]
            numbers = [self.programs.setdefault(one, len(self.programs)) for one in programs]
            labels = _labels(rule, place, tenant)
            instance = Instance(
                rule,
                labels,
                fingerprint(labels),
                place.site,
                place.kind,
                place.object,
                programs[0].unit,
                place.cells[0],
            )
            cells = [self.cells.setdefault(cell, len(self.cells)) for cell in place.cells]
            clear = numbers[1] if len(numbers) > 1 else NO_PROGRAM
            self.rows[instance.fingerprint] = (instance, numbers[0], clear, cells)

    def compiled(self) -> CompiledRules:
        rows = [self.rows[number] for number in sorted(self.rows)]
        rules = [row[0].rule.rule for row in rows]
        programs = list(self.programs)
        steps = [step for program in programs for step in program.steps]
        offset = offsets_of([program.steps for program in programs])
        return CompiledRules(
            instances=tuple(row[0] for row in rows),
            cells=tuple(self.cells),
            conditions=Conditions(
                offset=offset,
                operation=np.array([step[0] for step in steps], dtype=np.int32),
                slot=np.array([step[1] for step in steps], dtype=np.int32),
                constant=np.array([step[2] for step in steps], dtype=np.float64),
                told=np.array([program.told for program in programs], dtype=np.int32) + offset[:-1],
                told_reversed=np.array([program.told_reversed for program in programs], dtype=bool),
                told_scale=np.array([program.told_scale for program in programs], dtype=np.float64),
                met=np.array([row[1] for row in rows], dtype=np.int32),
                clear=np.array([row[2] for row in rows], dtype=np.int32),
                slot_offset=offsets_of([row[3] for row in rows]),
                slot_cell=np.array([cell for row in rows for cell in row[3]], dtype=np.int32),
            ),
            holds=Holds(
                np.array([rule.for_us for rule in rules], dtype=np.int64),
                np.array([rule.keep_firing_us for rule in rules], dtype=np.int64),
            ),
            unsound=tuple(self.unsound),
        )
