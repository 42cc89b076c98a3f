"""What one tariff prices: a flow, or the flows of a carrier, with the cost of each interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np

from compute.periods import Grain, from_us, midnight_us, to_us, wall_clock_us
from compute.tariff import Charges, Priced, charge, price_intervals
from compute.tariff import TariffVersion as Compiled
from compute.topology import Float1D
from compute.units import conversion
from services.plant.amounts import carrier_unit
from services.plant.compile_tariff import compile_version
from services.plant.tariff import TariffVersion
from services.store import answers
from services.store.answers import SeriesRow
from services.store.pool import Connection
from services.store.tariffs import Target, TariffRow
from services.totals import SiteState


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


async def load_contract(
    connection: Connection,
    state: SiteState,
    *,
    target: Target,
    rows: Sequence[TariffRow],
    series: Sequence[SeriesRow],
    span: tuple[datetime, datetime],
    whole_months: bool,
) -> Contract:
    """Return what flows cost in a span by the versions of one tariff, oldest first.

    With `whole_months` the arrays begin with the month of the span, else where steps need it.
    """
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
