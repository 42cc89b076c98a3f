"""能效对标 benchmarking: where units stand, now and at the end at the pace of late, in words."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from compute.benchmark_marks import Mark
from compute.intensity import Undefined
from compute.periods import from_us, to_us
from compute.quality import LACKING, Quality
from services.benchmark_figures import Figures, load_figures
from services.benchmark_periods import CONFIDENCE, PeriodName
from services.benchmark_units import Unit, UsedLimit, corrected_levels
from services.json_values import finite
from services.plant.benchmark import BenchmarkTarget
from services.store.pool import Database
from services.totals import SiteState

_FACTOR_MISSING = int(Quality.FACTOR_MISSING)
# Results follow readings within this.
_LATE_US = 2 * 900_000_000

_NORM_NAMES = (("1级", "Level 1"), ("2级", "Level 2"), ("3级（限定值）", "Level 3 (limit)"))
_EQUIPMENT_NAMES = (
    ("先进水平", "Advanced level"),
    ("节能水平", "Energy-saving level"),
    ("准入水平", "Entry level"),
)
_LIST_NAMES = (("标杆水平", "Benchmark level"), ("基准水平", "Baseline level"))
_OWN_NAMES = (("内部目标", "Target"), ("自身最好水平", "Own best"))

Words = tuple[str, str]


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A level with its name; None where there is none."""

    level: int | None
    zh: str | None
    en: str | None


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """What a period ends at, at the pace of late."""

    value: float | None
    low: float | None
    high: float | None
    confidence: float
    step: str
    step_count: int
    energy: float | None
    output: float | None


