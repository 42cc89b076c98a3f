"""用能与碳排放预算 budgets: stating and correcting them, how they are used, and how they end.

Statements are only ever added, each with its reason: a corrected budget takes the place of the one
of its period, and both can be read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from compute.periods import from_us, to_us
from compute.topology import Float1D
from services import open_sums, totals
from services.benchmark_periods import CLOCKWORK, Clock
from services.json_values import finite, iso_utc
from services.open_sums import read_as_tenant
from services.refusal import NotFound, Refusal
from services.store import accounts, answers
from services.store import budgets as store
from services.store.budgets import GRAINS, BudgetPeriod, BudgetRow
from services.store.pool import Connection, Database
from services.totals import NotAnEdge, SiteState

BudgetQuantity = Literal[
    "energy_kwh",
    "coal_equivalent_tce",
    "coal_equal_tce",
    "emission_tco2e",
    "emission_direct_tco2e",
    "emission_purchased_tco2e",
    "demand_kw",
]
UNITS: dict[str, str] = {
    "energy_kwh": "kWh",
    "coal_equivalent_tce": "tce",
    "coal_equal_tce": "tce",
    "emission_tco2e": "tCO2e",
    "emission_direct_tco2e": "tCO2e",
    "emission_purchased_tco2e": "tCO2e",
    "demand_kw": "kW",
}
DEMAND = "demand_kw"
# A demand is of electricity, as a contract of supply is.
_DEMAND_CARRIER = "electricity"
# A year is no stored grain; its budget is kept as one more.
_SPAN_DAYS_MAX = 7_320


class BudgetUnfit(Refusal):
    """A budget of a quantity that has none over such a period."""

    code: ClassVar[str] = "invalid"


class BudgetUnchanged(Refusal):
    """A withdrawal of a budget that does not hold."""

    code: ClassVar[str] = "not_found"


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget that holds, and where its period stands; None: not known.

    Attributes
    ----------
    used, forecast, low, high : float or None
        In the unit of the quantity; `low` and `high` hold the end with a chance of 95 %.
    time_share : float
        How much of the period has passed, 0..1.
    """

    row: BudgetRow
    period: BudgetPeriod
    end_ts: datetime
    used: float | None
    forecast: float | None
    low: float | None
    high: float | None
    time_share: float


@dataclass(frozen=True, slots=True)
class BudgetsAnswer:
    """The budgets of the periods that hold an instant."""

    state: SiteState
    rows: list[Standing]


@dataclass(frozen=True, slots=True)
class StatementsAnswer:
    """Every statement of periods that begin in a span, and which of them hold."""

    state: SiteState
    rows: list[tuple[BudgetRow, bool]]


