"""Reconciliation: the flows that close every balance and differ least from the meters.

Narasimhan and Jordache, Data Reconciliation and Gross Error Detection (2000). With measurements y
of covariance V (diagonal) and the balances G x = 0 of what is measured,

    x = y - V G' lambda,    (G V G') lambda = G y,    J = y' G' lambda ~ chi-square(rank G).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.distributions import chi_square_quantile, sidak_critical_z
from compute.errors import NengtanError
from compute.grid import Float2D
from compute.gross_error import Elimination, Interval, Suspects, eliminate
from compute.ordering import Pattern
from compute.projection import FlowClass
from compute.reconcile_interval import (
    MEASURED_MAX,
    derive,
    estimate,
    load,
    nodal_tests,
    solve,
)
from compute.reconcile_plan import ReconciliationPlan, Reduced, Solved
from compute.topology import Bool1D, Float1D, Index1D

Bool2D = npt.NDArray[np.bool_]


class MeasurementMissing(NengtanError):
    """A flow that the plan takes as measured has no usable value or sigma."""

    def __init__(self, flow_code: str, interval: int) -> None:
        super().__init__(
            f"flow {flow_code} has no finite value with a sigma of 0 or more in interval "
            f"{interval}: plan the reconciliation without its meter"
        )
        self.flow_code = flow_code
        self.interval = interval


class BalanceInfeasible(NengtanError):
    """Flows that are given as exact contradict a balance."""

    def __init__(self, balance_codes: tuple[str, ...], interval: int) -> None:
        super().__init__(
            f"the exact flows of {', '.join(balance_codes)} do not balance in interval "
            f"{interval}: give one of them a sigma"
        )
        self.balance_codes = balance_codes
        self.interval = interval


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Reconciled flows of k intervals, with the tests of the measurements they came from.

    Attributes
    ----------
    flow_class : (f,) int32
        `FlowClass`; of the plan.
    value, variance : (f, k) float64
        Reconciled, without the suspects' measurements; NaN for unobservable flows alone.
    measured : (f, k) float64
        As given.
    z : (f, k) float64
        Measurement test before anything was eliminated: the adjustment over its sigma, positive
        where the meter shows too much; NaN where no balance tests it.
    residual, balance_z : (g, k) float64
        What the measurements leave over of each reduced balance (`ReconciliationPlan.members`), and
        its nodal test: residual over its sigma, NaN where every flow is exact.
    objective, objective_left : (k,) float64
        J before and after elimination.
    degrees_of_freedom : int
        Of J before elimination; each step takes one.
    critical_objective : float
        Limit of the global test at the level asked for.
    critical_z : float
        Limit of |z| when every redundant flow counts as a test of its own, as is published.
    critical_z_distinct : float
        Limit of |z| when flows that cannot be told apart count as one test, which they are: what
        serial elimination goes by.
    suspects : Suspects
    """

    flow_class: Index1D
    measured: Float2D
    value: Float2D
    variance: Float2D
    z: Float2D
    residual: Float2D
    balance_z: Float2D
    objective: Float1D
    objective_left: Float1D
    degrees_of_freedom: int
    critical_objective: float
    critical_z: float
    critical_z_distinct: float
    suspects: Suspects

    @property
    def adjustment(self) -> Float2D:
        """Return (f, k) reconciled less measured; NaN where nothing is measured."""
        is_measured = self.flow_class[:, np.newaxis] <= MEASURED_MAX
        return np.where(is_measured, self.value - self.measured, np.nan)

    @property
    def global_test_rejects(self) -> Bool1D:
        """Return (k,) whether the measurements contradict the balances as a whole."""
        rejects: Bool1D = self.objective > self.critical_objective
        return rejects

    @property
    def flagged(self) -> Bool2D:
        """Return (f, k) whether the measurement test of a flow rejects, by `critical_z`."""
        flagged: Bool2D = np.abs(self.z) > self.critical_z
        return flagged


