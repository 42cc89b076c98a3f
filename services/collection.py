"""Completeness 完整率 and self-collection 数据自采率: what came of a point in a month, and whence.

Completeness is the share of the time that readings cover. Self-collected is what of it stands on
readings that gateways sent; an interval into which a person's value went is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from compute.periods import Grain, to_us
from compute.quality import Quality
from services import totals
from services.plant.compile import points_of
from services.plant.metering import Point
from services.plant_history import plants_over
from services.store import answers
from services.store.answers import PointRow
from services.store.pool import Connection, Database
from services.totals import SiteState

_MINUTE_US = 60_000_000
_POINTS_MAX = 10_000
_MONTHS_MAX = 24


@dataclass(frozen=True, slots=True)
class PointMonth:
    """A point in a month.

    Attributes
    ----------
    expected_us : int
        The part of the month in which the point was there and that is over: from its first
        reading on, and of one that never sent any from its validity on. > 0. [µs]
    covered_us, self_collected_us : int
        How much of it readings cover, and readings of gateways alone. [µs]
    completeness_min : float
        What its description asks for.
    """

    month: datetime
    meter: str
    point: str
    expected_us: int
    covered_us: int
    self_collected_us: int
    completeness_min: float

    @property
    def completeness(self) -> float:
        """Covered share of what was expected, 0..1."""
        return self.covered_us / self.expected_us

    @property
    def self_collection(self) -> float:
        """Self-collected share of what was expected, 0..1."""
        return self.self_collected_us / self.expected_us


@dataclass(frozen=True, slots=True)
class CollectionAnswer:
    """Points by month, meter and code."""

    state: SiteState
    rows: list[PointMonth]


async def collection(
    database: Database, *, tenant_id: int, site: str, start: datetime, end: datetime
) -> CollectionAnswer:
    """Return what was collected of every point in each month that [start, end) touches.

    Raises
    ------
    NotFound, RangeTooLarge, NotAnEdge
        As their names say.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        totals.check_span(start=start, end=end, days_max=31 * _MONTHS_MAX)
        edges = state.edges(start, end, Grain.MONTH)
        start, end = edges[0], edges[-1]
        points = await answers.list_points(
            connection, site_id=state.site.id, code=None, after="", limit=_POINTS_MAX
        )
        series = await answers.list_series(connection, site_id=state.site.id, kind="point")
        plants = await plants_over(connection, state.site.id, start=start, end=end)
        described = {point.code: point for span in plants for _, point in points_of(span.plant)}
        covered = await _covered(connection, {row.id: row.code for row in series}, start, end)
    rows = [
        PointMonth(
            month=first,
            meter=point.meter_code,
            point=point.code,
            # A level that somebody read at an exchange may cover time before the first reading.
            expected_us=max(expected_us, covered.get((point.code, to_us(first)), (0, 0))[0]),
            covered_us=covered.get((point.code, to_us(first)), (0, 0))[0],
            self_collected_us=covered.get((point.code, to_us(first)), (0, 0))[1],
            completeness_min=described[point.code].checks.completeness_min,
        )
        for first, last in pairwise(edges)
        for point in sorted(points, key=lambda row: (row.meter_code, row.code))
        if point.code in described
        and (expected_us := _expected_us(state, point, described[point.code], first, last)) > 0
    ]
    return CollectionAnswer(state, rows)


def _expected_us(
    state: SiteState, point: PointRow, described: Point, first: datetime, last: datetime
) -> int:
    """Return the part of a month in which a point was there and that is over. [µs]."""
    step_us = state.site.base_interval_us
    begin_us = max(to_us(first), to_us(point.valid_from))
    if point.first_ts is not None:
        # A meter that is described before it is fitted lacks nothing until it speaks.
        begin_us = max(begin_us, to_us(point.first_ts) - _reach_us(described))
    end_us = min(to_us(last), to_us(state.as_of) // step_us * step_us)
    if point.valid_to is not None:
        end_us = min(end_us, to_us(point.valid_to))
    return max(end_us - begin_us, 0)


def _reach_us(point: Point) -> int:
    """Return how far before its stamp a value of a point counts. [µs]."""
    return (point.period_minutes or 0) * _MINUTE_US if point.stamp == "end" else 0


async def _covered(
    connection: Connection, code_by_series: Mapping[int, str], start: datetime, end: datetime
) -> dict[tuple[str, int], tuple[int, int]]:
    """Return what is covered, and self-collected, by point and start of the month. [µs]."""
    months = await answers.result_columns(
        connection,
        series_ids=list(code_by_series),
        grain=Grain.MONTH,
        start=start,
        end=end,
    )
    found = {
        (code_by_series[series_id], ts_us): (covered_us, covered_us)
        for series_id, ts_us, covered_us in zip(
            months.series_id.tolist(),
            months.ts_us.tolist(),
            months.covered_us.tolist(),
            strict=True,
        )
    }
    # Only where the month itself says that a person's value is in it are its intervals looked at.
    touched = (months.quality & int(Quality.CORRECTED)) != 0
    starts = sorted(set(months.ts_us.tolist()))
    if touched.any():
        by_hand = await _by_hand(connection, months.series_id[touched].tolist(), start, end)
        for series_id, ts_us, covered_us in by_hand:
            month = max(edge for edge in starts if edge <= ts_us)
            key = (code_by_series[series_id], month)
            whole, own = found[key]
            found[key] = (whole, own - covered_us)
    return found


async def _by_hand(
    connection: Connection, series_ids: Sequence[int], start: datetime, end: datetime
) -> list[tuple[int, int, int]]:
    """Return (series, start, covered) of the base intervals that a person's value went into."""
    columns = await answers.result_columns(
        connection,
        series_ids=sorted(set(series_ids)),
        grain=Grain.BASE,
        start=start,
        end=end,
    )
    touched = np.flatnonzero((columns.quality & int(Quality.CORRECTED)) != 0)
    return [
        (int(columns.series_id[i]), int(columns.ts_us[i]), int(columns.covered_us[i]))
        for i in touched.tolist()
    ]


def by_meter(rows: Sequence[PointMonth]) -> dict[tuple[datetime, str], tuple[float, float]]:
    """Return completeness and self-collection of each meter and month: its points together."""
    sums: dict[tuple[datetime, str], list[int]] = {}
    for row in rows:
        total = sums.setdefault((row.month, row.meter), [0, 0, 0])
        total[0] += row.expected_us
        total[1] += row.covered_us
        total[2] += row.self_collected_us
    return {key: (total[1] / total[0], total[2] / total[0]) for key, total in sums.items()}
