"""能源消费量和强度 consumption and intensity of a site over any period (GB/T 2589-2020).

Both values of standard coal stand side by side: 当量值 (equivalent) and 等价值 (equal). What a
product needs is the consumption of the node that makes it over what was made; where nothing was
made there is no intensity, and the answer says why.
"""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from compute.intensity import Intensity, Undefined, energy_per_product_kgce, intensity
from services import totals
from services.boundary import CarrierTotal, by_carrier, entering_flows
from services.cost import Cost, cost_of_site, load_costs
from services.plant.model import Product
from services.plant_history import plants_over
from services.reference import load_tables
from services.store import answers
from services.store.answers import SeriesRow
from services.store.pool import Database
from services.totals import SiteState, Total, Totals

# Power that the current national accounting of total consumption leaves out.
_RENEWABLE_POWER = frozenset(
    {"electricity_hydro", "electricity_pv", "electricity_wind", "electricity_biomass"}
)


@dataclass(frozen=True, slots=True)
class Quotient:
    """An intensity, or why there is none."""

    value: float | None
    unit: str
    reason: Undefined


@dataclass(frozen=True, slots=True)
class ProductConsumption:
    """What one product needed."""

    product: str
    name_zh: str
    name_en: str
    unit: str
    node: str
    made: Total
    energy: Quotient  # 当量值
    energy_equal: Quotient  # 等价值
    electricity: Quotient
    emission: Quotient


@dataclass(frozen=True, slots=True)
class Consumption:
    """Consumption of a site over a period.

    `carrier_costs` has one for each of `carriers`. `feedstock` and `renewable_power` are parts of
    `total` that the accounting of total consumption
    may leave out; None where the site has no such flow.
    """

    state: SiteState
    total: Total | None
    cost: Cost
    carriers: list[CarrierTotal]
    carrier_costs: list[Cost]
    feedstock: Total | None
    renewable_power: Total | None
    products: list[ProductConsumption]


async def consume(
    database: Database, *, tenant_id: int, site: str, start: datetime, end: datetime
) -> Consumption:
    """Return what a site consumed in [start, end), and per unit of each product.

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
        wanted = [row for row in series if row.kind in {"node", "flow", "product"}]
        summed = await totals.sum_series(
            connection, state, series_ids=[row.id for row in wanted], spans=[(start, end)]
        )
        costs = await load_costs(connection, state, start=start, end=end)
    plants = [span.plant for span in spans]
    entering = entering_flows(plants)
    flows = {
        row.id: entering[row.code, row.carrier]
        for row in wanted
        if row.kind == "flow" and (row.code, row.carrier) in entering
    }
    roots = [row for row in wanted if row.kind == "node" and row.is_root]
    products = {product.code: product for plant in plants for product in plant.products}
    carriers = by_carrier(roots, summed)
    return Consumption(
        state=state,
        total=summed.added(row.id for row in roots if not row.carrier),
        cost=cost_of_site(costs),
        carriers=carriers,
        carrier_costs=[cost_of_site(costs, carrier.carrier) for carrier in carriers],
        feedstock=summed.added(row for row, flow in flows.items() if flow.feedstock),
        renewable_power=summed.added(
            row for row, flow in flows.items() if flow.carrier in _RENEWABLE_POWER
        ),
        products=[
            _product(product, _series_of(wanted, product), summed)
            for product in products.values()
            if _made(wanted, product.code) is not None
        ],
    )


def _made(wanted: list[SeriesRow], code: str) -> int | None:
    return next((row.id for row in wanted if row.kind == "product" and row.code == code), None)


@dataclass(frozen=True, slots=True)
class _ProductSeries:
    made: int
    node: int | None
    electricity: list[int]


def _series_of(wanted: list[SeriesRow], product: Product) -> _ProductSeries:
    known = load_tables().carriers
    node = [row for row in wanted if row.kind == "node" and row.code == product.node]
    made = _made(wanted, product.code)
    if made is None:
        raise AssertionError("the caller has looked")
    return _ProductSeries(
        made=made,
        node=next((row.id for row in node if not row.carrier), None),
        electricity=[
            row.id
            for row in node
            if row.carrier in known and known[row.carrier].kind == "electricity"
        ],
    )


def _product(product: Product, rows: _ProductSeries, summed: Totals) -> ProductConsumption:
    made = summed.of(rows.made)
    node = None if rows.node is None else summed.of(rows.node)
    power = summed.added(rows.electricity)
    amount = _number(made.amount)
    emission = math.nan
    if node is not None:
        emission = _number(node.emission_direct_tco2e) + _number(node.emission_purchased_tco2e)
    equivalent = np.array(math.nan if node is None else _number(node.coal_equivalent_tce))
    equal = np.array(math.nan if node is None else _number(node.coal_equal_tce))
    electricity = np.array(0.0 if power is None else _number(power.energy_kwh))
    unit = product.unit
    return ProductConsumption(
        product=product.code,
        name_zh=product.name.zh,
        name_en=product.name.en,
        unit=unit,
        node=product.node,
        made=made,
        energy=_quotient(energy_per_product_kgce(equivalent, product=amount), f"kgce/{unit}"),
        energy_equal=_quotient(energy_per_product_kgce(equal, product=amount), f"kgce/{unit}"),
        electricity=_quotient(intensity(electricity, output=amount), f"kWh/{unit}"),
        emission=_quotient(intensity(np.array(emission), output=amount), f"tCO2e/{unit}"),
    )


def _quotient(found: Intensity, unit: str) -> Quotient:
    reason = Undefined(int(found.reason))
    return Quotient(
        value=float(found.value) if reason is Undefined.DEFINED else None, unit=unit, reason=reason
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value
