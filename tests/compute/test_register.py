"""Interval amounts: against the slow twin, as properties, and case by case."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.quality import Quality
from compute.register import (
    CONTEXT_READINGS,
    IntervalAmounts,
    PeriodMissing,
    Readings,
    ReadingsMisshapen,
    ReadingsNotAscending,
    interval_amounts,
)
from compute.topology import PointKind
from tests.compute.readings import (
    MINUTE_US,
    START_US,
    STEP_US,
    amounts_of,
    any_readings,
    around,
    every,
    gauges,
    has,
    interval_points,
    lives,
    points_of,
    readings_of,
    register_readings,
    registers,
    total,
)
from tests.twins import register as twin
from tests.twins.register import Point, Reading

COUNT = 12


def bits(array: npt.NDArray[np.float64]) -> bytes:
    return array.tobytes()


def same(a: IntervalAmounts, b: IntervalAmounts) -> bool:
    names = ("amount", "covered_us", "reading_count", "quality", "input_hash")
    return all(getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in names)


def check_against_twin(row: list[Reading], point: Point) -> None:
    found = amounts_of([row], [point], count=COUNT)
    expected = twin.interval_amounts(row, point, start_us=START_US, step_us=STEP_US, count=COUNT)
    largest = max((abs(r.value) for r in row if r.is_number), default=0.0)
    if point.life:
        largest = max(largest, 1000.0)
    scale = largest * max(abs(s) for s in (point.scale, *(c.scale for c in point.life)))
    for j, interval in enumerate(expected):
        assert found.covered_us[0, j] == interval.covered_us
        assert found.reading_count[0, j] == interval.reading_count
        assert found.quality[0, j] == interval.quality
        assert found.input_hash[0, j] == interval.input_hash
        if interval.amount is None:
            assert math.isnan(found.amount[0, j])
        else:
            # Of the readings, not of the amount: 0.1 + 0.2 is exact in the twin alone.
            difference = abs(Fraction(found.amount[0, j].item()) - interval.amount)
            assert difference <= Fraction(1e-13) * Fraction(scale)


class TestIntervalAmounts:
    @given(row=register_readings(), point=registers)
    @settings(max_examples=400)
    def test_equal_the_slow_twin_for_registers(self, row: list[Reading], point: Point) -> None:
        huge = [
            replace(r, value=math.copysign(1e15, r.value)) if abs(r.value) > 1e300 else r
            for r in row
        ]
        check_against_twin(huge, point)

    @given(row=register_readings(extremes=False), point=lives(registers))
    @settings(max_examples=400)
    def test_equal_the_slow_twin_through_the_life_of_a_register(
        self, row: list[Reading], point: Point
    ) -> None:
        check_against_twin(row, point)

    @given(row=any_readings(), point=lives(gauges | interval_points))
    def test_equal_the_slow_twin_through_the_life_of_others(
        self, row: list[Reading], point: Point
    ) -> None:
        check_against_twin(row, point)

    @given(row=any_readings(), point=gauges)
    def test_equal_the_slow_twin_for_gauges(self, row: list[Reading], point: Point) -> None:
        check_against_twin(row, point)

    @given(row=any_readings(), point=interval_points)
    def test_equal_the_slow_twin_for_interval_points(
        self, row: list[Reading], point: Point
    ) -> None:
        check_against_twin(row, point)

    @given(
        row=register_readings() | any_readings(),
        point=registers | gauges | interval_points | lives(registers | gauges | interval_points),
        first=st.integers(0, COUNT - 1),
        count=st.integers(1, COUNT),
    )
    @settings(max_examples=400)
    def test_give_the_same_bits_whatever_the_window(
        self, row: list[Reading], point: Point, first: int, count: int
    ) -> None:
        count = min(count, COUNT - first)
        begin_us = START_US + first * STEP_US
        whole = amounts_of([row], [point], count=COUNT)
        loaded = around(row, begin_us, begin_us + count * STEP_US)
        part = amounts_of([loaded], [point], start_us=begin_us, count=count)
        cut = slice(first, first + count)
        assert bits(part.amount) == bits(whole.amount[:, cut])
        assert part.covered_us.tobytes() == whole.covered_us[:, cut].tobytes()
        assert part.reading_count.tobytes() == whole.reading_count[:, cut].tobytes()
        assert part.quality.tobytes() == whole.quality[:, cut].tobytes()
        assert part.input_hash.tobytes() == whole.input_hash[:, cut].tobytes()

    @given(rows=st.lists(register_readings(), min_size=2, max_size=4))
    def test_do_not_depend_on_the_order_of_the_points(self, rows: list[list[Reading]]) -> None:
        points = [
            Point(scale=1.0 + i, modulus=1000.0, resolution=0.1 * (i % 2)) for i in range(len(rows))
        ]
        order = list(range(len(rows)))[::-1]
        forwards = amounts_of(rows, points, count=COUNT)
        backwards = amounts_of([rows[i] for i in order], [points[i] for i in order], count=COUNT)
        assert bits(forwards.amount) == bits(backwards.amount[order])
        assert (forwards.input_hash == backwards.input_hash[order]).all()

    @given(row=register_readings(extremes=False), point=registers)
    def test_are_linear_in_the_scale(self, row: list[Reading], point: Point) -> None:
        once = amounts_of([row], [replace(point, scale=1.0)], count=COUNT)
        twice = amounts_of([row], [replace(point, scale=2.0)], count=COUNT)
        assert bits(twice.amount) == bits(2.0 * once.amount)

    @given(row=register_readings(), point=registers)
    def test_of_a_register_are_never_negative(self, row: list[Reading], point: Point) -> None:
        found = amounts_of([row], [replace(point, scale=1.0)], count=COUNT)
        assert not (found.amount < 0).any()

    @given(
        steps=st.lists(st.integers(0, 400), min_size=1, max_size=60),
        first=st.integers(0, 9999),
        minutes=st.sampled_from([1, 4, 15, 17]),
    )
    def test_conserve_energy_across_rollovers(
        self, steps: list[int], first: int, minutes: int
    ) -> None:
        tenths = np.cumsum([first, *steps])
        row = every(minutes, (tenths % 10000 / 10).tolist())
        found = amounts_of(
            [row], [Point(modulus=1000.0, resolution=0.1)], count=len(steps) * 17 // 15 + 2
        )
        assert total(found) == pytest.approx(sum(steps) / 10, rel=1e-12, abs=1e-9)

    @given(row=register_readings(extremes=False), step=st.sampled_from([5, 15, 60]))
    def test_add_up_to_the_same_total_for_every_length_of_interval(
        self, row: list[Reading], step: int
    ) -> None:
        fine = amounts_of([row], [Point()], step_us=MINUTE_US, count=60 * COUNT)
        coarse = amounts_of([row], [Point()], step_us=step * MINUTE_US, count=60 * COUNT // step)
        assert total(fine) == pytest.approx(total(coarse), rel=1e-12, abs=1e-9)
        assert fine.covered_us.sum() == coarse.covered_us.sum()

    @given(row=register_readings(extremes=False))
    def test_never_exceed_what_the_point_can_pass(self, row: list[Reading]) -> None:
        point = Point(step_rate_max=0.01, modulus=1000.0, resolution=0.1)
        # Unless a person says so.
        row = [replace(reading, quality=reading.quality & ~Quality.ACCEPTED) for reading in row]
        found = amounts_of([row], [point], count=COUNT)
        touching = len(row) + 1
        assert total(found) <= 0.01 * COUNT * STEP_US / 1e6 + 0.11 * touching

    def test_give_the_same_bits_again(self) -> None:
        row = every(7, [i * 0.1 for i in range(50)])
        first = amounts_of([row], [Point()], count=COUNT)
        again = amounts_of([row], [Point()], count=COUNT)
        assert same(first, again)

    def test_take_arrays_that_are_read_only(self) -> None:
        plain = readings_of([every(5, [1.0, 2.0, 3.0, 4.0])])
        frozen = Readings(
            point_offset=np.frombuffer(plain.point_offset.tobytes(), dtype=np.int64),
            ts_us=np.frombuffer(plain.ts_us.tobytes(), dtype=np.int64),
            value=np.frombuffer(plain.value.tobytes(), dtype=np.float64),
            quality=np.frombuffer(plain.quality.tobytes(), dtype=np.int32),
        )
        points = points_of([Point()])
        assert same(
            *(
                interval_amounts(
                    readings, points=points, start_us=START_US, step_us=STEP_US, count=2
                )
                for readings in (plain, frozen)
            )
        )

    def test_change_their_digest_with_any_reading_they_may_depend_on(self) -> None:
        row = every(15, [float(i) for i in range(40)])
        before = amounts_of([row], [Point()], count=40).input_hash[0]
        row[20] = replace(row[20], quality=int(Quality.QOS0))
        after = amounts_of([row], [Point()], count=40).input_hash[0]
        # Reading 20 lies in interval 20, after 17 to 19 and before 21 to 33.
        assert np.flatnonzero(before != after).tolist() == list(range(17, 34))

    def test_of_a_point_without_readings_are_missing_and_open(self) -> None:
        found = amounts_of([[], every(15, [1.0, 2.0])], [Point(), Point()], count=1)
        assert math.isnan(found.amount[0, 0])
        assert found.quality[0, 0] == Quality.MISSING | Quality.OPEN
        assert found.amount[1, 0] == 1.0

    def test_of_no_points_are_empty(self) -> None:
        assert amounts_of([], [], count=3).amount.shape == (0, 3)

    def test_refuse_readings_out_of_order(self) -> None:
        row = [Reading(START_US + 1, 1.0), Reading(START_US + 1, 2.0)]
        with pytest.raises(ReadingsNotAscending, match="point P1: the reading at"):
            amounts_of([[Reading(START_US + 5, 1.0)], row], [Point(), Point()], count=1)

    def test_refuse_offsets_that_do_not_fit(self) -> None:
        good = readings_of([every(5, [1.0, 2.0])])
        for offset in ([0, 1], [0, 1, 2], [1, 2], [0, 3]):
            bad = replace(good, point_offset=np.array(offset, dtype=np.int64))
            with pytest.raises(ReadingsMisshapen):
                interval_amounts(
                    bad, points=points_of([Point()]), start_us=0, step_us=STEP_US, count=1
                )
        with pytest.raises(ReadingsMisshapen, match="differ in length"):
            interval_amounts(
                replace(good, quality=np.zeros(1, dtype=np.int32)),
                points=points_of([Point()]),
                start_us=0,
                step_us=STEP_US,
                count=1,
            )

    def test_refuse_an_interval_point_without_a_period(self) -> None:
        with pytest.raises(PeriodMissing, match="P0"):
            amounts_of([[]], [Point(kind=PointKind.INTERVAL)], count=1)

    def test_name_how_many_readings_a_window_needs(self) -> None:
        assert CONTEXT_READINGS == 13


class TestGauge:
    POINT = Point(kind=PointKind.GAUGE, hold_us=20 * MINUTE_US)

    def test_stands_until_the_next_reading(self) -> None:
        found = amounts_of([every(5, [60.0, 120.0, 0.0, 5.0])], [self.POINT], count=1)
        assert found.amount[0, 0] == pytest.approx(5.0 + 10.0, rel=1e-15)
        assert found.quality[0, 0] == 0

    def test_is_held_no_longer_than_it_may(self) -> None:
        row = [Reading(START_US, 60.0), Reading(START_US + 45 * MINUTE_US, 60.0)]
        found = amounts_of([row], [self.POINT], count=3)
        assert found.amount[0, :2] == pytest.approx([15.0, 5.0])
        assert found.covered_us[0].tolist() == [STEP_US, 5 * MINUTE_US, 0]
        assert has(found, Quality.HELD) == [False, True, True]

    def test_does_not_extend_its_last_reading(self) -> None:
        found = amounts_of([[Reading(START_US, 60.0)]], [self.POINT], count=1)
        assert found.quality[0, 0] == Quality.MISSING | Quality.OPEN
        assert found.reading_count[0, 0] == 1


class TestIntervalPoint:
    def point(self, minutes: int, *, at_end: bool = True) -> Point:
        return Point(
            kind=PointKind.INTERVAL,
            scale=0.1,
            period_us=minutes * MINUTE_US,
            stamped_at_end=at_end,
        )

    @pytest.mark.parametrize("at_end", [True, False])
    def test_on_the_grid_is_taken_as_it_is(self, at_end: bool) -> None:  # noqa: FBT001
        values = [0.1, 0.7, 1.3]
        first_us = START_US + (STEP_US if at_end else 0)
        row = every(15, values, start_us=first_us)
        found = amounts_of([row], [self.point(15, at_end=at_end)], count=3)
        assert found.amount[0].tolist() == [0.1 * value for value in values]
        assert found.quality[0].tolist() == [0, 0, 0]

    def test_with_a_longer_period_has_a_shape_that_is_not_known(self) -> None:
        row = [Reading(START_US + 60 * MINUTE_US, 40.0)]
        found = amounts_of([row], [self.point(60)], count=4)
        assert found.amount[0].tolist() == [1.0, 1.0, 1.0, 1.0]
        assert found.quality[0].tolist() == [Quality.INTERPOLATED] * 4

    def test_a_little_off_the_grid_is_on_it(self) -> None:
        # B50: 899 and 901 s apart.
        seconds = [900, 1799, 2700, 3601]
        row = [Reading(START_US + s * 1_000_000, 10.0) for s in seconds]
        found = amounts_of([row], [self.point(15)], count=4)
        assert found.amount[0].tolist() == [1.0] * 4
        assert found.quality[0].tolist() == [0] * 4

    def test_in_one_period_twice_counts_once(self) -> None:
        row = [Reading(START_US + STEP_US, 10.0), Reading(START_US + STEP_US + 1, 99.0)]
        found = amounts_of([row], [self.point(15)], count=2)
        assert found.amount[0, 0] == 1.0
        assert found.quality[0, 1] & Quality.CONFLICT

    def test_shorter_than_the_interval_adds_up(self) -> None:
        row = every(5, [10.0, 20.0, 30.0], start_us=START_US + 5 * MINUTE_US)
        found = amounts_of([row], [self.point(5)], count=1)
        assert found.amount[0, 0] == pytest.approx(6.0)
        assert found.covered_us[0, 0] == STEP_US
