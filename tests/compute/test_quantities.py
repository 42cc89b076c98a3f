import dataclasses

import pytest

from compute.quantities import QUANTITIES, QuantityNotFound, hint, quantity
from compute.topology import CarrierFactors


class TestQuantities:
    def test_name_each_quantity_once(self) -> None:
        names = [item.name for item in QUANTITIES]
        assert len(names) == len(set(names))

    def test_have_every_text(self) -> None:
        for item in QUANTITIES:
            assert item.zh, item.name
            assert item.en, item.name
            assert item.sign, item.name
            assert any("一" <= character <= "鿿" for character in item.zh), item.name

    def test_put_the_unit_last_in_the_name(self) -> None:
        endings = {
            "kWh": ("_kwh",),
            "tce": ("_tce",),
            "tCO2e": ("_tco2e",),
            "kW": ("_kw", "_kw_max"),
            "GJ": ("_gj",),
            "1": ("_share", "_count"),
        }
        for item in QUANTITIES:
            if item.unit in endings:
                assert item.name.endswith(endings[item.unit]), item.name

    def test_hold_every_column_of_carrier_factors(self) -> None:
        for field in dataclasses.fields(CarrierFactors):
            assert quantity(field.name).aggregation == "sum"

    def test_form_ratios_again_instead_of_adding_them(self) -> None:
        for item in QUANTITIES:
            if item.name.startswith("intensity_") or item.name.endswith("_share"):
                assert item.aggregation == "ratio", item.name


class TestQuantity:
    def test_finds_by_name(self) -> None:
        found = quantity("coal_equivalent_tce")
        assert found.zh == "综合能耗（当量值）"
        assert found.unit == "tce"

    def test_describes_itself_on_one_line(self) -> None:
        assert quantity("power_kw").description == "功率 / Power [kW]"
        assert quantity("coal_equal_tce").description.endswith("[tce] (GB/T 2589-2020, 3.3)")

    def test_says_the_nearest_name(self) -> None:
        with pytest.raises(QuantityNotFound, match="did you mean 'energy_kwh'"):
            quantity("energy_kw")


class TestHint:
    def test_is_empty_when_nothing_is_near(self) -> None:
        assert hint("zzz", ["energy_kwh"]) == ""

    def test_gives_back_the_name_as_it_is_known(self) -> None:
        assert hint("TDE", ["tce", "kWh"]) == "; did you mean 'tce'?"
