"""The only source of business periods: hours, days and months of a site as UTC edges.

Base intervals are a uniform grid of UTC, aligned to 1970. Hours, days and months are those of the
site's wall clock: a day begins at the site's day start, so it has 23 or 25 h where summer time
changes; a month begins with its first day (or the declared one). Every period is half-open.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from compute.errors import NengtanError
from compute.topology import Int1D

US_PER_HOUR = 3_600_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_MONTH_START_DAY = 28


class Grain(IntEnum):
    """The lengths of time that results are kept in."""

    BASE = 0
    HOUR = 1
    DAY = 2
    MONTH = 3

    @property
    def code(self) -> str:
        """Return the name used in stored rows and answers."""
        return self.name.lower()


class NaiveInstant(NengtanError):
    """An instant without an offset from UTC."""

    def __init__(self, instant: datetime) -> None:
        super().__init__(f"instant {instant.isoformat()} has no offset: give an aware datetime")
        self.instant = instant


class ReversedSpan(NengtanError):
    """A span that ends before it starts."""

    def __init__(self, start: datetime, end: datetime) -> None:
        super().__init__(
            f"span [{start.isoformat()}, {end.isoformat()}) ends before it starts: swap its ends"
        )
        self.start = start
        self.end = end


class MonthStartDayRefused(NengtanError):
    """A first day of the month that not every month has."""

    def __init__(self, month_start_day: int) -> None:
        super().__init__(
            f"month_start_day is {month_start_day}: choose 1 to {_LAST_MONTH_START_DAY}"
        )
        self.month_start_day = month_start_day


def to_us(instant: datetime) -> int:
    """Return an aware instant as whole microseconds since 1970-01-01 UTC.

    Raises
    ------
    NaiveInstant
        If the instant has no offset.
    """
    if instant.utcoffset() is None:
        raise NaiveInstant(instant)
    # Division of timedeltas is exact; timestamp() rounds to a float.
    return (instant - _EPOCH) // _MICROSECOND


def from_us(instant_us: int) -> datetime:
    """Return microseconds since 1970-01-01 UTC as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=int(instant_us))


