"""Reconciliation: against full matrices, by its invariants, and on published networks."""

import csv
import gzip
import itertools
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.constraints import Balances, with_remainders
from compute.distributions import sidak_critical_z
from compute.projection import FlowClass
from compute.reconcile import BalanceInfeasible, MeasurementMissing, Reconciliation, reconcile
from compute.reconcile_plan import ReconciliationPlan, plan_reconciliation
from compute.topology import Bool1D, Float1D
from tests.compute.networks import OUTSIDE, Plant, dense, network, plants
from tests.twins import reconcile as twin

NAN = math.nan


def column(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


def solve(
    balances: Balances,
    values: Any,
    sigma: Any,
    *,
    measured: Bool1D | None = None,
    step_max: int = 0,
) -> tuple[ReconciliationPlan, Reconciliation]:
    if measured is None:
        measured = np.ones(len(balances.flow_code), dtype=np.bool_)
    plan = plan_reconciliation(balances, is_measured=measured)
    found = reconcile(plan, measured=column(values), sigma=column(sigma), step_max=step_max)
    return plan, found


def solved_plant(plant: Plant, step_max: int = 0) -> tuple[ReconciliationPlan, Reconciliation]:
    return solve(
        plant.balances, plant.values, plant.sigma, measured=plant.measured, step_max=step_max
    )


def classes(plan: ReconciliationPlan) -> list[str]:
    return [FlowClass(number).name for number in plan.flow_class.tolist()]


class TestReconcile:
    @given(plants())
    def test_equals_the_dense_twin(self, plant: Plant) -> None:
        plan, found = solved_plant(plant)
        expected = twin.reconcile(dense(plant.balances), plant.measured, plant.values, plant.sigma)
        assert classes(plan) == expected.flow_class
        assert plan.degrees_of_freedom == expected.degrees_of_freedom
        assert found.value[:, 0] == pytest.approx(expected.value, rel=1e-8, abs=1e-7, nan_ok=True)
        assert found.variance[:, 0] == pytest.approx(
            expected.variance, rel=1e-8, abs=1e-7, nan_ok=True
        )
        assert found.z[:, 0] == pytest.approx(expected.z, rel=1e-6, abs=1e-6, nan_ok=True)
        assert found.objective[0] == pytest.approx(expected.objective, rel=1e-8, abs=1e-7)

    @given(plants())
    def test_tells_which_flows_cannot_be_told_apart(self, plant: Plant) -> None:
        plan, _ = solved_plant(plant)
        expected = twin.reconcile(dense(plant.balances), plant.measured, plant.values, plant.sigma)
        for flow in np.flatnonzero(plan.flow_class == FlowClass.REDUNDANT).tolist():
            same = np.flatnonzero(plan.alike_index == plan.alike_index[flow])
            assert set(same.tolist()) == twin.alike(expected, flow)

    @given(plants())
    def test_closes_every_balance_of_known_flows(self, plant: Plant) -> None:
        _, found = solved_plant(plant, step_max=3)
        matrix, value = dense(plant.balances), found.value[:, 0]
        known = ~(np.isnan(value) & (matrix != 0.0)).any(axis=1)
        residual = matrix[known] @ np.nan_to_num(value)
        assert residual == pytest.approx(np.zeros(known.sum()), abs=1e-8 * 400 * 14)

    @given(plants())
    def test_knows_every_flow_but_the_unobservable_and_names_those(self, plant: Plant) -> None:
        plan, found = solved_plant(plant, step_max=3)
        unknown = plan.flow_class == FlowClass.UNOBSERVABLE
        assert (np.isnan(found.value[:, 0]) == unknown).all()
        assert (np.isnan(found.variance[:, 0]) == unknown).all()
        assert sorted(sum(plan.unobservable, ())) == np.flatnonzero(unknown).tolist()
        text = " ".join(plan.explain_unobservable())
        assert all(f"flow{flow}" in text for flow in np.flatnonzero(unknown))

    @given(plants(), st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_order_of_flows_and_balances(
        self, plant: Plant, random: Any
    ) -> None:
        _, found = solved_plant(plant)
        rows = plant.balances.rows()
        flows = list(range(len(plant.values)))
        random.shuffle(flows)
        random.shuffle(rows)
        place = {flow: i for i, flow in enumerate(flows)}
        shuffled = Balances.listed(
            [{place[flow]: value for flow, value in row.items()} for row in rows],
            balance_code=plant.balances.balance_code,
            flow_code=tuple(plant.balances.flow_code[flow] for flow in flows),
        )
        plan, other = solve(
            shuffled, plant.values[flows], plant.sigma[flows], measured=plant.measured[flows]
        )
        assert (plan.flow_class == found.flow_class[flows]).all()
        for name in ("value", "variance", "z"):
            assert getattr(other, name)[:, 0] == pytest.approx(
                getattr(found, name)[flows, 0], rel=1e-7, abs=1e-7, nan_ok=True
            )

    @given(plants(), st.sampled_from([1e-6, 3.6, 1e6]))
    def test_is_the_same_in_another_unit(self, plant: Plant, factor: float) -> None:
        _, found = solved_plant(plant, step_max=2)
        scaled = Plant(plant.balances, plant.measured, plant.values * factor, plant.sigma * factor)
        _, other = solved_plant(scaled, step_max=2)
        assert other.value / factor == pytest.approx(found.value, rel=1e-8, abs=1e-6, nan_ok=True)
        assert other.z == pytest.approx(found.z, rel=1e-7, abs=1e-7, nan_ok=True)
        assert (other.suspects.flow_index == found.suspects.flow_index).all()

    def test_knows_no_flow_of_two_balances_that_say_the_same_without_a_meter(self) -> None:
        """Flows in a row, in any order: what is looked for is no pattern of their numbers."""
        row = {0: -1.0, 1: -1.0, 2: 1.0, 3: 1.0, 4: -1.0}
        for order in itertools.permutations(range(5)):
            rows = [{order[flow]: sign * value for flow, value in row.items()} for sign in (1, -1)]
            balances = Balances.listed(
                rows, balance_code=("a", "b"), flow_code=tuple(f"f{flow}" for flow in range(5))
            )
            plan, _ = solve(balances, [0.0] * 5, [0.5] * 5, measured=np.zeros(5, dtype=np.bool_))
            assert set(classes(plan)) == {"UNOBSERVABLE"}, order

    @given(plants())
    def test_leaves_consistent_measurements_as_they_are(self, plant: Plant) -> None:
        _, found = solved_plant(plant)
        measured = plant.measured
        if np.isnan(found.value[measured]).any():
            return
        again = Plant(plant.balances, measured, found.value[:, 0], plant.sigma)
        _, second = solved_plant(again)
        assert second.adjustment[measured, 0] == pytest.approx(0.0, abs=1e-9 * 400 * 14)
        assert second.objective[0] == pytest.approx(0.0, abs=1e-9)

    @given(plants())
    def test_never_makes_a_measurement_less_certain(self, plant: Plant) -> None:
        _, found = solved_plant(plant)
        measured = plant.measured
        assert (found.variance[measured, 0] <= plant.sigma[measured] ** 2 * (1 + 1e-12)).all()
        assert (found.variance[measured, 0] >= 0.0).all()

    def test_of_one_interval_does_not_depend_on_the_others(self) -> None:
        plan = plan_reconciliation(
            network([(OUTSIDE, 0), (0, 1), (0, 1), (1, OUTSIDE)]),
            is_measured=np.array([True, True, False, True]),
        )
        values = np.array([[10.0, 99.0], [4.0, 1.0], [NAN, NAN], [11.0, 50.0]])
        sigma = np.array([[1.0, 0.2], [0.5, 1.0], [NAN, NAN], [1.0, 3.0]])
        many = reconcile(plan, measured=values, sigma=sigma, step_max=1)
        alone = reconcile(plan, measured=values[:, 1:], sigma=sigma[:, 1:], step_max=1)
        assert many.value[:, 1].tobytes() == alone.value[:, 0].tobytes()
        assert many.variance[:, 1].tobytes() == alone.variance[:, 0].tobytes()

    def test_holds_exact_flows(self) -> None:
        balances = network([(OUTSIDE, 0), (0, OUTSIDE), (0, OUTSIDE)])
        _, found = solve(balances, [10.0, 4.0, 7.0], [0.0, 1.0, 1.0])
        assert found.value[:, 0].tolist() == [10.0, 3.5, 6.5]
        assert found.variance[0, 0] == 0.0
        assert math.isnan(found.z[0, 0])

    def test_passes_stock_change_and_efficiency_through(self) -> None:
        # A boiler of 0.9 fills a tank: 0.9 x 100 = 60 used + 30 kept.
        balances = network([(OUTSIDE, 0), (0, 1), (1, OUTSIDE), (1, OUTSIDE)], efficiency=[0.9])
        known = np.array([True, False, True, False])
        plan, found = solve(balances, [100.0, NAN, 60.0, NAN], [1.0, NAN, 1.0, NAN], measured=known)
        assert found.value[:, 0] == pytest.approx([100.0, 90.0, 60.0, 30.0])
        assert found.variance[:, 0] == pytest.approx([1.0, 0.81, 1.0, 1.81])
        assert classes(plan) == ["NON_REDUNDANT", "OBSERVABLE"] * 2

    def test_takes_an_uncertain_efficiency_as_a_remainder(self) -> None:
        balances = with_remainders(network([(OUTSIDE, 0), (0, OUTSIDE)], efficiency=[0.9]), (0,))
        assert balances.flow_code == ("flow0", "flow1", "node0")
        # The efficiency is known to 2 %, so the remainder is 0 +- 2 of the 100 that enter.
        _, found = solve(balances, [100.0, 95.0, 0.0], [1e-9, 1e-9, 2.0])
        assert found.value[:, 0] == pytest.approx([100.0, 95.0, -5.0])
        assert found.z[:, 0] == pytest.approx([-2.5, 2.5, 2.5])

    def test_leaves_out_the_balance_that_follows_from_the_others(self) -> None:
        closed = network([(0, 1), (1, 2), (2, 0)])
        plan, found = solve(closed, [9.0, 10.0, 11.0], [1.0, 1.0, 1.0])
        assert plan.degrees_of_freedom == 2
        assert found.value[:, 0] == pytest.approx([10.0, 10.0, 10.0])

    @pytest.mark.parametrize("measured", [True, False])
    def test_takes_a_plant_of_one_flow_and_no_balance(self, *, measured: bool) -> None:
        plan, found = solve(
            network([(OUTSIDE, OUTSIDE)]), [5.0], [1.0], measured=np.array([measured])
        )
        assert classes(plan) == ["NON_REDUNDANT" if measured else "UNOBSERVABLE"]
        assert found.objective.tolist() == [0.0]
        assert not found.global_test_rejects.any()

    def test_takes_an_empty_plant(self) -> None:
        plan, found = solve(network([]), [], [])
        assert found.value.shape == (0, 1)
        assert plan.degrees_of_freedom == 0


class TestErrors:
    def test_name_the_balance_that_exact_flows_contradict(self) -> None:
        balances = network([(OUTSIDE, 0), (0, 1), (1, OUTSIDE)])
        with pytest.raises(BalanceInfeasible, match="node") as caught:
            solve(balances, [10.0, 4.0, 7.0], [0.0, 1.0, 0.0])
        assert set(caught.value.balance_codes) <= {"node0", "node1"}

    @pytest.mark.parametrize(
        ("value", "sigma"), [(NAN, 1.0), (1.0, NAN), (1.0, -1.0), (math.inf, 1.0)]
    )
    def test_name_the_flow_that_is_missing(self, value: float, sigma: float) -> None:
        balances = network([(OUTSIDE, 0), (0, OUTSIDE)])
        with pytest.raises(MeasurementMissing, match="flow1") as caught:
            solve(balances, [1.0, value], [1.0, sigma])
        assert (caught.value.flow_code, caught.value.interval) == ("flow1", 0)


class TestSuspects:
    @given(plants(), st.integers(0, 13), st.sampled_from([30.0, 100.0, -1000.0]))
    def test_are_those_that_solving_anew_names(self, plant: Plant, flow: int, bias: float) -> None:
        _, clean = solved_plant(plant)
        values = np.where(np.isnan(clean.value[:, 0]), plant.values, clean.value[:, 0])
        values = np.where(plant.measured, values, NAN)
        values[flow % values.size] += bias
        plan, found = solve(
            plant.balances, values, plant.sigma, measured=plant.measured, step_max=3
        )
        limits = [
            sidak_critical_z(0.05, max(plan.distinct_count - step, 1))
            for step in range(min(3, plan.degrees_of_freedom))
        ]
        named, left = twin.eliminate(
            dense(plant.balances), plant.measured, values, plant.sigma, limits
        )
        assert [set(group) for group in found.suspects.named(0)] == named
        assert found.value[:, 0] == pytest.approx(left.value, rel=1e-6, abs=1e-6, nan_ok=True)
        assert found.variance[:, 0] == pytest.approx(left.variance, rel=1e-6, abs=1e-6, nan_ok=True)
        assert found.objective_left[0] == pytest.approx(left.objective, rel=1e-6, abs=1e-5)

    def test_come_with_their_bias(self) -> None:
        ends = [(OUTSIDE, 0), (0, 1), (0, 2), (1, 3), (2, 3), (3, OUTSIDE)]
        true = np.array([100.0, 64.0, 36.0, 64.0, 36.0, 100.0])
        shifted = true + np.array([0.0, 12.0, 0.0, 0.0, -9.0, 0.0])
        _, found = solve(network(ends), shifted, np.ones(6), step_max=3)
        suspects = found.suspects
        assert suspects.named(0) == ((1,), (4,))
        assert suspects.bias[:2, 0] == pytest.approx([12.0, -9.0])
        assert found.value[:, 0] == pytest.approx(true)
        assert found.objective_left[0] == pytest.approx(0.0, abs=1e-9)
        assert (suspects.bias_sigma[:2, 0] > 1.0).all()

    def test_that_the_balances_cannot_tell_apart_stand_together(self) -> None:
        _, found = solve(
            network([(OUTSIDE, 0), (0, OUTSIDE), (0, OUTSIDE)]), [10, 4, 16], [1, 1, 1], step_max=2
        )
        assert found.suspects.named(0) == ((0, 1, 2),)


def published(case: dict[str, Any]) -> tuple[Balances, Float1D]:
    """Return the network of a case, with node 0 as the environment."""
    inputs = case["inputs"]
    balances = network([(s["from"] - 1, s["to"] - 1) for s in inputs["streams"]])
    sigma = inputs["sigma"] if "sigma" in inputs else np.sqrt(inputs["variance"])
    return balances, np.array(sigma)


def assert_published(
    plan: ReconciliationPlan, found: Reconciliation, expected: dict[str, Any], tolerance: Any
) -> None:
    assert found.value[:, 0] == pytest.approx(
        expected["reconciled"], abs=tolerance["reconciled_abs"]
    )
    assert found.objective[0] == pytest.approx(
        expected["objective_chi2"], rel=tolerance["chi2_rel"]
    )
    assert found.degrees_of_freedom == expected["dof"]
    assert found.critical_objective == pytest.approx(expected["chi2_crit_95"], rel=1e-10)
    assert found.global_test_rejects.tolist() == [expected["global_test_rejects"]]
    assert found.critical_z == pytest.approx(expected["z_crit_sidak_95"], rel=1e-10)
    for name, values in (
        ("abs_z_measurement_test", np.abs(found.z[:, 0])),
        ("reconciled_std", np.sqrt(found.variance[:, 0])),
    ):
        for value, number in zip(values.tolist(), expected[name], strict=True):
            assert number is None or value == pytest.approx(number, abs=1e-8)
    streams = np.flatnonzero(found.flagged[:, 0]) + 1
    assert streams.tolist() == expected["flagged_streams"]
    largest = np.nan_to_num(np.abs(found.z[:, 0]))
    alike = plan.alike_index == plan.alike_index[int(largest.argmax())]
    assert (np.flatnonzero(alike) + 1).tolist() == expected["largest_z_streams"]


class TestPublishedCases:
    def test_ripps_1965(self) -> None:
        """A reactor: three balances of elements with fractions of four flows.

        Ripps, Adjustment of experimental data (Chem. Eng. Prog. Symp. Ser. 61, 1965). The true
        flows are (0.1739, 5.0435, 1.2175, 4.00), to four digits.
        """
        rows = [
            {0: 0.1, 1: 0.6, 2: -0.2, 3: -0.7},
            {0: 0.8, 1: 0.1, 2: -0.2, 3: -0.1},
            {0: 0.1, 1: 0.3, 2: -0.6, 3: -0.2},
        ]
        balances = Balances.listed(
            rows, balance_code=("A", "B", "C"), flow_code=("in1", "in2", "out1", "out2")
        )
        true = np.array([0.1739, 5.0435, 1.2175, 4.0])
        variance = np.array([0.000289, 0.0025, 0.000576, 0.04])
        values = np.array([0.1858, 4.7935, 1.2295, 3.8800])
        _, found = solve(balances, values, np.sqrt(variance))
        # Three balances of four flows: what closes them is a multiple of the true flows.
        assert found.value[:, 0] / found.value[3, 0] == pytest.approx(true / 4.0, rel=1e-3)
        wanted = twin.reconcile(
            dense(balances), np.ones(4, dtype=np.bool_), values, np.sqrt(variance)
        )
        assert found.value[:, 0] == pytest.approx(wanted.value)
        assert found.objective[0] == pytest.approx(wanted.objective)
        # The chi-square limit of 10 % with three balances is 6.251: something is wrong.
        assert found.objective[0] > 6.251
        # Any one of the flows is enough: the others follow from it.
        for flow in range(4):
            plan, alone = solve(balances, true, np.sqrt(variance), measured=np.arange(4) == flow)
            assert classes(plan).count("OBSERVABLE") == 3
            assert alone.value[:, 0] == pytest.approx(true, rel=1e-3)

    def test_dovi_and_solisio_2001(self, shared_folder: Path) -> None:
        path = shared_folder / "cases" / "dr_dovi_solisio_2001.json"
        case = json.loads(path.read_text(encoding="utf-8"))
        balances, sigma = published(case)
        plan, found = solve(balances, case["inputs"]["measured"], sigma)
        assert_published(plan, found, case["expected"], case["tolerance"])

    def test_narasimhan_and_jordache_2000(self, shared_folder: Path) -> None:
        path = shared_folder / "cases" / "dr_narasimhan_jordache_2000.json"
        case = json.loads(path.read_text(encoding="utf-8"))
        balances, sigma = published(case)
        expected, tolerance = case["expected"], case["tolerance"]
        plain = expected["published_measurements"]
        plan, found = solve(balances, case["inputs"]["measured"], sigma)
        assert_published(plan, found, plain, tolerance)
        assert found.value[:, 0].round(2).tolist() == expected["published_reconciled_2dp"]
        assert np.unique(plan.alike_index).size == plan.alike_index.size
        biased = expected["bias_stream_2_plus_10"]
        plan, found = solve(balances, biased["measured"], sigma, step_max=3)
        assert_published_before_elimination(plan, balances, biased, sigma, tolerance)
        assert found.suspects.named(0) == ((1,),)

    def test_narasimhan_and_jordache_2000_with_an_unmeasured_pair(
        self, shared_folder: Path
    ) -> None:
        path = shared_folder / "cases" / "dr_narasimhan_jordache_2000.json"
        case = json.loads(path.read_text(encoding="utf-8"))
        balances, sigma = published(case)
        expected = case["expected"]["unmeasured_streams_3_and_4"]
        measured = np.array([True, True, False, False, True, True])
        values = np.where(measured, case["inputs"]["measured"], NAN)
        plan, found = solve(balances, values, sigma, measured=measured)
        assert_published(plan, found, expected, case["tolerance"])
        for name, key in (
            ("OBSERVABLE", "observable_unmeasured"),
            ("REDUNDANT", "redundant_measured"),
        ):
            assert [
                i + 1 for i, found_name in enumerate(classes(plan)) if found_name == name
            ] == expected[key]

    @pytest.mark.skipif(
        "NUMBA_DISABLE_JIT" in os.environ, reason="75,844 intervals are for the compiler"
    )
    def test_uc_san_diego_campus(self, shared_folder: Path) -> None:
        path = shared_folder / "cases" / "balance_ucsd_campus.json"
        case = json.loads(path.read_text(encoding="utf-8"))
        expected = case["expected"]
        with gzip.open(shared_folder.parent / case["inputs"]["file"], "rt") as file:
            rows = list(csv.DictReader(file))
        names = ("OnCampusGeneration", "SDG&E Import", "TotalCampusLoad")
        measured = np.array([[float(row[name]) for row in rows] for name in names])
        plan = plan_reconciliation(
            network([(OUTSIDE, 0), (OUTSIDE, 0), (0, OUTSIDE)]), is_measured=np.ones(3, dtype=bool)
        )
        # Three meters that agree to 1 kW are hardly ever further apart than 2 sigma of the sum.
        sigma = np.full(measured.shape, 0.5 / math.sqrt(3.0))
        found = reconcile(plan, measured=measured, sigma=sigma, step_max=1)
        # The case counts the load as positive.
        residual = -found.residual[0]
        assert residual.size == expected["rows"]
        assert residual.min() == pytest.approx(expected["residual_min_kw"], rel=1e-9)
        assert residual.max() == pytest.approx(expected["residual_max_kw"], rel=1e-9)
        outside = np.abs(residual) > 1.0
        assert 1.0 - outside.mean() == pytest.approx(expected["share_within_1_kw"], rel=1e-9)
        assert (np.abs(found.balance_z[0]) > 2.0).mean() == pytest.approx(outside.mean(), abs=1e-4)
        months = np.array([month_of(row["DateTime"]) for row in rows])
        for month, figures in expected["monthly"].items():
            chosen = months == month
            sums = [*measured[:, chosen].sum(axis=1), residual[chosen].sum()]
            keys = ("generation_mwh", "import_mwh", "load_mwh", "residual_mwh")
            for value, key in zip(sums, keys, strict=True):
                assert value / 4000.0 == pytest.approx(figures[key], rel=1e-9, abs=1e-9)
        # A balance alone cannot say which of its meters is wrong.
        suspected = int(np.flatnonzero(outside)[0])
        assert found.suspects.named(suspected) == ((0, 1, 2),)


def month_of(stamp: str) -> str:
    """Return 2020-02 of 2/29/2020 23:45."""
    month, _, year = stamp.split(" ", maxsplit=1)[0].split("/")
    return f"{year}-{int(month):02}"


def assert_published_before_elimination(
    plan: ReconciliationPlan,
    balances: Balances,
    expected: dict[str, Any],
    sigma: Float1D,
    tolerance: Any,
) -> None:
    _, found = solve(balances, expected["measured"], sigma)
    assert_published(plan, found, expected, tolerance)
