"""What arrived: judged, sorted and noted as plain Python would."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compute.arrivals import Fate, Lives, check_arrivals, first_arrivals, touched_rows
from compute.quality import Quality

NEVER = np.iinfo(np.int64).max
# Row 0 is exchanged for row 1 at 100, which ends at 200; row 2 has limits.
LIVES = Lives(
    from_us=np.array([0, 100, 10], dtype=np.int64),
    to_us=np.array([100, 200, NEVER], dtype=np.int64),
    next_row=np.array([1, -1, -1], dtype=np.int32),
    value_min=np.array([-np.inf, -np.inf, 0.0]),
    value_max=np.array([np.inf, np.inf, 10.0]),
)


class TestCheckArrivals:
    def test_names_the_first_fault_and_follows_an_exchanged_meter(self) -> None:
        cases = [
            (0, 50, 1.0, 0, Fate.GOOD),
            (0, 100, 1.0, 1, Fate.GOOD),
            (0, 250, 1.0, 1, Fate.RETIRED),
            (0, -1, np.nan, 0, Fate.EARLY),
            (2, 50, np.nan, 2, Fate.GOOD),
            (2, 50, 11.0, 2, Fate.UNPHYSICAL),
            (2, 50, -0.5, 2, Fate.UNPHYSICAL),
            (2, 151, -0.5, 2, Fate.FUTURE),
            (2, 5, 99.0, 2, Fate.EARLY),
            (2, 50, 12.0, 2, Fate.GOOD),  # its device does not stand by it
        ]
        row, fate, bad_count = check_arrivals(
            np.array([case[0] for case in cases], dtype=np.int32),
            np.array([case[1] for case in cases], dtype=np.int64),
            np.array([case[2] for case in cases]),
            np.array([Quality.SOURCE_BAD if case[2] == 12.0 else 0 for case in cases], np.int32),
            lives=LIVES,
            ts_us_max=150,
        )
        # What is retired is so even where it lies in the future.
        assert row.tolist() == [case[3] for case in cases]
        assert fate.tolist() == [case[4] for case in cases]
        assert bad_count == 6


class TestFirstArrivals:
    @given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=60))
    def test_are_as_a_stable_sort_has_them(self, keys: list[tuple[int, int]]) -> None:
        origin, repeat, repeat_of = first_arrivals(
            np.array([ts for ts, _ in keys], dtype=np.int64),
            np.array([point for _, point in keys], dtype=np.int32),
        )
        order = sorted(range(len(keys)), key=lambda place: keys[place])
        firsts = [
            place
            for index, place in enumerate(order)
            if index == 0 or keys[order[index - 1]] != keys[place]
        ]
        assert origin.tolist() == firsts
        assert repeat.tolist() == [place for place in order if place not in firsts]
        assert [keys[firsts[row]] for row in repeat_of] == [keys[place] for place in repeat]


class TestTouchedRows:
    @given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 7)), max_size=40))
    def test_have_their_first_and_last_instant(self, pairs: list[tuple[int, int]]) -> None:
        pairs.sort()
        rows, first_us, last_us = touched_rows(
            np.array([row for _, row in pairs], dtype=np.int32),
            np.array([ts for ts, _ in pairs], dtype=np.int64),
            row_count=8,
        )
        expected = {
            row: [ts for ts, other in pairs if other == row]
            for row in sorted({r for _, r in pairs})
        }
        assert rows.tolist() == list(expected)
        assert first_us.tolist() == [min(instants) for instants in expected.values()]
        assert last_us.tolist() == [max(instants) for instants in expected.values()]
