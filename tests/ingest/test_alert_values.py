"""What rules ask for, from readings that were taken in and computed: against plain arithmetic."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ingest.alert_tick import AlertTick
from ingest.tick import Worker
from services.site_model import SiteModels
from services.store.pool import Database
from tests.migrated import START, Migrated, SmallPlant
from tests.servers import DatabaseServer, best_server
from tests.services.alerts import rule, state

pytestmark = [pytest.mark.database]

MINUTE = timedelta(minutes=1)
NOW = START + timedelta(hours=9, minutes=20)
PLANT = SmallPlant(
    points=[{"code": "P1", "kind": "register", "unit": "kWh"}],
    valid_from=START - timedelta(days=3),
)
# 60 kW in all hours but the last, and 120 kW since 09:00.
CALM_KW, HIGH_KW = 60.0, 120.0


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give one tier: what alerts are kept in is the same on both."""
    return best_server(request)


def register(at: datetime) -> float:
    since = START + timedelta(hours=9)
    hours = (at - (START - timedelta(days=3))) / timedelta(hours=1)
    return CALM_KW * hours + (HIGH_KW - CALM_KW) * max((at - since) / timedelta(hours=1), 0.0)


@pytest.fixture
def centre(migrated: Migrated) -> Migrated:
    """Give a plant with three days of readings, computed."""
    migrated.install(PLANT.plant())
    start = START - timedelta(days=3)
    instants = [start + n * 5 * MINUTE for n in range(int((NOW - start) / (5 * MINUTE)) + 1)]
    migrated.ingest([PLANT.delivery([("P1", at, register(at)) for at in instants])], at=NOW)

    async def drain(database: Database) -> None:
        await Worker(database).drain()

    migrated.run("nengtan_worker", drain)
    return migrated


def found(centre: Migrated, **expressions: str) -> dict[str, float]:
    """Return what measures come to: the value of a rule that it is above nothing."""
    state(centre.url, *(rule(name, f"{text} > -1e9") for name, text in expressions.items()))

    async def tick(database: Database) -> None:
        alerts = AlertTick(database, SiteModels())
        await alerts.tick(NOW)
        await alerts.explain_now()

    centre.run("nengtan_worker", tick)
    return dict(centre.rows("select rule, value from alert_episode"))


def test_open_periods_paces_and_budgets_are_what_readings_say(centre: Migrated) -> None:
    centre.execute(
        "insert into budget (tenant_id, site_id, node, quantity, grain, start_ts, revision, amount,"
        " reason, stated_by) select tenant_id, id, '', 'energy_kwh', 2,"
        f" '{START.isoformat()}', 1, 1234.5, 'plan', 'test' from site"
    )
    values = found(
        centre,
        day="energy_kwh[day]",
        hour='energy_kwh{node="hall"}[hour]',
        interval='energy_kwh{flow="to-hall-P1"}[interval]',
        before="previous(energy_kwh[day])",
        ends="forecast(energy_kwh[day])",
        budget="budget(energy_kwh[day])",
        share="covered_share[day]",
        demand="demand_kw[interval]",
        highest="demand_kw[month]",
    )
    so_far = 9 * CALM_KW + HIGH_KW / 3
    assert values == pytest.approx(
        {
            "day": so_far,
            "hour": HIGH_KW / 3,
            "interval": HIGH_KW / 12,
            "before": 24 * CALM_KW,
            # The hours of a week before ran at 60 kW; 14 h 40 min are left.
            "ends": so_far + CALM_KW * (14 + 40 / 60),
            "budget": 1234.5,
            "share": 1.0,
            # 5 of 15 minutes at 120 kW; the quarter before was whole.
            "demand": HIGH_KW / 3,
            "highest": HIGH_KW,
        },
        rel=1e-6,
    )


def test_explanation_adds_up_and_names_the_meters(centre: Migrated) -> None:
    found(centre, day='energy_kwh{node="hall"}[day]')
    [(reason,)] = centre.rows("select explanation from alert_episode")
    effects: dict[str, Any] = {
        name: reason[name] for name in ("volume", "intensity", "structure", "factor")
    }
    # Up to the open quarter of an hour: 9 h 15 min of today beside those of yesterday.
    assert reason["change"] == pytest.approx((HIGH_KW - CALM_KW) / 4)
    assert sum(effects.values()) == pytest.approx(reason["change"])
    assert effects["volume"] == pytest.approx(reason["change"])
    assert reason["unit"] == "kWh"
    [flow] = reason["flows"]
    assert (flow["flow"], flow["meters"]) == ("to-hall-P1", ["M-P1"])
    assert flow["change_kwh"] == pytest.approx(reason["change"])


def test_silence_is_not_told_while_nobody_listens(centre: Migrated) -> None:
    """Without ingest, or before it has settled, nobody knows what was sent."""
    assert found(centre, silent="silent_s{point}") == {}
    assert found(centre, running="ingest_running")["running"] == 0.0
