"""From a figure back to what it was computed from: readings, description, factors, formula."""

from dataclasses import dataclass
from datetime import datetime

from services import totals
from services.provenance import CLAUSES
from services.store import answers, data_audit
from services.store.answers import FactorSetRow, ProvenanceRow
from services.store.data_audit import DecisionRow
from services.store.pool import Database
from services.totals import SiteState

_DAYS_MAX = 31


@dataclass(frozen=True, slots=True)
class TracingAnswer:
    """A page of what base intervals were computed from, with the factor sets they name."""

    state: SiteState
    rows: list[ProvenanceRow]
    factor_sets: list[FactorSetRow]
    decisions: list[DecisionRow]
    clauses: tuple[str, ...]
    after: datetime | None


async def trace_results(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    start: datetime,
    end: datetime,
    limit: int,
) -> TracingAnswer:
    """Return what the base intervals that start in [start, end) were computed from.

    Raises
    ------
    NotFound, RangeTooLarge, NotAnEdge
        As their names say.
    """
    totals.check_span(start=start, end=end, days_max=_DAYS_MAX)
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        rows = await answers.list_provenance(
            connection, site_id=state.site.id, start=start, end=end, limit=limit + 1
        )
        after = rows[limit].ts if len(rows) > limit else None
        sets = await answers.list_factor_sets(
            connection, site_id=state.site.id, start=start, end=after or end
        )
        decisions = await data_audit.list_standing(
            connection, site_id=state.site.id, start=start, end=after or end
        )
    return TracingAnswer(state, rows[:limit], sets, decisions, CLAUSES, after)
