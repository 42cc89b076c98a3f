"""Quantiles of the normal and the chi-square distribution: the limits of statistical tests."""

import functools
import math
from statistics import NormalDist

_ITERATION_MAX = 100_000
_PRECISION = 1e-15


def sidak_critical_z(level: float, test_count: int) -> float:
    """Return the |z| that the largest of several independent normal tests exceeds with `level`.

    Parameters
    ----------
    level : float
        Chance of a false alarm by any of the tests, in 0..1 (open).
    test_count : int
        At least 1.

    Notes
    -----
    Šidák 1967; two-sided: each test has the level 1 - (1 - level)^(1 / n). On tests that are
    correlated, as adjustments are, the true level is a little lower.
    """
    single_level = -math.expm1(math.log1p(-level) / test_count)
    return -NormalDist().inv_cdf(single_level / 2.0)


@functools.lru_cache(maxsize=256)
def chi_square_quantile(level: float, degrees_of_freedom: int) -> float:
    """Return the value that chi-square exceeds with the chance `level`; 0 without freedom."""
    if degrees_of_freedom == 0:
        return 0.0
    # Wilson-Hilferty 1931 starts close, bisection cannot fail.
    n = float(degrees_of_freedom)
    z = NormalDist().inv_cdf(1.0 - level)
    guess = n * max(1.0 - 2.0 / (9.0 * n) + z * math.sqrt(2.0 / (9.0 * n)), 1e-3) ** 3
    low, high = 0.0, 2.0 * guess + 1.0
    while chi_square_tail(high, degrees_of_freedom) > level:
        low, high = high, 2.0 * high
    while high - low > 4.0 * _PRECISION * high:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if chi_square_tail(middle, degrees_of_freedom) > level:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def chi_square_tail(value: float, degrees_of_freedom: int) -> float:
    """Return the chance that chi-square exceeds a value: Q(n / 2, x / 2)."""
    if degrees_of_freedom == 0:
        return 1.0 if value <= 0.0 else 0.0
    if value <= 0.0:
        return 1.0
    a, x = 0.5 * degrees_of_freedom, 0.5 * value
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        return 1.0 - scale * _lower_series(a, x)
    return scale * _upper_fraction(a, x)


def _lower_series(a: float, x: float) -> float:
    """Return gamma(a, x) / (x^a e^-x). DLMF 8.11.4."""
    term = total = 1.0 / a
    for k in range(1, _ITERATION_MAX):
        term *= x / (a + k)
        total += term
        if term < total * _PRECISION:
            break
    return total


def _upper_fraction(a: float, x: float) -> float:
    """Return Gamma(a, x) / (x^a e^-x) by the continued fraction DLMF 8.9.2, after Lentz."""
    tiny = 1e-300
    b = x + 1.0 - a
    c, d = 1.0 / tiny, 1.0 / b
    fraction = d
    for k in range(1, _ITERATION_MAX):
        step = -k * (k - a)
        b += 2.0
        d = 1.0 / (step * d + b or tiny)
        c = b + step / c or tiny
        fraction *= c * d
        if abs(c * d - 1.0) < _PRECISION:
            break
    return fraction


def student_quantile(level: float, degrees_of_freedom: int) -> float:
    """Return the |t| that Student's t exceeds with the chance `level`, on both sides together.

    Parameters
    ----------
    level : float
        In 0..1 (open).
    degrees_of_freedom : int
        At least 3.

    Notes
    -----
    Cornish and Fisher's expansion (Abramowitz and Stegun 26.7.5); to 1 % from 3 degrees on for
    levels of 1 % and more.
    """
    z = -NormalDist().inv_cdf(level / 2.0)
    n = float(degrees_of_freedom)
    terms = (
        (z**3 + z) / 4.0,
        (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0,
        (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0,
        (79.0 * z**9 + 776.0 * z**7 + 1482.0 * z**5 - 1920.0 * z**3 - 945.0 * z) / 92160.0,
    )
    return z + sum(term / n ** (power + 1) for power, term in enumerate(terms))
