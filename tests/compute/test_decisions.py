"""Readings as people decided about them; the readings themselves stay."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.decisions import Action, Decisions, decided
from compute.quality import Quality
from tests.compute.readings import START_US, every, readings_of
from tests.twins.register import Reading

Decision = tuple[int, int, Action, float]


def of(decisions: Sequence[Decision]) -> Decisions:
    return Decisions(
        row=np.array([row for row, _, _, _ in decisions], dtype=np.int64),
        ts_us=np.array([at for _, at, _, _ in decisions], dtype=np.int64),
        action=np.array([action for _, _, action, _ in decisions], dtype=np.int32),
        value=np.array([value for _, _, _, value in decisions], dtype=np.float64),
    )


def twin(rows: Sequence[Sequence[Reading]], decisions: Sequence[Decision]) -> list[list[Reading]]:
    """Return the readings as decided: for each instant the last decision, in words."""
    found = []
    for row, readings in enumerate(rows):
        by_instant = {reading.ts_us: reading for reading in readings}
        for at in {at for r, at, _, _ in decisions if r == row}:
            action, value = [(a, v) for r, when, a, v in decisions if (r, when) == (row, at)][-1]
            old = by_instant.get(at)
            if action == Action.REPLACE:
                by_instant[at] = Reading(at, value, int(Quality.CORRECTED))
            elif old is not None and action == Action.ACCEPT:
                by_instant[at] = Reading(at, old.value, old.quality | int(Quality.ACCEPTED))
            elif old is not None:
                by_instant[at] = Reading(at, math.nan, old.quality | int(Quality.CORRECTED))
        found.append(sorted(by_instant.values(), key=lambda reading: reading.ts_us))
    return found


instants = st.integers(START_US, START_US + 5)
rows_of = st.lists(
    st.dictionaries(instants, st.floats(0, 9), max_size=5).map(
        lambda known: [Reading(at, known[at], int(Quality.QOS0)) for at in sorted(known)]
    ),
    min_size=1,
    max_size=3,
)


class TestDecided:
    @given(rows=rows_of, data=st.data())
    def test_is_what_the_twin_says(self, rows: list[list[Reading]], data: st.DataObject) -> None:
        one = st.tuples(
            st.integers(0, len(rows) - 1), instants, st.sampled_from(list(Action)), st.floats(0, 9)
        )
        decisions = data.draw(st.lists(one, max_size=6))
        given_ = readings_of(rows)
        before = given_.value.tobytes()
        found = decided(given_, of(decisions))
        wanted = readings_of(twin(rows, decisions))
        for name in ("point_offset", "ts_us", "value", "quality"):
            np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), name)
        assert given_.value.tobytes() == before

    def test_is_the_readings_themselves_without_a_decision(self) -> None:
        readings = readings_of([every(5, [1, 2])])
        assert decided(readings, of([])) is readings

    @pytest.mark.parametrize("action", [Action.ACCEPT, Action.LEAVE_OUT])
    def test_makes_no_reading_but_of_a_value(self, action: Action) -> None:
        found = decided(readings_of([[]]), of([(0, START_US, action, math.nan)]))
        assert len(found.ts_us) == 0
