"""A plant's balances closed: what is expected of nodes, and what follows for its flows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.block import Members
from compute.closing import close_balances
from compute.grid import Float2D
from compute.network import (
    Efficiency,
    LossModel,
    Network,
    NodeFacts,
    RowKind,
    expect_losses,
    expect_shortfalls,
    loss_parts_kw,
    make_network,
    measure,
    put_stock,
)
from compute.projection import FlowClass
from compute.readings import Readings
from compute.stock import levels_at
from compute.topology import NodeKind, Topology
from compute.uncertainty import Meters, flow_sigma
from tests.compute.plants import Flow, Node, plant
from tests.twins import network as twin

# Two feeders into a board that serves a sub-board, a store and a boiler of two outputs.
NODES = (
    Node("grid", NodeKind.SOURCE),
    Node("sun", NodeKind.SOURCE),
    Node("works", NodeKind.USE),
    Node("board", NodeKind.BUS, "works"),
    Node("hall", NodeKind.BUS, "works"),
    Node("store", NodeKind.STORAGE, "works"),
    Node("boiler", NodeKind.CONVERSION, "works"),
    Node("press", NodeKind.USE, "works"),
    Node("mill", NodeKind.USE, "works"),
    Node("dryer", NodeKind.USE, "works"),
)
ENDS = (
    ("grid", "board"),
    ("sun", "board"),
    ("board", "store"),
    ("store", "board"),
    ("board", "hall"),
    ("board", "boiler"),
    ("hall", "press"),
    ("hall", "mill"),
    ("boiler", "dryer"),
)
TRUTH = np.array([900.0, 200.0, 100.0, 0.0, 600.0, 400.0, 350.0, 238.0, 360.0])
FACTS = NodeFacts(
    loss={4: LossModel(share=0.02)},
    efficiency={5: Efficiency(0.9, 0.02), 6: Efficiency(0.9, 0.02)},
    stock_resolution_kwh={5: 0.1},
)


def topology() -> Topology:
    flows = [Flow(a, b, points=((i, 1.0),)) for i, (a, b) in enumerate(ENDS)]
    return plant(NODES, flows, point_count=len(ENDS))


def meters(count: int = len(ENDS), *, limit: float = 0.005, step: float = 0.01) -> Meters:
    return Meters(np.full(count, limit), np.full(count, step), np.arange(count, dtype=np.int32))


def measured(network: Network, shown: Float2D) -> tuple[Float2D, Float2D]:
    """Return the rows of a network whose meters show something, NaN where they are silent."""
    values, sigma = measure(
        network,
        point_amount=shown,
        energy_kwh=shown,
        is_whole=np.isfinite(shown),
        is_bridged=np.zeros(shown.shape, dtype=np.bool_),
        energy_kwh_per_unit=np.ones(len(ENDS)),
        meters=meters(),
    )
    stock = {node: np.full(shown.shape[1], 90.0) for node in network.facts.stock_resolution_kwh}
    put_stock(network, values, sigma, stock)
    expect_losses(network, values, sigma, hours=0.25)
    expect_shortfalls(network, values, sigma)
    return values, sigma


@st.composite
def weighted(draw: st.DrawFn) -> tuple[list[tuple[int, float]], list[tuple[float, float, float]]]:
    count = draw(st.integers(1, 4))
    share = st.sampled_from([1.0, -1.0, 0.5])
    parts = draw(st.lists(st.tuples(st.integers(0, count - 1), share), max_size=5))
    number = st.floats(-1e6, 1e6)
    rows = [
        (draw(number), draw(st.sampled_from([0.0, 0.002, 0.02])), draw(st.sampled_from([0.1, 4.0])))
        for _ in range(count)
    ]
    return parts, rows


class TestFlowSigma:
    @given(weighted(), st.lists(st.integers(0, 2), min_size=4, max_size=4), st.integers(0, 15))
    def test_adds_gains_of_one_meter_and_squares_those_of_several(
        self,
        case: tuple[list[tuple[int, float]], list[tuple[float, float, float]]],
        owners: list[int],
        bits: int,
    ) -> None:
        parts, rows = case
        amount, limit, step = ([row[i] for row in rows] for i in range(3))
        bridged = [bool(bits >> i & 1) for i in range(len(rows))]
        found = flow_sigma(
            np.array(amount)[:, np.newaxis],
            parts=Members.listed([parts]),
            meters=Meters(
                np.array(limit), np.array(step), np.array(owners[: len(rows)], dtype=np.int32)
            ),
            is_bridged=np.array(bridged)[:, np.newaxis],
        )
        expected = twin.flow_sigma(parts, amount, limit, step, owners, bridged)
        assert found[0, 0] == pytest.approx(expected, rel=1e-12, abs=1e-12)


class TestLevelsAt:
    @given(
        st.lists(st.tuples(st.integers(0, 50), st.floats(0, 100)), unique_by=lambda r: r[0]),
        st.integers(1, 30),
    )
    def test_stand_between_readings_that_are_near_enough(
        self, rows: list[tuple[int, float]], hold: int
    ) -> None:
        rows.sort()
        readings = Readings(
            point_offset=np.array([0, len(rows)], dtype=np.int64),
            ts_us=np.array([at for at, _ in rows], dtype=np.int64),
            value=np.array([value for _, value in rows], dtype=np.float64),
            quality=np.zeros(len(rows), dtype=np.int32),
        )
        edges = np.arange(0, 60, 5, dtype=np.int64)
        found = levels_at(readings, 0, edges_us=edges, hold_us=hold)
        expected = [twin.level_at(rows, at, hold) for at in edges.tolist()]
        assert found.tolist() == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)


class TestLosses:
    def test_of_a_transformer_are_those_of_gb_t_13462(self) -> None:
        # 800 kVA at 60 % load and cos phi 0.95: P0 + beta^2 Pk = 1.2 + 0.36 x 8.6 kW.
        model = LossModel(transformer_kw=1.2, transformer_per_kw=8.6 / (800 * 0.95) ** 2)
        parts = loss_parts_kw(model, np.array([0.6 * 800 * 0.95]))
        assert parts["transformer"][0] == pytest.approx(1.2 + 0.36 * 8.6)

    def test_of_a_line_are_3_i_squared_r(self) -> None:
        current_a = 250.0
        power_kw = math.sqrt(3.0) * 0.4 * current_a * 0.9
        model = LossModel(line_per_kw=0.02 / (0.4 * 0.9) ** 2 / 1000.0)
        parts = loss_parts_kw(model, np.array([power_kw]))
        assert parts["line"][0] == pytest.approx(3.0 * current_a**2 * 0.02 / 1000.0)


class TestClosing:
    def test_closes_every_balance_and_leaves_true_values_alone(self) -> None:
        network = make_network(topology(), FACTS)
        closed = close_balances(network, *measured(network, TRUTH[:, np.newaxis]))
        for row in network.balances.rows():
            total = sum(c * closed.value_kwh[i, 0] for i, c in row.items())
            assert total == pytest.approx(0.0, abs=1e-9)
        assert closed.value_kwh[: len(ENDS), 0].tolist() == pytest.approx(TRUTH.tolist(), rel=1e-3)
        assert closed.objective[0] < closed.critical_objective[0]
        assert closed.suspects == ((),)

    def test_says_what_a_meter_cannot(self) -> None:
        network = make_network(topology(), NodeFacts())
        shown = TRUTH[:, np.newaxis].copy()
        shown[[7, 8]] = np.nan
        closed = close_balances(network, *measured(network, shown))
        classes = dict(zip(network.code, closed.row_class[:, 0].tolist(), strict=False))
        assert classes["hall-mill"] == FlowClass.OBSERVABLE
        assert closed.value_kwh[7, 0] == pytest.approx(250.0)
        # Neither what the boiler gives nor what it loses is known: there is no number for it.
        assert classes["boiler-dryer"] == FlowClass.UNOBSERVABLE
        assert math.isnan(closed.value_kwh[8, 0])

    @pytest.mark.parametrize("flow", range(len(ENDS)))
    def test_names_the_meter_that_is_wrong(self, flow: int) -> None:
        network = make_network(topology(), FACTS)
        shown = TRUTH[:, np.newaxis].copy()
        shown[flow] = 1.25 * shown[flow] + 60.0
        closed = close_balances(network, *measured(network, shown))
        named = closed.suspects[0][0]
        assert flow in named.rows
        assert closed.objective[0] > closed.critical_objective[0]
        wrong = shown[flow, 0] - TRUTH[flow]
        assert abs(named.bias_kwh - wrong) < 4.0 * named.bias_sigma_kwh

    @given(st.lists(st.integers(0, 2 ** len(ENDS) - 1), min_size=1, max_size=5))
    def test_is_that_of_each_interval_alone(self, masks: list[int]) -> None:
        network = make_network(topology(), FACTS)
        shown = np.repeat(TRUTH[:, np.newaxis], len(masks), axis=1) * 1.001
        for j, mask in enumerate(masks):
            shown[[i for i in range(len(ENDS)) if mask >> i & 1], j] = np.nan
        values, sigma = measured(network, shown)
        together = close_balances(network, values, sigma)
        for j in range(len(masks)):
            alone = close_balances(network, values[:, j : j + 1], sigma[:, j : j + 1])
            for name in ("value_kwh", "value_sigma_kwh", "z", "row_class", "alike"):
                np.testing.assert_array_equal(
                    getattr(together, name)[:, j], getattr(alone, name)[:, 0]
                )

    def test_covers_the_truth_as_often_as_it_says(self) -> None:
        network = make_network(topology(), FACTS)
        draw = np.random.default_rng(7)
        count = 400
        gain = 1.0 + draw.uniform(-0.005, 0.005, (len(ENDS), count))
        values, sigma = measured(network, TRUTH[:, np.newaxis] * gain)
        closed = close_balances(network, values, sigma)
        error = closed.value_kwh[: len(ENDS)] - TRUTH[:, np.newaxis]
        spread = closed.value_sigma_kwh[: len(ENDS)]
        beyond = np.abs(error[spread > 0.1]) > 2.0 * spread[spread > 0.1]
        assert beyond.mean() < 0.05
        rejects = closed.objective > closed.critical_objective
        assert rejects.mean() < 0.06


def test_rows_of_nodes_follow_the_flows() -> None:
    network = make_network(topology(), FACTS)
    added = [
        (network.code[row], RowKind(int(network.kind[row])))
        for row in range(network.flow_count, len(network.code))
    ]
    assert added == [
        ("hall", RowKind.LOSS),
        ("store", RowKind.SHORTFALL),
        ("store", RowKind.STOCK),
        ("boiler", RowKind.SHORTFALL),
    ]
