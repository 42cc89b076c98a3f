"""What each row of the public fault table comes to in the centre, beside what truly passed.

A scenario plays its row through ingest, database and worker, and asks for the figure. What truly
passed comes from `oracle` and from decimals, never from the project.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from compute.periods import Grain
from compute.quality import flag_names
from compute.settle import SeriesKey
from services import consumption, factors
from services.reference import Override
from services.store.pool import Database
from tests.faults.arrays import close_to
from tests.faults.centre import RECEIVED, amounts_of, drain, send, stored
from tests.faults.fault_table import Row
from tests.faults.meters import (
    DAY,
    FAULTS,
    FLOW,
    MINUTE,
    QUARTER,
    SIX_DIGITS,
    START,
    Fault,
    Reading,
    described,
    flags_between_readings,
    minutes,
    of,
)
from tests.faults.oracle import BASE, Truth
from tests.migrated import NAME, Migrated, SmallPlant

P1 = SeriesKey("point", "P1", "")
HALL = SeriesKey("node", "hall", "")
WORKS = SeriesKey("node", "works", "electricity")
METER: Mapping[str, Any] = {"code": "P1", **SIX_DIGITS}
# The hour in which no power flowed while a meter was exchanged.
STANDING = {
    "a used meter that shows 50,000, its exchange recorded; 23 h run": 60,
    "a used meter that shows 50,000, its exchange not recorded; 23 h run": 60,
}


@dataclass(frozen=True)
class Measured:
    """What truly passed, what the centre gives, and the quality bits that it shows."""

    truth: Decimal
    given: float
    flags: set[str]


def measure(migrated: Migrated, row: Row) -> Measured:
    """Play a row of the table; each has a tenant of its own."""
    tenant = row.id.lower()
    if row.fault:
        [fault] = (fault for fault in FAULTS if fault.name == row.fault)
        return _of_meters(migrated, tenant, fault)
    return SCENARIOS[row.id](migrated, tenant)


def _of_meters(migrated: Migrated, tenant: str, fault: Fault) -> Measured:
    plant = described(fault, tenant=tenant)
    migrated.install(plant.plant())
    send(migrated, plant, fault.arrivals)
    shown: set[str] = set()
    for code in fault.points:
        rows = stored(migrated, tenant, SeriesKey("point", code, ""), Grain.BASE)
        quality = {at: mask for at, (_, mask) in rows.items()}
        shown |= flags_between_readings(fault, code, quality).keys()
    instants = [at for commit in fault.arrivals for _, at, _ in commit]
    # 1 kWh in each minute that power flowed.
    passed = (max(instants) - min(instants)) // MINUTE - STANDING.get(fault.name, 0)
    return Measured(
        Decimal(passed), amounts_of(stored(migrated, tenant, FLOW, Grain.DAY))[START], shown
    )


def _worker_stands_still(migrated: Migrated, tenant: str) -> Measured:
    plant = SmallPlant(tenant=tenant, points=[dict(METER)])
    migrated.install(plant.plant())
    hours = [of("P1", DAY[60 * hour : 60 * hour + 60]) for hour in range(11)]
    send(migrated, plant, hours, idle=range(3, 9))
    truth = Truth([DAY[:660]])
    rows = stored(migrated, tenant, P1, Grain.HOUR)
    assert amounts_of(rows) == close_to(truth.by_hour("UTC"))
    return Measured(truth.total(), sum(amounts_of(rows).values()), _flags_but_the_last(rows))


def _one_is_offline(migrated: Migrated, tenant: str) -> Measured:
    plant = two_halls(tenant)
    migrated.install(plant.plant())
    send(migrated, plant, [of("P1", DAY)])
    return _of_works(migrated, tenant)


def _both_have_come(migrated: Migrated, tenant: str) -> Measured:
    plant = two_halls(tenant)
    migrated.install(plant.plant())
    send(migrated, plant, [of("P1", DAY), of("P2", DAY)])
    return _of_works(migrated, tenant)


def _of_works(migrated: Migrated, tenant: str) -> Measured:
    rows = stored(migrated, tenant, WORKS, Grain.HOUR)
    given = amounts_of(stored(migrated, tenant, WORKS, Grain.DAY))[START]
    # No factor enters the energy; the bit is of the figures beside it.
    shown = _flags_but_the_last(rows) - {"factor_missing"}
    return Measured(2 * Truth([DAY]).total(), given, shown)


# From, price. [CNY/kWh]
PRICES = (("00:00", Decimal("0.3")), ("08:30", Decimal("1.2")), ("11:30", Decimal("0.6")))


def _prices_change_at_half_past(migrated: Migrated, tenant: str) -> Measured:
    zone = "Asia/Shanghai"
    ends = [*(begin for begin, _ in PRICES[1:]), "24:00"]
    times = [
        {"from": begin, "to": end, "band": f"from-{begin}"}
        for (begin, _), end in zip(PRICES, ends, strict=True)
    ]
    version = {
        "valid_from": "2025-01-01",
        "source": "contract",
        "unit": "kWh",
        "bands": [
            {"code": f"from-{begin}", "name": NAME, "price": float(price)}
            for begin, price in PRICES
        ],
        "days": [{"code": "every", "times": times}],
        "seasons": [{"name": NAME, "from": "01-01", "to": "12-31", "workday": "every"}],
    }
    start = datetime(2025, 3, 10, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    plant = SmallPlant(
        tenant=tenant,
        points=[dict(METER)],
        time_zone=zone,
        valid_from=start,
        more={"tariffs": [{"carrier": "electricity", "versions": [version]}]},
    )
    migrated.install(plant.plant())
    day = steady(start, start + timedelta(days=1), 15)
    send(migrated, plant, [of("P1", day)])
    truth = sum(
        (
            energy * _price(at.astimezone(ZoneInfo(zone)))
            for at, energy in Truth([day]).base().items()
        ),
        Decimal(0),
    )
    answer = consumed(migrated, tenant, start, start + timedelta(days=1))
    assert answer.cost.cny is not None
    return Measured(truth, answer.cost.cny, _flags(stored(migrated, tenant, P1, Grain.BASE), day))


def _price(wall: datetime) -> Decimal:
    return next(price for begin, price in reversed(PRICES) if begin <= wall.strftime("%H:%M"))


def _factor_changes(migrated: Migrated, tenant: str) -> Measured:
    plant = SmallPlant(tenant=tenant, points=[dict(METER)])
    migrated.install(plant.plant())
    state_factor(migrated, tenant, "0.5366", date(2025, 1, 1), date(2025, 3, 11))
    both = minutes(0, 2880, at=5000)
    send(migrated, plant, [of("P1", both)])
    state_factor(migrated, tenant, "1.0", date(2025, 3, 11), None)
    drain(migrated)
    truth = {
        at: kwh / 1000 * Decimal(factor)
        for (at, factor), kwh in zip(
            ((START, "0.5366"), (START.replace(day=11), "1.0")),
            Truth([both]).by_day("UTC").values(),
            strict=True,
        )
    }
    given = figures(migrated, tenant, "emission_purchased_tco2e", HALL, Grain.DAY)
    assert given == close_to(truth)
    # The bits of the energy: those of the hall tell of factors of other figures too.
    rows = stored(migrated, tenant, P1, Grain.BASE)
    return Measured(sum(truth.values(), Decimal(0)), sum(given.values()), _flags(rows, both))


def _year(number: int) -> Callable[[Migrated, str], Measured]:
    """Return what three days around the new year of 2025 come to in a year."""

    def scenario(migrated: Migrated, tenant: str) -> Measured:
        start, end = (datetime(2024, 12, 30, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))
        plant = SmallPlant(tenant=tenant, points=[dict(METER)], valid_from=start)
        migrated.install(plant.plant())
        days = steady(start, end, 15)
        send(migrated, plant, [of("P1", days)])
        years = [datetime(year, 1, 1, tzinfo=UTC) for year in (number, number + 1)]
        answer = consumed(migrated, tenant, *years)
        assert answer.total is not None
        assert answer.total.energy_kwh is not None
        by_day = Truth([days]).by_day("UTC")
        truth = sum((kwh for day, kwh in by_day.items() if day.year == number), Decimal(0))
        rows = stored(migrated, tenant, P1, Grain.BASE)
        return Measured(truth, answer.total.energy_kwh, _flags(rows, days))

    return scenario


def _leap_february(migrated: Migrated, tenant: str) -> Measured:
    start, end = datetime(2024, 2, 27, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC)
    plant = SmallPlant(tenant=tenant, points=[dict(METER)], valid_from=start)
    migrated.install(plant.plant())
    days = steady(start, end, 15)
    send(migrated, plant, [of("P1", days)])
    months = amounts_of(stored(migrated, tenant, P1, Grain.MONTH))
    return Measured(
        Truth([days]).by_month("UTC")[date(2024, 2, 1)],
        months[datetime(2024, 2, 1, tzinfo=UTC)],
        _flags(stored(migrated, tenant, P1, Grain.BASE), days),
    )


def _day_of(zone: str) -> Callable[[Migrated, str], Measured]:
    """Return what a day of a zone comes to, that alone had a load."""

    def scenario(migrated: Migrated, tenant: str) -> Measured:
        begin = datetime(2025, 3, 10, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        end, half = begin + timedelta(days=1), timedelta(hours=12)
        before = steady(begin - half, begin, 1)
        during = steady(begin, end, 15, at=before[-1][1])
        after = steady(end, end + half, 1, at=during[-1][1])
        whole = [*before, *during[1:], *after[1:]]
        plant = SmallPlant(
            tenant=tenant, points=[dict(METER)], time_zone=zone, valid_from=begin - half
        )
        migrated.install(plant.plant())
        send(migrated, plant, [of("P1", whole)])
        return Measured(
            Truth([whole]).by_day(zone)[date(2025, 3, 10)],
            amounts_of(stored(migrated, tenant, P1, Grain.DAY))[begin],
            _flags(stored(migrated, tenant, P1, Grain.BASE), whole),
        )

    return scenario


SCENARIOS: Mapping[str, Callable[[Migrated, str], Measured]] = {
    "F14": _worker_stands_still,
    "F15": _one_is_offline,
    "F16": _both_have_come,
    "F17": _prices_change_at_half_past,
    "F18": _factor_changes,
    "F19": _year(2024),
    "F20": _year(2025),
    "F21": _leap_february,
    "F22": _day_of("Etc/GMT+5"),  # which is five hours behind Greenwich
    "F23": _day_of("Asia/Kolkata"),
}


def steady(
    start: datetime, end: datetime, kwh: int, *, at: Decimal = Decimal(5000)
) -> list[Reading]:
    """Return a reading every quarter of an hour, both ends included, and so much between two."""
    return [(start + n * QUARTER, at + kwh * n) for n in range((end - start) // QUARTER + 1)]


def two_halls(tenant: str) -> SmallPlant:
    """Return works of two halls, a meter each."""
    points = [dict(METER), {**METER, "code": "P2"}]
    nodes = [
        {"code": "grid", "name": NAME, "kind": "source"},
        {"code": "works", "name": NAME, "kind": "use"},
        {"code": "hall-1", "name": NAME, "kind": "use", "parent": "works"},
        {"code": "hall-2", "name": NAME, "kind": "use", "parent": "works"},
    ]
    flows = [
        {
            "code": f"to-hall-{number}",
            "from": "grid",
            "to": f"hall-{number}",
            "carrier": "electricity",
            "metered_by": [{"point": f"P{number}"}],
        }
        for number in (1, 2)
    ]
    return SmallPlant(tenant=tenant, points=points, more={"nodes": nodes, "flows": flows})


def tenant_id(migrated: Migrated, tenant: str) -> int:
    """Return the number of a tenant."""
    [(found,)] = migrated.rows("select id from tenant where code = %s", tenant)
    return int(found)


def state_factor(
    migrated: Migrated, tenant: str, factor: str, start: date, end: date | None
) -> None:
    """State an own grid factor. [tCO2/MWh]"""
    owner = tenant_id(migrated, tenant)
    override = Override(
        carrier="electricity",
        parameter="emission_purchased",
        value=float(factor),
        unit="tCO2/MWh",
        valid_from=start,
        valid_to=end,
        source="measured",
        stated_by="a@acme",
    )

    async def work(database: Database) -> None:
        await factors.add_override(database, tenant_id=owner, override=override, at=RECEIVED)

    migrated.run("nengtan_api", work)


def consumed(
    migrated: Migrated, tenant: str, start: datetime, end: datetime
) -> consumption.Consumption:
    """Return what the API says of a period."""
    owner = tenant_id(migrated, tenant)

    async def work(database: Database) -> consumption.Consumption:
        return await consumption.consume(
            database, tenant_id=owner, site="main", start=start, end=end
        )

    return migrated.run("nengtan_api", work)


def figures(
    migrated: Migrated, tenant: str, column: str, key: SeriesKey, grain: Grain
) -> dict[datetime, float]:
    """Return a figure of a series that is known, by the start of its period."""
    rows = migrated.rows(
        f"select r.ts, r.{column} from result r join series s on s.id = r.series_id"
        f" join tenant t on t.id = s.tenant_id where t.code = %s and s.kind = %s and s.code = %s"
        f" and s.carrier = %s and r.grain = %s and r.{column} is not null",
        *(tenant, key.kind, key.code, key.carrier, int(grain)),
    )
    return {at.astimezone(UTC): value for at, value in rows}


def _flags(
    rows: Mapping[datetime, tuple[float | None, int]], readings: Sequence[Reading]
) -> set[str]:
    """Return the bits of the base intervals that lie between the first and the last reading."""
    first, last = readings[0][0], readings[-1][0]
    return _names(mask for at, (_, mask) in rows.items() if first <= at and at + BASE <= last)


def _flags_but_the_last(rows: Mapping[datetime, tuple[float | None, int]]) -> set[str]:
    """Return the bits of all periods but the last, whose end no reading covers yet."""
    return _names(rows[at][1] for at in sorted(rows)[:-1])


def _names(masks: Iterable[int]) -> set[str]:
    return {name for mask in masks for name in flag_names(mask)}
