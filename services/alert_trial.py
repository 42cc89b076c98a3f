"""A rule tried on the past before it is switched on: when it would have fired, and how often.

It is held against the stored results at the end of each base interval, or hour where the span is
long: what is of the last minute is the mean of the interval, and a hold ends with an interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

import numpy as np

from compute.alert import States, step
from compute.block import VALUE_COLUMNS, ResultBlock
from compute.condition import evaluate
from compute.periods import Grain, from_us, time_of_day, to_us
from compute.topology import Float1D, Int1D
from services import alert_book, open_sums, totals
from services.alert_cells.past import TRIED, PastCells
from services.alert_cells.wanted import LIVE, Wanted
from services.alert_rules.check import read_group
from services.alert_rules.compile import CompiledRules, StatedGroup, compile_rules
from services.alert_rules.facts import facts_of
from services.benchmark_periods import Clock
from services.json_values import finite
from services.open_sums import read_as_tenant
from services.plant.model import Plant
from services.refusal import Refusal
from services.rollup_rows import block_of
from services.store import answers, budgets, topology
from services.store.answers import SeriesRow
from services.store.pool import Connection, Database

_SPAN_DAYS_MAX = 400
_FINE = timedelta(days=31)
# Before the span: what is of an open month, or of a pace, is whole; of a year it may not be.
_BEFORE = timedelta(days=62)
_FIGURES_MAX = 20_000_000
_TIMES_MAX = 500
# More in a day is no alert any more.
_A_DAY_MAX = 100
_HOUR_US = 3_600_000_000


class TrialTooLarge(Refusal):
    """More objects over more intervals than one answer tries."""

    code: ClassVar[str] = "range_too_large"


@dataclass(frozen=True, slots=True)
class WouldFire:
    """One episode as it would have been; still firing at the end where `resolved_at` is None."""

    alert: str
    labels: Mapping[str, str]
    fired_at: datetime
    resolved_at: datetime | None
    value: float | None
    limit: float | None


@dataclass(frozen=True, slots=True)
class TriedRule:
    """How often a rule would have fired.

    Attributes
    ----------
    day_most : int
        Most firings within one day of 24 h from the start of the span.
    too_many : bool
        Whether nobody could attend to that many.
    not_tried : tuple of str
        Measures that stored results do not hold: their part of the condition is not known.
    approximated : tuple of str
        What is not as it would have been seen: what is of the last minute is the mean of a step, a
        forecast runs on at the mean of the days before.
    """

    alert: str
    count: int
    day_most: int
    too_many: bool
    not_tried: tuple[str, ...]
    approximated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a group of rules would have done in a span; `times` are the first ones."""

    start: datetime
    end: datetime
    resolution: Literal["base", "hour"]
    rules: list[TriedRule]
    times: list[WouldFire]
    more: bool


async def try_group(
    database: Database,
    *,
    tenant_id: int,
    tenant_code: str,
    content: bytes,
    start: datetime,
    end: datetime,
) -> Trial:
    """Return when the rules of a group would have fired in [start, end).

    Raises
    ------
    PlantInvalid
        With every finding, if the group cannot be taken.
    RangeTooLarge, NotAnEdge, TrialTooLarge
        As their names say.
    """
    totals.check_span(start=start, end=end, days_max=_SPAN_DAYS_MAX)
    is_fine = end - start <= _FINE
    async with database.transaction(tenant_id, snapshot=True) as connection:
        plants = await alert_book.described_sites(connection, tenant_id)
        facts = facts_of(tenant_code, [plant for _, plant in plants])
        group = read_group(content, facts)
        rules = compile_rules([StatedGroup(group, 0)], facts)
        step_us = _step_us([site for site, _ in plants], is_fine=is_fine)
        count = int((end - start + _BEFORE) / timedelta(microseconds=step_us))
        if (len(rules.cells) + len(rules.instances)) * count > _FIGURES_MAX:
            raise TrialTooLarge(
                "so many objects over so long a time are too much for one answer: try a shorter"
                " time, or name fewer objects",
                "对象数 × 时段过大：请缩短时段或限定对象",
                pointer="end",
            )
        first_us = to_us(start - _BEFORE) // _HOUR_US * _HOUR_US
        starts_us = np.arange(first_us, to_us(end), step_us, dtype=np.int64)
        values = np.full((len(rules.cells), len(starts_us)), np.nan)
        for site, plant in plants:
            wanted = [
                Wanted(place, cell)
                for place, cell in enumerate(rules.cells)
                if cell.site == site.code
            ]
            if wanted:
                past = await _past(connection, site, plant, starts_us, step_us)
                for one in wanted:
                    values[one.place] = past.values(one)
    return play(rules, values, starts_us + step_us, start=start, end=end, is_fine=is_fine)


def _step_us(sites: Sequence[topology.Site], *, is_fine: bool) -> int:
    finest = min((site.base_interval_us for site in sites), default=_HOUR_US)
    return finest if is_fine else _HOUR_US


