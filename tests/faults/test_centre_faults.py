"""Rows of the fault table that are about the centre: a worker that stands still, a silent meter, a
factor that changes."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from compute.periods import Grain
from compute.quality import Quality
from compute.settle import SeriesKey
from services import factors
from services.reference import Override
from services.store.pool import Database
from tests.faults.arrays import close_to
from tests.faults.centre import RECEIVED, amounts_of, drain, send, stored
from tests.faults.meters import DAY, SIX_DIGITS, START, minutes, of
from tests.faults.oracle import Truth
from tests.migrated import NAME, Migrated, SmallPlant

pytestmark = [pytest.mark.database]

HALL = SeriesKey("node", "hall", "")
P1 = SeriesKey("point", "P1", "")
METER: Mapping[str, Any] = {"code": "P1", **SIX_DIGITS}


class TestAWorkerThatStandsStill:
    def test_for_six_hours_loses_nothing(self, migrated: Migrated) -> None:
        plant = SmallPlant(points=[dict(METER)])
        migrated.install(plant.plant())
        hours = [of("P1", DAY[60 * hour : 60 * hour + 60]) for hour in range(11)]
        send(migrated, plant, hours, idle=range(3, 9))
        truth = Truth([DAY[:660]])
        rows = stored(migrated, "acme", P1, Grain.HOUR)
        assert amounts_of(rows) == close_to(truth.by_hour("UTC"))
        assert truth.total() == 659


class TestAMeterThatIsOffline:
    def test_holds_up_neither_its_neighbours_nor_the_nodes_above(self, migrated: Migrated) -> None:
        plant = two_halls()
        migrated.install(plant.plant())
        send(migrated, plant, [of("P1", DAY)])
        truth = Truth([DAY])
        by_hour = close_to(truth.by_hour("UTC"))
        for code in ("hall-1", "works"):
            assert energy_kwh(migrated, code, Grain.HOUR) == by_hour
        marks = qualities(migrated, "works")
        assert len(marks) == 24
        assert all(quality & Quality.PARTIAL for quality in marks)
        assert energy_kwh(migrated, "hall-2", Grain.HOUR) == {}
        later = minutes(0, 1441, at=90)
        send(migrated, plant, [[*of("P2", later), *of("P1", minutes(1440, 1441, at=6440))]])
        both = {at: 2 * kwh for at, kwh in Truth([later]).by_hour("UTC").items()}
        assert energy_kwh(migrated, "works", Grain.HOUR) == close_to(both)
        lacking = Quality.PARTIAL | Quality.MISSING
        assert not any(quality & lacking for quality in qualities(migrated, "works"))


class TestAFactor:
    def test_that_changes_changes_what_lies_in_its_time_and_nothing_else(
        self, migrated: Migrated
    ) -> None:
        plant = SmallPlant(points=[dict(METER)])
        migrated.install(plant.plant())
        state(migrated, 0.5366, date(2025, 1, 1), date(2025, 3, 11))
        send(migrated, plant, [of("P1", minutes(0, 2880, at=5000))])
        days = [START, START.replace(day=11)]
        assert emission_tco2(migrated)[days[0]] == pytest.approx(1.440 * 0.5366, rel=1e-12)
        state(migrated, 1.0, date(2025, 3, 11), None)
        drain(migrated)
        assert emission_tco2(migrated) == {
            days[0]: pytest.approx(1.440 * 0.5366, rel=1e-12),
            days[1]: pytest.approx(1.439 * 1.0, rel=1e-12),
        }


def two_halls() -> SmallPlant:
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
    return SmallPlant(points=points, more={"nodes": nodes, "flows": flows})


def state(migrated: Migrated, factor: float, start: date, end: date | None) -> None:
    """State an own grid factor. [tCO2/MWh]"""
    [(tenant_id,)] = migrated.rows("select id from tenant")
    override = Override(
        carrier="electricity",
        parameter="emission_purchased",
        value=factor,
        unit="tCO2/MWh",
        valid_from=start,
        valid_to=end,
        source="measured",
        stated_by="a@acme",
    )

    async def work(database: Database) -> None:
        await factors.add_override(database, tenant_id=tenant_id, override=override, at=RECEIVED)

    migrated.run("nengtan_api", work)


def energy_kwh(migrated: Migrated, node: str, grain: Grain) -> dict[datetime, float]:
    return _column(migrated, "energy_kwh", node, grain)


def qualities(migrated: Migrated, node: str) -> list[int]:
    """Return the quality of each hour of the first day of a node in total."""
    rows = stored(migrated, "acme", SeriesKey("node", node, ""), Grain.HOUR)
    return [quality for at, (_, quality) in rows.items() if at.date() == START.date()]


def emission_tco2(migrated: Migrated) -> dict[datetime, float]:
    return _column(migrated, "emission_purchased_tco2e", "hall", Grain.DAY)


def _column(migrated: Migrated, column: str, node: str, grain: Grain) -> dict[datetime, float]:
    """Return a figure of a node in total that is known, by the start of its period."""
    rows = migrated.rows(
        f"select r.ts, r.{column} from result r join series s on s.id = r.series_id"
        f" where s.kind = 'node' and s.code = %s and s.carrier = '' and r.grain = %s"
        f" and r.{column} is not null",
        *(node, int(grain)),
    )
    return {at.astimezone(UTC): value for at, value in rows}
