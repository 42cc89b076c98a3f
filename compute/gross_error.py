"""Serial elimination: the meters that contradict the balances, one after the other.

Ripps 1965; the iterative measurement test of Serth and Heenan 1986. To eliminate a measurement is
to give it a bias that is estimated: with P the inverse of G V G' made orthogonal to what was
eliminated, the next flow takes v = P g and lowers the objective by (g' P r)^2 / (g' P g).
So a step costs one solve with the factor that is there, and nothing is factored again.
"""

from typing import NamedTuple

import numpy as np

from compute._jit import kernel
from compute.grid import Float2D, Index2D
from compute.ldl import solve_lower, solve_upper
from compute.ordering import Pattern
from compute.reconcile_plan import Reduced, Solved
from compute.topology import Float1D, Index1D

# A flow whose leverage falls to this share of itself has lost what it was tested by: for the
# balances it is the same flow as the one eliminated.
_SAME_SHARE = 1e-9
# Of several equal |z| the first flow counts, however they are rounded.
_LARGER = 1.0 + 1e-9


class Interval(NamedTuple):
    """The numbers of one interval while it is reconciled.

    Attributes
    ----------
    sigma : (f,) float64
        Of the measurements; not looked at where nothing is measured.
    slope : (f,) float64
        G' lambda: the adjustment is -V slope.
    leverage : (f,) float64
        Diagonal of G' P G: the variance of the slope; 0 where nothing tests the flow. Without
        elimination neither is kept.
    value, variance : (f,) float64
    multiplier : (n,) float64
        lambda = P r.
    factor, inverse : (n + z,) float64
        L D L' of G V G', and its inverse on the same pattern.
    work, total : (n,) float64
    """

    sigma: Float1D
    slope: Float1D
    leverage: Float1D
    value: Float1D
    variance: Float1D
    multiplier: Float1D
    factor: Float1D
    inverse: Float1D
    work: Float1D
    total: Float1D


class Elimination(NamedTuple):
    """What serial elimination found in one interval, s steps at most.

    Attributes
    ----------
    suspect_index : (s,) int32
        The flow of each step; -1 where there was no such step.
    z, bias, bias_variance : (s,) float64
    step : (f,) int32
        The step at which a flow lost its test: the suspect's and that of every flow that the
        balances cannot tell from it; else -1.
    direction : (s, n) float64
        v of each step.
    change : (s, f) float64
        How the estimates move with the bias of each step.
    combination : (s, s) float64
        Which biases each step's direction holds.
    height : (s,) float64
        g' P g of each step.
    """

    suspect_index: Index1D
    z: Float1D
    bias: Float1D
    bias_variance: Float1D
    step: Index1D
    direction: Float2D
    change: Float2D
    combination: Float2D
    height: Float1D


@kernel
def eliminate(
    pattern: Pattern,
    reduced: Reduced,
    solved: Solved,
    interval: Interval,
    critical_z: Float1D,
    found: Elimination,
) -> float:
    """Eliminate suspects until no |z| is above its limit; return by how much the objective fell."""
    found.suspect_index[:] = -1
    found.step[:] = -1
    fallen = 0.0
    steps = 0
    while steps < critical_z.size:
        suspect = _largest(interval, critical_z[steps])
        if suspect < 0:
            break
        height = _direct(pattern, reduced, interval, found, suspect, steps)
        if not height > 0.0:
            break
        bias = interval.slope[suspect] / height
        found.suspect_index[steps] = suspect
        found.z[steps] = interval.slope[suspect] / np.sqrt(interval.leverage[suspect])
        found.height[steps] = height
        # Of the step's direction, not yet of the suspect itself.
        found.bias[steps] = bias
        fallen += bias * interval.slope[suspect]
        _move(reduced, solved, interval, found, steps, bias)
        steps += 1
    _sum_biases(found, steps)
    return fallen


@kernel
def _largest(interval: Interval, critical_z: float) -> int:
    """Return the tested flow with the largest |z| above the limit; -1 if there is none."""
    suspect = -1
    largest = critical_z
    for flow in range(interval.slope.size):
        if interval.leverage[flow] > 0.0 and interval.sigma[flow] > 0.0:
            z = abs(interval.slope[flow]) / np.sqrt(interval.leverage[flow])
            if z > largest * (1.0 if suspect < 0 else _LARGER):
                suspect, largest = flow, z
    return suspect