def time_of_day(since_midnight_us: int) -> time:
    """Return the wall-clock time so long after midnight, to the minute. [µs]."""
    minutes = since_midnight_us // 60_000_000
    return time(minutes // 60, minutes % 60)


def floor_to(
    instant: datetime,
    *,
    grain: Grain,
    time_zone: str,
    day_start: time,
    base_interval_us: int,
    month_start_day: int = 1,
) -> datetime:
    """Return the start of the period that holds an instant. Parameters as `period_edges_us`."""
    edges = period_edges_us(
        instant,
        instant + _MICROSECOND,
        grain=grain,
        time_zone=time_zone,
        day_start=day_start,
        base_interval_us=base_interval_us,
        month_start_day=month_start_day,
    )
    return from_us(int(edges[0]))


def ceil_to(
    instant: datetime,
    *,
    grain: Grain,
    time_zone: str,
    day_start: time,
    base_interval_us: int,
    month_start_day: int = 1,
) -> datetime:
    """Return the first period edge at or after an instant. Parameters as `period_edges_us`."""
    edges = period_edges_us(
        instant - _MICROSECOND,
        instant,
        grain=grain,
        time_zone=time_zone,
        day_start=day_start,
        base_interval_us=base_interval_us,
        month_start_day=month_start_day,
    )
    return from_us(int(edges[-1]))


def period_edges_us(
    start: datetime,
    end: datetime,
    *,
    grain: Grain,
    time_zone: str,
    day_start: time,
    base_interval_us: int,
    month_start_day: int = 1,
) -> Int1D:
    """Return the edges of the periods that cover a span.

    Parameters
    ----------
    start, end : datetime
        Span [start, end), aware.
    grain : Grain
    time_zone : str
        Name in the IANA database, for example Asia/Shanghai.
    day_start : time
        Wall-clock time at which the site's day begins.
    base_interval_us : int
        Length of a base interval. > 0. [µs]
    month_start_day : int
        Day of the calendar month on which the site's month begins, 1 to 28.

    Returns
    -------
    edges_us : (g + 1,) int64
        Period i is [edges_us[i], edges_us[i + 1]). The first edge is at or before `start`, the
        last at or after `end`. An empty span has no period: it gives the first edge alone.
        [µs since 1970-01-01 UTC]

    Raises
    ------
    NaiveInstant
        If `start` or `end` has no offset.
    ReversedSpan
        If `end` is before `start`.
    MonthStartDayRefused
        If not every month has that day.

    Notes
    -----
    A day start that the clock shows twice is taken the first time; one that it skips is taken as
    if the clock had not been changed, which for a change at that very minute is the change itself.
    An hour ends at the full hour of the wall clock and where the clock is changed: the half-hour
    change of Lord Howe gives one period of 30 min, and no hour is longer than 60.
    """
    start_us, end_us = to_us(start), to_us(end)
    if end_us < start_us:
        raise ReversedSpan(start, end)
    if not 1 <= month_start_day <= _LAST_MONTH_START_DAY:
        raise MonthStartDayRefused(month_start_day)
    zone = ZoneInfo(time_zone)
    if grain == Grain.BASE:
        first = start_us // base_interval_us
        last = -(-end_us // base_interval_us)
        edges = [edge * base_interval_us for edge in range(first, max(first, last) + 1)]
    elif grain == Grain.HOUR:
        edges = _hour_edges(start_us, end_us, zone)
    elif grain == Grain.DAY:
        edges = _day_edges(start_us, end_us, zone, day_start)
    else:
        edges = _month_edges(start_us, end_us, zone, day_start, month_start_day)
    return np.array(edges if end_us > start_us else edges[:1], dtype=np.int64)


def group_offset(edges_us: Int1D, *, start_us: int, step_us: int, count: int) -> Int1D:
    """Return where each period begins among consecutive base intervals.

    Parameters
    ----------
    edges_us : (g + 1,) int64
        Edges of the periods, ascending. [µs since 1970-01-01 UTC]
    start_us : int
        Start of base interval 0. [µs since 1970-01-01 UTC]
    step_us : int
        Length of a base interval. [µs]
    count : int
        Number of base intervals.

    Returns
    -------
    offset : (g + 1,) int64
        Base intervals offset[i]:offset[i + 1] start within period i.
    """
    behind: npt.NDArray[np.int64] = -((start_us - edges_us) // step_us)
    return np.clip(behind, 0, count)


def _offset_us(instant_us: int, zone: ZoneInfo) -> int:
    offset = from_us(instant_us).astimezone(zone).utcoffset()
    assert offset is not None  # noqa: S101 - ZoneInfo always has one
    return offset // _MICROSECOND


def _wall_to_us(day: date, day_start: time, zone: ZoneInfo) -> int:
    return to_us(datetime.combine(day, day_start.replace(fold=0), tzinfo=zone).astimezone(UTC))


def _local_date(instant_us: int, zone: ZoneInfo) -> date:
    return from_us(instant_us).astimezone(zone).date()


def _hour_edges(start_us: int, end_us: int, zone: ZoneInfo) -> list[int]:
    offset_us = _offset_us(start_us, zone)
    edge = start_us - (start_us + offset_us) % US_PER_HOUR
    if _offset_us(edge, zone) != offset_us:
        edge = _change_us(edge, start_us, zone)
    edges = [edge]
    while edge < end_us:
        offset_us = _offset_us(edge, zone)
        following = edge - (edge + offset_us) % US_PER_HOUR + US_PER_HOUR
        if _offset_us(following - 1, zone) != offset_us:
            following = _change_us(edge, following, zone)
        edge = following
        edges.append(edge)
    return edges


def _change_us(before_us: int, after_us: int, zone: ZoneInfo) -> int:
    """Return the first instant in (before, after] with an offset other than at `before`."""
    offset_us = _offset_us(before_us, zone)
    while after_us - before_us > 1:
        middle = (before_us + after_us) // 2
        if _offset_us(middle, zone) == offset_us:
            before_us = middle
        else:
            after_us = middle
    return after_us


def _day_edges(start_us: int, end_us: int, zone: ZoneInfo, day_start: time) -> list[int]:
    day = _local_date(start_us, zone) + timedelta(days=1)
    while (edge := _wall_to_us(day, day_start, zone)) > start_us:
        day -= timedelta(days=1)
    edges = [edge]
    while edge < end_us:
        day += timedelta(days=1)
        following = _wall_to_us(day, day_start, zone)
        # A zone that moved across the date line has a day that never was.
        if following > edge:
            edge = following
            edges.append(edge)
    return edges


def _month_edges(
    start_us: int, end_us: int, zone: ZoneInfo, day_start: time, month_start_day: int
) -> list[int]:
    today = _local_date(start_us, zone)
    month = today.year * 12 + today.month
    while (edge := _wall_to_us(_month_start(month, month_start_day), day_start, zone)) > start_us:
        month -= 1
    edges = [edge]
    while edge < end_us:
        month += 1
        edge = _wall_to_us(_month_start(month, month_start_day), day_start, zone)
        edges.append(edge)
    return edges


def _month_start(month: int, month_start_day: int) -> date:
    """Return the first day of a month counted as year x 12 + month, from 1 to 12."""
    return date((month - 1) // 12, (month - 1) % 12 + 1, month_start_day)


def wall_clock_us(*, start_us: int, step_us: int, count: int, time_zone: str) -> Int1D:
    """Return what the wall clock shows at the start of consecutive base intervals.

    Parameters
    ----------
    start_us : int
        Start of base interval 0. [µs since 1970-01-01 UTC]
    step_us : int
        Length of a base interval. > 0. [µs]
    count : int
        Number of base intervals. >= 0.
    time_zone : str
        Name in the IANA database.

    Returns
    -------
    local_us : (count,) int64
        Date and time of day as if the clock were one of UTC: `local_us // 86_400_000_000` is the
        date in days since 1970-01-01. An hour that the clock shows twice comes twice, one that it
        skips never. [µs]
    """
    zone = ZoneInfo(time_zone)
    instants_us = start_us + step_us * np.arange(count, dtype=np.int64)
    local_us = instants_us.copy()
    before_us, end_us = start_us, start_us + step_us * count
    while before_us < end_us:
        # No zone changes its clock twice within a quarter of a day.
        after_us = min(before_us + 6 * US_PER_HOUR, end_us)
        offset_us = _offset_us(before_us, zone)
        if _offset_us(after_us, zone) != offset_us:
            after_us = _change_us(before_us, after_us, zone)
        first, last = np.searchsorted(instants_us, (before_us, after_us))
        local_us[first:last] += offset_us
        before_us = after_us
    return local_us


def midnight_us(day: date, time_zone: str) -> int:
    """Return the instant at which a date begins by the wall clock of a zone, in µs.

    A midnight that the clock skips is taken as the change itself, as `period_edges_us` does.
    """
    return _wall_to_us(day, time(), ZoneInfo(time_zone))


def year_edges_us(start: datetime, end: datetime, *, time_zone: str, day_start: time) -> Int1D:
    """Return the edges of the calendar years that cover [start, end). As `period_edges_us`."""
    zone = ZoneInfo(time_zone)
    years = range(_local_date(to_us(start), zone).year - 1, _local_date(to_us(end), zone).year + 3)
    edges = [_wall_to_us(date(year, 1, 1), day_start, zone) for year in years]
    first = max(i for i, edge in enumerate(edges) if edge <= to_us(start))
    last = min(i for i, edge in enumerate(edges) if edge >= to_us(end))
    return np.array(edges[first : last + 1], dtype=np.int64)


def shift_spans_us(
    start: datetime, end: datetime, *, shifts: Sequence[tuple[int, int]], time_zone: str
) -> list[tuple[int, int, int]]:
    """Return the shifts that touch [start, end), oldest first: start, end and number of each.

    Parameters
    ----------
    start, end : datetime
    shifts : sequence of (int, int)
        Minutes of the day at which each begins and ends by the wall clock; one that does not end
        after it begins ends the day after.
    time_zone : str

    Notes
    -----
    A shift in which the clock is changed is an hour longer or shorter.
    """
    zone = ZoneInfo(time_zone)
    day = _local_date(to_us(start), zone) - timedelta(days=1)
    last = _local_date(to_us(end), zone)
    spans = []
    while day <= last:
        for number, (begins, ends) in enumerate(shifts):
            until = day + timedelta(days=1 if ends <= begins else 0)
            first, after = _at_minute(day, begins, zone), _at_minute(until, ends, zone)
            if first < to_us(end) and after > to_us(start) and first < after:
                spans.append((first, after, number))
        day += timedelta(days=1)
    return sorted(spans)


def _at_minute(day: date, minute: int, zone: ZoneInfo) -> int:
    past, minute = divmod(minute, 1440)
    return _wall_to_us(day + timedelta(days=past), time(minute // 60, minute % 60), zone)