async def list_budgets(
    database: Database, *, tenant_id: int, site: str, at: datetime | None
) -> BudgetsAnswer:
    """Return the budgets of the periods that hold an instant, now unless one is named.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        instant = at or state.as_of
        found = await _holding_at(connection, state, instant)
        rows = [
            standing
            for period in GRAINS
            for standing in await _stand(connection, state, period, found, instant)
        ]
    return BudgetsAnswer(state, sorted(rows, key=lambda row: (row.row.node, row.row.quantity)))


async def list_statements(
    database: Database, *, tenant_id: int, site: str, start: datetime, end: datetime
) -> StatementsAnswer:
    """Return everything stated of periods that begin in [start, end), by node and revision.

    Raises
    ------
    NotFound, RangeTooLarge, NotAnEdge
        As their names say.
    """
    totals.check_span(start=start, end=end, days_max=_SPAN_DAYS_MAX)
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        rows = await store.list_rows(connection, state.site.id, start=start, end=end)
    held = {id(row) for row in store.holding(rows)}
    return StatementsAnswer(state, [(row, id(row) in held) for row in rows])


async def state_budget(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    site: str,
    node: str,
    quantity: BudgetQuantity,
    period: BudgetPeriod,
    start: datetime,
    amount: float | None,
    reason: str,
) -> BudgetRow:
    """State how much a node may use in a period; it takes the place of what was stated before.

    Parameters
    ----------
    node : str
        Code; "" for the site as a whole.
    start : datetime
        The start of the period, by the calendar of the site.
    amount : float or None
        In the unit of the quantity, >= 0; None withdraws the budget.
    reason : str
        Why, for who reads it later.

    Raises
    ------
    NotFound
        If the tenant has no such site or node.
    NotAnEdge
        If no such period begins there.
    BudgetUnfit
        If demand is not to be of a month.
    BudgetUnchanged
        If it is to be withdrawn, and does not hold.
    """
    if quantity == DEMAND and period != "month":
        raise BudgetUnfit(
            "demand is the highest of a month: state it with period month",
            "需量按月最大值考核：period 请用 month",
            pointer="period",
        )
    async with database.transaction(tenant_id) as connection:
        state = await totals.load_state(connection, site)
        if node and not await answers.list_series(
            connection, site_id=state.site.id, kind="node", code=node, carrier=""
        ):
            raise NotFound("node")
        _check_start(state, period, start)
        await store.lock(connection, state.site.id)
        before = [
            row
            for row in await _holding_at(connection, state, start)
            if (row.node, row.quantity, row.grain) == (node, quantity, GRAINS[period])
        ]
        if amount is None and not before:
            raise BudgetUnchanged(
                "no budget of this node, quantity and period holds: there is nothing to withdraw",
                "该节点、指标与周期没有现行预算，无可撤回",
                pointer="amount",
            )
        row = await store.add_row(
            connection,
            tenant_id=tenant_id,
            site_id=state.site.id,
            node=node,
            quantity=quantity,
            grain=GRAINS[period],
            start=start,
            amount=amount,
            reason=reason,
            actor=actor,
        )
        await accounts.record_change(
            connection,
            tenant_id=tenant_id,
            actor=actor,
            action="budget.state" if amount is not None else "budget.withdraw",
            object_kind="budget",
            object_code=f"{site}/{node}/{quantity}/{period}/{iso_utc(start)}",
            before={"amount": before[0].amount, "reason": before[0].reason} if before else None,
            after={"amount": amount, "reason": reason},
        )
    return row


def _clock(state: SiteState) -> Clock:
    return Clock(state.site.time_zone, state.day_start, state.site.base_interval_us)


def _check_start(state: SiteState, period: BudgetPeriod, start: datetime) -> None:
    first_us, next_us = open_sums.bounds_us(_clock(state), period, to_us(start))
    if from_us(first_us) != start:
        near = iso_utc(from_us(first_us)), iso_utc(from_us(next_us))
        raise NotAnEdge(
            f"start lies inside a {period} of the site ({state.site.time_zone}): use {near[0]} or"
            f" {near[1]}",
            f"start 落在一个统计周期（{period}，时区 {state.site.time_zone}）之内："
            f"请用 {near[0]} 或 {near[1]}",
            pointer="start",
        )


async def _holding_at(connection: Connection, state: SiteState, at: datetime) -> list[BudgetRow]:
    """Return the budgets that hold of the periods that hold an instant."""
    clock = _clock(state)
    bounds = {GRAINS[p]: open_sums.bounds_us(clock, p, to_us(at)) for p in GRAINS}
    rows = await store.list_rows(
        connection,
        state.site.id,
        start=from_us(min(start for start, _ in bounds.values())),
        end=from_us(to_us(at) + 1),
    )
    return [row for row in store.holding(rows) if to_us(row.start_ts) == bounds[row.grain][0]]


async def _stand(
    connection: Connection,
    state: SiteState,
    period: BudgetPeriod,
    rows: list[BudgetRow],
    at: datetime,
) -> list[Standing]:
    """Return where the budgets of one kind of period stand."""
    chosen = [row for row in rows if row.grain == GRAINS[period]]
    if not chosen:
        return []
    series = await answers.list_series(connection, site_id=state.site.id, kind="node", carrier="")
    series_id = np.array([row.id for row in series], dtype=np.int32)
    roots = [place for place, row in enumerate(series) if row.is_root]
    # The site as a whole is the row behind those of its nodes.
    codes = [*(row.code for row in series), *([""] if roots else [])]
    clock = _clock(state)
    bounds = open_sums.bounds_us(clock, period, to_us(at))
    sums = await open_sums.read_sums(
        connection,
        read_as_tenant,
        series_id=series_id,
        period=period,
        bounds=bounds,
        together=roots,
    )
    summed = sorted({row.quantity for row in chosen} - {DEMAND})
    paces = await open_sums.read_paces(
        connection,
        read_as_tenant,
        series_id=series_id,
        clock=clock,
        period=period,
        quantities=summed,
        now_us=min(to_us(at), bounds[1] - 1),
        together=roots,
    )
    is_over = to_us(state.as_of) >= bounds[1]
    step_us = CLOCKWORK[period].step_us
    ends = {
        name: open_sums.forecast_of(sums, name, paces[name], step_us=step_us, is_over=is_over)
        for name in summed
    }
    used = {name: sums.of(name) for name in summed}
    has_demand = any(row.quantity == DEMAND for row in chosen)
    demand_kw = await _demands(connection, state, bounds) if has_demand else {}
    figure = partial(_figure, codes)
    return [
        Standing(
            row=row,
            period=period,
            end_ts=from_us(bounds[1]),
            used=demand_kw.get(row.node) if row.quantity == DEMAND else figure(used, row),
            forecast=figure({name: end.value for name, end in ends.items()}, row),
            low=figure({name: end.low for name, end in ends.items()}, row),
            high=figure({name: end.high for name, end in ends.items()}, row),
            time_share=_share_passed(state, bounds),
        )
        for row in chosen
    ]


async def _demands(
    connection: Connection, state: SiteState, bounds: tuple[int, int]
) -> dict[str, float | None]:
    """Return the highest demand of a period so far, of each node and "" the site. [kW]."""
    series = await answers.list_series(
        connection, site_id=state.site.id, kind="node", carrier=_DEMAND_CARRIER
    )
    roots = [place for place, row in enumerate(series) if row.is_root]
    highest = await open_sums.read_demand_kw(
        connection,
        read_as_tenant,
        series_id=np.array([row.id for row in series], dtype=np.int32),
        start_us=bounds[0],
        end_us=bounds[1],
        base_interval_us=state.site.base_interval_us,
        together=roots,
    )
    codes = [*(row.code for row in series), *([""] if roots else [])]
    return {code: finite(float(kw)) for code, kw in zip(codes, highest, strict=False)}


def _figure(codes: Sequence[str], of: Mapping[str, Float1D], row: BudgetRow) -> float | None:
    """Return the figure of a budget's quantity and node, if it is known."""
    if row.node not in codes or row.quantity not in of:
        return None
    return finite(float(of[row.quantity][codes.index(row.node)]))


def _share_passed(state: SiteState, bounds: tuple[int, int]) -> float:
    passed = (to_us(state.as_of) - bounds[0]) / (bounds[1] - bounds[0])
    return min(max(passed, 0.0), 1.0)
