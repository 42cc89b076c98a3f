"""A site settled one interval and one row at a time, with dictionaries."""

import math
from dataclasses import dataclass, field

from compute.block import VALUE_COLUMNS
from compute.quality import Quality
from compute.register import IntervalAmounts
from compute.settle import SeriesKey
from compute.topology import CarrierFactors, NodeKind, Topology
from tests.twins import flow as tracing
from tests.twins.balance import derived
from tests.twins.digest import digest, signed

NAN = math.nan
KINDS_WITH_RESIDUAL = (NodeKind.CONVERSION, NodeKind.BUS, NodeKind.STORAGE)


class ClosedLoopError(Exception):
    """A loop that nothing leaves, of which the twin of the tracing gives up the whole plant."""


@dataclass
class Row:
    figures: dict[str, float]
    covered_us: int = 0
    reading_count: int = 0
    quality: int = 0
    input_hash: int = 0


@dataclass
class Site:
    topology: Topology
    amounts: IntervalAmounts
    factors: CarrierFactors
    j: int
    rows: dict[SeriesKey, Row] = field(default_factory=dict)

    def outside(self, node: int) -> bool:
        return self.topology.node_kind[node] in (NodeKind.SOURCE, NodeKind.DELIVERY)

    def inside(self, node: int, boundary: int) -> bool:
        if self.outside(node):
            return False
        while node >= 0:
            if node == boundary:
                return True
            node = int(self.topology.node_parent_index[node])
        return False


def only(amount: float) -> dict[str, float]:
    return {name: amount if name == "amount" else NAN for name in VALUE_COLUMNS}


def summed(members: list[tuple[Row, float]], *, needs_all: bool) -> Row:
    known = [(row, w) for row, w in members if not math.isnan(row.figures["amount"])]
    quality = 0
    for row, _ in members:
        quality |= row.quality
    figures = {
        name: sum(weight * row.figures[name] for row, weight in known) for name in VALUE_COLUMNS
    }
    if not known or (needs_all and len(known) < len(members)):
        figures = dict.fromkeys(VALUE_COLUMNS, NAN)
        quality = (quality | Quality.MISSING) & ~Quality.FACTOR_MISSING
    elif len(known) < len(members):
        quality |= Quality.MISSING | Quality.PARTIAL
    return Row(
        figures,
        min((row.covered_us for row, _ in members), default=0),
        sum(row.reading_count for row, _ in members),
        int(quality),
        signed(digest(row.input_hash for row, _ in members)),
    )


def settle(
    topology: Topology, amounts: IntervalAmounts, factors: CarrierFactors, j: int
) -> dict[SeriesKey, Row]:
    site = Site(topology, amounts, factors, j)
    points = [
        Row(
            only(float(amounts.amount[p, j])),
            int(amounts.covered_us[p, j]),
            int(amounts.reading_count[p, j]),
            int(amounts.quality[p, j]),
            int(amounts.input_hash[p, j]),
        )
        for p in range(len(topology.points.code))
    ]
    for code, row in zip(topology.points.code, points, strict=True):
        site.rows[SeriesKey("point", code, "")] = row
    flows = metered_flows(site, points)
    add_unmetered(site, flows)
    own = add_factors(site, flows)
    add_traced(site, flows, own)
    for f, row in enumerate(flows):
        carrier = topology.carrier_code[topology.flow_carrier_index[f]]
        site.rows[SeriesKey("flow", topology.flow_code[f], carrier)] = row
    add_nodes(site, flows, own)
    add_residuals(site, flows)
    for q, code in enumerate(topology.product_code):
        span = range(topology.product_offset[q], topology.product_offset[q + 1])
        members = [
            (points[topology.product_point_index[k]], float(topology.product_point_weight[k]))
            for k in span
        ]
        row = summed(members, needs_all=True)
        site.rows[SeriesKey("product", code, "")] = Row(
            only(row.figures["amount"]),
            row.covered_us,
            row.reading_count,
            row.quality,
            row.input_hash,
        )
    return site.rows


def metered_flows(site: Site, points: list[Row]) -> list[Row]:
    topology = site.topology
    flows = []
    for f in range(len(topology.flow_code)):
        span = range(topology.flow_offset[f], topology.flow_offset[f + 1])
        members = [
            (points[topology.flow_point_index[k]], float(topology.flow_point_weight[k]))
            for k in span
        ]
        flows.append(summed(members, needs_all=True))
    return flows


def add_unmetered(site: Site, flows: list[Row]) -> None:
    per_unit = [float(site.factors.energy_kwh[c]) for c in site.topology.flow_carrier_index]
    found, origins = derived(site.topology, [row.figures["amount"] for row in flows], per_unit)
    for f, others in origins.items():
        quality = int(Quality.DERIVED)
        for other in others:
            quality |= flows[other].quality
        flows[f] = Row(
            only(found[f]),
            min(flows[other].covered_us for other in others),
            0,
            quality,
            signed(digest(flows[other].input_hash for other in others)),
        )


