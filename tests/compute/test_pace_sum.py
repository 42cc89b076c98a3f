"""Where sums end at the pace of late: against the words of its documentation."""

import math
from statistics import mean, variance

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.distributions import student_quantile
from compute.pace import STEPS_MIN, forecast_sum, pace_of

steps = st.lists(st.floats(0.0, 1e6) | st.just(math.nan), max_size=40)


def forecast(past: list[float], so_far: float, left: float) -> tuple[float, float, float]:
    top = np.array([past], dtype=np.float64).reshape(1, -1)
    found = forecast_sum(
        np.array([so_far]), pace_of(top, np.ones_like(top)), np.array([left], dtype=np.float64)
    )
    return float(found.value[0]), float(found.low[0]), float(found.high[0])


@given(steps, st.floats(0.0, 1e6), st.floats(0.0, 100.0))
def test_is_what_its_documentation_says(past: list[float], so_far: float, left: float) -> None:
    known = [step for step in past if not math.isnan(step)]
    value, low, high = forecast(past, so_far, left)
    if left == 0.0:
        assert (value, low, high) == (so_far, so_far, so_far)
        return
    if not known:
        assert math.isnan(value)
        return
    assert value == pytest.approx(so_far + left * mean(known), rel=1e-9)
    if len(known) < STEPS_MIN:
        assert math.isnan(low)
        return
    inflation = float(pace_of(np.array([past]), np.ones((1, len(past)))).inflation[0])
    squared = student_quantile(0.05, len(known) - 1) ** 2 * variance(known)
    half = math.sqrt(inflation * squared * (left + left**2 / len(known)))
    assert high - value == pytest.approx(half, rel=1e-6, abs=1e-6 * max(known))
    assert value - low == pytest.approx(half, rel=1e-6, abs=1e-6 * max(known))


def test_knows_nothing_of_a_period_of_which_nothing_is_known() -> None:
    assert all(math.isnan(figure) for figure in forecast([1.0] * 10, math.nan, 3.0))
