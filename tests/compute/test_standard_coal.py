import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from compute.standard_coal import (
    coal_factor_tce_of,
    coal_tce,
    comprehensive_energy_tce,
    energy_kwh_of,
)
from compute.units import conversion
from tests.twins import standard_coal as twin

amounts = st.floats(min_value=-1e9, max_value=1e9)
positives = st.floats(min_value=1e-6, max_value=1e3)
unknown_too = amounts | st.just(np.nan)
three = hnp.arrays(np.float64, 3, elements=amounts)


class TestComprehensiveEnergy:
    @given(
        consumed=hnp.arrays(np.float64, 4, elements=unknown_too),
        sold=hnp.arrays(np.float64, 4, elements=unknown_too),
        factors=hnp.arrays(np.float64, 4, elements=positives | st.just(np.nan)),
    )
    def test_agrees_with_its_twin(
        self, consumed: np.ndarray, sold: np.ndarray, factors: np.ndarray
    ) -> None:
        result = comprehensive_energy_tce(consumed, coal_factor_tce=factors, sold=sold)
        expected = twin.comprehensive_energy_tce(list(consumed), list(factors), list(sold))
        assert float(result) == pytest.approx(expected, rel=1e-9, abs=1e-3, nan_ok=True)

    @given(one=three, other=three, factors=hnp.arrays(np.float64, 3, elements=positives))
    def test_adds_up_over_periods(
        self, one: np.ndarray, other: np.ndarray, factors: np.ndarray
    ) -> None:
        parts = comprehensive_energy_tce(np.stack([one, other]), coal_factor_tce=factors).sum()
        whole = comprehensive_energy_tce(one + other, coal_factor_tce=factors)
        assert parts == pytest.approx(float(whole), rel=1e-9, abs=1e-2)

    @given(
        consumed=three,
        factors=hnp.arrays(np.float64, 3, elements=positives),
        times=st.floats(min_value=0.001, max_value=1000.0),
    )
    def test_is_linear_in_the_factor(
        self, consumed: np.ndarray, factors: np.ndarray, times: float
    ) -> None:
        scaled = comprehensive_energy_tce(consumed, coal_factor_tce=factors * times)
        plain = comprehensive_energy_tce(consumed, coal_factor_tce=factors)
        assert float(scaled) == pytest.approx(float(plain) * times, rel=1e-9, abs=1e-2)

    @given(amount_kwh=amounts, factor=positives)
    def test_does_not_mind_the_unit(self, amount_kwh: float, factor: float) -> None:
        kwh = comprehensive_energy_tce(np.array([amount_kwh]), coal_factor_tce=np.array([factor]))
        mwh = comprehensive_energy_tce(
            np.array([amount_kwh * conversion("kWh", "MWh")]),
            coal_factor_tce=np.array([factor * conversion("MWh", "kWh")]),
        )
        assert float(mwh) == pytest.approx(float(kwh), rel=1e-12)

    def test_subtracts_what_is_sold(self) -> None:
        result = comprehensive_energy_tce(
            np.array([10.0, 5.0]), coal_factor_tce=np.array([1.0, 2.0]), sold=np.array([0.0, 6.0])
        )
        assert result == 8.0

    def test_does_not_miss_a_coefficient_that_nothing_needs(self) -> None:
        factors = np.array([1.0, np.nan])
        assert comprehensive_energy_tce(np.array([3.0, 0.0]), coal_factor_tce=factors) == 3.0
        assert np.isnan(comprehensive_energy_tce(np.array([3.0, 1e-9]), coal_factor_tce=factors))

    def test_is_zero_without_carriers(self) -> None:
        assert comprehensive_energy_tce(np.empty(0), coal_factor_tce=np.empty(0)) == 0.0

    def test_keeps_the_shape_of_the_periods(self) -> None:
        result = comprehensive_energy_tce(np.ones((2, 5, 3)), coal_factor_tce=np.ones(3))
        assert result.shape == (2, 5)


class TestCoalTce:
    def test_keeps_one_term_per_carrier(self) -> None:
        terms = coal_tce(np.array([[1.0, 2.0]]), coal_factor_tce=np.array([0.5, np.nan]))
        assert terms[0, 0] == 0.5
        assert np.isnan(terms[0, 1])


class TestCoalFactor:
    def test_is_one_for_standard_coal(self) -> None:
        assert coal_factor_tce_of(29307.6) == 0.001

    @given(value=st.floats(min_value=0.0, max_value=1e9))
    def test_makes_the_same_energy_again(self, value: float) -> None:
        energy_kwh = energy_kwh_of(coal_factor_tce_of(value))
        assert float(energy_kwh) == pytest.approx(value / 3600.0, rel=1e-14)


class TestEnergyKwh:
    def test_is_8141_for_one_tce(self) -> None:
        assert energy_kwh_of(1.0) == pytest.approx(conversion("tce", "kWh"), rel=1e-15)
