"""A block of results, and the one way in which rows of results are added up."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.digest import EMPTY, mix
from compute.grid import Float2D, Index2D, Int2D
from compute.quality import Quality
from compute.topology import Bool1D, Float1D, Index1D

Float3D = npt.NDArray[np.float64]

# Columns of `ResultBlock` that hold figures, in the order of `values`.
VALUE_COLUMNS = (
    "amount",
    "energy_kwh",
    "coal_equivalent_tce",
    "coal_equal_tce",
    "emission_direct_tco2e",
    "emission_purchased_tco2e",
)

_Q_MISSING = int(Quality.MISSING)
_Q_PARTIAL = int(Quality.PARTIAL)
_Q_FACTOR_MISSING = int(Quality.FACTOR_MISSING)
_Q_UNDEFINED = int(Quality.UNDEFINED)


@dataclass(frozen=True, slots=True)
class ResultBlock:
    """Results of series (rows) in intervals (columns), each field (s, k).

    Attributes
    ----------
    amount : float64
        In the unit of the series; NaN where it has none or it is not known.
    energy_kwh, coal_equivalent_tce, coal_equal_tce : float64
        Calorific energy, 当量值 and 等价值; NaN where there is none or it is invalid.
    emission_direct_tco2e, emission_purchased_tco2e : float64
        NaN where there is none or it is invalid.
    covered_us : int64
        How much of the interval every input covers. [µs]
    reading_count : int32
        Readings behind the row.
    quality : int32
        `Quality`.
    input_hash : int64
        Digest of the readings that the row may depend on.
    """

    amount: Float2D
    energy_kwh: Float2D
    coal_equivalent_tce: Float2D
    coal_equal_tce: Float2D
    emission_direct_tco2e: Float2D
    emission_purchased_tco2e: Float2D
    covered_us: Int2D
    reading_count: Index2D
    quality: Index2D
    input_hash: Int2D

    def values(self) -> Float3D:
        """Return a copy of the figures as (6, s, k), in the order of `VALUE_COLUMNS`."""
        return np.stack([getattr(self, name) for name in VALUE_COLUMNS], dtype=np.float64)

    def figures(self) -> tuple[Float2D, ...]:
        """Return the same as one array for each column, copied only where kernels could not read.

        They are to be read, not written.
        """
        return tuple(
            np.require(getattr(self, name), np.float64, ["C", "W"]) for name in VALUE_COLUMNS
        )

    def marks(self) -> "Marks":
        """Return what goes with the figures: to be read, not written."""
        return Marks.read(self.covered_us, self.reading_count, self.quality, self.input_hash)

    @classmethod
    def of(cls, values: Float3D, marks: "Marks") -> "ResultBlock":
        """Return the block of the figures (c, s, k), the first c of `VALUE_COLUMNS`, and marks.

        A figure that overflowed is none: it becomes NaN and UNDEFINED, an amount MISSING too.
        """
        overflown = np.isinf(values)
        if overflown.any():
            values = np.where(overflown, np.nan, values)
            reason = np.where(overflown.any(axis=0), _Q_UNDEFINED, 0)
            reason |= np.where(overflown[0], _Q_MISSING, 0)
            marks = marks._replace(quality=(marks.quality | reason).astype(np.int32))
        # Of columns that there are none of, no memory is filled.
        missing = np.broadcast_to(np.nan, values.shape[1:])
        padded = [*values, *(missing for _ in VALUE_COLUMNS[len(values) :])]
        return cls(
            amount=padded[0],
            energy_kwh=padded[1],
            coal_equivalent_tce=padded[2],
            coal_equal_tce=padded[3],
            emission_direct_tco2e=padded[4],
            emission_purchased_tco2e=padded[5],
            covered_us=marks.covered_us,
            reading_count=marks.reading_count,
            quality=marks.quality,
            input_hash=marks.input_hash.view(np.int64),
        )

    @classmethod
    def invalid(cls, row_count: int, interval_count: int) -> "ResultBlock":
        """Return a block of which no figure could be computed: nothing is 0, or what it was."""
        marks = Marks.blank(row_count, interval_count)
        marks.quality[:] = _Q_UNDEFINED | _Q_MISSING
        values = np.full((len(VALUE_COLUMNS), row_count, interval_count), np.nan)
        return cls.of(values, marks)

    @classmethod
    def concatenate(cls, blocks: Sequence["ResultBlock"]) -> "ResultBlock":
        """Return the rows of several blocks one after the other."""
        return cls(
            **{
                field.name: np.concatenate([getattr(block, field.name) for block in blocks])
                for field in fields(cls)
            }
        )


class Marks(NamedTuple):
    """What goes with the figures of each row and interval, each (s, k)."""

    covered_us: Int2D
    reading_count: Index2D
    quality: Index2D
    input_hash: npt.NDArray[np.uint64]

    @classmethod
    def blank(cls, row_count: int, interval_count: int) -> "Marks":
        """Return marks to be written: nothing covered, nothing read."""
        shape = (row_count, interval_count)
        return cls(
            np.zeros(shape, dtype=np.int64),
            np.zeros(shape, dtype=np.int32),
            np.zeros(shape, dtype=np.int32),
            np.full(shape, EMPTY, dtype=np.uint64),
        )

    @classmethod
    def read(
        cls, covered_us: Int2D, reading_count: Index2D, quality: Index2D, input_hash: Int2D
    ) -> "Marks":
        """Return the same, copied only where kernels could not read: not to be written."""
        return cls(
            np.require(covered_us, np.int64, ["C", "W"]),
            np.require(reading_count, np.int32, ["C", "W"]),
            np.require(quality, np.int32, ["C", "W"]),
            np.require(input_hash, np.int64, ["C", "W"]).view(np.uint64),
        )

    @classmethod
    def copied(
        cls, covered_us: Int2D, reading_count: Index2D, quality: Index2D, input_hash: Int2D
    ) -> "Marks":
        """Return writeable copies, so that kernels see one type whatever they are given."""
        return cls(
            np.array(covered_us, dtype=np.int64, order="C"),
            np.array(reading_count, dtype=np.int32, order="C"),
            np.array(quality, dtype=np.int32, order="C"),
            np.array(input_hash, dtype=np.int64, order="C").view(np.uint64),
        )


class Members(NamedTuple):
    """Row i is made of the rows row_index[k], times weight[k], for k in offset[i]:offset[i + 1]."""

    offset: Index1D
    row_index: Index1D
    weight: Float1D

    @classmethod
    def copied(
        cls, offset: npt.ArrayLike, index: npt.ArrayLike, weight: npt.ArrayLike
    ) -> "Members":
        """Return writeable copies, so that kernels see one type whatever they are given."""
        return cls(
            np.array(offset, dtype=np.int32),
            np.array(index, dtype=np.int32),
            np.array(weight, dtype=np.float64),
        )

    @classmethod
    def listed(cls, rows: Sequence[Sequence[tuple[int, float]]]) -> "Members":
        """Return the members given as one list of (index, weight) per row."""
        offset = np.cumsum([0, *(len(row) for row in rows)])
        pairs = [pair for row in rows for pair in row]
        return cls.copied(offset, [i for i, _ in pairs], [weight for _, weight in pairs])


def sum_rows(
    values: Float3D, marks: Marks, members: Members, *, needs_all: bool
) -> tuple[Float3D, Marks]:
    """Return weighted sums of rows.

    Parameters
    ----------
    values : (c, s, k) float64
        Figures. values[0] is the amount: where it is NaN the row is not known.
    marks : Marks
        (s, k).
    members : Members
        Of t rows.
    needs_all : bool
        Whether a sum with an unknown member is itself unknown (NaN, MISSING). Otherwise it is the
        sum of what is known, and says so (PARTIAL and MISSING).

    Returns
    -------
    values : (c, t, k) float64
        A figure that is NaN in a known member is NaN in the sum: it is invalid.
    marks : Marks
        (t, k). Covered is the least of the members', readings add up, qualities are joined.

    Notes
    -----
    Members are added in their order, whatever the values: the same input gives the same bits.
    """
    row_count = members.offset.size - 1
    total = np.zeros((values.shape[0], row_count, values.shape[2]), dtype=np.float64)
    total_marks = Marks.blank(row_count, values.shape[2])
    everything = np.full(row_count, needs_all, dtype=np.bool_)
    # Only without the compiler does numpy warn of the wrapping that the digest means.
    with np.errstate(over="ignore"):
        _sum_rows(
            np.require(values, np.float64, ["C", "W"]),
            marks,
            members,
            everything,
            total,
            total_marks,
        )
    return total, total_marks


def add_unlike(block: ResultBlock, rows: Sequence[int]) -> ResultBlock:
    """Return the sum of rows of several carriers, (1, k): it has no amount."""
    values = block.values()
    # Amounts of several carriers have no sum; here their place says which rows are known.
    values[0] = np.where(np.isnan(values).all(axis=0), np.nan, 0.0)
    members = Members.listed([[(row, 1.0) for row in rows]])
    total, total_marks = sum_rows(values, block.marks(), members, needs_all=False)
    total[0] = np.nan
    return ResultBlock.of(total, total_marks)


@kernel
def _sum_rows(
    values: Float3D,
    marks: Marks,
    members: Members,
    needs_all: Bool1D,
    total: Float3D,
    total_marks: Marks,
) -> None:
    column_count, row_count, interval_count = total.shape
    known = np.empty(interval_count, dtype=np.int64)
    # Member by member, each over all intervals: so that memory is read in its order.
    for row in range(row_count):
        begin, end = members.offset[row], members.offset[row + 1]
        covered_us, reading_count = total_marks.covered_us[row], total_marks.reading_count[row]
        quality, state = total_marks.quality[row], total_marks.input_hash[row]
        known[:] = 0
        for k in range(begin, end):
            i, weight = members.row_index[k], members.weight[k]
            covers_us, counted = marks.covered_us[i], marks.reading_count[i]
            bits, word, amount = marks.quality[i], marks.input_hash[i], values[0, i]
            for j in range(interval_count):
                covered_us[j] = covers_us[j] if k == begin else min(covered_us[j], covers_us[j])
                reading_count[j] += counted[j]
                quality[j] |= bits[j]
                state[j] = mix(state[j], word[j])
                known[j] += not np.isnan(amount[j])
            for column in range(column_count):
                figure, added = total[column, row], values[column, i]
                for j in range(interval_count):
                    # A sum from 0.0 is never -0.0, so what is not known changes no bit.
                    figure[j] += 0.0 if np.isnan(amount[j]) else weight * added[j]
        for j in range(interval_count):
            if known[j] == 0 or (needs_all[row] and known[j] < end - begin):
                for column in range(column_count):
                    total[column, row, j] = np.nan
                # There is no figure that a factor could be missing for.
                quality[j] = (quality[j] | _Q_MISSING) & ~_Q_FACTOR_MISSING
            elif known[j] < end - begin:
                quality[j] |= _Q_MISSING | _Q_PARTIAL
