"""The figures of a traced carbon flow by the names of a plant."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from compute.carbon import MEASURE_COUNT, CarbonGraph
from compute.flow import Stored
from compute.topology import NodeKind
from services.json_values import finite
from services.plant.model import Name
from services.site_model import Described

EndKind = Literal["use", "delivery", "loss", "stock"]
_EARLIER = "earlier"
_KG_PER_T = 1000.0
_NOTHING = 1e-6
_Float1D = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CarbonSource:
    """A flow that enters from outside: its energy and emission; `earlier` is what storages held.

    Factors are the means over the period; None where nothing entered or a factor is missing.
    """

    code: str
    name: Name | None
    node: str | None
    carrier: str | None
    energy_kwh: float
    location_tco2e: float | None
    market_tco2e: float | None
    location_kgco2e_per_kwh: float | None
    market_kgco2e_per_kwh: float | None
    has_market_factor: bool


@dataclass(frozen=True, slots=True)
class CarbonNode:
    """A node inside: what it and its subtree used, and how clean what leaves it is.

    Attributes
    ----------
    location_tco2e, market_tco2e : float or None
        Of what ended within the node's boundary: its uses and losses.
    location_kgco2e_per_kwh, market_kgco2e_per_kwh : float or None
        Of each kWh that passes the node itself; of a storage, of what it holds at the end.
    is_uncertain : bool
        Whether a flow that is not known would change it: that flow counts as 0.
    """

    code: str
    name: Name
    kind: str
    parent: str | None
    passing_kwh: float
    location_tco2e: float | None
    market_tco2e: float | None
    location_kgco2e_per_kwh: float | None
    market_kgco2e_per_kwh: float | None
    is_uncertain: bool


@dataclass(frozen=True, slots=True)
class CarbonEnd:
    """Where energy and emission of each source ended; lists in the order of the sources."""

    code: str
    kind: EndKind
    energy_kwh: list[float]
    location_tco2e: list[float | None]
    market_tco2e: list[float | None]


@dataclass(frozen=True, slots=True)
class CarbonProduct:
    """A product with the emission of the node that makes it, direct and carried."""

    code: str
    name: Name
    unit: str
    node: str
    amount: float | None
    location_tco2e: float | None
    market_tco2e: float | None
    location_kgco2e_per_unit: float | None
    market_kgco2e_per_unit: float | None


@dataclass(frozen=True, slots=True)
class CarbonTenant:
    """A member of a park with the emission of its node."""

    tenant: str
    node: str
    energy_kwh: float
    location_tco2e: float | None
    market_tco2e: float | None


@dataclass(frozen=True, slots=True)
class Conservation:
    """What entered less what ended or is held more: rounding; None: a factor is missing."""

    entered_kwh: float
    left_over_kwh: float
    location_left_over_tco2e: float | None
    market_left_over_tco2e: float | None


@dataclass(slots=True)
class Sums:
    """What is added up over the intervals of a period."""

    entered: _Float1D
    received: npt.NDArray[np.float64]
    passing_kwh: _Float1D
    ended: npt.NDArray[np.float64]
    uncertain: npt.NDArray[np.bool_]
    before: Stored
    after: Stored
    count: int


def sources_of(described: Described, graph: CarbonGraph, sums: Sums) -> list[CarbonSource]:
    """Return what entered from each source, and what storages held of earlier ones."""
    plant, step = described.plant, graph.step
    found = []
    for layer in range(step):
        flow = plant.flows[int(graph.source_flow[layer])] if layer < step - 1 else None
        energy, location, market = (
            float(sums.entered[measure * step + layer]) for measure in range(MEASURE_COUNT)
        )
        if flow is None:
            # What storages held before: of sources that are there no more.
            energy, location, market = (
                float(sums.before.emission_tco2e[measure * step + layer].sum())
                for measure in range(MEASURE_COUNT)
            )
            if energy == 0.0:
                continue
        found.append(
            CarbonSource(
                code=_EARLIER if flow is None else flow.code,
                name=None if flow is None else flow.name,
                node=None if flow is None else flow.from_node,
                carrier=None if flow is None else flow.carrier,
                energy_kwh=energy,
                location_tco2e=finite(location),
                market_tco2e=finite(market),
                location_kgco2e_per_kwh=ratio(_KG_PER_T * location, energy),
                market_kgco2e_per_kwh=ratio(_KG_PER_T * market, energy),
                has_market_factor=flow is not None and flow.market_factor is not None,
            )
        )
    return found


def _layers(graph: CarbonGraph, sums: Sums) -> list[int]:
    """Return the layers that `_sources` lists."""
    step = graph.step
    has_earlier = bool(sums.before.emission_tco2e[step - 1].sum() != 0.0)
    return list(range(step if has_earlier else step - 1))


def _subtrees(described: Described) -> list[list[int]]:
    """Return the nodes of each node's subtree, sources and deliveries left out."""
    arrays = described.arrays
    outside = {int(NodeKind.SOURCE), int(NodeKind.DELIVERY)}
    trees: list[list[int]] = [[] for _ in arrays.node_code]
    for node, kind in enumerate(arrays.node_kind.tolist()):
        above = -1 if kind in outside else node
        while above >= 0:
            trees[above].append(node)
            above = int(arrays.node_parent_index[above])
    return trees


def _boundary_sums(graph: CarbonGraph, sums: Sums, nodes: list[int]) -> list[float]:
    """Return energy, location- and market-based emission that ended in some nodes."""
    return [
        float(sums.ended[graph.layers_of(measure), nodes].sum()) for measure in range(MEASURE_COUNT)
    ]


