"""What is booked between two readings of a register: the rules of that kind in `compute.rules`.

Readings are those that hold a number. `limit` is step_rate_max x time; where that rate is unknown,
half the modulus; where that is unknown too, none. One last digit is allowed on top.

The verdict needs no more than `CONTEXT_BEFORE` readings before an interval and `CONTEXT_AFTER`
after it, so a window gives the same bits as the whole. The price: a dip that lasts longer than
4 readings is forgotten, and the rise out of it is booked.
"""

from typing import NamedTuple

import numpy as np

from compute._jit import inlined, kernel
from compute.quality import Quality
from compute.topology import Bool1D, Float1D, Int1D

# The highest recent level is sought among 5 readings back from the one before the interval or, if
# that is an outlier, from the one before it: 6. What was booked below that level since looks back
# 5 more. Whether a reading is an outlier shows from 2 on either side: 13 before; and 3 after, since
# the first one after the interval may be an outlier.
MEMORY = 5
CONTEXT_BEFORE = 2 * MEMORY + 3
CONTEXT_AFTER = 3

_ROUNDING = 4 * 2.220446049250313e-16  # of the difference of two decimals kept as float64
_US_PER_SECOND = 1e6

_PLAIN = 0
_ROLLOVER = 1
_FALL = 2
_SPIKE = 3

_Q_INTERPOLATED = int(Quality.INTERPOLATED)
_Q_ROLLOVER = int(Quality.ROLLOVER)
_Q_DECREASE = int(Quality.DECREASE)
_Q_SPIKE = int(Quality.SPIKE)


class Limits(NamedTuple):
    """What is known of one register; as the columns of `Points` of the same names."""

    modulus: float
    step_rate_max: float
    resolution: float
    hold_us: int


class Series(NamedTuple):
    """The readings of one register that hold a number, with room for more.

    `turning` says which look like a single wrong one between two right ones.
    """

    ts_us: Int1D
    value: Float1D
    turning: Bool1D


@inlined
def jitter_max(a: float, b: float, limits: Limits) -> float:
    """Return the largest fall from a to b that is jitter."""
    return limits.resolution + _ROUNDING * max(abs(a), abs(b))


@inlined
def rise_max(dt_us: int, limits: Limits) -> float:
    """Return the largest rise that is believed within a time."""
    if np.isfinite(limits.step_rate_max):
        return limits.step_rate_max * (dt_us / _US_PER_SECOND)
    return 0.5 * limits.modulus if np.isfinite(limits.modulus) else np.inf


@inlined
def is_plain(a: float, b: float, dt_us: int, limits: Limits) -> bool:
    """Return whether b follows a without a fall, and no higher than can be."""
    rise = b - a
    # A register that counts in digits may show one more than has passed, or one less.
    jitter = jitter_max(a, b, limits)
    return bool((rise >= -jitter) & (rise <= rise_max(dt_us, limits) + jitter) & (rise < np.inf))


@inlined
def judge(a: float, b: float, dt_us: int, limits: Limits) -> int:
    """Return what the step from a to b is, by these two alone."""
    if is_plain(a, b, dt_us, limits):
        return _PLAIN
    jitter = jitter_max(a, b, limits)
    if b - a >= -jitter:
        return _SPIKE
    if np.isfinite(limits.modulus) and b >= 0.0 and a < limits.modulus:
        wrapped = limits.modulus - a + b
        if wrapped <= min(rise_max(dt_us, limits), 0.5 * limits.modulus) + jitter:
            return _ROLLOVER
    return _FALL


@kernel
def mark_plain(ts_us: Int1D, value: Float1D, plain: Bool1D, limits: Limits) -> None:
    """Mark the readings that follow the one before them plainly: nearly all, told in vectors."""
    plain[:1] = False
    for i in range(1, plain.size):
        plain[i] = is_plain(value[i - 1], value[i], ts_us[i] - ts_us[i - 1], limits)


@kernel
def mark_turning(series: Series, count: int, limits: Limits) -> None:
    """Mark the readings that look like a single wrong one between two right ones."""
    ts_us, value, turning = series
    turning[:count] = False
    inner = max(count - 2, 0)
    before, here, after = value[:inner], value[1 : inner + 1], value[2 : inner + 2]
    # Few readings turn: these are found in a loop that a compiler turns into vectors.
    turns = turning[1 : inner + 1]
    for i in range(inner):
        up, down = before[i] < here[i], before[i] > here[i]
        turns[i] = (up & (after[i] < here[i])) | (down & (after[i] > here[i]))
    for i in range(1, inner + 1):
        if turning[i]:
            turning[i] = _is_wrong(
                value[i - 1],
                value[i],
                value[i + 1],
                ts_us[i] - ts_us[i - 1],
                ts_us[i + 1] - ts_us[i],
                limits,
            )


