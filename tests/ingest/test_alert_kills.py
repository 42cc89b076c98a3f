"""Ended anywhere, a worker leaves exactly the episodes that it would have left unharmed.

An end is that of a tick at any of its awaits (as of a process that is told to stop), or of its
connection to the database at any moment, a commit among them. Who comes after begins with what is
stored. Processes that are killed: see `tests/faults/test_alert_kills.py`.
"""

import asyncio
import contextlib
import random

import psycopg
import pytest

from ingest.alert_tick import AlertTick
from services.site_model import SiteModels
from services.store.pool import Database, DatabaseUnavailable
from tests.faults import alert_plan
from tests.faults.alert_plan import NOW, SECOND, Plan
from tests.migrated import Migrated
from tests.servers import DatabaseServer, best_server

pytestmark = [pytest.mark.database, pytest.mark.timeout(900)]

SEED = 20261126


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give one tier: what alerts are kept in is the same on both."""
    return best_server(request)


def terminate(url: str) -> None:
    """End the worker's connections as a server does that goes down."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'nengtan_worker' and datname = current_database()"
        )


async def end(draw: random.Random, url: str, ticking: "asyncio.Task[int]") -> None:
    """Let a tick live for a moment, then end it or its connection."""
    await asyncio.sleep(draw.uniform(0.0, 0.03))
    if draw.random() < 0.5:
        ticking.cancel()
    else:
        await asyncio.to_thread(terminate, url)
    with contextlib.suppress(asyncio.CancelledError, DatabaseUnavailable):
        await ticking


async def play(migrated: Migrated, site_id: int, plan: Plan) -> int:
    draw = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    models = SiteModels()
    database = await start(migrated)
    tick, ended = AlertTick(database, models), 0

    def told(tick: AlertTick, second: int) -> "asyncio.Task[int]":
        at = NOW + second * SECOND
        tick.on_live(site_id, plan.payload(second), at)
        return asyncio.ensure_future(tick.tick(at))

    for second in range(len(plan.powers)):
        for _ in range(plan.kills[second]):
            await end(draw, migrated.url, told(tick, second))
            await database.close()
            database = await start(migrated)
            tick = AlertTick(database, models)
            ended += 1
        await told(tick, second)
    await database.close()
    return ended


async def start(migrated: Migrated) -> Database:
    return await Database.open(migrated.role_url("nengtan_worker"), size_max=2)


@pytest.mark.parametrize(
    ("seconds", "ends"), [(40, 12), pytest.param(400, 400, marks=pytest.mark.faults)]
)
def test_ends_leave_every_episode_exactly_once(migrated: Migrated, seconds: int, ends: int) -> None:
    site_id = alert_plan.describe(migrated)
    plan = alert_plan.plan(seconds, ends, seed=SEED)
    assert asyncio.run(play(migrated, site_id, plan)) == ends
    alert_plan.assert_kept(migrated, alert_plan.expected(plan))
