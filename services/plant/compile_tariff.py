"""From a written tariff to the arrays of the kernels."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from compute.bill import BasicCharge, exact
from compute.periods import midnight_us
from compute.tariff import MINUTES_PER_DAY, MONTH_DAYS, DayKind, Int2D
from compute.tariff import TariffVersion as Compiled
from services.plant.tariff import Basic, DaySchedule, Season, SpecialDays, TariffVersion

_EPOCH = date(1970, 1, 1)
# Month-days are counted in a leap year.
_NEW_YEAR = date(2024, 1, 1)
_KINDS: Mapping[str, DayKind] = {"holiday": DayKind.HOLIDAY, "workday": DayKind.WORKDAY}


def minute_of(clock: str) -> int:
    """Return the minutes since midnight of HH:MM; 24:00 is the end of the day."""
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def month_day_of(written: str) -> int:
    """Return which day of a leap year MM-DD is, from 0."""
    return (date.fromisoformat(f"2024-{written}") - _NEW_YEAR).days


def month_day_text(index: int) -> str:
    """Return MM-DD of a day of a leap year."""
    return (_NEW_YEAR + timedelta(days=index)).strftime("%m-%d")


def season_days(first: int, last: int) -> list[int]:
    """Return the days of a leap year from one to another, over the new year if need be."""
    end = last + 1 if first <= last else last + 1 + MONTH_DAYS
    return [day % MONTH_DAYS for day in range(first, end)]


def special_kinds(special_days: Sequence[SpecialDays]) -> dict[date, DayKind]:
    """Return the kind of every special day."""
    return {
        span.from_day + timedelta(days=step): _KINDS[span.kind]
        for span in special_days
        for step in range((span.to_day - span.from_day).days + 1)
    }


def compile_version(version: TariffVersion, *, time_zone: str, scale: float = 1.0) -> Compiled:
    """Return one version as arrays; `check_tariff` has no errors for it.

    Parameters
    ----------
    version : TariffVersion
    time_zone : str
        Of the site.
    scale : float
        What one unit of the amounts to be priced is in the unit of the prices.
    """
    band_index = {band.code: row for row, band in enumerate(version.bands)}
    schedule_index = {day.code: row for row, day in enumerate(version.days)}
    special = sorted(special_kinds(version.special_days).items())
    levels = version.steps.levels if version.steps else ()
    # Below the first step nothing is added.
    steps = [(level.above, level.add) for level in levels]
    if not steps or steps[0][0] > 0:
        steps.insert(0, (0.0, 0.0))
    return Compiled(
        start_us=midnight_us(version.valid_from, time_zone),
        price_cny=np.array([band.price * scale for band in version.bands], dtype=np.float64),
        schedule_of_day=_schedule_of_day(version.seasons, schedule_index),
        band_of_minute=_band_of_minute(version.days, band_index),
        special_day=np.array([(day - _EPOCH).days for day, _ in special], dtype=np.int64),
        special_kind=np.array([int(kind) for _, kind in special], dtype=np.int64),
        step_above=np.array([above / scale for above, _ in steps], dtype=np.float64),
        step_add_cny=np.array([add * scale for _, add in steps], dtype=np.float64),
        steps_by_year=version.steps is not None and version.steps.per == "year",
    )


def compile_basic(basic: Basic) -> BasicCharge:
    """Return how the basic charge of a month is formed."""
    return BasicCharge(
        method=basic.method,
        price=exact(basic.price),
        agreed=Decimal(0) if basic.agreed is None else exact(basic.agreed),
        excess_from_share=exact(basic.excess_from_share),
        excess_price_factor=exact(basic.excess_price_factor),
    )


def _schedule_of_day(seasons: Sequence[Season], schedule_index: Mapping[str, int]) -> Int2D:
    table = np.zeros((MONTH_DAYS, len(DayKind)), dtype=np.int64)
    for season in seasons:
        first, last = month_day_of(season.from_day), month_day_of(season.to_day)
        weekend = season.weekend or season.workday
        by_kind = (season.workday, weekend, season.holiday or weekend)
        table[season_days(first, last)] = [schedule_index[code] for code in by_kind]
    return table


def _band_of_minute(days: Sequence[DaySchedule], band_index: Mapping[str, int]) -> Int2D:
    table = np.zeros((max(1, len(days)), MINUTES_PER_DAY), dtype=np.int64)
    for row, day in enumerate(days):
        for span in day.times:
            table[row, minute_of(span.from_time) : minute_of(span.to_time)] = band_index[span.band]
    return table
