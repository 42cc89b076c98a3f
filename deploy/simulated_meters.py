"""What a simulated meter makes of the truth: its error, its digits, its faults.

A meter's error is one gain, drawn once and within its class: real meters are off by about the same
share all their life. `Metering.EXACT` shows the truth itself, `DIGITS` what a perfect meter with so
many digits shows, `CLASS` what the described one does.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from enum import Enum

import numpy as np
import numpy.typing as npt

from deploy.simulated_faults import Fault
from services.plant.metering import Meter, Point

Float1D = npt.NDArray[np.float64]
Int1D = npt.NDArray[np.int64]

_CLASS_DEFAULT = 1.0  # percent, of a meter that does not say
_CLASS_FORM = re.compile(r"[0-9]+(\.[0-9]+)?")
_INTERVAL_DECIMALS = 3
_GAUGE_DECIMALS = 4
_OFFSET_MIN, _OFFSET_MAX = 10.0, 1000.0  # what a register showed when it was fitted


class Metering(Enum):
    """How far readings are from the truth."""

    EXACT = "exact"
    DIGITS = "digits"
    CLASS = "class"


def accuracy_share(meter: Meter) -> float:
    """Return the limit of a meter's error, from its accuracy class, as a share of the reading."""
    found = _CLASS_FORM.match(meter.accuracy_class or "")
    return (float(found.group()) if found else _CLASS_DEFAULT) / 100.0


def meter_gain(meter: Meter, *, seed: int, life: int = 0) -> float:
    """Return what a meter shows per true unit: within its class, the same all its life.

    Parameters
    ----------
    life : int
        How often the meter was exchanged before: the next one errs in its own way.
    """
    limit = accuracy_share(meter)
    draw = np.random.default_rng([seed, 11, life, zlib.crc32(meter.code.encode())])
    return float(1.0 + np.clip(draw.normal(0.0, limit / 3.0), -limit, limit))


def first_levels(count: int, *, seed: int) -> Float1D:
    """Return what each register shows at the beginning of time."""
    return np.random.default_rng([seed, 7]).uniform(_OFFSET_MIN, _OFFSET_MAX, count)


def register_levels(
    cumulative: Callable[[Int1D], Float1D],
    ts_us: Int1D,
    *,
    first_level: float,
    gains: Sequence[float],
    modulus: float,
    faults: Sequence[Fault],
) -> Float1D:
    """Return the levels of a register, before it is cut to its digits.

    Parameters
    ----------
    cumulative : callable
        What has truly passed until each instant, in raw units.
    ts_us : (n,) int64
    first_level : float
        Level at the beginning of time.
    gains : sequence of float
        Of the meter and of those that replace it, one more than there are exchanges.
    modulus : float
        Where the register starts again; NaN where unknown.
    faults : sequence of Fault
        Of this point.
    """
    restarts = sorted(
        (fault for fault in faults if fault.kind in {"exchange", "reset"}),
        key=lambda fault: fault.start_us,
    )
    wrong = [fault for fault in faults if fault.kind == "gain"]

    def counted(at_us: Int1D) -> Float1D:
        total = cumulative(at_us)
        for fault in wrong:
            span_us = np.clip(at_us, fault.start_us, fault.end_us)
            edge_us = np.array([fault.start_us], dtype=np.int64)
            total = total + (fault.size - 1.0) * (cumulative(span_us) - cumulative(edge_us))
        return total

    true, life = counted(ts_us), 0
    level = first_level + gains[0] * true
    for fault in restarts:
        life += fault.kind == "exchange"
        later = ts_us >= fault.start_us
        [before] = counted(np.array([fault.start_us], dtype=np.int64))
        level[later] = fault.size + gains[life] * (true[later] - before)
    for fault in faults:
        if fault.kind == "rollover":
            [passed] = counted(np.array([fault.start_us], dtype=np.int64))
            level += modulus - (first_level + gains[0] * passed)
        elif fault.kind == "dip":
            level[fault.covers(ts_us)] -= fault.size
    return np.maximum(level, 0.0)


def gauge_gains(ts_us: Int1D, *, gains: Sequence[float], faults: Sequence[Fault]) -> Float1D:
    """Return what a gauge or interval point shows per true unit at each instant."""
    starts_us = sorted(fault.start_us for fault in faults if fault.kind == "exchange")
    lives = np.searchsorted(np.array(starts_us, dtype=np.int64), ts_us, side="right")
    shown: Float1D = np.array(gains, dtype=np.float64)[lives]
    for fault in faults:
        if fault.kind == "gain":
            shown[fault.covers(ts_us)] *= fault.size
    return shown


def shown_register(point: Point, level: Float1D, *, metering: Metering) -> Float1D:
    """Return what a register shows: cut to its last digit, and started again after its first."""
    if point.digits is None:
        return level
    if metering is Metering.EXACT:
        return np.mod(level, 10.0**point.digits.integer)
    steps = np.floor(level * 10.0**point.digits.decimal)
    shown = steps % 10.0 ** (point.digits.integer + point.digits.decimal)
    return np.round(shown / 10.0**point.digits.decimal, point.digits.decimal)


def shown_value(point: Point, value: Float1D, *, metering: Metering) -> Float1D:
    """Return what a gauge or an interval point shows."""
    if metering is Metering.EXACT:
        return value
    return np.round(value, _GAUGE_DECIMALS if point.kind == "gauge" else _INTERVAL_DECIMALS)


def with_value_faults(
    shown: Callable[[Int1D], Float1D], ts_us: Int1D, faults: Sequence[Fault]
) -> Float1D:
    """Return readings with what goes wrong in reading them: values frozen, single ones wrong."""
    values = shown(ts_us)
    for fault in faults:
        hit = fault.covers(ts_us)
        if not hit.any():
            continue
        if fault.kind == "frozen":
            [stuck] = shown(np.array([fault.start_us], dtype=np.int64))
            values[hit] = stuck
        elif fault.kind == "spike":
            values[hit] += fault.size
    return values
