"""晴雨表: green, yellow or red for a tenant, its sites and their nodes, by what fires now.

A critical alert makes red, a warning yellow; a notice (info) changes nothing. A node is as bad as
the worst of what lies in it: alerts of its flows, points and units to benchmark count as its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec

from services.plant.model import Plant
from services.store import alerts as store
from services.store import answers, topology
from services.store.alerts import FiringRow
from services.store.pool import Connection, Database

Colour = Literal["green", "yellow", "red"]
_RANK: dict[str, int] = {"info": 0, "warning": 1, "critical": 2}
_COLOURS: tuple[Colour, ...] = ("green", "yellow", "red")


@dataclass(frozen=True, slots=True)
class NodeWeather:
    """A node of a site; `alerts` are those of itself and of what lies in it."""

    node: str
    name_zh: str
    name_en: str
    parent: str | None
    colour: Colour
    alerts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SiteWeather:
    """A site with its nodes, in the order of its description."""

    site: str
    name_zh: str
    name_en: str
    colour: Colour
    alerts: tuple[int, ...]
    nodes: tuple[NodeWeather, ...]


@dataclass(frozen=True, slots=True)
class WeatherAnswer:
    """The weather of a tenant at the instant of the snapshot.

    Attributes
    ----------
    evaluated_at : datetime or None
        When the rules were last looked at: green means nothing if that is long ago.
    """

    as_of: datetime
    evaluated_at: datetime | None
    colour: Colour
    sites: list[SiteWeather]


@dataclass(slots=True)
class _Sum:
    rank: int = 0
    alerts: list[int] = field(default_factory=list)

    def add(self, row: FiringRow) -> None:
        self.rank = max(self.rank, _RANK[row.severity])
        self.alerts.append(row.id)


async def read_weather(database: Database, *, tenant_id: int) -> WeatherAnswer:
    """Return the weather of a tenant now."""
    async with database.transaction(tenant_id, snapshot=True) as connection:
        firing = await store.list_firing(connection)
        listing = await answers.list_sites(connection)
        sites = [
            await _site(connection, tenant_id, row.code, (row.name_zh, row.name_en), firing)
            for row in listing
        ]
        return WeatherAnswer(
            as_of=await answers.instant(connection),
            evaluated_at=await store.evaluated_at(connection, tenant_id),
            colour=_worst(firing),
            sites=sites,
        )


async def _site(
    connection: Connection,
    tenant_id: int,
    code: str,
    name: tuple[str, str],
    firing: Iterable[FiringRow],
) -> SiteWeather:
    own = [row for row in firing if row.site == code]
    found = await topology.find_site(connection, tenant_id=tenant_id, code=code)
    newest = None if found is None else await topology.newest_version(connection, found.id)
    nodes: tuple[NodeWeather, ...] = ()
    if newest is not None:
        plant = Plant.model_validate_json(msgspec.json.encode(newest[0].document))
        nodes = nodes_of(plant, own)
    return SiteWeather(code, *name, _worst(own), tuple(row.id for row in own), nodes)


def nodes_of(plant: Plant, firing: Iterable[FiringRow]) -> tuple[NodeWeather, ...]:
    """Return the weather of the nodes of a plant."""
    places = _places(plant)
    parent = {node.code: node.parent for node in plant.nodes}
    sums = {node.code: _Sum() for node in plant.nodes}
    for row in firing:
        at = next(
            (places[kind, code] for kind, code in row.labels.items() if (kind, code) in places),
            None,
        )
        while at is not None and at in sums:
            sums[at].add(row)
            at = parent[at]
    return tuple(
        NodeWeather(
            node=node.code,
            name_zh=node.name.zh,
            name_en=node.name.en,
            parent=node.parent,
            colour=_COLOURS[sums[node.code].rank],
            alerts=tuple(sums[node.code].alerts),
        )
        for node in plant.nodes
        if node.kind not in {"source", "delivery"}
    )


def _places(plant: Plant) -> Mapping[tuple[str, str], str]:
    """Return in which node what an alert may be about lies, by label and code."""
    inside = {node.code for node in plant.nodes if node.kind not in {"source", "delivery"}}
    places = {("node", node.code): node.code for node in plant.nodes}
    for flow in plant.flows:
        places["flow", flow.code] = flow.to_node if flow.to_node in inside else flow.from_node
        for metering in flow.metered_by:
            places["point", metering.point] = places["flow", flow.code]
    for meter in plant.meters:
        for point in meter.points:
            if meter.node is not None:
                places["point", point.code] = meter.node
    for product in plant.products:
        places["product", product.code] = product.node
    for unit in plant.benchmarks:
        if unit.nodes:
            places["unit", unit.code] = unit.nodes[0]
    return places


def _worst(firing: Iterable[FiringRow]) -> Colour:
    return _COLOURS[max((_RANK[row.severity] for row in firing), default=0)]
