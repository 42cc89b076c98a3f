"""Balances of a day in which the description changes: once where they stay the same, else refused.

60 kW come from the grid, 20 go to the press and 40 to the rest.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services import balance, balance_table, carbon_flow
from services.balance import Balance
from services.period_balance import NetworkChanges
from services.store.pool import Database
from tests.migrated import NAME, START, Migrated, SmallPlant
from tests.services.histories import Reading
from tests.services.test_recompute import send

pytestmark = pytest.mark.database

HOUR = timedelta(hours=1)
NOON, END = START + 12 * HOUR, START + 24 * HOUR
KW = {"P1": 60.0, "P2": 20.0, "P3": 40.0}
POINTS: list[dict[str, Any]] = [
    {"code": code, "kind": "interval", "unit": "kWh", "period_minutes": 60, "stamp": "end"}
    for code in KW
]


def plant(
    valid_from: datetime, *, press_class: str = "1.0", metered: str = "P1 P2 P3", loss: float = 0.0
) -> SmallPlant:
    nodes: list[dict[str, Any]] = [
        {"code": "grid", "name": NAME, "kind": "source"},
        {"code": "hall", "name": NAME, "kind": "use"},
        {"code": "board", "name": NAME, "kind": "bus", "parent": "hall"},
        {"code": "press", "name": NAME, "kind": "use", "parent": "hall"},
        {"code": "rest", "name": NAME, "kind": "use", "parent": "hall"},
    ]
    if loss:
        nodes[2]["losses"] = {"share": loss}
    ends = {"P1": ("grid", "board"), "P2": ("board", "press"), "P3": ("board", "rest")}
    flows = [
        {
            "code": f"F{point}",
            "from": ends[point][0],
            "to": ends[point][1],
            "carrier": "electricity",
            "metered_by": [{"point": point}] if point in metered else [],
        }
        for point in KW
    ]
    meters = [
        {
            "code": f"M-{point['code']}",
            "name": NAME,
            "gateway": "gw",
            "accuracy_class": press_class if point["code"] == "P2" else "1.0",
            "points": [point],
        }
        for point in POINTS
    ]
    return SmallPlant(
        valid_from=valid_from,
        points=POINTS,
        more={"nodes": nodes, "flows": flows, "meters": meters},
    )


def installed(migrated: Migrated, *plants: SmallPlant) -> int:
    migrated.install(*(each.plant() for each in plants))
    readings: list[Reading] = [
        (code, START + n * HOUR, kw) for n in range(1, 25) for code, kw in KW.items()
    ]
    send(migrated, plants[0], [readings], drains=[True])
    [(tenant_id,)] = migrated.rows("select id from tenant")
    return int(tenant_id)


def balances(
    migrated: Migrated, tenant_id: int, *spans: tuple[datetime, datetime]
) -> list[Balance]:
    async def work(database: Database) -> list[Balance]:
        return [
            await balance.balance(database, tenant_id=tenant_id, site="main", start=start, end=end)
            for start, end in spans
        ]

    return migrated.run("nengtan_api", work)


def test_adds_up_what_the_meters_of_both_descriptions_say(migrated: Migrated) -> None:
    tenant_id = installed(migrated, plant(START), plant(NOON, press_class="0.2"))
    [day] = balances(migrated, tenant_id, (START, END))
    assert day.test.degrees_of_freedom == 1
    assert {flow.class_name for flow in day.flows} == {"redundant"}
    for flow in day.flows:
        assert flow.measured_kwh == pytest.approx(24 * KW[flow.code[1:]])
    # One gain per meter: over the day the sigma of the press is that of both meters together.
    sigmas = [24 * 60 * 0.01, 12 * 20 * (0.01 + 0.002), 24 * 40 * 0.01]
    variances = [sigma**2 / 3 for sigma in sigmas]
    for flow, variance in zip(day.flows, variances, strict=True):
        left = variance - variance**2 / sum(variances)
        assert flow.value_sigma_kwh == pytest.approx(left**0.5, rel=1e-6)

    async def others(database: Database) -> None:
        traced = await carbon_flow.trace(
            database, tenant_id=tenant_id, site="main", start=START, end=END
        )
        assert traced.traced_count == 96
        assert traced.conservation.entered_kwh == pytest.approx(24 * 60.0)
        made = await balance_table.table(
            database, tenant_id=tenant_id, site="main", start=START, end=END, basis="measured"
        )
        pressed = [row.energy_kwh for row in made.rows if row.code == "FP2"]
        assert pressed == pytest.approx([480.0])

    migrated.run("nengtan_api", others)


def test_takes_a_flow_as_measured_only_if_a_meter_was_there_all_the_time(
    migrated: Migrated,
) -> None:
    tenant_id = installed(migrated, plant(START, metered="P1 P2"), plant(NOON))
    day, evening = balances(migrated, tenant_id, (START, END), (NOON, END))
    rest = day.flows[2]
    assert (rest.measured_kwh, rest.class_name) == (None, "observable")
    assert rest.value_kwh == pytest.approx(24 * 40.0)
    assert evening.flows[2].class_name == "redundant"


def test_is_refused_where_a_node_loses_otherwise(migrated: Migrated) -> None:
    tenant_id = installed(migrated, plant(START), plant(NOON, loss=0.01))
    with pytest.raises(NetworkChanges, match="2025-03-10T12:00:00Z"):
        balances(migrated, tenant_id, (START, END))
