"""Rows shared out over cores: all of them, once, and the same bits on however many there are."""

import threading
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute import cores
from compute.topology import Int1D
from tests.compute.readings import (
    amounts_of,
    any_readings,
    gauges,
    interval_points,
    lives,
    register_readings,
    registers,
)
from tests.compute.test_register import COUNT, same
from tests.twins.register import Point, Reading

counts = st.lists(st.integers(0, 400_000), max_size=40)
points = st.tuples(
    register_readings() | any_readings(),
    registers | gauges | interval_points | lives(registers | gauges | interval_points),
)


def offset_of(counts: Sequence[int]) -> Int1D:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)


class TestRuns:
    @given(counts=counts, count=st.integers(1, 64))
    def test_are_all_rows_in_order_and_no_more_than_cores(
        self, counts: list[int], count: int
    ) -> None:
        edges = cores.runs(offset_of(counts), cores=count)
        assert (edges[0], edges[-1]) == (0, len(counts))
        assert edges[1:-1] == sorted({*edges} - {0, len(counts)})
        assert 2 <= len(edges) <= count + 1

    @given(counts=counts, count=st.integers(1, 64))
    def test_hold_a_fair_share_each_and_one_row_more_at_most(
        self, counts: list[int], count: int
    ) -> None:
        offset = offset_of(counts)
        edges = cores.runs(offset, cores=count)
        fair = max(offset[-1] / count, 2 * cores.ELEMENTS_A_CORE_MIN)
        for first, last in pairwise(edges):
            assert offset[last] - offset[first] <= fair + max(counts, default=0) + 1


class TestShareOut:
    def test_keeps_to_its_own_thread_where_there_is_little_to_do(self) -> None:
        seen = []
        cores.share_out(
            lambda first, last: seen.append((first, last, threading.get_ident())),
            offset_of([10, 0, 20]),
        )
        assert seen == [(0, 3, threading.get_ident())]

    def test_raises_what_a_row_raised(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cores, "ELEMENTS_A_CORE_MIN", 1)
        monkeypatch.setattr(cores, "core_count", lambda: 4)

        def work(first: int, last: int) -> None:
            if first <= 2 < last:
                raise ValueError(first)

        with pytest.raises(ValueError, match="2"):
            cores.share_out(work, offset_of([5, 5, 5, 5]))

    @given(rows=st.lists(points, min_size=1, max_size=6), count=st.integers(2, 8))
    def test_gives_the_same_bits_on_any_number_of_cores(
        self, rows: list[tuple[list[Reading], Point]], count: int
    ) -> None:
        readings, described = [row for row, _ in rows], [point for _, point in rows]
        alone = amounts_of(readings, described, count=COUNT)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cores, "ELEMENTS_A_CORE_MIN", 1)
            patch.setattr(cores, "core_count", lambda: count)
            assert same(amounts_of(readings, described, count=COUNT), alone)
