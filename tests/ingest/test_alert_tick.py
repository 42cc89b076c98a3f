"""The alert tick: each episode once, through kills, restarts and changes of rules and plants."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from ingest.alert_tick import AlertTick
from services.site_model import SiteModels
from services.store.pool import Database
from tests.migrated import START, Migrated, SmallPlant
from tests.servers import DatabaseServer, best_server
from tests.services.alerts import rule, state

pytestmark = [pytest.mark.database]

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
NOW = START + timedelta(hours=9, minutes=20)
PLANT = SmallPlant(points=[{"code": "P1", "kind": "gauge", "unit": "kW"}])
HIGH = rule("high", 'power_kw{flow="to-hall-P1"} > 100')


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give one tier: what alerts are kept in is the same on both."""
    return best_server(request)


@pytest.fixture
def migrated(shared_migrated: Migrated) -> Migrated:
    """Give a database without a tenant."""
    shared_migrated.execute("truncate tenant, event restart identity cascade")
    return shared_migrated


class Ticker:
    """A worker's alert tick that is told live values, second by second."""

    def __init__(self, migrated: Migrated, database: Database) -> None:
        self.tick = AlertTick(database, SiteModels())
        [(self.site_id,)] = migrated.rows("select id from site")

    async def at(self, at: datetime, power_kw: float | None) -> int:
        payload = {
            "flow": {"code": ["to-hall-P1"], "power_kw": [power_kw]},
            "node": {"code": ["hall"], "root": [True], "power_kw": [power_kw]},
        }
        self.tick.on_live(self.site_id, payload, at)
        return await self.tick.tick(at)


def play(migrated: Migrated, work: Callable[[Ticker], Awaitable[None]]) -> None:
    """Run ticks as a worker that starts now."""

    async def run(database: Database) -> None:
        await work(Ticker(migrated, database))

    migrated.run("nengtan_worker", run)


def script(*powers: tuple[datetime, float | None]) -> Callable[[Ticker], Awaitable[None]]:
    async def work(ticker: Ticker) -> None:
        for at, power_kw in powers:
            await ticker.at(at, power_kw)

    return work


def episodes(migrated: Migrated) -> list[tuple[Any, ...]]:
    return migrated.rows(
        "select rule, active_at, fired_at, resolved_at, resolved_by from alert_episode order by id"
    )


def ready(migrated: Migrated, *rules: dict[str, Any]) -> None:
    migrated.install(PLANT.plant())
    state(migrated.url, *rules)


class TestEpisodes:
    def test_fires_and_resolves_once(self, migrated: Migrated) -> None:
        ready(migrated, HIGH)
        powers = [90.0, 101.0, 150.0, 120.0, 99.0, 98.0]
        play(migrated, script(*((NOW + n * SECOND, kw) for n, kw in enumerate(powers))))
        fired, resolved = NOW + SECOND, NOW + 4 * SECOND
        assert episodes(migrated) == [("high", fired, fired, resolved, "condition")]
        assert migrated.rows("select value, value_worst, limit_value, unit from alert_episode") == [
            (101.0, 150.0, 100.0, "kW")
        ]
        told = migrated.rows("select payload ->> 'change', at from event where kind = 'alert'")
        assert told == [("fired", fired), ("resolved", resolved)]
        assert migrated.rows("select kind from alert_note order by id") == [
            ("fired",),
            ("resolved",),
        ]
        assert migrated.rows("select * from alert_instance") == []

    def test_goes_on_after_a_restart(self, migrated: Migrated) -> None:
        ready(migrated, HIGH)
        play(migrated, script((NOW, 101.0)))
        play(migrated, script((NOW + 30 * SECOND, 130.0), (NOW + 31 * SECOND, 20.0)))
        assert episodes(migrated) == [("high", NOW, NOW, NOW + 31 * SECOND, "condition")]
        assert migrated.rows("select value_worst from alert_episode") == [(130.0,)]

    def test_says_nothing_of_what_is_not_known(self, migrated: Migrated) -> None:
        ready(migrated, HIGH)
        play(migrated, script((NOW, None), (NOW + SECOND, 101.0), (NOW + 2 * SECOND, None)))
        assert episodes(migrated) == [("high", NOW + SECOND, NOW + SECOND, None, None)]

    def test_takes_no_old_event_for_the_present(self, migrated: Migrated) -> None:
        ready(migrated, HIGH)

        async def work(ticker: Ticker) -> None:
            ticker.tick.on_live(
                ticker.site_id, {"flow": {"code": ["to-hall-P1"], "power_kw": [900.0]}}, NOW
            )
            await ticker.tick.tick(NOW + 30 * SECOND)

        play(migrated, work)
        assert episodes(migrated) == []


