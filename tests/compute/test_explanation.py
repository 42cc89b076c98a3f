"""Why an emission changed: the effects against all orders, and what must hold of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.explanation import Explanation, explain_change
from tests.twins import explanation as twin

NAN = math.nan
amounts = st.one_of(
    st.just(0.0),
    st.floats(0.01, 1e5).map(lambda x: round(x, 4)),
    st.floats(-1e4, -0.01).map(lambda x: round(x, 4)),
)
parts = st.lists(st.tuples(amounts, amounts, amounts, amounts), min_size=1, max_size=6)
outputs = st.tuples(*(st.sampled_from([0.0, NAN, 1.0, 120.0, 133.7, 1e4]) for _ in range(2)))


def explained(rows: list[tuple[float, ...]], output: tuple[float, float]) -> Explanation:
    columns = np.array(rows, dtype=np.float64).T.reshape(4, len(rows))
    return explain_change(columns[:2], emission=columns[2:], output=output)


def size_of(found: Explanation, rows: list[tuple[float, ...]]) -> float:
    """Return the largest figure of all: what a rounding error is small beside."""
    return max(float(np.nanmax(np.abs(np.array(found)))), *(abs(v) for r in rows for v in r), 1e-9)


class TestAnExplanation:
    @given(rows=parts, output=outputs)
    def test_is_the_mean_over_all_orders(
        self, rows: list[tuple[float, ...]], output: tuple[float, float]
    ) -> None:
        found = explained(rows, output)
        columns = list(zip(*rows, strict=True))
        expected = twin.explain((columns[0], columns[1]), (columns[2], columns[3]), output)
        np.testing.assert_allclose(
            np.array(found[:4]).T, expected, rtol=1e-9, atol=1e-9 * size_of(found, rows)
        )

    @given(rows=parts, output=outputs)
    def test_adds_up_to_the_change(
        self, rows: list[tuple[float, ...]], output: tuple[float, float]
    ) -> None:
        found = explained(rows, output)
        total = sum(found[:4])
        np.testing.assert_allclose(total, found.change, rtol=0, atol=1e-9 * size_of(found, rows))
        assert found.change.tolist() == [row[3] - row[2] for row in rows]

    @given(rows=parts, output=outputs)
    def test_knows_no_order_of_parts(
        self, rows: list[tuple[float, ...]], output: tuple[float, float]
    ) -> None:
        order = np.random.default_rng(len(rows)).permutation(len(rows))
        found = explained(rows, output)
        shuffled = explained([rows[i] for i in order], output)
        np.testing.assert_allclose(
            np.array(shuffled),
            np.array(found)[:, order],
            rtol=0,
            atol=1e-9 * size_of(found, rows),
        )

    @given(rows=parts, output=outputs, scale=st.sampled_from([0.5, 1000.0, 3.6]))
    def test_scales_with_the_emission_and_not_with_units_of_energy_or_output(
        self, rows: list[tuple[float, ...]], output: tuple[float, float], scale: float
    ) -> None:
        found = explained(rows, output)
        other = explained(
            [(a * scale, b * scale, c * 7.0, d * 7.0) for a, b, c, d in rows],
            (output[0] * 3.0, output[1] * 3.0),
        )
        np.testing.assert_allclose(
            np.array(other), 7.0 * np.array(found), rtol=0, atol=1e-8 * size_of(found, rows)
        )

    @given(rows=parts, output=outputs)
    def test_explains_the_way_back_by_the_opposite(
        self, rows: list[tuple[float, ...]], output: tuple[float, float]
    ) -> None:
        there = explained(rows, output)
        back = explained([(b, a, d, c) for a, b, c, d in rows], (output[1], output[0]))
        np.testing.assert_allclose(
            -np.array(back), np.array(there), rtol=0, atol=1e-9 * size_of(there, rows)
        )

    @pytest.mark.parametrize(
        ("rows", "output", "effects"),
        [
            # Twice the output, all else the same.
            ([(100, 200, 50, 100)], (10, 20), (50, 0, 0, 0)),
            # The same output takes half as much again.
            ([(100, 150, 50, 75)], (10, 10), (0, 25, 0, 0)),
            # Another factor.
            ([(100, 100, 50, 60)], (10, 10), (0, 0, 0, 10)),
            # Half the coal gives way to power: 100 kWh each of 0.4 and 0.5.
            ([(200, 100, 80, 40), (0, 100, 0, 50)], (10, 10), (0, 0, 10, 0)),
            # Without output the volume is the energy.
            ([(100, 150, 50, 75)], (NAN, 10), (25, 0, 0, 0)),
            # From nothing to something.
            ([(0, 100, 0, 50)], (NAN, NAN), (50, 0, 0, 0)),
            # A process without energy is the factor's.
            ([(0, 0, 10, 12), (100, 100, 5, 5)], (1, 1), (0, 0, 0, 2)),
            # What is sold offsets less than before.
            ([(100, 100, 50, 50), (-20, -20, -10, -8)], (1, 1), (0, 0, 0, 2)),
            # Nothing at all.
            ([(0, 0, 0, 0)], (1, 1), (0, 0, 0, 0)),
        ],
    )
    def test_of_one_thing_names_it(
        self,
        rows: list[tuple[float, ...]],
        output: tuple[float, float],
        effects: tuple[float, ...],
    ) -> None:
        found = explained(rows, output)
        assert [float(of.sum()) for of in found[:4]] == pytest.approx(effects, abs=1e-9)

    def test_of_two_things_shares_what_both_did(self) -> None:
        # 10 x 1 to 20 x 2: volume alone would do 10, intensity alone 10, both together 30.
        found = explained([(10, 40, 10, 40)], (10, 20))
        assert [float(of[0]) for of in found[:4]] == pytest.approx([15, 15, 0, 0])

    def test_leaves_out_what_is_not_known(self) -> None:
        found = explained([(100, 200, 50, 100), (NAN, 5, 1, 2), (5, 5, 1, NAN)], (10, 20))
        assert np.isnan(np.array(found)).tolist() == [[False, True, True]] * 5
        assert found.volume[0] == pytest.approx(50)

    def test_of_nothing_is_nothing(self) -> None:
        found = explain_change(np.zeros((2, 0)), emission=np.zeros((2, 0)), output=(1, 1))
        assert found.change.shape == (0,)
