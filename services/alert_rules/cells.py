"""A value that some rule asks for."""

from typing import NamedTuple

from services.alert_rules.measures import FunctionName, ObjectKind, PeriodName


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
