"""Periods of benchmarks: which there are, what units came to in them, and the pace before them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from compute.benchmark_marks import own_best
from compute.benchmark_sides import Side, Sides, add_sides
from compute.intensity import intensity
from compute.pace import Pace, pace_of
from compute.periods import (
    US_PER_HOUR,
    Grain,
    from_us,
    period_edges_us,
    shift_spans_us,
    year_edges_us,
)
from compute.quality import BAD, Quality
from compute.rollup import rollup
from compute.topology import Float1D
from services.benchmark_units import Units
from services.plant.benchmark import Shift
from services.rollup_rows import block_of
from services.store.results import ResultColumns

PeriodName = Literal["day", "month", "year", "shift"]
CONFIDENCE = 0.95
# A step counts for the pace, and a closed period as one's best, with this much of it covered.
COVERED_MIN = 0.95


class PeriodSpan(NamedTuple):
    """A period of a site, half-open; `shift` is the number of its shift, -1 for none. [µs]."""

    start_us: int
    end_us: int
    shift: int


class Clockwork(NamedTuple):
    """What a period is added up from, how far its history goes, and the steps of its pace."""

    grain: Grain
    history: timedelta
    step: Grain
    steps: timedelta

    @property
    def step_us(self) -> int:
        """Length of a step; of a month on average. [µs]."""
        return _STEP_US[self.step]


_STEP_US = {
    Grain.HOUR: US_PER_HOUR,
    Grain.DAY: 86_400_000_000,
    # A twelfth of a Gregorian year.
    Grain.MONTH: 2_629_746_000_000,
}
CLOCKWORK: dict[PeriodName, Clockwork] = {
    "shift": Clockwork(Grain.BASE, timedelta(days=14), Grain.HOUR, timedelta(days=7)),
    "day": Clockwork(Grain.DAY, timedelta(days=60), Grain.HOUR, timedelta(days=7)),
    "month": Clockwork(Grain.MONTH, timedelta(days=1_096), Grain.DAY, timedelta(days=60)),
    "year": Clockwork(Grain.MONTH, timedelta(days=3_653), Grain.MONTH, timedelta(days=1_096)),
}


@dataclass(frozen=True, slots=True)
class Clock:
    """What a site's periods follow."""

    time_zone: str
    day_start: time
    base_interval_us: int


