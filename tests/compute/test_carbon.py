"""Carbon that is followed to where it ends: what enters is what ends, whatever the plant."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.carbon import CarbonFlow, CarbonGraph, make_graph, trace_carbon
from compute.flow import Stored
from compute.grid import Float2D
from compute.network import NodeFacts, make_network
from compute.topology import NodeKind, Topology
from tests.compute.plants import Flow, Node, plant
from tests.compute.test_network import ENDS, FACTS, TRUTH, topology

FACTORS = np.array([[0.6, 0.05], [0.5, 0.0]])  # grid and sun, location- and market-based


def nothing(graph: CarbonGraph) -> Stored:
    count = graph.storage_node.size
    return Stored(np.zeros(count), np.zeros((graph.layer_count, count)))


def traced(graph: CarbonGraph, value: Float2D, stored: Stored | None = None) -> CarbonFlow:
    factors = np.full((2, graph.source_flow.size, value.shape[1]), 0.3)
    factors[:, :2] = FACTORS[:, : graph.source_flow.size, np.newaxis]
    return trace_carbon(graph, value, factor_tco2e_per_kwh=factors, stored=stored or nothing(graph))


def left_over(graph: CarbonGraph, value: Float2D, found: CarbonFlow, before: Stored) -> Float2D:
    """Return what entered less what ended and is held more, by layer."""
    entered = np.zeros(graph.layer_count)
    amounts = np.maximum(np.nan_to_num(value[graph.source_flow]), 0.0).sum(axis=1)
    step = graph.source_flow.size + 1
    entered[: step - 1] = amounts
    factors = np.full((2, step - 1), 0.3)
    factors[:, :2] = FACTORS[:, : step - 1]
    for measure in (1, 2):
        entered[measure * step : measure * step + step - 1] = amounts * factors[measure - 1]
    more = (found.stored.emission_tco2e - before.emission_tco2e).sum(axis=1)
    left: Float2D = entered - found.ended.sum(axis=(1, 2)) - more
    return left


def values(rows: dict[str, float], count: int = 1) -> Float2D:
    network = make_network(topology(), FACTS)
    column = np.zeros(len(network.code))
    column[: len(ENDS)] = TRUTH
    for code, value in rows.items():
        column[network.code.index(code)] = value
    return np.repeat(column[:, np.newaxis], count, axis=1)


class TestTraceCarbon:
    def test_gives_each_use_its_share_of_each_source(self) -> None:
        network = make_network(topology(), FACTS)
        graph = make_graph(network)
        found = traced(graph, values({"store": 0.0}))
        board = network.topology.node_code.index("board")
        mixed = (900.0 * 0.6 + 200.0 * 0.05) / 1100.0
        step = graph.source_flow.size + 1
        assert found.mix[step : 2 * step, board, 0].sum() == pytest.approx(mixed)
        dryer = network.topology.node_code.index("dryer")
        # The boiler's loss burdens what it gives.
        assert found.ended[:step, dryer, 0].sum() == pytest.approx(400.0)
        assert found.mix[step : 2 * step, dryer, 0].sum() == pytest.approx(mixed * 400.0 / 360.0)

    def test_lets_a_storage_keep_what_it_was_charged_with(self) -> None:
        network = make_network(topology(), FACTS)
        graph = make_graph(network)
        charged = values({})
        stock = int(graph.stock_row[0])
        charged[stock] = 90.0
        given = values({"grid-board": 715.0, "board-store": 0.0, "store-board": 85.0})
        given[1] = 200.0
        given[stock] = -85.0
        first = traced(graph, charged)
        mixed = (900.0 * 0.6 + 200.0 * 0.05) / 1100.0
        step = graph.source_flow.size + 1
        kept = first.stored.emission_tco2e[step : 2 * step, 0].sum()
        # 100 kWh went in, 90 are held: with the emission of all 100.
        assert first.stored.energy_kwh[0] == pytest.approx(90.0)
        assert kept == pytest.approx(100.0 * mixed)
        second = traced(graph, given, first.stored)
        store = network.topology.node_code.index("store")
        leaving = second.mix[step : 2 * step, store, 0].sum()
        assert leaving == pytest.approx(100.0 * mixed / 90.0)
        assert second.stored.energy_kwh[0] == pytest.approx(5.0)

    @given(
        st.lists(
            st.lists(
                st.one_of(st.floats(0.0, 500.0), st.just(0.0), st.just(np.nan)),
                min_size=len(ENDS),
                max_size=len(ENDS),
            ),
            min_size=1,
            max_size=4,
        ),
        st.lists(st.floats(-200.0, 200.0), min_size=4, max_size=4),
    )
    def test_conserves_every_source_and_is_the_same_in_parts(
        self, flows: list[list[float]], stock: list[float]
    ) -> None:
        network = make_network(topology(), FACTS)
        graph = make_graph(network)
        value = np.zeros((len(network.code), len(flows)))
        value[: len(ENDS)] = np.array(flows).T
        value[int(graph.stock_row[0])] = stock[: len(flows)]
        found = traced(graph, value)
        scale = 1e-9 * max(1.0, float(np.nan_to_num(value).sum()))
        left = left_over(graph, value, found, nothing(graph))
        np.testing.assert_allclose(left, 0.0, atol=scale)
        stored = nothing(graph)
        for j in range(len(flows)):
            part = traced(graph, value[:, j : j + 1], stored)
            stored = part.stored
            np.testing.assert_array_equal(part.mix[:, :, 0], found.mix[:, :, j])
        np.testing.assert_array_equal(stored.emission_tco2e, found.stored.emission_tco2e)

    def test_conserves_what_goes_round_in_a_loop_and_back_to_its_source(self) -> None:
        nodes = [
            Node("grid", NodeKind.SOURCE),
            Node("a", NodeKind.BUS),
            Node("b", NodeKind.BUS),
            Node("c", NodeKind.USE),
            Node("sold", NodeKind.DELIVERY),
        ]
        ends = [("grid", "a"), ("a", "b"), ("b", "a"), ("b", "c"), ("b", "sold")]
        looped: Topology = plant(
            nodes, [Flow(a, b, points=((0, 1.0),)) for a, b in ends], point_count=1
        )
        graph = make_graph(make_network(looped, NodeFacts()))
        value = np.array([[100.0, -20.0], [130.0, 0.0], [30.0, 25.0], [60.0, 5.0], [40.0, -30.0]])
        found = traced(graph, value)
        np.testing.assert_allclose(
            left_over(graph, value, found, nothing(graph))[0], 0.0, atol=1e-9
        )
        assert found.ended[0, 3, 0] == pytest.approx(60.0)
        assert found.ended[0, 4, 0] == pytest.approx(40.0)

    def test_says_which_nodes_an_unknown_flow_would_change(self) -> None:
        network = make_network(topology(), FACTS)
        value = values({"board-hall": np.nan})
        found = traced(make_graph(network), value)
        codes = network.topology.node_code
        uncertain = {
            code for code, is_one in zip(codes, found.is_uncertain[:, 0], strict=True) if is_one
        }
        assert {"board", "hall", "press", "mill", "boiler", "dryer"} <= uncertain
        assert np.isfinite(found.mix).all()
