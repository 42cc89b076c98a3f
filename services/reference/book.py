"""The book of factors of one tenant: the data files, what people confirmed, and own figures."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from services.reference.files import Carrier, Tables, load_tables
from services.reference.records import (
    CarrierNotFound,
    Confirmation,
    ConfirmationIncomplete,
    Factor,
    FactorInactive,
    FactorNotFound,
    FactorUnavailable,
    Found,
    Override,
    OverrideRefused,
    RegionNotFound,
    ValidityOverlap,
)

NATION = "CN"


def _is_abroad(region: str) -> bool:
    """Return whether a region is a country of ISO 3166 other than China."""
    country = region[:2]
    form = len(region) == 2 or region[2] == "-"
    return form and country.isalpha() and country.isupper() and country != NATION


DEFAULT_RULES = "default"
_Key = tuple[str, str, str]  # carrier, parameter, rule set

# Unit that an own figure has to come in; {unit} is that of the carrier.
_PARAMETER_UNITS = {
    "ncv": "GJ/{unit}",
    "carbon_content": "tC/GJ",
    "oxidation_rate": "1",
    "coal_equivalent": "kgce/{unit}",
    "coal_equal": "kgce/{unit}",
    "emission_direct": "tCO2/{unit}",
}
_SHARES = frozenset({"oxidation_rate"})
_NEEDS_BASIS = frozenset({"ncv"})
_SOLID_KINDS = frozenset({"fossil_solid", "bio_solid"})


class FactorBook:
    """Factors by carrier, parameter, place and date.

    Parameters
    ----------
    confirmations : iterable of Confirmation
        Of recalled figures; confirming an active one is harmless.
    overrides : iterable of Override
        The tenant's own figures; they go before those of the files while they hold.
    tables : Tables, optional
        The data files of the package by default.

    Raises
    ------
    ValidityOverlap
        If two figures of one key claim the same day.
    FactorNotFound
        If a confirmation names an id that is not on file.
    ConfirmationIncomplete
        If a confirmation names nobody or no reason.
    CarrierNotFound, OverrideRefused
        If an own figure is of no known carrier, or its unit, basis or value cannot be right.
    """

    def __init__(
        self,
        *,
        confirmations: Iterable[Confirmation] = (),
        overrides: Iterable[Override] = (),
        tables: Tables | None = None,
    ) -> None:
        self._tables = tables or load_tables()
        self.factors: tuple[Factor, ...] = _confirmed(self._tables.factors, confirmations)
        self._by_key: dict[_Key, dict[str | None, list[Factor]]] = {}
        for factor in self.factors:
            places = self._by_key.setdefault(_key(factor), {})
            _append(places.setdefault(factor.region, []), factor)
        self._own: dict[_Key, list[Factor]] = {}
        for override in overrides:
            own = self._own_factor(override)
            _append(self._own.setdefault(_key(own), []), own)

    @property
    def carriers(self) -> dict[str, Carrier]:
        """Carriers that a description can name, by code."""
        return self._tables.carriers

    def carrier(self, code: str) -> Carrier:
        """Return a carrier, or raise `CarrierNotFound` with the nearest name."""
        found = self._tables.carriers.get(code)
        if found is None:
            raise CarrierNotFound(code, self._tables.carriers)
        return found

    def get(self, factor_id: str) -> Factor:
        """Return the factor of an id, or raise `FactorNotFound` with the nearest one."""
        own = (factor for factors in self._own.values() for factor in factors)
        for factor in (*self.factors, *own):
            if factor.id == factor_id:
                return factor
        raise FactorNotFound(factor_id, (factor.id for factor in self.factors))

    def has(self, carrier: str, parameter: str, *, at: date) -> bool:
        """Return whether anything, active or not, is on file that a lookup at a date may find."""
        key = (carrier, parameter, DEFAULT_RULES)
        return key in self._by_key or any(own.holds_at(at) for own in self._own.get(key, ()))

    def lookup(
        self,
        carrier: str,
        parameter: str,
        *,
        at: date,
        region: str | None = None,
        rule_set: str = DEFAULT_RULES,
    ) -> Found:
        """Return the factor in force, and how it was found.

        The place goes before the date: own figure, province, grid region, nation. In a place, the
        figure that holds at the date is taken; if it is inactive the lookup stops there rather
        than use another one. Else the newest active figure before the date, else the oldest after.

        Parameters
        ----------
        carrier : str
            Carrier, gas, or `constant`.
        parameter : str
        at : date
            In the zone of the site.
        region : str, optional
            Code of GB/T 2260 (any level), a grid region, or CN.
        rule_set : str
            `default`, or the rules that ask for another figure.

        Raises
        ------
        FactorInactive
            If the figure was recalled and nobody confirmed it.
        FactorNotFound
            If nothing is on file; the message says the nearest name.
        RegionNotFound
            If the region is not known.
        """
        key = (carrier, parameter, rule_set)
        for own in self._own.get(key, ()):
            if own.holds_at(at):
                return Found(own, "override")
        places = self._by_key.get(key, {})
        inactive: Factor | None = None
        for place, how_place in self._chain(region, places):
            factor, how_date = _in_force(places[place], at)
            if factor.active:
                return Found(factor, "+".join(filter(None, (how_place, how_date))) or "exact")
            if not how_date:
                raise FactorInactive(factor)
            inactive = inactive or factor
        if inactive is not None:
            raise FactorInactive(inactive)
        raise self._not_found(carrier, parameter, rule_set)

    def dates(self, carriers: Iterable[str]) -> list[date]:
        """Return the sorted dates at which a validity of any of these carriers begins or ends."""
        wanted = set(carriers)
        own = (factor for factors in self._own.values() for factor in factors)
        return sorted(
            {
                day
                for factor in (*self.factors, *own)
                if factor.carrier in wanted and factor.rule_set == DEFAULT_RULES
                for day in (factor.valid_from, factor.valid_to)
                if day is not None
            }
        )

    def _chain(
        self, region: str | None, places: dict[str | None, list[Factor]]
    ) -> list[tuple[str | None, str]]:
        """Return the places to look in, nearest first, each with what finding it there is."""
        chain: list[tuple[str | None, str]] = []
        widening = ""
        # Where figures exist for the nation alone, the nation is no fallback.
        regional = any(place not in {None, NATION} for place in places)
        if region is not None and _is_abroad(region):
            # China's grid is no stand-in for another country's: state an own value there.
            return [(None, "")] if None in places else []
        code = self._region_code(region)
        while code:
            chain.append((code, widening))
            code = self._tables.regions[code].parent
            widening = "regional_fallback" if code != NATION else "national_fallback"
        if not chain:
            chain.append((NATION, "national_fallback"))
        chain = [(place, how if regional else "") for place, how in chain]
        if region == NATION:
            chain = [(NATION, "")]
        return [(place, how) for place, how in (*chain, (None, "")) if place in places]

    def places(self, region: str | None) -> tuple[str, ...]:
        """Return where a figure of a place may be found, nearest first: province, grid, nation.

        Raises
        ------
        RegionNotFound
            If the region is not known.
        """
        if region is not None and _is_abroad(region):
            return (region,)
        code, found = self._region_code(region) or NATION, []
        while code:
            found.append(code)
            code = self._tables.regions[code].parent
        return tuple(found)

    def _region_code(self, region: str | None) -> str:
        if not region:
            return ""
        # A city or county has the factor of its province: the first two digits.
        code = f"{region[:2]}0000" if len(region) == 6 and region.isdecimal() else region
        if code not in self._tables.regions:
            raise RegionNotFound(region, self._tables.regions)
        return code

    def _not_found(self, carrier: str, parameter: str, rule_set: str) -> FactorUnavailable:
        known = self._tables.carriers.get(carrier)
        unit = _PARAMETER_UNITS.get(parameter, "").format(unit=known.unit) if known else ""
        rules = "" if rule_set == DEFAULT_RULES else f" of rule set {rule_set}"
        names = [f"{one}.{other}" for one, other, rule in self._by_key if rule == rule_set]
        return FactorNotFound(f"{carrier}.{parameter}{rules}", names, unit=unit)

    def _own_factor(self, override: Override) -> Factor:
        carrier = self.carrier(override.carrier)
        unit = self._own_unit(override, carrier)
        if override.unit != unit:
            raise OverrideRefused(override, f"the unit has to be {unit!r}")
        if not math.isfinite(override.value) or override.value < 0.0:
            raise OverrideRefused(override, "a factor is a number of 0 or more")
        if override.parameter in _SHARES and override.value > 1.0:
            raise OverrideRefused(override, "a share is between 0 and 1, not a percentage")
        if not override.source or not override.stated_by:
            raise OverrideRefused(override, "name the source and the person")
        solid = carrier.kind in _SOLID_KINDS and override.parameter in _NEEDS_BASIS
        if solid and override.basis != "as_received":
            raise OverrideRefused(
                override, "the basis has to be 'as_received'; convert a dry or air-dried value"
            )
        return Factor(
            id=f"{override.carrier}.{override.parameter}@own {override.valid_from}",
            carrier=override.carrier,
            parameter=override.parameter,
            value=override.value,
            unit=override.unit,
            region=None,
            valid_from=override.valid_from,
            valid_to=override.valid_to,
            edition=f"own {override.valid_from}",
            rule_set=DEFAULT_RULES,
            source=override.source,
            clause="",
            confidence="own",
            basis=override.basis,
            confirmed_by=override.stated_by,
        )

    def _own_unit(self, override: Override, carrier: Carrier) -> str:
        if override.parameter == "emission_purchased":
            # Electricity and heat are bought by MWh and GJ whatever their meters show.
            by_kind = {"electricity": "tCO2/MWh", "heat": "tCO2/GJ", "steam": "tCO2/GJ"}
            return by_kind.get(carrier.kind, f"tCO2/{carrier.unit}")
        if override.parameter not in _PARAMETER_UNITS:
            known = sorted((*_PARAMETER_UNITS, "emission_purchased"))
            raise OverrideRefused(override, f"the parameter has to be one of {', '.join(known)}")
        return _PARAMETER_UNITS[override.parameter].format(unit=carrier.unit)


def _confirmed(
    factors: Sequence[Factor], confirmations: Iterable[Confirmation]
) -> tuple[Factor, ...]:
    by_id = {factor.id: factor for factor in factors}
    for confirmation in confirmations:
        if not confirmation.confirmed_by.strip() or not confirmation.reason.strip():
            raise ConfirmationIncomplete(confirmation)
        factor = by_id.get(confirmation.factor_id)
        if factor is None:
            raise FactorNotFound(confirmation.factor_id, by_id)
        by_id[factor.id] = replace(
            factor, active=True, inactive_reason="", confirmed_by=confirmation.confirmed_by
        )
    return tuple(by_id.values())


def _append(factors: list[Factor], new: Factor) -> None:
    for other in factors:
        if other.overlaps(new):
            raise ValidityOverlap(other, new)
    factors.append(new)
    factors.sort(key=lambda factor: factor.valid_from or date.min)


def _in_force(factors: Sequence[Factor], at: date) -> tuple[Factor, str]:
    """Return the factor of one place for a date; "" says that it holds at the date."""
    for factor in factors:
        if factor.holds_at(at):
            return factor, ""
    # Active ones go first: an unconfirmed figure of another year must not hide a confirmed one.
    usable = [factor for factor in factors if factor.active] or list(factors)
    ended = [factor for factor in usable if factor.valid_to is not None and factor.valid_to <= at]
    return (ended[-1], "latest") if ended else (usable[0], "earliest")


def _key(factor: Factor) -> _Key:
    return factor.carrier, factor.parameter, factor.rule_set
