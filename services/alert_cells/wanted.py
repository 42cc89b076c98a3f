"""What a part has to fill: a cell, and where its value goes."""

from collections.abc import Iterable
from typing import NamedTuple

from services.alert_rules.cells import Cell

# Rates are of the last minute, and of no other time.
LIVE = "live"
DEMAND = "demand_kw"
# Of which there is a demand.
ELECTRICITY = "electricity"


class Wanted(NamedTuple):
    """A cell, and its place among the values."""

    place: int
    cell: Cell


def of_measures(wanted: Iterable[Wanted], names: Iterable[str]) -> list[Wanted]:
    """Return those of some measures."""
    chosen = frozenset(names)
    return [one for one in wanted if one.cell.measure in chosen]
