"""A site as it was at each time: plant versions and factors, compiled to arrays, span by span."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time
from itertools import pairwise, zip_longest
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt

from compute.checks import CheckLimits
from compute.periods import Grain, from_us, period_edges_us, time_of_day, to_us
from compute.settle import SeriesKey, series_keys
from compute.topology import CarrierFactors, Topology
from compute.units import conversion
from services.plant.compile import compile_topology, topology_edges
from services.plant.compile_checks import balance_tolerances, clock_ahead_s, compile_checks
from services.plant.compile_network import Balanced, compile_network
from services.plant.facts import load_facts
from services.plant.life import with_facts
from services.plant.model import Plant
from services.reference import (
    HOURLY_CARRIER,
    Confirmation,
    FactorBook,
    HourlyFactors,
    HourlyStatement,
    Override,
    carrier_factors,
    change_dates,
    with_hours,
    with_lacking_hours,
)
from services.store import hourly_factors, results, topology
from services.store.pool import Connection

# In which electricity is counted.
_HOURLY_CARRIER_UNIT = "kWh"
_FAR_FUTURE_US = to_us(datetime.fromisoformat("2200-01-01T00:00:00+00:00"))


@dataclass(frozen=True, slots=True)
class Described:
    """One description compiled for a time, with the numbers its rows have in the database.

    Attributes
    ----------
    point_id : (p,) int32
    series_id : (s,) int32
        In the order of `series_keys`.
    checks : CheckLimits
        (p,)
    clock_ahead_s : (p,) tuple of float
        How far ahead of its receipt a reading may be stamped. [s]
    tolerance : (r,) float64
        Of the nodes in balance, as shares.
    balanced : Balanced
        The balances of its nodes.
    """

    version_id: int
    plant: Plant
    arrays: Topology
    keys: tuple[SeriesKey, ...]
    point_id: npt.NDArray[np.int32]
    series_id: npt.NDArray[np.int32]
    checks: CheckLimits
    clock_ahead_s: tuple[float, ...]
    tolerance: npt.NDArray[np.float64]
    balanced: Balanced

    def rows_of(self, point_id: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """Return the rows of points, each of which must be one of the description."""
        by_id = np.argsort(self.point_id)
        return by_id[np.searchsorted(self.point_id, point_id, sorter=by_id)]


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which no description, point or factor comes or goes. [µs since 1970 UTC]."""

    start_us: int
    end_us: int
    described: Described
    factors: CarrierFactors
    factor_use: dict[str, Any]  # as kept in factor_set
    hourly: HourlyFactors
    places: tuple[str, ...]  # where hourly factors are looked for, nearest first

    def factors_over(self, ts_us: npt.NDArray[np.int64]) -> CarrierFactors:
        """Return the factors at instants, (k,): what the grid emits is of the hour where stated."""
        value, _ = self.hourly.at(self.places, ts_us)
        carriers = self.described.arrays.carrier_code
        if np.isnan(value).all() or HOURLY_CARRIER not in carriers:
            return self.factors
        row = carriers.index(HOURLY_CARRIER)
        purchased = np.repeat(self.factors.emission_purchased_tco2e[:, np.newaxis], ts_us.size, 1)
        per_unit = value * conversion(_HOURLY_CARRIER_UNIT, "MWh")
        purchased[row] = np.where(np.isnan(value), purchased[row], per_unit)
        return replace(self.factors, emission_purchased_tco2e=purchased)

    def uses_over(
        self, ts_us: npt.NDArray[np.int64]
    ) -> Iterator[tuple[dict[str, Any], npt.NDArray[np.bool_]]]:
        """Yield which factors `factors_over` takes, and at which of the instants."""
        value, number = self.hourly.at(self.places, ts_us)
        known = ~np.isnan(value)
        if HOURLY_CARRIER not in self.described.arrays.carrier_code:
            number[:] = -1
        for index in np.unique(number).tolist():
            if index < 0:
                yield self.factor_use, number == index
                continue
            statement = self.hourly.statements[index]
            # An hour that is left empty has the factor of its month or year, and says so.
            if (lacking := (number == index) & ~known).any():
                yield with_lacking_hours(self.factor_use), lacking
            if (given := (number == index) & known).any():
                yield with_hours(self.factor_use, statement, nearest=self.places[0]), given


