"""What every answer about a site begins with: its snapshot, its calendar, and sums over a period.

A period is cut into the longest stored intervals that lie in it (months, then days, hours and base
intervals at its ends), so that a year costs twelve rows and still ends at the minute asked for.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from typing import ClassVar

import numpy as np

from compute.block import VALUE_COLUMNS, ResultBlock, add_unlike
from compute.periods import Grain, from_us, period_edges_us, time_of_day, to_us
from compute.quality import Quality
from compute.rollup import rollup
from services.json_values import iso_utc
from services.refusal import NotFound, Refusal
from services.rollup_rows import block_of
from services.store import answers
from services.store.answers import SiteRow
from services.store.pool import Connection
from services.store.results import ResultColumns

MEASURES = VALUE_COLUMNS
_MICROSECOND = timedelta(microseconds=1)
_PERIOD_DAYS_MAX = 7_320  # twenty years
_SPAN_DAYS_MAX = {Grain.BASE: 400, Grain.HOUR: 1_830, Grain.DAY: 7_320, Grain.MONTH: 36_600}


class RangeTooLarge(Refusal):
    """More time than one answer may cover."""

    code: ClassVar[str] = "range_too_large"


class NotAnEdge(Refusal):
    """A period that begins or ends inside an interval."""

    code: ClassVar[str] = "not_an_edge"


@dataclass(frozen=True, slots=True)
class SiteState:
    """A site at the instant of a snapshot.

    Attributes
    ----------
    complete_until : datetime or None
        End of the last base interval that the readings of every active point have passed; None
        where some point never sent one.
    waiting_for : tuple of str
        Points that never sent a reading, ten at most.
    """

    site: SiteRow
    as_of: datetime
    complete_until: datetime | None
    waiting_for: tuple[str, ...]

    @property
    def day_start(self) -> time:
        """Wall-clock time at which the site's day begins."""
        return time_of_day(self.site.day_start_us)

    def edges(self, start: datetime, end: datetime, grain: Grain) -> list[datetime]:
        """Return the edges of the intervals that cover [start, end)."""
        edges = period_edges_us(
            start,
            end,
            grain=grain,
            time_zone=self.site.time_zone,
            day_start=self.day_start,
            base_interval_us=self.site.base_interval_us,
        )
        return [from_us(edge) for edge in edges.tolist()]


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of one series over a period; None where there is nothing, or nothing valid.

    Attributes
    ----------
    covered_share : float
        Share of the period that readings cover, 0..1.
    quality : int
        Every bit of any interval; PARTIAL where intervals are absent, OPEN before the end.
    """

    amount: float | None
    energy_kwh: float | None
    coal_equivalent_tce: float | None
    coal_equal_tce: float | None
    emission_direct_tco2e: float | None
    emission_purchased_tco2e: float | None
    covered_share: float
    reading_count: int
    quality: int


async def load_state(connection: Connection, site_code: str) -> SiteState:
    """Return a site and how far its readings reach.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    site = await answers.find_site(connection, site_code)
    if site is None:
        raise NotFound("site")
    row = await answers.freshness(connection, site.id)
    complete_until = None
    if row.last_ts is not None and not row.silent_count:
        last_us = to_us(row.last_ts)
        complete_until = from_us(last_us - last_us % site.base_interval_us)
    return SiteState(
        site=site,
        as_of=row.as_of,
        complete_until=complete_until,
        waiting_for=tuple(row.silent or ()),
    )


def check_period(state: SiteState, *, start: datetime, end: datetime, grain: Grain) -> None:
    """Refuse a period that is reversed, too long for its interval, or not made of whole ones.

    Raises
    ------
    RangeTooLarge, NotAnEdge
        As their names say.
    """
    check_span(start=start, end=end, days_max=_SPAN_DAYS_MAX[grain])
    for name, at in (("start", start), ("end", end)):
        _check_edge(state, name, at, grain)


def _check_edge(state: SiteState, name: str, at: datetime, grain: Grain) -> None:
    before, after = state.edges(at, at + _MICROSECOND, grain)
    if before != at:
        raise NotAnEdge(
            f"{name} lies inside a {grain.code} of the site ({state.site.time_zone}): use"
            f" {iso_utc(before)} or {iso_utc(after)}",
            f"{name} 落在一个统计周期（{grain.code}，时区 {state.site.time_zone}）之内：请用"
            f" {iso_utc(before)} 或 {iso_utc(after)}",
            pointer=name,
        )


