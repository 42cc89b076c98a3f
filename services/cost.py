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

import numpy as np

from compute.periods import to_us
from compute.tariff import sum_groups
from compute.topology import Float1D, Int1D
from services.contract import Contract, load_contract
from services.plant_history import plants_over
from services.store import answers, tariffs
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
    flow: str | None = None,
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
    flow : str or None
        Only the contract that prices this flow is wanted.
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
    if not flows:
        # Before the first description nothing was measured either.
        return Unpriced.NOTHING_KNOWN
    priced_flows = {
        target: codes
        for target, codes in _priced_flows(held, flows).items()
        if flow is None or flow in codes
    }
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
                await load_contract(
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
        crossing=frozenset(code for code, its in flows.items() if its.enters or its.leaves),
        without_tariff={
            code: its.carrier
            for code, its in flows.items()
            if its.enters and code not in has_tariff
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
