"""能效对标 benchmarking: unit consumption against its limits, now and at the end of the period.

A unit is a product, a process or a piece of equipment with a quotient top / bottom: energy over
output where less is better (单位产品能耗, GB/T 2589-2020 3.7), useful energy over energy taken
where more is better (efficiency, COP). Its marks are the limits of a norm (能耗限额 levels 1 to 3
of GB/T 12723-2013, or 先进, 节能, 准入 of equipment), the 标杆 and 基准 levels of the list of key
fields, its own target and its own best.

At the pace of late, the period ends at

    x = (E + m e) / (P + m p),

with E and P so far, m steps left, and e, p the means of the steps before (`compute.pace`). The
marks change once a day and are made ready for the ticks between (`ready_marks`).
"""

from typing import NamedTuple

import numpy as np

from compute._jit import kernel
from compute.benchmark_marks import BY_NORM, NO_AIM, Byte1D, ReadyMarks
from compute.intensity import Undefined
from compute.pace import Pace
from compute.topology import Float1D

_DEFINED = int(Undefined.DEFINED)
_NO_OUTPUT = int(Undefined.NO_OUTPUT)
_IDLE = int(Undefined.IDLE)
_UNKNOWN = int(Undefined.UNKNOWN)
_NEGATIVE = int(Undefined.NEGATIVE_OUTPUT)
_TOO_LARGE = int(Undefined.TOO_LARGE)


class SoFar(NamedTuple):
    """What u units came to in the open period.

    Attributes
    ----------
    top, bottom : (u,) float64
        Numerator and denominator so far, NaN where not known. [any]
    steps_left : (u,) float64
        Time of the period that no result covers yet, in steps of the pace. >= 0.
    scale : (u,) float64
        Value = scale x top / bottom. > 0.
    tce_per_energy, cny_per_energy, tco2e_per_energy : (u,) float64
        What a unit of the energy side is worth: of the top where less is better, else of the
        bottom; NaN where not known.
    """

    top: Float1D
    bottom: Float1D
    steps_left: Float1D
    scale: Float1D
    tce_per_energy: Float1D
    cny_per_energy: Float1D
    tco2e_per_energy: Float1D


class Assessment(NamedTuple):
    """What each of u units is now, and what it will be at the end of its period.

    Attributes
    ----------
    value : (u,) float64
        So far. NaN wherever `reason` is not DEFINED.
    reason : (u,) int8
        `compute.intensity.Undefined`.
    forecast, low, high : (u,) float64
        At the end of the period, with its interval; NaN where not known. `low` and `high` are NaN
        where too few steps tell how much the pace varies.
    level, level_end : (u,) int8
        By the norm, so far and at the forecast: the level that is met, one more where none is, 0
        where there is no norm.
    list_level, list_level_end : (u,) int8
        1 at 标杆水平 or better, 2 at 基准水平 or better, 3 beyond it, 0 where there is none.
    end_top, end_bottom : (u,) float64
        Numerator and denominator that the forecast is of.
    aim : (u,) int8
        The `Mark` that gaps are to, -1 for none: the target, else the next better mark than is
        forecast, of the norm before the list, else the own best.
    gap_tce, gap_cny, gap_tco2e : (u,) float64
        Energy of the whole period beyond what the aim allows, at the forecast; negative: less.
    """

    value: Float1D
    reason: Byte1D
    forecast: Float1D
    low: Float1D
    high: Float1D
    level: Byte1D
    level_end: Byte1D
    list_level: Byte1D
    list_level_end: Byte1D
    end_top: Float1D
    end_bottom: Float1D
    aim: Byte1D
    gap_tce: Float1D
    gap_cny: Float1D
    gap_tco2e: Float1D

    @classmethod
    def room(cls, count: int) -> "Assessment":
        """Return room for the assessment of some units: a tick writes into that of the last."""
        marks = [np.zeros(count, dtype=np.int8) for _ in range(6)]
        numbers = [np.full(count, np.nan) for _ in range(9)]
        return cls(
            value=numbers[0],
            reason=marks[0],
            forecast=numbers[1],
            low=numbers[2],
            high=numbers[3],
            level=marks[1],
            level_end=marks[2],
            list_level=marks[3],
            list_level_end=marks[4],
            end_top=numbers[4],
            end_bottom=numbers[5],
            aim=marks[5],
            gap_tce=numbers[6],
            gap_cny=numbers[7],
            gap_tco2e=numbers[8],
        )


