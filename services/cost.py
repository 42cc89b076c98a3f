"""用能成本 what energy costs, from stored base intervals and the tariffs that held then.

It is computed when it is asked for, so that late readings and corrected prices are in the next
answer.

A contract is what one tariff prices: a flow, or all flows of a carrier that enter the site and
have no tariff of their own. `cost_cny` is the charge by amount, exact, so that intervals add up;
the basic charge of a month and the rounding to the fen are for the bill (`services.bill`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import numpy as np

from compute.periods import Grain, from_us, midnight_us, to_us, wall_clock_us
from compute.tariff import Charges, Priced, charge, price_intervals, sum_groups
from compute.tariff import TariffVersion as Compiled
from compute.topology import Float1D, Int1D
from compute.units import conversion
from services.plant.amounts import carrier_unit
from services.plant.compile_tariff import compile_version
from services.plant.tariff import TariffVersion
from services.plant_history import plants_over
from services.store import answers, tariffs
from services.store.answers import SeriesRow
from services.store.pool import Connection
from services.store.tariffs import Target, TariffRow
from services.totals import SiteState

# Base intervals are read for it, not months: two years and what steps look back on.
COST_DAYS_MAX = 800


class Unpriced(StrEnum):
    """Why there is no cost."""

    NO_TARIFF = "no_tariff"
    NOT_PRICED = "not_priced"
    PRICED_TOGETHER = "priced_together"
    PERIOD_TOO_LONG = "period_too_long"
    NOTHING_KNOWN = "nothing_known"


@dataclass(frozen=True, slots=True)
class Cost:
    """What something cost over a period, or why that is not known.

    Attributes
    ----------
    cny : float or None
        Charge by amount; negative is income. [CNY]
    known_share : float
        Share of the base intervals that have passed whose amount and price are known, 0..1.
    without_tariff : tuple of str
        Flows that enter the site and have no tariff: they are in no sum.
    tariffs : tuple of TariffRow
        The versions that it is computed with.
    """

    cny: float | None
    reason: Unpriced | None
    known_share: float
    without_tariff: tuple[str, ...] = ()
    tariffs: tuple[TariffRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """What one tariff prices, and what it cost.

    Attributes
    ----------
    flow_amount : mapping of str to (k,) float64
        Amount of each of its flows. [unit of the carrier]
    amount : (k,) float64
        Their sum; NaN where none is known.
    start_us : int
        Start of interval 0, which may lie before what was asked for. [µs since 1970-01-01 UTC]
    """

    target: Target
    carrier: str
    rows: tuple[TariffRow, ...]
    written: tuple[TariffVersion, ...]
    compiled: tuple[Compiled, ...]
    flow_amount: Mapping[str, Float1D]
    amount: Float1D
    start_us: int
    priced: Priced
    charges: Charges

    def cost_of(self, flow: str) -> Float1D | None:
        """Return the cost of one of its flows; None if steps price several flows together."""
        if len(self.flow_amount) == 1:
            return self.charges.cost_cny
        if any(len(version.step_above) > 1 for version in self.compiled):
            return None
        # A first step from 0 on is a part of the price; before the first version that is NaN.
        added_cny = np.array([version.step_add_cny[0] for version in self.compiled])
        price_cny: Float1D = self.priced.price_cny + added_cny[self.priced.version]
        return self.flow_amount[flow] * price_cny

    def used(self, first: int) -> tuple[TariffRow, ...]:
        """Return the versions that price any interval from one on."""
        return tuple(self.rows[i] for i in np.unique(self.priced.version[first:]) if i >= 0)


@dataclass(frozen=True, slots=True)
class SiteCosts:
    """The contracts of a site over [start, end), and what has none.

    Attributes
    ----------
    crossing : frozenset of str
        Flows over the boundary of the site: what the site pays for.
    without_tariff : mapping of str to str
        Flows that enter the site and have no tariff, with their carriers.
    """

    state: SiteState
    start: datetime
    end: datetime
    contracts: tuple[Contract, ...]
    crossing: frozenset[str]
    without_tariff: Mapping[str, str]

    def of_flow(self, flow: str) -> "Costed":
        """Return the cost of a flow."""
        for contract in self.contracts:
            if flow in contract.flow_amount:
                cost_cny = contract.cost_of(flow)
                if cost_cny is None:
                    return Costed(self, (), Unpriced.PRICED_TOGETHER, ())
                return Costed(self, ((contract, cost_cny),), None, ())
        return Costed(self, (), Unpriced.NO_TARIFF, ())

    def of_site(self, carrier: str = "") -> "Costed":
        """Return the cost of what crosses the boundary of the site: one carrier, or in all."""
        parts = tuple(
            (contract, contract.charges.cost_cny)
            for contract in self.contracts
            if carrier in ("", contract.carrier) and self.crossing >= contract.flow_amount.keys()
        )
        without = tuple(
            flow for flow, its in sorted(self.without_tariff.items()) if carrier in ("", its)
        )
        return Costed(self, parts, None if parts else Unpriced.NO_TARIFF, without)


@dataclass(frozen=True, slots=True)
class Costed:
    """Costs of base intervals, to be added up over periods."""

    site: SiteCosts
    parts: tuple[tuple[Contract, Float1D], ...]
    reason: Unpriced | None
    without_tariff: tuple[str, ...]

    def by_interval(self, edges: Sequence[datetime]) -> list[float | None]:
        """Return the sum over each period between edges; None where nothing is known."""
        total = np.zeros(len(edges) - 1)
        known = np.zeros(len(edges) - 1, dtype=np.int64)
        for contract, cost_cny in self.parts:
            added, count = sum_groups(cost_cny, self._offset(contract, edges))
            total += np.where(count > 0, added, 0.0)
            known += count
        return [float(value) if count else None for value, count in zip(total, known, strict=True)]

    def total(self) -> Cost:
        """Return the sum over the whole period."""
        if self.reason is not None:
            return Cost(None, self.reason, 0.0, self.without_tariff)
        cny = self.by_interval([self.site.start, self.site.end])[0]
        passed = min(self.site.end, max(self.site.state.as_of, self.site.start))
        known = expected = 0
        used: list[TariffRow] = []
        for contract, cost_cny in self.parts:
            first, last = self._offset(contract, [self.site.start, passed])
            known += int(np.count_nonzero(~np.isnan(cost_cny[first:last])))
            expected += int(last - first)
            used += contract.used(int(first))
        return Cost(
            cny=cny,
            reason=Unpriced.NOTHING_KNOWN if cny is None else None,
            known_share=known / expected if expected else 0.0,
            without_tariff=self.without_tariff,
            tariffs=tuple(used),
        )

    def _offset(self, contract: Contract, edges: Sequence[datetime]) -> Int1D:
        step_us = self.site.state.site.base_interval_us
        edges_us = np.array([to_us(edge) for edge in edges], dtype=np.int64)
        return np.clip(
            -((contract.start_us - edges_us) // step_us), 0, len(contract.amount)
        ).astype(np.int64)


async def load_costs(
    connection: Connection,
    state: SiteState,
    *,
    start: datetime,
    end: datetime,
    whole_months: bool = False,
) -> SiteCosts | Unpriced:
    """Return what the energy of a site cost in [start, end), base interval by base interval.

    Parameters
    ----------
    connection : Connection
        In the snapshot of the answer.
    state : SiteState
    start, end : datetime
        Edges of base intervals.
    whole_months : bool
        Read from the beginning of the first month, as a bill needs, even where no step looks back.

    Returns
    -------
    costs : SiteCosts, or why there are none
    """
    if end - start > timedelta(days=COST_DAYS_MAX):
        return Unpriced.PERIOD_TOO_LONG
    held = tariffs.holding(await tariffs.list_rows(connection, state.site.id))
    if not held:
        return Unpriced.NO_TARIFF
    flows = await _flows(connection, state, start=start, end=end)
    priced_flows = _priced_flows(held, flows)
    series = {
        row.code: row
        for row in await answers.list_series(connection, site_id=state.site.id, kind="flow")
        if row.code in flows and row.carrier == flows[row.code].carrier
    }
    contracts = []
    for target, codes in priced_flows.items():
        rows = [series[code] for code in codes if code in series]
        if rows:
            contracts.append(
                await _contract(
                    connection,
                    state,
                    target=target,
                    rows=held[target],
                    series=rows,
                    span=(start, end),
                    whole_months=whole_months,
                )
            )
    has_tariff = {code for codes in priced_flows.values() for code in codes}
    return SiteCosts(
        state=state,
        start=start,
        end=end,
        contracts=tuple(contracts),
        crossing=frozenset(code for code, flow in flows.items() if flow.enters or flow.leaves),
        without_tariff={
            code: flow.carrier
            for code, flow in flows.items()
            if flow.enters and code not in has_tariff
        },
    )


def cost_of_site(costs: SiteCosts | Unpriced, carrier: str = "") -> Cost:
    """Return what crosses the boundary of a site cost: one carrier, or in all."""
    if isinstance(costs, Unpriced):
        return Cost(None, costs, 0.0)
    return costs.of_site(carrier).total()


@dataclass(frozen=True, slots=True)
class _FlowPlace:
    carrier: str
    enters: bool
    leaves: bool


async def _flows(
    connection: Connection, state: SiteState, *, start: datetime, end: datetime
) -> dict[str, _FlowPlace]:
    """Return every flow that a description of the period has, and where it runs; the last's."""
    found = {}
    for span in await plants_over(connection, state.site.id, start=start, end=end):
        nodes = span.plant.nodes
        outside = {node.code for node in nodes if node.kind in {"source", "delivery"}}
        for flow in span.plant.flows:
            found[flow.code] = _FlowPlace(
                carrier=flow.carrier,
                enters=flow.from_node in outside and flow.to_node not in outside,
                leaves=flow.to_node in outside and flow.from_node not in outside,
            )
    return found


