import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.intensity import (
    Undefined,
    energy_per_product_kgce,
    energy_per_value_tce,
    intensity,
)
from tests.twins import intensity as twin

anything = st.floats(allow_nan=True, allow_infinity=True)


class TestIntensity:
    @given(total=anything, output=anything)
    def test_agrees_with_its_twin(self, total: float, output: float) -> None:
        result = intensity(np.array([total]), output=np.array([output]))
        value, reason = twin.intensity(total, output)
        assert result.value[0] == pytest.approx(value, nan_ok=True)
        assert Undefined(int(result.reason[0])).name == reason

    @given(total=anything, output=anything)
    def test_has_a_value_or_a_reason_and_never_infinity(self, total: float, output: float) -> None:
        result = intensity(np.array([total]), output=output)
        assert math.isnan(result.value[0]) == (result.reason[0] != Undefined.DEFINED)
        assert not math.isinf(result.value[0])

    def test_is_not_defined_for_consumption_without_production(self) -> None:
        result = intensity(np.array([5.0]), output=np.array([0.0]))
        assert np.isnan(result.value[0])
        assert result.reason[0] == Undefined.NO_OUTPUT

    def test_tells_an_idle_plant_from_a_wasteful_one(self) -> None:
        result = intensity(np.array([0.0, 1.0]), output=0.0)
        assert list(result.reason) == [Undefined.IDLE, Undefined.NO_OUTPUT]

    @given(
        total=st.floats(min_value=-1e9, max_value=1e9),
        output=st.floats(min_value=1e-3, max_value=1e9),
        times=st.floats(min_value=1e-3, max_value=1e3),
    )
    def test_does_not_mind_the_size_of_the_plant(
        self, total: float, output: float, times: float
    ) -> None:
        one = intensity(np.array([total]), output=output).value[0]
        many = intensity(np.array([total * times]), output=output * times).value[0]
        assert many == pytest.approx(one, rel=1e-12, abs=1e-300)

    def test_takes_no_rows_and_a_single_number(self) -> None:
        assert intensity(np.empty(0), output=np.empty(0)).value.shape == (0,)
        assert float(intensity(np.float64(6.0), output=3.0).value) == 2.0  # type: ignore[arg-type]


class TestEnergyPerProduct:
    def test_is_in_kilograms_of_coal(self) -> None:
        assert energy_per_product_kgce(np.array([1.0]), product=10.0).value[0] == 100.0


class TestEnergyPerValue:
    def test_is_in_tonnes_of_coal(self) -> None:
        assert energy_per_value_tce(np.array([1.0]), value_10k_cny=10.0).value[0] == 0.1
