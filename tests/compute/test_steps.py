"""The rules for registers, one step at a time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.quality import Quality
from compute.steps import Limits, Series, is_outlier, mark_turning, step_back, step_between

MINUTE_US = 60_000_000
FREE = Limits(modulus=math.nan, step_rate_max=math.inf, resolution=0.0, hold_us=15 * MINUTE_US)


def last_step(values: list[float], limits: Limits) -> tuple[float, int]:
    """Return what is booked for the last step of readings a minute apart."""
    series = series_of(values, limits)
    return step_back(series, len(values), len(values) - 2, len(values) - 1, limits)


def series_of(values: list[float], limits: Limits) -> Series:
    series = Series(
        ts_us=np.arange(len(values), dtype=np.int64) * MINUTE_US,
        value=np.array(values, dtype=np.float64),
        turning=np.zeros(len(values), dtype=np.bool_),
    )
    mark_turning(series, len(values), limits)
    return series


def outliers(values: list[float], limits: Limits) -> list[int]:
    series = series_of(values, limits)
    return [i for i in range(len(values)) if is_outlier(series.turning, i, len(values))]


class TestStep:
    @pytest.mark.parametrize(
        ("values", "limits", "amount", "quality"),
        [
            ([1.0, 3.0], {}, 2.0, Quality.GOOD),
            ([3.0, 3.0], {}, 0.0, Quality.GOOD),
            ([3.0, 2.9], {"resolution": 0.1}, 0.0, Quality.GOOD),
            ([3.0, 2.9, 3.2], {"resolution": 0.1}, 0.2, Quality.GOOD),
            ([3.0, 2.9], {}, math.nan, Quality.DECREASE),
            ([9.0, 0.5], {"modulus": 10.0}, 1.5, Quality.ROLLOVER),
            ([6.0, 4.0], {"modulus": 10.0}, math.nan, Quality.DECREASE),
            ([9.0, 2.0], {"modulus": 10.0, "step_rate_max": 0.02}, math.nan, Quality.DECREASE),
            ([9.0, 2.0], {"modulus": 10.0, "step_rate_max": 0.05}, 3.0, Quality.ROLLOVER),
            ([12.0, 1.0], {"modulus": 10.0}, math.nan, Quality.DECREASE),
            ([9.0, -0.5], {"modulus": 10.0}, math.nan, Quality.DECREASE),
            ([1.0, 7.0], {"modulus": 10.0}, math.nan, Quality.SPIKE),
            ([1.0, 7.0], {"modulus": 10.0, "step_rate_max": 0.1}, 6.0, Quality.GOOD),
            ([1.0, 8.0], {"step_rate_max": 0.1}, math.nan, Quality.SPIKE),
            ([5.0, 0.0, 0.0, 6.0], {"step_rate_max": 0.1}, 1.0, Quality.INTERPOLATED),
            ([9.9, 9.8, 0.1], {"modulus": 10.0, "resolution": 0.1}, 0.2, Quality.ROLLOVER),
            ([1.0, 3.0], {"hold_us": MINUTE_US - 1}, 2.0, Quality.INTERPOLATED),
        ],
    )
    def test_follows_the_table(
        self, values: list[float], limits: dict[str, float], amount: float, quality: Quality
    ) -> None:
        found, flags = last_step(values, FREE._replace(**limits))  # type: ignore[arg-type]
        assert found == pytest.approx(amount, abs=1e-12, nan_ok=True)
        assert flags == quality

    @given(
        values=st.lists(st.floats(-1e9, 1e9) | st.integers(0, 100).map(float), min_size=1),
        last=st.floats(-1e9, 1e9) | st.integers(0, 100).map(float),
        modulus=st.sampled_from([math.nan, 100.0]),
        step_rate_max=st.sampled_from([math.inf, math.nan, 0.05, 1.0]),
        resolution=st.sampled_from([0.0, 1.0]),
    )
    def test_need_not_look_back_where_nothing_fell(
        self,
        values: list[float],
        last: float,
        modulus: float,
        step_rate_max: float,
        resolution: float,
    ) -> None:
        limits = Limits(modulus, step_rate_max, resolution, 15 * MINUTE_US)
        rising = sorted(values)
        found = step_between(rising[-1], last, MINUTE_US, limits)
        assert found == pytest.approx(last_step([*rising, last], limits), rel=0, abs=0, nan_ok=True)

    def test_does_not_count_a_level_from_before_a_rollover(self) -> None:
        found, _ = last_step([10.0, 40.0, 80.0, 5.0, 35.0], FREE._replace(modulus=100.0))
        assert found == 30.0


class TestOutlier:
    @pytest.mark.parametrize(
        ("values", "limits", "expected"),
        [
            ([5.0, 9.0, 5.1, 5.2], {}, [1]),
            ([5.0, 0.0, 5.1, 5.2], {}, [1]),
            ([5.0, 9.0, 9.1, 9.2], {"step_rate_max": 0.01}, []),
            ([5.0, 9.0, 5.1, 9.1], {}, []),
            ([95.0, 3.0, 96.0, 97.0], {"modulus": 100.0}, [1]),
            ([98.0, 99.0, 1.0, 2.0], {"modulus": 100.0}, []),
            ([98.0, 50.0, 1.0, 2.0], {"modulus": 100.0, "step_rate_max": 0.05}, []),
            ([5.0, 4.9, 5.0, 5.1], {"resolution": 0.1}, []),
            ([5.0, 9.0], {}, []),
            ([5.0], {}, []),
            ([], {}, []),
        ],
    )
    def test_is_one_reading_that_turns_back(
        self, values: list[float], limits: dict[str, float], expected: list[int]
    ) -> None:
        assert outliers(values, FREE._replace(**limits)) == expected  # type: ignore[arg-type]
