"""What flows and nodes say of each other."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from compute.units import unit
from services.plant.amounts import is_unit
from services.plant.findings import Finding, Place, finding
from services.plant.model import Flow, Metering, Node, Plant, Point


def flow_findings(plant: Plant) -> Iterator[Finding]:
    """Yield the findings about flows, nodes and shares."""
    kind: dict[str, str] = {node.code: node.kind for node in plant.nodes}
    for i, flow in enumerate(plant.flows):
        yield from _direction_findings(i, flow, kind)
        yield from _share_findings(("flows", i, "metered_by"), flow.metered_by)
    for i, product in enumerate(plant.products):
        yield from _share_findings(("products", i, "metered_by"), product.metered_by)
    yield from _balance_findings(plant)
    yield from _unmetered_findings(plant, kind)


def _direction_findings(row: int, flow: Flow, kind: dict[str, str]) -> Iterator[Finding]:
    giver, taker = kind.get(flow.from_node), kind.get(flow.to_node)
    if flow.market_factor is not None and giver not in {None, "source"}:
        yield finding("market_factor_inside", ("flows", row, "market_factor"), flow.from_node)
    if flow.from_node == flow.to_node:
        yield finding("flow_to_itself", ("flows", row, "to"), flow.to_node)
    elif giver == "delivery":
        yield finding("delivery_gives", ("flows", row, "from"), flow.from_node)
    elif giver == "source" and taker in {"source", "delivery"}:
        yield finding("source_to_source", ("flows", row, "to"), flow.to_node)
    elif giver == "use":
        yield finding("use_gives", ("flows", row, "from"), flow.from_node)


def _share_findings(place: Place, parts: tuple[Metering, ...]) -> Iterator[Finding]:
    seen: set[str] = set()
    for i, part in enumerate(parts):
        if part.point in seen:
            yield finding("point_twice", (*place, i, "point"), part.point)
        if part.share == 0:
            yield finding("share_zero", (*place, i, "share"), part.share)
        seen.add(part.point)


def _balance_findings(plant: Plant) -> Iterator[Finding]:
    """Yield nodes that cannot balance, or that nothing touches."""
    entering = Counter(flow.to_node for flow in plant.flows)
    leaving = Counter(flow.from_node for flow in plant.flows)
    touched = {node.parent for node in plant.nodes}
    touched |= {product.node for product in plant.products}
    touched |= {member.node for member in plant.members}
    for i, node in enumerate(plant.nodes):
        yield from _equipment_findings(("nodes", i), node, plant)
        yield from _node_findings(
            ("nodes", i),
            node,
            directions=bool(entering[node.code]) + bool(leaving[node.code]),
            is_touched=node.code in touched,
        )


def _node_findings(
    place: Place, node: Node, *, directions: int, is_touched: bool
) -> Iterator[Finding]:
    if directions == 0:
        if not is_touched:
            yield finding("node_alone", place, node.code)
    elif directions == 1 and node.kind == "storage":
        yield finding("storage_one_way", place, node.code)
    elif directions == 1 and node.kind in {"bus", "conversion"}:
        yield finding("bus_one_way", place, node.code)


def _equipment_findings(place: Place, node: Node, plant: Plant) -> Iterator[Finding]:
    """Yield what a node of this kind cannot have, and contents that no such point shows."""
    if node.losses is not None and node.kind != "bus":
        yield finding("losses_elsewhere", (*place, "losses"), node.kind)
    if node.efficiency is not None and node.kind not in {"conversion", "storage"}:
        yield finding("efficiency_elsewhere", (*place, "efficiency"), node.kind)
    if node.stock is None:
        return
    if node.kind != "storage":
        yield finding("stock_elsewhere", (*place, "stock"), node.kind)
    for meter in plant.meters:
        for point in meter.points:
            if point.code == node.stock.point and not _shows_energy(point):
                yield finding("stock_point", (*place, "stock", "point"), point.code)


def _shows_energy(point: Point) -> bool:
    return point.kind == "gauge" and is_unit(point.unit) and unit(point.unit).dimension == "energy"


def _unmetered_findings(plant: Plant, kind: dict[str, str]) -> Iterator[Finding]:
    """Yield unmetered flows that no sequence of bus balances finds.

    A bus with one unknown flow gives it; a flow so found may leave another bus with one unknown.
    """
    unknown = {i for i, flow in enumerate(plant.flows) if not flow.metered_by}
    at_bus: defaultdict[str, set[int]] = defaultdict(set)
    for i in unknown:
        for code in (plant.flows[i].from_node, plant.flows[i].to_node):
            if kind.get(code) == "bus":
                at_bus[code].add(i)
    ready = [code for code, flows in at_bus.items() if len(flows) == 1]
    while ready:
        for i in list(at_bus[ready.pop()]):
            unknown.discard(i)
            for code in (plant.flows[i].from_node, plant.flows[i].to_node):
                if i in at_bus[code]:
                    at_bus[code].discard(i)
                    if len(at_bus[code]) == 1:
                        ready.append(code)
    for i in sorted(unknown):
        yield finding("unmetered", ("flows", i, "metered_by"), plant.flows[i].code)
