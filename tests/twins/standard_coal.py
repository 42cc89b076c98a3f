"""Comprehensive energy consumption, one carrier after the other."""

import math
from collections.abc import Sequence


def comprehensive_energy_tce(
    consumed: Sequence[float], factors: Sequence[float], sold: Sequence[float]
) -> float:
    terms = []
    for amount, factor, left in zip(consumed, factors, sold, strict=True):
        net = amount - left
        if net == 0.0:
            continue  # a carrier that took no part needs no coefficient
        if math.isnan(net) or math.isnan(factor):
            return math.nan
        terms.append(net * factor)
    return math.fsum(terms)
