"""Balances of many intervals closed at once, whatever was measured in each.

Intervals in which the same rows are measured share a plan and one call of the kernel.
"""

from dataclasses import dataclass

import numpy as np

from compute.grid import Float2D, Index2D
from compute.network import Network
from compute.reconcile import BalanceInfeasible, Bool2D, Reconciliation, reconcile
from compute.reconcile_plan import ReconciliationPlan, plan_reconciliation
from compute.topology import Bool1D, Float1D, Index1D, Int1D

# Chance that the global test of an interval rejects though every meter is within its class.
LEVEL = 0.05
_STEP_MAX = 5


@dataclass(frozen=True, slots=True)
class Suspect:
    """Meters of which one contradicts the balances.

    Attributes
    ----------
    rows : tuple of int
        One, or those that the balances cannot tell apart.
    z : float
        Of the measurement test of the first row when it was found; positive where it shows too
        much. Another row may then show too little.
    bias_kwh, bias_sigma_kwh : float
        How much too much the first row shows.
    """

    rows: tuple[int, ...]
    z: float
    bias_kwh: float
    bias_sigma_kwh: float


@dataclass(frozen=True, slots=True)
class Closed:
    """Balances of k intervals.

    Attributes
    ----------
    measured_kwh, sigma_kwh, value_kwh, value_sigma_kwh : (r, k) float64
        Given and reconciled; NaN where nothing is measured, and where a row is not observable.
    z : (r, k) float64
        Measurement test; NaN where no balance tests the row.
    row_class : (r, k) int32
        `FlowClass`.
    alike : (r, k) int32
        Rows of one number cannot be told apart by the balances; -1 for those that are not tested.
    objective, objective_left, critical_objective, critical_z : (k,) float64
        Global test before and after suspects were taken out, its limit, and that of |z|; NaN
        where the balances could not be closed.
    degrees_of_freedom : (k,) int32
    suspects : tuple of tuple of Suspect
        Of each interval, in the order in which they were found.
    infeasible : tuple of tuple of str
        Of each interval, the balances that exact values contradict; () where there are none.
    """

    measured_kwh: Float2D
    sigma_kwh: Float2D
    value_kwh: Float2D
    value_sigma_kwh: Float2D
    z: Float2D
    row_class: Index2D
    alike: Index2D
    objective: Float1D
    objective_left: Float1D
    critical_objective: Float1D
    critical_z: Float1D
    degrees_of_freedom: Index1D
    suspects: tuple[tuple[Suspect, ...], ...]
    infeasible: tuple[tuple[str, ...], ...]


def plan_of(network: Network, is_measured: Bool1D) -> ReconciliationPlan:
    """Return the plan for the rows that are measured, made once."""
    key = np.asarray(is_measured, dtype=np.bool_).tobytes()
    if key not in network.plans:
        network.plans[key] = plan_reconciliation(network.balances, is_measured=is_measured)
    return network.plans[key]


def close_balances(network: Network, measured_kwh: Float2D, sigma_kwh: Float2D) -> Closed:
    """Return the reconciled rows of a network in every interval.

    Parameters
    ----------
    network : Network
    measured_kwh, sigma_kwh : (r, k) float64
        NaN where nothing is measured.
    """
    interval_count = measured_kwh.shape[1]
    numbers = [np.full(measured_kwh.shape, np.nan) for _ in range(3)]
    of_interval = [np.full(interval_count, np.nan) for _ in range(4)]
    row_class = np.zeros(measured_kwh.shape, dtype=np.int32)
    alike = np.full(measured_kwh.shape, -1, dtype=np.int32)
    degrees = np.zeros(interval_count, dtype=np.int32)
    suspects: list[tuple[Suspect, ...]] = [()] * interval_count
    infeasible: list[tuple[str, ...]] = [()] * interval_count
    is_measured = np.isfinite(measured_kwh) & np.isfinite(sigma_kwh)
    for chosen in _groups(is_measured):
        plan = plan_of(network, np.ascontiguousarray(is_measured[:, chosen[0]]))
        row_class[:, chosen] = plan.flow_class[:, np.newaxis]
        alike[:, chosen] = plan.alike_index[:, np.newaxis]
        degrees[chosen] = plan.degrees_of_freedom
        try:
            found = reconcile(
                plan,
                measured=measured_kwh[:, chosen],
                sigma=sigma_kwh[:, chosen],
                level=LEVEL,
                step_max=_STEP_MAX,
            )
        except BalanceInfeasible as error:
            for j in chosen.tolist():
                infeasible[j] = error.balance_codes
            continue
        numbers[0][:, chosen] = found.value
        numbers[1][:, chosen] = np.sqrt(found.variance)
        numbers[2][:, chosen] = found.z
        of_interval[0][chosen] = found.objective
        of_interval[1][chosen] = found.objective_left
        of_interval[2][chosen] = found.critical_objective
        of_interval[3][chosen] = found.critical_z_distinct
        for place, j in enumerate(chosen.tolist()):
            suspects[j] = _suspects(found, place)
    return Closed(
        measured_kwh=np.where(is_measured, measured_kwh, np.nan),
        sigma_kwh=np.where(is_measured, sigma_kwh, np.nan),
        value_kwh=numbers[0],
        value_sigma_kwh=numbers[1],
        z=numbers[2],
        row_class=row_class,
        alike=alike,
        objective=of_interval[0],
        objective_left=of_interval[1],
        critical_objective=of_interval[2],
        critical_z=of_interval[3],
        degrees_of_freedom=degrees,
        suspects=tuple(suspects),
        infeasible=tuple(infeasible),
    )


def _groups(is_measured: Bool2D) -> list[Int1D]:
    """Return the intervals in which the same rows are measured, together."""
    by_mask: dict[bytes, list[int]] = {}
    packed = np.packbits(is_measured, axis=0)
    for j in range(is_measured.shape[1]):
        by_mask.setdefault(packed[:, j].tobytes(), []).append(j)
    return [np.array(chosen, dtype=np.int64) for chosen in by_mask.values()]


def _suspects(found: Reconciliation, place: int) -> tuple[Suspect, ...]:
    suspects = found.suspects
    return tuple(
        Suspect(
            rows=_first(int(suspects.flow_index[step, place]), rows),
            z=float(suspects.z[step, place]),
            bias_kwh=float(suspects.bias[step, place]),
            bias_sigma_kwh=float(suspects.bias_sigma[step, place]),
        )
        for step, rows in enumerate(suspects.named(place))
    )


def _first(chosen: int, rows: tuple[int, ...]) -> tuple[int, ...]:
    return (chosen, *(row for row in rows if row != chosen))
