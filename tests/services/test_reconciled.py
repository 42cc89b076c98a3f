"""The balances of a simulated plant stay within their stated uncertainty of the truth."""

import numpy as np
import pytest

from compute.carbon import make_graph
from compute.closing import Closed
from compute.flow import Stored
from compute.grid import Float2D
from compute.periods import from_us
from compute.projection import FlowClass
from compute.topology import Float1D
from deploy.simulated_faults import Fault
from services import live_balance
from services.balance_figures import flows_of, messages_of, named_suspect, stored_suspect
from services.losses import node_balances_of
from services.store.balances import SuspectRow
from tests.integration.test_week_of_faults import FAULTS
from tests.services.simulated_balances import (
    DAY_US,
    START_US,
    STEP_US,
    Simulated,
    demo_plant,
    simulate,
)


@pytest.fixture(scope="module")
def ordinary() -> Simulated:
    """Return a day of the demo's foundry, every meter within its class."""
    return simulate(demo_plant(), day_count=1)


def off(simulated: Simulated, closed: Closed, true: Float2D) -> Float1D:
    """Return by how many sigmas the reconciled flows are off, of those that are known."""
    count = simulated.span.described.balanced.network.flow_count
    spread = closed.value_sigma_kwh[:count]
    known = np.isfinite(spread) & (spread > 1e-3)
    found: Float1D = np.abs(closed.value_kwh[:count] - true)[known] / spread[known]
    return found


class TestAnOrdinaryDay:
    def test_stays_within_its_uncertainty_of_the_truth(self, ordinary: Simulated) -> None:
        base = off(ordinary, ordinary.base, ordinary.true_kwh)
        assert base.size > 50 * 90
        # A class bounds the error: 95 % of it is 1.65 sigma of what is said.
        assert (base > 2.0).mean() < 0.01
        day = off(ordinary, ordinary.days[0], ordinary.true_day(0)[:, np.newaxis])
        assert (day > 2.0).mean() < 0.02

    def test_suspects_nobody(self, ordinary: Simulated) -> None:
        assert not any(ordinary.base.suspects)
        assert ordinary.days[0].suspects == ((),)
        assert (ordinary.base.objective <= ordinary.base.critical_objective).all()

    def test_splits_what_a_board_leaves_over(self, ordinary: Simulated) -> None:
        described = ordinary.span.described
        nodes = {n.code: n for n in node_balances_of(described, ordinary.days[0], hours=24.0)}
        board = nodes["utility-board"]
        parts = (
            board.transformer_loss_kwh,
            board.line_loss_kwh,
            board.pipe_loss_kwh,
            board.conversion_loss_kwh,
            board.stock_change_kwh,
            board.unmetered_kwh,
            board.meters_kwh,
        )
        left = board.metered_in_kwh - board.metered_out_kwh
        assert sum(part for part in parts if part is not None) == pytest.approx(left)
        assert board.transformer_loss_kwh is not None
        # The simulator loses 0.7 % there.
        true = 0.007 * ordinary.true_day(0)[described.arrays.flow_code.index("utility-power")]
        assert board.transformer_loss_kwh == pytest.approx(true, rel=0.35)
        assert nodes["boiler"].efficiency == pytest.approx(0.92, abs=0.02)

    def test_says_how_well_each_flow_is_known(self, ordinary: Simulated) -> None:
        flows = {f.code: f for f in flows_of(ordinary.span.described, ordinary.days[0])}
        assert flows["utility-power"].class_name == "redundant"
        assert flows["furnace-power"].class_name == "measured_only"
        assert flows["foundry-rest-power"].class_name == "observable"
        assert "grid-in" in flows["solar-in"].alike
        # What is metered on both sides of a transformer, or by a board of its own, is told apart.
        for code in ("foundry-power", "machining-power", "utility-power", "public-power"):
            assert flows[code].alike == (code,)
        assert messages_of(ordinary.span.described, ordinary.days[0]) == []


