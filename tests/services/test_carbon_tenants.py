"""The emission of a park's members: what the mix of the park's own supply gives each of them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from ingest.tick import Worker
from services import carbon_flow
from services.plant.read import read_plant
from services.store.pool import Database
from tests.migrated import NAME, START, Migrated, SmallPlant

pytestmark = [pytest.mark.database]

HOUR = timedelta(hours=1)
# Solar power makes a quarter of what the substation gives on.
PER_HOUR = {"GRID": 75.0, "SUN": 25.0, "FIRST": 60.0, "SECOND": 40.0}
PARK = SmallPlant(tenant="park")


def document() -> dict[str, Any]:
    def flow(code: str, source: str, target: str, point: str, carrier: str) -> dict[str, Any]:
        ends = {"from": source, "to": target, "carrier": carrier}
        return {"code": code, **ends, "metered_by": [{"point": point}]}

    kinds = {"grid": "source", "sun": "source", "plant": "use"}
    inner = {"substation": "bus", "first": "use", "second": "use"}
    return {
        **PARK.document(),
        "kind": "park",
        "members": [
            {"tenant": code, "node": code, "valid_from": START.isoformat()}
            for code in ("first", "second")
        ],
        "nodes": [
            *({"code": code, "name": NAME, "kind": kind} for code, kind in kinds.items()),
            *(
                {"code": code, "name": NAME, "kind": kind, "parent": "plant"}
                for code, kind in inner.items()
            ),
        ],
        "flows": [
            flow("in", "grid", "substation", "GRID", "electricity"),
            flow("solar", "sun", "substation", "SUN", "electricity_pv"),
            flow("to-first", "substation", "first", "FIRST", "electricity"),
            flow("to-second", "substation", "second", "SECOND", "electricity"),
        ],
        "meters": [
            {
                "code": f"M-{code}",
                "name": NAME,
                "gateway": "gw",
                "points": [{"code": code, "kind": "register", "unit": "kWh"}],
            }
            for code in PER_HOUR
        ],
    }


def test_members_share_what_their_park_was_supplied_with(shared_migrated: Migrated) -> None:
    shared_migrated.install(read_plant(json.dumps(document()).encode(), form="json"))
    step = timedelta(minutes=5)
    readings = [
        (code, START + n * step, per_hour * n / 12)
        for n in range(13)
        for code, per_hour in PER_HOUR.items()
    ]
    shared_migrated.ingest([PARK.delivery(readings, seq=1)], at=START + HOUR)

    async def drain(database: Database) -> None:
        await Worker(database).drain()

    async def ask(database: Database) -> carbon_flow.CarbonTrace:
        return await carbon_flow.trace(
            database, tenant_id=tenant_id, site=PARK.site, start=START, end=START + HOUR
        )

    shared_migrated.run("nengtan_worker", drain)
    [(tenant_id,)] = shared_migrated.rows("select id from tenant where code = 'park'")
    found = shared_migrated.run("nengtan_api", ask)
    [grid] = [source for source in found.sources if source.code == "in"]
    factor = grid.location_kgco2e_per_kwh
    assert factor is not None
    assert factor > 0.1
    assert [(one.tenant, one.node) for one in found.tenants] == [
        ("first", "first"),
        ("second", "second"),
    ]
    assert [one.energy_kwh for one in found.tenants] == pytest.approx([60.0, 40.0])
    # Three quarters of what each of them got came from the grid; the sun emits nothing.
    assert [one.location_tco2e for one in found.tenants] == pytest.approx(
        [60.0 * 0.75 * factor / 1000, 40.0 * 0.75 * factor / 1000]
    )
    entered_tco2e = sum(source.location_tco2e or 0.0 for source in found.sources)
    given_tco2e = sum(one.location_tco2e or 0.0 for one in found.tenants)
    assert given_tco2e == pytest.approx(entered_tco2e)
