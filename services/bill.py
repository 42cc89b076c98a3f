"""电费单 the bill of each month: by band and step, the basic charge, every line to the fen.

A bill is made anew from the stored intervals and the versions that hold, so a corrected price or a
late reading gives another bill; each line says which version it is of.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np

from compute.bill import chargeable, exact, line_cny
from compute.demand import Demand, demand_by_month
from compute.periods import from_us, midnight_us, to_us, wall_clock_us
from compute.units import conversion
from services import totals
from services.contract import Contract
from services.cost import COST_DAYS_MAX, SiteCosts, Unpriced, load_costs
from services.plant.amounts import carrier_unit
from services.plant.compile_tariff import compile_basic
from services.plant.tariff import BasicMethodName
from services.plant.words import Name
from services.store.pool import Database
from services.store.tariffs import Target, TariffRow
from services.totals import SiteState

_US_PER_MINUTE = 60_000_000
_BASIC_NAMES = {
    "demand": ("基本电费（实际最大需量）", "Basic charge by actual demand"),
    "contract": ("基本电费（合同需量）", "Basic charge by agreed demand"),
    "capacity": ("基本电费（变压器容量）", "Basic charge by capacity"),
}


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill.

    Attributes
    ----------
    kind : str
        "band" (by time of use), "step" (surcharge by amount), "basic" (by power).
    valid_from : date
        The version of the tariff that it is of.
    quantity : float or None
        Amount, or power; None where the highest demand is not known.
    share : float
        Part of the month that a basic charge is for, 0..1; 1 for other lines.
    price : float
        CNY per unit, and month for a basic charge.
    cny : Decimal or None
        quantity x price x share, rounded half up to the fen.
    """

    kind: str
    code: str
    name_zh: str
    name_en: str
    valid_from: date
    quantity: float | None
    unit: str
    share: float
    price: float
    cny: Decimal | None


@dataclass(frozen=True, slots=True)
class MonthBill:
    """The bill of one contract for one calendar month of the site.

    Attributes
    ----------
    is_open : bool
        The month is not over: what it came to so far.
    total_cny : Decimal or None
        Sum of the lines as printed; None where one of them is not known.
    power_kw_max, power_at
        Highest demand and the start of its window, where a basic charge asks for it.
    known_share : float
        Share of the base intervals that have passed whose amount and price are known, 0..1.
    """

    start: datetime
    end: datetime
    is_open: bool
    lines: tuple[BillLine, ...]
    total_cny: Decimal | None
    power_kw_max: float | None
    power_at: datetime | None
    known_share: float


@dataclass(frozen=True, slots=True)
class ContractBill:
    """The bills of one contract."""

    target: Target
    carrier: str
    flows: tuple[str, ...]
    tariffs: tuple[TariffRow, ...]
    months: tuple[MonthBill, ...]


@dataclass(frozen=True, slots=True)
class BillAnswer:
    """The bills of a site; why there are none; and what no tariff prices."""

    state: SiteState
    reason: Unpriced | None
    contracts: tuple[ContractBill, ...]
    without_tariff: tuple[str, ...]