class TestAWrongMultiplier:
    @pytest.mark.parametrize(
        ("point", "flow", "factor"),
        [("utility", "utility-power", 1.06), ("cooling", "cooling", 1.3), ("steam", "steam", 0.8)],
    )
    def test_is_named_by_the_day(self, point: str, flow: str, factor: float) -> None:
        simulated = simulate(demo_plant(), day_count=1, shown_as={point: factor})
        described = simulated.span.described
        [suspect, *_] = simulated.days[0].suspects[0]
        named = named_suspect(
            described, suspect.rows, suspect.z, suspect.bias_kwh, suspect.bias_sigma_kwh
        )
        assert flow in named.flows
        true = simulated.true_day(0)[described.arrays.flow_code.index(flow)]
        row = described.arrays.flow_code.index(flow)
        shown = simulated.days[0].measured_kwh[row, 0]
        assert simulated.days[0].z[row, 0] * (factor - 1.0) > 0.0
        assert shown / true == pytest.approx(factor, abs=0.03)

    def test_of_a_lost_phase_is_named_alone_while_it_lasts(self) -> None:
        start_us = START_US + 40 * STEP_US
        fault = Fault(
            kind="gain", target="machining", start_us=start_us, duration_us=3 * STEP_US, size=2 / 3
        )
        simulated = simulate(demo_plant(), day_count=1, faults=[fault])
        described = simulated.span.described
        named = {
            j: [[described.arrays.flow_code[row] for row in found.rows] for found in suspects]
            for j, suspects in enumerate(simulated.base.suspects)
            if suspects
        }
        assert named == {j: [["machining-power"]] for j in (40, 41, 42)}
        [found] = simulated.base.suspects[41]
        figures = (found.z, found.bias_kwh, found.bias_sigma_kwh)
        kept = SuspectRow(from_us(start_us), 0, list(found.rows), *figures)
        told = stored_suspect(described.balanced.document["rows"], kept, described)
        assert told == named_suspect(described, found.rows, *figures)
        assert told.meters == ("M-MACHINING",)
        assert stored_suspect(described.balanced.document["rows"], kept, None).meters == ()

    def test_shows_over_a_day_what_a_quarter_hides(self) -> None:
        # Over a day the gain of a meter stands out from its steps.
        simulated = simulate(demo_plant(), day_count=1, shown_as={"chiller": 1.3})
        described = simulated.span.described
        row = described.arrays.flow_code.index("chiller-power")
        assert abs(simulated.days[0].z[row, 0]) >= np.nanmedian(np.abs(simulated.base.z[row]))


class TestTheLastMinute:
    def test_is_closed_and_traced_as_intervals_are(self, ordinary: Simulated) -> None:
        span = ordinary.span
        network = span.described.balanced.network
        # Noon of the day as if it were the last minute: a rate is what an hour would bring.
        closed = Closed(
            **{
                name: getattr(ordinary.base, name)[..., 48:49]
                for name in (
                    *("measured_kwh", "sigma_kwh", "value_kwh", "value_sigma_kwh", "z"),
                    *("row_class", "alike", "objective", "objective_left"),
                    *("critical_objective", "critical_z", "degrees_of_freedom"),
                )
            },
            suspects=ordinary.base.suspects[48:49],
            infeasible=((),),
        )
        told = live_balance.balance_columns(span.described, closed)
        assert told is not None
        assert told["flow"]["code"] == list(span.described.arrays.flow_code)
        assert told["test"]["rejects"] is False
        assert set(told["flow"]["class"]) <= {"redundant", "measured_only", "observable"}
        graph = make_graph(network)
        nothing = Stored(np.zeros(1), np.zeros((graph.layer_count, 1)))
        carbon = live_balance.carbon_columns(span, closed, nothing, at_us=span.start_us)
        assert carbon is not None
        clean = dict(
            zip(carbon["node"]["code"], carbon["node"]["location_kgco2e_per_kwh"], strict=True)
        )
        assert 0.3 < clean["main-board"] < 0.6


def test_a_gap_that_was_bridged_is_less_sure_in_its_intervals_than_in_its_day() -> None:
    gap = Fault(
        kind="lost", target="boiler-gas", start_us=START_US + 40 * STEP_US, duration_us=DAY_US // 6
    )
    simulated = simulate(demo_plant(), day_count=1, faults=[gap])
    row = simulated.span.described.arrays.flow_code.index("boiler-gas")
    assert simulated.base.sigma_kwh[row, 45] > 0.5 * simulated.base.measured_kwh[row, 45]
    assert simulated.days[0].sigma_kwh[row, 0] < 0.01 * simulated.days[0].measured_kwh[row, 0]
    assert simulated.days[0].row_class[row, 0] == FlowClass.REDUNDANT
    assert not any(simulated.base.suspects)


class TestAWeekOfEveryFault:
    def test_names_the_wrong_meter_each_day_and_stays_near_the_truth(self) -> None:
        # Without exchanges, which part a week into several descriptions.
        faults = [fault for fault in FAULTS if fault.kind != "exchange"]
        simulated = simulate(demo_plant(), day_count=7, shown_as={"utility": 1.06}, faults=faults)
        described = simulated.span.described
        network = described.balanced.network
        wrong = described.arrays.flow_code.index("utility-power")
        far: list[tuple[int, str, float]] = []
        count = 0
        for day, closed in enumerate(simulated.days):
            suspects = {row for suspect in closed.suspects[0] for row in suspect.rows}
            assert wrong in suspects, day
            error = np.abs(closed.value_kwh[: network.flow_count, 0] - simulated.true_day(day))
            for row in range(network.flow_count):
                sigma = float(closed.value_sigma_kwh[row, 0])
                if row in suspects or not sigma > 1e-3:
                    continue
                count += 1
                if error[row] > 3.0 * sigma:
                    far.append((day, network.code[row], float(error[row] / sigma)))
        assert count > 7 * 35
        assert len(far) <= 0.02 * count, far
