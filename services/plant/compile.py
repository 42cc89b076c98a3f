"""A checked plant description as arrays for the kernels and rows for the store."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from compute.periods import to_us
from compute.topology import Changes, NodeKind, PointKind, Points, Topology
from compute.units import conversion
from services.plant.amounts import amount_scale, amount_unit, carrier_unit
from services.plant.gateway import Gateway, GatewayClass, GatewayForm
from services.plant.life import Held, ends_at, held
from services.plant.metering import Meter, Point, PointForm
from services.plant.model import Metering, Node, Plant
from services.plant.physics import physical_limits
from services.plant.virtual import compile_formulas

__all__ = [
    "GatewayRow",
    "PointRow",
    "carrier_unit",
    "compile_topology",
    "gateway_rows",
    "gateway_topic",
    "gateway_username",
    "point_rows",
    "points_of",
    "topology_edges",
]

Row = np.ndarray[tuple[int], np.dtype[np.float64]]

_SECOND_US = 1_000_000
_MINUTE_US = 60 * _SECOND_US
# IEC 62052-11:2003 (GB/T 17215.211-2006), display of measured values: at the largest current a
# register takes at least 1,500 h from zero to zero. Meters of gas, water and heat take longer.
_FULL_RANGE_S = 1500 * 3600.0
# Of a point that says nothing of it: a gauge stands for one base interval; a register may skip
# one reading of a base interval each before its step is called interpolated.
_HOLD_BASE_INTERVALS: Mapping[str, int] = {"gauge": 1, "register": 2, "interval": 1}


@dataclass(frozen=True, slots=True)
class PointRow:
    """What the store and the registry keep of a point."""

    code: str
    meter_code: str
    gateway_code: str
    address: str
    kind: PointForm
    unit: str
    amount_unit: str  # of what `Points.scale` makes of it
    value_min: float | None  # raw, of its description or of physics
    value_max: float | None
    valid_from: datetime | None
    valid_to: datetime | None
    time_zone: str  # of stamps that carry none


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """What the store, the topics and the broker's access list keep of a gateway."""

    code: str
    form: GatewayForm
    delivery_class: GatewayClass
    topic: str  # that it publishes readings to
    username: str
    signed: bool


def gateway_topic(plant: Plant, gateway: Gateway) -> str:
    """Return the topic that a gateway publishes readings to."""
    return gateway.topic or f"nengtan/v1/{plant.tenant}/{plant.site}/{gateway.code}/telemetry"


def gateway_username(plant: Plant, gateway: Gateway) -> str:
    """Return the name that a gateway gives the broker: unlike that of any other tenant's."""
    return gateway.username or f"{plant.tenant}.{plant.site}.{gateway.code}"


def gateway_rows(plant: Plant) -> list[GatewayRow]:
    """Return the gateways of a plant, in the order of the description."""
    return [
        GatewayRow(
            code=gateway.code,
            form=gateway.form,
            delivery_class=gateway.delivery_class,
            topic=gateway_topic(plant, gateway),
            username=gateway_username(plant, gateway),
            signed=gateway.signed,
        )
        for gateway in plant.gateways
    ]


def point_rows(plant: Plant) -> list[PointRow]:
    """Return the points of a plant, in the order of `Topology.points`."""
    units = _unit_by_point(plant)
    return [
        PointRow(
            code=point.code,
            meter_code=meter.code,
            gateway_code=meter.gateway,
            address=point.address or point.code,
            kind=point.kind,
            unit=point.unit,
            amount_unit=units[point.code],
            value_min=physical_limits(point)[0],
            value_max=physical_limits(point)[1],
            valid_from=point.valid_from,
            valid_to=ends_at(point),
            time_zone=point.time_zone or plant.time_zone,
        )
        for meter, point in points_of(plant)
    ]


def points_of(plant: Plant) -> list[tuple[Meter, Point]]:
    """Return every point with its meter, in the order of the description."""
    return [(meter, point) for meter in plant.meters for point in meter.points]


def topology_edges(plant: Plant) -> list[datetime]:
    """Return the edges of base intervals after `valid_from` at which a point comes or goes.

    Between two of them `compile_topology(plant, at=…)` gives the same arrays. A point counts in
    every interval that its validity touches, so an exchange within an interval gives that interval
    a topology of its own, in which the old point and the new one both count.
    """
    zone = ZoneInfo(plant.time_zone)
    edges: set[datetime] = set()
    for _, point in points_of(plant):
        if point.valid_from is not None:
            edges.add(_edge(point.valid_from, plant.base_interval_minutes, zone))
        ended = ends_at(point)
        if ended is not None:
            # The first instant without it; on an edge, that edge itself.
            step = timedelta(minutes=plant.base_interval_minutes)
            last = ended - timedelta(microseconds=1)
            edges.add(_edge(last, plant.base_interval_minutes, zone) + step)
    return sorted(edge.astimezone(UTC) for edge in edges if edge > plant.valid_from)


