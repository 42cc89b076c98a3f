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


def meshed(seed: int, *, singular: bool = False) -> Float2D:
    """Return 60 rows of chains that hang on 40 rows which are all joined."""
    random = np.random.default_rng(seed)
    ends = [(i, j) for i in range(40) for j in range(i)]
    ends += [(i, int(random.integers(0, i))) for i in range(40, 100)]
    matrix = np.zeros((100, 100))
    for i, j in ends:
        weight = random.uniform(0.5, 2.0)
        matrix[[i, j], [i, j]] += weight
        matrix[[i, j], [j, i]] -= weight
    if not singular:
        matrix += np.diag(random.uniform(0.1, 1.0, 100))
    return matrix


class TestFullColumns:
    @pytest.mark.parametrize("seed", range(5))
    def test_are_factored_and_inverted_as_a_full_matrix_is(self, seed: int) -> None:
        ordered, pattern, value, vanished = factored(meshed(seed))
        assert vanished == 0
        assert (np.diff(pattern.column_offset) >= 24).any()
        right = np.random.default_rng(seed).standard_normal(100)
        found = right.copy()
        solve_lower(pattern, value, found)
        solve_upper(pattern, value, found)
        assert found == pytest.approx(np.linalg.solve(ordered, right), rel=1e-9, abs=1e-9)
        inverse, work = np.empty_like(value), np.full(100, np.nan)
        invert_on_pattern(pattern, value, work, np.empty(100), inverse)
        full = np.linalg.inv(ordered)
        columns = np.repeat(np.arange(100), np.diff(pattern.column_offset))
        assert inverse[:100] == pytest.approx(full.diagonal(), rel=1e-9, abs=1e-9)
        assert inverse[100:] == pytest.approx(full[pattern.row_index, columns], rel=1e-9, abs=1e-9)
        assert np.isnan(work).all()

    @pytest.mark.parametrize("seed", range(5))
    def test_that_depend_on_others_vanish(self, seed: int) -> None:
        ordered, pattern, value, vanished = factored(meshed(seed, singular=True))
        assert vanished == 1
        gone = int(np.flatnonzero(value[:100] == 0.0)[0])
        inverse, work = np.empty_like(value), np.full(100, np.nan)
        invert_on_pattern(pattern, value, work, np.empty(100), inverse)
        kept = np.arange(100) != gone
        full = np.linalg.inv(ordered[np.ix_(kept, kept)])
        assert inverse[:100][kept] == pytest.approx(full.diagonal(), rel=1e-7, abs=1e-9)
        assert inverse[gone] == 0.0


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
