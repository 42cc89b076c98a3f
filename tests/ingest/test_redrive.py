"""Second tries of quarantined items: what can be taken moves, the rest keeps its reason."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from ingest.commit import Committer
from ingest.reading import Delivery
from ingest.redrive import redrive_due
from ingest.registry import load_registry
from services import clock, review
from services.store.pool import Database
from tests.ingest.test_pipeline import POISON, REFUSE_POISON
from tests.migrated import START, Migrated, SmallPlant, counts

pytestmark = [pytest.mark.database]

MINUTE = timedelta(minutes=1)
PLANT = SmallPlant()
P3 = {"code": "P3", "kind": "register", "unit": "kWh"}
WIDER = SmallPlant(points=[*PLANT.points, P3])


@pytest.fixture
def installed(migrated: Migrated) -> Migrated:
    migrated.install(PLANT.plant())
    return migrated


def redrive(migrated: Migrated) -> int:
    """Try again, as `nengtan ingest` does every two seconds."""

    async def work(database: Database) -> int:
        return await redrive_due(database, Committer(database), await load_registry(database))

    return migrated.run("nengtan_ingest", work)


def request(migrated: Migrated, *items: int) -> None:
    """Ask for a second try as a person does."""
    [(tenant_id, quarantine_id)] = migrated.rows("select tenant_id, id from quarantine")

    async def work(database: Database) -> None:
        await review.settle_quarantine(
            database,
            tenant_id=tenant_id,
            actor="a@acme",
            quarantine_id=quarantine_id,
            items=items or None,
            state="requested",
            reason="it is fixed",
            at=clock.now(),
        )

    migrated.run("nengtan_api", work)


def items(migrated: Migrated) -> Mapping[int, tuple[Any, ...]]:
    """Return code, state and tries of each item."""
    rows = migrated.rows(
        "select item, code, state, attempt_count from quarantine_item order by item"
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def values(migrated: Migrated) -> dict[str, float]:
    return dict(
        migrated.rows("select p.code, r.value from reading r join point p on p.id = r.point_id")
    )


class TestWhatIsDue:
    def test_is_not_tried_early_and_waits_on_if_still_ahead(self, installed: Migrated) -> None:
        now = clock.now().replace(microsecond=0)
        soon, later = now + timedelta(hours=1), now + timedelta(hours=2)
        readings = [("P1", soon, 1.0), ("P2", later, 2.0)]
        # As if the centre had received it two hours ago.
        installed.ingest([PLANT.delivery(readings)], at=now - timedelta(hours=2))
        assert {code for code, _, _ in items(installed).values()} == {"future"}
        assert redrive(installed) == 0, "nothing is due an hour before its time"
        installed.execute(
            "update quarantine_item set due_at = now() - interval '1 second' where item = 0"
        )
        assert redrive(installed) == 1
        # It still lies in the future of the true clock, so it waits on with a new time.
        assert items(installed)[0] == ("future", "open", 1)
        [(due_at,)] = installed.rows("select due_at from quarantine_item where item = 0")
        assert due_at == soon

    def test_is_stored_and_counted_in_the_hour_of_its_receipt(self, installed: Migrated) -> None:
        at = clock.now() - timedelta(days=3)
        ahead = at + timedelta(minutes=10)
        installed.ingest([PLANT.delivery([("P1", ahead, 1.0), ("P1", at, 0.5)])], at=at)
        before = counts(installed)
        assert (before["stored"], before["quarantined"]) == (1, 1)
        assert redrive(installed) == 1
        assert items(installed)[0] == ("future", "resolved", 1)
        assert counts(installed) == {**before, "stored": 2, "quarantined": 0}
        assert len(installed.rows("select 1 from ingest_hour")) == 1
        assert installed.rows("select count(*) from dirty") == [(2,)]
        assert redrive(installed) == 0

    def test_counts_as_a_duplicate_what_came_again_meanwhile(self, installed: Migrated) -> None:
        at = clock.now() - timedelta(days=3)
        ahead = at + timedelta(minutes=10)
        installed.ingest([PLANT.delivery([("P1", ahead, 1.0)])], at=at)
        installed.ingest([PLANT.delivery([("P1", ahead, 1.0)], seq=2)], at=ahead)
        redrive(installed)
        found = counts(installed)
        assert found == {
            "received": 2,
            "stored": 1,
            "duplicate": 1,
            "conflict": 0,
            "quarantined": 0,
        }

    def test_counts_as_a_conflict_what_is_taken_by_another_value(self, installed: Migrated) -> None:
        at = clock.now() - timedelta(days=3)
        ahead = at + timedelta(minutes=10)
        installed.ingest([PLANT.delivery([("P1", ahead, 1.0)])], at=at)
        installed.ingest([PLANT.delivery([("P1", ahead, 2.0)], seq=2)], at=ahead)
        redrive(installed)
        assert counts(installed)["conflict"] == 1
        assert installed.rows("select value, kept_value from conflict") == [(1.0, 2.0)]
        assert items(installed)[0][1] == "resolved"


class TestWhatAPersonAsksFor:
    def test_is_not_tried_before_that(self, installed: Migrated) -> None:
        installed.ingest([PLANT.delivery([("P3", START, 3.0)])], at=START + MINUTE)
        installed.install(WIDER.plant())
        assert redrive(installed) == 0
        assert values(installed) == {}

    def test_is_stored_once_a_new_description_knows_the_point(self, installed: Migrated) -> None:
        readings = [("P3", START, 3.0), ("P1", START, 1.0), ("P4", START, 4.0)]
        installed.ingest([PLANT.delivery(readings)], at=START + MINUTE)
        installed.install(WIDER.plant())
        request(installed)
        assert redrive(installed) == 1
        assert values(installed) == {"P1": 1.0, "P3": 3.0}
        assert items(installed) == {
            0: ("unknown_point", "resolved", 1),
            2: ("unknown_point", "open", 1),
        }
        assert counts(installed) == {
            "received": 3,
            "stored": 2,
            "duplicate": 0,
            "conflict": 0,
            "quarantined": 1,
        }
        [(resolved_by,)] = installed.rows("select resolved_by from quarantine_item where item = 0")
        assert resolved_by == "a@acme"

    def test_is_only_the_item_named(self, installed: Migrated) -> None:
        wider = SmallPlant(points=[*WIDER.points, {**P3, "code": "P4"}])
        readings = [("P3", START, 3.0), ("P4", START, 4.0)]
        installed.ingest([PLANT.delivery(readings)], at=START + MINUTE)
        installed.install(wider.plant())
        request(installed, 1)
        redrive(installed)
        assert values(installed) == {"P4": 4.0}
        assert {n: state for n, (_, state, _) in items(installed).items()} == {
            0: "open",
            1: "resolved",
        }

    def test_stays_with_its_reason_if_nothing_has_changed(self, installed: Migrated) -> None:
        installed.ingest([PLANT.delivery([("P2", START, -1.0)])], at=START + MINUTE)
        before = counts(installed)
        for tries in (1, 2):
            request(installed)
            assert redrive(installed) == 1
            assert items(installed) == {0: ("physics", "open", tries)}
            assert redrive(installed) == 0
        assert counts(installed) == before

    def test_stays_if_its_gateway_is_gone(self, installed: Migrated) -> None:
        installed.ingest([PLANT.delivery([("P2", START, -1.0)])], at=START + MINUTE)
        before = counts(installed)
        gateways = [{"code": "other"}]
        meters = [{**meter, "gateway": "other"} for meter in PLANT.document()["meters"]]
        installed.install(SmallPlant(more={"gateways": gateways, "meters": meters}).plant())
        request(installed)
        redrive(installed)
        assert items(installed) == {0: ("unknown_gateway", "open", 1)}
        assert counts(installed) == before

    def test_of_a_whole_message_splits_into_its_items(self, installed: Migrated) -> None:
        """A message that could not be read at all, and can be now: some of its items are bad."""
        delivery = PLANT.delivery([("P1", START, 1.0), ("P2", START, -1.0), ("P9", START, 1.0)])
        unreadable = Delivery(delivery.topic, b"{", 1, 1, retained=False)
        installed.ingest([unreadable], at=START + MINUTE)
        assert counts(installed)["quarantined"] == 1
        # What a later decoder would make of the same bytes.
        with_bytes = delivery.payload.hex()
        installed.execute(f"update quarantine set payload = '\\x{with_bytes}'")
        request(installed)
        redrive(installed)
        assert values(installed) == {"P1": 1.0}
        assert items(installed) == {
            -1: ("json", "resolved", 1),
            1: ("physics", "open", 1),
            2: ("unknown_point", "open", 1),
        }
        assert counts(installed) == {
            "received": 3,
            "stored": 1,
            "duplicate": 0,
            "conflict": 0,
            "quarantined": 2,
        }
        [(tenant,)] = installed.rows("select count(distinct tenant_id) from quarantine_item")
        assert tenant == 1

    def test_that_the_database_refuses_is_kept_and_stops_nothing(self, installed: Migrated) -> None:
        installed.execute(REFUSE_POISON)
        readings = [("P3", START, POISON)]
        installed.ingest([PLANT.delivery(readings)], at=START + MINUTE)
        installed.install(WIDER.plant())
        before = counts(installed)
        request(installed)
        assert redrive(installed) == 1
        assert items(installed) == {0: ("not_storable", "open", 1)}
        assert values(installed) == {}
        assert counts(installed) == before
        assert redrive(installed) == 0
