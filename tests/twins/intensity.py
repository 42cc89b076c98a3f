"""An intensity, case by case."""

import math


def intensity(total: float, output: float) -> tuple[float, str]:
    if not math.isfinite(total) or not math.isfinite(output):
        return math.nan, "UNKNOWN"
    if output < 0:
        return math.nan, "NEGATIVE_OUTPUT"
    if output == 0:
        return math.nan, "IDLE" if total == 0 else "NO_OUTPUT"
    quotient = total / output
    if math.isinf(quotient):
        return math.nan, "TOO_LARGE"
    return quotient, "DEFINED"
