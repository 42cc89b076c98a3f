"""Roll-ups: what is missing stays visible, what is invalid stays invalid."""

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.block import VALUE_COLUMNS, ResultBlock
from compute.quality import Quality
from compute.rollup import GroupsMisshapen, rollup
from tests.twins import rollup as twin
from tests.twins.digest import digest, signed

NAN = math.nan


def block(
    amount: list[float], quality: list[int], energy: list[float] | None = None
) -> ResultBlock:
    size = len(amount)
    columns = {name: np.full((1, size), NAN) for name in VALUE_COLUMNS}
    columns["amount"] = np.array([amount])
    columns["energy_kwh"] = np.array([amount if energy is None else energy])
    return ResultBlock(
        **columns,
        covered_us=np.full((1, size), 10, dtype=np.int64),
        reading_count=np.full((1, size), 3, dtype=np.int32),
        quality=np.array([quality], dtype=np.int32).reshape(1, size),
        input_hash=np.arange(size, dtype=np.int64).reshape(1, size) - 5,
    )


CELLS = st.lists(
    st.tuples(
        st.floats(-1e6, 1e6) | st.just(NAN),
        st.sampled_from(
            [
                0,
                Quality.MISSING,
                Quality.FACTOR_MISSING,
                Quality.OPEN,
                Quality.QOS0,
                Quality.UNDEFINED,
                Quality.UNDEFINED | Quality.MISSING,
            ]
        ),
    ),
    max_size=12,
)


class TestRollup:
    @given(cells=CELLS, cuts=st.lists(st.integers(0, 12), max_size=5))
    def test_equals_the_slow_twin(self, cells: list[tuple[float, int]], cuts: list[int]) -> None:
        size = len(cells)
        offset = [0, *sorted(min(cut, size) for cut in cuts), size]
        values, qualities = [value for value, _ in cells], [int(mask) for _, mask in cells]
        source = block(values, qualities)
        found = rollup(source, offset)
        for group in range(len(offset) - 1):
            cut = slice(offset[group], offset[group + 1])
            expected = twin.figure(values[cut], qualities[cut], is_amount=True)
            energy = twin.figure(values[cut], qualities[cut], is_amount=False)
            assert np.array_equal(found.amount[0, group], expected, equal_nan=True)
            assert np.array_equal(found.energy_kwh[0, group], energy, equal_nan=True)
            assert math.isnan(found.coal_equal_tce[0, group])
            assert found.quality[0, group] == twin.quality(qualities[cut])
            assert found.covered_us[0, group] == 10 * len(qualities[cut])
            assert found.reading_count[0, group] == 3 * len(qualities[cut])
            words = source.input_hash[0, cut].tolist()
            assert found.input_hash[0, group] == signed(digest(words))

    @given(cells=CELLS)
    def test_of_days_is_that_of_hours(self, cells: list[tuple[float, int]]) -> None:
        size = len(cells)
        source = block([value for value, _ in cells], [int(mask) for _, mask in cells])
        at_once = rollup(source, [0, size])
        middle = size // 2
        if middle == 0:
            return
        in_steps = rollup(rollup(source, [0, middle, size]), [0, 2])
        assert np.allclose(at_once.energy_kwh, in_steps.energy_kwh, rtol=1e-12, equal_nan=True)
        assert (at_once.covered_us == in_steps.covered_us).all()

    def test_shows_that_one_of_four_quarters_is_missing(self) -> None:
        found = rollup(block([1.0, NAN, 2.0, 3.0], [0, int(Quality.MISSING), 0, 0]), [0, 4])
        assert found.amount[0, 0] == 6.0
        assert found.quality[0, 0] == Quality.MISSING | Quality.PARTIAL

    def test_is_missing_when_all_is_missing(self) -> None:
        found = rollup(block([NAN, NAN], [int(Quality.MISSING)] * 2), [0, 2])
        assert math.isnan(found.amount[0, 0])
        assert found.quality[0, 0] == Quality.MISSING

    def test_is_invalid_when_one_quarter_lacks_a_factor(self) -> None:
        source = block([1.0, 2.0], [0, int(Quality.FACTOR_MISSING)], energy=[1.0, NAN])
        found = rollup(source, [0, 2])
        assert found.amount[0, 0] == 3.0
        assert math.isnan(found.energy_kwh[0, 0])
        assert found.quality[0, 0] == Quality.FACTOR_MISSING

    def test_of_nothing_is_missing(self) -> None:
        found = rollup(block([1.0], [0]), [0, 0, 1])
        assert found.quality[0].tolist() == [Quality.MISSING, 0]
        assert rollup(block([], []), [0]).amount.shape == (1, 0)

    def test_gives_the_same_bits_again(self) -> None:
        source = block([0.1 * i for i in range(96)], [0] * 96)
        a, b = rollup(source, [0, 4, 96]), rollup(source, [0, 4, 96])
        for column in fields(a):
            assert getattr(a, column.name).tobytes() == getattr(b, column.name).tobytes()

    @pytest.mark.parametrize("offset", [[-1, 2], [0, 3], [2, 1]])
    def test_refuses_groups_outside_the_block(self, offset: list[int]) -> None:
        with pytest.raises(GroupsMisshapen, match="the block has 2"):
            rollup(block([1.0, 2.0], [0, 0]), offset)
