"""How many of the places that energy passes must have a meter, by its kind: GB 17167."""

from dataclasses import dataclass
from functools import cache
from typing import Literal, cast, get_args

from services.reference.files import ReferenceFileInvalid, load_tables, rows
from services.reference.records import Confidence

MeteringLevel = Literal["unit", "secondary", "equipment"]
METERING_LEVELS: tuple[MeteringLevel, ...] = get_args(MeteringLevel)
_FILE = "metering_rates.csv"


@dataclass(frozen=True, slots=True)
class MeteringRate:
    """What a kind of energy must have at each level (能源计量器具配备率).

    Attributes
    ----------
    carriers : tuple of str
        Codes of the carriers that count as this kind.
    required_share : dict of str to float or None
        By level, 0..1; None where the standard asks for none.
    confidence : str
        `recalled`: to be compared with the print before a report is filed.
    """

    code: str
    name_zh: str
    name_en: str
    carriers: tuple[str, ...]
    required_share: dict[MeteringLevel, float | None]
    source: str
    clause: str
    confidence: Confidence
    note: str


@cache
def metering_rates() -> tuple[MeteringRate, ...]:
    """Return the table, checked.

    Raises
    ------
    ReferenceFileInvalid
        If a row names a carrier that is none, one that another row has, or a share beyond 0..1.
    """
    taken: set[str] = set()
    rates = []
    for number, row in rows(_FILE):
        carriers = tuple(row["carriers"].split())
        unknown = [code for code in carriers if code not in load_tables().carriers or code in taken]
        if unknown or row["confidence"] not in get_args(Confidence) or not row["source"]:
            raise ReferenceFileInvalid(_FILE, number, f"carriers {unknown}, source or confidence")
        taken.update(carriers)
        shares = {level: _share(row[f"{level}_share"], number) for level in METERING_LEVELS}
        rates.append(
            MeteringRate(
                code=row["code"],
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                carriers=carriers,
                required_share=shares,
                source=row["source"],
                clause=row["clause"],
                confidence=cast("Confidence", row["confidence"]),
                note=row["note"],
            )
        )
    return tuple(rates)


def _share(text: str, number: int) -> float | None:
    if not text:
        return None
    share = float(text)
    if not 0.0 < share <= 1.0:
        raise ReferenceFileInvalid(_FILE, number, f"share {text} is not within 0..1")
    return share
