"""What a plant description says of its balances, as arrays in the order of its topology."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from compute.carbon import CarbonGraph, make_graph
from compute.network import Efficiency, LossModel, Network, NodeFacts, RowKind, make_network
from compute.topology import Points, Topology
from compute.uncertainty import Meters
from compute.units import conversion
from services.plant.compile import points_of
from services.plant.equipment import Losses
from services.plant.metering import Meter, Point
from services.plant.model import Plant

_CLASS_FORM = re.compile(r"\s*([0-9]+(?:[.,][0-9]+)?)")
# GB/T 17215.321-2021, table 1 (IEC 62053-21/22; EN 50470): the classes that have letters.
_CLASS_LETTERS: Mapping[str, float] = {"A": 0.02, "B": 0.01, "C": 0.005, "D": 0.002, "E": 0.001}
# Of a meter that does not say: that of an ordinary working meter (GB 17167-2006, table 4).
_LIMIT_ASSUMED = 0.02
# Of a point that does not say: one step of its last shown digit, and of a rate one in 10,000 of
# its full scale, over one base interval.
_STEP_ASSUMED = 1e-3
_SCALE_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class StockPoint:
    """The gauge of what a storage holds: its row in `Points`, and kWh per raw unit."""

    row: int
    kwh_per_raw: float


@dataclass(frozen=True)
class Balanced:
    """A topology with its balances.

    Attributes
    ----------
    network : Network
    meters : Meters
        (p,)
    stock : {node: StockPoint}
    class_assumed : (p,) tuple of bool
        Whether nobody said how good the meter is.
    """

    network: Network
    meters: Meters
    stock: Mapping[int, StockPoint]
    class_assumed: tuple[bool, ...]

    @cached_property
    def graph(self) -> CarbonGraph:
        """What carbon is traced along."""
        return make_graph(self.network)

    @cached_property
    def document(self) -> dict[str, Any]:
        """What the places of the network's arrays are, as it is kept with them."""
        network, graph = self.network, self.graph
        topology = network.topology
        codes = topology.node_code
        return {
            "rows": [
                {"code": code, "kind": RowKind(kind).name.lower()}
                for code, kind in zip(network.code, network.kind.tolist(), strict=True)
            ],
            "from": [codes[i] for i in topology.flow_from_index.tolist()],
            "to": [codes[i] for i in topology.flow_to_index.tolist()],
            "carriers": [topology.carrier_code[i] for i in topology.flow_carrier_index.tolist()],
            "nodes": list(codes),
            # The layers and places of what is traced by them (`compute.carbon`).
            "sources": [topology.flow_code[i] for i in graph.source_flow.tolist()],
            "storages": [codes[i] for i in graph.storage_node.tolist()],
            "coefficients": network.balances.coefficient.tolist(),
        }


def compile_network(plant: Plant, arrays: Topology) -> Balanced:
    """Return the balances of a plant over the arrays compiled from it."""
    node_index = {code: i for i, code in enumerate(arrays.node_code)}
    points = points_of(plant)
    row_of = {point.code: row for row, (_, point) in enumerate(points)}
    stock = {
        node_index[node.code]: StockPoint(
            row_of[node.stock.point],
            point.multiplier * conversion(point.unit, "kWh"),
        )
        for node in plant.nodes
        if node.stock is not None
        for point in (points[row_of[node.stock.point]][1],)
    }
    limits = [accuracy_limit_share(meter) for meter, _ in points]
    meter_row = {meter.code: i for i, meter in enumerate(plant.meters)}
    hours = plant.base_interval_minutes / 60.0
    facts = NodeFacts(
        loss={
            node_index[node.code]: _loss_model(node.losses)
            for node in plant.nodes
            if node.losses is not None
        },
        efficiency={
            node_index[node.code]: Efficiency(node.efficiency.value, node.efficiency.uncertainty)
            for node in plant.nodes
            if node.efficiency is not None
        },
        stock_resolution_kwh={
            node: _full_scale_step(points[held.row][1]) * held.kwh_per_raw
            for node, held in stock.items()
        },
    )
    return Balanced(
        network=make_network(arrays, facts),
        meters=Meters(
            class_limit_share=np.array(
                [_LIMIT_ASSUMED if limit is None else limit for limit in limits]
            ),
            resolution=np.array(
                [
                    _resolution(point, arrays.points, row, hours)
                    for row, (_, point) in enumerate(points)
                ]
            ),
            meter_index=np.array([meter_row[meter.code] for meter, _ in points], dtype=np.int32),
        ),
        stock=stock,
        class_assumed=tuple(limit is None for limit in limits),
    )


def accuracy_limit_share(meter: Meter) -> float | None:
    """Return the error limit of a meter as a share of its reading, None if it says none.

    The class on the meter counts, else that of its newest calibration.
    """
    newest = sorted(meter.calibrations, key=lambda c: c.calibrated_on, reverse=True)
    for text in (meter.accuracy_class, *(calibration.accuracy_class for calibration in newest)):
        if text is None:
            continue
        found = _CLASS_FORM.match(text)
        if found:
            return float(found.group(1).replace(",", ".")) / 100.0
        if text.strip().upper() in _CLASS_LETTERS:
            return _CLASS_LETTERS[text.strip().upper()]
    return None


def _loss_model(losses: Losses) -> LossModel:
    transformer, line = losses.transformer, losses.line
    no_load_kw = load_per_kw = line_per_kw = 0.0
    if transformer is not None:
        no_load_kw = transformer.no_load_kw
        rated_kw = transformer.rated_kva * transformer.power_factor
        load_per_kw = transformer.load_kw / rated_kw**2
    if line is not None:
        # R (P / (U cos phi))^2 with P in kW and U in kV is in W.
        line_per_kw = line.resistance_ohm / (line.voltage_kv * line.power_factor) ** 2 / 1000.0
    return LossModel(
        transformer_kw=no_load_kw,
        transformer_per_kw=load_per_kw,
        line_per_kw=line_per_kw,
        share=losses.share,
        uncertainty_share=losses.uncertainty,
    )


def _resolution(point: Point, points: Points, row: int, hours: float) -> float:
    """Return the smallest step of what a point amounts to in a base interval."""
    scale = float(points.scale[row])
    if point.kind == "gauge":
        return _full_scale_step(point) * scale * hours
    step = float(points.resolution[row])
    return (step if step > 0.0 else _STEP_ASSUMED) * scale


def _full_scale_step(point: Point) -> float:
    """Return one in 10,000 of the full scale of a gauge, raw."""
    if point.value_max is None or point.value_max <= 0.0:
        return _STEP_ASSUMED
    return point.value_max * _SCALE_STEP
