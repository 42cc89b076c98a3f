"""What rules become for the kernels: one instance per rule and object, programs, and cells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from compute.alert import Holds
from compute.condition import Conditions
from services.alert_rules.measures import FunctionName, ObjectKind, PeriodName
from services.alert_rules.model import Group, Rule


class Cell(NamedTuple):
    """A value that some rule asks for: one float64, NaN where it is not known.

    Attributes
    ----------
    site : str
        Code of the site; "" for a service, which is of no site.
    measure : str
        Name in `measures`.
    kind : str
        Kind of the object.
    object : str
        Its code; "" for a site or a service.
    carrier : str
        Of a node: the carrier whose share is meant; "" for all.
    period : str
        `live`, or the period that is open now.
    function : str
        `value`; `forecast`; `previous`: of the whole period before; `budget`. The value is always
        in the measure's unit (that of the object where the measure has none of its own).
    """

    site: str
    measure: str
    kind: ObjectKind
    object: str
    carrier: str
    period: PeriodName
    function: FunctionName


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
        `alertname`, `severity`, `tenant`, the rule's own, and what it is about: `site`, and the
        object as in node="kiln". Of a service: neither.
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
    """

    instances: tuple[Instance, ...]
    cells: tuple[Cell, ...]
    conditions: Conditions
    holds: Holds
