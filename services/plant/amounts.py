"""From the unit of a point to the unit of what it measures."""

from collections.abc import Mapping
from functools import lru_cache

from compute.units import Dimension, UnitNotFound, conversion, rate_conversion, unit
from services.plant.metering import Point
from services.reference import Carrier, load_tables

# The amount that a rate is kept as where nothing that it measures says otherwise.
_AMOUNT_UNIT_OF_RATE: Mapping[Dimension, str] = {
    "power": "kWh",
    "reactive_power": "kvarh",
    "mass_flow": "t",
    "volume_flow": "m3",
    "standard_volume_flow": "Nm3",
    "count_rate": "piece",
    "emission_rate": "tCO2e",
}


def carriers() -> Mapping[str, Carrier]:
    """Return the carriers that a description can name, by code."""
    return load_tables().carriers


def carrier_unit(code: str) -> str:
    """Return the unit that amounts of a known carrier are kept in."""
    return carriers()[code].unit


@lru_cache(maxsize=4096)
def is_unit(symbol: str) -> bool:
    """Return whether a symbol is that of a unit."""
    try:
        unit(symbol)
    except UnitNotFound:
        return False
    return True


def is_rate(symbol: str) -> bool:
    """Return whether a known unit is an amount per time."""
    return unit(symbol).dimension in _AMOUNT_UNIT_OF_RATE


def amount_unit(point: Point) -> str:
    """Return the unit that the amount of a point is kept in when it measures nothing else.

    A gauge that is no rate (a temperature) has no amount: its own unit stands for it.
    """
    of_point = unit(point.unit)
    if point.kind == "gauge":
        return _AMOUNT_UNIT_OF_RATE.get(of_point.dimension, of_point.symbol)
    return of_point.symbol


def amount_scale(point: Point, *, target: str) -> float:
    """Return what one raw unit of a point is in the target unit; of a gauge, in one hour.

    Raises
    ------
    compute.units.UnitMismatch
        If the point cannot measure such an amount.
    """
    if point.kind != "gauge":
        return point.multiplier * conversion(point.unit, target)
    if is_rate(point.unit):
        return point.multiplier * rate_conversion(point.unit, target)
    # The integral of a temperature over time is no amount; only its values are looked at.
    return point.multiplier
