"""GB/T 2589-2020: a small plant, from its meters to its comprehensive energy consumption."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from compute.intensity import Undefined, energy_per_product_kgce, energy_per_value_tce
from compute.standard_coal import coal_tce, comprehensive_energy_tce
from services.reference import Confirmation, FactorBook, carrier_factors
from tests.standards import worked_examples

CARRIERS = ["raw_coal", "natural_gas", "diesel", "electricity", "heat"]
CONSUMED = np.array([1200.0, 50.0, 30.0, 8_000_000.0, 15_000.0])  # t, 1e4Nm3, t, kWh, GJ
SOLD = np.array([0.0, 0.0, 0.0, 0.0, 2_000.0])
PRODUCT_T = 25_000.0
VALUE_ADDED_10K_CNY = 9_600.0
IN_2023 = date(2023, 7, 1)


@pytest.fixture(scope="module")
def book() -> FactorBook:
    # The equal value of 2023 is a recalled figure: the example takes it, so a person confirms it.
    confirmed = Confirmation(
        factor_id="electricity.coal_equal@CEC 2023",
        confirmed_by="test",
        reason="input of the worked example",
        confirmed_at=datetime(2024, 1, 1, tzinfo=UTC),
    )
    return FactorBook(confirmations=[confirmed])


class TestGbT2589:
    def test_clause_7_each_carrier_as_standard_coal(self, book: FactorBook) -> None:
        factors, _ = carrier_factors(book, CARRIERS, at=IN_2023, region=None)
        terms = coal_tce(CONSUMED, coal_factor_tce=factors.coal_equivalent_tce)
        assert terms == pytest.approx([857.16, 665.0, 43.713, 983.2, 511.8], rel=1e-12)

    def test_clause_7_comprehensive_energy_equivalent_value(self, book: FactorBook) -> None:
        factors, _ = carrier_factors(book, CARRIERS, at=IN_2023, region=None)
        energy = comprehensive_energy_tce(
            CONSUMED, coal_factor_tce=factors.coal_equivalent_tce, sold=SOLD
        )
        assert float(energy) == pytest.approx(2992.633, rel=1e-12)

    def test_clause_3_3_comprehensive_energy_equal_value(self, book: FactorBook) -> None:
        factors, _ = carrier_factors(book, CARRIERS, at=IN_2023, region=None)
        energy = comprehensive_energy_tce(
            CONSUMED, coal_factor_tce=factors.coal_equal_tce, sold=SOLD
        )
        assert float(energy) == pytest.approx(4425.433, rel=1e-12)

    def test_clause_3_7_energy_per_unit_of_product(self) -> None:
        result = energy_per_product_kgce(np.array([2992.633]), product=PRODUCT_T)
        assert result.value[0] == pytest.approx(119.70532, rel=1e-12)

    def test_clause_3_6_energy_per_value_added(self) -> None:
        result = energy_per_value_tce(np.array([2992.633]), value_10k_cny=VALUE_ADDED_10K_CNY)
        assert result.value[0] == pytest.approx(2992.633 / 9600.0, rel=1e-12)

    def test_clause_3_7_is_not_defined_without_product(self) -> None:
        result = energy_per_product_kgce(np.array([2992.633]), product=0.0)
        assert np.isnan(result.value[0])
        assert result.reason[0] == Undefined.NO_OUTPUT

    def test_clause_8_one_kilogram_of_standard_coal_is_7000_kcal(self, book: FactorBook) -> None:
        constant = book.lookup("constant", "kgce_kj", at=IN_2023).factor.value
        calorie = book.lookup("constant", "kcal_kj", at=IN_2023).factor.value
        assert constant == pytest.approx(7000.0 * calorie, rel=1e-15)

    def test_appendix_a_coefficients_of_the_example_are_active(self, book: FactorBook) -> None:
        printed = {"raw_coal": 714.3, "natural_gas": 13300.0, "diesel": 1457.1, "heat": 34.12}
        for carrier, value in printed.items():
            found = book.lookup(carrier, "coal_equivalent", at=IN_2023)
            assert (found.factor.value, found.how) == (value, "exact")
            assert found.factor.confidence == "verified"
        assert book.lookup("electricity", "coal_equivalent", at=IN_2023).factor.value == 0.1229

    def test_agrees_with_worked_example_e01(self, book: FactorBook, shared_folder: Path) -> None:
        expected = worked_examples.results(shared_folder, "E01")
        factors, _ = carrier_factors(book, CARRIERS, at=IN_2023, region=None)
        equivalent = comprehensive_energy_tce(
            CONSUMED, coal_factor_tce=factors.coal_equivalent_tce, sold=SOLD
        )
        equal = comprehensive_energy_tce(
            CONSUMED, coal_factor_tce=factors.coal_equal_tce, sold=SOLD
        )
        computed = {
            "comprehensive energy, equivalent value": float(equivalent),
            "comprehensive energy, equal value": float(equal),
            "per tonne product": float(
                energy_per_product_kgce(equivalent, product=PRODUCT_T).value
            ),
            "per 1e4 CNY value added": float(
                energy_per_value_tce(equivalent, value_10k_cny=VALUE_ADDED_10K_CNY).value
            ),
        }
        # The examples are printed with six significant digits.
        for name, value in computed.items():
            assert value == pytest.approx(expected[name], rel=5e-6), name
