"""Reconciliation of one interval: its numbers put in, solved, and taken out flow by flow."""

import numpy as np

from compute._jit import kernel
from compute.gross_error import Interval
from compute.ldl import factorize, inverse_norm, invert_on_pattern, solve_lower, solve_upper
from compute.ordering import Pattern
from compute.projection import FlowClass
from compute.reconcile_plan import Reduced, Solved
from compute.topology import Float1D, Index1D

# A pivot that is this share of its entry is rounding: exact flows (sigma 0) have used the row up.
_ROUNDING_SHARE = 1e-14
# What exact flows may leave over of the largest flow.
_EXACT_SHARE = 1e-9
MEASURED_MAX = int(FlowClass.NON_REDUNDANT)


@kernel
def load(reduced: Reduced, flow_class: Index1D, measured: Float1D, interval: Interval) -> int:
    """Write r = G y and G V G'; return a flow whose measurement is not usable, -1 for none."""
    value, variance = interval.value, interval.variance
    unusable_count = 0
    for flow in range(flow_class.size):
        is_measured = flow_class[flow] <= MEASURED_MAX
        amount, sigma = measured[flow], interval.sigma[flow]
        usable = np.isfinite(amount) and np.isfinite(sigma) and sigma >= 0.0
        unusable_count += is_measured and not usable
        value[flow] = amount if is_measured else 0.0
        variance[flow] = sigma * sigma if is_measured else 0.0
    if unusable_count > 0:
        return _first_unusable(flow_class, measured, interval.sigma)
    # A row sums up in registers: by flow, each sum would wait for the memory of the one before.
    for row in range(interval.multiplier.size):
        residual = total = 0.0
        for k in range(reduced.flow_offset[row], reduced.flow_offset[row + 1]):
            flow, coefficient = reduced.flow_index[k], reduced.flow_coefficient[k]
            residual += coefficient * value[flow]
            total += variance[flow] * (coefficient * coefficient)
        interval.multiplier[row] = residual
        interval.factor[row] = total
    interval.factor[interval.multiplier.size :] = 0.0
    for pair in range(reduced.pair_flow.size):
        squared = variance[reduced.pair_flow[pair]]
        interval.factor[reduced.pair_position[pair]] += squared * reduced.pair_product[pair]
    return -1


@kernel
def _first_unusable(flow_class: Index1D, measured: Float1D, sigma: Float1D) -> int:
    for flow in range(flow_class.size):
        usable = np.isfinite(measured[flow]) and np.isfinite(sigma[flow]) and sigma[flow] >= 0.0
        if flow_class[flow] <= MEASURED_MAX and not usable:
            return flow
    return -1


@kernel
def nodal_tests(interval: Interval, balance_z: Float1D) -> None:
    """Write what each balance leaves over, over its sigma; nothing where every flow is exact."""
    for row in range(balance_z.size):
        if interval.factor[row] > 0.0:
            balance_z[row] = interval.multiplier[row] / np.sqrt(interval.factor[row])


@kernel
def solve(pattern: Pattern, interval: Interval, objective: Float1D) -> int:
    """Replace r by lambda; return a row that exact flows contradict, -1 if there is none."""
    vanished = factorize(pattern, interval.factor, interval.total, _ROUNDING_SHARE)
    solve_lower(pattern, interval.factor, interval.multiplier)
    total = 0.0
    for row in range(interval.multiplier.size):
        if interval.factor[row] > 0.0:
            total += interval.multiplier[row] * interval.multiplier[row] / interval.factor[row]
        elif vanished > 0:
            exact_max = _EXACT_SHARE * np.abs(interval.value).max()
            if abs(interval.multiplier[row]) > exact_max:
                return row
    objective[:] = total
    solve_upper(pattern, interval.factor, interval.multiplier)
    invert_on_pattern(pattern, interval.factor, interval.work, interval.total, interval.inverse)
    return -1


@kernel
def estimate(reduced: Reduced, flow_class: Index1D, interval: Interval, z: Float1D) -> None:
    """Write what is known of each measured flow, with its test; NaN for the others."""
    # Until the last loops z holds the slope and variance the leverage.
    value, leverage = interval.value, interval.variance
    for flow in range(flow_class.size):
        slope = height = 0.0
        for k in range(reduced.offset[flow], reduced.offset[flow + 1]):
            row, coefficient = reduced.row_index[k], reduced.coefficient[k]
            slope += coefficient * interval.multiplier[row]
            height += coefficient * coefficient * interval.inverse[row]
        z[flow] = slope
        leverage[flow] = height
    for pair in range(reduced.pair_flow.size):
        part = reduced.pair_product[pair] * interval.inverse[reduced.pair_position[pair]]
        leverage[reduced.pair_flow[pair]] += 2.0 * part
    if interval.slope.size > 0:
        interval.slope[:] = z
        interval.leverage[:] = np.maximum(leverage, 0.0)
    _adjust(value, interval.sigma, z)
    _scale(z, leverage, interval.sigma)
    _reduce(leverage, interval.sigma)
    for flow in range(flow_class.size):
        if flow_class[flow] > MEASURED_MAX:
            value[flow] = np.nan
            leverage[flow] = np.nan


@kernel
def _adjust(value: Float1D, sigma: Float1D, slope: Float1D) -> None:
    for flow in range(value.size):
        value[flow] -= sigma[flow] * sigma[flow] * slope[flow]


@kernel
def _scale(z: Float1D, leverage: Float1D, sigma: Float1D) -> None:
    """Replace the slope by its test; NaN where no balance tests it."""
    for flow in range(z.size):
        tested = leverage[flow] > 0.0 and sigma[flow] > 0.0
        z[flow] = z[flow] / np.sqrt(leverage[flow]) if tested else np.nan


@kernel
def _reduce(variance: Float1D, sigma: Float1D) -> None:
    """Replace the leverage by the variance of what is reconciled."""
    for flow in range(variance.size):
        squared = sigma[flow] * sigma[flow]
        # Rounding may take a little more than all of it.
        variance[flow] = max(squared - squared * squared * variance[flow], 0.0)


@kernel
def derive(pattern: Pattern, reduced: Reduced, solved: Solved, interval: Interval) -> None:
    """Write the observable flows: c' x, with variance c' (V - V G' P G V) c."""
    vector = interval.total
    vector[:] = 0.0
    for u in range(solved.flow_index.size):
        total = squared = 0.0
        for t in range(solved.offset[u], solved.offset[u + 1]):
            flow, coefficient = solved.term_index[t], solved.coefficient[t]
            total += coefficient * interval.value[flow]
            weight = coefficient * interval.sigma[flow] * interval.sigma[flow]
            squared += coefficient * weight
            for k in range(reduced.offset[flow], reduced.offset[flow + 1]):
                vector[reduced.row_index[k]] += reduced.coefficient[k] * weight
        reached = solved.reach_row[solved.reach_offset[u] : solved.reach_offset[u + 1]]
        squared -= inverse_norm(pattern, interval.factor, vector, reached)
        interval.value[solved.flow_index[u]] = total
        interval.variance[solved.flow_index[u]] = max(squared, 0.0)
