"""Units of readings and carriers: one table, exact conversion within a dimension.

A unit is a multiple of the base unit of its dimension (and an offset, for temperatures). Normal
volume (Nm3: 0 degC, 101.325 kPa, dry) is a dimension of its own: m3 becomes Nm3 only by a
correction of state (`compute.emission.standard_volume_nm3`), never by a factor. Pressures are as
stated by the point; whether gauge or absolute is not in the unit.
"""

import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from compute.errors import NengtanError
from compute.quantities import hint

Dimension = Literal[
    "energy",
    "power",
    "reactive_energy",
    "reactive_power",
    "apparent_power",
    "mass",
    "mass_flow",
    "volume",
    "volume_flow",
    "standard_volume",
    "standard_volume_flow",
    "count",
    "count_rate",
    "emission",
    "emission_rate",
    "money",
    "ratio",
    "temperature",
    "pressure",
    "current",
    "voltage",
    "frequency",
    "time",
    "length",
    "area",
    "speed",
    "concentration",
    "standard_concentration",
]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: value in base units = scale x value + offset, both exact."""

    symbol: str
    dimension: Dimension
    scale: Fraction
    offset: Fraction = Fraction(0)


class UnitNotFound(NengtanError):
    """A unit is in neither the table of units nor that of aliases."""

    def __init__(self, *, place: str, name: str) -> None:
        self.place = place
        self.name = name
        near = hint(name, (*_ALIASES, *UNITS)) or "; see compute/units.py for the units known"
        super().__init__(f"{_at(place)}unknown unit {name!r}{near}")


class UnitMismatch(NengtanError):
    """Two units measure different things, so no factor leads from one to the other."""

    def __init__(self, *, place: str, source: Unit, target: Unit) -> None:
        self.place = place
        self.source = source
        self.target = target
        super().__init__(
            f"{_at(place)}unit {source.symbol!r} is {_words(source.dimension)}, "
            f"but {target.symbol!r} is {_words(target.dimension)}: {_remedy(source, target)}"
        )


class UnitHasOffset(NengtanError):
    """A conversion needs an offset where only a factor can be used."""

    def __init__(self, *, place: str, source: Unit, target: Unit) -> None:
        self.place = place
        super().__init__(
            f"{_at(place)}{source.symbol!r} to {target.symbol!r} needs an offset, not only a "
            f"factor: convert the values with compute.units.convert"
        )


# symbol, multiple of the base unit (which has multiple 1). J, W, kg, m3, Nm3, K, Pa ...
_TABLE: dict[Dimension, str] = {
    # 1 kcal = 4.1868 kJ and 1 kgce = 7000 kcal = 29307.6 kJ (GB/T 2589); 1 kgoe = 10000 kcal.
    "energy": "J 1, kJ 1e3, MJ 1e6, GJ 1e9, TJ 1e12, Wh 3600, kWh 3.6e6, MWh 3.6e9, GWh 3.6e12, "
    "1e4kWh 3.6e10, cal 4.1868, kcal 4186.8, Mcal 4.1868e6, Gcal 4.1868e9, kgce 29307600, "
    "tce 29307600e3, 1e4tce 29307600e7, kgoe 41868e3, toe 41868e6",
    "power": "W 1, kW 1e3, MW 1e6, GW 1e9, kJ/h 1000/3600, MJ/h 1e6/3600, GJ/h 1e9/3600, "
    "kcal/h 4186.8/3600, Gcal/h 4.1868e9/3600, kgce/h 29307600/3600, tce/h 29307600e3/3600",
    "reactive_energy": "varh 1, kvarh 1e3, Mvarh 1e6",
    "reactive_power": "var 1, kvar 1e3, Mvar 1e6",
    "apparent_power": "VA 1, kVA 1e3, MVA 1e6",
    "mass": "mg 1e-6, g 1e-3, kg 1, t 1e3, 1e4t 1e7",
    "mass_flow": "g/s 3.6, kg/s 3600, kg/min 60, g/h 1e-3, kg/h 1, t/h 1e3",
    "volume": "mL 1e-6, L 1e-3, m3 1, 1e3m3 1e3, 1e4m3 1e4",
    "volume_flow": "L/min 0.06, L/h 1e-3, m3/s 3600, m3/min 60, m3/h 1, 1e4m3/h 1e4",
    "standard_volume": "NL 1e-3, Nm3 1, 1e3Nm3 1e3, 1e4Nm3 1e4",
    "standard_volume_flow": "NL/min 0.06, Nm3/s 3600, Nm3/min 60, Nm3/h 1, 1e4Nm3/h 1e4",
    "count": "piece 1, 1e3piece 1e3, 1e4piece 1e4",
    "count_rate": "piece/h 1, piece/min 60",
    "emission": "gCO2e 1e-3, kgCO2e 1, tCO2e 1e3, 1e4tCO2e 1e7",
    "emission_rate": "kgCO2e/h 1, tCO2e/h 1e3",
    "money": "CNY 1, 1e4CNY 1e4",
    "ratio": "1 1, % 1/100, ‰ 1/1000, ppm 1e-6, ppb 1e-9",
    "temperature": "K 1, °C 1 273.15, °F 5/9 45967/180",
    "pressure": "Pa 1, hPa 100, kPa 1e3, MPa 1e6, mbar 100, bar 1e5, atm 101325, kgf/cm2 98066.5",
    "current": "mA 1e-3, A 1, kA 1e3",
    "voltage": "mV 1e-3, V 1, kV 1e3",
    "frequency": "Hz 1, rpm 1/60",
    "time": "µs 1e-6, ms 1e-3, s 1, min 60, h 3600, d 86400",
    "length": "mm 1e-3, m 1, km 1e3",
    "area": "m2 1, km2 1e6",
    "speed": "m/s 1, km/h 1/3.6",
    "concentration": "mg/m3 1, g/m3 1e3",
    "standard_concentration": "mg/Nm3 1, g/Nm3 1e3",
}

# Names that meters, gateways and people use. Case and width are folded before this is read, so
# KWH, ＭＷｈ, m³ and ㎥ need no line. A fold that two symbols share is refused at import.
_ALIAS_TABLE = """
kWh: 度 千瓦时 kw·h kw.h kw-h kw*h kilowatthour | MWh: 兆瓦时 mw·h 千度
1e4kWh: 万度 万千瓦时 万kwh | GWh: 吉瓦时 | Wh: 瓦时 | J: 焦耳 焦 | kJ: 千焦 | MJ: 兆焦
GJ: 吉焦 百万千焦 | kcal: 千卡 大卡 | Gcal: 吉卡 百万大卡
kgce: 千克标准煤 千克标煤 公斤标准煤 | tce: 吨标准煤 吨标煤 | 1e4tce: 万吨标准煤 万tce
kgoe: 千克标准油 | toe: 吨标准油 | W: 瓦 | kW: 千瓦 kilowatt | MW: 兆瓦
GJ/h: 吉焦/时 吉焦/小时 | kvarh: 千乏时 kvar·h | kvar: 千乏 | kVA: 千伏安
mg: 毫克 | g: 克 | kg: 千克 公斤 | t: 吨 ton tonne 公吨 | 1e4t: 万吨 万t
kg/h: 千克/时 千克/小时 公斤/小时 | t/h: 吨/时 吨/小时 | L: 升 liter litre
m3: 立方米 立方 方 m^3 m**3 cbm | 1e4m3: 万立方米 万方 万m3 10^4m3 | 1e3m3: 千立方米 千m3
m3/h: 立方米/时 立方米/小时 m3ph | 1e4m3/h: 万立方米/小时 万m3/h
Nm3: 标准立方米 标立方米 标方 标立方 n.m3 nm^3 m3(n)
1e4Nm3: 万标准立方米 万标方 万标立方米 万nm3 10^4nm3
1e3Nm3: 千标准立方米 千nm3 | Nm3/h: 标准立方米/小时 标方/小时 标方/时
1e4Nm3/h: 万标方/小时 万nm3/h
piece: 件 个 台 只 pcs pc pieces | 1e4piece: 万件 万个 万只
tCO2e: tco2 吨二氧化碳 吨二氧化碳当量 | kgCO2e: kgco2 千克二氧化碳 千克二氧化碳当量 | gCO2e: gco2
1e4tCO2e: 万吨二氧化碳 万tco2 | CNY: 元 rmb yuan | 1e4CNY: 万元
%: 百分比 percent pct %rh | 1: 无量纲 比值 - p.u. | ‰: 千分比
°C: 摄氏度 degc deg_c c cel ℃ | °F: degf f ℉ | K: 开 开尔文 kelvin
Pa: 帕 | kPa: 千帕 | MPa: 兆帕 | bar: 巴 | kgf/cm2: 公斤/平方厘米
A: 安 安培 amp | V: 伏 伏特 volt | Hz: 赫 赫兹 | rpm: 转/分 r/min | h: 小时 时 hour hours
min: 分钟 分 minute minutes | s: 秒 sec second seconds | d: 天 日 day days
m2: 平方米 平米 m^2 | m: 米 | mg/Nm3: 毫克/标准立方米 毫克/标立方米 | mg/m3: 毫克/立方米
"""

# Case matters where it tells milli from mega: a factor of 1e9. "mw" is taken for MW, as meters
# write it, but mW, Mg and ML are not guessed at.
_MILLI = frozenset({"mg", "mL", "mA", "mV", "mm", "ms", "mbar", "mg/m3", "mg/Nm3"})

# The amount that a rate makes in one hour, in base units of both.
AMOUNT_OF_RATE: dict[Dimension, tuple[Dimension, Fraction]] = {
    "power": ("energy", Fraction(3600)),
    "reactive_power": ("reactive_energy", Fraction(1)),
    "mass_flow": ("mass", Fraction(1)),
    "volume_flow": ("volume", Fraction(1)),
    "standard_volume_flow": ("standard_volume", Fraction(1)),
    "count_rate": ("count", Fraction(1)),
    "emission_rate": ("emission", Fraction(1)),
}


def _number(text: str) -> Fraction:
    top, _, bottom = text.partition("/")
    return Fraction(top) / Fraction(bottom or 1)


def _build_units() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for dimension, line in _TABLE.items():
        for entry in line.split(", "):
            symbol, *numbers = entry.split(" ")
            units[symbol] = Unit(symbol, dimension, *(_number(number) for number in numbers))
    return units


def _fold(name: str) -> str:
    """Fold width, superscripts, case and spaces: ㎥, m³ and M3 are m3; µ is µ."""
    return unicodedata.normalize("NFKC", name).casefold().replace(" ", "")


def _is_prefix_doubtful(name: str, symbol: str) -> bool:
    if symbol in _MILLI:
        return name.startswith("M")
    return symbol.startswith("M") and name.startswith("m") and not name.islower()


def _build_aliases(units: dict[str, Unit]) -> dict[str, str]:
    pairs = [(symbol, symbol) for symbol in units]
    for entry in _ALIAS_TABLE.strip().replace("\n", " | ").split(" | "):
        symbol, names = entry.split(": ")
        pairs.extend((name, symbol) for name in names.split(" "))
    aliases: dict[str, str] = {}
    for name, symbol in pairs:
        known = aliases.setdefault(_fold(name), symbol)
        if known != symbol:
            message = f"units table: {name!r} would mean both {known!r} and {symbol!r}"
            raise AssertionError(message)
    return aliases


UNITS: dict[str, Unit] = _build_units()
_ALIASES: dict[str, str] = _build_aliases(UNITS)


def unit(name: str, *, place: str = "") -> Unit:
    """Return the unit that a symbol or an alias names.

    Parameters
    ----------
    name : str
        As written in a description or by a device.
    place : str
        Where it is written, for the message: `meters.M1.unit`.

    Raises
    ------
    UnitNotFound
        If neither the units nor the aliases have it; the message says the nearest name.
    """
    symbol = name if name in UNITS else _ALIASES.get(_fold(name))
    if symbol is None or _is_prefix_doubtful(name, symbol):
        raise UnitNotFound(place=place, name=name)
    return UNITS[symbol]


def conversion(source: str, target: str, *, place: str = "") -> float:
    """Return the factor that turns values in one unit into values in another.

    The factor is formed from exact ratios and rounded once.

    Parameters
    ----------
    source, target : str
        Units of one dimension.
    place : str
        Where they are written, for the message.

    Returns
    -------
    scale : float
        value [target] = scale x value [source].

    Raises
    ------
    UnitMismatch
        If the dimensions differ: kW for kWh, m3 for Nm3.
    UnitHasOffset
        If a factor alone cannot convert, as from °C to K.
    """
    scale, offset = _linear(source, target, place=place)
    if offset:
        raise UnitHasOffset(place=place, source=unit(source), target=unit(target))
    return float(scale)


def rate_conversion(source: str, target: str, *, place: str = "") -> float:
    """Return the amount that a rate of 1 makes in one hour: kW → kWh, kg/h → t.

    Parameters
    ----------
    source : str
        Unit of the rate.
    target : str
        Unit of the amount.
    place : str
        Where they are written, for the message.

    Returns
    -------
    scale : float
        amount [target] = scale x integral of the rate [source] over time [h].

    Raises
    ------
    UnitMismatch
        If the source is not a rate, or not one of the target.
    """
    rate, amount = unit(source, place=place), unit(target, place=place)
    dimension, base = AMOUNT_OF_RATE.get(rate.dimension, (None, Fraction(0)))
    if dimension != amount.dimension:
        raise UnitMismatch(place=place, source=rate, target=amount)
    return float(rate.scale * base / amount.scale)


def convert(
    values: npt.NDArray[np.float64], *, source: str, target: str, place: str = ""
) -> npt.NDArray[np.float64]:
    """Return values in another unit of their dimension, offset included.

    Parameters
    ----------
    values : (...) float64
        NaN stays NaN. [source]
    source, target : str
    place : str
        Where they are written, for the message.

    Returns
    -------
    values : (...) float64
        [target]

    Raises
    ------
    UnitMismatch
        If the dimensions differ.
    """
    scale, offset = _linear(source, target, place=place)
    return np.asarray(values, dtype=np.float64) * float(scale) + float(offset)


def _linear(source: str, target: str, *, place: str) -> tuple[Fraction, Fraction]:
    one, other = unit(source, place=place), unit(target, place=place)
    if one.dimension != other.dimension:
        raise UnitMismatch(place=place, source=one, target=other)
    return one.scale / other.scale, (one.offset - other.offset) / other.scale


def _at(place: str) -> str:
    return f"{place}: " if place else ""


def _words(dimension: Dimension) -> str:
    return dimension.replace("_", " ")


def _remedy(source: Unit, target: Unit) -> str:
    pair = {source.dimension, target.dimension}
    if any(pair == {rate, amount} for rate, (amount, _) in AMOUNT_OF_RATE.items()):
        return (
            "a rate becomes an amount over time; declare the point a gauge, or correct the unit "
            "to that of its register"
        )
    if pair in ({"volume", "standard_volume"}, {"volume_flow", "standard_volume_flow"}):
        return (
            "the state differs; correct the volume to 0 degC and 101.325 kPa with its temperature "
            "and pressure, or state which of the two the meter shows"
        )
    return "correct the unit of the point, or the carrier it measures"
