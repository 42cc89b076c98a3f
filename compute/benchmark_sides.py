"""Numerator and denominator of units to benchmark, added up from stored results."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from compute.block import Float3D, ResultBlock
from compute.grid import Index2D, Int2D
from compute.topology import Float1D, Index1D


class Side(IntEnum):
    """What a part adds to."""

    TOP = 0
    BOTTOM = 1
    TCE = 2  # what the energy is worth [tce]
    EMISSION = 3  # [tCO2e]


class Parts(NamedTuple):
    """What the sides of units are made of, each (p,).

    Attributes
    ----------
    unit, row : int32
        Unit, and row of the block that it counts.
    side : int32
        `Side`.
    column : int32
        Of `compute.block.VALUE_COLUMNS`.
    weight : float64
    """

    unit: Index1D
    row: Index1D
    side: Index1D
    column: Index1D
    weight: Float1D


class Sides(NamedTuple):
    """Sums of u units in k periods.

    Attributes
    ----------
    amount : (4, u, k) float64
        Rows as `Side`; NaN where nothing is counted, or a part is not known.
    covered_us : (u, k) int64
        How much of the period every part covers. [µs]
    quality : (u, k) int32
        Bits of all parts.
    """

    amount: Float3D
    covered_us: Int2D
    quality: Index2D

    def periods(self, chosen: slice) -> "Sides":
        """Return some of the periods."""
        return Sides(
            amount=self.amount[:, :, chosen],
            covered_us=self.covered_us[:, chosen],
            quality=self.quality[:, chosen],
        )


def add_sides(block: ResultBlock, parts: Parts, *, unit_count: int) -> Sides:
    """Return the sides of every unit.

    Parameters
    ----------
    block : ResultBlock
        (s, k).
    parts : Parts
    unit_count : int

    Returns
    -------
    sides : Sides
        Parts are added in their order: the same input gives the same bits.
    """
    period_count = block.amount.shape[1]
    amount = np.full((len(Side), unit_count, period_count), np.nan)
    amount[parts.side, parts.unit] = 0.0
    values = block.values()[parts.column, parts.row]
    np.add.at(amount, (parts.side, parts.unit), parts.weight[:, np.newaxis] * values)
    covered_us = np.full((unit_count, period_count), np.iinfo(np.int64).max)
    np.minimum.at(covered_us, parts.unit, block.covered_us[parts.row])
    covered_us[~np.isin(np.arange(unit_count), parts.unit)] = 0
    quality = np.zeros((unit_count, period_count), dtype=np.int32)
    np.bitwise_or.at(quality, parts.unit, block.quality[parts.row])
    return Sides(amount, covered_us, quality)
