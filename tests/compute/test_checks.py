"""Which reading fails which check; what is marked, and that a window marks what the whole does."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.balance import imbalance
from compute.checks import CHECKS, READING_CHECKS, CheckLimits, Failures, check_readings
from compute.frozen import frozen_intervals
from compute.marks import Mark, marks_of
from compute.quality import Quality
from compute.register import IntervalAmounts
from compute.topology import NodeKind, PointKind
from tests.compute.plants import Flow, Node, metered
from tests.compute.readings import (
    MINUTE_US,
    START_US,
    STEP_US,
    any_readings,
    around,
    every,
    gauges,
    interval_points,
    points_of,
    readings_of,
    register_readings,
    registers,
)
from tests.twins import checks as twin
from tests.twins.checks import Bounds
from tests.twins.register import Point, Reading

GAUGE = Point(kind=PointKind.GAUGE, hold_us=STEP_US)
UNLIMITED = CheckLimits(
    range_min=np.array([-np.inf]),
    range_max=np.array([np.inf]),
    step_max=np.array([np.inf]),
    rate_max_per_hour=np.array([np.inf]),
    frozen_us=np.array([0]),
)
bounds = st.builds(
    Bounds,
    range_min=st.sampled_from([-math.inf, 0.0, 100.0]),
    range_max=st.sampled_from([math.inf, 900.0]),
    step_max=st.sampled_from([math.inf, 0.5, 250.0]),
    rate_max_per_hour=st.sampled_from([math.inf, 1.0, 4000.0]),
)
anything = st.tuples(register_readings(extremes=False), registers) | st.tuples(
    any_readings(), gauges | interval_points
)


def checked(row: Sequence[Reading], point: Point, limits: Bounds) -> Failures:
    return check_readings(
        readings_of([row]),
        points=points_of([point]),
        limits=CheckLimits(
            range_min=np.array([limits.range_min]),
            range_max=np.array([limits.range_max]),
            step_max=np.array([limits.step_max]),
            rate_max_per_hour=np.array([limits.rate_max_per_hour]),
            frozen_us=np.array([7 * 24 * 60 * MINUTE_US]),
        ),
    )


def failing(row: Sequence[Reading], point: Point, limits: Bounds) -> set[tuple[int, str]]:
    failed = checked(row, point, limits).failed
    return {
        (row[place].ts_us, READING_CHECKS[check])
        for place, check in zip(*np.nonzero(failed), strict=True)
    }


def marks(
    row: Sequence[Reading], point: Point, limits: Bounds, window_us: tuple[int, int]
) -> list[Mark]:
    found = checked(row, point, limits)
    return list(
        marks_of(
            readings_of([row]),
            found,
            points=points_of([point]),
            window_us=window_us,
            step_us=STEP_US,
        )
    )


class TestCheckReadings:
    @given(case=anything, limits=bounds)
    def test_finds_what_the_twin_finds(
        self, case: tuple[list[Reading], Point], limits: Bounds
    ) -> None:
        row, point = case
        assert failing(row, point, limits) == twin.failures(row, point, limits)

    @given(case=anything, limits=bounds)
    def test_is_not_moved_by_the_unit(
        self, case: tuple[list[Reading], Point], limits: Bounds
    ) -> None:
        row, point = case
        assert failing(row, replace(point, scale=7.0), limits) == failing(row, point, limits)

    @given(case=anything)
    def test_finds_no_more_with_wider_limits(self, case: tuple[list[Reading], Point]) -> None:
        row, point = case
        narrow = Bounds(0.0, 500.0, 10.0, 100.0)
        wide = Bounds(-1.0, 501.0, 11.0, 101.0)
        assert failing(row, point, wide) <= failing(row, point, narrow)

    def test_says_the_limit_and_shows_the_bit(self) -> None:
        row = every(5, [10, 11, 95, 12])
        found = checked(row, GAUGE, Bounds(range_max=90.0, step_max=50.0, rate_max_per_hour=60.0))
        assert found.limit[2, :3].tolist() == [90.0, 50.0, 60.0]
        all_three = Quality.RANGE | Quality.STEP | Quality.RATE
        assert found.quality().tolist() == [0, 0, all_three, Quality.STEP | Quality.RATE]

    def test_says_what_a_register_should_not_have_passed(self) -> None:
        found = checked(every(5, [50, 51, 900, 901, 2]), Point(step_rate_max=0.02), Bounds())
        assert found.limit[2, 3] == pytest.approx(51 + 0.02 * 300)
        assert found.limit[4, 4] == 901.0
        assert not found.quality().any()

    def test_has_a_line_for_each_check_of_readings(self) -> None:
        assert set(READING_CHECKS) <= {check.name for check in CHECKS}


class TestMarks:
    @given(case=anything, limits=bounds, first=st.integers(-8, 8), count=st.integers(1, 8))
    def test_of_a_window_are_those_of_the_whole(
        self, case: tuple[list[Reading], Point], limits: Bounds, first: int, count: int
    ) -> None:
        row, point = case
        window = (START_US + first * STEP_US, START_US + (first + count) * STEP_US)
        everything = (START_US - 10**12, START_US + 10**12)
        whole = [
            mark
            for mark in marks(row, point, limits, everything)
            if window[0] <= mark.start_us < window[1]
        ]
        seen = marks(around(row, *window), point, limits, window)
        assert sorted(map(repr, seen)) == sorted(map(repr, whole))

    def test_name_the_readings_of_each_interval(self) -> None:
        row = every(5, [10, 95, 96, 10, 97])
        found = marks(row, GAUGE, Bounds(range_max=90.0), (START_US, START_US + 2 * STEP_US))
        assert [(mark.start_us, len(mark.at_us), mark.value, mark.limit) for mark in found] == [
            (START_US, 2, 95.0, 90.0),
            (START_US + STEP_US, 1, 97.0, 90.0),
        ]

    @pytest.mark.parametrize("lost", [(4,), (4, 5, 6), (2, 5, 6)])
    @pytest.mark.parametrize("kind", list(PointKind))
    @pytest.mark.parametrize("stamp", ["start", "end"])
    def test_tell_every_interval_whose_reading_was_lost_and_no_other(
        self, lost: Sequence[int], kind: PointKind, stamp: str
    ) -> None:
        at_end = stamp == "end"
        point = Point(kind=kind, hold_us=STEP_US, period_us=STEP_US, stamped_at_end=at_end)
        row = [reading for place, reading in enumerate(every(15, range(10))) if place not in lost]
        found = marks(row, point, Bounds(), (START_US, START_US + 9 * STEP_US))
        shift = 1 if kind == PointKind.INTERVAL and at_end else 0
        assert [(mark.start_us - START_US) // STEP_US + shift for mark in found] == list(lost)

    def test_tell_a_short_silence_where_it_begins(self) -> None:
        row = [*every(1, range(5)), *every(1, range(9), start_us=START_US + 12 * MINUTE_US)]
        found = marks(
            row, replace(GAUGE, hold_us=MINUTE_US), Bounds(), (START_US, START_US + STEP_US)
        )
        assert [(mark.check, mark.value, mark.limit) for mark in found] == [("gap", 480.0, 60.0)]


def frozen_by_hand(
    amounts: Sequence[float], whole: Sequence[bool], kind: PointKind, needed: int
) -> list[bool]:
    """Return which intervals close so many in a row that are whole and the same; of registers 0."""
    found = []
    for j in range(len(amounts)):
        last = range(j - needed + 1, j + 1)
        found.append(
            last[0] >= 0
            and all(whole[i] for i in last)
            and all(abs(amounts[i] - amounts[j]) <= 1e-9 * abs(amounts[j]) for i in last)
            and (kind != PointKind.REGISTER or all(amounts[i] == 0 for i in last))
        )
    return found


class TestFrozenIntervals:
    @given(
        amounts=st.lists(st.sampled_from([0.0, 0.0, 0.0, 5.0, 5.0, 5.0 + 1e-12, 6.0]), max_size=20),
        data=st.data(),
        kind=st.sampled_from([PointKind.REGISTER, PointKind.GAUGE]),
        needed=st.integers(1, 5),
    )
    def test_are_those_that_close_a_run_wherever_a_window_starts(
        self, amounts: list[float], data: st.DataObject, kind: PointKind, needed: int
    ) -> None:
        whole = [data.draw(st.integers(0, 5)) > 0 for _ in amounts]
        wanted = frozen_by_hand(amounts, whole, kind, needed)
        for cut in range(len(amounts) + 1):
            assert self.frozen(amounts, whole, kind, needed, cut) == wanted[cut:]

    def frozen(
        self,
        amounts: Sequence[float],
        whole: Sequence[bool],
        kind: PointKind,
        needed: int,
        cut: int,
    ) -> list[bool]:
        before = 0
        while cut < len(amounts) and before < cut:
            place = cut - 1 - before
            same = abs(amounts[place] - amounts[cut]) <= 1e-9 * abs(amounts[cut])
            if not (whole[place] and same):
                break
            before += 1
        count = len(amounts) - cut
        found = frozen_intervals(
            IntervalAmounts(
                amount=np.array([amounts[cut:]]).reshape(1, count),
                covered_us=np.array([whole[cut:]]).reshape(1, count) * STEP_US,
                reading_count=np.zeros((1, count), dtype=np.int32),
                quality=np.zeros((1, count), dtype=np.int32),
                input_hash=np.zeros((1, count), dtype=np.int64),
            ),
            points=points_of([Point(kind=kind)]),
            limits=replace(UNLIMITED, frozen_us=np.array([needed * STEP_US - 1])),
            step_us=STEP_US,
            before=np.array([before]),
        )
        return [bool(flag) for flag in found[0]]


class TestImbalance:
    def test_is_a_share_of_the_larger_side(self) -> None:
        nodes = [
            Node("grid", NodeKind.SOURCE),
            Node("board", NodeKind.BUS),
            Node("hall", NodeKind.USE),
        ]
        site = metered(nodes, [Flow("grid", "board"), Flow("board", "hall")])
        energy_kwh = np.array([[100.0, 100.0, 0.0, np.nan], [60.0, 130.0, 0.0, 1.0]])
        [share] = imbalance(energy_kwh, topology=site)
        assert share[:3].tolist() == pytest.approx([0.4, -30 / 130, 0.0])
        assert math.isnan(share[3])
