"""What explains an alert never delays or loses it: it fires without, and is explained later."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from ingest.alert_tick import AlertTick
from ingest.tick import Worker
from services import alert_reasons
from services.site_model import SiteModels
from services.store.pool import Database
from tests.migrated import START, Migrated, SmallPlant
from tests.servers import DatabaseServer, best_server
from tests.services.alerts import rule, state

pytestmark = [pytest.mark.database]

NOW = START + timedelta(hours=9, minutes=20)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PLANT = SmallPlant(
    points=[{"code": "P1", "kind": "gauge", "unit": "kW"}], valid_from=START - timedelta(days=2)
)
# Of these two something can be said; of the third nothing but that it is so.
RULES = (
    rule("high", 'power_kw{flow="to-hall-P1"} > 100'),
    rule("site", "power_kw > 100"),
    rule("stopped", "ingest_running == 0"),
)
PAYLOAD = {
    "flow": {"code": ["to-hall-P1"], "power_kw": [101.0]},
    "node": {"code": ["hall"], "root": [True], "power_kw": [101.0]},
}


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give one tier: what alerts are kept in is the same on both."""
    return best_server(request)


@pytest.fixture
def centre(migrated: Migrated) -> Migrated:
    """Give a plant with a day of readings and rules that the next tick finds to hold."""
    migrated.install(PLANT.plant())
    instants = [NOW - 27 * HOUR + n * 5 * MINUTE for n in range(27 * 12)]
    migrated.ingest([PLANT.delivery([("P1", at, 90.0) for at in instants])], at=NOW)

    async def drain(database: Database) -> None:
        await Worker(database).drain()

    migrated.run("nengtan_worker", drain)
    state(migrated.url, *RULES)
    return migrated


@contextmanager
def results_locked(centre: Migrated) -> Iterator[None]:
    """Let nobody read results, as a migration or a full disk array would."""
    with psycopg.connect(centre.url) as connection:
        connection.execute("lock table result in access exclusive mode")
        yield


def explained(centre: Migrated) -> dict[str, bool]:
    return dict(centre.rows("select rule, explanation is not null from alert_episode"))


async def fire(centre: Migrated, database: Database) -> AlertTick:
    tick = AlertTick(database, SiteModels())
    [(site_id,)] = centre.rows("select id from site")
    tick.on_live(site_id, PAYLOAD, NOW)
    assert await tick.tick(NOW) == len(RULES)
    return tick


def test_is_of_what_can_be_split(centre: Migrated) -> None:
    async def work(database: Database) -> None:
        tick = await fire(centre, database)
        # On a slow machine, of kernels that are not loaded yet, even this may take too long.
        await tick.explain_now()

    centre.run("nengtan_worker", work)
    assert explained(centre) == {"high": True, "site": True, "stopped": False}


def test_that_takes_long_is_found_later(centre: Migrated) -> None:
    async def work(database: Database) -> None:
        with results_locked(centre):
            began_s = time.monotonic()
            tick = await fire(centre, database)
            # Without a limit it would wait for as long as the lock is held: for ever.
            assert time.monotonic() - began_s < 20.0
            assert explained(centre) == dict.fromkeys(("high", "site", "stopped"), False)
            told = centre.rows("select payload ->> 'change' from event where kind = 'alert'")
            assert told == [("fired",)] * len(RULES)
        await tick.explain_now()
        assert explained(centre) == {"high": True, "site": True, "stopped": False}

    centre.run("nengtan_worker", work)


def test_is_found_by_the_worker_that_comes_after(centre: Migrated) -> None:
    async def before(database: Database) -> None:
        with results_locked(centre):
            await fire(centre, database)

    async def after(database: Database) -> None:
        tick = AlertTick(database, SiteModels())
        await tick.tick(NOW + timedelta(seconds=1))
        await tick.explain_now()

    centre.run("nengtan_worker", before)
    centre.run("nengtan_worker", after)
    assert explained(centre) == {"high": True, "site": True, "stopped": False}
    [(end,)] = centre.rows("select explanation ->> 'end' from alert_episode where rule = 'high'")
    assert end == "2025-03-10T09:15:00Z"


def test_that_has_a_defect_is_said_and_left(
    centre: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise IndexError("a defect")

    monkeypatch.setattr(alert_reasons, "explain_change", broken)

    async def work(database: Database) -> None:
        tick = await fire(centre, database)
        for _ in range(5):
            await tick.explain_now()
        assert await tick.tick(NOW + timedelta(seconds=1)) >= 0

    with capture_logs() as said:
        centre.run("nengtan_worker", work)
    assert explained(centre) == dict.fromkeys(("high", "site", "stopped"), False)
    # Both together at once, and then each three times.
    unexplained = [line["rules"] for line in said if line["event"] == "alerts.unexplained"]
    assert unexplained == [["high", "site"], *[["high"], ["site"]] * 3]
