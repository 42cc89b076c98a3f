"""What a grid emits per MWh hour by hour, as a tenant stated it.

Statements are only ever added. Of an hour the last one decides that covers it, of the nearest place
that has one: province, grid, nation. An hour it leaves empty has the factor of its month or year.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from compute.periods import US_PER_HOUR
from compute.topology import Float1D

HOURLY_CARRIER = "electricity"
HOURLY_UNIT = "tCO2/MWh"
_PARAMETER = "emission_purchased"
_QUANTITY = "emission_purchased_tco2e"


@dataclass(frozen=True, slots=True)
class HourlyStatement:
    """Factors of successive hours of a place.

    Attributes
    ----------
    region : str
    start_us : int
        Start of the first hour. [µs since 1970 UTC]
    tco2_per_mwh : (h,) float64
        NaN of an hour that is not known.
    source : str
    sha256 : str
        Over everything above.
    stated_by : str
    """

    region: str
    start_us: int
    tco2_per_mwh: Float1D
    source: str
    sha256: str
    stated_by: str

    @property
    def end_us(self) -> int:
        """Return the end of the last hour. [µs since 1970 UTC]."""
        return self.start_us + US_PER_HOUR * self.tco2_per_mwh.size


class HourlyFactors:
    """The statements of a tenant, in the order in which they were made."""

    def __init__(self, statements: Iterable[HourlyStatement] = ()) -> None:
        self.statements = tuple(statements)

    def at(
        self, places: Sequence[str], ts_us: npt.NDArray[np.int64]
    ) -> tuple[Float1D, npt.NDArray[np.int32]]:
        """Return the factor of each instant, and which statement it is of.

        Parameters
        ----------
        places : sequence of str
            Where to look, nearest first.
        ts_us : (k,) int64

        Returns
        -------
        tco2_per_mwh : (k,) float64
            NaN where no statement covers the hour, or the one that does leaves it empty.
        number : (k,) int32
            Of the statement that decides; -1 where none does.
        """
        value = np.full(ts_us.shape, np.nan)
        number = np.full(ts_us.shape, -1, dtype=np.int32)
        if not ts_us.size:
            return value, number
        first_us, last_us = int(ts_us.min()), int(ts_us.max())
        for place in reversed(places):
            for index, statement in enumerate(self.statements):
                apart = statement.end_us <= first_us or last_us < statement.start_us
                if statement.region != place or apart:
                    continue
                hour = (ts_us - statement.start_us) // US_PER_HOUR
                inside = (hour >= 0) & (hour < statement.tco2_per_mwh.size)
                value[inside] = statement.tco2_per_mwh[hour[inside]]
                number[inside] = index
        return value, number


def with_hours(
    factor_use: dict[str, Any], statement: HourlyStatement, *, nearest: str
) -> dict[str, Any]:
    """Return what is kept of the factors used, with a statement in the place of the one value."""
    edition = f"hourly {statement.sha256[:12]}"
    line = {
        "carrier": HOURLY_CARRIER,
        "quantity": _QUANTITY,
        "factor": {
            "id": f"{HOURLY_CARRIER}.{_PARAMETER}@{edition}:{statement.region}",
            "carrier": HOURLY_CARRIER,
            "parameter": _PARAMETER,
            # One of each hour: the statement has them.
            "value": None,
            "unit": HOURLY_UNIT,
            "region": statement.region,
            "valid_from": None,
            "valid_to": None,
            "edition": edition,
            "rule_set": "default",
            "source": statement.source,
            "clause": "",
            "confidence": "own",
            "basis": "",
            "confirmed_by": statement.stated_by,
            "sha256": statement.sha256,
        },
        "how": "hourly" if statement.region == nearest else "hourly+regional_fallback",
    }
    used = [item for item in factor_use["used"] if not _is_of_grid(item)]
    missing = [item for item in factor_use["missing"] if not _is_of_grid(item)]
    return {"used": [*used, line], "missing": missing}


def with_lacking_hours(factor_use: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of the factors used, marked: one value stands in for that of the hour."""
    used = [
        {**item, "how": f"{item['how']}+hour_lacking"} if _is_of_grid(item) else item
        for item in factor_use["used"]
    ]
    return {**factor_use, "used": used}


def _is_of_grid(line: dict[str, Any]) -> bool:
    return (line["carrier"], line["quantity"]) == (HOURLY_CARRIER, _QUANTITY)
