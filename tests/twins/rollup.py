"""One row rolled up, one group at a time."""

import math

from compute.quality import Quality


def figure(values: list[float], qualities: list[int], *, is_amount: bool) -> float:
    known = [value for value in values if not math.isnan(value)]
    invalid = any(
        math.isnan(value) and quality & (Quality.FACTOR_MISSING | Quality.UNDEFINED)
        for value, quality in zip(values, qualities, strict=True)
    )
    if not known or (invalid and not is_amount):
        return math.nan
    return sum(known)


def quality(qualities: list[int]) -> int:
    if not qualities:
        return int(Quality.MISSING)
    joined = 0
    for one in qualities:
        joined |= one
    missing = [bool(one & Quality.MISSING) for one in qualities]
    if any(missing) and not all(missing):
        joined |= Quality.PARTIAL
    return int(joined)
