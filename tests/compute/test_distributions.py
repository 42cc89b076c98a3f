"""Limits of statistical tests, against printed tables and closed forms."""

import math

import pytest

from compute.distributions import chi_square_quantile, chi_square_tail, sidak_critical_z


class TestChiSquare:
    # NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.4.
    @pytest.mark.parametrize(
        ("level", "freedom", "value"),
        [
            (0.05, 1, 3.841),
            (0.05, 4, 9.488),
            (0.01, 10, 23.209),
            (0.10, 30, 40.256),
            (0.001, 100, 149.449),
            (0.95, 10, 3.940),
            (0.99, 100, 70.065),
        ],
    )
    def test_is_that_of_the_table(self, level: float, freedom: int, value: float) -> None:
        assert chi_square_quantile(level, freedom) == pytest.approx(value, abs=6e-4)

    @pytest.mark.parametrize("value", [1e-6, 0.3, 2.0, 10.0, 60.0])
    def test_tail_of_two_and_four_degrees_is_the_closed_form(self, value: float) -> None:
        assert chi_square_tail(value, 2) == pytest.approx(math.exp(-value / 2), rel=1e-12)
        four = math.exp(-value / 2) * (1 + value / 2)
        assert chi_square_tail(value, 4) == pytest.approx(four, rel=1e-12)

    @pytest.mark.parametrize("freedom", [1, 2, 3, 7, 50, 1000, 100_000])
    @pytest.mark.parametrize("level", [1e-6, 0.05, 0.5, 0.999])
    def test_quantile_undoes_the_tail(self, level: float, freedom: int) -> None:
        quantile = chi_square_quantile(level, freedom)
        assert chi_square_tail(quantile, freedom) == pytest.approx(level, rel=1e-8)

    def test_without_freedom_rejects_nothing_that_fits(self) -> None:
        assert chi_square_quantile(0.05, 0) == 0.0
        assert chi_square_tail(0.0, 0) == 1.0
        assert chi_square_tail(1.0, 0) == 0.0
        assert chi_square_tail(0.0, 3) == 1.0


class TestSidak:
    def test_of_one_test_is_the_normal_quantile(self) -> None:
        assert sidak_critical_z(0.05, 1) == pytest.approx(1.959963984540054, rel=1e-12)

    def test_grows_with_the_number_of_tests(self) -> None:
        assert sidak_critical_z(0.05, 6) == pytest.approx(2.63103828454, rel=1e-11)
        assert sidak_critical_z(0.05, 10_000) > sidak_critical_z(0.05, 1000)
