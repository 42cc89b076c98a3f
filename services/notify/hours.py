"""Hours of the week by a local clock: who is on duty, and when people want quiet."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field

from services.plant.words import Clock, Part, said

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
_DAY = timedelta(days=1)
# Spans may join each other; a whole week of them has no end that anyone waits for.
_JOINED_MAX = 16


class Hours(Part):
    """Hours of some days; they may run past midnight, and then belong to the day they begin."""

    days: Annotated[
        Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)],
        said(
            "星期", "Days", "开始的日子，省略为每天。", "Days on which they begin; all if left out."
        ),
    ] = _WEEKDAYS
    start: Annotated[
        Clock,
        Field(alias="from"),
        said("起", "From", "当地时刻 HH:MM。", "By the local clock, HH:MM."),
    ]
    end: Annotated[
        Clock,
        Field(alias="to"),
        said("止", "To", "不晚于起始则到次日。", "Of the next day if it is not after the start."),
    ]


def end_of(hours: Iterable[Hours], at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the hours that hold at an instant end, None if none holds.

    Hours that follow each other without a gap end together.
    """
    spans = list(hours)
    end: datetime | None = None
    for _ in range(_JOINED_MAX):
        later = _end_of_one(spans, end or at, zone)
        if later is None:
            return end
        end = later
    return end


def _end_of_one(spans: list[Hours], at: datetime, zone: ZoneInfo) -> datetime | None:
    today = at.astimezone(zone).date()
    ends = [
        end
        for one in spans
        # Hours that began yesterday may reach into today.
        for day in (today - _DAY, today)
        if _WEEKDAYS[day.weekday()] in one.days
        for start, end in (_span(one, day, zone),)
        if start <= at < end
    ]
    return max(ends, default=None)


def _span(one: Hours, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    start, end = _instant(day, one.start, zone), _instant(day, one.end, zone)
    return start, end if end > start else _instant(day + _DAY, one.end, zone)


def _instant(day: date, clock: str, zone: ZoneInfo) -> datetime:
    hour, minute = (int(part) for part in clock.split(":"))
    if hour == 24:
        day, hour = day + _DAY, 0
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