async def bill(
    database: Database, *, tenant_id: int, site: str, start: datetime, end: datetime
) -> BillAnswer:
    """Return the bills of the calendar months that [start, end) touches, each month whole.

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
        edges = _month_edges(state, start, end)
        totals.check_span(start=edges[0], end=edges[-1], days_max=COST_DAYS_MAX)
        found = await load_costs(
            connection, state, start=edges[0], end=edges[-1], whole_months=True
        )
    if isinstance(found, Unpriced):
        return BillAnswer(state, found, (), ())
    return BillAnswer(
        state=state,
        reason=None if found.contracts else Unpriced.NO_TARIFF,
        contracts=tuple(_contract_bill(found, contract, edges) for contract in found.contracts),
        without_tariff=tuple(sorted(found.without_tariff)),
    )


def _month_edges(state: SiteState, start: datetime, end: datetime) -> list[datetime]:
    """Return the local midnights at which the months that cover a period begin and end."""
    zone = state.site.time_zone
    first, last = (
        from_us(int(wall_clock_us(start_us=at, step_us=1, count=1, time_zone=zone)[0]))
        for at in (to_us(start), to_us(end) - 1)
    )
    edges = []
    for month in range(first.year * 12 + first.month - 1, last.year * 12 + last.month + 1):
        day = date(month // 12, month % 12 + 1, 1)
        edges.append(from_us(midnight_us(day, zone)))
    return edges


def _contract_bill(costs: SiteCosts, contract: Contract, edges: list[datetime]) -> ContractBill:
    months = []
    demands = _demands(costs, contract)
    # Steps may have been counted from earlier on: months of the arrays before the first bill.
    step_us = costs.state.site.base_interval_us
    first = (to_us(edges[0]) - contract.start_us) // step_us
    skipped = int(contract.priced.month[first] - contract.priced.month[0])
    for index, (start, end) in enumerate(pairwise(edges)):
        months.append(
            _month_bill(costs, contract, demands, row=skipped + index, start=start, end=end)
        )
    return ContractBill(
        target=contract.target,
        carrier=contract.carrier,
        flows=tuple(contract.flow_amount),
        tariffs=contract.used(first),
        months=tuple(months),
    )


def _demands(costs: SiteCosts, contract: Contract) -> dict[int, Demand]:
    """Return the highest demand of every month by window of any version, in minutes."""
    windows = {
        version.basic.window_minutes for version in contract.written if version.basic is not None
    }
    return {
        window: demand_by_month(
            contract.amount * conversion(carrier_unit(contract.carrier), "kWh"),
            month=contract.priced.month,
            step_us=costs.state.site.base_interval_us,
            window_us=window * _US_PER_MINUTE,
        )
        for window in windows
    }


def _month_bill(
    costs: SiteCosts,
    contract: Contract,
    demands: dict[int, Demand],
    *,
    row: int,
    start: datetime,
    end: datetime,
) -> MonthBill:
    state, step_us = costs.state, costs.state.site.base_interval_us
    first = (to_us(start) - contract.start_us) // step_us
    last = (to_us(end) - contract.start_us) // step_us
    passed = (to_us(min(end, max(state.as_of, start))) - contract.start_us) // step_us
    known = np.count_nonzero(~np.isnan(contract.charges.cost_cny[first:passed]))
    lines: list[BillLine] = []
    power_kw_max, power_at = None, None
    band = step = 0
    for index, version in enumerate(contract.written):
        held = int(np.count_nonzero(contract.priced.version[first:last] == index))
        if held:
            lines += _amount_lines(contract, index, row=row, band=band, step=step)
        if held and version.basic is not None:
            demand = demands[version.basic.window_minutes]
            lines.append(_basic_line(contract, index, demand, row, Fraction(held, last - first)))
            if demand.at[row] >= 0:
                power_kw_max = float(demand.power_kw_max[row])
                power_at = from_us(contract.start_us + int(demand.at[row]) * step_us)
        band += len(version.bands)
        step += len(contract.compiled[index].step_above)
    known_cny = [line.cny for line in lines if line.cny is not None]
    return MonthBill(
        start=start,
        end=end,
        is_open=end > state.as_of,
        lines=tuple(lines),
        total_cny=sum(known_cny, Decimal(0)) if len(known_cny) == len(lines) > 0 else None,
        power_kw_max=power_kw_max,
        power_at=power_at,
        known_share=float(known / (passed - first)) if passed > first else 0.0,
    )


def _amount_lines(
    contract: Contract, index: int, *, row: int, band: int, step: int
) -> list[BillLine]:
    """Return the lines by band and by step of one version and month."""
    version, compiled = contract.written[index], contract.compiled[index]
    scale = conversion(carrier_unit(contract.carrier), version.unit)
    lines = []
    for offset, written in enumerate(version.bands):
        amount = float(contract.charges.band_amount[row, band + offset]) * scale
        lines.append(
            _line("band", written.code, written.name, contract, index, amount, written.price)
        )
    levels = version.steps.levels if version.steps is not None else ()
    # Below the first level nothing is added, and no line needed.
    unlisted = len(compiled.step_above) - len(levels)
    for offset, level in enumerate(levels):
        amount = float(contract.charges.step_amount[row, step + unlisted + offset]) * scale
        name = Name(
            zh=f"阶梯加价（{level.above:g} {version.unit} 以上）",
            en=f"Surcharge above {level.above:g} {version.unit}",
        )
        lines.append(
            _line("step", f"above-{level.above:g}", name, contract, index, amount, level.add)
        )
    return lines


def _line(
    kind: str, code: str, name: Name, contract: Contract, index: int, amount: float, price: float
) -> BillLine:
    return BillLine(
        kind=kind,
        code=code,
        name_zh=name.zh,
        name_en=name.en,
        valid_from=contract.written[index].valid_from,
        quantity=amount,
        unit=contract.written[index].unit,
        share=1.0,
        price=price,
        cny=line_cny(exact(amount), price=exact(price)),
    )


def _basic_line(
    contract: Contract, index: int, demand: Demand, row: int, share: Fraction
) -> BillLine:
    basic = contract.written[index].basic
    if basic is None:
        raise AssertionError("the caller has looked")
    charge = compile_basic(basic)
    quantity = chargeable(charge, power_kw_max=float(demand.power_kw_max[row]))
    method: BasicMethodName = basic.method
    return BillLine(
        kind="basic",
        code=method,
        name_zh=_BASIC_NAMES[method][0],
        name_en=_BASIC_NAMES[method][1],
        valid_from=contract.written[index].valid_from,
        quantity=None if quantity is None else float(quantity),
        unit="kVA" if method == "capacity" else "kW",
        share=float(share),
        price=basic.price,
        cny=None if quantity is None else line_cny(quantity, price=charge.price, share=share),
    )