@dataclass(frozen=True, slots=True)
class MarkRow:
    """One mark, and the energy of the period beyond what it allows."""

    mark: str
    name_zh: str
    name_en: str
    value: float
    limit: str | None
    is_met: bool | None
    is_met_at_end: bool | None
    gap_tce: float | None
    gap_cny: float | None
    gap_tco2e: float | None


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit that is named, and what it is used for."""

    used: UsedLimit
    added: list[float] | None


@dataclass(frozen=True, slots=True)
class BestRow:
    """The best of the closed periods."""

    value: float
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """What a unit came to in a closed period."""

    start: datetime
    end: datetime
    shift: str | None
    value: float | None
    reason: Undefined
    energy: float | None
    output: float | None
    covered_share: float
    quality: int
    level: int | None
    list_level: int | None
    target: float | None


@dataclass(frozen=True, slots=True)
class UnitRow:
    """Where one unit stands."""

    unit: Unit
    value: float | None
    reason: Undefined
    quality: int
    covered_share: float
    energy: float | None
    output: float | None
    forecast: ForecastRow
    level: LevelRow
    level_end: LevelRow
    list_level: LevelRow
    list_level_end: LevelRow
    aim: str | None
    gap_tce: float | None
    gap_cny: float | None
    gap_tco2e: float | None
    rank: int
    marks: list[MarkRow]
    limits: list[LimitRow]
    target: BenchmarkTarget | None
    own_best: BestRow | None
    history: list[PeriodRow]


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """The units of a site in one period, in the order of its description."""

    state: SiteState
    start: datetime
    end: datetime
    shift: str | None
    is_open: bool
    passed_share: float
    units: list[UnitRow]


async def compare(
    database: Database, *, tenant_id: int, site: str, period: PeriodName, at: datetime | None
) -> Benchmarks:
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
    found = await load_figures(database, tenant_id=tenant_id, site=site, period=period, at=at)
    span = found.span
    return Benchmarks(
        state=found.state,
        start=from_us(span.start_us),
        end=from_us(span.end_us),
        shift=None if span.shift < 0 else found.shifts[span.shift].code,
        is_open=found.is_open,
        passed_share=found.passed_share,
        units=_rows(found),
    )


def _rows(found: Figures) -> list[UnitRow]:
    order = sorted(
        range(len(found.units.units)), key=lambda u: (-_or(float(found.found.gap_tce[u])), u)
    )
    rank = {unit: place + 1 for place, unit in enumerate(order)}
    return [_row(found, column, rank[column]) for column in range(len(found.units.units))]


def _or(gap: float) -> float:
    """Return a gap to sort by: units without one come last."""
    return -math.inf if math.isnan(gap) else gap


def _row(found: Figures, column: int, rank: int) -> UnitRow:
    unit, assessed = found.units.units[column], found.found
    used = unit.limits_at(found.day)
    names = _names(used)
    length_us = found.span.end_us - found.span.start_us
    covered_us = int(found.sides.covered_us[column, 0])
    value = finite(assessed.value[column])
    energy, output = _sides(unit, found.sides.amount[:, column, 0])
    tops = (assessed.end_top[column], assessed.end_bottom[column])
    end_energy, end_output = (tops[1], tops[0]) if unit.more_is_better else tops
    aim = int(assessed.aim[column])
    return UnitRow(
        unit=unit,
        value=value,
        reason=Undefined(int(assessed.reason[column])),
        quality=_quality(found, column, value),
        covered_share=covered_us / length_us,
        energy=energy,
        output=output,
        forecast=ForecastRow(
            value=finite(assessed.forecast[column]),
            low=finite(assessed.low[column]),
            high=finite(assessed.high[column]),
            confidence=CONFIDENCE,
            step=found.step.code,
            step_count=int(found.step_count[column]),
            energy=finite(end_energy),
            output=finite(end_output),
        ),
        level=_level(int(assessed.level[column]), names[:3]),
        level_end=_level(int(assessed.level_end[column]), names[:3]),
        list_level=_level(int(assessed.list_level[column]), names[3:5]),
        list_level_end=_level(int(assessed.list_level_end[column]), names[3:5]),
        aim=Mark(aim).name.lower() if aim >= 0 else None,
        gap_tce=finite(assessed.gap_tce[column]),
        gap_cny=finite(assessed.gap_cny[column]),
        gap_tco2e=finite(assessed.gap_tco2e[column]),
        rank=rank,
        marks=_marks(found, column, used, names),
        limits=[LimitRow(it, _added(it)) for it in used],
        target=unit.target_at(found.day),
        own_best=_own_best(found, column),
        history=_history(found, column),
    )


def _sides(unit: Unit, amount: Iterable[float]) -> tuple[float | None, float | None]:
    """Return energy and output."""
    top, bottom, *_ = (finite(value) for value in amount)
    return (bottom, top) if unit.more_is_better else (top, bottom)


def _names(used: list[UsedLimit]) -> tuple[Words, ...]:
    is_equipment = any(it.limit.kind == "equipment" for it in used)
    return (*(_EQUIPMENT_NAMES if is_equipment else _NORM_NAMES), *_LIST_NAMES, *_OWN_NAMES)


def _level(level: int, names: tuple[Words, ...]) -> LevelRow:
    if level == 0:
        return LevelRow(None, None, None)
    if level <= len(names):
        return LevelRow(level, *names[level - 1])
    zh, en = names[-1]
    return LevelRow(level, f"未达{zh}", f"Beyond: {en}")


def _quality(found: Figures, column: int, value: float | None) -> int:
    """Return what can be said of the sums: what the rest of the period lacks is no fault."""
    quality = int(found.sides.quality[column, 0])
    if value is not None:
        # A factor that this quotient does not need.
        quality &= ~_FACTOR_MISSING
    passed_us = min(to_us(found.state.as_of), found.span.end_us) - found.span.start_us
    if found.is_open and found.sides.covered_us[column, 0] >= passed_us - _LATE_US:
        quality &= ~LACKING
    return quality


def _added(used: UsedLimit) -> list[float] | None:
    if used.limit.correction is None:
        return None
    pairs = zip(corrected_levels(used).tolist(), used.limit.levels, strict=True)
    return [0.0 if level is None else value - level for value, level in pairs]


def _marks(
    found: Figures, column: int, used: list[UsedLimit], names: tuple[Words, ...]
) -> list[MarkRow]:
    of_list = next(
        (it.limit.code for it in used if it.use == "used" and it.limit.kind == "list"), None
    )
    of_norm = next(
        (it.limit.code for it in used if it.use == "used" and it.limit.kind != "list"), None
    )
    more = found.units.units[column].more_is_better
    rows = []
    for mark in Mark:
        value = float(found.marks[mark, column])
        if math.isnan(value):
            continue
        gap = found.gap_energy[mark, column] * found.worth[:, column]
        limit = of_norm if mark <= Mark.LEVEL_3 else of_list if mark <= Mark.BASELINE else None
        rows.append(
            MarkRow(
                mark=mark.name.lower(),
                name_zh=names[mark][0],
                name_en=names[mark][1],
                value=value,
                limit=limit,
                is_met=_is_met(found.found.value[column], value, more=more),
                is_met_at_end=_is_met(found.found.forecast[column], value, more=more),
                gap_tce=finite(gap[0]),
                gap_cny=finite(gap[1]),
                gap_tco2e=finite(gap[2]),
            )
        )
    return rows


def _is_met(value: float, mark: float, *, more: bool) -> bool | None:
    if math.isnan(value):
        return None
    return bool(value >= mark if more else value <= mark)


def _own_best(found: Figures, column: int) -> BestRow | None:
    place = int(found.best_period[column])
    if place < 0:
        return None
    span = found.closed.spans[place]
    value = float(found.marks[Mark.OWN_BEST, column])
    return BestRow(value, from_us(span.start_us), from_us(span.end_us))


def _history(found: Figures, column: int) -> list[PeriodRow]:
    unit, closed = found.units.units[column], found.closed
    rows = []
    for k, span in enumerate(closed.spans):
        pair = column * len(closed.spans) + k
        value = finite(closed.found.value[pair])
        energy, output = _sides(unit, closed.sides.amount[:, column, k])
        quality = int(closed.sides.quality[column, k])
        rows.append(
            PeriodRow(
                start=from_us(span.start_us),
                end=from_us(span.end_us),
                shift=None if span.shift < 0 else found.shifts[span.shift].code,
                value=value,
                reason=Undefined(int(closed.found.reason[pair])),
                energy=energy,
                output=output,
                covered_share=int(closed.sides.covered_us[column, k])
                / (span.end_us - span.start_us),
                quality=quality if value is None else quality & ~_FACTOR_MISSING,
                level=int(closed.found.level[pair]) or None,
                list_level=int(closed.found.list_level[pair]) or None,
                target=finite(closed.target[column, k]),
            )
        )
    return rows
