"""GB/T 32150-2015 and the MEE guideline: fuel combustion, purchased electricity and heat."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from compute.emission import (
    as_received,
    combustion_tco2,
    hot_water_heat_gj,
    oxidised_carbon_tco2,
    purchased_tco2,
    standard_volume_nm3,
    steam_heat_gj,
)
from compute.units import conversion
from services.reference import FactorBook, Override, carrier_factors
from tests.standards import worked_examples

IN_2023 = date(2023, 7, 1)
COAL_T = 10_000.0
BILLED_M3 = 3_490_000.0
ELECTRICITY_MWH = 12_000.0
HEAT_GJ = 30_000.0


@pytest.fixture(scope="module")
def book() -> FactorBook:
    return FactorBook()


def measured_coal() -> FactorBook:
    def stated(parameter: str, value: float, unit: str) -> Override:
        return Override(
            carrier="bituminous_coal",
            parameter=parameter,
            value=value,
            unit=unit,
            valid_from=date(2023, 7, 1),
            valid_to=date(2023, 8, 1),
            source="laboratory report",
            stated_by="test",
            basis="as_received",
        )

    return FactorBook(
        overrides=[stated("ncv", 21.8, "GJ/t"), stated("carbon_content", 0.02585, "tC/GJ")]
    )


def coal_tco2(book: FactorBook) -> float:
    factors, _ = carrier_factors(book, ["bituminous_coal"], at=IN_2023, region=None)
    return COAL_T * float(factors.emission_direct_tco2e[0])


def gas_tco2(volume_nm3: float) -> float:
    return float(
        combustion_tco2(
            volume_nm3 * conversion("Nm3", "1e4Nm3"),
            calorific_value_gj=389.31,
            carbon_content_tc_per_gj=0.0153,
            oxidation_share=0.99,
        )
    )


def grid_tco2(book: FactorBook, region: str) -> float:
    found = book.lookup("electricity", "emission_purchased", at=IN_2023, region=region)
    assert found.how == "exact"
    return float(purchased_tco2(ELECTRICITY_MWH, factor_tco2=found.factor.value))


def heat_tco2(book: FactorBook) -> float:
    found = book.lookup("heat", "emission_purchased", at=IN_2023)
    return float(purchased_tco2(HEAT_GJ, factor_tco2=found.factor.value))


class TestFuelCombustion:
    def test_appendix_2_bituminous_coal_with_default_values(self, book: FactorBook) -> None:
        # 10000 t x 23.204 GJ/t x 0.02618 tC/GJ x 0.93 x 44/12
        assert coal_tco2(book) == pytest.approx(20715.092552, rel=1e-12)
        assert coal_tco2(book) / COAL_T == pytest.approx(2.07151, abs=5e-6)

    def test_fuel_combustion_bituminous_coal_with_measured_values(self) -> None:
        # 10000 t x 21.8 GJ/t x 0.02585 tC/GJ x 0.93 x 44/12
        assert coal_tco2(measured_coal()) == pytest.approx(19216.373, rel=1e-9)

    def test_fuel_combustion_coal_by_elemental_carbon(self) -> None:
        carbon = as_received(0.556, moisture_received_share=0.092, moisture_dried_share=0.024)
        assert float(carbon) == pytest.approx(0.517262, abs=5e-7)
        emission = oxidised_carbon_tco2(COAL_T, carbon_tc=carbon, oxidation_share=0.99)
        assert float(emission) == pytest.approx(18776.6, abs=0.05)

    def test_fuel_combustion_gas_is_brought_to_0_degc(self) -> None:
        volume_nm3 = float(standard_volume_nm3(BILLED_M3, temperature_c=20.0))
        assert volume_nm3 == pytest.approx(3_490_000.0 * 273.15 / 293.15, rel=1e-14)
        assert volume_nm3 == pytest.approx(3_251_900.0, abs=5.0)
        assert gas_tco2(volume_nm3) == pytest.approx(7031.21, abs=0.005)

    def test_fuel_combustion_forgetting_the_state_costs_7_3_percent(self) -> None:
        assert gas_tco2(BILLED_M3) == pytest.approx(7546.04, abs=0.005)

    def test_appendix_2_factor_of_natural_gas(self, book: FactorBook) -> None:
        factors, _ = carrier_factors(book, ["natural_gas"], at=IN_2023, region=None)
        assert factors.emission_direct_tco2e[0] == pytest.approx(21.6219, abs=5e-5)

    def test_scope_biomass_is_outside_the_total(self, book: FactorBook) -> None:
        factors, _ = carrier_factors(book, ["fuelwood", "biogas"], at=IN_2023, region=None)
        assert list(factors.emission_direct_tco2e) == [0.0, 0.0]


class TestPurchasedElectricityAndHeat:
    @pytest.mark.parametrize(
        ("region", "expected"), [("320000", 6992.4), ("CN-EAST", 6600.0), ("CN", 6367.2)]
    )
    def test_purchased_electricity_by_place(
        self, book: FactorBook, region: str, expected: float
    ) -> None:
        assert grid_tco2(book, region) == pytest.approx(expected, rel=1e-12)

    def test_purchased_heat_with_the_default_factor(self, book: FactorBook) -> None:
        assert heat_tco2(book) == pytest.approx(3300.0, rel=1e-12)

    def test_purchased_total_with_the_national_factor(self, book: FactorBook) -> None:
        assert grid_tco2(book, "CN") + heat_tco2(book) == pytest.approx(9667.2, rel=1e-12)

    def test_purchased_electricity_in_the_carriers_unit(self, book: FactorBook) -> None:
        factors, _ = carrier_factors(book, ["electricity", "heat"], at=IN_2023, region="CN")
        bought = np.array([ELECTRICITY_MWH * conversion("MWh", "kWh"), HEAT_GJ])
        assert float(bought @ factors.emission_purchased_tco2e) == pytest.approx(9667.2, rel=1e-12)

    def test_purchased_heat_of_steam_and_hot_water_by_enthalpy(self) -> None:
        base = 83.74
        saturated = steam_heat_gj(
            12_000.0, enthalpy_kj_per_kg=2777.12, base_enthalpy_kj_per_kg=base
        )
        superheated = steam_heat_gj(
            8_000.0, enthalpy_kj_per_kg=3333.47, base_enthalpy_kj_per_kg=base
        )
        water = hot_water_heat_gj(5_000.0, temperature_c=80.0)
        assert float(saturated) == pytest.approx(32320.56, rel=1e-9)
        assert float(superheated) == pytest.approx(25997.84, rel=1e-9)
        assert float(water) == pytest.approx(1256.04, rel=1e-9)


class TestWorkedExamples:
    def test_e02_burning_coal(self, book: FactorBook, shared_folder: Path) -> None:
        expected = worked_examples.results(shared_folder, "E02")
        assert coal_tco2(book) == pytest.approx(expected["CO2, default"], rel=5e-6)
        assert coal_tco2(measured_coal()) == pytest.approx(expected["CO2, measured"], rel=5e-6)

    def test_e04_natural_gas(self, shared_folder: Path) -> None:
        expected = worked_examples.results(shared_folder, "E04")
        volume_nm3 = float(standard_volume_nm3(BILLED_M3, temperature_c=20.0))
        assert volume_nm3 == pytest.approx(expected["volume at 0 degC"], rel=5e-6)
        assert gas_tco2(volume_nm3) == pytest.approx(expected["CO2 from V0"], rel=5e-6)
        assert gas_tco2(BILLED_M3) == pytest.approx(
            expected["CO2 if the correction is forgotten"], rel=5e-6
        )

    def test_e05_purchased_electricity_and_heat(
        self, book: FactorBook, shared_folder: Path
    ) -> None:
        expected = worked_examples.results(shared_folder, "E05")
        by_place = {"provincial": "320000", "regional": "CN-EAST", "national": "CN"}
        for name, region in by_place.items():
            assert grid_tco2(book, region) == pytest.approx(
                expected[f"electricity, {name} factor"], rel=5e-6
            )
        assert heat_tco2(book) == pytest.approx(expected["heat"], rel=5e-6)

    def test_e08_heat_by_enthalpy(self, shared_folder: Path) -> None:
        expected = worked_examples.results(shared_folder, "E08")
        given = worked_examples.inputs(shared_folder, "E08")
        for name, mass, enthalpy in (
            ("saturated", "saturated steam 1.0 MPa abs", "h saturated 1.0 MPa"),
            ("superheated", "superheated steam 3.82 MPa abs, 450 degC", "h superheated"),
        ):
            heat = steam_heat_gj(
                given[mass],
                enthalpy_kj_per_kg=given[enthalpy],
                base_enthalpy_kj_per_kg=given["base enthalpy"],
            )
            assert float(heat) == pytest.approx(expected[f"heat, {name}"], rel=5e-6)
