"""碳排放核算 carbon accounting: direct and purchased emission of a site over a period.

GB/T 32150-2015. The total is that of the site's boundary: what its sources emit, less what is
sold. Each figure names the factors it stands on, and each factor that was missing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services import totals
from services.boundary import CarrierTotal, by_carrier, entering_flows
from services.plant.model import Name
from services.plant_history import plants_over
from services.store import answers
from services.store.answers import FactorSetRow
from services.store.pool import Database
from services.totals import SiteState, Total


@dataclass(frozen=True, slots=True)
class SourceEmission:
    """Emission that one flow from a source brought into the site."""

    flow: str
    name: Name | None
    source: str
    carrier: str
    unit: str
    total: Total


@dataclass(frozen=True, slots=True)
class CarbonAccount:
    """Emission of a site over a period, with its factors.

    `used` and `missing` are lines of the stored factor sets, each once; those used say in how many
    base intervals (`interval_count`).
    """

    state: SiteState
    total: Total | None
    emission_total_tco2e: float | None
    carriers: list[CarrierTotal]
    sources: list[SourceEmission]
    used: list[dict[str, Any]]
    missing: list[dict[str, Any]]


async def account(
    database: Database, *, tenant_id: int, site: str, start: datetime, end: datetime
) -> CarbonAccount:
    """Return the emission of a site in [start, end) by carrier and by source.

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
        spans = await plants_over(connection, state.site.id, start=start, end=end)
        series = await answers.list_series(connection, site_id=state.site.id)
        roots = [row for row in series if row.kind == "node" and row.is_root]
        entering = entering_flows(span.plant for span in spans)
        flows = [
            row for row in series if row.kind == "flow" and (row.code, row.carrier) in entering
        ]
        summed = await totals.sum_series(
            connection,
            state,
            series_ids=[row.id for row in (*roots, *flows)],
            spans=[(start, end)],
        )
        sets = await answers.list_factor_sets(
            connection, site_id=state.site.id, start=start, end=end
        )
    total = summed.added(row.id for row in roots if not row.carrier)
    return CarbonAccount(
        state=state,
        total=total,
        emission_total_tco2e=None if total is None else total_emission(total),
        carriers=by_carrier(roots, summed),
        sources=[
            SourceEmission(
                flow=row.code,
                name=entering[row.code, row.carrier].name,
                source=entering[row.code, row.carrier].from_node,
                carrier=row.carrier,
                unit=row.unit,
                total=summed.of(row.id),
            )
            for row in flows
        ],
        used=_used(sets),
        missing=_of_emission(line for row in sets for line in row.factors.get("missing", [])),
    )


def total_emission(total: Total) -> float | None:
    """Return direct and purchased emission together; None if either is invalid. [tCO2e]."""
    parts = (total.emission_direct_tco2e, total.emission_purchased_tco2e)
    known = [part for part in parts if part is not None]
    return math.fsum(known) if len(known) == len(parts) else None


def _used(sets: list[FactorSetRow]) -> list[dict[str, Any]]:
    """Return the emission lines of several factor sets with how many base intervals used each."""
    lines = _of_emission(line for row in sets for line in row.factors.get("used", []))
    return [
        {
            **line,
            "interval_count": sum(
                row.interval_count for row in sets if line in row.factors.get("used", [])
            ),
        }
        for line in lines
    ]


def _of_emission(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines that are of an emission, each once, in their first order."""
    found: list[dict[str, Any]] = []
    for line in lines:
        if str(line.get("quantity", "")).startswith("emission") and line not in found:
            found.append(line)
    return found
