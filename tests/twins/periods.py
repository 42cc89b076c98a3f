"""Period edges by walking over every minute of the wall clock."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from compute.periods import Grain, from_us

MINUTE_US = 60_000_000


def is_edge(instant_us: int, grain: Grain, zone: ZoneInfo, day_start: time) -> bool:
    now = from_us(instant_us).astimezone(zone)
    just_before = from_us(instant_us - 1).astimezone(zone)
    changed = now.utcoffset() != just_before.utcoffset()
    if grain == Grain.HOUR:
        return changed or (now.minute, now.second, now.microsecond) == (0, 0, 0)
    if now.time() == day_start and now.fold == 0:
        starts = True
    else:
        # The clock was put forward over the day start.
        wall = now.replace(tzinfo=None)
        skipped_from = just_before.replace(tzinfo=None) + timedelta(microseconds=1)
        wanted = datetime.combine(wall.date(), day_start)
        starts = changed and skipped_from <= wanted < wall
    return starts and (grain == Grain.DAY or now.day == 1)


def edges_within(
    first_us: int, last_us: int, grain: Grain, zone: ZoneInfo, day_start: time
) -> list[int]:
    start_us = -(-first_us // MINUTE_US) * MINUTE_US
    return [
        instant_us
        for instant_us in range(start_us, last_us, MINUTE_US)
        if is_edge(instant_us, grain, zone, day_start)
    ]
