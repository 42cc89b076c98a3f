"""What the parts of a tariff say of each other, and of the flows that it prices."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from itertools import groupby, pairwise

from compute.tariff import MINUTES_PER_DAY, MONTH_DAYS
from compute.units import UNITS, UnitHasOffset, UnitMismatch, conversion
from services.plant.amounts import carrier_unit, carriers, is_unit
from services.plant.compile_tariff import (
    minute_of,
    month_day_of,
    month_day_text,
    season_days,
    special_kinds,
)
from services.plant.findings import Finding, Nearest, Place, finding
from services.plant.model import Plant
from services.plant.tariff import Basic, DaySchedule, TariffVersion

_SPECIAL_SPAN_DAYS_MAX = 366


def tariff_findings(plant: Plant, also_known: Mapping[str, AbstractSet[str]]) -> Iterator[Finding]:
    """Yield the findings about the tariffs of a description."""
    carrier_of = {flow.code: flow.carrier for flow in plant.flows}
    priced: dict[tuple[str | None, str | None], int] = {}
    for i, tariff in enumerate(plant.tariffs):
        place: Place = ("tariffs", i)
        target = (tariff.flow, tariff.carrier)
        if (tariff.flow is None) == (tariff.carrier is None):
            yield finding("tariff_target", place, tariff.flow)
            continue
        if target in priced:
            yield finding("tariff_twice", place, target[0], other=f"tariffs[{priced[target]}]")
        priced.setdefault(target, i)
        carrier = tariff.carrier if tariff.flow is None else carrier_of.get(tariff.flow)
        if tariff.flow is not None and carrier is None:
            if tariff.flow not in also_known.get("flows", ()):
                near = Nearest().of(tariff.flow, carrier_of)
                yield finding("tariff_unknown_flow", (*place, "flow"), tariff.flow, nearest=near)
        elif tariff.carrier is not None:
            yield from _supply_findings((*place, "carrier"), tariff.carrier, plant)
        days = [version.valid_from for version in tariff.versions]
        for j, version in enumerate(tariff.versions):
            inner: Place = (*place, "versions", j)
            if version.valid_from in days[:j]:
                day = version.valid_from.isoformat()
                yield finding("tariff_version_twice", (*inner, "valid_from"), day)
            yield from version_findings(
                version, inner, carrier=carrier, minutes=plant.base_interval_minutes
            )


def _supply_findings(place: Place, carrier: str, plant: Plant) -> Iterator[Finding]:
    if carrier not in carriers():
        near = Nearest().of(carrier, carriers())
        yield finding("unknown_carrier", place, carrier, nearest=near)
        return
    sources = {node.code for node in plant.nodes if node.kind == "source"}
    if not any(flow.carrier == carrier and flow.from_node in sources for flow in plant.flows):
        yield finding("tariff_no_supply", place, carrier)


def version_findings(
    version: TariffVersion, place: Place, *, carrier: str | None, minutes: int
) -> Iterator[Finding]:
    """Yield the findings about one version.

    Parameters
    ----------
    version : TariffVersion
    place : tuple
        Where it stands in its document.
    carrier : str or None
        What it is the price of; None where that is not known.
    minutes : int
        Base interval of the site. [min]
    """
    bands = [band.code for band in version.bands]
    schedules = [day.code for day in version.days]
    yield from _twice((*place, "bands"), bands)
    yield from _twice((*place, "days"), schedules)
    yield from _unit_findings((*place, "unit"), version.unit, carrier)
    for i, band in enumerate(version.bands):
        if band.price < 0:
            yield finding("tariff_price_negative", (*place, "bands", i, "price"), band.price)
    if len(bands) > 1 and not (version.seasons and version.days):
        yield finding("tariff_times_missing", (*place, "bands"), version.bands)
    for i, day in enumerate(version.days):
        yield from _time_findings((*place, "days", i, "times"), day, bands, minutes)
    yield from _season_findings((*place, "seasons"), version, schedules)
    yield from _special_findings(place, version)
    if version.steps is not None:
        above = [level.above for level in version.steps.levels]
        if any(later <= earlier for earlier, later in pairwise(above)):
            yield finding("tariff_steps_order", (*place, "steps", "levels"), above)
    if version.basic is not None:
        yield from _basic_findings((*place, "basic"), version.basic, carrier, minutes)


def _twice(place: Place, codes: Sequence[str]) -> Iterator[Finding]:
    for i, code in enumerate(codes):
        if code in codes[:i]:
            yield finding("tariff_code_twice", (*place, i, "code"), code)


def _unit_findings(place: Place, symbol: str, carrier: str | None) -> Iterator[Finding]:
    if not is_unit(symbol):
        yield finding("unknown_unit", place, symbol, nearest=Nearest().of(symbol, UNITS))
    elif carrier in carriers():
        target = carrier_unit(str(carrier))
        try:
            conversion(target, symbol)
        except (UnitMismatch, UnitHasOffset):
            yield finding("tariff_unit", place, symbol, unit=symbol, target=target)


def _time_findings(
    place: Place, day: DaySchedule, bands: Sequence[str], minutes: int
) -> Iterator[Finding]:
    holds = [0] * MINUTES_PER_DAY
    for i, span in enumerate(day.times):
        first, last = minute_of(span.from_time), minute_of(span.to_time)
        if span.band not in bands:
            near = Nearest().of(span.band, bands)
            yield finding("tariff_unknown_band", (*place, i, "band"), span.band, nearest=near)
        for key, written, at in (("from", span.from_time, first), ("to", span.to_time, last)):
            if at % minutes:
                yield finding("tariff_time_edge", (*place, i, key), written, minutes=minutes)
        if last <= first:
            yield finding("tariff_span_empty", (*place, i, "to"), span.to_time)
        for minute in range(first, last):
            holds[minute] += 1
    for first, last, count in _runs(holds):
        if count != 1:
            code = "tariff_time_overlap" if count else "tariff_time_gap"
            yield finding(code, place, day.code, start=_clock(first), end=_clock(last))


def _season_findings(
    place: Place, version: TariffVersion, schedules: Sequence[str]
) -> Iterator[Finding]:
    holds = [0] * MONTH_DAYS
    for i, season in enumerate(version.seasons):
        for day in season_days(month_day_of(season.from_day), month_day_of(season.to_day)):
            holds[day] += 1
        for key in ("workday", "weekend", "holiday"):
            code = getattr(season, key)
            if code is not None and code not in schedules:
                near = Nearest().of(code, schedules)
                yield finding("tariff_unknown_schedule", (*place, i, key), code, nearest=near)
    if not version.seasons:
        return
    for first, last, count in _runs(holds):
        if count != 1:
            code = "tariff_season_overlap" if count else "tariff_season_gap"
            start, end = month_day_text(first), month_day_text(last - 1)
            yield finding(code, place, version.seasons, start=start, end=end)


def _special_findings(place: Place, version: TariffVersion) -> Iterator[Finding]:
    seen: set[date] = set()
    for i, span in enumerate(version.special_days):
        inner: Place = (*place, "special_days", i)
        if not 0 <= (span.to_day - span.from_day).days < _SPECIAL_SPAN_DAYS_MAX:
            yield finding("tariff_days_reversed", (*inner, "to"), span.to_day.isoformat())
            continue
        days = special_kinds([span]).keys()
        for day in sorted(days & seen)[:1]:
            yield finding("tariff_days_twice", inner, day.isoformat(), day=day.isoformat())
        seen |= days
    with_holidays = [i for i, season in enumerate(version.seasons) if season.holiday]
    if with_holidays and not any(span.kind == "holiday" for span in version.special_days):
        season: Place = (*place, "seasons", with_holidays[0], "holiday")
        yield finding("tariff_holidays_missing", season, version.seasons[with_holidays[0]].holiday)
    elif with_holidays and version.valid_from.year not in {day.year for day in seen}:
        year = version.valid_from.year
        yield finding("tariff_holidays_year", (*place, "special_days"), year, year=year)


def _basic_findings(
    place: Place, basic: Basic, carrier: str | None, minutes: int
) -> Iterator[Finding]:
    if carrier in carriers() and carriers()[str(carrier)].kind != "electricity":
        yield finding("tariff_basic_carrier", place, carrier)
    if basic.method == "demand" and basic.agreed is not None:
        yield finding("tariff_agreed_unused", (*place, "agreed"), basic.agreed)
    if basic.method != "demand" and basic.agreed is None:
        yield finding("tariff_agreed_missing", (*place, "agreed"))
    if basic.window_minutes % minutes:
        written = basic.window_minutes
        yield finding("tariff_window", (*place, "window_minutes"), written, minutes=minutes)


def _runs(holds: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield where each run of equal counts begins and ends, and the count."""
    first = 0
    for count, run in groupby(holds):
        last = first + sum(1 for _ in run)
        yield first, last, count
        first = last


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
