"""Balances: unmetered flows and residuals."""

import math

import numpy as np
import pytest

from compute.balance import balanced_nodes, derive_unmetered
from compute.block import Marks
from compute.quality import Quality
from compute.settle import series_keys, settle
from compute.topology import NodeKind, Topology
from tests.compute.plants import NAN, STEP_US, Factor, Flow, Node, amounts, factors, metered, plant

ELECTRICITY = {"electricity": Factor(purchased=0.0005)}


def station(*, unmetered: int) -> Topology:
    """Return grid → bus → three lines, of which the last ones are not metered."""
    nodes = [
        Node("grid", NodeKind.SOURCE),
        Node("site", NodeKind.BUS),
        Node("bus", NodeKind.BUS, "site"),
        *(Node(f"line{i}", NodeKind.USE, "site") for i in range(3)),
    ]
    flows = [Flow("grid", "bus", points=((0, 1.0),))]
    for i in range(3):
        points = ((i + 1, 1.0),) if i < 3 - unmetered else ()
        flows.append(Flow("bus", f"line{i}", points=points))
    return plant(nodes, flows, point_count=4)


def derive(topology: Topology, rows: list[list[float]]) -> tuple[list[list[float]], Marks]:
    given = amounts(rows)
    marks = Marks.copied(given.covered_us, given.reading_count, given.quality, given.input_hash)
    amount, marks = derive_unmetered(
        given.amount,
        marks,
        topology=topology,
        energy_kwh_per_unit=np.ones(len(topology.flow_code)),
    )
    return amount.tolist(), marks


class TestDeriveUnmetered:
    def test_finds_the_only_unknown_of_a_bus(self) -> None:
        found, marks = derive(station(unmetered=1), [[100.0], [30.0], [50.0], [NAN]])
        assert found[3] == [20.0]
        assert marks.quality[3, 0] == Quality.DERIVED
        assert marks.covered_us[3, 0] == STEP_US

    def test_finds_nothing_where_two_are_unknown(self) -> None:
        found, marks = derive(station(unmetered=2), [[100.0], [30.0], [NAN], [NAN]])
        assert math.isnan(found[2][0])
        assert math.isnan(found[3][0])
        assert marks.quality[3, 0] == Quality.MISSING

    def test_finds_nothing_where_a_meter_is_silent(self) -> None:
        found, _ = derive(station(unmetered=1), [[100.0], [NAN], [50.0], [NAN]])
        assert math.isnan(found[3][0])

    def test_leaves_a_silent_meter_alone(self) -> None:
        found, _ = derive(station(unmetered=0), [[100.0], [30.0], [50.0], [NAN]])
        assert math.isnan(found[3][0])

    def test_goes_from_bus_to_bus(self) -> None:
        nodes = [Node("grid", NodeKind.SOURCE), *(Node(f"b{i}", NodeKind.BUS) for i in range(3))]
        nodes += [Node(f"use{i}", NodeKind.USE) for i in range(3)]
        flows = [
            Flow("b1", "b2"),
            Flow("b0", "b1"),
            Flow("grid", "b0"),
            *(Flow(f"b{i}", f"use{i}", points=((i, 1.0),)) for i in range(3)),
        ]
        topology = plant(nodes, flows, point_count=3)
        found, marks = derive(topology, [[NAN], [NAN], [NAN], [1.0], [2.0], [4.0]])
        assert [row[0] for row in found] == [4.0, 6.0, 7.0, 1.0, 2.0, 4.0]
        assert marks.quality[:, 0].tolist() == [Quality.DERIVED] * 3 + [0] * 3

    def test_does_not_balance_what_has_losses(self) -> None:
        nodes = [Node("gas", NodeKind.SOURCE), Node("boiler", NodeKind.CONVERSION)]
        nodes.append(Node("header", NodeKind.USE))
        flows = [Flow("gas", "boiler", points=((0, 1.0),)), Flow("boiler", "header")]
        found, _ = derive(plant(nodes, flows, point_count=1), [[100.0], [NAN]])
        assert math.isnan(found[1][0])

    def test_balances_in_energy(self) -> None:
        nodes = [Node("gas", NodeKind.SOURCE), Node("bus", NodeKind.BUS), Node("use", NodeKind.USE)]
        flows = [Flow("gas", "bus", "gas", ((0, 1.0),)), Flow("bus", "use", "steam")]
        topology = plant(nodes, flows, point_count=1)
        chosen = factors(topology, {"gas": Factor(energy_kwh=10.0), "steam": Factor(2.5)})
        block = settle(topology, amounts([[3.0]]), chosen, step_us=STEP_US)
        row = [key.code for key in series_keys(topology)].index("bus-use")
        assert block.amount[row, 0] == 12.0
        assert block.energy_kwh[row, 0] == 30.0

    def test_does_not_change_what_it_was_given(self) -> None:
        topology = station(unmetered=1)
        given = amounts([[100.0], [30.0], [50.0], [NAN]])
        marks = Marks.copied(given.covered_us, given.reading_count, given.quality, given.input_hash)
        derive_unmetered(given.amount, marks, topology=topology, energy_kwh_per_unit=np.ones(4))
        assert math.isnan(given.amount[3, 0])
        assert marks.quality[3, 0] == Quality.MISSING


class TestNodeResiduals:
    def test_are_of_nodes_that_pass_energy_on(self) -> None:
        topology = station(unmetered=0)
        assert [topology.node_code[node] for node in balanced_nodes(topology)] == ["bus"]

    def test_are_what_enters_less_what_leaves(self) -> None:
        topology = station(unmetered=0)
        block = settle(
            topology,
            amounts([[100.0], [30.0], [50.0], [10.0]]),
            factors(topology, ELECTRICITY),
            step_us=STEP_US,
        )
        row = [(key.kind, key.code) for key in series_keys(topology)].index(("residual", "bus"))
        assert block.energy_kwh[row, 0] == 10.0
        assert block.emission_purchased_tco2e[row, 0] == pytest.approx(0.005, rel=1e-12)
        assert math.isnan(block.amount[row, 0])

    def test_are_not_known_when_a_flow_is_not(self) -> None:
        topology = metered(
            [Node("grid", NodeKind.SOURCE), Node("bus", NodeKind.BUS), Node("use", NodeKind.USE)],
            [Flow("grid", "bus"), Flow("bus", "use")],
        )
        block = settle(
            topology,
            amounts([[100.0, 5.0], [NAN, 5.0]]),
            factors(topology, ELECTRICITY),
            step_us=STEP_US,
        )
        row = [(key.kind, key.code) for key in series_keys(topology)].index(("residual", "bus"))
        assert math.isnan(block.energy_kwh[row, 0])
        assert block.quality[row, 0] & Quality.MISSING
        assert block.energy_kwh[row, 1] == 0.0
