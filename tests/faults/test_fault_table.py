"""The fault table: every fault of a meter or a gateway, beside what the meter truly passed.

The peers lose, invent or misplace energy in most of these rows. The truth is worked out in decimals
by `tests.faults.oracle`, which shares no code with the project; `booked_kwh` is worked out by hand.
Each row is taken through the public functions, and through ingest, database and worker.
"""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from compute.periods import Grain, period_edges_us
from compute.settle import SeriesKey
from tests.faults.arrays import Computed, close_to, computed
from tests.faults.centre import amounts_of, drain, enter, send, stored
from tests.faults.meters import (
    FAULTS,
    FLOW,
    HOUR,
    QUARTER,
    SIX_DIGITS,
    START,
    Fault,
    described,
    flags_between_readings,
    of,
)
from tests.faults.oracle import Truth
from tests.migrated import Migrated, SmallPlant

ROWS = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


def by_hand(fault: Fault) -> Computed:
    """Compute a day by the public functions, its readings taken in the order they arrive."""
    return computed(
        described(fault).plant(),
        list(itertools.chain(*fault.arrivals)),
        start=START,
        interval_count=96,
    )


class TestEveryFault:
    @ROWS
    def test_books_what_the_meter_passed(self, fault: Fault) -> None:
        passed = sum(fault.share(code) * truth.total() for code, truth in fault.truth.items())
        assert passed == fault.booked_kwh
        found = by_hand(fault)
        for code, truth in fault.truth.items():
            amounts = found.amounts(Grain.BASE, SeriesKey("point", code, ""))
            assert amounts == close_to(truth.base())
        booked = sum(found.amounts(Grain.DAY, FLOW).values())
        assert booked == pytest.approx(float(fault.booked_kwh), rel=1e-12)

    @ROWS
    def test_shows_what_it_did_and_where(self, fault: Fault) -> None:
        found = by_hand(fault)
        for code in fault.points:
            masks = found.quality(SeriesKey("point", code, ""))
            quality = {START + number * QUARTER: mask for number, mask in enumerate(masks)}
            shown = flags_between_readings(fault, code, quality)
            assert shown == {name: list(at) for name, at in fault.flags.get(code, {}).items()}

    @ROWS
    def test_never_has_a_peak_that_was_not_there(self, fault: Fault) -> None:
        found = by_hand(fault)
        most = fault.rate_kwh_per_minute * (1 + 1e-12)
        assert max(found.amounts(Grain.BASE, FLOW).values()) <= 15 * most
        assert max(found.amounts(Grain.HOUR, FLOW).values()) <= 60 * most
        assert min(found.amounts(Grain.BASE, FLOW).values()) >= 0


@pytest.mark.database
class TestEveryFaultInTheCentre:
    @ROWS
    def test_ends_as_by_hand(self, shared_migrated: Migrated, fault: Fault) -> None:
        tenant = f"row-{FAULTS.index(fault)}"
        plant = described(fault, tenant=tenant)
        shared_migrated.install(plant.plant())
        send(shared_migrated, plant, fault.arrivals)
        booked = amounts_of(stored(shared_migrated, tenant, FLOW, Grain.DAY))
        assert booked == {START: pytest.approx(float(fault.booked_kwh), rel=1e-12)}
        for code, truth in fault.truth.items():
            rows = stored(shared_migrated, tenant, SeriesKey("point", code, ""), Grain.BASE)
            assert amounts_of(rows) == close_to(truth.base())
            shown = flags_between_readings(fault, code, {at: q for at, (_, q) in rows.items()})
            assert shown == {name: list(at) for name, at in fault.flags.get(code, {}).items()}


LIVED = [fault for fault in FAULTS if any("life" in point for point in fault.points.values())]


