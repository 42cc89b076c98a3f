import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.standard_coal import KJ_PER_KGCE, KJ_PER_KWH
from compute.units import (
    UNITS,
    UnitHasOffset,
    UnitMismatch,
    UnitNotFound,
    conversion,
    convert,
    rate_conversion,
    unit,
)
from tests.twins import units as twin

SAME_DIMENSION = [
    (one.symbol, other.symbol)
    for one, other in itertools.permutations(UNITS.values(), 2)
    if one.dimension == other.dimension
]
values = st.floats(min_value=-1e9, max_value=1e9)


class TestUnit:
    @pytest.mark.parametrize(
        ("written", "symbol"),
        [
            ("kwh", "kWh"),
            ("KWH", "kWh"),
            ("Kwh", "kWh"),
            ("kW·h", "kWh"),
            ("度", "kWh"),
            ("千瓦时", "kWh"),
            ("万kWh", "1e4kWh"),
            ("mwh", "MWh"),
            ("m³", "m3"),
            ("㎥", "m3"),
            ("M3", "m3"),
            ("立方米", "m3"),
            ("Nm³", "Nm3"),
            ("NM3", "Nm3"),
            ("标方", "Nm3"),
            ("万Nm3", "1e4Nm3"),
            ("万标方", "1e4Nm3"),
            ("万m³", "1e4m3"),
            ("吨", "t"),
            ("T", "t"),
            ("㎏", "kg"),
            ("t / h", "t/h"),
            ("㎥/h", "m3/h"),
            ("Nm³/h", "Nm3/h"),
            ("℃", "°C"),
            ("％", "%"),
            ("吨标准煤", "tce"),
            ("大卡", "kcal"),
            ("ＭＷ", "MW"),
            ("mpa", "MPa"),
            ("万元", "1e4CNY"),
            ("tCO2", "tCO2e"),
            ("件", "piece"),
        ],
    )
    def test_knows_what_people_write(self, written: str, symbol: str) -> None:
        assert unit(written).symbol == symbol

    @pytest.mark.parametrize("symbol", UNITS)
    def test_knows_each_symbol_as_itself(self, symbol: str) -> None:
        assert unit(symbol).symbol == symbol

    @pytest.mark.parametrize("written", ["mW", "mWh", "mJ", "mPa", "Mg", "MG", "ML", "MV", "MM"])
    def test_does_not_guess_between_milli_and_mega(self, written: str) -> None:
        with pytest.raises(UnitNotFound):
            unit(written)

    def test_names_place_value_and_nearest(self) -> None:
        with pytest.raises(UnitNotFound, match=r"^meters\.M1\.unit: .*'kWhh'.*mean 'kWh'\?$"):
            unit("kWhh", place="meters.M1.unit")

    @pytest.mark.parametrize("written", ["", " ", "???", "kWh/kWh/kWh", "\x00"])
    def test_refuses_what_is_no_unit(self, written: str) -> None:
        with pytest.raises(UnitNotFound):
            unit(written)


