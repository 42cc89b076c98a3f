"""How often suspects are named rightly and wrongly, and how often the truth lies where it should.

Each seed is one interval of a network: the true flows and an error for every meter. A biased meter
is off by 5 sigma of its adjustment.
"""

import functools

import numpy as np
import pytest

from compute.constraints import Balances
from compute.grid import Float2D
from compute.reconcile import reconcile
from compute.reconcile_plan import ReconciliationPlan, plan_reconciliation
from compute.topology import Float1D
from tests.compute.networks import OUTSIDE, dense, network
from tests.twins.reconcile import null_space

LEVEL = 0.05
BIAS_SIGMAS = 5.0
# Tests of two meters that are correlated more than this are often exchanged by chance: at 5 sigma
# the wrong one is the larger in 2 % of cases at 0.65, in 16 % at 0.9.
CORRELATION_MAX = 0.65

NETWORKS = {
    "heat exchanger with bypass": [(OUTSIDE, 0), (0, 1), (0, 2), (1, 3), (2, 3), (3, OUTSIDE)],
    "recycle": [(OUTSIDE, 0), (1, 0), (0, 1), (1, 2), (2, OUTSIDE), (2, OUTSIDE)],
    "ring of buses": [
        (OUTSIDE, 0),
        (0, 1),
        (0, 2),
        (0, 3),
        (1, OUTSIDE),
        (2, OUTSIDE),
        (3, OUTSIDE),
        (1, 2),
        (2, 3),
    ],
}
SEED_COUNT = 10_000
# Three sigma of the count itself are not the method's.
CHANCE = 3.0 * np.sqrt(LEVEL * (1.0 - LEVEL) / SEED_COUNT)
networks = pytest.mark.parametrize("name", list(NETWORKS))


class Trial:
    """One network with its true flows, and measurements for every seed."""

    def __init__(self, name: str) -> None:
        self.balances: Balances = network(NETWORKS[name])
        flow_count = len(self.balances.flow_code)
        self.plan: ReconciliationPlan = plan_reconciliation(
            self.balances, is_measured=np.ones(flow_count, dtype=np.bool_)
        )
        random = np.random.default_rng(20_241_106)
        free = null_space(dense(self.balances))
        self.true: Float2D = (free @ (free.T @ random.uniform(20.0, 90.0, flow_count)))[:, None]
        sigma = 0.01 * np.abs(self.true[:, 0]) + 0.1
        self.sigma: Float2D = np.repeat(sigma[:, None], SEED_COUNT, axis=1)
        errors = random.standard_normal((flow_count, SEED_COUNT))
        self.measured: Float2D = self.true + self.sigma * errors

    @functools.cached_property
    def slopes(self) -> Float2D:
        """Covariance of G' lambda, with full matrices."""
        matrix = dense(self.balances)
        middle = np.linalg.pinv(matrix @ np.diag(self.sigma[:, 0] ** 2) @ matrix.T)
        covariance: Float2D = matrix.T @ middle @ matrix
        return covariance

    def isolable(self) -> list[int]:
        """Return a flow of each class that the tests of all other classes hardly follow."""
        scale: Float1D = np.sqrt(np.diag(self.slopes))
        correlation = np.abs(self.slopes) / np.outer(scale, scale)
        alike = self.plan.alike_index
        return [
            flow
            for flow in np.unique(alike, return_index=True)[1].tolist()
            if correlation[flow, alike != alike[flow]].max() <= CORRELATION_MAX
        ]


@networks
class TestSuspects:
    def test_name_a_meter_that_is_5_sigma_off(self, name: str) -> None:
        trial = Trial(name)
        isolable = trial.isolable()
        assert isolable
        for flow in isolable:
            measured = trial.measured.copy()
            measured[flow] += BIAS_SIGMAS / np.sqrt(trial.slopes[flow, flow])
            found = reconcile(
                trial.plan, measured=measured, sigma=trial.sigma, level=LEVEL, step_max=1
            )
            named = found.suspects.step == 0
            alike = trial.plan.alike_index == trial.plan.alike_index[flow]
            assert (named == alike[:, None]).all(axis=0).mean() >= 0.95

    def test_are_named_without_cause_as_rarely_as_the_level_says(self, name: str) -> None:
        trial = Trial(name)
        found = reconcile(
            trial.plan, measured=trial.measured, sigma=trial.sigma, level=LEVEL, step_max=1
        )
        assert found.global_test_rejects.mean() == pytest.approx(LEVEL, abs=CHANCE)
        suspected = (found.suspects.flow_index[0] >= 0).mean()
        # Correlated tests are together a little more careful than their limit, never less.
        assert LEVEL - 0.01 <= suspected <= LEVEL + CHANCE


@networks
def test_reconciled_intervals_cover_the_truth(name: str) -> None:
    trial = Trial(name)
    found = reconcile(trial.plan, measured=trial.measured, sigma=trial.sigma)
    inside = np.abs(found.value - trial.true) <= 1.959963984540054 * np.sqrt(found.variance)
    assert inside.mean(axis=1) == pytest.approx(0.95, abs=CHANCE)
    assert 0.94 <= inside.mean() <= 0.96