@kernel
def _is_wrong(a: float, b: float, c: float, before_us: int, after_us: int, limits: Limits) -> bool:
    """Return whether b cannot be between a and c, which can follow each other without it."""
    if judge(a, b, before_us, limits) <= _ROLLOVER and judge(b, c, after_us, limits) <= _ROLLOVER:
        return False
    return judge(a, c, before_us + after_us, limits) <= _ROLLOVER


@inlined
def is_outlier(turning: Bool1D, i: int, count: int) -> bool:
    """Return whether a reading turns wrongly and neither of its neighbours does."""
    if not turning[i]:
        return False
    # Of two neighbours that both look wrong, none can be said to be: each step is then judged.
    return not (i > 0 and turning[i - 1]) and not (i < count - 1 and turning[i + 1])


@inlined
def highest_recent(series: Series, count: int, left: int, ceiling: float, limits: Limits) -> int:
    """Return which reading showed the highest level lately, up to a ceiling."""
    ts_us, value, turning = series
    best = left
    following = left
    for i in range(left - 1, max(left - MEMORY, -1), -1):
        if is_outlier(turning, i, count):
            continue
        if (
            value[i] > value[following]
            and judge(value[i], value[following], ts_us[following] - ts_us[i], limits) == _ROLLOVER
        ):
            break
        if value[i] > ceiling:
            # It has been higher since: what lies before is no level that it returns to.
            break
        if value[i] > value[best]:
            best = i
        following = i
    return best


@kernel
def booked_below(series: Series, count: int, best: int, left: int, limits: Limits) -> float:
    """Return what the rises from one reading to a later one came to, none of them a rollover."""
    ts_us, value, turning = series
    booked = 0.0
    before = best
    for i in range(best + 1, left + 1):
        if is_outlier(turning, i, count):
            continue
        dt_us = ts_us[i] - ts_us[before]
        if judge(value[before], value[i], dt_us, limits) == _PLAIN:
            ceiling = value[i] + jitter_max(value[i], value[i], limits)
            top = highest_recent(series, count, before, ceiling, limits)
            rise = value[i] - value[top]
            bound = rise_max(ts_us[i] - ts_us[top], limits) + jitter_max(
                value[top], value[i], limits
            )
            if 0.0 < rise <= bound:
                booked += rise
        before = i
    return booked


@inlined
def plain_step(a: float, b: float, dt_us: int, limits: Limits) -> tuple[float, int]:
    """Return what is booked where b follows a plainly, in raw units, and its quality."""
    return max(b - a, 0.0), _Q_INTERPOLATED if dt_us > limits.hold_us else 0


@inlined
def step_between(a: float, b: float, dt_us: int, limits: Limits) -> tuple[float, int]:
    """Return what is booked between two readings, in raw units, and its quality.

    NaN where nothing is booked and the time between is not covered. For steps that need not look
    back: none of the `MEMORY` readings before the first of the two is higher than the next.
    """
    rise, flags = plain_step(a, b, dt_us, limits)
    verdict = judge(a, b, dt_us, limits)
    if verdict == _FALL:
        return np.nan, _Q_DECREASE
    if verdict == _SPIKE:
        return np.nan, _Q_SPIKE
    if verdict == _ROLLOVER:
        return max(limits.modulus - a + b, 0.0), flags | _Q_ROLLOVER
    return rise, flags


@kernel
def step_back(
    series: Series, count: int, left: int, right: int, limits: Limits
) -> tuple[float, int]:
    """Do as `step_between` does, looking back for the level that a register returns to."""
    ts_us, value, _ = series
    a, b = value[left], value[right]
    dt_us = ts_us[right] - ts_us[left]
    flags = _Q_INTERPOLATED if dt_us > limits.hold_us else 0
    verdict = judge(a, b, dt_us, limits)
    if verdict == _FALL:
        return np.nan, _Q_DECREASE
    if verdict == _ROLLOVER:
        best = highest_recent(series, count, left, a + jitter_max(a, a, limits), limits)
        return max(limits.modulus - value[best] + b, 0.0), flags | _Q_ROLLOVER
    best = highest_recent(series, count, left, b + jitter_max(b, b, limits), limits)
    rise = b - value[best]
    jitter = jitter_max(value[best], b, limits)
    if rise > rise_max(ts_us[right] - ts_us[best], limits) + jitter or rise == np.inf:
        return np.nan, _Q_SPIKE
    if value[best] - a > jitter_max(a, value[best], limits):
        flags |= _Q_INTERPOLATED
    if best != left:
        rise -= booked_below(series, count, best, left, limits)
    return max(rise, 0.0), flags


@inlined
def accepted_step(a: float, b: float) -> float:
    """Return what is booked from a to b once a person has taken b for right.

    A rise is booked as it stands. After a fall the register has begun again: from 0, so that what
    it shows is what has passed.
    """
    return b - a if b >= a else max(b, 0.0)
