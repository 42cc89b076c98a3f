"""What energy costs, interval by interval: time of use and steps.

A tariff is a list of dated versions. Each gives a price to every minute of the wall clock, by
season and kind of day, and may add a surcharge that grows in steps with the amount since the month
or the year began (阶梯). Nothing here is rounded: rounding to the fen is for the bill (`bill`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.topology import Float1D, Int1D

MINUTES_PER_DAY = 1440
# Month-days of a leap year, 29 February among them.
MONTH_DAYS = 366
_US_PER_MINUTE = 60_000_000
_US_PER_DAY = 86_400_000_000

Int2D = npt.NDArray[np.int64]
Float2D = npt.NDArray[np.float64]


class DayKind(IntEnum):
    """Kinds of day that a season can tell apart."""

    WORKDAY = 0
    WEEKEND = 1
    HOLIDAY = 2


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """One version of a tariff as arrays.

    Attributes
    ----------
    start_us : int
        Local midnight of its first day; it holds until the next version. [µs since 1970 UTC]
    price_cny : (b,) float64
        Price of each band; negative is paid to the user. [CNY per unit of amount]
    schedule_of_day : (366, 3) int64
        Schedule of each month-day of a leap year and `DayKind`.
    band_of_minute : (d, 1440) int64
        Band of each minute of the wall clock, by schedule.
    special_day : (n,) int64
        Dates that are not what the week says, ascending. [days since 1970-01-01]
    special_kind : (n,) int64
        `DayKind` of each.
    step_above : (s,) float64
        Amount above which each step applies, ascending, the first 0. [unit of amount]
    step_add_cny : (s,) float64
        Surcharge within each step. [CNY per unit of amount]
    steps_by_year : bool
        Whether the steps count from 1 January, or from the first of the month.
    """

    start_us: int
    price_cny: Float1D
    schedule_of_day: Int2D
    band_of_minute: Int2D
    special_day: Int1D
    special_kind: Int1D
    step_above: Float1D
    step_add_cny: Float1D
    steps_by_year: bool


@dataclass(frozen=True, slots=True)
class Priced:
    """The price of consecutive base intervals.

    Attributes
    ----------
    version, band : (k,) int64
        Version in force, and band counted over the bands of all versions; -1 before the first.
    price_cny : (k,) float64
        NaN before the first version. [CNY per unit of amount]
    month : (k,) int64
        Calendar month by the wall clock, year x 12 + month - 1.
    """

    version: Int1D
    band: Int1D
    price_cny: Float1D
    month: Int1D


@dataclass(frozen=True, slots=True)
class Charges:
    """What amounts cost.

    Attributes
    ----------
    cost_cny : (k,) float64
        Cost by amount, surcharge included; NaN where amount or price is not known. [CNY]
    band_amount : (m, b) float64
        Amount by month, from that of interval 0 on, and band over all versions.
    step_amount : (m, s) float64
        Amount by month and step over all versions.
    """

    cost_cny: Float1D
    band_amount: Float2D
    step_amount: Float2D


def price_intervals(
    versions: Sequence[TariffVersion], *, local_us: Int1D, start_us: int, step_us: int
) -> Priced:
    """Return the price of consecutive base intervals.

    Parameters
    ----------
    versions : sequence of TariffVersion
        Ascending by start, no two alike.
    local_us : (k,) int64
        What the wall clock shows at the start of each (`periods.wall_clock_us`). [µs]
    start_us : int
        Start of interval 0. [µs since 1970-01-01 UTC]
    step_us : int
        Length of a base interval. [µs]

    Returns
    -------
    priced : Priced

    Notes
    -----
    An interval has the band of the minute it begins in: edges of bands are edges of intervals,
    which the description of a tariff is checked for.
    """
    count = len(local_us)
    priced = Priced(
        version=np.full(count, -1, dtype=np.int64),
        band=np.full(count, -1, dtype=np.int64),
        price_cny=np.full(count, np.nan),
        month=np.zeros(count, dtype=np.int64),
    )
    month_day = np.zeros(count, dtype=np.int64)
    _dates(local_us, priced.month, month_day)
    first_band = 0
    # The first interval of each version, and the end.
    firsts = [-(-(version.start_us - start_us) // step_us) for version in versions] + [count]
    for index, version in enumerate(versions):
        first, last = (min(max(edge, 0), count) for edge in firsts[index : index + 2])
        part = slice(first, max(first, last))
        priced.version[part] = index
        _bands(
            local_us[part],
            month_day[part],
            version.schedule_of_day,
            version.band_of_minute,
            version.special_day,
            version.special_kind,
            priced.band[part],
        )
        priced.price_cny[part] = version.price_cny[priced.band[part]]
        priced.band[part] += first_band
        first_band += len(version.price_cny)
    return priced


def charge(amount: Float1D, *, priced: Priced, versions: Sequence[TariffVersion]) -> Charges:
    """Return what the amounts of consecutive base intervals cost.

    Parameters
    ----------
    amount : (k,) float64
        In the unit of the prices; NaN is not known. Interval 0 begins a month, or a year where
        steps count by the year: what came before is not counted.
    priced : Priced
    versions : sequence of TariffVersion
        Those that `priced` was made of.

    Returns
    -------
    charges : Charges

    Notes
    -----
    Equation: c_i = e_i p_i + sum_s a_s |[E, E + e_i] within step s|, E = sum of e since the period
    of the steps began. An interval that crosses the edge of a step is split there. E counts what
    is known and priced, and goes on through a change of version within the period. A negative
    amount takes back what the last ones paid.
    """
    offset = np.cumsum([0, *(len(version.step_above) for version in versions)]).astype(np.int64)
    above = np.concatenate([[], *(version.step_above for version in versions)])
    add_cny = np.concatenate([[], *(version.step_add_cny for version in versions)])
    by_year = np.array([version.steps_by_year for version in versions], dtype=np.bool_)
    band_count = sum(len(version.price_cny) for version in versions)
    month_count = int(priced.month[-1] - priced.month[0]) + 1 if len(amount) else 0
    charges = Charges(
        cost_cny=np.full(len(amount), np.nan),
        band_amount=np.zeros((month_count, band_count)),
        step_amount=np.zeros((month_count, len(above))),
    )
    _charge(
        amount,
        priced.version,
        priced.band,
        priced.price_cny,
        priced.month,
        offset,
        above,
        add_cny,
        by_year,
        charges.cost_cny,
        charges.band_amount,
        charges.step_amount,
    )
    return charges


def sum_groups(values: Float1D, group_offset: Int1D) -> tuple[Float1D, Int1D]:
    """Return the sums of consecutive groups of values, and how many of each are known.

    Parameters
    ----------
    values : (k,) float64
        NaN is not known, and left out.
    group_offset : (g + 1,) int64
        Group i is values[group_offset[i]:group_offset[i + 1]].

    Returns
    -------
    total : (g,) float64
        NaN where nothing is known. Added in order of time: the same bits on every run.
    known_count : (g,) int64
    """
    total = np.full(len(group_offset) - 1, np.nan)
    known_count = np.zeros(len(group_offset) - 1, dtype=np.int64)
    _sum_groups(values, group_offset, total, known_count)
    return total, known_count


@kernel
def _dates(local_us: Int1D, month: Int1D, month_day: Int1D) -> None:
    for i in range(local_us.size):
        # Days to a date of the proleptic Gregorian calendar, counted in years that begin in March
        # of year 0, so that the leap day is a year's last.
        days = local_us[i] // _US_PER_DAY + 719_468
        era = days // 146_097
        day_of_era = days - era * 146_097
        year_of_era = (
            day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096
        ) // 365
        day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
        march_month = (5 * day_of_year + 2) // 153
        year = year_of_era + era * 400
        if march_month >= 10:
            year += 1
        month[i] = year * 12 + (march_month + 2) % 12
        # 1 March is month-day 60 of a leap year; 1 January is 306 days after it.
        month_day[i] = day_of_year + 60 if day_of_year < 306 else day_of_year - 306


@kernel
def _bands(
    local_us: Int1D,
    month_day: Int1D,
    schedule_of_day: Int2D,
    band_of_minute: Int2D,
    special_day: Int1D,
    special_kind: Int1D,
    band: Int1D,
) -> None:
    for i in range(local_us.size):
        day = local_us[i] // _US_PER_DAY
        minute = (local_us[i] - day * _US_PER_DAY) // _US_PER_MINUTE
        # 1970-01-01 was a Thursday: 3 days after a Monday.
        kind = 1 if (day + 3) % 7 >= 5 else 0
        place = np.searchsorted(special_day, day)
        if place < special_day.size and special_day[place] == day:
            kind = special_kind[place]
        band[i] = band_of_minute[schedule_of_day[month_day[i], kind], minute]


@kernel
def _charge(
    amount: Float1D,
    version: Int1D,
    band: Int1D,
    price_cny: Float1D,
    month: Int1D,
    step_offset: Int1D,
    step_above: Float1D,
    step_add_cny: Float1D,
    by_year: npt.NDArray[np.bool_],
    cost_cny: Float1D,
    band_amount: Float2D,
    step_amount: Float2D,
) -> None:
    month_sum = 0.0
    year_sum = 0.0
    for i in range(amount.size):
        if i > 0 and month[i] != month[i - 1]:
            month_sum = 0.0
        if i > 0 and month[i] // 12 != month[i - 1] // 12:
            year_sum = 0.0
        if version[i] < 0 or np.isnan(amount[i]):
            continue
        row = month[i] - month[0]
        before = year_sum if by_year[version[i]] else month_sum
        month_sum += amount[i]
        year_sum += amount[i]
        after = year_sum if by_year[version[i]] else month_sum
        low = min(before, after)
        high = max(before, after)
        sign = 1.0 if amount[i] >= 0 else -1.0
        cost = amount[i] * price_cny[i]
        first, last = step_offset[version[i]], step_offset[version[i] + 1]
        for s in range(first, last):
            # The first step reaches down without end, the last one up.
            floor = low if s == first else max(low, step_above[s])
            ceiling = high if s == last - 1 else min(high, step_above[s + 1])
            if ceiling > floor:
                part = sign * (ceiling - floor)
                if floor == low and ceiling == high:
                    # The whole interval: its own amount, not a difference of sums.
                    part = amount[i]
                step_amount[row, s] += part
                cost += part * step_add_cny[s]
        band_amount[row, band[i]] += amount[i]
        cost_cny[i] = cost


@kernel
def _sum_groups(values: Float1D, group_offset: Int1D, total: Float1D, known_count: Int1D) -> None:
    for group in range(total.size):
        added = 0.0
        for i in range(group_offset[group], group_offset[group + 1]):
            if not np.isnan(values[i]):
                added += values[i]
                known_count[group] += 1
        if known_count[group] > 0:
            total[group] = added