@kernel
def _direct(
    pattern: Pattern,
    reduced: Reduced,
    interval: Interval,
    found: Elimination,
    suspect: int,
    step: int,
) -> float:
    """Write v = P g of the suspect and how it is combined; return g' v."""
    v = found.direction[step]
    v[:] = 0.0
    begin, end = reduced.offset[suspect], reduced.offset[suspect + 1]
    for k in range(begin, end):
        v[reduced.row_index[k]] = reduced.coefficient[k]
    solve_lower(pattern, interval.factor, v)
    solve_upper(pattern, interval.factor, v)
    found.combination[step] = 0.0
    found.combination[step, step] = 1.0
    for earlier in range(step):
        product = 0.0
        for k in range(begin, end):
            product += reduced.coefficient[k] * found.direction[earlier, reduced.row_index[k]]
        share = product / found.height[earlier]
        v -= share * found.direction[earlier]
        found.combination[step] -= share * found.combination[earlier]
    height = 0.0
    for k in range(begin, end):
        height += reduced.coefficient[k] * v[reduced.row_index[k]]
    return height


@kernel
def _move(
    reduced: Reduced,
    solved: Solved,
    interval: Interval,
    found: Elimination,
    step: int,
    bias: float,
) -> None:
    """Take the bias of a step out of every estimate and every test."""
    height = found.height[step]
    change, v = found.change[step], found.direction[step]
    interval.multiplier[:] -= bias * v
    for flow in range(change.size):
        begin, end = reduced.offset[flow], reduced.offset[flow + 1]
        change[flow] = 0.0
        if begin == end:
            continue
        product = 0.0
        for k in range(begin, end):
            product += reduced.coefficient[k] * v[reduced.row_index[k]]
        change[flow] = -interval.sigma[flow] * interval.sigma[flow] * product
        interval.slope[flow] -= bias * product
        if interval.leverage[flow] > 0.0:
            left = interval.leverage[flow] - product * product / height
            if left <= _SAME_SHARE * interval.leverage[flow]:
                left = 0.0
                found.step[flow] = step
            interval.leverage[flow] = left
    for k in range(step + 1):
        change[found.suspect_index[k]] += found.combination[step, k]
    # The suspect is eliminated even if its leverage was rounded to something.
    interval.leverage[found.suspect_index[step]] = 0.0
    found.step[found.suspect_index[step]] = step
    for u in range(solved.flow_index.size):
        total = 0.0
        for k in range(solved.offset[u], solved.offset[u + 1]):
            total += solved.coefficient[k] * change[solved.term_index[k]]
        change[solved.flow_index[u]] = total
    for flow in range(change.size):
        interval.value[flow] -= bias * change[flow]
        interval.variance[flow] += change[flow] * change[flow] / height


@kernel
def _sum_biases(found: Elimination, steps: int) -> None:
    """Turn the biases of the steps' directions into those of the suspects, given one another."""
    of_step = found.bias.copy()
    for k in range(steps):
        found.bias[k] = 0.0
        found.bias_variance[k] = 0.0
        for step in range(k, steps):
            share = found.combination[step, k]
            found.bias[k] += share * of_step[step]
            found.bias_variance[k] += share * share / found.height[step]


class Suspects(NamedTuple):
    """Suspects of each interval, one row per step of elimination.

    Attributes
    ----------
    flow_index : (s, k) int32
        -1 where there was no such step.
    z : (s, k) float64
        At the step; positive where the meter shows too much.
    bias, bias_sigma : (s, k) float64
        How much too much, given the other suspects. [unit of the flow]
    step : (f, k) int32
        The step at which a flow lost its test, -1 for none: more than one flow with the same
        number are meters of which the balances cannot say which one it is. Without rows where no
        step was allowed.
    """

    flow_index: Index2D
    z: Float2D
    bias: Float2D
    bias_sigma: Float2D
    step: Index2D

    @classmethod
    def none(cls, shape: tuple[int, ...], step_max: int) -> "Suspects":
        """Return room for the suspects of (f, k) flows."""
        flow_count, interval_count = shape
        numbers = np.full((3, step_max, interval_count), np.nan)
        return cls(
            flow_index=np.full((step_max, interval_count), -1, dtype=np.int32),
            z=numbers[0],
            bias=numbers[1],
            bias_sigma=numbers[2],
            step=np.full((flow_count if step_max else 0, interval_count), -1, dtype=np.int32),
        )

    def named(self, interval: int) -> tuple[tuple[int, ...], ...]:
        """Return the suspects of an interval: flows that cannot be told apart stand together."""
        count = int((self.flow_index[:, interval] >= 0).sum())
        step = self.step[:, interval]
        return tuple(tuple(np.flatnonzero(step == k).tolist()) for k in range(count))
