"""Sides of units: sums of the rows that they count, and nothing of the others."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compute.benchmark_sides import Parts, Side, add_sides
from compute.block import VALUE_COLUMNS, ResultBlock
from compute.quality import Quality

Part = tuple[int, int, int, int, float]
ROWS, PERIODS, UNITS = 4, 3, 3

part = st.tuples(
    st.integers(0, UNITS - 1),
    st.integers(0, ROWS - 1),
    st.integers(0, len(Side) - 1),
    st.integers(0, len(VALUE_COLUMNS) - 1),
    st.sampled_from([1.0, -1.0, 0.001]),
)
figures = st.lists(
    st.integers(-100, 100).map(float) | st.just(math.nan),
    min_size=len(VALUE_COLUMNS) * ROWS * PERIODS,
    max_size=len(VALUE_COLUMNS) * ROWS * PERIODS,
)


def block_of(values: list[float]) -> ResultBlock:
    shape = (ROWS, PERIODS)
    columns = np.array(values).reshape(len(VALUE_COLUMNS), *shape)
    marks = np.arange(ROWS * PERIODS).reshape(shape)
    return ResultBlock(
        **dict(zip(VALUE_COLUMNS, columns, strict=True)),
        covered_us=marks.astype(np.int64),
        reading_count=marks.astype(np.int32),
        quality=(marks % 2 * int(Quality.HELD)).astype(np.int32),
        input_hash=marks.astype(np.int64),
    )


def parts_of(rows: list[Part]) -> Parts:
    columns = [[row[k] for row in rows] for k in range(5)]
    unit, row, side, column = (np.array(column, dtype=np.int32) for column in columns[:4])
    return Parts(unit, row, side, column, np.array(columns[4], dtype=np.float64))


@given(figures, st.lists(part, max_size=10))
def test_sides_are_the_sums_of_their_parts(values: list[float], rows: list[Part]) -> None:
    block = block_of(values)
    found = add_sides(block, parts_of(rows), unit_count=UNITS)
    for unit in range(UNITS):
        own = [row for row in rows if row[0] == unit]
        for period in range(PERIODS):
            for side in Side:
                terms = [
                    row[4] * float(getattr(block, VALUE_COLUMNS[row[3]])[row[1], period])
                    for row in own
                    if row[2] == side
                ]
                total = sum(terms) if terms else math.nan
                assert np.isclose(found.amount[side, unit, period], total, equal_nan=True)
            covered = [int(block.covered_us[row[1], period]) for row in own]
            assert found.covered_us[unit, period] == min(covered, default=0)
            bits = {int(block.quality[row[1], period]) for row in own}
            assert found.quality[unit, period] == (max(bits) if bits else 0)
