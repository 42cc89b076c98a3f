"""The public fault table through ingest, database and worker, and its page."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from compute.periods import Grain
from compute.quality import Quality, flag_names
from compute.rules import RULES
from compute.settle import SeriesKey
from tests.faults import fault_page
from tests.faults.arrays import close_to
from tests.faults.centre import send, stored
from tests.faults.fault_table import ROWS, Row
from tests.faults.meters import DAY, FAULTS, START, minutes, of
from tests.faults.oracle import Truth
from tests.faults.scenarios import (
    SCENARIOS,
    figures,
    measure,
    two_halls,
)
from tests.migrated import Migrated, migrated_database
from tests.servers import DatabaseServer

PAGE = Path(fault_page.__file__).with_name("FAULT_TABLE.md")
BITS = {rule.name: set(flag_names(rule.quality)) for rule in RULES}


@pytest.fixture(scope="module")
def rows_migrated(plain_server: DatabaseServer) -> Iterator[Migrated]:
    """Give the database of all rows; what they ask is no question of the tier."""
    with migrated_database(plain_server) as migrated:
        yield migrated


@pytest.mark.database
class TestTheTable:
    @pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.id} {row.case_en}"[:60])
    def test_says_what_truly_passed_what_is_given_and_what_is_shown(
        self, rows_migrated: Migrated, row: Row
    ) -> None:
        measured = measure(rows_migrated, row)
        assert measured.truth == row.truth
        assert measured.given == pytest.approx(float(row.given), rel=1e-12)
        assert measured.flags == set(row.flags)


class TestThePage:
    def test_is_the_table(self) -> None:
        assert PAGE.read_text(encoding="utf-8") == fault_page.fault_page(), (
            "print it anew: python -m tests.faults.fault_page > tests/faults/FAULT_TABLE.md"
        )

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
    def test_gives_less_than_the_truth_only_where_it_shows_it(self, row: Row) -> None:
        assert row.given <= row.truth
        assert row.given == row.truth or {"partial", "missing"} & set(row.flags)

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
    def test_names_rules_that_leave_the_bits(self, row: Row) -> None:
        assert set(row.rules) <= BITS.keys()
        of_rules = set().union(*(BITS[rule] for rule in row.rules))
        # Where a whole interval is withheld there is no part of it.
        assert set(row.flags) <= of_rules | ({"missing"} if "partial" in of_rules else set())

    def test_has_each_row_once(self) -> None:
        assert [row.id for row in ROWS] == [f"F{n:02}" for n in range(1, len(ROWS) + 1)]
        assert {row.id for row in ROWS if not row.fault} == SCENARIOS.keys()
        assert {row.fault for row in ROWS if row.fault} <= {fault.name for fault in FAULTS}


@pytest.mark.database
class TestAMeterThatIsOffline:
    def test_holds_up_neither_its_neighbours_nor_the_nodes_above(self, migrated: Migrated) -> None:
        plant = two_halls("acme")
        migrated.install(plant.plant())
        send(migrated, plant, [of("P1", DAY)])
        by_hour = close_to(Truth([DAY]).by_hour("UTC"))
        for code in ("hall-1", "works"):
            assert energy_kwh(migrated, code) == by_hour
        marks = qualities(migrated, "works")
        assert len(marks) == 24
        assert all(quality & Quality.PARTIAL for quality in marks)
        assert energy_kwh(migrated, "hall-2") == {}
        later = minutes(0, 1441, at=90)
        send(migrated, plant, [[*of("P2", later), *of("P1", minutes(1440, 1441, at=6440))]])
        both = {at: 2 * kwh for at, kwh in Truth([later]).by_hour("UTC").items()}
        assert energy_kwh(migrated, "works") == close_to(both)
        lacking = Quality.PARTIAL | Quality.MISSING
        assert not any(quality & lacking for quality in qualities(migrated, "works"))


def energy_kwh(migrated: Migrated, node: str) -> dict[datetime, float]:
    return figures(migrated, "acme", "energy_kwh", SeriesKey("node", node, ""), Grain.HOUR)


def qualities(migrated: Migrated, node: str) -> list[int]:
    """Return the quality of each hour of the first day of a node in total."""
    rows = stored(migrated, "acme", SeriesKey("node", node, ""), Grain.HOUR)
    return [quality for at, (_, quality) in rows.items() if at.date() == START.date()]
