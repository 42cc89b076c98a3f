"""Benchmarking, one unit at a time, in the words of its documentation."""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, mean

NAMES = ("LEVEL_1", "LEVEL_2", "LEVEL_3", "BENCHMARK", "BASELINE", "TARGET", "OWN_BEST")


@dataclass(frozen=True)
class Unit:
    top: float
    bottom: float
    steps_left: float
    scale: float
    more_is_better: bool
    marks: dict[str, float]  # those that are given
    steps: list[tuple[float, float]]  # past ones, NaN where not known
    tce_per_energy: float = 1.0


@dataclass(frozen=True)
class Found:
    value: float | None
    forecast: float | None
    half: float | None
    level: int
    level_end: int
    list_level: int
    list_level_end: int
    aim: str | None
    gap_tce: float | None


def assess(unit: Unit, *, level: float = 0.95) -> Found:
    value = None
    if math.isfinite(unit.top) and math.isfinite(unit.bottom) and unit.bottom > 0:
        value = unit.scale * unit.top / unit.bottom
    known = [step for step in unit.steps if all(map(math.isfinite, step))]
    left = unit.steps_left if known else 0.0
    energy = mean(step[0] for step in known) if known else 0.0
    output = mean(step[1] for step in known) if known else 0.0
    end_top, end_bottom = unit.top + left * energy, unit.bottom + left * output
    forecast = half = gap = None
    if end_bottom > 0 and not math.isnan(end_top):
        forecast = unit.scale * end_top / end_bottom
        if unit.steps_left == 0:
            half = 0.0
        elif len(known) >= 8:
            half = unit.scale / end_bottom * spread(unit, known, end_top / end_bottom, left, level)
    aim = aimed(unit, forecast)
    if aim is not None:
        gap = unit.tce_per_energy * excess(unit, unit.marks[aim], end_top, end_bottom)
    return Found(
        value=value,
        forecast=forecast,
        half=half,
        level=met(unit, value, NAMES[:3]),
        level_end=met(unit, forecast, NAMES[:3]),
        list_level=met(unit, value, NAMES[3:5]),
        list_level_end=met(unit, forecast, NAMES[3:5]),
        aim=aim,
        gap_tce=gap,
    )


def spread(
    unit: Unit, known: list[tuple[float, float]], quotient: float, left: float, level: float
) -> float:
    """Return the half width of what the rest of the period may differ by."""
    energy, output = mean(step[0] for step in known), mean(step[1] for step in known)
    rest = [(e - energy) - quotient * (p - output) for e, p in known]
    variance = sum(r * r for r in rest) / (len(rest) - 1)
    of_pace = energy / output if output > 0 else 0.0
    by_step = [
        (e - energy) - of_pace * (p - output) if math.isfinite(e) and math.isfinite(p) else None
        for e, p in unit.steps
    ]
    own = sum(r * r for r in by_step if r is not None)
    pairs = pairwise(by_step)
    shared = sum(a * b for a, b in pairs if a is not None and b is not None)
    share = min(max(shared / own, 0.0), 0.95) if own > 0 else 0.0
    inflation = (1 + share) / (1 - share)
    ahead = min(left * inflation, max(left, left**2))
    behind = left**2 * inflation / len(known)
    return student(1 - level, len(known) - 1) * math.sqrt(variance * (ahead + behind))


def student(level: float, freedom: int) -> float:
    """Return Student's quantile by bisection of the integral of its density."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    scale /= math.sqrt(freedom * math.pi)

    def inside(t: float) -> float:
        count = 2_000
        width = t / count
        points = [
            scale * (1 + (k * width) ** 2 / freedom) ** (-(freedom + 1) / 2)
            for k in range(count + 1)
        ]
        odd, even = sum(points[1:-1:2]), sum(points[2:-1:2])
        return float(2 * width / 3 * (points[0] + 4 * odd + 2 * even + points[-1]))

    low, high = 0.0, 20.0 * NormalDist().inv_cdf(1 - level / 2)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) < 1 - level else (low, middle)
    return (low + high) / 2


def meets(unit: Unit, value: float, mark: float) -> bool:
    return value >= mark if unit.more_is_better else value <= mark


def met(unit: Unit, value: float | None, scale: tuple[str, ...]) -> int:
    """Return the level that is met with all those below it; 0 without a value or a scale."""
    given = [name for name in scale if name in unit.marks]
    if value is None or not given:
        return 0
    level = scale.index(given[-1]) + 2
    for name in reversed(given):
        if not meets(unit, value, unit.marks[name]):
            break
        level = scale.index(name) + 1
    return level


def aimed(unit: Unit, forecast: float | None) -> str | None:
    if forecast is None:
        return None
    if "TARGET" in unit.marks:
        return "TARGET"
    for scale in (NAMES[:3], NAMES[3:5]):
        given = [name for name in scale if name in unit.marks]
        if given:
            reached = met(unit, forecast, scale)
            better = [name for name in given if scale.index(name) + 1 < reached]
            return better[-1] if better else given[0]
    return "OWN_BEST" if "OWN_BEST" in unit.marks else None


def excess(unit: Unit, mark: float, top: float, bottom: float) -> float:
    """Return the energy beyond what the mark allows for the same output."""
    if unit.more_is_better:
        return bottom - unit.scale * top / mark if mark > 0 else math.nan
    return top - mark * bottom / unit.scale
