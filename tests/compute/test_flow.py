"""Flow tracing: against exact fractions, as a balance, and on the small park with a loop."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compute.block import Float3D
from compute.flow import tainted_nodes, trace_intensity
from compute.topology import NodeKind
from tests.twins import flow as twin
from tests.twins.flow import Move

KINDS = st.sampled_from(
    [NodeKind.SOURCE, NodeKind.CONVERSION, NodeKind.BUS, NodeKind.STORAGE, NodeKind.USE]
)
ENERGIES = st.sampled_from([0.0, 1.0, 2.5, 10.0, 1000.0, -3.0, -40.0]) | st.integers(1, 1000).map(
    float
)


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[NodeKind], list[Move]]:
    kinds = draw(st.lists(KINDS, min_size=2, max_size=6))
    kinds[-1] = NodeKind.DELIVERY
    node = st.integers(0, len(kinds) - 1)
    moves = draw(
        st.lists(
            st.builds(Move, node, node, ENERGIES, st.sampled_from([0.0, 1.0, 57.0])), max_size=14
        )
    )
    # The emission of a flow has the sign of the flow.
    return kinds, [
        Move(m.origin, m.target, m.energy_kwh, math.copysign(m.emission_tco2e, m.energy_kwh))
        for m in moves
    ]


def traced(kinds: list[NodeKind], moves: list[Move]) -> Float3D:
    return trace_intensity(
        np.array([[move.energy_kwh] for move in moves]).reshape(len(moves), 1),
        emission_tco2e=np.array([[[move.emission_tco2e] for move in moves]]).reshape(
            1, len(moves), 1
        ),
        flow_from_index=np.array([move.origin for move in moves], dtype=np.int32),
        flow_to_index=np.array([move.target for move in moves], dtype=np.int32),
        node_kind=np.array(kinds, dtype=np.int32),
    )


class TestTraceIntensity:
    @given(networks())
    def test_equals_the_exact_twin(self, network: tuple[list[NodeKind], list[Move]]) -> None:
        kinds, moves = network
        expected = twin.intensities(kinds, moves)
        found = traced(kinds, moves)[0, :, 0]
        # A closed loop takes down all of the twin; the kernel keeps what is beside it.
        assume(None not in expected)
        for value, exact in zip(found.tolist(), expected, strict=True):
            assert value == pytest.approx(float(exact or 0), rel=1e-9, abs=1e-12)

    @given(networks())
    def test_closes_the_balance_of_emissions(
        self, network: tuple[list[NodeKind], list[Move]]
    ) -> None:
        kinds, moves = network
        intensity = traced(kinds, moves)[0, :, 0]
        assume(not np.isnan(intensity).any())
        moves = [twin.forwards(move) for move in moves if move.origin != move.target]
        entered = kept = 0.0
        for node, kind in enumerate(kinds):
            if kind in twin.OUTSIDE:
                continue
            received = sum(
                m.emission_tco2e
                if kinds[m.origin] in twin.OUTSIDE
                else m.energy_kwh * intensity[m.origin]
                for m in moves
                if m.target == node
            )
            given_on = sum(m.energy_kwh * intensity[node] for m in moves if m.origin == node)
            kept += received - given_on
            kept += sum(
                m.energy_kwh * intensity[node]
                for m in moves
                if m.origin == node and kinds[m.target] in twin.OUTSIDE
            )
            entered += sum(
                m.emission_tco2e
                for m in moves
                if m.target == node and kinds[m.origin] in twin.OUTSIDE
            )
        assert kept == pytest.approx(entered, rel=1e-12, abs=1e-9)

    @given(networks())
    def test_is_never_negative(self, network: tuple[list[NodeKind], list[Move]]) -> None:
        assert not (traced(*network) < -1e-12).any()

    def test_of_one_interval_does_not_depend_on_the_others(self) -> None:
        kinds = [NodeKind.SOURCE, NodeKind.BUS, NodeKind.USE]
        moves = [Move(0, 1, 10.0, 5.0), Move(1, 2, 10.0)]
        alone = traced(kinds, moves)[0, :, 0]
        many = trace_intensity(
            np.array([[99.0, 10.0, math.nan], [1.0, 10.0, 5.0]]),
            emission_tco2e=np.array([[[7.0, 5.0, 1.0], [0.0, 0.0, 0.0]]]),
            flow_from_index=np.array([0, 1], dtype=np.int32),
            flow_to_index=np.array([1, 2], dtype=np.int32),
            node_kind=np.array(kinds, dtype=np.int32),
        )
        assert many[0, :, 1].tobytes() == alone.tobytes()

    def test_burdens_the_outputs_of_a_conversion_with_its_losses(self) -> None:
        kinds = [NodeKind.SOURCE, NodeKind.CONVERSION, NodeKind.USE]
        found = traced(kinds, [Move(0, 1, 100.0, 20.0), Move(1, 2, 40.0)])
        assert found[0, 1, 0] == 0.5

    def test_leaves_the_losses_of_a_bus_their_part(self) -> None:
        kinds = [NodeKind.SOURCE, NodeKind.BUS, NodeKind.USE]
        found = traced(kinds, [Move(0, 1, 100.0, 20.0), Move(1, 2, 90.0)])
        assert found[0, 1, 0] == 0.2

    def test_turns_a_negative_flow_around(self) -> None:
        kinds = [NodeKind.SOURCE, NodeKind.SOURCE, NodeKind.BUS, NodeKind.BUS]
        moves = [Move(0, 2, 10.0, 8.0), Move(3, 2, -4.0), Move(1, 3, -4.0, -99.0)]
        found = traced(kinds, moves)[0, :, 0]
        assert found.tolist() == [0.0, 0.0, 0.8, 0.8]

    def test_is_zero_where_nothing_flows(self) -> None:
        kinds = [NodeKind.SOURCE, NodeKind.BUS, NodeKind.BUS]
        assert not traced(kinds, [Move(0, 1, 0.0), Move(1, 2, 0.0)]).any()

    def test_of_a_loop_without_a_source_is_zero(self) -> None:
        kinds = [NodeKind.BUS, NodeKind.BUS]
        assert not traced(kinds, [Move(0, 1, 5.0), Move(1, 0, 5.0)]).any()

    def test_of_a_loop_that_nothing_leaves_is_not_defined(self) -> None:
        kinds = [NodeKind.SOURCE, NodeKind.CONVERSION, NodeKind.CONVERSION, NodeKind.BUS]
        moves = [Move(0, 1, 5.0, 1.0), Move(1, 2, 9.0), Move(2, 1, 9.0), Move(0, 3, 2.0, 1.0)]
        found = traced(kinds, moves)[0, :, 0]
        assert np.isnan(found).tolist() == [False, True, True, False]
        assert found[3] == 0.5

    def test_is_unknown_downstream_of_an_unknown_emission_and_nowhere_else(self) -> None:
        kinds = [NodeKind.SOURCE, NodeKind.BUS, NodeKind.BUS, NodeKind.BUS]
        moves = [Move(0, 1, 5.0, math.nan), Move(0, 2, 5.0, 1.0), Move(1, 3, 5.0), Move(2, 3, 1.0)]
        found = traced(kinds, moves)[0, :, 0]
        assert np.isnan(found).tolist() == [False, True, False, True]

    def test_solves_the_small_park_with_a_loop(self, shared_folder: Path) -> None:
        path = shared_folder / "cases" / "flow_small_park_loop.json"
        case = json.loads(path.read_text(encoding="utf-8"))
        inputs, expected = case["inputs"], case["expected"]
        names = inputs["nodes"]
        kinds = [NodeKind.BUS] * len(names) + [NodeKind.SOURCE, NodeKind.DELIVERY]
        source, use = len(names), len(names) + 1
        moves = []
        for i, name in enumerate(names):
            generated = inputs["generation_mwh"][name]
            intensity = inputs["generation_intensity_t_per_mwh"][name]
            moves.append(Move(source, i, generated, generated * intensity))
            moves.append(Move(i, use, inputs["local_use_mwh"][name]))
        moves += [
            Move(names.index(t["from"]), names.index(t["to"]), t["mwh"])
            for t in inputs["transfers_mwh"]
        ]
        found = traced(kinds, moves)[0, :, 0]
        used = 0.0
        for i, name in enumerate(names):
            assert found[i] == pytest.approx(
                expected["node_intensity_t_per_mwh"][name],
                abs=case["tolerance"]["intensity_abs"],
            )
            used += found[i] * inputs["local_use_mwh"][name]
        assert used == pytest.approx(expected["total_t"], rel=case["tolerance"]["total_rel"])

    def test_solves_a_loop_of_our_own(self) -> None:
        # 100 kWh at 0.5 enter A, 20 of 120 come back from B: both mixes are 0.5.
        kinds = [NodeKind.SOURCE, NodeKind.BUS, NodeKind.BUS, NodeKind.USE]
        moves = [
            Move(0, 1, 100.0, 50.0),
            Move(0, 2, 60.0, 0.0),
            Move(1, 2, 120.0),
            Move(2, 1, 20.0),
            Move(2, 3, 160.0),
        ]
        # e_a = (50 + 20 e_b) / 120, e_b = 120 e_a / 180.
        a = Fraction(50, 120) / (1 - Fraction(20, 180))
        found = traced(kinds, moves)[0, :, 0]
        assert found[1] == pytest.approx(float(a), rel=1e-15)
        assert found[2] == pytest.approx(float(a * Fraction(2, 3)), rel=1e-15)


class TestTaintedNodes:
    def test_are_those_downstream_of_a_missing_flow(self) -> None:
        kinds = [NodeKind.SOURCE, NodeKind.BUS, NodeKind.BUS, NodeKind.BUS, NodeKind.USE]
        found = tainted_nodes(
            np.array([[False, True], [False, False], [False, False], [False, False]]),
            np.array([[5.0, 0.0], [5.0, 5.0], [0.0, 0.0], [-1.0, -1.0]]),
            flow_from_index=np.array([0, 1, 1, 4], dtype=np.int32),
            flow_to_index=np.array([1, 2, 3, 2], dtype=np.int32),
            node_kind=np.array(kinds, dtype=np.int32),
        )
        assert not found[:, 0].any()
        assert found[:, 1].tolist() == [False, True, True, False, True]
