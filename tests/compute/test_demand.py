"""Demand of a month: the window of the meter, its gaps and the turn of the month."""

import numpy as np
import pytest

from compute.demand import WindowMisfit, demand_by_month

MINUTE_US = 60_000_000
NAN = float("nan")


def demand(energy: list[float], months: list[int], *, step: int = 15, window: int = 15) -> object:
    return demand_by_month(
        np.array(energy, dtype=np.float64),
        month=np.array(months, dtype=np.int64),
        step_us=step * MINUTE_US,
        window_us=window * MINUTE_US,
    )


class TestDemand:
    def test_is_the_mean_power_of_the_highest_window(self) -> None:
        found = demand_by_month(
            np.array([10.0, 30.0, 20.0]),
            month=np.zeros(3, dtype=np.int64),
            step_us=15 * MINUTE_US,
            window_us=15 * MINUTE_US,
        )
        assert found.power_kw_max.tolist() == [120.0]
        assert found.at.tolist() == [1]

    def test_slides_by_the_base_interval(self) -> None:
        found = demand_by_month(
            np.array([0.0, 1.0, 2.0, 3.0, 0.0]),
            month=np.zeros(5, dtype=np.int64),
            step_us=5 * MINUTE_US,
            window_us=15 * MINUTE_US,
        )
        assert found.power_kw_max.tolist() == [24.0]
        assert found.window_count.tolist() == [3]

    def test_does_not_reach_over_the_turn_of_a_month(self) -> None:
        found = demand_by_month(
            np.array([0.0, 9.0, 9.0, 0.0]),
            month=np.array([5, 5, 6, 6]),
            step_us=15 * MINUTE_US,
            window_us=30 * MINUTE_US,
        )
        assert found.power_kw_max.tolist() == [18.0, 18.0]

    def test_leaves_out_windows_that_are_not_known(self) -> None:
        found = demand_by_month(
            np.array([1.0, NAN, 2.0, NAN]),
            month=np.array([5, 5, 5, 6]),
            step_us=15 * MINUTE_US,
            window_us=15 * MINUTE_US,
        )
        assert np.array_equal(found.power_kw_max, [8.0, NAN], equal_nan=True)
        assert found.known_count.tolist() == [2, 0]
        assert found.window_count.tolist() == [3, 1]
        assert found.at.tolist() == [2, -1]

    @pytest.mark.parametrize(("step", "window"), [(15, 10), (5, 12), (15, 0)])
    def test_refuses_a_window_that_is_not_made_of_intervals(self, step: int, window: int) -> None:
        with pytest.raises(WindowMisfit, match="multiple of the base interval"):
            demand([1.0], [0], step=step, window=window)