def assess(
    so_far: SoFar, pace: Pace, ready: ReadyMarks, *, room: Assessment | None = None
) -> Assessment:
    """Return value, level, forecast and gap of every unit.

    Parameters
    ----------
    so_far : SoFar
    pace : Pace
    ready : ReadyMarks
        Of the same units.
    room : Assessment, optional
        Written to and returned.

    Returns
    -------
    assessment : Assessment

    Notes
    -----
    Standard: GB/T 2589-2020, 3.7 and 7 (unit consumption); GB/T 12723-2013 (levels).
    Sign: a gap of more than 0 is energy that the aim would have saved.
    """
    found = Assessment.room(so_far.top.size) if room is None else room
    _assess(so_far, pace, ready, found)
    return found


@kernel
def _assess(so_far: SoFar, pace: Pace, ready: ReadyMarks, found: Assessment) -> None:
    # Whatever a unit is, the same operations: ticks take the same time, and no branch is guessed.
    for row in range(so_far.top.size):
        top, bottom = so_far.top[row], so_far.bottom[row]
        scale, sign = so_far.scale[row], ready.sign[row]
        value = scale * top / bottom
        reason = _reason(top, bottom, value)
        value = value if reason == _DEFINED else np.nan
        # A unit without a pace goes on as it did.
        left = so_far.steps_left[row] if pace.weight[row] > 0.0 else 0.0
        end_top = top + left * pace.top[row]
        end_bottom = bottom + left * pace.bottom[row]
        quotient = end_top / end_bottom if end_bottom > 0.0 else np.nan
        forecast = scale * quotient
        forecast = forecast if np.isfinite(forecast) else np.nan
        spread = pace.top_top[row] - 2.0 * quotient * pace.top_bottom[row]
        spread += quotient * quotient * pace.bottom_bottom[row]
        # The steps left add up; neighbours share a part, at most as if all of them were one. The
        # mean that they are taken to have is uncertain as well.
        ahead = min(left * pace.inflation[row], max(left, left * left))
        behind = left * left * pace.inflation[row] * pace.weight[row]
        half = scale * np.sqrt(max(spread, 0.0) * (ahead + behind)) / end_bottom
        if left <= 0.0:
            half = 0.0 if so_far.steps_left[row] <= 0.0 else np.nan
        found.value[row], found.reason[row] = value, reason
        found.end_top[row], found.end_bottom[row] = end_top, end_bottom
        found.forecast[row] = forecast
        found.low[row], found.high[row] = forecast - half, forecast + half
        signed, signed_end = sign * value, sign * forecast
        found.level[row] = _norm_level(ready, row, signed)
        found.list_level[row] = _list_level(ready, row, signed)
        norm_level, list_level = (
            _norm_level(ready, row, signed_end),
            _list_level(ready, row, signed_end),
        )
        found.level_end[row], found.list_level_end[row] = norm_level, list_level
        level = norm_level if ready.leader[row] == BY_NORM else list_level
        place = max(level - 1, 0)
        allowed = ready.allowed[place, row]
        gap = (end_top if sign > 0.0 else end_bottom) - allowed * (
            end_bottom if sign > 0.0 else end_top
        )
        is_known = not np.isnan(forecast)
        gap = gap if is_known else np.nan
        found.aim[row] = ready.aim[place, row] if is_known else NO_AIM
        found.gap_tce[row] = gap * so_far.tce_per_energy[row]
        found.gap_cny[row] = gap * so_far.cny_per_energy[row]
        found.gap_tco2e[row] = gap * so_far.tco2e_per_energy[row]


@kernel
def _reason(top: float, bottom: float, value: float) -> int:
    """Return why there is no quotient, as `compute.intensity` says it."""
    if bottom > 0.0 and np.isfinite(value):
        return _DEFINED
    if not (np.isfinite(top) and np.isfinite(bottom)):
        return _UNKNOWN
    if bottom > 0.0:
        return _TOO_LARGE
    if bottom < 0.0:
        return _NEGATIVE
    return _IDLE if top == 0.0 else _NO_OUTPUT


@kernel
def _norm_level(ready: ReadyMarks, row: int, signed: float) -> int:
    beyond = np.int64(signed > ready.norm[0, row])
    beyond += np.int64(signed > ready.norm[1, row]) + np.int64(signed > ready.norm[2, row])
    return int((1 + beyond) * ready.has_norm[row] * np.int64(not np.isnan(signed)))


@kernel
def _list_level(ready: ReadyMarks, row: int, signed: float) -> int:
    beyond = np.int64(signed > ready.listed[0, row]) + np.int64(signed > ready.listed[1, row])
    return int((1 + beyond) * ready.has_list[row] * np.int64(not np.isnan(signed)))