def _edge(at: datetime, minutes: int, zone: ZoneInfo) -> datetime:
    """Return the start of the base interval that holds an instant, UTC."""
    local = at.astimezone(zone)
    past = timedelta(
        minutes=local.minute % minutes, seconds=local.second, microseconds=local.microsecond
    )
    return at.astimezone(UTC) - past


def _counts(point: Point, plant: Plant, at: datetime | None) -> bool:
    """Return whether a point's validity touches the base interval that holds an instant."""
    if at is None:
        return True
    start = _edge(at, plant.base_interval_minutes, ZoneInfo(plant.time_zone))
    end = start + timedelta(minutes=plant.base_interval_minutes)
    begun = point.valid_from is None or point.valid_from < end
    ended = ends_at(point)
    return begun and (ended is None or ended > start)


def compile_topology(plant: Plant, *, at: datetime | None = None) -> Topology:
    """Return the arrays of a description that `check` has no errors for.

    Parameters
    ----------
    plant : Plant
        Checked: references exist, the tree has no cycle, units fit their carriers.
    at : datetime, optional
        Points that are not valid in the base interval of this instant count in no flow and no
        product. All points count if it is left out. The rows of `points` are the same either way.

    Returns
    -------
    topology : Topology
        Nodes by depth in the tree, so that parents come first; everything else in the order of
        the description. The same description gives the same arrays.
    """
    nodes = _by_depth(plant.nodes)
    node_index = {node.code: index for index, node in enumerate(nodes)}
    point_index = {point.code: index for index, (_, point) in enumerate(points_of(plant))}
    unit_by_point = _unit_by_point(plant)
    carrier_code = tuple(dict.fromkeys(flow.carrier for flow in plant.flows))
    counting = {point.code for _, point in points_of(plant) if _counts(point, plant, at)}
    flow_parts = _parts(
        [(flow.metered_by, carrier_unit(flow.carrier)) for flow in plant.flows],
        point_index=point_index,
        counting=counting,
        unit_by_point=unit_by_point,
    )
    product_parts = _parts(
        [(product.metered_by, product.unit) for product in plant.products],
        point_index=point_index,
        counting=counting,
        unit_by_point=unit_by_point,
    )
    return Topology(
        points=_points(plant, unit_by_point=unit_by_point),
        carrier_code=carrier_code,
        node_code=tuple(node_index),
        node_kind=_index_array(NodeKind[node.kind.upper()] for node in nodes),
        node_parent_index=_index_array(
            -1 if node.parent is None else node_index[node.parent] for node in nodes
        ),
        flow_code=tuple(flow.code for flow in plant.flows),
        flow_from_index=_index_array(node_index[flow.from_node] for flow in plant.flows),
        flow_to_index=_index_array(node_index[flow.to_node] for flow in plant.flows),
        flow_carrier_index=_index_array(carrier_code.index(flow.carrier) for flow in plant.flows),
        flow_is_feedstock=np.array([flow.feedstock for flow in plant.flows], dtype=np.bool_),
        flow_offset=flow_parts.offset,
        flow_point_index=flow_parts.point_index,
        flow_point_weight=flow_parts.weight,
        product_code=tuple(product.code for product in plant.products),
        product_node_index=_index_array(node_index[product.node] for product in plant.products),
        product_offset=product_parts.offset,
        product_point_index=product_parts.point_index,
        product_point_weight=product_parts.weight,
        virtual=compile_formulas(plant.virtual_meters, point_index=point_index),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Which points make up each row, as offsets into two parallel arrays."""

    offset: np.ndarray[tuple[int], np.dtype[np.int32]]
    point_index: np.ndarray[tuple[int], np.dtype[np.int32]]
    weight: np.ndarray[tuple[int], np.dtype[np.float64]]


def _parts(
    rows: Sequence[tuple[tuple[Metering, ...], str]],
    *,
    point_index: Mapping[str, int],
    counting: AbstractSet[str],
    unit_by_point: Mapping[str, str],
) -> _Parts:
    """Return the points of each row, with weights that bring their amounts to the row's unit."""
    offset = [0]
    index: list[int] = []
    weight: list[float] = []
    for metered_by, unit in rows:
        for part in metered_by:
            if part.point not in counting:
                continue
            index.append(point_index[part.point])
            weight.append(part.share * conversion(unit_by_point[part.point], unit))
        offset.append(len(index))
    return _Parts(
        offset=_index_array(offset),
        point_index=_index_array(index),
        weight=np.array(weight, dtype=np.float64),
    )


def _unit_by_point(plant: Plant) -> dict[str, str]:
    """Return the unit that the amount of each point is kept in.

    That of the first flow or product it measures; a point that measures none keeps its own.
    """
    unit_by_point: dict[str, str] = {}
    for flow in plant.flows:
        for part in flow.metered_by:
            unit_by_point.setdefault(part.point, carrier_unit(flow.carrier))
    for product in plant.products:
        for part in product.metered_by:
            unit_by_point.setdefault(part.point, product.unit)
    for _, point in points_of(plant):
        if point.code not in unit_by_point:
            unit_by_point[point.code] = amount_unit(point)
    return unit_by_point


def _hold_us(point: Point, *, base_interval_minutes: int) -> int:
    if point.hold_seconds is not None:
        return point.hold_seconds * _SECOND_US
    return _HOLD_BASE_INTERVALS[point.kind] * base_interval_minutes * _MINUTE_US


def _held(rows: Sequence[tuple[Point, Held]], unit_by_point: Mapping[str, str]) -> dict[str, Row]:
    """Return what holds of points as columns of `Points` and `Changes`."""
    return {
        "scale": np.array(
            [
                # Of a multiplier that never changed, the same bits as ever.
                amount_scale(
                    point.model_copy(update={"multiplier": holding.multiplier}),
                    target=unit_by_point[point.code],
                )
                for point, holding in rows
            ],
            dtype=np.float64,
        ),
        "modulus": np.array(
            [10.0**row.digits.integer if row.digits else np.nan for _, row in rows],
            dtype=np.float64,
        ),
        "step_rate_max": np.array([_step_rate_max(row) for _, row in rows], dtype=np.float64),
        "resolution": np.array(
            [10.0**-row.digits.decimal if row.digits else 0.0 for _, row in rows],
            dtype=np.float64,
        ),
    }


def _step_rate_max(holding: Held) -> float:
    if holding.rate_max_per_hour is None:
        digits = holding.digits
        return np.inf if digits is None else 10.0**digits.integer / _FULL_RANGE_S
    # The rating is of the primary side and per hour, the register's step is raw and per second.
    return holding.rate_max_per_hour / holding.multiplier / 3600.0


def _points(plant: Plant, *, unit_by_point: Mapping[str, str]) -> Points:
    points = [point for _, point in points_of(plant)]
    return Points(
        code=tuple(point.code for point in points),
        kind=_index_array(PointKind[point.kind.upper()] for point in points),
        **_held([(point, held(point)[0]) for point in points], unit_by_point),
        hold_us=np.array(
            [_hold_us(p, base_interval_minutes=plant.base_interval_minutes) for p in points],
            dtype=np.int64,
        ),
        period_us=np.array([(p.period_minutes or 0) * _MINUTE_US for p in points], dtype=np.int64),
        stamped_at_end=np.array([p.stamp == "end" for p in points], dtype=np.bool_),
        changes=_changes(points, unit_by_point=unit_by_point),
    )


def _changes(points: Sequence[Point], *, unit_by_point: Mapping[str, str]) -> Changes:
    rows = [(i, point, row) for i, point in enumerate(points) for row in held(point)[1:]]
    return Changes(
        point_index=_index_array(i for i, _, _ in rows),
        at_us=np.array([to_us(row.at) for _, _, row in rows if row.at], dtype=np.int64),
        **_held([(point, row) for _, point, row in rows], unit_by_point),
        last_raw=_levels(row.last_raw for _, _, row in rows),
        first_raw=_levels(row.first_raw for _, _, row in rows),
        goes_on=np.array([row.goes_on for _, _, row in rows], dtype=np.bool_),
        ends=np.array([row.ends for _, _, row in rows], dtype=np.bool_),
    )


def _levels(levels: Iterable[float | None]) -> Row:
    return np.array([np.nan if raw is None else raw for raw in levels], dtype=np.float64)


def _by_depth(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes with parents before children, else in the order given."""
    parent = {node.code: node.parent for node in nodes}
    depth: dict[str, int] = {}
    for node in nodes:
        path: list[str] = []
        code: str | None = node.code
        while code is not None and code not in depth:
            path.append(code)
            code = parent[code]
        start = -1 if code is None else depth[code]
        for step, on_path in enumerate(reversed(path), start=1):
            depth[on_path] = start + step
    return sorted(nodes, key=lambda node: depth[node.code])


def _index_array(values: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.fromiter(values, dtype=np.int32)