def add_factors(site: Site, flows: list[Row]) -> list[tuple[float, float]]:
    """Write energy and standard coal; return the emission by factor, direct and purchased."""
    own = []
    for f, row in enumerate(flows):
        c = int(site.topology.flow_carrier_index[f])
        amount = row.figures["amount"]
        row.figures["energy_kwh"] = amount * float(site.factors.energy_kwh[c])
        row.figures["coal_equivalent_tce"] = amount * float(site.factors.coal_equivalent_tce[c])
        row.figures["coal_equal_tce"] = amount * float(site.factors.coal_equal_tce[c])
        burns = not site.topology.flow_is_feedstock[f]
        own.append(
            (
                amount * (float(site.factors.emission_direct_tco2e[c]) if burns else 0.0),
                amount * purchased(site, c),
            )
        )
    return own


def purchased(site: Site, c: int) -> float:
    """Return the factor of a carrier: of all intervals, or of this one."""
    factors = site.factors.emission_purchased_tco2e
    return float(factors[c] if factors.ndim == 1 else factors[c, site.j])


def add_traced(site: Site, flows: list[Row], own: list[tuple[float, float]]) -> None:
    topology = site.topology
    known = [f for f, row in enumerate(flows) if not math.isnan(row.figures["amount"])]
    tainted = tainted_nodes(site, flows)
    for layer, name in enumerate(VALUE_COLUMNS[4:]):
        moves = [
            tracing.Move(
                int(topology.flow_from_index[f]),
                int(topology.flow_to_index[f]),
                flows[f].figures["energy_kwh"],
                own[f][layer],
            )
            for f in known
        ]
        mix = tracing.intensities([NodeKind(kind) for kind in topology.node_kind], moves)
        for f, move in zip(known, moves, strict=True):
            origin = move.target if move.energy_kwh < 0 else move.origin
            x = mix[origin]
            if x is None:
                raise ClosedLoopError(topology.node_code[origin])
            carried = own[f][layer] if site.outside(origin) else move.energy_kwh * float(x)
            flows[f].figures[name] = carried
            if layer == 0 and origin in tainted and not site.outside(origin):
                flows[f].quality |= Quality.PARTIAL


def tainted_nodes(site: Site, flows: list[Row]) -> set[int]:
    topology = site.topology
    ends = [
        (int(a), int(b))
        for a, b in zip(topology.flow_from_index, topology.flow_to_index, strict=True)
    ]
    tainted = {
        node
        for f, row in enumerate(flows)
        if math.isnan(row.figures["amount"])
        for node in ends[f]
        if not site.outside(node)
    }
    for _ in topology.node_code:
        for f, row in enumerate(flows):
            energy = row.figures["energy_kwh"]
            origin, target = ends[f] if not energy < 0 else ends[f][::-1]
            if not math.isnan(energy) and energy and origin in tainted and not site.outside(target):
                tainted.add(target)
    return tainted


def add_nodes(site: Site, flows: list[Row], own: list[tuple[float, float]]) -> None:
    topology = site.topology
    counted = []
    for f, row in enumerate(flows):
        figures = dict(row.figures)
        if site.outside(topology.flow_from_index[f]) or site.outside(topology.flow_to_index[f]):
            figures["emission_direct_tco2e"], figures["emission_purchased_tco2e"] = own[f]
        counted.append(Row(figures, row.covered_us, row.reading_count, row.quality, row.input_hash))
    for node, code in enumerate(topology.node_code):
        if site.outside(node):
            continue
        crossing: list[tuple[int, float]] = []
        for f in range(len(flows)):
            starts_in = site.inside(int(topology.flow_from_index[f]), node)
            ends_in = site.inside(int(topology.flow_to_index[f]), node)
            if starts_in != ends_in:
                crossing.append((f, 1.0 if ends_in else -1.0))
        for c, carrier in enumerate(topology.carrier_code):
            members = [(counted[f], w) for f, w in crossing if topology.flow_carrier_index[f] == c]
            if members:
                site.rows[SeriesKey("node", code, carrier)] = summed(members, needs_all=False)
        row = summed([(counted[f], w) for f, w in crossing], needs_all=False)
        row.figures["amount"] = NAN
        site.rows[SeriesKey("node", code, "")] = row


def add_residuals(site: Site, flows: list[Row]) -> None:
    topology = site.topology
    for node, code in enumerate(topology.node_code):
        members = []
        for f, row in enumerate(flows):
            origin, target = topology.flow_from_index[f], topology.flow_to_index[f]
            if origin != target and node in (origin, target):
                members.append((row, 1.0 if target == node else -1.0))
        signs = {weight for _, weight in members}
        if topology.node_kind[node] in KINDS_WITH_RESIDUAL and signs == {1.0, -1.0}:
            row = summed(members, needs_all=True)
            row.figures["amount"] = NAN
            site.rows[SeriesKey("residual", code, "")] = row
