"""Limits of energy per unit of product and levels of equipment, with their source and dates.

Three kinds: `norm` (能耗限额 levels 1, 2, 3 of a standard), `list` (标杆水平 and 基准水平 of the
list of key fields) and `equipment` (先进, 节能, 准入水平). A figure that was only recalled gives no
level until a plant description says who compared it with the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal, cast, get_args

from compute.units import UNITS, conversion, rate_conversion
from services.reference.files import ReferenceFileInvalid, day_of, rows
from services.reference.records import Confidence

LimitKind = Literal["norm", "list", "equipment"]
LEVEL_COUNT = 3
_FILE = "limits.csv"


@dataclass(frozen=True, slots=True)
class Quotient:
    """What a unit of unit consumption divides, in units that results are kept in.

    Attributes
    ----------
    energy : str
        What is counted: `coal` (comprehensive, 当量值), `electricity`, or `efficiency`, where the
        energy that is taken stands below the line.
    output_unit : str
        Unit of what it is per; kWh for `efficiency`.
    scale : float
        Value = scale x quotient, of tce, kWh and the output unit.
    """

    energy: Literal["coal", "electricity", "efficiency"]
    output_unit: str
    scale: float


@dataclass(frozen=True, slots=True)
class Correction:
    """A term that moves the levels with a parameter of the plant.

    Attributes
    ----------
    parameter : str
        Name that a plant description gives it by.
    reference : float
        Value that the printed levels are for.
    slope : tuple of float
        What one unit of the parameter adds to each level. [unit of the limit]
    """

    parameter: str
    reference: float
    slope: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """The levels of one product, process or type of equipment.

    Attributes
    ----------
    code : str
        Stable: plant descriptions name it.
    levels : tuple of float or None
        Best first; 标杆 and 基准 for a list.
    missing_zh, missing_en : str
        Corrections of the standard that are not on file; "" where none is known of.
    valid_from, valid_to : date or None
        Half-open; None is unbounded or not known.
    """

    code: str
    kind: LimitKind
    standard: str
    title_zh: str
    sector: str
    product_zh: str
    product_en: str
    indicator_zh: str
    indicator_en: str
    unit: str
    more_is_better: bool
    levels: tuple[float | None, ...]
    correction: Correction | None
    missing_zh: str
    missing_en: str
    valid_from: date | None
    valid_to: date | None
    source: str
    clause: str
    confidence: Confidence
    seen_in: str
    note: str

    def holds_at(self, at: date) -> bool:
        """Return whether the validity contains a date."""
        begun = self.valid_from is None or self.valid_from <= at
        return begun and (self.valid_to is None or at < self.valid_to)


@cache
def limits() -> Mapping[str, Limit]:
    """Return every limit by its code, checked.

    Raises
    ------
    ReferenceFileInvalid
        If a row has no source, no level, an unknown unit, confidence or kind, or a second code.
    """
    found: dict[str, Limit] = {}
    for number, row in rows(_FILE):
        limit = _limit(number, row)
        if limit.code in found:
            raise ReferenceFileInvalid(_FILE, number, f"{limit.code} is on file already")
        found[limit.code] = limit
    return found


def find_limits(text: str | None) -> list[Limit]:
    """Return the limits that have a text in their code, standard or names; all without one."""
    wanted = (text or "").casefold()
    return [limit for limit in limits().values() if wanted in _names(limit).casefold()]


def _names(limit: Limit) -> str:
    names = ("code", "standard", "title_zh", "product_zh", "product_en", "indicator_zh")
    return " ".join(getattr(limit, name) for name in (*names, "indicator_en"))


def _limit(number: int, row: dict[str, str]) -> Limit:
    levels = tuple(_number(row[f"level_{k}"]) for k in range(1, LEVEL_COUNT + 1))
    sound = (
        row["source"]
        and row["confidence"] in get_args(Confidence)
        and row["kind"] in get_args(LimitKind)
        and row["better"] in {"lower", "higher"}
        and any(level is not None for level in levels)
        and quotient_of(row["unit"]) is not None
    )
    if not sound:
        raise ReferenceFileInvalid(
            _FILE, number, "a limit needs a source, confidence, kind, levels and a known unit"
        )
    correction = None
    if row["correction"]:
        correction = Correction(
            parameter=row["correction"],
            reference=float(row["reference"]),
            slope=tuple(float(row[f"correction_{k}"]) for k in range(1, LEVEL_COUNT + 1)),
        )
    return Limit(
        code=row["code"],
        kind=cast("LimitKind", row["kind"]),
        standard=row["standard"],
        title_zh=row["title_zh"],
        sector=row["sector"],
        product_zh=row["product_zh"],
        product_en=row["product_en"],
        indicator_zh=row["indicator_zh"],
        indicator_en=row["indicator_en"],
        unit=row["unit"],
        more_is_better=row["better"] == "higher",
        levels=levels,
        correction=correction,
        missing_zh=row["missing_zh"],
        missing_en=row["missing_en"],
        valid_from=day_of(row["valid_from"]),
        valid_to=day_of(row["valid_to"]),
        source=row["source"],
        clause=row["clause"],
        confidence=cast("Confidence", row["confidence"]),
        seen_in=row["seen_in"],
        note=row["note"],
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def is_energy(unit: str) -> bool:
    """Return whether an output is energy, and counted so whatever carries it."""
    return UNITS[unit].dimension == "energy"


# What stands above the line, and what one of it is in tce or kWh.
_ENERGY: Mapping[str, tuple[Literal["coal", "electricity"], str]] = {
    **dict.fromkeys(("gce", "kgce", "tce", "kgoe", "toe", "GJ", "MJ"), ("coal", "tce")),
    **dict.fromkeys(("kWh", "MWh", "1e4kWh"), ("electricity", "kWh")),
}
_GRAM = {"gce": ("kgce", 1000.0)}


@cache
def quotient_of(unit: str) -> Quotient | None:
    """Return what a unit such as kgce/t, kW/(m3/min), % or W/W divides; None if it is no such.

    kgce, GJ and the like count all energy by its equivalent value; kWh counts electricity alone;
    % and W/W are useful energy over energy taken.
    """
    if unit in {"%", "W/W"}:
        return Quotient("efficiency", "kWh", 100.0 if unit == "%" else 1.0)
    top, _, bottom = unit.partition("/")
    if top == "kW" and bottom.startswith("(") and bottom.endswith("/min)"):
        # Power over a volume flow is energy over a volume.
        volume = bottom[1 : -len("/min)")]
        if volume not in UNITS:
            return None
        return Quotient("electricity", volume, rate_conversion("kW", "kWh") * 60.0)
    symbol, parts = _GRAM.get(top, (top, 1.0))
    if symbol not in _ENERGY or bottom not in UNITS:
        return None
    energy, kept = _ENERGY[symbol]
    return Quotient(energy, bottom, parts * conversion(kept, symbol))
