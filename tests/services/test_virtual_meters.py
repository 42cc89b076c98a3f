"""Virtual meters through ingest, database and worker."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from compute.periods import Grain
from compute.quality import Quality
from compute.settle import SeriesKey
from tests.faults.arrays import Arrival
from tests.faults.centre import amounts_of, drain, send, stored
from tests.migrated import Migrated, SmallPlant

pytestmark = [pytest.mark.database]

START = datetime(2025, 3, 10, tzinfo=UTC)
NOON = START + timedelta(hours=12)
END = START + timedelta(days=1)
QUARTER = timedelta(minutes=15)
POINTS = [
    {"code": code, "kind": "interval", "unit": "kWh", "period_minutes": 15, "stamp": "start"}
    for code in ("P1", "P2")
]


def plant(*formulas: str, valid_from: datetime = START) -> SmallPlant:
    """Return a plant with the virtual meters V0, V1 …"""
    meters = [
        {"code": f"V{i}", "unit": "kWh", "formula": formula} for i, formula in enumerate(formulas)
    ]
    return SmallPlant(
        points=[dict(point) for point in POINTS],
        valid_from=valid_from,
        more={"virtual_meters": meters},
    )


def day(code: str, kwh: int) -> list[Arrival]:
    """Return a value for each quarter of a day."""
    return [(code, START + number * QUARTER, Decimal(kwh)) for number in range(96)]


def virtual(
    migrated: Migrated, code: str, grain: Grain
) -> dict[datetime, tuple[float | None, Quality]]:
    rows = stored(migrated, "acme", SeriesKey("virtual", code, ""), grain)
    # The interval after the last one is open: nothing is read of it.
    return {at: (kwh, Quality(quality)) for at, (kwh, quality) in rows.items() if at < END}


class TestAVirtualMeter:
    def test_is_kept_at_every_grain(self, migrated: Migrated) -> None:
        small = plant("V1 - P2", "P1 * 2")
        migrated.install(small.plant())
        send(migrated, small, [[*day("P1", 5), *day("P2", 3)]])
        assert virtual(migrated, "V0", Grain.DAY) == {START: (96 * 7.0, Quality.GOOD)}
        assert [amount for amount, _ in virtual(migrated, "V1", Grain.MONTH).values()] == [960.0]
        assert set(virtual(migrated, "V0", Grain.HOUR).values()) == {(28.0, Quality.GOOD)}
        assert migrated.rows("select distinct unit from series where kind = 'virtual'") == [
            ("kWh",)
        ]

    def test_follows_readings_that_come_late(self, migrated: Migrated) -> None:
        small = plant("P1 - P2", "first_known(P1, 0) - first_known(P2, 0)")
        migrated.install(small.plant())
        send(migrated, small, [day("P1", 5)])
        assert amounts_of(stored(migrated, "acme", SeriesKey("virtual", "V0", ""), Grain.DAY)) == {}
        [(amount, quality)] = virtual(migrated, "V1", Grain.DAY).values()
        assert amount == 480.0
        assert quality & Quality.PARTIAL
        send(migrated, small, [day("P2", 3)], first_seq=2)
        for code in ("V0", "V1"):
            assert virtual(migrated, code, Grain.DAY) == {START: (192.0, Quality.GOOD)}

    def test_says_why_it_has_no_value(self, migrated: Migrated) -> None:
        small = plant("P1 / P2")
        migrated.install(small.plant())
        send(migrated, small, [[*day("P1", 5), *day("P2", 0)]])
        [(amount, quality)] = virtual(migrated, "V0", Grain.DAY).values()
        assert amount is None
        assert quality == Quality.UNDEFINED | Quality.MISSING

    def test_keeps_what_was_before_its_formula_changed(self, migrated: Migrated) -> None:
        small = plant("P1 - P2")
        migrated.install(small.plant())
        send(migrated, small, [[*day("P1", 5), *day("P2", 3)]])
        before = virtual(migrated, "V0", Grain.BASE)
        migrated.install(plant("P1 + P2", valid_from=NOON).plant())
        drain(migrated)
        after = virtual(migrated, "V0", Grain.BASE)
        assert after.keys() == before.keys()
        for at, (amount, quality) in after.items():
            assert (amount, quality) == (before[at] if at < NOON else (8.0, Quality.GOOD))
        assert virtual(migrated, "V0", Grain.DAY) == {START: (48 * 2.0 + 48 * 8.0, Quality.GOOD)}
        versions = migrated.rows(
            "select v.version, min(p.ts), max(p.ts) from provenance p"
            " join plant_version v on v.id = p.plant_version_id group by 1 order by 1"
        )
        assert [(version, first) for version, first, _ in versions] == [(1, START), (2, NOON)]

    def test_leaves_nothing_after_it_was_dropped(self, migrated: Migrated) -> None:
        small = plant("P1 - P2")
        migrated.install(small.plant())
        send(migrated, small, [[*day("P1", 5), *day("P2", 3)]])
        migrated.install(plant(valid_from=NOON).plant())
        drain(migrated)
        assert max(virtual(migrated, "V0", Grain.BASE)) == NOON - QUARTER
        assert virtual(migrated, "V0", Grain.DAY)[START][0] == 96.0
