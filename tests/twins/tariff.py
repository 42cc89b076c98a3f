"""What energy costs, one interval at a time, in fractions, from the tariff as it is written."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from services.plant.tariff import Season, SpecialDays, TariffVersion

Interval = tuple[datetime, Fraction | None]


def wall(start: datetime, zone: str) -> datetime:
    return start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def version_at(versions: Sequence[TariffVersion], day: date) -> TariffVersion | None:
    found = None
    for version in versions:
        if version.valid_from <= day:
            found = version
    return found


def in_season(season: Season, day: date) -> bool:
    written = day.strftime("%m-%d")
    if season.from_day <= season.to_day:
        return season.from_day <= written <= season.to_day
    return written >= season.from_day or written <= season.to_day


def kind_of(day: date, special_days: Sequence[SpecialDays]) -> str:
    for span in special_days:
        if span.from_day <= day <= span.to_day:
            return span.kind
    return "weekend" if day.isoweekday() >= 6 else "workday"


def band_at(version: TariffVersion, at: datetime) -> str:
    if not version.seasons:
        return version.bands[0].code
    season = next(season for season in version.seasons if in_season(season, at.date()))
    kind = kind_of(at.date(), version.special_days)
    code = season.workday
    if kind in {"weekend", "holiday"}:
        code = season.weekend or code
    if kind == "holiday":
        code = season.holiday or code
    schedule = next(day for day in version.days if day.code == code)
    clock = at.strftime("%H:%M")
    return next(span.band for span in schedule.times if span.from_time <= clock < span.to_time)


def surcharge(version: TariffVersion, total: Fraction) -> Fraction:
    """Return what the steps add for everything from nothing to a total."""
    if version.steps is None:
        return Fraction(0)
    levels = [(Fraction(level.above), Fraction(level.add)) for level in version.steps.levels]
    if levels[0][0] > 0:
        levels.insert(0, (Fraction(0), Fraction(0)))
    # Below nothing the first level goes on.
    added = levels[0][1] * min(total, Fraction(0))
    for index, (above, add) in enumerate(levels):
        top = levels[index + 1][0] if index + 1 < len(levels) else max(total, above)
        added += add * max(Fraction(0), min(total, top) - above)
    return added


def costs(
    versions: Sequence[TariffVersion], intervals: Sequence[Interval], *, zone: str
) -> list[Fraction | None]:
    found: list[Fraction | None] = []
    month = year = Fraction(0)
    before: datetime | None = None
    for start, amount in intervals:
        at = wall(start, zone)
        if before is not None and (at.year, at.month) != (before.year, before.month):
            month = Fraction(0)
        if before is not None and at.year != before.year:
            year = Fraction(0)
        before = at
        version = version_at(versions, at.date())
        if version is None or amount is None:
            found.append(None)
            continue
        band = band_at(version, at)
        price = next(Fraction(item.price) for item in version.bands if item.code == band)
        by_year = version.steps is not None and version.steps.per == "year"
        total = year if by_year else month
        cost = amount * price + surcharge(version, total + amount) - surcharge(version, total)
        month, year = month + amount, year + amount
        found.append(cost)
    return found


def demands(
    energy: Sequence[Fraction | None], months: Sequence[int], *, window: int, hours: Fraction
) -> dict[int, Fraction | None]:
    highest: dict[int, Fraction | None] = dict.fromkeys(months)
    for i in range(len(energy) - window + 1):
        part = energy[i : i + window]
        if len(set(months[i : i + window])) > 1 or None in part:
            continue
        power = sum((value for value in part if value is not None), Fraction(0)) / hours
        known = highest[months[i]]
        highest[months[i]] = power if known is None else max(known, power)
    return highest


def starts(first: datetime, count: int, minutes: int) -> list[datetime]:
    return [first.astimezone(UTC) + timedelta(minutes=minutes * i) for i in range(count)]