def nodes_of(described: Described, graph: CarbonGraph, sums: Sums) -> list[CarbonNode]:
    """Return every node inside."""
    arrays = described.arrays
    by_code = {node.code: node for node in described.plant.nodes}
    place = {node: i for i, node in enumerate(graph.storage_node.tolist())}
    found = []
    for index, tree in enumerate(_subtrees(described)):
        node = by_code[arrays.node_code[index]]
        if node.kind in {"source", "delivery"}:
            continue
        _, location, market = _boundary_sums(graph, sums, tree)
        passing = float(sums.passing_kwh[index])
        carried = [
            float(sums.received[graph.layers_of(measure), index].sum()) for measure in (1, 2)
        ]
        if index in place:
            held = sums.after.emission_tco2e[:, place[index]]
            passing = float(sums.after.energy_kwh[place[index]])
            carried = [float(held[graph.layers_of(measure)].sum()) for measure in (1, 2)]
        found.append(
            CarbonNode(
                code=node.code,
                name=node.name,
                kind=node.kind,
                parent=node.parent,
                passing_kwh=passing,
                location_tco2e=finite(location),
                market_tco2e=finite(market),
                location_kgco2e_per_kwh=ratio(_KG_PER_T * carried[0], passing),
                market_kgco2e_per_kwh=ratio(_KG_PER_T * carried[1], passing),
                is_uncertain=bool(sums.uncertain[index]),
            )
        )
    return found


def ends_of(described: Described, graph: CarbonGraph, sums: Sums) -> list[CarbonEnd]:
    """Return where energy and emission of each source ended."""
    arrays, step = described.arrays, graph.step
    layers = _layers(graph, sums)
    kinds: dict[int, EndKind] = {
        int(NodeKind.USE): "use",
        int(NodeKind.SOURCE): "delivery",
        int(NodeKind.DELIVERY): "delivery",
    }
    rows: list[tuple[str, EndKind, npt.NDArray[np.float64]]] = [
        (code, kinds.get(int(arrays.node_kind[node]), "loss"), sums.ended[:, node])
        for node, code in enumerate(arrays.node_code)
    ]
    more = sums.after.emission_tco2e - sums.before.emission_tco2e
    for place, node in enumerate(graph.storage_node.tolist()):
        change = more[:, place].copy()
        # What was held of earlier sources is listed as one, so all of it ends somewhere.
        for measure in range(MEASURE_COUNT):
            last = measure * step + step - 1
            change[last] += sums.before.emission_tco2e[last, place]
        rows.append((arrays.node_code[node], "stock", change))
    return [
        CarbonEnd(
            code=code,
            kind=kind,
            energy_kwh=[float(column[layer]) for layer in layers],
            location_tco2e=[finite(float(column[step + layer])) for layer in layers],
            market_tco2e=[finite(float(column[2 * step + layer])) for layer in layers],
        )
        for code, kind, column in rows
        # What rounding leaves of a closed balance is nothing.
        if (np.abs(np.nan_to_num(column, nan=1.0)) > _NOTHING).any()
    ]


def products_of(
    described: Described, graph: CarbonGraph, sums: Sums, made: dict[str, float | None]
) -> list[CarbonProduct]:
    """Return the products with the emission of the nodes that make them."""
    arrays, trees = described.arrays, _subtrees(described)
    found = []
    for product in described.plant.products:
        tree = trees[arrays.node_code.index(product.node)]
        _, location, market = _boundary_sums(graph, sums, tree)
        amount = made.get(product.code)
        found.append(
            CarbonProduct(
                code=product.code,
                name=product.name,
                unit=product.unit,
                node=product.node,
                amount=amount,
                location_tco2e=finite(location),
                market_tco2e=finite(market),
                location_kgco2e_per_unit=ratio(_KG_PER_T * location, amount or 0.0),
                market_kgco2e_per_unit=ratio(_KG_PER_T * market, amount or 0.0),
            )
        )
    return found


def tenants_of(described: Described, graph: CarbonGraph, sums: Sums) -> list[CarbonTenant]:
    """Return the members of a park that have a node."""
    arrays, trees = described.arrays, _subtrees(described)
    found = []
    for member in described.plant.members:
        if member.node is None:
            continue
        index = arrays.node_code.index(member.node)
        # A member may be described as a delivery: then what was delivered to it is its own.
        energy, location, market = _boundary_sums(graph, sums, trees[index] or [index])
        found.append(
            CarbonTenant(member.tenant, member.node, energy, finite(location), finite(market))
        )
    return found


def conservation_of(graph: CarbonGraph, sums: Sums) -> Conservation:
    """Return whether what entered is what ended."""
    more = (sums.after.emission_tco2e - sums.before.emission_tco2e).sum(axis=1)
    left = sums.entered - sums.ended.sum(axis=1) - more
    energy, location, market = (
        float(left[graph.layers_of(measure)].sum()) for measure in range(MEASURE_COUNT)
    )
    return Conservation(
        entered_kwh=float(sums.entered[graph.layers_of(0)].sum()),
        left_over_kwh=energy,
        location_left_over_tco2e=finite(location),
        market_left_over_tco2e=finite(market),
    )


def ratio(part: float, whole: float) -> float | None:
    """Return a quotient, None where there is nothing to divide by."""
    return finite(part / whole) if whole > 0.0 else None
