"""Conversions between a few units, written out by hand."""

from decimal import Decimal

IN_JOULES = {
    "kJ": Decimal(1000),
    "MJ": Decimal(10) ** 6,
    "GJ": Decimal(10) ** 9,
    "Wh": Decimal(3600),
    "kWh": Decimal(3600) * 1000,
    "MWh": Decimal(3600) * 10**6,
    "kcal": Decimal("4186.8"),
    "kgce": Decimal(7000) * Decimal("4186.8"),
    "tce": Decimal(7000) * Decimal("4186.8") * 1000,
}


def convert_energy(value: float, source: str, target: str) -> float:
    return float(Decimal(value) * IN_JOULES[source] / IN_JOULES[target])
