import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.emission import (
    as_received,
    combustion_tco2,
    hot_water_heat_gj,
    oxidised_carbon_tco2,
    purchased_tco2,
    standard_volume_nm3,
    steam_heat_gj,
    warming_tco2e,
)
from compute.units import conversion
from tests.twins import emission as twin

amounts = st.floats(min_value=-1e9, max_value=1e9)
positives = st.floats(min_value=1e-6, max_value=1e4)
shares = st.floats(min_value=0.0, max_value=1.0)


class TestCombustion:
    @given(fuel=amounts, value=positives, content=positives, share=shares)
    def test_agrees_with_its_twin(
        self, fuel: float, value: float, content: float, share: float
    ) -> None:
        result = combustion_tco2(
            np.array([fuel]),
            calorific_value_gj=value,
            carbon_content_tc_per_gj=content,
            oxidation_share=share,
        )
        expected = twin.combustion_tco2(fuel, value, content, share)
        assert result[0] == pytest.approx(expected, rel=1e-12, abs=1e-200)

    @given(one=amounts, other=amounts, value=positives)
    def test_adds_up(self, one: float, other: float, value: float) -> None:
        def burn(fuel: float) -> float:
            return float(
                combustion_tco2(
                    fuel,
                    calorific_value_gj=value,
                    carbon_content_tc_per_gj=0.02,
                    oxidation_share=1.0,
                )
            )

        assert burn(one) + burn(other) == pytest.approx(burn(one + other), rel=1e-9, abs=1e-3)

    @given(fuel_t=amounts, value=positives)
    def test_does_not_mind_the_unit(self, fuel_t: float, value: float) -> None:
        by_tonne = combustion_tco2(
            fuel_t, calorific_value_gj=value, carbon_content_tc_per_gj=0.02, oxidation_share=0.9
        )
        by_kilogram = combustion_tco2(
            fuel_t * conversion("t", "kg"),
            calorific_value_gj=value * conversion("kg", "t"),
            carbon_content_tc_per_gj=0.02,
            oxidation_share=0.9,
        )
        assert float(by_kilogram) == pytest.approx(float(by_tonne), rel=1e-12)

    @pytest.mark.parametrize("place", range(4))
    def test_is_unknown_where_any_part_is(self, place: int) -> None:
        parts = [1.0, 2.0, 3.0, 0.9]
        parts[place] = np.nan
        fuel, value, content, share = parts
        result = combustion_tco2(
            np.array([fuel]),
            calorific_value_gj=value,
            carbon_content_tc_per_gj=content,
            oxidation_share=share,
        )
        assert np.isnan(result[0])

    def test_takes_no_rows(self) -> None:
        result = combustion_tco2(
            np.empty(0),
            calorific_value_gj=1.0,
            carbon_content_tc_per_gj=1.0,
            oxidation_share=1.0,
        )
        assert result.shape == (0,)


class TestOxidisedCarbon:
    def test_turns_twelve_of_carbon_into_forty_four(self) -> None:
        assert float(oxidised_carbon_tco2(1.0, carbon_tc=12.0)) == pytest.approx(44.0)


class TestAsReceived:
    def test_does_nothing_at_equal_moisture(self) -> None:
        result = as_received(0.5, moisture_received_share=0.1, moisture_dried_share=0.1)
        assert float(result) == 0.5


class TestPurchased:
    @given(activity=amounts, factor=positives)
    def test_gives_back_what_is_sold_again(self, activity: float, factor: float) -> None:
        bought = purchased_tco2(activity, factor_tco2=factor)
        assert float(bought + purchased_tco2(-activity, factor_tco2=factor)) == 0.0


class TestStandardVolume:
    @given(
        volume=amounts,
        temperature=st.floats(min_value=-100.0, max_value=300.0),
        pressure=st.floats(min_value=1.0, max_value=1e4),
    )
    def test_agrees_with_its_twin(self, volume: float, temperature: float, pressure: float) -> None:
        result = standard_volume_nm3(volume, temperature_c=temperature, pressure_kpa=pressure)
        expected = twin.standard_volume_nm3(volume, temperature, pressure)
        assert float(result) == pytest.approx(expected, rel=1e-12, abs=1e-200)

    def test_leaves_the_standard_state_alone(self) -> None:
        assert float(standard_volume_nm3(123.0, temperature_c=0.0)) == 123.0

    def test_makes_billed_gas_7_3_percent_smaller(self) -> None:
        assert 1.0 / float(standard_volume_nm3(1.0, temperature_c=20.0)) == pytest.approx(
            1.0732, abs=1e-4
        )

    def test_knows_nothing_below_absolute_zero(self) -> None:
        assert np.isnan(standard_volume_nm3(1.0, temperature_c=-273.15))
        assert np.isnan(standard_volume_nm3(1.0, temperature_c=-300.0))


class TestHeat:
    def test_of_steam_is_linear_in_mass(self) -> None:
        heat = steam_heat_gj(
            np.array([1.0, 2.0]), enthalpy_kj_per_kg=2777.12, base_enthalpy_kj_per_kg=83.74
        )
        assert heat[1] == 2.0 * heat[0]

    def test_of_water_at_the_base_is_zero(self) -> None:
        assert float(hot_water_heat_gj(5.0, temperature_c=20.0)) == 0.0


class TestWarming:
    def test_multiplies_by_the_potential(self) -> None:
        assert float(warming_tco2e(0.5, gwp=265.0)) == 132.5
