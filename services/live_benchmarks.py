"""Where the units to benchmark of a site stand in the open day and month, every second.

What they came to so far are stored results; their pace and their marks change with whole hours and
days, and are looked up now and then.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from compute.benchmark import Assessment, SoFar, assess
from compute.benchmark_marks import NO_AIM, Mark, ReadyMarks, ready_marks
from compute.benchmark_sides import Side, Sides
from compute.pace import Pace
from compute.periods import Grain, from_us, to_us
from compute.quality import LACKING, Quality
from compute.topology import Float1D
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
from services.live_payload import grades, numbers
from services.site_model import Described, SiteModel
from services.store import results
from services.store.pool import Connection
from services.store.results import ResultColumns

_PERIODS: tuple[PeriodName, ...] = ("day", "month")
# Hours and days end seldom: what rests on them is looked up this often.
_SELDOM = timedelta(seconds=60)
# Results follow readings within this, else what is missing is missing.
_LATE_US = 120_000_000


class _Standing(NamedTuple):
    """What a tick needs of a period besides what it came to so far."""

    span: PeriodSpan
    pace: Pace
    ready: ReadyMarks
    tce: Float1D
    tco2e: Float1D
    room: Assessment


@dataclass
class LiveBenchmarks:
    """The units of a description; nothing in it enters a value but by being looked up again."""

    model: SiteModel
    described: Described
    standing: dict[PeriodName, _Standing] = field(default_factory=dict)
    due: datetime | None = None

    @cached_property
    def units(self) -> Units:
        """The units of the description."""
        keys = zip(self.described.keys, self.described.series_id.tolist(), strict=True)
        return units_of(
            self.described.plant, {(key.kind, key.code, key.carrier): row for key, row in keys}
        )

    @cached_property
    def clock(self) -> Clock:
        """What the site's periods follow."""
        site = self.model.site
        return Clock(site.time_zone, self.model.day_start, site.base_interval_us)


async def columns_of(
    connection: Connection, live: LiveBenchmarks, *, at: datetime
) -> dict[str, Any] | None:
    """Return the columns `day` and `month` of a `live` event; None without units."""
    if not live.described.plant.benchmarks:
        return None
    now_us = to_us(at)
    is_over = any(standing.span.end_us <= now_us for standing in live.standing.values())
    if live.due is None or at >= live.due or is_over:
        for period in _PERIODS:
            live.standing[period] = await _look_up(connection, live, period, at=at)
        live.due = at + _SELDOM
    return {period: await _columns(connection, live, period, now_us=now_us) for period in _PERIODS}


async def _look_up(
    connection: Connection, live: LiveBenchmarks, period: PeriodName, *, at: datetime
) -> _Standing:
    work, units = CLOCKWORK[period], live.units
    spans = spans_of(
        live.clock, period, start=at - work.history, end=at + timedelta(microseconds=1), shifts=()
    )
    sides = sides_over(
        await _read(connection, units, work.grain, spans[0].start_us, spans[-1].end_us),
        units,
        spans,
    )
    first, last = step_range(live.clock, work, now_us=to_us(at))
    steps = await _read(connection, units, work.step, to_us(first), to_us(last))
    pace, of_steps = pace_over(steps, units, step_us=work.step_us)
    zone = ZoneInfo(live.clock.time_zone)
    marks = units.marks_at(from_us(spans[-1].start_us).astimezone(zone).date())
    marks[Mark.OWN_BEST], _ = best_of(units, sides.periods(slice(None, -1)), spans[:-1])
    tce, tco2e = energy_worth(units, sides, of_steps)
    return _Standing(
        span=spans[-1],
        pace=pace,
        ready=ready_marks(marks, scale=units.scale, more_is_better=units.more_is_better),
        tce=tce,
        tco2e=tco2e,
        room=Assessment.room(len(units.units)),
    )


async def _read(
    connection: Connection, units: Units, grain: Grain, start_us: int, end_us: int
) -> ResultColumns:
    return await results.read_results(
        connection,
        series_ids=units.series_id.tolist(),
        grain=grain,
        start_us=start_us,
        end_us=end_us,
    )


async def _columns(
    connection: Connection, live: LiveBenchmarks, period: PeriodName, *, now_us: int
) -> dict[str, list[Any]]:
    work, units, standing = CLOCKWORK[period], live.units, live.standing[period]
    span = standing.span
    rows = await _read(connection, units, work.grain, span.start_us, span.start_us + 1)
    sides = sides_over(rows, units, [span])
    so_far = SoFar(
        top=sides.amount[Side.TOP, :, 0].copy(),
        bottom=sides.amount[Side.BOTTOM, :, 0].copy(),
        steps_left=steps_left(sides, span, now_us=now_us, step_us=work.step_us),
        scale=units.scale,
        tce_per_energy=standing.tce,
        # Prices are asked for, not told every second.
        cny_per_energy=np.full(len(units.units), np.nan),
        tco2e_per_energy=standing.tco2e,
    )
    found = assess(so_far, standing.pace, standing.ready, room=standing.room)
    levels = ("level", "level_end", "list_level", "list_level_end")
    figures = ("value", "forecast", "low", "high", "gap_tce", "gap_tco2e")
    return {
        "code": [unit.benchmark.code for unit in units.units],
        "unit": [unit.benchmark.unit for unit in units.units],
        **{name: numbers(getattr(found, name)) for name in figures},
        **{name: [level or None for level in getattr(found, name).tolist()] for name in levels},
        "aim": [None if aim == NO_AIM else Mark(aim).name.lower() for aim in found.aim.tolist()],
        "grade": grades(_quality(sides, passed_us=now_us - span.start_us)),
    }


def _quality(sides: Sides, *, passed_us: int) -> list[int]:
    """Return what can be said of the sums: what the rest of the period lacks is no fault."""
    quality = sides.quality[:, 0]
    is_complete = sides.covered_us[:, 0] >= passed_us - _LATE_US
    told: list[int] = np.where(
        is_complete, quality & ~LACKING, quality | int(Quality.OPEN)
    ).tolist()
    return told
