"""Killed anywhere, a worker leaves exactly the episodes that it would have left unharmed.

A kill is the end of a tick at any of its awaits (as the process would end), or of its connection to
the database at any moment, a commit among them. Who comes after begins with what is stored.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from ingest.alert_tick import AlertTick
from services.site_model import SiteModels
from services.store.pool import Database, DatabaseUnavailable
from tests.migrated import START, Migrated, SmallPlant
from tests.servers import DatabaseServer, best_server
from tests.services.alerts import rule, state

pytestmark = [pytest.mark.database, pytest.mark.timeout(900)]

SECOND = timedelta(seconds=1)
NOW = START + timedelta(hours=9, minutes=20)
METERS = 6
SEED = 20261126
FOR_S, KEEP_S = 3, 2
LIMIT = 100.0
RULE = rule(
    "high",
    f"power_kw{{flow}} > {LIMIT}",
    **{"for": f"{FOR_S}s", "keep_firing_for": f"{KEEP_S}s"},
)


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give one tier: what alerts are kept in is the same on both."""
    return best_server(request)


@dataclass(frozen=True)
class Plan:
    """What each meter shows each second, and where the worker is killed."""

    powers: list[list[float]]
    kills: list[int]  # of each second: how many times


def plan(seconds: int, kill_count: int) -> Plan:
    draw = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    powers: list[list[float]] = []
    above = [False] * METERS
    for _ in range(seconds):
        above = [one != (draw.random() < 0.2) for one in above]
        powers.append([draw.uniform(101, 200) if one else draw.uniform(0, 99) for one in above])
    kills = [0] * seconds
    for _ in range(kill_count):
        kills[draw.randrange(seconds)] += 1
    return Plan(powers, kills)


def expected(plan: Plan) -> list[tuple[str, datetime, datetime, datetime | None]]:
    """Return the episodes: of each meter, second by second, in the plainest words."""
    found: list[tuple[int, int | None, int, int | None]] = []
    for meter in range(METERS):
        active = fired = quiet = None
        for second, powers in enumerate(plan.powers):
            is_above = powers[meter] > LIMIT
            if fired is None:
                active = (second if active is None else active) if is_above else None
                if active is not None and second - active >= FOR_S:
                    fired = second
            else:
                quiet = None if is_above else (second if quiet is None else quiet)
                if quiet is not None and second - quiet >= KEEP_S:
                    found.append((meter, active, fired, second))
                    active = fired = quiet = None
        if fired is not None:
            found.append((meter, active, fired, None))
    return sorted(
        (
            f"to-hall-P{meter}",
            NOW + active * SECOND,
            NOW + fired * SECOND,
            None if resolved is None else NOW + resolved * SECOND,
        )
        for meter, active, fired, resolved in found
        if active is not None
    )


def terminate(url: str) -> None:
    """End the worker's connections as a server does that goes down."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'nengtan_worker' and datname = current_database()"
        )


async def kill(draw: random.Random, url: str, ticking: "asyncio.Task[int]") -> None:
    """Let a tick live for a moment, then end it or its connection."""
    await asyncio.sleep(draw.uniform(0.0, 0.03))
    if draw.random() < 0.5:
        ticking.cancel()
    else:
        await asyncio.to_thread(terminate, url)
    with contextlib.suppress(asyncio.CancelledError, DatabaseUnavailable):
        await ticking


async def play(migrated: Migrated, plan: Plan) -> int:
    [(site_id,)] = migrated.rows("select id from site")
    draw = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    codes = [f"to-hall-P{meter}" for meter in range(METERS)]
    models = SiteModels()
    database = await start(migrated)
    tick, killed = AlertTick(database, models), 0

    def told(tick: AlertTick, second: int) -> "asyncio.Task[int]":
        payload: dict[str, Any] = {"flow": {"code": codes, "power_kw": plan.powers[second]}}
        at = NOW + second * SECOND
        tick.on_live(site_id, payload, at)
        return asyncio.ensure_future(tick.tick(at))

    for second in range(len(plan.powers)):
        for _ in range(plan.kills[second]):
            await kill(draw, migrated.url, told(tick, second))
            await database.close()
            database = await start(migrated)
            tick = AlertTick(database, models)
            killed += 1
        await told(tick, second)
    await database.close()
    return killed


async def start(migrated: Migrated) -> Database:
    return await Database.open(migrated.role_url("nengtan_worker"), size_max=2)


@pytest.mark.parametrize(
    ("seconds", "kills"), [(60, 50), pytest.param(400, 400, marks=pytest.mark.faults)]
)
def test_kills_leave_every_episode_exactly_once(
    migrated: Migrated, seconds: int, kills: int
) -> None:
    points = [{"code": f"P{n}", "kind": "gauge", "unit": "kW"} for n in range(METERS)]
    migrated.install(SmallPlant(points=points).plant())
    state(migrated.url, RULE)
    script = plan(seconds, kills)
    assert asyncio.run(play(migrated, script)) == kills
    oracle = expected(script)
    stored = migrated.rows(
        "select labels ->> 'flow', active_at, fired_at, resolved_at from alert_episode"
        " order by 1, 2"
    )
    assert stored == oracle
    told = migrated.rows(
        "select payload ->> 'change', payload -> 'labels' ->> 'flow', at from event"
        " where kind = 'alert'"
    )
    assert sorted(told) == sorted(
        [("fired", flow, fired) for flow, _, fired, _ in oracle]
        + [("resolved", flow, at) for flow, _, _, at in oracle if at is not None]
    )
    assert migrated.rows("select count(*) from alert_note where kind = 'fired'") == [(len(oracle),)]
