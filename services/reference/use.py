"""What a unit of each carrier is worth, and which factors that took.

The derivations, with the figures on file for exactly that quantity always going first:

- energy: 1 kWh of electricity and 1 GJ of heat are what they say; steam by its GJ per tonne;
  everything else by its coal equivalent x 29307.6 kJ/kgce, the calorific basis of GB/T 2589, so
  that kWh and tce of a fuel tell the same story;
- coal, equivalent value: the coefficient; where there is none, the calorific value / 29307.6
  (steam and hot water: their heat x the coefficient of heat);
- coal, equal value: that of electricity in its year for electricity that is bought; else the
  equivalent value;
- direct emission: NCV x CC x OF x 44/12 of what burns; 0 of what does not;
- purchased emission: the grid's factor of place and year, the factor of heat; 0 of fuels, energy
  media and electricity from own sources.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from compute.emission import combustion_tco2
from compute.standard_coal import KGCE_PER_TCE, coal_factor_tce_of, energy_kwh_of
from compute.topology import CarrierFactors, Float1D
from compute.units import UNITS, conversion
from services.reference.book import FactorBook
from services.reference.files import Carrier
from services.reference.records import Factor, FactorUnavailable

Quantity = Literal[
    "energy_kwh",
    "coal_equivalent_tce",
    "coal_equal_tce",
    "emission_direct_tco2e",
    "emission_purchased_tco2e",
]
_CHAIN = ("ncv", "carbon_content", "oxidation_rate")
_KJ_PER_GJ = 1e6
_HEAT_KINDS = frozenset({"heat", "steam"})


@dataclass(frozen=True, slots=True)
class UsedFactor:
    """A factor that went into a quantity of a carrier, and how the lookup found it."""

    carrier: str
    quantity: Quantity
    factor: Factor
    how: str


@dataclass(frozen=True, slots=True)
class MissingFactor:
    """Why a quantity of a carrier is invalid, and what would mend it."""

    carrier: str
    quantity: Quantity
    parameter: str
    code: Literal["not_found", "not_confirmed"]
    reason: str
    reason_zh: str
    remedy: str
    remedy_zh: str


@dataclass(frozen=True, slots=True)
class FactorUse:
    """The account of one call of `carrier_factors`."""

    used: tuple[UsedFactor, ...]
    missing: tuple[MissingFactor, ...]


def carrier_factors(
    book: FactorBook, carriers: Sequence[str], *, at: date, region: str | None
) -> tuple[CarrierFactors, FactorUse]:
    """Return what one unit of each carrier is worth at a date and a place.

    Parameters
    ----------
    book : FactorBook
    carriers : sequence of str
        Codes, in the order of the topology.
    at : date
        In the zone of the site.
    region : str or None
        Of the site: code of GB/T 2260, or a grid region.

    Returns
    -------
    factors : CarrierFactors
        NaN where a factor is missing or inactive.
    use : FactorUse
        Every factor used, and every one missed with its reason and remedy.

    Raises
    ------
    CarrierNotFound, RegionNotFound
        If a code is not known.
    """
    account = _Account(book, at=at, region=region)
    rows = [account.row(book.carrier(code)) for code in carriers]
    columns = np.array(rows, dtype=np.float64).reshape(len(rows), 5)

    def column(index: int) -> Float1D:
        return np.ascontiguousarray(columns[:, index])

    factors = CarrierFactors(
        energy_kwh=column(0),
        coal_equivalent_tce=column(1),
        coal_equal_tce=column(2),
        emission_direct_tco2e=column(3),
        emission_purchased_tco2e=column(4),
    )
    return factors, FactorUse(used=tuple(account.used), missing=tuple(account.missing))


def change_dates(
    book: FactorBook, carriers: Sequence[str], start: date, end: date, region: str | None
) -> list[date]:
    """Return the dates at which the account of these carriers changes.

    Between two of them `carrier_factors` is the same on every day, so history is split there. A
    figure that runs on after its validity (`latest`) is a change too: what the results say of
    their factors is not the same any more.

    Parameters
    ----------
    book : FactorBook
    carriers : sequence of str
    start, end : date
        Half-open.
    region : str or None

    Returns
    -------
    dates : list of date
        Sorted, in [start, end).
    """
    named = [book.carrier(code) for code in carriers]
    proxies = {carrier.emission_proxy for carrier in named if carrier.emission_proxy}
    candidates = book.dates({*carriers, *proxies, "electricity", "heat"})
    before = _fingerprint(book, carriers, at=start - timedelta(days=1), region=region)
    changes: list[date] = []
    for day in candidates:
        if not start <= day < end:
            continue
        after = _fingerprint(book, carriers, at=day, region=region)
        if after != before:
            changes.append(day)
        before = after
    return changes


def _fingerprint(
    book: FactorBook, carriers: Sequence[str], *, at: date, region: str | None
) -> list[tuple[str, ...]]:
    _, use = carrier_factors(book, carriers, at=at, region=region)
    return [
        *((item.carrier, item.quantity, item.factor.id, item.how) for item in use.used),
        *((item.carrier, item.quantity, item.parameter, item.reason) for item in use.missing),
    ]


class _Account:
    """Looks factors up and writes down which were used and which were missing."""

    def __init__(self, book: FactorBook, *, at: date, region: str | None) -> None:
        self._book = book
        self._at = at
        self._region = region
        self.used: list[UsedFactor] = []
        self.missing: list[MissingFactor] = []

    def row(self, carrier: Carrier) -> tuple[float, float, float, float, float]:
        return (
            self._energy_kwh(carrier),
            self._coal_equivalent_tce(carrier, "coal_equivalent_tce"),
            self._coal_equal_tce(carrier),
            self._emission_direct_tco2e(carrier),
            self._emission_purchased_tco2e(carrier),
        )

    def _energy_kwh(self, carrier: Carrier) -> float:
        quantity: Quantity = "energy_kwh"
        if UNITS[carrier.unit].dimension == "energy":
            return conversion(carrier.unit, "kWh")
        if carrier.kind in _HEAT_KINDS and self._has(carrier.code, "ncv"):
            return self._take(carrier, quantity, "ncv") * conversion("GJ", "kWh")
        return float(energy_kwh_of(self._coal_equivalent_tce(carrier, quantity)))

    def _coal_equivalent_tce(self, carrier: Carrier, quantity: Quantity) -> float:
        has_value = self._has(carrier.code, "ncv")
        if self._has(carrier.code, "coal_equivalent") or not (
            has_value or carrier.kind in _HEAT_KINDS
        ):
            return self._take(carrier, quantity, "coal_equivalent") / KGCE_PER_TCE
        value_gj = self._take(carrier, quantity, "ncv")
        if carrier.kind in _HEAT_KINDS:
            heat = self._take(carrier, quantity, "coal_equivalent", of="heat")
            return value_gj * heat / KGCE_PER_TCE
        return float(coal_factor_tce_of(value_gj * _KJ_PER_GJ))

    def _coal_equal_tce(self, carrier: Carrier) -> float:
        quantity: Quantity = "coal_equal_tce"
        if self._has(carrier.code, "coal_equal"):
            return self._take(carrier, quantity, "coal_equal") / KGCE_PER_TCE
        if carrier.equal == "electricity":
            return self._take(carrier, quantity, "coal_equal", of="electricity") / KGCE_PER_TCE
        return self._coal_equivalent_tce(carrier, quantity)

    def _emission_direct_tco2e(self, carrier: Carrier) -> float:
        quantity: Quantity = "emission_direct_tco2e"
        if self._has(carrier.code, "emission_direct"):
            return self._take(carrier, quantity, "emission_direct")
        if not carrier.burns:
            return 0.0
        # A carrier without a chain of its own burns like the one that stands in for it.
        own = any(self._has(carrier.code, parameter) for parameter in _CHAIN)
        of = carrier.code if own else carrier.emission_proxy or carrier.code
        value, content, share = (
            self._take(carrier, quantity, parameter, of=of) for parameter in _CHAIN
        )
        return float(
            combustion_tco2(
                1.0,
                calorific_value_gj=value,
                carbon_content_tc_per_gj=content,
                oxidation_share=share,
            )
        )

    def _emission_purchased_tco2e(self, carrier: Carrier) -> float:
        quantity: Quantity = "emission_purchased_tco2e"
        own = self._has(carrier.code, "emission_purchased")
        if not own and carrier.purchased == "none":
            return 0.0
        of = "heat" if carrier.purchased == "heat" and not own else carrier.code
        factor = self._take(carrier, quantity, "emission_purchased", of=of)
        if carrier.kind == "electricity":
            return factor * conversion(carrier.unit, "MWh")
        if carrier.kind not in _HEAT_KINDS:
            return factor
        if UNITS[carrier.unit].dimension == "energy":
            return factor * conversion(carrier.unit, "GJ")
        return factor * self._take(carrier, quantity, "ncv")

    def _has(self, carrier: str, parameter: str) -> bool:
        return self._book.has(carrier, parameter, at=self._at)

    def _take(
        self, carrier: Carrier, quantity: Quantity, parameter: str, *, of: str | None = None
    ) -> float:
        """Return a factor's value and write it down; NaN, written down too, if there is none."""
        try:
            found = self._book.lookup(
                of or carrier.code, parameter, at=self._at, region=self._region
            )
        except FactorUnavailable as fault:
            self.missing.append(
                MissingFactor(
                    carrier=carrier.code,
                    quantity=quantity,
                    parameter=parameter,
                    code=fault.code,
                    reason=fault.reason,
                    reason_zh=fault.reason_zh,
                    remedy=fault.remedy,
                    remedy_zh=fault.remedy_zh,
                )
            )
            return float("nan")
        self.used.append(UsedFactor(carrier.code, quantity, found.factor, found.how))
        return found.factor.value