def spans_of(
    clock: Clock, period: PeriodName, *, start: datetime, end: datetime, shifts: Sequence[Shift]
) -> list[PeriodSpan]:
    """Return the periods that touch [start, end), oldest first."""
    if period == "shift":
        minutes = [(_minute(shift.from_time), _minute(shift.to_time)) for shift in shifts]
        found = shift_spans_us(start, end, shifts=minutes, time_zone=clock.time_zone)
        return [PeriodSpan(*span) for span in found]
    if period == "year":
        edges = year_edges_us(start, end, time_zone=clock.time_zone, day_start=clock.day_start)
    else:
        edges = period_edges_us(
            start,
            end,
            grain=CLOCKWORK[period].grain,
            time_zone=clock.time_zone,
            day_start=clock.day_start,
            base_interval_us=clock.base_interval_us,
        )
    return [
        PeriodSpan(a, b, -1) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def sides_over(columns: ResultColumns, units: Units, spans: Sequence[PeriodSpan]) -> Sides:
    """Return what units came to in periods that follow each other, by results of shorter ones.

    Parameters
    ----------
    columns : ResultColumns
        Of the units' series, of one grain.
    units : Units
    spans : sequence of PeriodSpan

    Returns
    -------
    sides : Sides
        (u, k).
    """
    block, starts_us = block_of(columns, series_id=units.series_id)
    # What lies between shifts is a group of its own, and left out.
    edges = [edge for span in spans for edge in (span.start_us, span.end_us)]
    offset = np.searchsorted(starts_us, edges)
    grouped = rollup(block, offset)
    sides = add_sides(grouped, units.parts, unit_count=len(units.units))
    return sides.periods(slice(None, None, 2))


def pace_over(columns: ResultColumns, units: Units, *, step_us: int) -> tuple[Pace, Sides]:
    """Return the pace of the steps before a period, and their sides.

    Parameters
    ----------
    columns : ResultColumns
        Of the units' series, one grain, of steps that are over.
    units : Units
    step_us : int
        Length of a step. [µs]
    """
    block, _ = block_of(columns, series_id=units.series_id)
    sides = add_sides(block, units.parts, unit_count=len(units.units))
    # A month may be shorter than the mean one.
    known = sides.covered_us >= COVERED_MIN * min(step_us, 28 * _STEP_US[Grain.DAY])
    top = np.where(known, sides.amount[Side.TOP], np.nan)
    bottom = np.where(known, sides.amount[Side.BOTTOM], np.nan)
    return pace_of(top, bottom, level=CONFIDENCE), sides


def steps_left(
    sides: Sides, span: PeriodSpan, *, now_us: int, step_us: int
) -> npt.NDArray[np.float64]:
    """Return how many steps of the last period of `sides` are not covered yet, (u,).

    What is missing of a period that is over stays missing: nothing is left of it.
    """
    if span.end_us <= now_us:
        return np.zeros(sides.covered_us.shape[0])
    left_us = span.end_us - span.start_us - sides.covered_us[:, -1]
    return np.asarray(np.maximum(left_us, 0) / step_us)


def step_range(clock: Clock, work: Clockwork, *, now_us: int) -> tuple[datetime, datetime]:
    """Return from where to where steps that are over are looked for."""
    edges = period_edges_us(
        from_us(now_us),
        from_us(now_us + 1),
        grain=work.step,
        time_zone=clock.time_zone,
        day_start=clock.day_start,
        base_interval_us=clock.base_interval_us,
    )
    end = from_us(int(edges[0]))
    return end - work.steps, end


def best_of(
    units: Units, sides: Sides, spans: Sequence[PeriodSpan]
) -> tuple[Float1D, npt.NDArray[np.int64]]:
    """Return the best of closed periods that are whole and of good data, and which it was.

    Parameters
    ----------
    units : Units
    sides : Sides
        (u, k) of the spans.
    spans : sequence of PeriodSpan

    Returns
    -------
    best : (u,) float64
        NaN where there is none.
    place : (u,) int64
        -1 where there is none.
    """
    top, bottom = sides.amount[Side.TOP], sides.amount[Side.BOTTOM]
    values = intensity(units.scale[:, np.newaxis] * top, output=bottom).value
    length_us = np.array([span.end_us - span.start_us for span in spans], dtype=np.int64)
    sound = sides.covered_us >= COVERED_MIN * length_us
    sound &= (sides.quality & int(BAD & ~Quality.FACTOR_MISSING)) == 0
    # A period in which nothing was taken is no feat.
    sound &= top > 0.0
    best = own_best(values, is_sound=sound, more_is_better=units.more_is_better)
    is_best = sound & (values == best[:, np.newaxis])
    place = is_best.argmax(axis=1) if spans else np.zeros(len(units.units), dtype=np.int64)
    return best, np.where(is_best.any(axis=1), place, -1)


def energy_worth(units: Units, sides: Sides, past: Sides) -> tuple[Float1D, Float1D]:
    """Return what a unit of each unit's energy is worth in tce and in tCO2e, (u,) each.

    By what it used in the last period of `sides` and in the steps of its pace.
    """
    energy_side = np.array([int(unit.energy_side) for unit in units.units], dtype=np.int64)
    every = np.concatenate([sides.amount[:, :, -1:], past.amount], axis=2)
    energy = every[energy_side, np.arange(len(units.units))]
    worth = np.full((2, len(units.units)), np.nan)
    for row, side in enumerate((Side.TCE, Side.EMISSION)):
        known = np.isfinite(energy) & np.isfinite(every[side])
        bottom = np.where(known, energy, 0.0).sum(axis=1)
        top = np.where(known, every[side], 0.0).sum(axis=1)
        np.divide(top, bottom, out=worth[row], where=bottom > 0.0)
    return worth[0], worth[1]
