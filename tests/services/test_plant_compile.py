import json
import random
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from compute.topology import NodeKind, PointKind, Topology
from compute.units import UnitMismatch
from services.plant import (
    GatewayRow,
    Plant,
    compile_topology,
    gateway_rows,
    point_rows,
    read_plant,
    topology_edges,
)
from tests.services.plant_documents import EXAMPLES, small


def read(document: dict[str, Any]) -> Plant:
    return read_plant(json.dumps(document), form="json")


def bytes_of(record: object) -> list[bytes]:
    """Return every array and tuple of a record, to be compared bit by bit."""
    values = [getattr(record, field.name) for field in fields(record)]  # type: ignore[arg-type]
    return [
        part
        for value in values
        for part in (
            bytes_of(value)
            if is_dataclass(value)
            else [np.asarray(value).tobytes() if len(value) else b""]
        )
    ]


class TestCompileTopology:
    def test_puts_parents_before_children_and_keeps_order_otherwise(self) -> None:
        topology = compile_topology(read(small()))
        assert topology.node_code == ("grid", "plant", "furnace", "board", "rest")
        assert topology.node_parent_index.tolist() == [-1, -1, 1, 1, 1]
        assert topology.node_kind.tolist() == [
            NodeKind.SOURCE, NodeKind.USE, NodeKind.USE, NodeKind.BUS, NodeKind.USE,
        ]  # fmt: skip

    def test_orders_parents_first_however_nodes_are_shuffled(self) -> None:
        document = small()
        name = {"zh": "名", "en": "n"}
        chain = [
            {"code": f"n{i}", "name": name, "kind": "use", **({"parent": f"n{i - 1}"} if i else {})}
            for i in range(300)
        ]
        random.Random(4).shuffle(chain)  # noqa: S311 - an order, not a secret
        document["nodes"] += chain
        topology = compile_topology(read(document))
        rows = np.arange(len(topology.node_code))
        assert (topology.node_parent_index < rows).all()

    def test_names_flows_carriers_and_unmetered(self) -> None:
        topology = compile_topology(read(small()))
        assert topology.carrier_code == ("electricity",)
        assert topology.flow_code == ("grid-in", "furnace-power", "rest-power")
        assert topology.flow_from_index.tolist() == [0, 3, 3]
        assert topology.flow_to_index.tolist() == [3, 2, 4]
        assert topology.flow_offset.tolist() == [0, 1, 2, 2]
        assert topology.flow_point_index.tolist() == [0, 1]
        assert topology.product_point_index.tolist() == [2]
        assert topology.product_node_index.tolist() == [2]
        assert not topology.flow_is_feedstock.any()

    def test_describes_points(self) -> None:
        points = compile_topology(read(small())).points
        assert points.kind.tolist() == [PointKind.REGISTER, PointKind.GAUGE, PointKind.INTERVAL]
        # kWh after CT x PT; kW over hours; kg for a product in t.
        assert points.scale.tolist() == [80.0, 1.0, 0.001]
        assert points.modulus[0] == 1e6
        assert np.isnan(points.modulus[1:]).all()
        assert points.resolution.tolist() == [0.01, 0.0, 0.0]
        # 288 kWh an hour on the primary side are 0.001 of the register a second.
        assert points.step_rate_max.tolist() == [0.001, np.inf, np.inf]
        assert points.hold_us.tolist() == [1_800_000_000, 900_000_000, 900_000_000]
        assert points.period_us.tolist() == [0, 0, 900_000_000]
        assert points.stamped_at_end.tolist() == [False, False, True]

    def test_believes_a_register_without_a_rating_as_far_as_its_digits(self) -> None:
        document = small()
        [point] = document["meters"][0]["points"]
        del point["rate_max_per_hour"]
        # IEC 62052-11: 10^6 in no less than 1,500 h.
        assert compile_topology(read(document)).points.step_rate_max[0] == 1e6 / (1500 * 3600)
        del point["digits"]
        assert compile_topology(read(document)).points.step_rate_max[0] == np.inf

    @pytest.mark.parametrize(
        ("carrier", "kind", "unit", "scale"),
        [
            ("electricity", "register", "kWh", 1.0),
            ("electricity", "register", "万kWh", 1e4),
            ("electricity", "gauge", "MW", 1e3),
            ("natural_gas", "register", "Nm3", 1e-4),
            ("natural_gas", "gauge", "Nm3/h", 1e-4),
            ("bituminous_coal", "gauge", "kg/h", 1e-3),
            ("bituminous_coal", "gauge", "t/h", 1.0),
            ("compressed_air", "gauge", "m3/min", 60.0),
            ("heat", "register", "kWh", 0.0036),
            ("heat", "gauge", "MW", 3.6),
            ("steam_1p0MPa", "register", "吨", 1.0),
        ],
    )
    def test_scales_to_the_unit_of_the_carrier(
        self, carrier: str, kind: str, unit: str, scale: float
    ) -> None:
        document = small()
        document["flows"][0]["carrier"] = carrier
        document["meters"][0]["points"][0] = {"code": "P1", "kind": kind, "unit": unit}
        topology = compile_topology(read(document))
        assert topology.points.scale[0] == pytest.approx(scale, rel=1e-15)
        document["meters"][0]["points"][0]["multiplier"] = 40
        assert compile_topology(read(document)).points.scale[0] == pytest.approx(40 * scale)

    def test_weighs_a_point_that_serves_two_units(self) -> None:
        document = small()
        document["products"][0] |= {"metered_by": [{"point": "P3", "share": 0.5}], "unit": "kg"}
        document["products"].append({**document["products"][0], "code": "iron-t", "unit": "t"})
        topology = compile_topology(read(document))
        assert topology.points.scale[2] == 1.0  # kg, the first use
        assert topology.product_point_weight.tolist() == pytest.approx([0.5, 0.0005])

    def test_keeps_signs_of_shares(self) -> None:
        document = small()
        document["flows"][2]["metered_by"] = [{"point": "P1"}, {"point": "P2", "share": -1}]
        topology = compile_topology(read(document))
        assert topology.flow_point_weight.tolist() == [1.0, 1.0, 1.0, -1.0]
        assert topology.flow_offset.tolist() == [0, 1, 2, 4]

    def test_leaves_a_temperature_as_it_is(self) -> None:
        document = small()
        document["meters"][0]["points"].append({"code": "T1", "kind": "gauge", "unit": "℃"})
        plant = read(document)
        assert compile_topology(plant).points.scale[1] == 1.0
        assert point_rows(plant)[1].amount_unit == "°C"

    def test_refuses_an_unchecked_mismatch(self) -> None:
        document = small()
        document["meters"][0]["points"][0]["unit"] = "m3"
        with pytest.raises(UnitMismatch):
            compile_topology(Plant.model_validate_json(json.dumps(document)))

    def test_takes_a_description_of_nothing(self) -> None:
        document = small()
        for key in ("gateways", "nodes", "flows", "meters", "products"):
            document[key] = []
        topology = compile_topology(read(document))
        assert topology.flow_offset.tolist() == [0]
        assert topology.points.code == ()

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_gives_the_same_arrays_every_time(self, path: Any) -> None:
        plant = read_plant(path.read_bytes(), form="yaml")
        one, other = compile_topology(plant), compile_topology(plant)
        assert isinstance(one, Topology)
        assert bytes_of(one) == bytes_of(other)
        assert (one.node_parent_index < np.arange(len(one.node_code))).all()
        assert np.isfinite(one.points.scale).all()
        assert (one.points.scale > 0).all()