@pytest.mark.database
class TestAFactThatIsKnownTooLate:
    @pytest.mark.parametrize("fault", LIVED, ids=lambda fault: fault.name)
    def test_ends_as_if_it_had_been_known(self, shared_migrated: Migrated, fault: Fault) -> None:
        tenant = f"late-{FAULTS.index(fault)}"
        [(code, point)] = fault.points.items()
        ignorant = {name: value for name, value in point.items() if name != "life"}
        plant = described(replace(fault, points={code: ignorant}), tenant=tenant)
        shared_migrated.install(plant.plant())
        send(shared_migrated, plant, fault.arrivals)
        truth = close_to(fault.truth[code].base())
        key = SeriesKey("point", code, "")
        ignorant_rows = stored(shared_migrated, tenant, key, Grain.BASE)
        enter(shared_migrated, tenant, code, point["life"])
        drain(shared_migrated)
        rows = stored(shared_migrated, tenant, key, Grain.BASE)
        assert rows != ignorant_rows
        assert amounts_of(rows) == truth
        shown = flags_between_readings(fault, code, {at: q for at, (_, q) in rows.items()})
        assert shown == {name: list(at) for name, at in fault.flags.get(code, {}).items()}
        booked = amounts_of(stored(shared_migrated, tenant, FLOW, Grain.DAY))
        assert booked == {START: pytest.approx(float(fault.booked_kwh), rel=1e-12)}


class TestAClock:
    """The peers shift days west of Greenwich and at half hours, and merge years."""

    @pytest.mark.parametrize(
        ("zone", "start", "days"),
        [
            ("Etc/GMT+5", datetime(2025, 3, 10, 5, tzinfo=UTC), 3),
            ("Asia/Kolkata", datetime(2025, 3, 9, 18, 30, tzinfo=UTC), 3),
            ("Asia/Shanghai", datetime(2025, 3, 9, 16, tzinfo=UTC), 3),
            ("America/New_York", datetime(2025, 3, 8, 5, tzinfo=UTC), 3),
            ("Europe/Berlin", datetime(2025, 10, 24, 22, tzinfo=UTC), 4),
            ("UTC", datetime(2024, 2, 27, tzinfo=UTC), 5),
            ("Asia/Shanghai", datetime(2025, 2, 26, 16, tzinfo=UTC), 5),
            ("UTC", datetime(2024, 12, 30, tzinfo=UTC), 4),
        ],
    )
    def test_gives_hours_days_and_months_as_the_wall_shows_them(
        self, zone: str, start: datetime, days: int
    ) -> None:
        count = days * 96 + 1
        level, rising = Decimal(0), []
        for number in range(count):
            rising.append((start + number * QUARTER, level))
            level += 10 + number % 7
        truth = Truth([rising])
        plant = SmallPlant(points=[{"code": "P1", **SIX_DIGITS}], time_zone=zone)
        found = computed(
            plant.plant(), of("P1", rising), start=start - HOUR, interval_count=count + 8
        )
        key = SeriesKey("point", "P1", "")
        assert found.amounts(Grain.HOUR, key) == close_to(truth.by_hour(zone))
        for grain, sums in ((Grain.DAY, truth.by_day(zone)), (Grain.MONTH, truth.by_month(zone))):
            amounts = found.amounts(grain, key)
            by_date = {at.astimezone(ZoneInfo(zone)).date(): kwh for at, kwh in amounts.items()}
            assert by_date == close_to(sums)

    @pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+5", "Asia/Kolkata", "Asia/Shanghai"])
    @pytest.mark.parametrize(("year", "days"), [(2024, 366), (2025, 365), (2100, 365)])
    def test_counts_the_days_of_each_year(self, zone: str, year: int, days: int) -> None:
        start, end = (datetime(y, 1, 1, tzinfo=ZoneInfo(zone)) for y in (year, year + 1))
        counted = {
            grain: len(
                period_edges_us(
                    start,
                    end,
                    grain=grain,
                    time_zone=zone,
                    day_start=time(),
                    base_interval_us=900_000_000,
                )
            )
            - 1
            for grain in Grain
        }
        assert counted == {
            Grain.BASE: 96 * days,
            Grain.HOUR: 24 * days,
            Grain.DAY: days,
            Grain.MONTH: 12,
        }
