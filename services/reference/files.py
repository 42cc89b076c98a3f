"""The data files as frozen records, read once per process."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Literal, cast, get_args

from compute.errors import NengtanError
from services.reference.records import Confidence, Factor

FACTOR_FILES = ("factors.csv", "grid_factors.csv", "gwp.csv", "constants.csv")
RECALLED_REASON = "recalled, not seen in a public source"


class ReferenceFileInvalid(NengtanError):
    """A data file of the package breaks its own rules."""

    def __init__(self, file: str, row: int, fault: str) -> None:
        super().__init__(f"services/reference/data/{file} row {row}: {fault}")


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier of energy that a plant description can name.

    Attributes
    ----------
    code, name_zh, name_en, kind : str
    unit : str
        That amounts and factors are per.
    burns : bool
        Whether using it as energy gives off its carbon as CO2.
    purchased : str
        Where the emission of buying it comes from: its own `factor`, `heat`, or `none` (0).
    equal : str
        Whose equal value (等价值) it has: that of `electricity`, or its own `equivalent` value.
    emission_proxy : str
        Carrier whose carbon chain stands in for its own; "" for none.
    f1 : str
        Carrier of the governing guide that this one answers; "" for the finer ones.
    """

    code: str
    name_zh: str
    name_en: str
    kind: str
    unit: str
    burns: bool
    purchased: Literal["factor", "heat", "none"]
    equal: Literal["electricity", "equivalent"]
    emission_proxy: str
    f1: str


@dataclass(frozen=True, slots=True)
class Region:
    """A place that factors are published for; `parent` is the next wider one."""

    code: str
    name_zh: str
    name_en: str
    level: Literal["national", "grid", "province"]
    parent: str
    note: str


@dataclass(frozen=True, slots=True)
class Gas:
    """A greenhouse gas or blend; its warming potentials are factors under its code."""

    code: str
    formula: str
    name_zh: str
    name_en: str
    family: str


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything in the data files."""

    carriers: dict[str, Carrier]
    regions: dict[str, Region]
    gases: dict[str, Gas]
    factors: tuple[Factor, ...]


@cache
def load_tables() -> Tables:
    """Return the data files, checked.

    Raises
    ------
    ReferenceFileInvalid
        If a row has no source, an unknown confidence, a bad number or date, or a second id.
    """
    carriers = {
        row["code"]: Carrier(
            code=row["code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            kind=row["kind"],
            unit=row["unit"],
            burns=row["burns"] == "yes",
            purchased=cast('Literal["factor", "heat", "none"]', row["purchased"]),
            equal=cast('Literal["electricity", "equivalent"]', row["equal"]),
            emission_proxy=row["emission_proxy"],
            f1=row["f1"],
        )
        for _, row in rows("carriers.csv")
    }
    regions = {
        row["code"]: Region(
            code=row["code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            level=cast('Literal["national", "grid", "province"]', row["level"]),
            parent=row["parent"],
            note=row["note"],
        )
        for _, row in rows("regions.csv")
    }
    gases = {row["code"]: Gas(**row) for _, row in rows("gases.csv")}
    return Tables(carriers=carriers, regions=regions, gases=gases, factors=_factors())


def _factors() -> tuple[Factor, ...]:
    found: dict[str, Factor] = {}
    for file in FACTOR_FILES:
        for number, row in rows(file):
            factor = _factor(file, number, row)
            if factor.id in found:
                raise ReferenceFileInvalid(file, number, f"{factor.id} is on file already")
            found[factor.id] = factor
    return tuple(found.values())


def _factor(file: str, number: int, row: dict[str, str]) -> Factor:
    if not row["source"] or row["confidence"] not in get_args(Confidence):
        raise ReferenceFileInvalid(file, number, "a factor needs a source and a confidence")
    try:
        value = float(row["value"])
        valid_from, valid_to = day_of(row["valid_from"]), day_of(row["valid_to"])
    except ValueError as error:
        raise ReferenceFileInvalid(file, number, str(error)) from error
    region = row["region"] or None
    name = f"{row['carrier']}.{row['parameter']}@{row['edition']}"
    recalled = row["confidence"] == "recalled"
    return Factor(
        id=f"{name}:{region}" if region else name,
        carrier=row["carrier"],
        parameter=row["parameter"],
        value=value,
        unit=row["unit"],
        region=region,
        valid_from=valid_from,
        valid_to=valid_to,
        edition=row["edition"],
        rule_set=row["rule_set"],
        source=row["source"],
        clause=row["clause"],
        confidence=cast("Confidence", row["confidence"]),
        basis=row["basis"],
        seen_in=row["seen_in"],
        note=row["note"],
        active=not recalled,
        inactive_reason=RECALLED_REASON if recalled else "",
    )


def day_of(text: str) -> date | None:
    """Return a date as the files write it; "" is none."""
    return date.fromisoformat(text) if text else None


def rows(file: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a data file with their line, from 2."""
    path = resources.files("services.reference") / "data" / file
    lines = path.read_text(encoding="utf-8").splitlines()
    yield from enumerate(csv.DictReader(lines), start=2)