class TestTopologyEdges:
    def exchanged(self, instant: str) -> Plant:
        document = small()
        old = document["meters"][0]["points"][0]
        new = {**old, "code": "P1b", "address": "P1", "multiplier": 100, "valid_from": instant}
        old["valid_to"] = instant
        document["meters"][0]["points"].append(new)
        document["flows"][0]["metered_by"].append({"point": "P1b"})
        return read(document)

    def counted(self, plant: Plant, at: str) -> list[str]:
        topology = compile_topology(plant, at=datetime.fromisoformat(at))
        first, end = topology.flow_offset[:2]
        return [topology.points.code[i] for i in topology.flow_point_index[first:end]]

    def test_lets_both_meters_count_in_the_interval_of_their_exchange(self) -> None:
        plant = self.exchanged("2025-03-01T02:07:00Z")
        assert [edge.isoformat() for edge in topology_edges(plant)] == [
            "2025-03-01T02:00:00+00:00",
            "2025-03-01T02:15:00+00:00",
        ]
        assert self.counted(plant, "2025-03-01T01:59:59Z") == ["P1"]
        assert self.counted(plant, "2025-03-01T02:00:00Z") == ["P1", "P1b"]
        assert self.counted(plant, "2025-03-01T02:14:59Z") == ["P1", "P1b"]
        assert self.counted(plant, "2025-03-01T02:15:00Z") == ["P1b"]
        assert compile_topology(plant).points.scale[:2].tolist() == [80.0, 100.0]

    def test_has_one_edge_for_an_exchange_on_an_edge(self) -> None:
        plant = self.exchanged("2025-03-01T02:15:00Z")
        assert [edge.isoformat() for edge in topology_edges(plant)] == ["2025-03-01T02:15:00+00:00"]
        assert self.counted(plant, "2025-03-01T02:14:00Z") == ["P1"]
        assert self.counted(plant, "2025-03-01T02:15:00Z") == ["P1b"]

    def test_are_none_where_nothing_changes(self) -> None:
        assert topology_edges(read(small())) == []
        assert topology_edges(self.exchanged("2024-12-31T00:00:00Z")) == []


class TestRows:
    def test_of_points_are_in_the_order_of_the_topology(self) -> None:
        plant = read(small())
        rows = point_rows(plant)
        assert tuple(row.code for row in rows) == compile_topology(plant).points.code
        assert [row.address for row in rows] == ["P1", "power", "P3"]
        assert [row.amount_unit for row in rows] == ["kWh", "kWh", "t"]
        assert {row.time_zone for row in rows} == {"Asia/Shanghai"}
        assert [row.meter_code for row in rows] == ["M1", "M2", "M3"]

    def test_of_gateways_have_topics_and_names_of_their_own(self) -> None:
        document = small()
        document["gateways"].append(
            {
                "code": "n",
                "form": "neuron",
                "class": "acknowledged",
                "topic": "/neuron/a",
                "username": "neuron-a",
            }
        )
        assert gateway_rows(read(document)) == [
            GatewayRow(
                code="gw-1",
                form="nengtan",
                delivery_class="receipted",
                topic="nengtan/v1/demo/main/gw-1/telemetry",
                username="demo.main.gw-1",
                signed=False,
            ),
            GatewayRow(
                code="n",
                form="neuron",
                delivery_class="acknowledged",
                topic="/neuron/a",
                username="neuron-a",
                signed=False,
            ),
        ]