@dataclass(frozen=True, slots=True)
class SiteModel:
    """Everything that a site's results are a function of, besides readings."""

    site: topology.Site
    described: tuple[Described, ...]  # by the start of their time
    starts_us: tuple[int, ...]
    all_series_id: tuple[int, ...]  # those of replaced descriptions too
    book: FactorBook
    hourly: HourlyFactors

    @property
    def day_start(self) -> time:
        """Wall-clock time at which the site's day begins."""
        return time_of_day(self.site.day_start_us)

    def point_ids(self) -> list[int]:
        """Return every point of any version."""
        return sorted({int(i) for d in self.described for i in d.point_id})

    def fleeting_series_ids(self, described: Described | None = None) -> list[int]:
        """Return the series that a description does not have, or that not every one has."""
        chosen = self.described if described is None else (described,)
        lasting = set.intersection(*({int(i) for i in d.series_id} for d in chosen))
        return [i for i in self.all_series_id if i not in lasting]

    def edges_over(
        self, windows: Sequence[tuple[int, int]], grain: Grain
    ) -> Iterator[npt.NDArray[np.int64]]:
        """Yield, for each window, the edges of the periods it touches and none before it did."""
        done_us = -1
        for start_us, end_us in windows:
            edges = period_edges_us(
                from_us(max(start_us, done_us)),
                from_us(max(end_us, done_us)),
                grain=grain,
                time_zone=self.site.time_zone,
                day_start=self.day_start,
                base_interval_us=self.site.base_interval_us,
            )
            done_us = max(done_us, int(edges[-1]))
            yield edges

    def spans(self, start_us: int, end_us: int) -> list[Span]:
        """Return the spans that cover [start, end), oldest first.

        What lies before the first description is left out: nothing is known of that time.
        """
        step_us = self.site.base_interval_us
        spans: list[Span] = []
        for index, described in enumerate(self.described):
            later = self.starts_us[index + 1 :]
            a = max(start_us, self.starts_us[index])
            b = min(end_us, later[0] if later else _FAR_FUTURE_US)
            if a >= b:
                continue
            for x, y in self._factor_spans(described, a, b):
                # An interval belongs whole to the span that holds its start.
                x_us, y_us = -(-x // step_us) * step_us, -(-y // step_us) * step_us
                if x_us < y_us:
                    spans.append(self._span(described, x_us, y_us))
        return spans

    def _factor_spans(self, described: Described, a: int, b: int) -> list[tuple[int, int]]:
        """Cut [a, b) where a factor of the description changes: at local midnights."""
        zone = ZoneInfo(self.site.time_zone)
        first, last = (from_us(us).astimezone(zone).date() for us in (a, b))
        days = change_dates(
            self.book,
            described.arrays.carrier_code,
            first,
            last,
            region=described.plant.region,
        )
        cuts = [to_us(datetime.combine(day, time(), tzinfo=zone)) for day in days]
        edges = [a, *(cut for cut in cuts if a < cut < b), b]
        return list(pairwise(edges))

    def _span(self, described: Described, start_us: int, end_us: int) -> Span:
        zone = ZoneInfo(self.site.time_zone)
        at: date = from_us(start_us).astimezone(zone).date()
        factors, use = carrier_factors(
            self.book, described.arrays.carrier_code, at=at, region=described.plant.region
        )
        places = self.book.places(described.plant.region)
        return Span(start_us, end_us, described, factors, _plain(asdict(use)), self.hourly, places)


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON is any of these
    """Return a value as JSON has it: dates as text, tuples as lists."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


async def load_site_model(connection: Connection, site: topology.Site) -> SiteModel:
    """Read the descriptions and factors of a site and compile them."""
    versions = await topology.plant_versions(connection, site.id)
    points = await topology.point_ids(connection, site.id)
    series = await topology.series_ids(connection, site.id)
    facts = await load_facts(connection, site.id)
    book = await load_factor_book(connection, site.tenant_id)
    hourly = await load_hourly_factors(connection, site.tenant_id)
    starts_us: list[int] = []
    described: list[Described] = []
    effective = _effective(versions)
    for version, later in zip_longest(effective, effective[1:]):
        document = msgspec.json.encode(version.document)
        plant = with_facts(Plant.model_validate_json(document), facts)
        for edge in (version.valid_from, *topology_edges(plant)):
            if later is None or edge < later.valid_from:
                starts_us.append(to_us(edge))
                described.append(_describe(version.id, plant, edge, points, series))
    return SiteModel(
        site=site,
        described=tuple(described),
        starts_us=tuple(starts_us),
        all_series_id=tuple(sorted(series.values())),
        book=book,
        hourly=hourly,
    )


def _effective(versions: Sequence[topology.PlantVersion]) -> list[topology.PlantVersion]:
    """Return the versions that are in force at some time: of equal starts, the last applied."""
    by_start = {version.valid_from: version for version in versions}
    return [by_start[start] for start in sorted(by_start)]


def _describe(
    version_id: int,
    plant: Plant,
    start: datetime,
    points: dict[str, int],
    series: dict[tuple[str, str, str], int],
) -> Described:
    arrays = compile_topology(plant, at=start)
    keys = series_keys(arrays)
    return Described(
        version_id=version_id,
        plant=plant,
        arrays=arrays,
        keys=keys,
        point_id=np.array([points[code] for code in arrays.points.code], dtype=np.int32),
        series_id=np.array(
            [series[key.kind, key.code, key.carrier] for key in keys], dtype=np.int32
        ),
        checks=compile_checks(plant),
        clock_ahead_s=clock_ahead_s(plant),
        tolerance=balance_tolerances(plant, arrays),
        balanced=compile_network(plant, arrays),
    )


async def load_factor_book(connection: Connection, tenant_id: int) -> FactorBook:
    """Return the factors of a tenant: the reference, what it confirmed, what it set itself."""
    confirmed, overrides = await results.tenant_factors(connection, tenant_id)
    return FactorBook(
        confirmations=[Confirmation(**row) for row in confirmed],
        overrides=[
            Override(
                carrier=row["carrier"],
                parameter=row["parameter"],
                basis=row["basis"],
                value=row["value"],
                unit=row["unit"],
                valid_from=row["valid_from"],
                valid_to=row["valid_to"],
                source=row["source"],
                stated_by=row["created_by"],
            )
            for row in overrides
        ],
    )


async def load_hourly_factors(connection: Connection, tenant_id: int) -> HourlyFactors:
    """Return what a tenant stated of grids hour by hour."""
    rows = await hourly_factors.list_statements(connection, tenant_id)
    return HourlyFactors(
        HourlyStatement(
            region=row.region,
            start_us=to_us(row.start_ts),
            tco2_per_mwh=np.array(row.tco2_per_mwh, dtype=np.float64),
            source=row.source,
            sha256=row.sha256,
            stated_by=row.stated_by,
        )
        for row in rows
    )


def described_at(model: SiteModel, at_us: int) -> Described | None:
    """Return the description in force at an instant, if there is one."""
    index = bisect_right(model.starts_us, at_us) - 1
    return model.described[index] if index >= 0 else None


class SiteModels:
    """Compiled sites: a new description or factor makes a new one."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, SiteModel]] = {}

    async def get(self, connection: Connection, site_id: int) -> SiteModel:
        """Return the compiled site as it is described now."""
        revision = await topology.site_revision(connection, site_id)
        known = self._known.get(site_id)
        if known is None or known[0] != revision:
            site = next(s for _, s in await topology.all_sites(connection) if s.id == site_id)
            known = (revision, await load_site_model(connection, site))
            self._known[site_id] = known
        return known[1]
