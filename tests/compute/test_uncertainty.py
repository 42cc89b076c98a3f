"""Uncertainty of meters from class and resolution."""

import math

import numpy as np
import pytest

from compute.uncertainty import meter_sigma


class TestMeterSigma:
    def test_joins_class_and_resolution(self) -> None:
        found = meter_sigma(
            np.array([[0.0, 1000.0], [-200.0, math.nan]]),
            class_limit_share=np.array([0.005, 0.01]),
            resolution=np.array([0.6, 1.0]),
        )
        step = 0.6 / math.sqrt(6.0)
        assert found[0].tolist() == pytest.approx([step, math.hypot(5.0 / math.sqrt(3.0), step)])
        assert found[1, 0] == pytest.approx(math.hypot(2.0 / math.sqrt(3.0), 1.0 / math.sqrt(6.0)))
        assert math.isnan(found[1, 1])

    def test_is_that_of_an_error_spread_evenly_up_to_the_limit(self) -> None:
        errors = np.linspace(-1.0, 1.0, 200_001)
        gain = meter_sigma(
            np.array([[100.0]]), class_limit_share=np.array([0.01]), resolution=np.array([1e-9])
        )
        assert gain[0, 0] == pytest.approx(errors.std(), rel=1e-4)

    def test_is_that_of_two_rounded_register_values(self) -> None:
        # Differences of two errors, each spread evenly over one step.
        ends = np.linspace(-0.5, 0.5, 1001)
        found = meter_sigma(
            np.array([[0.0]]), class_limit_share=np.array([0.0]), resolution=np.array([1.0])
        )
        assert found[0, 0] == pytest.approx((ends[:, None] - ends).std(), rel=1e-2)

    @pytest.mark.parametrize(("limit", "resolution"), [(-0.01, 1.0), (math.nan, 1.0), (0.01, 0.0)])
    def test_refuses_what_no_meter_has(self, limit: float, resolution: float) -> None:
        with pytest.raises(ValueError, match="must be"):
            meter_sigma(
                np.array([[1.0]]),
                class_limit_share=np.array([limit]),
                resolution=np.array([resolution]),
            )