def reconcile(
    plan: ReconciliationPlan,
    *,
    measured: Float2D,
    sigma: Float2D,
    level: float = 0.05,
    step_max: int = 0,
) -> Reconciliation:
    """Return the reconciled flows of intervals that have the same meters.

    Parameters
    ----------
    plan : ReconciliationPlan
    measured : (f, k) float64
        Not looked at where the plan has no meter. [any unit per flow that the balances are in]
    sigma : (f, k) float64
        Standard deviation of the measurements; 0 for what is exact. [unit of `measured`]
    level : float
        Chance of a false alarm of the global test, and of any of the measurement tests together.
    step_max : int
        How many suspects may be eliminated, one after the other; 0 for none.

    Returns
    -------
    reconciliation : Reconciliation

    Raises
    ------
    MeasurementMissing
        If a measured flow is not finite, or its sigma is negative or not finite.
    BalanceInfeasible
        If exact flows contradict a balance.

    Notes
    -----
    Measurement test: Mah and Tamhane 1982, limits after Šidák 1967. The global test has exactly
    the level, the measurement tests together have it at most.
    """
    interval_count = measured.shape[1]
    step_max = min(step_max, plan.degrees_of_freedom)
    tests = [max(plan.distinct_count - step, 1) for step in range(step_max + 1)]
    limits = [sidak_critical_z(level, count) for count in tests]
    # An interval is a row inside: what is read and written together lies together.
    given, given_sigma = _by_interval(measured), _by_interval(sigma)
    # One piece: an allocator gives three of this size back each time, and their pages cost 1 ms.
    value, variance, z = np.empty((3, *given.shape))
    residual = np.empty((interval_count, plan.degrees_of_freedom))
    balance_z = np.full(residual.shape, np.nan)
    objective = np.zeros((2, interval_count))
    suspects = Suspects.none(measured.shape, step_max)
    fault = np.full(3, -1, dtype=np.int32)
    _reconcile(
        plan.pattern,
        plan.reduced,
        plan.solved,
        plan.flow_class,
        given,
        given_sigma,
        np.array(limits[:step_max], dtype=np.float64),
        value,
        variance,
        z,
        residual,
        balance_z,
        objective,
        suspects,
        fault,
    )
    _raise_fault(plan, *fault.tolist())
    redundant_count = int((plan.flow_class == FlowClass.REDUNDANT).sum())
    return Reconciliation(
        flow_class=plan.flow_class,
        measured=measured,
        value=value.T,
        variance=variance.T,
        z=z.T,
        residual=residual.T,
        balance_z=balance_z.T,
        objective=objective[0],
        objective_left=objective[1],
        degrees_of_freedom=plan.degrees_of_freedom,
        critical_objective=chi_square_quantile(level, plan.degrees_of_freedom),
        critical_z=sidak_critical_z(level, max(redundant_count, 1)),
        critical_z_distinct=limits[0],
        suspects=suspects,
    )


def _by_interval(columns: Float2D) -> Float2D:
    return np.ascontiguousarray(np.asarray(columns, dtype=np.float64).T)


def _raise_fault(plan: ReconciliationPlan, interval: int, flow: int, row: int) -> None:
    if flow >= 0:
        raise MeasurementMissing(plan.flow_code[flow], interval)
    if row >= 0:
        codes = tuple(plan.balance_code[i] for i in plan.members[row])
        raise BalanceInfeasible(codes, interval)


@kernel
def _reconcile(
    pattern: Pattern,
    reduced: Reduced,
    solved: Solved,
    flow_class: Index1D,
    measured: Float2D,
    sigma: Float2D,
    critical_z: Float1D,
    value: Float2D,
    variance: Float2D,
    z: Float2D,
    residual: Float2D,
    balance_z: Float2D,
    objective: Float2D,
    suspects: Suspects,
    fault: Index1D,
) -> None:
    interval_count, flow_count = measured.shape
    row_count = pattern.column_offset.size - 1
    step_max = critical_z.size
    kept_count = flow_count if step_max > 0 else 0
    slope, leverage = np.empty(kept_count), np.empty(kept_count)
    multiplier, work, total = np.empty(row_count), np.full(row_count, np.nan), np.empty(row_count)
    factor = np.empty(row_count + pattern.row_index.size)
    inverse = np.empty(factor.size)
    found = Elimination(
        np.empty(step_max, dtype=np.int32),
        np.empty(step_max),
        np.empty(step_max),
        np.empty(step_max),
        np.empty(kept_count, dtype=np.int32),
        np.empty((step_max, row_count)),
        np.empty((step_max, flow_count)),
        np.empty((step_max, step_max)),
        np.empty(step_max),
    )
    for j in range(interval_count):
        fault[0] = j
        interval = Interval(
            sigma[j],
            slope,
            leverage,
            value[j],
            variance[j],
            multiplier,
            factor,
            inverse,
            work,
            total,
        )
        fault[1] = load(reduced, flow_class, measured[j], interval)
        if fault[1] >= 0:
            return
        residual[j] = interval.multiplier
        nodal_tests(interval, balance_z[j])
        fault[2] = solve(pattern, interval, objective[:, j])
        if fault[2] >= 0:
            return
        estimate(reduced, flow_class, interval, z[j])
        derive(pattern, reduced, solved, interval)
        if step_max > 0:
            objective[1, j] -= eliminate(pattern, reduced, solved, interval, critical_z, found)
            _keep_suspects(found, suspects, j)


@kernel
def _keep_suspects(found: Elimination, suspects: Suspects, j: int) -> None:
    suspects.step[:, j] = found.step
    for step in range(found.suspect_index.size):
        suspects.flow_index[step, j] = found.suspect_index[step]
        if found.suspect_index[step] >= 0:
            suspects.z[step, j] = found.z[step]
            suspects.bias[step, j] = found.bias[step]
            suspects.bias_sigma[step, j] = np.sqrt(found.bias_variance[step])
