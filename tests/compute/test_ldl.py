"""The sparse factorization: against full matrices, on graphs with loops, hubs and gaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.grid import Float2D
from compute.ldl import factorize, inverse_norm, invert_on_pattern, solve_lower, solve_upper
from compute.ordering import Pattern, order_and_pattern
from compute.topology import Float1D


@st.composite
def matrices(draw: st.DrawFn) -> Float2D:
    """Draw a sparse symmetric positive definite matrix."""
    size = draw(st.integers(1, 12))
    row = st.integers(0, size - 1)
    entries = draw(st.lists(st.tuples(row, row, st.sampled_from([-1.0, 0.5, 2.0])), max_size=20))
    matrix = np.eye(size) * 0.25
    for i, j, value in entries:
        step = np.zeros(size)
        step[i] += 1.0
        step[j] += value
        matrix += np.outer(step, step)
    return matrix


def factored(matrix: Float2D) -> tuple[Float2D, Pattern, Float1D, int]:
    """Return the matrix in the order of elimination, its pattern and its factor."""
    size = len(matrix)
    order, pattern = order_and_pattern(
        [set(np.flatnonzero(matrix[i]).tolist()) - {i} for i in range(size)]
    )
    ordered = matrix[np.ix_(order, order)]
    columns = np.repeat(np.arange(size), np.diff(pattern.column_offset))
    value = np.concatenate([ordered.diagonal(), ordered[pattern.row_index, columns]])
    vanished = factorize(pattern, value, np.zeros(size), 1e-12)
    return ordered, pattern, value, vanished


class TestFactorize:
    @given(matrices(), st.lists(st.integers(-9, 9).map(float), min_size=12, max_size=12))
    def test_solves_as_a_full_matrix_does(self, matrix: Float2D, numbers: list[float]) -> None:
        ordered, pattern, value, vanished = factored(matrix)
        right = np.array(numbers[: len(matrix)])
        expected = np.linalg.solve(ordered, right)
        found = right.copy()
        solve_lower(pattern, value, found)
        solve_upper(pattern, value, found)
        assert vanished == 0
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
        everything = np.arange(len(matrix), dtype=np.int32)
        vector = right.copy()
        norm = inverse_norm(pattern, value, vector, everything)
        assert norm == pytest.approx(right @ expected, rel=1e-9, abs=1e-9)
        assert not vector.any()

    @given(matrices())
    def test_inverts_on_the_pattern(self, matrix: Float2D) -> None:
        ordered, pattern, value, _ = factored(matrix)
        size = len(matrix)
        inverse = np.empty_like(value)
        work = np.full(size, np.nan)
        invert_on_pattern(pattern, value, work, np.empty(size), inverse)
        full = np.linalg.inv(ordered)
        columns = np.repeat(np.arange(size), np.diff(pattern.column_offset))
        assert inverse[:size] == pytest.approx(full.diagonal(), rel=1e-9, abs=1e-9)
        assert inverse[size:] == pytest.approx(full[pattern.row_index, columns], rel=1e-9, abs=1e-9)
        assert np.isnan(work).all()

    def test_counts_rows_that_depend_on_others(self) -> None:
        closed = np.array([[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0], [-1.0, -1.0, 2.0]])
        assert factored(closed)[3] == 1


class TestOrder:
    def test_fills_nothing_in_a_tree_and_leaves_the_hub_to_the_end(self) -> None:
        count = 2000
        neighbours: list[set[int]] = [set() for _ in range(count + 1)]
        for leaf in range(1, count + 1):
            neighbours[leaf].add(0)
            neighbours[0].add(leaf)
        order, pattern = order_and_pattern(neighbours)
        # A hub with one leaf left is a leaf like that one.
        assert 0 in order[-2:]
        assert pattern.row_index.size == count

    @given(matrices())
    def test_names_each_column_by_its_parent_first(self, matrix: Float2D) -> None:
        _, pattern, _, _ = factored(matrix)
        for column in range(len(matrix)):
            rows = pattern.row_index[
                pattern.column_offset[column] : pattern.column_offset[column + 1]
            ]
            assert (np.diff(rows) > 0).all()
            assert (rows > column).all()
