"""The figures of benchmarks as arrays: the period asked for, its pace, and the periods before it.

A period is judged by the description that holds at the instant asked for, and by the limits and
targets that hold when the period begins. What it came to is the sum of stored results.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from compute.benchmark import Assessment, SoFar, assess
from compute.benchmark_marks import Mark, gap_energy, ready_marks
from compute.benchmark_sides import Side, Sides
from compute.grid import Float2D
from compute.pace import Pace, pace_of
from compute.periods import Grain, from_us, to_us
from services import totals
from services.benchmark_periods import (
    CLOCKWORK,
    Clock,
    PeriodName,
    PeriodSpan,
    best_of,
    energy_worth,
    pace_over,
    sides_over,
    spans_of,
    step_range,
    steps_left,
)
from services.benchmark_units import Units, units_of
from services.boundary import by_carrier
from services.cost import cost_of_site, load_costs
from services.plant.benchmark import Shift
from services.plant_history import plants_over
from services.refusal import NotFound
from services.store import answers
from services.store.answers import SeriesRow
from services.store.pool import Connection, Database
from services.totals import SiteState

# Prices are those of the last days: a year of base intervals says no more.
_PRICE_DAYS = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Closed:
    """Closed periods of u units, oldest first.

    Attributes
    ----------
    spans : list of PeriodSpan
    sides : Sides
        (u, k).
    found : Assessment
        Of the pairs of unit and period, unit by unit.
    target : (u, k) float64
    """

    spans: list[PeriodSpan]
    sides: Sides
    found: Assessment
    target: Float2D


@dataclass(frozen=True, slots=True)
class Figures:
    """What the u units of a site came to in one period, and in those before it.

    Attributes
    ----------
    day : date
        On which the period begins: whose limits and targets hold.
    sides : Sides
        Of the period, (u, 1).
    marks : (7, u) float64
    gap_energy : (7, u) float64
        To each mark, of the whole period at the forecast. [unit of the energy side]
    worth : (3, u) float64
        tce, CNY and tCO2e of a unit of the energy side.
    best_period : (u,) int64
        Of `closed.spans`, -1 for none.
    step : Grain
    step_count : (u,) int64
        Steps that the pace rests on.
    """

    state: SiteState
    period: PeriodName
    span: PeriodSpan
    shifts: tuple[Shift, ...]
    day: date
    units: Units
    sides: Sides
    found: Assessment
    marks: Float2D
    gap_energy: Float2D
    worth: Float2D
    best_period: npt.NDArray[np.int64]
    step: Grain
    step_count: npt.NDArray[np.int64]
    closed: Closed

    @property
    def is_open(self) -> bool:
        """Return whether the period was not over when the answer was made."""
        return self.span.end_us > to_us(self.state.as_of)

    @property
    def passed_share(self) -> float:
        """Return how much of the period has passed, 0..1."""
        length_us = self.span.end_us - self.span.start_us
        passed_us = to_us(self.state.as_of) - self.span.start_us
        return min(max(passed_us / length_us, 0.0), 1.0)


async def load_figures(
    database: Database, *, tenant_id: int, site: str, period: PeriodName, at: datetime | None
) -> Figures:
    """Return where the units of a site stand in the period that holds an instant.

    Parameters
    ----------
    database : Database
    tenant_id : int
    site : str
    period : str
    at : datetime or None
        None: the instant of the snapshot.

    Raises
    ------
    NotFound
        If the tenant has no such site, it was not described then, or has no shift then.
    """
    work = CLOCKWORK[period]
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        instant = state.as_of if at is None else at
        after = instant + timedelta(microseconds=1)
        plants = await plants_over(connection, state.site.id, start=instant, end=after)
        if not plants:
            raise NotFound("at")
        plant = plants[0].plant
        clock = Clock(state.site.time_zone, state.day_start, state.site.base_interval_us)
        spans = spans_of(
            clock, period, start=instant - work.history, end=after, shifts=plant.shifts
        )
        if not spans or spans[-1].end_us <= to_us(instant):
            raise NotFound("shift")
        series = await answers.list_series(connection, site_id=state.site.id)
        units = units_of(plant, {(row.kind, row.code, row.carrier): row.id for row in series})
        columns = await answers.result_columns(
            connection,
            series_ids=units.series_id.tolist(),
            grain=work.grain,
            start=from_us(spans[0].start_us),
            end=from_us(spans[-1].end_us),
        )
        first, last = step_range(clock, work, now_us=to_us(state.as_of))
        steps = await answers.result_columns(
            connection, series_ids=units.series_id.tolist(), grain=work.step, start=first, end=last
        )
        prices = await _prices(connection, state, series, spans[-1])
    sides = sides_over(columns, units, spans)
    pace, past = pace_over(steps, units, step_us=work.step_us)
    return _compared(
        state, period, spans, plant.shifts, units, sides, pace, _worth(units, sides, past, prices)
    )


def _compared(
    state: SiteState,
    period: PeriodName,
    spans: list[PeriodSpan],
    shifts: tuple[Shift, ...],
    units: Units,
    sides: Sides,
    pace: Pace,
    worth: Float2D,
) -> Figures:
    closed = _closed(state, units, sides, spans)
    day = _day(state, spans[-1])
    marks = units.marks_at(day)
    best, best_period = best_of(units, closed.sides, closed.spans)
    marks[Mark.OWN_BEST] = best
    step_us = CLOCKWORK[period].step_us
    so_far = SoFar(
        top=np.ascontiguousarray(sides.amount[Side.TOP, :, -1]),
        bottom=np.ascontiguousarray(sides.amount[Side.BOTTOM, :, -1]),
        steps_left=steps_left(sides, spans[-1], now_us=to_us(state.as_of), step_us=step_us),
        scale=units.scale,
        tce_per_energy=worth[0],
        cny_per_energy=worth[1],
        tco2e_per_energy=worth[2],
    )
    ready = ready_marks(marks, scale=units.scale, more_is_better=units.more_is_better)
    found = assess(so_far, pace, ready)
    return Figures(
        state=state,
        period=period,
        span=spans[-1],
        shifts=shifts,
        day=day,
        units=units,
        sides=sides.periods(slice(-1, None)),
        found=found,
        marks=marks,
        gap_energy=gap_energy(
            marks,
            top=found.end_top,
            bottom=found.end_bottom,
            scale=units.scale,
            more_is_better=units.more_is_better,
        ),
        worth=worth,
        best_period=best_period,
        step=CLOCKWORK[period].step,
        step_count=pace.step_count,
        closed=closed,
    )


def _day(state: SiteState, span: PeriodSpan) -> date:
    return from_us(span.start_us).astimezone(ZoneInfo(state.site.time_zone)).date()


def _closed(state: SiteState, units: Units, sides: Sides, spans: list[PeriodSpan]) -> Closed:
    """Return the periods before the last one, each by the marks that held when it began."""
    spans = spans[:-1]
    unit_count, period_count = len(units.units), len(spans)
    marks = np.full((len(Mark), unit_count, period_count), np.nan)
    for column, span in enumerate(spans):
        marks[:, :, column] = units.marks_at(_day(state, span))
    size = unit_count * period_count
    nothing = np.full(size, np.nan)
    scale = np.repeat(units.scale, period_count)
    so_far = SoFar(
        top=sides.amount[Side.TOP, :, :-1].reshape(size),
        bottom=sides.amount[Side.BOTTOM, :, :-1].reshape(size),
        steps_left=np.zeros(size),
        scale=scale,
        tce_per_energy=nothing,
        cny_per_energy=nothing,
        tco2e_per_energy=nothing,
    )
    ready = ready_marks(
        marks.reshape(len(Mark), size),
        scale=scale,
        more_is_better=np.repeat(units.more_is_better, period_count),
    )
    no_steps = np.empty((size, 0))
    return Closed(
        spans=spans,
        sides=sides.periods(slice(None, -1)),
        found=assess(so_far, pace_of(no_steps, no_steps), ready),
        target=marks[Mark.TARGET],
    )


async def _prices(
    connection: Connection, state: SiteState, series: list[SeriesRow], span: PeriodSpan
) -> dict[str, float]:
    """Return what a tce of each carrier cost at the boundary of late; "" of all together."""
    step_us = state.site.base_interval_us
    until_us = min(span.end_us, to_us(state.as_of) // step_us * step_us)
    start, end = from_us(until_us) - _PRICE_DAYS, from_us(until_us)
    costs = await load_costs(connection, state, start=start, end=end)
    roots = [row for row in series if row.kind == "node" and row.is_root]
    summed = await totals.sum_series(
        connection, state, series_ids=[row.id for row in roots], spans=[(start, end)]
    )
    amounts = {row.carrier: row.total.coal_equivalent_tce for row in by_carrier(roots, summed)}
    total = summed.added(row.id for row in roots if not row.carrier)
    amounts[""] = None if total is None else total.coal_equivalent_tce
    return {
        carrier: cny / tce
        for carrier, tce in amounts.items()
        if (cny := cost_of_site(costs, carrier).cny) is not None and tce is not None and tce > 0.0
    }


def _worth(units: Units, sides: Sides, past: Sides, prices: dict[str, float]) -> Float2D:
    """Return what a unit of each unit's energy is worth in tce, CNY and tCO2e, (3, u).

    In CNY by the price of its carrier, else of the site's energy on average.
    """
    tce, tco2e = energy_worth(units, sides, past)
    price = [prices.get(carrier, prices.get("", np.nan)) for carrier in units.carrier]
    return np.stack([tce, tce * np.array(price, dtype=np.float64), tco2e])
