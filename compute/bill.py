"""The bill of a month: lines in decimals, each rounded to the fen, which add up as printed.

Electricity on two-part prices (两部制) is a charge by energy and a basic charge (基本电费) by the
highest demand, by the demand agreed in the contract, or by the capacity of the transformers.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Literal

BasicMethod = Literal["demand", "contract", "capacity"]

_FEN = Decimal("0.01")
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class BasicCharge:
    """How the basic charge of a month is formed (基本电费).

    Attributes
    ----------
    method : "demand", "contract" or "capacity"
        按实际最大需量、按合同需量、按变压器容量。
    price : Decimal
        Of a month. [CNY/kW, or CNY/kVA by capacity]
    agreed : Decimal
        Demand of the contract, or capacity of the transformers; 0 by actual demand. [kW or kVA]
    excess_from_share : Decimal
        By contract: demand beyond this share of the agreed one is excess.
    excess_price_factor : Decimal
        By contract: what excess costs, in prices.
    """

    method: BasicMethod
    price: Decimal
    agreed: Decimal = Decimal(0)
    excess_from_share: Decimal = Decimal("1.05")
    excess_price_factor: Decimal = Decimal(2)


def exact(number: float) -> Decimal:
    """Return a binary number as the shortest decimal that is read back as it."""
    return Decimal(repr(float(number)))


def line_cny(quantity: Decimal, *, price: Decimal, share: Fraction = Fraction(1)) -> Decimal:
    """Return quantity x price x share, rounded half up to the fen, in CNY.

    Parameters
    ----------
    quantity, price : Decimal
    share : Fraction
        Part of the month that the line is for, 0..1.
    """
    product = _EXACT.multiply(_EXACT.multiply(quantity, price), Decimal(share.numerator))
    return _EXACT.divide(product, Decimal(share.denominator)).quantize(_FEN, ROUND_HALF_UP)


def chargeable(basic: BasicCharge, *, power_kw_max: float) -> Decimal | None:
    """Return the kW or kVA that the basic charge of a month is for.

    Parameters
    ----------
    basic : BasicCharge
    power_kw_max : float
        Highest demand of the month; NaN is not known. [kW]

    Returns
    -------
    quantity : Decimal or None
        None where the charge needs a demand that is not known. [kW or kVA]

    Notes
    -----
    By contract: the agreed demand, and where the actual one exceeds `excess_from_share` of it, in
    addition the excess times `excess_price_factor`. An actual demand below zero counts as none.
    """
    if basic.method == "capacity":
        return basic.agreed
    if math.isnan(power_kw_max):
        return None
    power_kw = max(exact(power_kw_max), Decimal(0))
    if basic.method == "demand":
        return power_kw
    excess = _EXACT.subtract(power_kw, _EXACT.multiply(basic.agreed, basic.excess_from_share))
    if excess <= 0:
        return basic.agreed
    return _EXACT.add(basic.agreed, _EXACT.multiply(excess, basic.excess_price_factor))
