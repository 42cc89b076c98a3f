"""What a factor is, what people may say about one, and the faults of looking one up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from compute.errors import NengtanError
from compute.quantities import hint

# verified: seen in a public source. computed: arithmetic from other figures. definition: holds by
# convention. recalled: not seen, so inactive until confirmed. own: stated by the tenant.
Confidence = Literal["verified", "computed", "definition", "recalled", "own"]


@dataclass(frozen=True, slots=True)
class Factor:
    """One figure with everything needed to judge it.

    Attributes
    ----------
    id : str
        `carrier.parameter@edition`, with `:region` where there is one. Stable: results keep it.
    carrier, parameter : str
    value : float
    unit : str
    region : str or None
        Code of GB/T 2260, of a grid region, or CN; None where it holds everywhere.
    valid_from, valid_to : date or None
        Half-open; None is unbounded.
    edition : str
        Short name of the document, part of the id.
    rule_set : str
        `default`, or the name of rules that ask for this figure in its place.
    source, clause : str
        Document and place in it.
    confidence : str
    basis : str
        State that the figure is of: `as_received` for solids, temperature and pressure for gases.
    seen_in, note : str
    active : bool
        Whether it may be used.
    inactive_reason : str
        "" where active.
    confirmed_by : str
        Who confirmed or stated it; "" where nobody had to.
    """

    id: str
    carrier: str
    parameter: str
    value: float
    unit: str
    region: str | None
    valid_from: date | None
    valid_to: date | None
    edition: str
    rule_set: str
    source: str
    clause: str
    confidence: Confidence
    basis: str = ""
    seen_in: str = ""
    note: str = ""
    active: bool = True
    inactive_reason: str = ""
    confirmed_by: str = ""

    def holds_at(self, at: date) -> bool:
        """Return whether the validity contains a date."""
        begun = self.valid_from is None or self.valid_from <= at
        return begun and (self.valid_to is None or at < self.valid_to)

    def overlaps(self, other: "Factor") -> bool:
        """Return whether some date is in both validities."""
        return _before(self.valid_from, other.valid_to) and _before(other.valid_from, self.valid_to)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person's word that a recalled figure was compared with the document in its source."""

    factor_id: str
    confirmed_by: str
    reason: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class Override:
    """A tenant's own figure, such as a measured calorific value, for a stated time.

    It holds in [valid_from, valid_to) only: before and after, the ordinary figures do. `basis` is
    required where the same figure exists on several (solid fuels: `as_received`).
    """

    carrier: str
    parameter: str
    value: float
    unit: str
    valid_from: date
    valid_to: date | None
    source: str
    stated_by: str
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A factor, and how the lookup came to it.

    `how` is `exact`, or one or two of these joined by `+`: `regional_fallback` and
    `national_fallback` (nothing is published for the place asked for), `latest` (the newest figure
    before the date), `earliest` (the oldest, after the date), `override` (the tenant's own).
    """

    factor: Factor
    how: str


class CarrierNotFound(NengtanError):
    """A carrier is not in the table of carriers."""

    def __init__(self, code: str, known: Iterable[str]) -> None:
        self.code = code
        remedy = hint(code, known) or "; see services/reference/data/carriers.csv"
        super().__init__(f"carrier {code!r} is not known{remedy}")


class RegionNotFound(NengtanError):
    """A region is neither a code of GB/T 2260 nor a grid region."""

    def __init__(self, code: str, known: Iterable[str]) -> None:
        self.code = code
        near = hint(code, known)
        super().__init__(
            f"region {code!r} is not known{near}; use the six digits of GB/T 2260, a grid region "
            f"such as CN-EAST, or CN"
        )


class ValidityOverlap(NengtanError):
    """Two figures claim the same day."""

    def __init__(self, one: Factor, other: Factor) -> None:
        self.one = one
        self.other = other
        super().__init__(
            f"{one.id} [{_days(one)}) and {other.id} [{_days(other)}) overlap: end the first "
            f"where the second begins"
        )


class ConfirmationIncomplete(NengtanError):
    """A confirmation does not say who or why."""

    def __init__(self, confirmation: Confirmation) -> None:
        self.confirmation = confirmation
        super().__init__(
            f"confirmation of {confirmation.factor_id!r}: name the person and the reason, for "
            f"example the page of the document that was compared"
        )


class OverrideRefused(NengtanError):
    """A tenant's own figure cannot be taken as it stands."""

    def __init__(self, override: Override, fault: str) -> None:
        self.override = override
        super().__init__(
            f"own figure {override.carrier}.{override.parameter} = {override.value} "
            f"{override.unit!r}: {fault}"
        )


class FactorUnavailable(NengtanError):
    """There is no figure that may be used; figures that need it are invalid.

    Attributes
    ----------
    code : str
        `not_found` or `not_confirmed`.
    reason, reason_zh, remedy, remedy_zh : str
    """

    code: Literal["not_found", "not_confirmed"]

    def __init__(self, *, reason: str, reason_zh: str, remedy: str, remedy_zh: str) -> None:
        self.reason = reason
        self.reason_zh = reason_zh
        self.remedy = remedy
        self.remedy_zh = remedy_zh
        super().__init__(f"{reason}: {remedy}")


class FactorInactive(FactorUnavailable):
    """The only figure was recalled and nobody has confirmed it."""

    code = "not_confirmed"

    def __init__(self, factor: Factor) -> None:
        self.factor = factor
        document = f"{factor.source} {factor.clause}".strip()
        super().__init__(
            reason=f"factor {factor.id} is inactive ({factor.inactive_reason})",
            reason_zh=f"因子 {factor.id} 未经确认，暂不启用",
            remedy=f"compare {factor.value} {factor.unit} with {document} and have an energy "
            f"manager or verifier confirm it with a reason, or state an own measured value",
            remedy_zh=f"请能源管理员或核查员对照 {document} 核对 {factor.value} {factor.unit} "
            f"并填写依据予以确认，或录入实测值",
        )


class FactorNotFound(FactorUnavailable):
    """Nothing is on file for a carrier and a parameter, or under an id."""

    code = "not_found"

    def __init__(self, wanted: str, known: Iterable[str], *, unit: str = "") -> None:
        self.wanted = wanted
        of_unit = f" [{unit}]" if unit else ""
        super().__init__(
            reason=f"no factor {wanted} is on file{hint(wanted, known)}",
            reason_zh=f"因子库中没有 {wanted}",
            remedy=f"state an own value{of_unit} with its source",
            remedy_zh=f"请录入自有数值{of_unit}并注明来源",
        )


def _before(one: date | None, other: date | None) -> bool:
    return one is None or other is None or one < other


def _days(factor: Factor) -> str:
    return f"{factor.valid_from or 'always'}, {factor.valid_to or 'open'}"
