"""Bills: decimals, the fen at the end of a line only, and the three forms of the basic charge."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.bill import BasicCharge, chargeable, exact, line_cny

FINITE = st.floats(-1e9, 1e9, allow_nan=False)


class TestLine:
    @pytest.mark.parametrize(
        ("quantity", "price", "cny"),
        [
            ("1", "0.005", "0.01"),
            ("1", "0.0049999", "0.00"),
            ("-1", "0.005", "-0.01"),
            ("3", "0.335", "1.01"),
            ("123456.78", "0.6543", "80777.77"),
            ("0", "99", "0.00"),
        ],
    )
    def test_is_rounded_half_up_to_the_fen(self, quantity: str, price: str, cny: str) -> None:
        assert line_cny(Decimal(quantity), price=Decimal(price)) == Decimal(cny)

    @given(quantity=FINITE, price=st.floats(-100, 100), part=st.integers(0, 2976))
    def test_is_within_half_a_fen_of_the_fraction(
        self, quantity: float, price: float, part: int
    ) -> None:
        share = Fraction(part, 2976)
        line = line_cny(exact(quantity), price=exact(price), share=share)
        wanted = Fraction(exact(quantity)) * Fraction(exact(price)) * share
        assert abs(Fraction(line) - wanted) <= Fraction(1, 200)

    def test_is_of_the_decimal_that_is_written(self) -> None:
        # As binary numbers 0.285 x 1 is below 0.285 and would lose its half fen.
        assert line_cny(exact(1.0), price=exact(0.285)) == Decimal("0.29")


class TestBasicCharge:
    """Worked by hand; by contract as 基本电费 is: the excess over 105 % counts twice."""

    @pytest.mark.parametrize(
        ("method", "agreed", "power_kw", "kw"),
        [
            ("demand", "0", 812.5, "812.5"),
            ("demand", "0", -3.0, "0"),
            ("contract", "1000", 812.5, "1000"),
            ("contract", "1000", 1050.0, "1000"),
            ("contract", "1000", 1150.0, "1200"),
            ("capacity", "1250", 812.5, "1250"),
            ("capacity", "1250", float("nan"), "1250"),
        ],
    )
    def test_is_for(self, method: str, agreed: str, power_kw: float, kw: str) -> None:
        basic = BasicCharge(method, Decimal(40), Decimal(agreed))  # type: ignore[arg-type]
        assert chargeable(basic, power_kw_max=power_kw) == Decimal(kw)

    @pytest.mark.parametrize("method", ["demand", "contract"])
    def test_is_not_known_without_a_demand(self, method: str) -> None:
        basic = BasicCharge(method, Decimal(40), Decimal(1))  # type: ignore[arg-type]
        assert chargeable(basic, power_kw_max=float("nan")) is None

    @given(st.floats(0, 1e5), st.floats(0, 1e5))
    def test_never_falls_as_demand_grows(self, one: float, other: float) -> None:
        basic = BasicCharge("contract", Decimal(40), Decimal(500))
        low = chargeable(basic, power_kw_max=min(one, other))
        high = chargeable(basic, power_kw_max=max(one, other))
        assert low is not None
        assert high is not None
        assert low <= high
