"""Units of what an expression works out: products and quotients of the units of its parts.

A unit is a multiple of a product of base quantities, both exact, so that kW times h is kWh, and
a quotient of two emissions is a plain number.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from compute.units import AMOUNT_OF_RATE, UNITS, UnitNotFound, unit

_SECONDS_PER_HOUR = 3600
_WORD = r"(?:(?:1e[34])?[^\W\d_]\w*|[%‰])"
_WRITTEN = tuple(
    re.compile(rf"\s*({form})")
    for form in (rf"{_WORD}/\({_WORD}/{_WORD}\)", rf"{_WORD}/{_WORD}", _WORD)
)


@dataclass(frozen=True, slots=True)
class Measured:
    """The unit of a value.

    Attributes
    ----------
    powers : tuple of (str, int)
        Base quantities and their powers, sorted; empty for a plain number.
    scale : Fraction
        What one of the unit is in base units.
    symbol : str
        For people.
    is_bare : bool
        A number that was written without a unit: it takes that of what it meets.
    """

    powers: tuple[tuple[str, int], ...]
    scale: Fraction
    symbol: str
    is_bare: bool = False

    def is_like(self, other: "Measured") -> bool:
        """Return whether values of both can be compared and added."""
        return self.is_bare or other.is_bare or self.powers == other.powers

    def __mul__(self, other: "Measured") -> "Measured":
        """Return the unit of a product."""
        return self._with(other, 1, "*")

    def __truediv__(self, other: "Measured") -> "Measured":
        """Return the unit of a quotient."""
        return self._with(other, -1, "/")

    def _with(self, other: "Measured", sign: int, written: str) -> "Measured":
        powers = dict(self.powers)
        for name, power in other.powers:
            powers[name] = powers.get(name, 0) + sign * power
        left = tuple(sorted((name, power) for name, power in powers.items() if power))
        made = Measured(
            left, self.scale * other.scale**sign, "", is_bare=self.is_bare and other.is_bare
        )
        return replace(made, symbol=_symbol(made, self, other, written))


BARE = Measured((), Fraction(1), "", is_bare=True)


def _symbol(made: Measured, one: Measured, other: Measured, written: str) -> str:
    if not made.powers:
        return ""
    if not other.powers and other.scale == 1:
        return one.symbol
    if not one.powers and one.scale == 1 and written == "*":
        return other.symbol
    known = _known_symbols().get((made.powers, made.scale))
    bottom = f"({other.symbol})" if "/" in other.symbol or "*" in other.symbol else other.symbol
    return known or f"{one.symbol or 1}{written}{bottom}"


@lru_cache(maxsize=1)
def _known_symbols() -> Mapping[tuple[tuple[tuple[str, int], ...], Fraction], str]:
    known = [(measured(symbol), symbol) for symbol in reversed(UNITS)]
    return {(found.powers, found.scale): symbol for found, symbol in known}


@lru_cache(maxsize=4096)
def measured(text: str) -> Measured:
    """Return the unit that a symbol, an alias or a quotient of two of them names.

    Raises
    ------
    UnitNotFound
        If it names none.
    """
    try:
        known = unit(text)
    except UnitNotFound:
        top, slash, bottom = text.partition("/")
        if not slash:
            raise
        inner = bottom[1:-1] if bottom.startswith("(") and bottom.endswith(")") else bottom
        return replace(measured(top) / measured(inner), symbol=text)
    if known.dimension == "ratio":
        return Measured((), known.scale, "" if known.symbol == "1" else known.symbol)
    if known.dimension in AMOUNT_OF_RATE:
        amount, base = AMOUNT_OF_RATE[known.dimension]
        powers: tuple[tuple[str, int], ...] = tuple(sorted({str(amount): 1, "time": -1}.items()))
        return Measured(powers, known.scale * base / _SECONDS_PER_HOUR, known.symbol)
    return Measured(((str(known.dimension), 1),), known.scale, known.symbol)


def measured_or_own(text: str) -> Measured:
    """Return the unit that a text names; one that nobody knows is like itself alone."""
    try:
        return measured(text)
    except UnitNotFound:
        return Measured(((text, 1),), Fraction(1), text)


def unit_at(text: str, offset: int) -> tuple[str, int] | None:
    """Return the unit that stands at a place of a text, and where it ends: the longest there is."""
    for form in _WRITTEN:
        match = form.match(text, offset)
        if match is not None:
            try:
                measured(match[1])
            except UnitNotFound:
                continue
            return match[1], match.end()
    return None