def _priced_flows(
    held: Iterable[Target], flows: Mapping[str, _FlowPlace]
) -> dict[Target, list[str]]:
    """Return the flows of each contract: a flow's own tariff goes before that of its carrier."""
    targets = sorted(held)
    own = {code for kind, code in targets if kind == "flow"}
    return {
        (kind, code): [code]
        if kind == "flow"
        else [
            flow
            for flow, place in sorted(flows.items())
            if place.enters and place.carrier == code and flow not in own
        ]
        for kind, code in targets
    }


async def _contract(
    connection: Connection,
    state: SiteState,
    *,
    target: Target,
    rows: Sequence[TariffRow],
    series: Sequence[SeriesRow],
    span: tuple[datetime, datetime],
    whole_months: bool,
) -> Contract:
    carrier = series[0].carrier
    written = [TariffVersion.model_validate_json(msgspec.json.encode(row.document)) for row in rows]
    compiled = [
        compile_version(
            version,
            time_zone=state.site.time_zone,
            scale=conversion(carrier_unit(carrier), version.unit),
        )
        for version in written
    ]
    start_us = to_us(_look_back(state, compiled, span[0], whole_months=whole_months))
    step_us = state.site.base_interval_us
    count = (to_us(span[1]) - start_us) // step_us
    columns = await answers.result_columns(
        connection,
        series_ids=[row.id for row in series],
        grain=Grain.BASE,
        start=from_us(start_us),
        end=span[1],
    )
    flow_amount = {}
    for row in series:
        amount = np.full(count, np.nan)
        its = columns.series_id == row.id
        amount[(columns.ts_us[its] - start_us) // step_us] = columns.measures[its, 0]
        flow_amount[row.code] = amount
    amount = _sum_known(list(flow_amount.values()))
    local_us = wall_clock_us(
        start_us=start_us, step_us=step_us, count=count, time_zone=state.site.time_zone
    )
    priced = price_intervals(compiled, local_us=local_us, start_us=start_us, step_us=step_us)
    return Contract(
        target=target,
        carrier=carrier,
        rows=tuple(rows),
        written=tuple(written),
        compiled=tuple(compiled),
        flow_amount=flow_amount,
        amount=amount,
        start_us=start_us,
        priced=priced,
        charges=charge(amount, priced=priced, versions=compiled),
    )


def _sum_known(amounts: Sequence[Float1D]) -> Float1D:
    """Return the sum of what is known of each interval; NaN where nothing is."""
    stacked = np.stack(amounts)
    unknown = np.isnan(stacked)
    total: Float1D = np.where(unknown, 0.0, stacked).sum(axis=0)
    total[unknown.all(axis=0)] = np.nan
    return total


def _look_back(
    state: SiteState, compiled: Sequence[Compiled], start: datetime, *, whole_months: bool
) -> datetime:
    """Return from when on amounts are needed: steps count from the month's or year's first day."""
    by_step = [version for version in compiled if len(version.step_above) > 1]
    step_us = state.site.base_interval_us
    local_us = wall_clock_us(
        start_us=to_us(start), step_us=step_us, count=1, time_zone=state.site.time_zone
    )
    day = from_us(int(local_us[0])).date().replace(day=1)
    if any(version.steps_by_year for version in by_step):
        day = day.replace(month=1)
    elif not by_step and not whole_months:
        return start
    return from_us(midnight_us(day, state.site.time_zone))