class TestConversion:
    @pytest.mark.parametrize(
        ("source", "target", "scale"),
        [
            ("kWh", "MJ", 3.6),
            ("MWh", "kWh", 1000.0),
            ("GJ", "kWh", 1000 / 3.6),
            ("kcal", "kJ", 4.1868),
            ("kgce", "kJ", 29307.6),
            ("kgce", "kcal", 7000.0),
            ("tce", "kWh", 8141.0),
            ("kgoe", "kcal", 10000.0),
            ("t", "kg", 1000.0),
            ("1e4Nm3", "Nm3", 10000.0),
            ("GJ/h", "kW", 1000 / 3.6),
            ("%", "1", 0.01),
            ("bar", "kPa", 100.0),
            ("kg/s", "t/h", 3.6),
        ],
    )
    def test_gives_the_exact_factor(self, source: str, target: str, scale: float) -> None:
        assert conversion(source, target) == scale

    def test_agrees_with_the_constants_of_standard_coal(self) -> None:
        assert conversion("kgce", "kJ") == KJ_PER_KGCE
        assert conversion("kWh", "kJ") == KJ_PER_KWH

    @given(
        value=values,
        source=st.sampled_from(list(twin.IN_JOULES)),
        target=st.sampled_from(list(twin.IN_JOULES)),
    )
    def test_agrees_with_decimal_arithmetic(self, value: float, source: str, target: str) -> None:
        assert value * conversion(source, target) == pytest.approx(
            twin.convert_energy(value, source, target), rel=1e-15, abs=1e-300
        )

    @pytest.mark.parametrize(
        ("source", "target"),
        [
            ("kW", "kWh"),
            ("kWh", "kW"),
            ("m3", "Nm3"),
            ("m3/h", "Nm3/h"),
            ("t", "kWh"),
            ("kvarh", "kWh"),
            ("mg/m3", "mg/Nm3"),
            ("°C", "kWh"),
        ],
    )
    def test_refuses_another_dimension(self, source: str, target: str) -> None:
        with pytest.raises(UnitMismatch, match=r"points\.P1\.unit: "):
            conversion(source, target, place="points.P1.unit")

    def test_says_what_to_do_with_a_power_for_an_energy(self) -> None:
        with pytest.raises(UnitMismatch, match="declare the point a gauge"):
            conversion("kW", "kWh")

    def test_says_what_to_do_with_a_volume_of_unknown_state(self) -> None:
        with pytest.raises(UnitMismatch, match=r"0 degC and 101\.325 kPa"):
            conversion("㎥", "万Nm3")

    def test_refuses_a_factor_where_an_offset_is_needed(self) -> None:
        with pytest.raises(UnitHasOffset):
            conversion("°C", "K")

    def test_is_one_between_equal_temperatures(self) -> None:
        assert conversion("°C", "℃") == 1.0


class TestRateConversion:
    @pytest.mark.parametrize(
        ("source", "target", "scale"),
        [
            ("kW", "kWh", 1.0),
            ("MW", "kWh", 1000.0),
            ("GJ/h", "GJ", 1.0),
            ("kg/h", "t", 0.001),
            ("Nm3/h", "1e4Nm3", 1e-4),
            ("m3/s", "m3", 3600.0),
            ("kvar", "kvarh", 1.0),
        ],
    )
    def test_gives_the_amount_of_one_hour(self, source: str, target: str, scale: float) -> None:
        assert rate_conversion(source, target) == scale

    @pytest.mark.parametrize(("source", "target"), [("kWh", "kWh"), ("kW", "t"), ("m3/h", "Nm3")])
    def test_refuses_what_is_not_a_rate_of_the_amount(self, source: str, target: str) -> None:
        with pytest.raises(UnitMismatch):
            rate_conversion(source, target)


class TestConvert:
    @pytest.mark.parametrize(
        ("value", "source", "target", "expected"),
        [
            (0.0, "°C", "K", 273.15),
            (100.0, "°C", "°F", 212.0),
            (32.0, "°F", "°C", 0.0),
            (-40.0, "°F", "°C", -40.0),
        ],
    )
    def test_minds_the_offset(
        self, value: float, source: str, target: str, expected: float
    ) -> None:
        result = convert(np.array([value]), source=source, target=target)
        assert result[0] == pytest.approx(expected, abs=1e-12)

    def test_keeps_nan(self) -> None:
        assert np.isnan(convert(np.array([np.nan]), source="kWh", target="MJ")[0])

    @given(value=values, pair=st.sampled_from(SAME_DIMENSION))
    def test_comes_back_where_it_started(self, value: float, pair: tuple[str, str]) -> None:
        there = convert(np.array([value]), source=pair[0], target=pair[1])
        back = convert(there, source=pair[1], target=pair[0])
        assert back[0] == pytest.approx(value, rel=1e-12, abs=1e-9)

    @given(value=values, other=values, pair=st.sampled_from(SAME_DIMENSION))
    def test_keeps_the_order(self, value: float, other: float, pair: tuple[str, str]) -> None:
        one, two = convert(np.array([value, other]), source=pair[0], target=pair[1])
        assert (one <= two) == (value <= other) or one == two
