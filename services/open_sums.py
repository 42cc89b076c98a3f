"""What series came to in an open period so far, and where they end at the pace of late.

Sums are the stored results, as everywhere; the pace is that of the steps before (`compute.pace`):
hours for a day, days for a month, months for a year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from compute.block import ResultBlock, add_unlike
from compute.pace import Pace, SumForecast, forecast_sum, pace_of
from compute.periods import US_PER_HOUR, Grain, from_us, period_edges_us, to_us, year_edges_us
from compute.rollup import rollup
from compute.topology import Float1D, Int1D
from services.benchmark_periods import CLOCKWORK, CONFIDENCE, COVERED_MIN, Clock, step_range
from services.rollup_rows import block_of
from services.store import answers
from services.store.pool import Connection
from services.store.results import ResultColumns

SumPeriod = Literal["interval", "hour", "day", "month", "year"]
PERIODS: tuple[SumPeriod, ...] = ("interval", "hour", "day", "month", "year")
GRAINS: dict[SumPeriod, Grain] = {
    "interval": Grain.BASE,
    "hour": Grain.HOUR,
    "day": Grain.DAY,
    "month": Grain.MONTH,
    "year": Grain.MONTH,
}
# Demand is the mean power of a quarter of an hour, whatever the base interval.
QUARTER_US = 900_000_000
_MONTH_US_MIN = 28 * 86_400_000_000


class Reader(Protocol):
    """Reads results of one grain in [start, end); of a service, or of a tenant."""

    async def __call__(
        self,
        connection: Connection,
        *,
        series_ids: Sequence[int],
        grain: int,
        start_us: int,
        end_us: int,
    ) -> ResultColumns:
        """Return the rows, in no order."""


async def read_as_tenant(
    connection: Connection, *, series_ids: Sequence[int], grain: int, start_us: int, end_us: int
) -> ResultColumns:
    """Return results that the tenant of the transaction may see."""
    return await answers.result_columns(
        connection,
        series_ids=series_ids,
        grain=Grain(grain),
        start=from_us(start_us),
        end=from_us(end_us),
    )


@dataclass(frozen=True, slots=True)
class OpenSums:
    """Sums of series over one period. [µs since 1970 UTC].

    Attributes
    ----------
    total : ResultBlock
        (s, 1) in the order of the series, and one row more of those that were added together.
    """

    start_us: int
    end_us: int
    total: ResultBlock

    def of(self, name: str) -> Float1D:
        """Return a quantity, (s,); NaN: nothing is known."""
        return quantity_of(self.total, name)[:, 0]

    @property
    def covered_us(self) -> npt.NDArray[np.int64]:
        """How much of the period is covered, (s,)."""
        return self.total.covered_us[:, 0]


def edges_us(clock: Clock, period: SumPeriod, start_us: int, end_us: int) -> Int1D:
    """Return the edges of the periods of a site that cover a span. [µs]."""
    start, end = from_us(start_us), from_us(end_us)
    if period == "year":
        return year_edges_us(start, end, time_zone=clock.time_zone, day_start=clock.day_start)
    return period_edges_us(
        start,
        end,
        grain=GRAINS[period],
        time_zone=clock.time_zone,
        day_start=clock.day_start,
        base_interval_us=clock.base_interval_us,
    )


def bounds_us(clock: Clock, period: SumPeriod, at_us: int) -> tuple[int, int]:
    """Return start and end of the period of a site that holds an instant. [µs]."""
    edges = edges_us(clock, period, at_us, at_us + 1)
    return int(edges[0]), int(edges[1])


async def read_sums(
    connection: Connection,
    read: Reader,
    *,
    series_id: npt.NDArray[np.int32],
    period: SumPeriod,
    bounds: tuple[int, int],
    together: Sequence[int] = (),
) -> OpenSums:
    """Return what series came to in a period so far.

    Parameters
    ----------
    connection : Connection
    read : Reader
    series_id : (s,) int32
    period : str
    bounds : (int, int)
        Of that period. [µs since 1970 UTC]
    together : sequence of int
        Rows of series to add up as one row more.
    """
    columns = await read(
        connection,
        series_ids=series_id.tolist(),
        grain=GRAINS[period],
        start_us=bounds[0],
        # Of a period that is stored whole, only its own row.
        end_us=bounds[1] if period == "year" else bounds[0] + 1,
    )
    block, starts_us = block_of(columns, series_id=series_id)
    total = rollup(with_sum(block, together), [0, len(starts_us)])
    return OpenSums(*bounds, total=total)


def with_sum(block: ResultBlock, together: Sequence[int]) -> ResultBlock:
    """Return the block with one row more: those that are to be added together, if any are."""
    return ResultBlock.concatenate([block, add_unlike(block, together)]) if together else block


async def read_base(
    connection: Connection,
    read: Reader,
    *,
    series_id: npt.NDArray[np.int32],
    start_us: int,
    end_us: int,
    together: Sequence[int] = (),
) -> tuple[ResultBlock, Int1D]:
    """Return the base intervals of series that have a result, and their starts."""
    columns = await read(
        connection,
        series_ids=series_id.tolist(),
        grain=Grain.BASE,
        start_us=start_us,
        end_us=end_us,
    )
    block, starts_us = block_of(columns, series_id=series_id)
    return with_sum(block, together), starts_us


async def read_demand_kw(
    connection: Connection,
    read: Reader,
    *,
    series_id: npt.NDArray[np.int32],
    start_us: int,
    end_us: int,
    base_interval_us: int,
    together: Sequence[int] = (),
) -> Float1D:
    """Return the highest mean power over a whole quarter of an hour in a span; NaN without any."""
    block, starts_us = await read_base(
        connection, read, series_id=series_id, start_us=start_us, end_us=end_us, together=together
    )
    quarter = starts_us // QUARTER_US
    edges = np.flatnonzero(np.diff(quarter, prepend=-1))
    if not len(edges):
        return np.full(block.energy_kwh.shape[0], np.nan)
    power_kw = np.add.reduceat(block.energy_kwh, edges, axis=1) * (US_PER_HOUR / QUARTER_US)
    is_whole = np.diff(edges, append=len(quarter)) * base_interval_us == QUARTER_US
    power_kw[:, ~is_whole] = np.nan
    highest: Float1D = np.fmax.reduce(power_kw, axis=1)
    return highest


def quantity_of(block: ResultBlock, name: str) -> npt.NDArray[np.float64]:
    """Return a quantity of a block, (s, k)."""
    if name == "emission_tco2e":
        return block.emission_direct_tco2e + block.emission_purchased_tco2e
    column: npt.NDArray[np.float64] = getattr(block, name)
    return column


async def read_paces(
    connection: Connection,
    read: Reader,
    *,
    series_id: npt.NDArray[np.int32],
    clock: Clock,
    period: Literal["day", "month", "year"],
    quantities: Sequence[str],
    now_us: int,
    together: Sequence[int] = (),
) -> dict[str, Pace]:
    """Return the pace of series in the steps before now, by quantity."""
    work = CLOCKWORK[period]
    first, last = step_range(clock, work, now_us=now_us)
    columns = await read(
        connection,
        series_ids=series_id.tolist(),
        grain=work.step,
        start_us=to_us(first),
        end_us=to_us(last),
    )
    block = with_sum(block_of(columns, series_id=series_id)[0], together)
    known = block.covered_us >= COVERED_MIN * min(work.step_us, _MONTH_US_MIN)
    ones = np.ones(known.shape)
    return {
        name: pace_of(np.where(known, quantity_of(block, name), np.nan), ones, level=CONFIDENCE)
        for name in quantities
    }


def forecast_of(
    sums: OpenSums, quantity: str, pace: Pace, *, step_us: int, is_over: bool = False
) -> SumForecast:
    """Return where a quantity ends: what is not covered of the period is still to come.

    What is missing of a period that is over stays missing.
    """
    left_us = np.maximum(sums.end_us - sums.start_us - sums.covered_us, 0)
    if is_over:
        left_us = np.zeros_like(left_us)
    return forecast_sum(sums.of(quantity), pace, left_us / step_us)
