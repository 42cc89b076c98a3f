"""Every measure that a rule can ask for, from readings in a database: against plain arithmetic."""

import asyncio
import json
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from ingest.alert_tick import AlertTick
from ingest.live_tick import LiveTick
from ingest.tick import Worker
from services.alert_rules.measures import MEASURES
from services.lease import keep_lease
from services.plant.read import read_plant
from services.site_model import SiteModels
from services.store import alert_facts
from services.store.pool import Database
from tests.migrated import NAME, START, Migrated, SmallPlant
from tests.servers import DatabaseServer, best_server
from tests.services.alerts import rule, state

pytestmark = [pytest.mark.database]

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BEGIN = START - DAY
NOW = START + timedelta(hours=9, minutes=20)
LATER = NOW + 31 * SECOND
GAP_AT = NOW - MINUTE
UNKNOWN_COUNT = 100
# What each register counts in an hour. The meter before the second board shows 40 of 60 kW.
PER_HOUR = {
    "IN": 120.0,
    "SHOP": 60.0,
    "SUB": 40.0,
    "KILN": 30.0,
    "PRESS": 30.0,
    "GAS": 3.0,
    "IRON": 0.073,
}
UNIT = {"GAS": "Nm3", "IRON": "t"}
PLANT = SmallPlant(valid_from=BEGIN)


