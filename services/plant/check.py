"""What the parts of a plant description say of each other.

Each rule is one small function that yields findings; `check` runs them all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from services.plant.amounts import carriers
from services.plant.check_benchmark import benchmark_findings
from services.plant.check_flows import flow_findings
from services.plant.check_points import point_findings
from services.plant.check_tariff import tariff_findings
from services.plant.check_virtual import virtual_findings
from services.plant.findings import Finding, Nearest, Place, finding
from services.plant.model import Metering, Plant
from services.plant.spans import overlaps
from services.reference import load_tables

_CYCLE_SHOWN_MAX = 20
_NO_CODES: Mapping[str, AbstractSet[str]] = {}
# Names that people try, and what IANA calls the same clock.
_ZONE_MEANT: Mapping[str, str] = dict.fromkeys(
    (
        "asia/beijing",
        "asia/peking",
        "asia/shenzhen",
        "asia/guangzhou",
        "asia/chengdu",
        "asia/hangzhou",
        "china",
        "china standard time",
        "beijing",
        "shanghai",
        "cst",
        "utc+8",
        "utc+08:00",
        "gmt+8",
        "+08:00",
        "北京",
        "北京时间",
        "上海",
    ),
    "Asia/Shanghai",
)


@dataclass(frozen=True, slots=True)
class _Words:
    """What can be referred to, and what more a document that is only partly read has named."""

    known: Mapping[str, AbstractSet[str]]
    also_known: Mapping[str, AbstractSet[str]]
    nearest: Nearest

    def unknown(self, collection: str, word: str, place: Place) -> Iterator[Finding]:
        """Yield a finding unless the collection has the word."""
        if word in self.known[collection] or word in self.also_known.get(collection, ()):
            return
        near = self.nearest.of(word, self.known[collection])
        yield finding(f"unknown_{collection.removesuffix('s')}", place, word, nearest=near)


def check(
    plant: Plant, *, also_known: Mapping[str, AbstractSet[str]] = _NO_CODES
) -> tuple[Finding, ...]:
    """Return what is wrong, or doubtful, between the parts of a description.

    Parameters
    ----------
    plant : Plant
    also_known : mapping of str to set of str
        Codes by collection (`nodes`, `gateways`, `points`, `flows`, `products` and so on) that the
        document names but the plant lacks, because their item has a fault of its own.

    Returns
    -------
    findings : tuple of Finding
        In the order of the rules; no error among them: the plant can be compiled.
    """
    findings = [
        *_zone_findings(plant),
        *_region_findings(plant),
        *_edge_findings(plant),
        *_park_findings(plant),
        *_code_findings(plant),
        *_reference_findings(plant, also_known),
        *_tree_findings(plant),
        *flow_findings(plant),
        *point_findings(plant),
        *virtual_findings(plant, also_known),
        *tariff_findings(plant, also_known),
        *benchmark_findings(plant, also_known),
    ]
    return tuple(findings)


def _zone_findings(plant: Plant) -> Iterator[Finding]:
    zones: list[tuple[Place, str]] = [(("time_zone",), plant.time_zone)]
    for i, meter in enumerate(plant.meters):
        for j, point in enumerate(meter.points):
            if point.time_zone is not None:
                zones.append((("meters", i, "points", j, "time_zone"), point.time_zone))
    known = _known_zones()
    # Zones share their continents: only a slip of the pen is near.
    nearest = Nearest(similarity_min=0.8)
    for place, zone in zones:
        if not known:
            yield finding("zones_missing", place, zone)
            return
        if zone not in known:
            near = _ZONE_MEANT.get(zone.casefold()) or nearest.of(zone, known)
            yield finding("unknown_zone", place, zone, nearest=near)


@cache
def _known_zones() -> AbstractSet[str]:
    """Return the names of the time zone database; reading its folders takes a while."""
    return available_timezones()


def _region_findings(plant: Plant) -> Iterator[Finding]:
    """Yield regions without grid factors: wrong in China, to be expected abroad."""
    regions = load_tables().regions
    region = plant.region
    # A city or county has the factors of its province: the first two digits.
    if region in regions or (region.isdecimal() and f"{region[:2]}0000" in regions):
        return
    if region.isdecimal() or region.startswith("CN"):
        near = None if region.isdecimal() else Nearest().of(region, regions)
        yield finding("unknown_region", ("region",), region, nearest=near)
    else:
        yield finding("region_abroad", ("region",), region)


def _edge_findings(plant: Plant) -> Iterator[Finding]:
    """Yield what is off the edges of base intervals: an interval has one day and one topology."""
    minutes = plant.base_interval_minutes
    hour, minute = (int(part) for part in plant.day_start.split(":"))
    if (hour * 60 + minute) % minutes:
        start = (hour * 60 + minute) // minutes * minutes
        near = f"{start // 60:02d}:{start % 60:02d}"
        yield finding(
            "day_start_edge", ("day_start",), plant.day_start, nearest=near, minutes=minutes
        )
    if plant.time_zone not in _known_zones():
        return
    local = plant.valid_from.astimezone(ZoneInfo(plant.time_zone))
    if local.minute % minutes or local.second or local.microsecond:
        edge = local.replace(minute=local.minute // minutes * minutes, second=0, microsecond=0)
        written = plant.valid_from.isoformat()
        yield finding(
            "valid_from_edge", ("valid_from",), written, nearest=edge.isoformat(), minutes=minutes
        )


def _park_findings(plant: Plant) -> Iterator[Finding]:
    if plant.kind == "enterprise" and plant.members:
        yield finding("member_of_enterprise", ("members",), plant.members)
    if plant.kind == "park" and plant.park is not None:
        yield finding("park_of_park", ("park",), plant.park)
    if plant.park == plant.tenant:
        yield finding("park_is_self", ("park",), plant.park)
    spans: dict[str, list[tuple[int, datetime, datetime | None]]] = {}
    for i, member in enumerate(plant.members):
        if member.tenant == plant.tenant:
            yield finding("park_is_self", ("members", i, "tenant"), member.tenant)
        yield from span_findings(("members", i), member.valid_from, member.valid_to)
        spans.setdefault(member.tenant, []).append((i, member.valid_from, member.valid_to))
    for rows in spans.values():
        for other, row in overlaps(rows):
            place: Place = ("members", row, "valid_from")
            value = plant.members[row].valid_from.isoformat()
            yield finding("span_overlap", place, value, other=f"members[{other}]")


def span_findings(place: Place, start: datetime | None, end: datetime | None) -> Iterator[Finding]:
    """Yield a finding if a span ends before it starts, or is empty."""
    if start is not None and end is not None and end <= start:
        yield finding("span_empty", (*place, "valid_to"), end.isoformat(), start=start.isoformat())


def _code_findings(plant: Plant) -> Iterator[Finding]:
    """Yield every code that another item of its kind has already."""
    listed: dict[str, Sequence[str]] = {
        "gateways": [gateway.code for gateway in plant.gateways],
        "nodes": [node.code for node in plant.nodes],
        "flows": [flow.code for flow in plant.flows],
        "meters": [meter.code for meter in plant.meters],
        "products": [product.code for product in plant.products],
        "virtual_meters": [meter.code for meter in plant.virtual_meters],
        "shifts": [shift.code for shift in plant.shifts],
        "benchmarks": [benchmark.code for benchmark in plant.benchmarks],
    }
    for collection, codes in listed.items():
        yield from _duplicates([((collection, i), code) for i, code in enumerate(codes)])
    yield from _duplicates(
        [
            (("meters", i, "points", j), point.code)
            for i, meter in enumerate(plant.meters)
            for j, point in enumerate(meter.points)
        ]
    )


def _duplicates(items: Iterable[tuple[Place, str]]) -> Iterator[Finding]:
    first: dict[str, Place] = {}
    for place, code in items:
        if code in first:
            other = finding("duplicate_code", first[code], other="").path
            yield finding("duplicate_code", (*place, "code"), code, other=other)
        else:
            first[code] = place


def _reference_findings(
    plant: Plant, also_known: Mapping[str, AbstractSet[str]]
) -> Iterator[Finding]:
    words = _Words(
        known={
            "nodes": {node.code for node in plant.nodes},
            "gateways": {gateway.code for gateway in plant.gateways},
            "points": {point.code for meter in plant.meters for point in meter.points},
        },
        also_known=also_known,
        nearest=Nearest(),
    )
    for place, collection, word in _references(plant):
        yield from words.unknown(collection, word, place)
    for i, flow in enumerate(plant.flows):
        if flow.carrier not in carriers():
            near = _carrier_meant(flow.carrier, words.nearest)
            yield finding("unknown_carrier", ("flows", i, "carrier"), flow.carrier, nearest=near)


def _references(plant: Plant) -> Iterator[tuple[Place, str, str]]:
    """Yield place, collection and code of everything that names something else."""
    optional: list[tuple[Place, str | None]] = [
        *((("members", i, "node"), member.node) for i, member in enumerate(plant.members)),
        *((("nodes", i, "parent"), node.parent) for i, node in enumerate(plant.nodes)),
        *((("meters", i, "node"), meter.node) for i, meter in enumerate(plant.meters)),
    ]
    for place, code in optional:
        if code is not None:
            yield place, "nodes", code
    for i, meter in enumerate(plant.meters):
        yield ("meters", i, "gateway"), "gateways", meter.gateway
    for i, node in enumerate(plant.nodes):
        if node.stock is not None:
            yield ("nodes", i, "stock", "point"), "points", node.stock.point
    for i, flow in enumerate(plant.flows):
        yield ("flows", i, "from"), "nodes", flow.from_node
        yield ("flows", i, "to"), "nodes", flow.to_node
        yield from _metering_references(("flows", i), flow.metered_by)
    for i, product in enumerate(plant.products):
        yield ("products", i, "node"), "nodes", product.node
        yield from _metering_references(("products", i), product.metered_by)


def _metering_references(
    place: Place, parts: Sequence[Metering]
) -> Iterator[tuple[Place, str, str]]:
    for i, part in enumerate(parts):
        yield (*place, "metered_by", i, "point"), "points", part.point


def _carrier_meant(word: str, nearest: Nearest) -> str | None:
    """Return the carrier whose code or name is nearest."""
    near = nearest.of(word, carriers())
    if near is None:
        by_name = {
            name: code for code, it in carriers().items() for name in (it.name_zh, it.name_en)
        }
        near = by_name.get(nearest.of(word, by_name) or "")
    return near


def _tree_findings(plant: Plant) -> Iterator[Finding]:
    """Yield each cycle of parents once, with its path."""
    parent = {node.code: node.parent for node in plant.nodes}
    row = {node.code: i for i, node in reversed(list(enumerate(plant.nodes)))}
    done: set[str] = set()
    for node in plant.nodes:
        path: dict[str, None] = {}
        code: str | None = node.code
        while code is not None and code in parent and code not in done and code not in path:
            path[code] = None
            code = parent[code]
        if code is not None and code in path:
            steps = list(path)
            cycle = [*steps[steps.index(code) :], code]
            if len(cycle) > _CYCLE_SHOWN_MAX:
                cycle = [*cycle[: _CYCLE_SHOWN_MAX - 2], "…", code]
            place: Place = ("nodes", row[code], "parent")
            yield finding("tree_cycle", place, parent[code], cycle=" → ".join(cycle))
        done.update(path)
