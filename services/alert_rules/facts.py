"""What rules are held against: the objects of a tenant's sites, as their descriptions say now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.alert_rules.measures import ObjectKind
from services.plant.amounts import carriers
from services.plant.model import Plant
from services.plant.words import Name


@dataclass(frozen=True, slots=True)
class Thing:
    """An object of a site; `unit` is that of its amounts, `carrier` of a flow, "" for none."""

    code: str
    zh: str
    en: str
    unit: str = ""
    carrier: str = ""


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """The objects of a site by kind and code; a site itself is the one thing of kind `site`."""

    code: str
    things: Mapping[ObjectKind, Mapping[str, Thing]]


@dataclass(frozen=True, slots=True)
class Facts:
    """The sites of a tenant by code, as their newest descriptions say."""

    tenant: str
    sites: Mapping[str, SiteFacts]


def facts_of(tenant: str, plants: Iterable[Plant]) -> Facts:
    """Return what the descriptions of a tenant's sites say, one description for each site."""
    return Facts(tenant, {plant.site: _site(plant) for plant in plants})


def _site(plant: Plant) -> SiteFacts:
    units = {code: carrier.unit for code, carrier in carriers().items()}
    points = [point for meter in plant.meters for point in meter.points]
    things: Mapping[ObjectKind, Iterable[Thing]] = {
        "site": [_thing("", plant.name)],
        "node": [_thing(node.code, node.name) for node in plant.nodes],
        "flow": [
            _thing(flow.code, flow.name, units.get(flow.carrier, ""), flow.carrier)
            for flow in plant.flows
        ],
        "product": [_thing(made.code, made.name, made.unit) for made in plant.products],
        "point": [_thing(point.code, point.name) for point in points],
        "meter": [_thing(meter.code, meter.name) for meter in plant.meters],
        "unit": [_thing(held.code, held.name, held.unit) for held in plant.benchmarks],
        "gateway": [_thing(gateway.code, gateway.name) for gateway in plant.gateways],
    }
    return SiteFacts(
        plant.site, {kind: {thing.code: thing for thing in of} for kind, of in things.items()}
    )


def _thing(code: str, name: Name | None, unit: str = "", carrier: str = "") -> Thing:
    if name is None:
        return Thing(code, code, code, unit, carrier)
    return Thing(code, name.zh, name.en, unit, carrier)