async def _past(
    connection: Connection, site: topology.Site, plant: Plant, starts_us: Int1D, step_us: int
) -> PastCells:
    series = await answers.list_series(connection, site_id=site.id)
    grain = Grain.BASE if step_us == site.base_interval_us else Grain.HOUR
    columns = await read_as_tenant(
        connection,
        series_ids=[row.id for row in series],
        grain=grain,
        start_us=int(starts_us[0]),
        end_us=int(starts_us[-1]) + step_us,
    )
    series_id = np.array([row.id for row in series], dtype=np.int32)
    block, found_us = block_of(columns, series_id=series_id)
    roots = [place for place, row in enumerate(series) if row.is_root and not row.carrier]
    stated = budgets.holding(
        await budgets.list_rows(
            connection,
            site.id,
            start=from_us(int(starts_us[0])) - timedelta(days=366),
            end=from_us(int(starts_us[-1])),
        )
    )
    return PastCells(
        plant=plant,
        clock=Clock(site.time_zone, time_of_day(site.day_start_us), site.base_interval_us),
        rows=_rows(series),
        block=_spread(open_sums.with_sum(block, roots), found_us, starts_us),
        starts_us=starts_us,
        step_us=step_us,
        budgets={
            (row.node, row.quantity, budgets.PERIODS[row.grain], to_us(row.start_ts)): row.amount
            for row in stated
            if row.amount is not None
        },
        roots=[series[place].code for place in roots],
    )


def _rows(series: Sequence[SeriesRow]) -> dict[tuple[str, str, str], int]:
    return {(row.kind, row.code, row.carrier): place for place, row in enumerate(series)}


def _spread(block: ResultBlock, found_us: Int1D, starts_us: Int1D) -> ResultBlock:
    """Return a block over all intervals of a span; those without results are not known."""
    whole = ResultBlock.invalid(block.energy_kwh.shape[0], len(starts_us))
    place = np.searchsorted(starts_us, found_us)
    fits = (place < len(starts_us)) & (starts_us[np.minimum(place, len(starts_us) - 1)] == found_us)
    for name in VALUE_COLUMNS:
        getattr(whole, name)[:, place[fits]] = getattr(block, name)[:, fits]
    return whole


def play(
    rules: CompiledRules,
    values: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    ends_us: Int1D,
    *,
    start: datetime,
    end: datetime,
    is_fine: bool,
) -> Trial:
    """Run the state machine over the span, interval by interval."""
    states = States.inactive(len(rules.instances))
    times: list[WouldFire] = []
    open_rows: dict[int, int] = {}
    fired_at: dict[str, list[datetime]] = {one.rule.rule.alert: [] for one in rules.instances}
    for column in np.flatnonzero(ends_us > to_us(start)).tolist():
        now_us = int(ends_us[column])
        found = evaluate(rules.conditions, _cells(values, column))
        stepped = step(states, found.met, found.clear, rules.holds, now_us=now_us)
        states = stepped.states
        for row in np.flatnonzero(stepped.fired).tolist():
            instance = rules.instances[row]
            open_rows[row] = len(times)
            fired_at[instance.rule.rule.alert].append(from_us(now_us))
            times.append(
                WouldFire(
                    alert=instance.rule.rule.alert,
                    labels=instance.labels,
                    fired_at=from_us(now_us),
                    resolved_at=None,
                    value=finite(found.value[row]),
                    limit=finite(found.limit[row]),
                )
            )
        for row in np.flatnonzero(stepped.resolved).tolist():
            place = open_rows.pop(row)
            was = times[place]
            times[place] = WouldFire(
                was.alert, was.labels, was.fired_at, from_us(now_us), was.value, was.limit
            )
    return Trial(
        start=start,
        end=end,
        resolution="base" if is_fine else "hour",
        rules=[_tried(rules, alert, fired, start) for alert, fired in sorted(fired_at.items())],
        times=times[:_TIMES_MAX],
        more=len(times) > _TIMES_MAX,
    )


def _cells(values: np.ndarray[tuple[int, int], np.dtype[np.float64]], column: int) -> Float1D:
    return np.ascontiguousarray(values[:, column])


def _tried(
    rules: CompiledRules, alert: str, fired: Sequence[datetime], start: datetime
) -> TriedRule:
    days = [(at - start) // timedelta(days=1) for at in fired]
    most = max((days.count(day) for day in set(days)), default=0)
    cells = [
        rules.cells[int(place)]
        for row, one in enumerate(rules.instances)
        if one.rule.rule.alert == alert
        for place in rules.conditions.slot_cell[
            rules.conditions.slot_offset[row] : rules.conditions.slot_offset[row + 1]
        ]
    ]
    tried = [cell for cell in cells if cell.measure in TRIED]
    rough = {cell.measure for cell in tried if cell.period == LIVE}
    rough |= {f"forecast({cell.measure})" for cell in tried if cell.function == "forecast"}
    return TriedRule(
        alert=alert,
        count=len(fired),
        day_most=most,
        too_many=most > _A_DAY_MAX,
        not_tried=tuple(sorted({cell.measure for cell in cells} - TRIED)),
        approximated=tuple(sorted(rough)),
    )