class TestHolds:
    HELD = rule("held", 'power_kw{flow="to-hall-P1"} > 100', **{"for": "10m"})

    def every(self, start: datetime, minutes: float, power_kw: float) -> list[Any]:
        return [(start + n * 5 * SECOND, power_kw) for n in range(int(minutes * 12) + 1)]

    def test_fires_when_it_has_held_for_long_enough(self, migrated: Migrated) -> None:
        ready(migrated, self.HELD)
        play(migrated, script(*self.every(NOW, 11, 101.0)))
        assert episodes(migrated) == [("held", NOW, NOW + 10 * MINUTE, None, None)]

    def test_is_remembered_through_a_short_stop(self, migrated: Migrated) -> None:
        ready(migrated, self.HELD)
        play(migrated, script(*self.every(NOW, 6, 101.0)))
        play(migrated, script(*self.every(NOW + 6.5 * MINUTE, 5, 101.0)))
        assert episodes(migrated) == [("held", NOW, NOW + 10 * MINUTE, None, None)]

    def test_begins_anew_after_a_long_one(self, migrated: Migrated) -> None:
        ready(migrated, self.HELD)
        play(migrated, script(*self.every(NOW, 9, 101.0)))
        later = NOW + 60 * MINUTE
        play(migrated, script(*self.every(later, 9, 101.0)))
        assert episodes(migrated) == []
        play(migrated, script(*self.every(later + 9.5 * MINUTE, 1, 101.0)))
        assert episodes(migrated) == [("held", later, later + 10 * MINUTE, None, None)]


class TestChanges:
    def test_of_a_rule_end_its_episodes(self, migrated: Migrated) -> None:
        ready(migrated, HIGH)
        play(migrated, script((NOW, 101.0)))
        state(migrated.url, rule("high", 'power_kw{flow="to-hall-P1"} > 90'))
        later = NOW + 10 * SECOND
        play(migrated, script((later, 101.0)))
        assert episodes(migrated) == [
            ("high", NOW, NOW, later, "rule"),
            ("high", later, later, None, None),
        ]
        assert migrated.rows("select revision from alert_episode order by id") == [(1,), (2,)]

    def test_of_another_rule_of_the_group_end_nothing(self, migrated: Migrated) -> None:
        ready(migrated, HIGH)
        play(migrated, script((NOW, 101.0)))
        state(migrated.url, HIGH, rule("low", 'power_kw{flow="to-hall-P1"} < 1'))
        play(migrated, script((NOW + 10 * SECOND, 101.0)))
        assert episodes(migrated) == [("high", NOW, NOW, None, None)]

    def test_of_a_plant_end_what_is_gone(self, migrated: Migrated) -> None:
        ready(migrated, rule("high", "power_kw{flow} > 100"))
        play(migrated, script((NOW, 101.0)))
        migrated.install(
            SmallPlant(
                points=[{"code": "P2", "kind": "gauge", "unit": "kW"}],
                valid_from=NOW - 5 * MINUTE,
            ).plant()
        )
        later = NOW + 10 * SECOND
        play(migrated, script((later, None)))
        assert episodes(migrated) == [("high", NOW, NOW, later, "object")]

    def test_are_followed_by_a_worker_that_runs(self, migrated: Migrated) -> None:
        ready(migrated, HIGH)

        async def work(ticker: Ticker) -> None:
            await ticker.at(NOW, 101.0)
            state(migrated.url)
            await ticker.at(NOW + 6 * SECOND, 101.0)

        play(migrated, work)
        assert episodes(migrated) == [("high", NOW, NOW, NOW + 6 * SECOND, "rule")]


class TestTwoWorkers:
    def test_never_tell_an_episode_twice(self, migrated: Migrated) -> None:
        """A worker that lost its lease unnoticed is refused, reads back, and goes on."""
        ready(migrated, HIGH)

        async def run(database: Database) -> None:
            one, two = Ticker(migrated, database), Ticker(migrated, database)
            await one.at(NOW, 50.0)
            await two.at(NOW, 50.0)
            for n, kw in enumerate((101.0, 102.0, 50.0, 101.0, 103.0), start=1):
                await one.at(NOW + n * SECOND, kw)
                await two.at(NOW + n * SECOND + 0.5 * SECOND, kw)

        migrated.run("nengtan_worker", run)
        told = migrated.rows("select payload ->> 'change' from event where kind = 'alert'")
        assert told == [("fired",), ("resolved",), ("fired",)]
        assert len(episodes(migrated)) == 2
