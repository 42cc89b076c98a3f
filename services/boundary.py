"""What crosses the boundary of a site: by carrier in all, and flow by flow from outside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.plant.model import Flow, Plant
from services.reference import load_tables
from services.store.answers import SeriesRow
from services.totals import Total, Totals


@dataclass(frozen=True, slots=True)
class CarrierTotal:
    """One carrier over the boundary of a site, net of what leaves."""

    carrier: str
    name_zh: str
    name_en: str
    unit: str
    total: Total


def by_carrier(roots: Sequence[SeriesRow], summed: Totals) -> list[CarrierTotal]:
    """Return the total of each carrier over the root nodes' boundaries, by code."""
    known = load_tables().carriers
    found = []
    for carrier in sorted({row.carrier for row in roots if row.carrier}):
        rows = [row for row in roots if row.carrier == carrier]
        # One root is the rule. Several add up, but for the amount, which each shows itself.
        total = summed.of(rows[0].id) if len(rows) == 1 else summed.added(row.id for row in rows)
        if total is None:
            raise AssertionError("a carrier has a row")
        name = known.get(carrier)
        found.append(
            CarrierTotal(
                carrier=carrier,
                name_zh=carrier if name is None else name.name_zh,
                name_en=carrier if name is None else name.name_en,
                unit=rows[0].unit,
                total=total,
            )
        )
    return found


def entering_flows(plants: Iterable[Plant]) -> dict[tuple[str, str], Flow]:
    """Return the flows from outside into the site, by code and carrier; the last description's."""
    entering = {}
    for plant in plants:
        outside = {node.code for node in plant.nodes if node.kind in {"source", "delivery"}}
        for flow in plant.flows:
            if flow.from_node in outside and flow.to_node not in outside:
                entering[flow.code, flow.carrier] = flow
    return entering
