"""能量平衡 energy balance: reconciled flows with their uncertainty, tests, suspects and losses.

A base interval and a whole day are answered as they are stored; any other period is closed when it
is asked for, by the same formula, from the stored sums of its meters.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from compute.periods import Grain, to_us
from services import totals
from services.balance_figures import (
    BalancedFlow,
    GlobalTest,
    Message,
    NamedSuspect,
    flows_of,
    messages_of,
    named_suspect,
    stored_suspect,
    test_of,
    test_of_row,
)
from services.losses import NodeBalance, node_balances_of
from services.period_balance import closed_over, load_period, model_of
from services.provenance import BALANCE_FORMULA
from services.site_model import described_at
from services.store import balances
from services.store.balances import SuspectRow
from services.store.pool import Database
from services.totals import SiteState

_HISTORY_DAYS_MAX = {Grain.BASE: 32, Grain.DAY: 400}
_DAYS_MAX = 400


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance of a site over a period."""

    state: SiteState
    source: Literal["interval", "day", "period"]
    formula: int
    test: GlobalTest
    flows: list[BalancedFlow]
    nodes: list[NodeBalance]
    suspects: list[NamedSuspect]
    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Tested:
    """The tests of one interval or day."""

    start: datetime
    test: GlobalTest
    suspects: list[NamedSuspect]


async def balance(
    database: Database, *, tenant_id: int, site: str, start: datetime, end: datetime
) -> Balance:
    """Return the closed balance of a site over [start, end).

    Raises
    ------
    NotFound
        If the tenant has no such site, or nothing describes it then.
    RangeTooLarge, NotAnEdge
        If the period is too long or does not consist of base intervals.
    NetworkChanges
        If the description of the balances changes within the period.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        period = await load_period(connection, site, start=start, end=end, days_max=_DAYS_MAX)
        source, closed = await closed_over(connection, period)
    described = period.described
    return Balance(
        state=period.state,
        source=source,
        formula=BALANCE_FORMULA,
        test=test_of(closed),
        flows=flows_of(described, closed),
        nodes=node_balances_of(described, closed, hours=period.hours),
        suspects=[
            named_suspect(described, s.rows, s.z, s.bias_kwh, s.bias_sigma_kwh)
            for s in closed.suspects[0]
        ],
        messages=messages_of(described, closed),
    )


async def history(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    start: datetime,
    end: datetime,
    grain: Grain,
) -> tuple[SiteState, list[Tested]]:
    """Return the tests of every stored interval or day that starts in [start, end)."""
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        totals.check_span(start=start, end=end, days_max=_HISTORY_DAYS_MAX[grain])
        rows = await balances.read_balances(
            connection, site_id=state.site.id, grain=grain, start=start, end=end
        )
        suspects = await balances.read_suspects(
            connection, site_id=state.site.id, grain=grain, start=start, end=end
        )
        known = await balances.networks(connection, state.site.id)
        model = await model_of(connection, state.site.id)
    by_start: dict[datetime, list[SuspectRow]] = {}
    for suspect in suspects:
        by_start.setdefault(suspect.ts, []).append(suspect)
    return state, [
        Tested(
            start=row.ts,
            test=test_of_row(row),
            suspects=[
                stored_suspect(
                    known[row.network_id]["rows"], suspect, described_at(model, to_us(row.ts))
                )
                for suspect in by_start.get(row.ts, [])
            ],
        )
        for row in rows
    ]
