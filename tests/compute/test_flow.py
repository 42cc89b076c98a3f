"""Flow tracing: against exact fractions, as a balance, and on the small park with a loop."""

import csv
import gzip
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from compute.block import Float3D
from compute.flow import Stored, Traced, attribute_sources, tainted_nodes, trace, trace_intensity
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

    def test_is_the_hourly_factor_of_a_grid_by_its_mix(self, shared_folder: Path) -> None:
        case = json.loads(
            (shared_folder / "cases" / "grid_ci_ciso_2022.json").read_text(encoding="utf-8")
        )
        inputs, expected = case["inputs"], case["expected"]
        with gzip.open(shared_folder.parent / inputs["file"], "rt", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        factors = inputs["factors_g_per_kwh"]
        generation = np.array([[float(row[name] or "nan") for row in rows] for name in factors])
        assert generation.shape[1] == expected["rows"]
        count = len(factors)
        kinds = [NodeKind.SOURCE] * count + [NodeKind.BUS]
        found = trace_intensity(
            generation,
            emission_tco2e=(generation * np.array([*factors.values()])[:, np.newaxis])[np.newaxis],
            flow_from_index=np.arange(count, dtype=np.int32),
            flow_to_index=np.full(count, count, dtype=np.int32),
            node_kind=np.array(kinds, dtype=np.int32),
        )[0, count]
        # Where nothing is generated there is no mix: the intensity of nothing is 0.
        total = generation.sum(axis=0)
        known = total > 0.0
        assert (~known).sum() == expected["rows_without_data"]
        assert not found[~known].any()
        published = np.array([float(row["avg_CI"] or "nan") for row in rows])
        assert found[known] == pytest.approx(published[known], abs=case["tolerance"]["hourly_abs"])
        relative = case["tolerance"]["mean_rel"]
        assert found[known].mean() == pytest.approx(
            expected["arithmetic_mean_g_per_kwh"], rel=relative
        )
        month = np.array([int(row["timestamp"][5:7]) for row in rows])
        spans = {"": known, **{str(m): known & (month == m) for m in range(1, 13)}}
        weighted = {
            name: (found[span] * total[span]).sum() / total[span].sum()
            for name, span in spans.items()
        }
        whole = weighted.pop("")
        assert whole == pytest.approx(expected["generation_weighted_mean_g_per_kwh"], rel=relative)
        assert weighted == pytest.approx(expected["monthly_generation_weighted"], rel=relative)


def columns(moves: list[Move]) -> dict[str, np.ndarray]:
    return {
        "energy_kwh": np.array([[move.energy_kwh] for move in moves]).reshape(-1, 1),
        "flow_from_index": np.array([move.origin for move in moves], dtype=np.int32),
        "flow_to_index": np.array([move.target for move in moves], dtype=np.int32),
    }


CONTENTS = st.lists(st.sampled_from([0.0, 1.0, 30.0, 2000.0]), min_size=6, max_size=6)
# Not in proportion to the energy: a loss that was written off leaves an emission without energy.
BURDENS = st.lists(st.sampled_from([0.0, 0.25, 40.0]), min_size=6, max_size=6)


def traced_with(
    kinds: list[NodeKind], intervals: list[list[Move]], held: list[tuple[float, float]]
) -> Traced:
    """Trace intervals of the same flows, with storages that hold (energy, emission)."""
    ends = columns(intervals[0])
    return trace(
        np.array([[m.energy_kwh for m in moves] for moves in intervals]).T,
        emission_tco2e=np.array([[m.emission_tco2e for m in moves] for moves in intervals]).T[
            np.newaxis
        ],
        flow_from_index=ends["flow_from_index"],
        flow_to_index=ends["flow_to_index"],
        node_kind=np.array(kinds, dtype=np.int32),
        stored=Stored(
            np.array([energy for energy, _ in held]),
            np.array([[emission for _, emission in held]]).reshape(1, -1),
        ),
    )


def holding(
    kinds: list[NodeKind], contents: list[float], burdens: list[float]
) -> dict[int, tuple[float, float]]:
    return {
        node: (contents[node], burdens[node])
        for node, kind in enumerate(kinds)
        if kind == NodeKind.STORAGE
    }


class TestTrace:
    @example(
        ([NodeKind.SOURCE, NodeKind.STORAGE, NodeKind.DELIVERY], [Move(0, 1, 0.0, 1.0)]),
        [0.0] * 6,
        [0.0] * 6,
    )
    @given(networks(), CONTENTS, BURDENS)
    def test_takes_what_a_storage_holds_as_one_more_input(
        self,
        network: tuple[list[NodeKind], list[Move]],
        contents: list[float],
        burdens: list[float],
    ) -> None:
        kinds, moves = network
        held = holding(kinds, contents, burdens)
        outer = len(kinds) - 1
        with_content = moves + [Move(outer, node, *what) for node, what in held.items()]
        expected = twin.intensities(kinds, with_content)
        assume(None not in expected)
        found = traced_with(kinds, [moves], list(held.values()))
        intensity = found.intensity_tco2e_per_kwh[0, :, 0]
        for value, exact in zip(intensity.tolist(), expected, strict=True):
            assert value == pytest.approx(float(exact or 0), rel=1e-9, abs=1e-12)
        for k, node in enumerate(held):
            energy, emission = twin.kept(kinds, with_content, node)
            assert found.stored.energy_kwh[k] == pytest.approx(float(energy), abs=1e-9)
            assert found.stored.emission_tco2e[0, k] == pytest.approx(
                float(emission or 0), rel=1e-9, abs=1e-9
            )

    @given(networks(), CONTENTS, BURDENS, st.data())
    def test_loses_no_emission_over_the_intervals(
        self,
        network: tuple[list[NodeKind], list[Move]],
        contents: list[float],
        burdens: list[float],
        data: st.DataObject,
    ) -> None:
        kinds, moves = network
        intervals = [moves]
        for _ in range(2):
            scales = data.draw(
                st.lists(
                    st.sampled_from([0.0, 1.0, -2.0]), min_size=len(moves), max_size=len(moves)
                )
            )
            # Energy times 0 with its emission: carbon that comes alone. (-0.0 + 0.0 is 0.0.)
            energies = [m.energy_kwh * scale + 0.0 for m, scale in zip(moves, scales, strict=True)]
            intervals.append(
                [
                    Move(m.origin, m.target, energy, math.copysign(m.emission_tco2e, energy))
                    for m, energy in zip(moves, energies, strict=True)
                ]
            )
        held = holding(kinds, contents, burdens)
        found = traced_with(kinds, intervals, list(held.values()))
        assume(not np.isnan(found.received_tco2e).any())
        assert (found.stored.energy_kwh >= 0.0).all()
        assert (found.stored.emission_tco2e >= -1e-9).all()
        intensity = found.intensity_tco2e_per_kwh[0]
        came = sum(emission for _, emission in held.values())
        went = found.stored.emission_tco2e.sum()
        for j, interval in enumerate(intervals):
            ahead = [twin.forwards(move) for move in interval if move.origin != move.target]
            for move in ahead:
                leaves = kinds[move.target] in twin.OUTSIDE
                if kinds[move.origin] not in twin.OUTSIDE:
                    went += leaves * move.energy_kwh * intensity[move.origin, j]
                elif not leaves:
                    came += move.emission_tco2e
            for node, kind in enumerate(kinds):
                if kind in twin.OUTSIDE or kind == NodeKind.STORAGE:
                    continue
                given_kwh = sum(m.energy_kwh for m in ahead if m.origin == node)
                went += found.received_tco2e[0, node, j] - given_kwh * intensity[node, j]
        assert went == pytest.approx(came, rel=1e-9, abs=1e-9)

    @given(networks(), CONTENTS, BURDENS, st.data())
    def test_does_not_depend_on_the_numbers_of_nodes_and_flows(
        self,
        network: tuple[list[NodeKind], list[Move]],
        contents: list[float],
        burdens: list[float],
        data: st.DataObject,
    ) -> None:
        kinds, moves = network
        held = holding(kinds, contents, burdens)
        found = traced_with(kinds, [moves], list(held.values()))
        assume(not np.isnan(found.received_tco2e).any())
        # Node `old[new]` becomes node `new`.
        old = data.draw(st.permutations(range(len(kinds))))
        renumbered = data.draw(
            st.permutations(
                [
                    Move(old.index(m.origin), old.index(m.target), m.energy_kwh, m.emission_tco2e)
                    for m in moves
                ]
            )
        )
        keeper = list(held)
        again_keeper = [node for node in old if node in held]
        again = traced_with(
            [kinds[node] for node in old], [renumbered], [held[node] for node in again_keeper]
        )
        place = [keeper.index(node) for node in again_keeper]
        for value, other in (
            (again.received_tco2e, found.received_tco2e[:, old]),
            (again.stored.energy_kwh, found.stored.energy_kwh[place]),
            (again.stored.emission_tco2e, found.stored.emission_tco2e[:, place]),
        ):
            np.testing.assert_allclose(value, other, rtol=1e-9, atol=1e-9)

    def test_keeps_an_emission_without_energy_until_energy_takes_it_along(self) -> None:
        # 1 t comes alone, waits an interval, and leaves by halves with the 10 kWh that come then.
        kinds = [NodeKind.SOURCE, NodeKind.STORAGE, NodeKind.USE]
        intervals = [
            [Move(0, 1, 0.0, 1.0), Move(1, 2, 0.0)],
            [Move(0, 1, 0.0, 0.0), Move(1, 2, 0.0)],
            [Move(0, 1, 10.0, 0.0), Move(1, 2, 5.0)],
        ]
        found = traced_with(kinds, intervals, [(0.0, 0.0)])
        assert found.received_tco2e[0, 1].tolist() == [1.0, 1.0, 1.0]
        assert found.received_tco2e[0, 2].tolist() == [0.0, 0.0, 0.5]
        assert found.intensity_tco2e_per_kwh[0, 1].tolist() == [0.0, 0.0, 0.1]
        assert found.stored.energy_kwh.tolist() == [5.0]
        assert found.stored.emission_tco2e.tolist() == [[0.5]]

    def test_lets_a_storage_keep_the_mix_of_what_it_holds(self) -> None:
        # Noon: 10 kWh of PV are stored. Night: 6 of them are used, 4 stay, beside the grid's 5.
        kinds = [NodeKind.SOURCE, NodeKind.SOURCE, NodeKind.BUS, NodeKind.STORAGE, NodeKind.USE]
        energy = np.array([[0.0, 5.0], [10.0, 0.0], [10.0, 0.0], [0.0, 6.0], [0.0, 11.0]])
        emission = np.array([[[0.0, 3.0]] + [[0.0, 0.0]] * 4])
        graph = {
            "flow_from_index": np.array([0, 1, 2, 3, 2], dtype=np.int32),
            "flow_to_index": np.array([2, 2, 3, 2, 4], dtype=np.int32),
            "node_kind": np.array(kinds, dtype=np.int32),
        }
        empty = Stored.nothing(1, graph["node_kind"])
        found = trace(energy, emission_tco2e=emission, **graph, stored=empty)
        assert found.intensity_tco2e_per_kwh[0, 3].tolist() == [0.0, 0.0]
        assert found.received_tco2e[0, 4].tolist() == [0.0, 3.0]
        assert found.stored.energy_kwh.tolist() == [4.0]
        noon = trace(energy[:, :1], emission_tco2e=emission[:, :, :1], **graph, stored=empty)
        night = trace(energy[:, 1:], emission_tco2e=emission[:, :, 1:], **graph, stored=noon.stored)
        assert night.received_tco2e.tobytes() == found.received_tco2e[:, :, 1:].tobytes()

    def test_solves_two_loops_and_what_lies_between_and_behind(self) -> None:
        kinds = [NodeKind.SOURCE] + [NodeKind.BUS] * 6
        moves = [
            Move(0, 1, 100.0, 60.0),
            Move(1, 2, 130.0),
            Move(2, 1, 30.0),
            Move(2, 3, 100.0),
            Move(0, 3, 20.0, 0.0),
            Move(3, 4, 120.0),
            Move(4, 5, 150.0),
            Move(5, 4, 30.0),
            Move(5, 6, 120.0),
            Move(1, 5, 0.0),
        ]
        expected = [float(value or 0) for value in twin.intensities(kinds, moves)]
        assert traced(kinds, moves)[0, :, 0] == pytest.approx(expected, rel=1e-12)


class TestAttributeSources:
    @given(networks(), CONTENTS)
    def test_shares_out_every_kilowatt_hour_that_enters(
        self, network: tuple[list[NodeKind], list[Move]], contents: list[float]
    ) -> None:
        kinds, moves = network
        found, entering = attributed(kinds, moves, contents)
        assume(not np.isnan(found.received_tco2e).any())
        assert (found.received_tco2e >= -1e-9).all()
        ends = [twin.forwards(move) for move in moves if move.origin != move.target]
        intensity = found.intensity_tco2e_per_kwh[:, :, 0]
        before = np.array(contents[: len(kinds)]) * (np.array(kinds) == NodeKind.STORAGE)
        for source, entered in enumerate(entering):
            kept = 0.0
            for node, kind in enumerate(kinds):
                if kind in twin.OUTSIDE:
                    continue
                inward = sum(
                    m.energy_kwh
                    for m in ends
                    if m.origin == node and kinds[m.target] not in twin.OUTSIDE
                )
                kept += found.received_tco2e[source, node, 0] - inward * intensity[source, node]
            total = entered + (before.sum() if source == 0 else 0.0)
            assert kept == pytest.approx(total, rel=1e-9, abs=1e-9)

    def test_gives_both_bases_from_one_pass(self) -> None:
        kinds = [NodeKind.SOURCE, NodeKind.SOURCE, NodeKind.BUS, NodeKind.CONVERSION, NodeKind.USE]
        moves = [Move(0, 2, 60.0), Move(1, 2, 40.0), Move(2, 3, 100.0), Move(3, 4, 50.0)]
        found, _ = attributed(kinds, moves, [0.0] * 5)
        mix = found.intensity_tco2e_per_kwh[:2, 3, 0]
        assert mix.tolist() == pytest.approx([1.2, 0.8])
        location, market = np.array([0.5, 0.0]), np.array([0.8, 0.0])
        assert found.received_tco2e[:2, 4, 0] @ location == pytest.approx(30.0)
        assert found.received_tco2e[:2, 4, 0] @ market == pytest.approx(48.0)


def attributed(
    kinds: list[NodeKind], moves: list[Move], contents: list[float]
) -> tuple[Traced, list[float]]:
    """Attribute each outside node's inputs, with storages full of the first source's energy."""
    entering = [0.0] * len(kinds)
    source_index = np.full(len(moves), -1, dtype=np.int32)
    for flow, move in enumerate(moves):
        ahead = twin.forwards(move)
        if kinds[ahead.origin] in twin.OUTSIDE and kinds[ahead.target] not in twin.OUTSIDE:
            source_index[flow] = ahead.origin
            entering[ahead.origin] += ahead.energy_kwh
    held = np.array(
        [
            content
            for kind, content in zip(kinds, contents, strict=False)
            if kind == NodeKind.STORAGE
        ]
    )
    of_sources = np.zeros((len(kinds), held.size))
    of_sources[0] = held
    given_moves = columns(moves)
    found = attribute_sources(
        given_moves.pop("energy_kwh"),
        source_index=source_index,
        source_count=len(kinds),
        **given_moves,
        node_kind=np.array(kinds, dtype=np.int32),
        stored=Stored(held, of_sources),
    )
    return found, entering


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