def document() -> dict[str, Any]:
    def named(code: str, kind: str, **more: Any) -> dict[str, Any]:
        return {"code": code, "name": NAME, "kind": kind, **more}

    def flow(code: str, source: str, target: str, point: str, carrier: str = "electricity") -> Any:
        ends = {"from": source, "to": target, "carrier": carrier}
        return {"code": code, **ends, "metered_by": [{"point": point}]}

    def meter(code: str, *points: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"code": f"M-{code}", "name": NAME, "gateway": "gw", "points": list(points), **more}

    registers = [
        meter(code, {"code": code, "kind": "register", "unit": UNIT.get(code, "kWh")})
        for code in PER_HOUR
    ]
    registers[0]["calibration_due"] = (START + 12 * DAY).date().isoformat()
    frozen = {"code": "STUCK", "kind": "gauge", "unit": "kW", "checks": {"frozen_hours": 2}}
    return {
        **PLANT.document(),
        "nodes": [
            named("grid", "source"),
            named("gas", "source"),
            named("plant", "use"),
            named("main", "bus", parent="plant"),
            named("sub", "bus", parent="plant"),
            *(named(code, "use", parent="plant") for code in ("shop", "kiln", "press")),
        ],
        "flows": [
            flow("in", "grid", "main", "IN"),
            flow("to-shop", "main", "shop", "SHOP"),
            flow("to-sub", "main", "sub", "SUB"),
            flow("to-kiln", "sub", "kiln", "KILN"),
            flow("to-press", "sub", "press", "PRESS"),
            flow("fuel", "gas", "kiln", "GAS", "natural_gas"),
        ],
        "meters": [
            *registers,
            meter("STUCK", frozen),
            meter("MUTE", {"code": "MUTE", "kind": "gauge", "unit": "kW"}),
        ],
        "products": [
            {
                "code": "iron",
                "name": NAME,
                "unit": "t",
                "node": "kiln",
                "metered_by": [{"point": "IRON"}],
            }
        ],
        "benchmarks": [
            {
                "code": "kiln",
                "name": NAME,
                "kind": "product",
                "unit": "kgce/t",
                "nodes": ["kiln"],
                "product": "iron",
                "limits": [{"limit": "gb16780-2021.clinker"}],
            }
        ],
    }


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give one tier: what alerts are kept in is the same on both."""
    return best_server(request)


def readings() -> list[tuple[str, datetime, object]]:
    """Return a day and a morning: every 5 min, and the last ten minutes every 5 s."""
    early = [BEGIN + n * 5 * MINUTE for n in range(int((NOW - BEGIN) / (5 * MINUTE)) - 1)]
    late = [NOW - 10 * MINUTE + n * 5 * SECOND for n in range(121)]
    rows: list[tuple[str, datetime, object]] = [
        (code, at, per_hour * ((at - BEGIN) / HOUR))
        for at in [*early, *late]
        for code, per_hour in PER_HOUR.items()
    ]
    return rows + [("STUCK", at, 7.0) for at in early]


READINGS = readings()


@pytest.fixture(scope="module")
def centre(shared_migrated: Migrated) -> Migrated:
    """Give a plant with readings, computed, a gap in its messages, and some in quarantine."""
    shared_migrated.install(read_plant(json.dumps(document()).encode(), form="json"))
    last = PLANT.delivery([("STUCK", NOW, 7.0)], seq=2)
    shared_migrated.ingest([PLANT.delivery(READINGS, seq=1), last], at=NOW - 2 * MINUTE)
    unknown = [(f"NOBODY-{n}", NOW, 1.0) for n in range(UNKNOWN_COUNT)]
    # Numbers 3 and 4 are missing.
    shared_migrated.ingest([PLANT.delivery(unknown, seq=5)], at=GAP_AT)

    async def drain(database: Database) -> None:
        await Worker(database).drain()

    shared_migrated.run("nengtan_worker", drain)
    return shared_migrated


def measured(centre: Migrated, expressions: Sequence[str]) -> dict[str, float]:
    """Return what expressions come to, as rules that all hold see them while ingest runs."""
    rules = [rule(f"r{n}", f"{text} > -1e9") for n, text in enumerate(expressions)]

    async def work(database: Database) -> None:
        held = asyncio.Event()
        lease = asyncio.create_task(keep_lease(database, "ingest", held=held))
        await held.wait()
        models = SiteModels()
        alerts = AlertTick(database, models)
        # Ingest must have run for a while before silence means something.
        await alerts.tick(NOW)
        state(centre.url, *rules)
        await LiveTick(database, models, alerts.on_live).tick(LATER)
        await alerts.tick(LATER)
        lease.cancel()

    async def say(database: Database) -> None:
        async with database.transaction() as connection:
            said = {"connected": True, "waiting_s": 0.25}
            await alert_facts.put_service_state(connection, name="ingest", at=LATER, detail=said)

    state(centre.url)
    centre.run("nengtan_ingest", say)
    centre.run("nengtan_worker", work)
    rows = centre.rows("select rule, value from alert_episode where resolved_at is null")
    return {expressions[int(name[1:])]: value for name, value in rows}


# Of a day and a morning, all of it at one speed. Per kWh and per Nm3, as the shipped factors say.
KWH_KGCE, KWH_KGCO2E = 0.1229, 0.5827
NM3_KWH, NM3_KGCE, NM3_KGCO2E = 10.82753, 1.33, 2.162188809
# Of the open hour 20 min have passed, of the open quarter 5.
IN_HOUR, IN_QUARTER = 1 / 3, 1 / 12
SITE_KW = PER_HOUR["IN"] + PER_HOUR["GAS"] * NM3_KWH
RATE_KGCO2E = PER_HOUR["IN"] * KWH_KGCO2E + PER_HOUR["GAS"] * NM3_KGCO2E
KILN_KGCE = PER_HOUR["KILN"] * KWH_KGCE + PER_HOUR["GAS"] * NM3_KGCE
# The 60 kWh that leave the second board carry what came with the 40 kWh that are shown to enter it.
KILN_KGCO2E = PER_HOUR["KILN"] * KWH_KGCO2E * 40 / 60 + PER_HOUR["GAS"] * NM3_KGCO2E
EXACT = {
    "energy_kwh[hour]": SITE_KW * IN_HOUR,
    'energy_kwh{node="kiln"}[hour]': (PER_HOUR["KILN"] + PER_HOUR["GAS"] * NM3_KWH) * IN_HOUR,
    'coal_equivalent_tce{flow="in"}[hour]': PER_HOUR["IN"] * KWH_KGCE * IN_HOUR / 1000,
    'coal_equal_tce{flow="fuel"}[hour]': PER_HOUR["GAS"] * NM3_KGCE * IN_HOUR / 1000,
    "emission_tco2e[hour]": RATE_KGCO2E * IN_HOUR / 1000,
    "emission_direct_tco2e[hour]": PER_HOUR["GAS"] * NM3_KGCO2E * IN_HOUR / 1000,
    "emission_purchased_tco2e[hour]": PER_HOUR["IN"] * KWH_KGCO2E * IN_HOUR / 1000,
    # In the unit of the carrier: 10,000 Nm3.
    'amount{flow="fuel"}[hour]': PER_HOUR["GAS"] * IN_HOUR / 10_000,
    "product_amount[hour]": PER_HOUR["IRON"] * IN_HOUR,
    # Readings end half a minute ago.
    'covered_share{flow="in"}[hour]': (20 * MINUTE) / (20 * MINUTE + 31 * SECOND),
    "power_kw": SITE_KW,
    "emission_rate_kgco2e_per_h": RATE_KGCO2E,
    'coal_equivalent_kgce_per_h{flow="in"}': PER_HOUR["IN"] * KWH_KGCE,
    'amount_per_h{flow="fuel"}': PER_HOUR["GAS"] / 10_000,
    "amount_per_h{product}": PER_HOUR["IRON"],
    # Of electricity; what came so far, over the whole quarter.
    "demand_kw[interval]": PER_HOUR["IN"] * IN_HOUR,
    "forecast(demand_kw[interval])": PER_HOUR["IN"],
    'forecast(demand_kw{node="kiln"}[interval])': PER_HOUR["KILN"],
    'forecast(demand_kw{flow="to-shop"}[interval])': PER_HOUR["SHOP"],
    "demand_kw[month]": PER_HOUR["IN"],
    "intensity_kgce_per_unit[day]": KILN_KGCE / PER_HOUR["IRON"],
    "intensity_kgce_per_unit[live]": KILN_KGCE / PER_HOUR["IRON"],
    "intensity_kgco2e_per_unit[month]": KILN_KGCO2E / PER_HOUR["IRON"],
    'intensity_kgco2e_per_kwh{node="shop"}': KWH_KGCO2E,
    "benchmark_value[day]": KILN_KGCE / PER_HOUR["IRON"],
    "forecast(benchmark_value[month])": KILN_KGCE / PER_HOUR["IRON"],
    # GB 16780-2021: 100, 107 and 117 kgce/t.
    "benchmark_level[month]": 2.0,
    "benchmark_level_end[month]": 2.0,
    "benchmark_level_end[day]": 2.0,
    # 60 and 40 of 120 kW go on; of the 40 that are shown, 60 come out.
    'residual_share{node="main"}[hour]': 20 / 120,
    'residual_share{node="main"}[live]': 20 / 120,
    'residual_share{node="sub"}[interval]': -20 / 40,
    'residual_share{node="sub"}[day]': -20 / 40,
    'suspect_z{flow="to-shop"}[interval]': 0.0,
    'suspect_z{flow="in"}[live]': 0.0,
    # Due two intervals and a minute after its description began.
    'silent_s{point="MUTE"}': (LATER - BEGIN - 31 * MINUTE) / SECOND,
    'silent_s{point="IN"}': 0.0,
    "silent_s{gateway}": 0.0,
    'frozen{point="STUCK"}': 1.0,
    'frozen{point="IN"}': 0.0,
    "gap_open_s": (LATER - GAP_AT) / SECOND,
    'calibration_due_d{meter="M-IN"}': 12.0,
    "quarantine_share": UNKNOWN_COUNT / (len(READINGS) + 1 + UNKNOWN_COUNT),
    "ingest_lag_s": 0.25,
    "worker_lag_s": 0.0,
    "ingest_running": 1.0,
    "broker_connected": 1.0,
}
SUSPECT = tuple(f'suspect_z{{flow="to-sub"}}[{period}]' for period in ("interval", "live", "day"))
RESIDUAL = tuple(f'residual_z{{node="sub"}}[{period}]' for period in ("interval", "live", "day"))
MACHINE = ("disk_free_share", "database_answer_s")


def test_measures_are_what_readings_say(centre: Migrated) -> None:
    found = measured(centre, [*EXACT, *SUSPECT, *RESIDUAL, *MACHINE])
    assert {name: found[name] for name in EXACT} == pytest.approx(EXACT, rel=1e-6)
    [(z,)] = centre.rows(
        "select distinct abs(z) from balance_suspect where grain = 0"
        " and ts = (select max(ts) from balance_suspect where grain = 0)"
    )
    assert found[SUSPECT[0]] == z
    # Nothing but the meter contradicts the others: it does so at any length of time.
    assert [found[name] for name in SUSPECT] == pytest.approx([z] * 3, rel=0.01)
    assert z > 3.0
    [(network, measured_kwh, sigma_kwh)] = centre.rows(
        "select n.document, b.measured_kwh, b.sigma_kwh from balance b"
        " join balance_network n on n.id = b.network_id"
        " where b.grain = 0 order by b.ts desc limit 1"
    )
    place = {row["code"]: index for index, row in enumerate(network["rows"])}
    [came, kiln, press] = [place[code] for code in ("to-sub", "to-kiln", "to-press")]
    left_over_kwh = measured_kwh[came] - measured_kwh[kiln] - measured_kwh[press]
    sure_kwh = math.hypot(sigma_kwh[came], sigma_kwh[kiln], sigma_kwh[press])
    assert left_over_kwh == pytest.approx(-5.0)
    assert found[RESIDUAL[0]] == pytest.approx(5.0 / sure_kwh)
    assert [found[name] for name in RESIDUAL] == pytest.approx([found[RESIDUAL[0]]] * 3, rel=0.01)
    assert 0.0 < found["disk_free_share"] < 1.0
    assert 0.0 < found["database_answer_s"] < 60.0


def test_measures_are_all_looked_at() -> None:
    """A measure that is added is seen to come from data."""
    asked = " ".join([*EXACT, *SUSPECT, *RESIDUAL, *MACHINE])
    assert [one.name for one in MEASURES if one.name not in asked] == []


def test_what_is_worked_on_is_behind(centre: Migrated) -> None:
    """Results lag: how long is known, and of silence, which may be only that, nothing."""
    centre.rows(
        "insert into dirty (tenant_id, site_id, start_ts, end_ts, marked_at)"
        " select tenant_id, id, array[%s], array[%s], %s from site returning id",
        START,
        START + HOUR,
        LATER - 90 * SECOND,
    )
    found = measured(centre, ["worker_lag_s", 'silent_s{point="MUTE"}'])
    centre.execute("delete from dirty")
    assert found == {"worker_lag_s": 90.0}