def check_span(*, start: datetime, end: datetime, days_max: int = _PERIOD_DAYS_MAX) -> None:
    """Refuse a span that is empty, reversed or too long.

    Raises
    ------
    RangeTooLarge, NotAnEdge
        As their names say.
    """
    if end <= start:
        raise NotAnEdge(
            "end is not after start: give a later end",
            "end 不晚于 start：请给更晚的 end",
            pointer="end",
        )
    if end - start > timedelta(days=days_max):
        raise RangeTooLarge(
            f"the period is longer than {days_max} days: ask for less, or a longer interval",
            f"时段超过 {days_max} 天：请缩短时段或加大周期",
            pointer="end",
        )


class Totals:
    """Sums of several series over the same time, and sums of those.

    They are made by the very rules of the stored days and months (`compute.rollup`), so that a
    month asked for as a period is the stored month, bit for bit.
    """

    def __init__(
        self, block: ResultBlock, series_ids: Sequence[int], *, span_us: int, marks: int
    ) -> None:
        self._block = block
        self._row = {series_id: row for row, series_id in enumerate(series_ids)}
        self._span_us = span_us
        self._marks = marks

    @property
    def block(self) -> ResultBlock:
        """Return all of them, (s, 1), in the order they were asked for."""
        return self._block

    def of(self, series_id: int) -> Total:
        """Return the total of one series."""
        row = self._row[series_id]
        return self._total(self._block, row)

    def added(self, series_ids: Iterable[int]) -> Total | None:
        """Return the sum of several series; it has no amount. None if none is named."""
        rows = [self._row[series_id] for series_id in series_ids]
        return self._total(add_unlike(self._block, rows), 0) if rows else None

    def _total(self, block: ResultBlock, row: int) -> Total:
        def value(name: str) -> float | None:
            number = float(getattr(block, name)[row, 0])
            return None if math.isnan(number) else number

        return Total(
            amount=value("amount"),
            energy_kwh=value("energy_kwh"),
            coal_equivalent_tce=value("coal_equivalent_tce"),
            coal_equal_tce=value("coal_equal_tce"),
            emission_direct_tco2e=value("emission_direct_tco2e"),
            emission_purchased_tco2e=value("emission_purchased_tco2e"),
            covered_share=int(block.covered_us[row, 0]) / self._span_us,
            reading_count=int(block.reading_count[row, 0]),
            quality=int(block.quality[row, 0]) | self._marks,
        )


async def sum_series(
    connection: Connection,
    state: SiteState,
    *,
    series_ids: Sequence[int],
    spans: Sequence[tuple[datetime, datetime]],
) -> Totals:
    """Return the totals of series over spans whose ends are edges of base intervals."""
    pieces = [piece for start, end in spans for piece in cover(state, start=start, end=end)]
    loaded = [
        await answers.result_columns(
            connection, series_ids=series_ids, grain=grain, start=first, end=last
        )
        for grain, first, last in pieces
    ]
    columns = ResultColumns(
        *(
            np.concatenate([getattr(piece, field.name) for piece in loaded])
            for field in fields(ResultColumns)
        )
    )
    block, starts_us = block_of(columns, series_id=np.array(series_ids, dtype=np.int32))
    expected = sum(len(state.edges(first, last, grain)) - 1 for grain, first, last in pieces)
    marks = Quality.PARTIAL if len(starts_us) < expected else Quality.GOOD
    if spans[-1][1] > state.as_of:
        marks |= Quality.OPEN
    return Totals(
        rollup(block, [0, len(starts_us)]),
        series_ids,
        span_us=sum(to_us(end) - to_us(start) for start, end in spans),
        marks=int(marks),
    )


def check_ends(state: SiteState, *, start: datetime, end: datetime) -> None:
    """Refuse a period that is reversed, too long, or not made of whole base intervals.

    Raises
    ------
    RangeTooLarge, NotAnEdge
        As their names say.
    """
    check_span(start=start, end=end)
    for name, at in (("start", start), ("end", end)):
        _check_edge(state, name, at, Grain.BASE)


def cover(
    state: SiteState, *, start: datetime, end: datetime
) -> list[tuple[Grain, datetime, datetime]]:
    """Cut [start, end) into runs of the longest stored intervals, oldest first."""
    return _cover(state, start, end, (Grain.MONTH, Grain.DAY, Grain.HOUR, Grain.BASE))


def _cover(
    state: SiteState, start: datetime, end: datetime, grains: tuple[Grain, ...]
) -> list[tuple[Grain, datetime, datetime]]:
    if start >= end:
        return []
    grain, *shorter = grains
    if not shorter:
        return [(grain, start, end)]
    inner = [edge for edge in state.edges(start, end, grain) if start <= edge <= end]
    if len(inner) < 2:
        return _cover(state, start, end, tuple(shorter))
    return [
        *_cover(state, start, inner[0], tuple(shorter)),
        (grain, inner[0], inner[-1]),
        *_cover(state, inner[-1], end, tuple(shorter)),
    ]
