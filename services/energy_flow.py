"""能流分析 energy flow: what went from where to where over a period, and what each node left over.

Links point the way the energy went. A link into a storage is a charge, one out of it a discharge;
a link that closes a loop is a return, so that a drawing without loops can leave it out or mark it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from compute.units import conversion
from services import totals
from services.plant.model import Flow, Name, Node
from services.plant_history import PlantSpan, Span, joined, plants_over
from services.store import answers
from services.store.pool import Database
from services.totals import SiteState, Total, Totals

FlowUnit = Literal["kWh", "GJ", "tce", "tCO2e"]
Role = Literal["supply", "transfer", "charge", "discharge", "return", "delivery"]
_NO_LINK = -1


@dataclass(frozen=True, slots=True)
class FlowLink:
    """Energy from a node to a node; `value` is None where it is not known or not valid."""

    code: str
    name: Name | None
    source: str
    target: str
    carrier: str
    role: Role
    value: float | None
    total: Total


@dataclass(frozen=True, slots=True)
class FlowNode:
    """A node with its inputs, outputs and residual; None where there is none or it is not known."""

    code: str
    name: Name
    kind: str
    parent: str | None
    input_value: float | None
    output_value: float | None
    residual_value: float | None
    residual_quality: int


@dataclass(frozen=True, slots=True)
class EnergyFlow:
    """The flows of a site over a period."""

    state: SiteState
    nodes: list[FlowNode]
    links: list[FlowLink]


@dataclass(frozen=True, slots=True)
class _Arc:
    """A flow with the parts of the period in which it ran between the same two nodes."""

    flow: Flow
    spans: tuple[Span, ...]


async def trace(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    start: datetime,
    end: datetime,
    unit: FlowUnit,
) -> EnergyFlow:
    """Return nodes and links of a site over [start, end) in one unit.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    RangeTooLarge, NotAnEdge
        If the period is too long or does not consist of base intervals.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        totals.check_ends(state, start=start, end=end)
        plants = await plants_over(connection, state.site.id, start=start, end=end)
        series = await answers.list_series(connection, site_id=state.site.id)
        flow_id = {(row.code, row.carrier): row.id for row in series if row.kind == "flow"}
        residual_id = {row.code: row.id for row in series if row.kind == "residual"}
        arcs = [arc for arc in _arcs(plants) if (arc.flow.code, arc.flow.carrier) in flow_id]
        by_spans: dict[tuple[Span, ...], Totals] = {}
        for spans in {arc.spans for arc in arcs}:
            ids = [flow_id[arc.flow.code, arc.flow.carrier] for arc in arcs if arc.spans == spans]
            by_spans[spans] = await totals.sum_series(
                connection, state, series_ids=sorted(set(ids)), spans=spans
            )
        residuals = await totals.sum_series(
            connection, state, series_ids=list(residual_id.values()), spans=[(start, end)]
        )
    nodes = {node.code: node for span in plants for node in span.plant.nodes}
    links = [
        _link(arc.flow, by_spans[arc.spans].of(flow_id[arc.flow.code, arc.flow.carrier]), unit)
        for arc in arcs
    ]
    return EnergyFlow(
        state=state,
        nodes=[
            _node(
                node,
                links,
                residuals.of(residual_id[node.code]) if node.code in residual_id else None,
                unit,
            )
            for node in nodes.values()
        ],
        links=_with_roles(links, {node.code: node.kind for node in nodes.values()}),
    )


def _arcs(plants: Sequence[PlantSpan]) -> list[_Arc]:
    flows: dict[tuple[str, str, str, str], Flow] = {}
    spans: dict[tuple[str, str, str, str], list[Span]] = {}
    for held in plants:
        for flow in held.plant.flows:
            key = (flow.code, flow.from_node, flow.to_node, flow.carrier)
            flows[key] = flow
            spans.setdefault(key, []).append((held.start, held.end))
    return [_Arc(flow, joined(spans[key])) for key, flow in flows.items()]


def in_unit(total: Total, unit: FlowUnit) -> float | None:
    """Return a total in a unit that all carriers share."""
    if unit == "tce":
        return total.coal_equivalent_tce
    if unit == "tCO2e":
        parts = (total.emission_direct_tco2e, total.emission_purchased_tco2e)
        return None if None in parts else math.fsum(part for part in parts if part is not None)
    return None if total.energy_kwh is None else total.energy_kwh * conversion("kWh", unit)


def _link(flow: Flow, total: Total, unit: FlowUnit) -> FlowLink:
    value = in_unit(total, unit)
    backwards = value is not None and value < 0.0
    return FlowLink(
        code=flow.code,
        name=flow.name,
        source=flow.to_node if backwards else flow.from_node,
        target=flow.from_node if backwards else flow.to_node,
        carrier=flow.carrier,
        role="transfer",
        value=None if value is None else abs(value),
        total=total,
    )


def _node(node: Node, links: list[FlowLink], residual: Total | None, unit: FlowUnit) -> FlowNode:
    return FlowNode(
        code=node.code,
        name=node.name,
        kind=node.kind,
        parent=node.parent,
        input_value=_sum([link.value for link in links if link.target == node.code]),
        output_value=_sum([link.value for link in links if link.source == node.code]),
        residual_value=None if residual is None else in_unit(residual, unit),
        residual_quality=0 if residual is None else residual.quality,
    )


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known and len(known) == len(values) else None


def _with_roles(links: list[FlowLink], kind_of: dict[str, str]) -> list[FlowLink]:
    returns = _returns(links, kind_of)
    return [
        FlowLink(
            code=link.code,
            name=link.name,
            source=link.source,
            target=link.target,
            carrier=link.carrier,
            role=_role(link, kind_of, is_return=index in returns),
            value=link.value,
            total=link.total,
        )
        for index, link in enumerate(links)
    ]


def _role(link: FlowLink, kind_of: dict[str, str], *, is_return: bool) -> Role:
    if is_return:
        return "return"
    if kind_of[link.source] == "source":
        return "supply"
    if kind_of[link.target] in {"delivery", "source"}:
        return "delivery"
    if kind_of[link.target] == "storage":
        return "charge"
    return "discharge" if kind_of[link.source] == "storage" else "transfer"


def _returns(links: list[FlowLink], kind_of: dict[str, str]) -> set[int]:
    """Return the links that lead back to a node on their own way, from sources, largest first.

    What enters a storage or an outside node ends there: what leaves one begins anew.
    """
    leaving: dict[str, list[int]] = {}
    for index in sorted(range(len(links)), key=lambda i: -(links[i].value or 0.0)):
        leaving.setdefault(links[index].source, []).append(index)
    ends = {code for code, kind in kind_of.items() if kind in {"storage", "source", "delivery"}}
    order = sorted(leaving, key=lambda code: code not in ends)
    done: set[str] = set()
    returns: set[int] = set()
    for root in order:
        if root in done:
            continue
        path = {root}
        stack = [(root, iter(leaving[root]))]
        while stack:
            code, rest = stack[-1]
            index = next(rest, _NO_LINK)
            if index == _NO_LINK:
                stack.pop()
                path.discard(code)
                done.add(code)
                continue
            target = links[index].target
            if target in ends:
                continue
            if target in path:
                returns.add(index)
            elif target not in done:
                path.add(target)
                stack.append((target, iter(leaving.get(target, []))))
    return returns
