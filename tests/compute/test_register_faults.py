"""Registers that misbehave, case by case: B51 to B58 and the fault table of the peers."""

import csv
import gzip
import json
import math
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from compute.periods import to_us
from compute.quality import Quality
from tests.compute.readings import (
    MINUTE_US,
    START_US,
    STEP_US,
    amounts_of,
    every,
    has,
    total,
)
from tests.twins.register import Point, Reading


class TestRegister:
    """60 kWh/h, read every minute or quarter of an hour."""

    def test_is_read_between_its_neighbours_at_the_edges(self) -> None:
        row = [Reading(START_US - 5 * MINUTE_US, 10.0), Reading(START_US + 25 * MINUTE_US, 40.0)]
        found = amounts_of([row], [Point()], count=2)
        assert found.amount[0, 0] == pytest.approx(15.0, rel=1e-15)
        assert found.amount[0, 1] == pytest.approx(10.0, rel=1e-15)
        assert found.covered_us[0].tolist() == [STEP_US, 10 * MINUTE_US]
        assert found.quality[0].tolist() == [0, Quality.OPEN | Quality.PARTIAL]

    def test_is_not_extrapolated(self) -> None:
        row = every(15, [10.0, 20.0, 30.0], start_us=START_US + STEP_US)
        found = amounts_of([row], [Point()], count=5)
        assert np.isnan(found.amount[0]).tolist() == [True, False, False, True, True]
        assert has(found, Quality.OPEN) == [False, False, False, True, True]

    def test_bridges_a_gap_of_six_hours_without_zeros_and_without_a_peak(self) -> None:
        values = [float(minute) for minute in range(24 * 60)]
        row = [r for i, r in enumerate(every(1, values)) if not 300 < i < 660]
        found = amounts_of([row], [Point(hold_us=STEP_US)], count=96)
        assert total(found) == pytest.approx(1439.0, rel=1e-12)
        assert np.nanmax(found.amount[0]) <= 15.0 + 1e-9
        assert has(found, Quality.INTERPOLATED) == [20 <= j < 44 for j in range(96)]

    @pytest.mark.parametrize(("minutes", "expected"), [(1, 1439.0), (15, 1425.0)])
    def test_loses_nothing_where_it_wraps(self, minutes: int, expected: float) -> None:
        values = [(999_400.0 + t) % 1e6 for t in range(0, 24 * 60, minutes)]
        found = amounts_of([every(minutes, values)], [Point(modulus=1e6)], count=96)
        assert total(found) == pytest.approx(expected, rel=1e-12)
        assert sum(has(found, Quality.ROLLOVER)) == 1

    def test_books_the_last_and_the_first_digit_of_a_rollover(self) -> None:
        found = amounts_of(
            [every(15, [99999.9, 0.3])], [Point(modulus=100_000.0, resolution=0.1)], count=1
        )
        assert found.amount[0, 0] == pytest.approx(0.4, abs=1e-10)
        assert found.quality[0, 0] == Quality.ROLLOVER

    def test_withholds_a_fall_when_the_digits_are_unknown(self) -> None:
        found = amounts_of([every(15, [215.7, 0.1, 0.4])], [Point()], count=2)
        assert math.isnan(found.amount[0, 0])
        assert found.quality[0, 0] == Quality.DECREASE | Quality.MISSING
        assert found.amount[0, 1] == pytest.approx(0.3, abs=1e-12)

    @pytest.mark.parametrize("first", [0.0, 500.0])
    def test_loses_but_one_step_to_a_new_meter_that_starts_lower(self, first: float) -> None:
        values = [*(5000.0 + t for t in range(720)), *(first + t for t in range(720))]
        found = amounts_of([every(1, values)], [Point(modulus=1e6)], count=96)
        assert total(found) == pytest.approx(1438.0, rel=1e-12)
        assert sum(has(found, Quality.DECREASE)) == 1

    def test_books_nothing_for_a_used_meter_that_starts_higher(self) -> None:
        values = [*(1000.0 + t for t in range(720)), *(50_000.0 + t for t in range(720))]
        found = amounts_of([every(1, values)], [Point(step_rate_max=0.1)], count=96)
        assert total(found) == pytest.approx(1438.0, rel=1e-12)
        assert has(found, Quality.SPIKE).index(True) == 47

    @pytest.mark.parametrize("rate", [math.inf, 0.1])
    @pytest.mark.parametrize("wrong", [1000.0, -1000.0])
    def test_is_not_moved_by_one_wrong_reading(self, wrong: float, rate: float) -> None:
        values = [5000.0 + t for t in range(24 * 60)]
        values[600] += wrong
        found = amounts_of([every(1, values)], [Point(step_rate_max=rate)], count=96)
        assert total(found) == pytest.approx(1439.0, rel=1e-12)
        assert (found.covered_us[0, :-1] == STEP_US).all()
        flag = Quality.SPIKE if wrong > 0 else Quality.DECREASE
        assert np.flatnonzero(found.quality[0, :-1]).tolist() == [40]
        assert found.quality[0, 40] == flag

    @pytest.mark.parametrize("zeros", [1, 2, 3, 4])
    def test_books_the_truth_after_some_readings_of_zero(self, zeros: int) -> None:
        values = [5000.0 + t for t in range(24 * 60)]
        values[600 : 600 + zeros] = [0.0] * zeros
        found = amounts_of([every(1, values)], [Point()], count=96)
        assert total(found) == pytest.approx(1439.0, rel=1e-12)
        assert any(has(found, Quality.DECREASE))

    @pytest.mark.parametrize("length", [1, 2, 3, 4])
    def test_total_is_unchanged_by_a_dip_of_the_last_digit(self, length: int) -> None:
        values = [215.5, 215.6, 215.7, *([215.6] * length), 215.7, 215.7, 215.8, 216.0]
        row = every(5, values)
        found = amounts_of([row], [Point(resolution=0.1)], count=len(values))
        assert total(found) == pytest.approx(0.5, abs=1e-12)
        assert not any(has(found, Quality.DECREASE))

    def test_total_is_unchanged_by_a_last_digit_that_never_rests(self) -> None:
        values = [215.7 - 0.1 * (i % 2) for i in range(100)]
        found = amounts_of([every(1, values)], [Point(resolution=0.1)], count=7)
        assert total(found) == 0.0

    def test_may_show_one_more_digit_than_has_passed(self) -> None:
        point = Point(resolution=1.0, step_rate_max=0.001)
        found = amounts_of([every(5, [10.0, 11.0, 11.0, 11.0])], [point], count=1)
        assert found.amount[0, 0] == pytest.approx(1.0, rel=1e-12)

    def test_does_not_end_an_interval_with_an_error(self) -> None:
        row = every(5, [10.0, 11.0, math.nan, 13.0])
        row[2] = replace(row[2], quality=int(Quality.SOURCE_BAD))
        found = amounts_of([row], [Point()], count=1)
        assert found.amount[0, 0] == 3.0
        assert found.covered_us[0, 0] == STEP_US
        assert found.reading_count[0, 0] == 3
        assert found.quality[0, 0] == Quality.SOURCE_BAD

    def test_does_not_believe_a_value_marked_bad(self) -> None:
        row = every(5, [10.0, 5000.0, 12.0, 13.0])
        row[1] = replace(row[1], quality=int(Quality.SOURCE_BAD))
        assert amounts_of([row], [Point()], count=1).amount[0, 0] == 3.0

    def test_survives_the_largest_numbers(self) -> None:
        found = amounts_of([every(5, [-1e308, 1e308, 1.0, 2.0])], [Point()], count=1)
        assert not np.isinf(found.amount).any()

    def test_at_the_edge_belongs_to_both_sides_once(self) -> None:
        found = amounts_of([every(15, [1.0, 3.0, 7.0])], [Point()], count=2)
        assert found.amount[0].tolist() == [2.0, 4.0]
        assert found.reading_count[0].tolist() == [1, 1]


class TestRealRegisters:
    def test_of_22_inverters_add_up_to_what_they_counted(self, shared_folder: Path) -> None:
        case = json.loads(
            (shared_folder / "cases" / "counter_pv_plant1.json").read_text(encoding="utf-8")
        )
        rows: dict[str, list[Reading]] = defaultdict(list)
        path = shared_folder / "data" / "pv_plant1" / "Plant_1_inverter_counters.csv.gz"
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                ts = datetime.fromisoformat(line["t"]).replace(tzinfo=UTC)
                rows[line["inverter"]].append(Reading(to_us(ts), float(line["TOTAL_YIELD"])))
        start_us = min(row[0].ts_us for row in rows.values())
        # Their stamps drift by minutes: steps of up to 1.4 x the nameplate of 1,400 kW are true,
        # so a point declares twice its nameplate.
        found = amounts_of(
            list(rows.values()),
            [Point(step_rate_max=2 * 1400 / 3600)] * len(rows),
            start_us=start_us,
            count=34 * 96,
        )
        for i, inverter in enumerate(rows):
            expected = case["expected"]["energy_kwh_per_inverter"][inverter]
            assert total(found, i) == pytest.approx(expected, abs=case["tolerance"]["kwh_abs"])
