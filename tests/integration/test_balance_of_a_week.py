"""A simulated week with every fault, through the real path: its balances beside the truth.

Long, for it goes through the database: `make faults`. The same in memory, of a day, is
`tests/services/test_reconciled.py`.
"""

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest

from api.app import create_app
from compute.periods import to_us
from deploy.simulated_faults import arrivals, with_exchanges
from deploy.simulated_meters import Metering
from services.reference import carrier_factors
from services.store.pool import Database
from tests.integration.test_week_of_faults import (
    FAULTS,
    START,
    prepare,
    receive,
    simulator,
    tenant,
    week_of,
)
from tests.migrated import Migrated, migrate
from tests.services.simulated_balances import scaled

pytestmark = [pytest.mark.database, pytest.mark.faults, pytest.mark.timeout(1800)]

DAYS = [START + timedelta(days=day) for day in range(7)]
# One meter was set up with a wrong multiplier: no reading of it looks odd.
WRONG = {"utility": 1.06}


async def balances(migrated: Migrated, key: str) -> dict[datetime, dict]:  # type: ignore[type-arg]
    """Return the balance of every day, whatever meters were exchanged in it."""
    database = await Database.open(migrated.role_url("nengtan_api"))
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(database=database)),
        base_url="http://centre/api/v1",
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    found = {}
    async with client:
        for day in DAYS:
            period = {"start": day.isoformat(), "end": (day + timedelta(days=1)).isoformat()}
            answer = await client.get("/balance", params={"site": "main", **period})
            assert answer.status_code == 200, answer.text
            found[day] = answer.json()
    await database.close()
    return found


def test_a_week_of_every_fault_names_the_wrong_meter_and_stays_near_the_truth(
    database_url: str,
) -> None:
    migrated = migrate(database_url)
    plant = tenant("crooked")
    simulated = simulator(plant, metering=Metering.CLASS, faults=FAULTS)
    described = scaled(plant, WRONG)
    exchanges = sorted(
        (fault for fault in FAULTS if fault.kind == "exchange"), key=lambda fault: fault.start_us
    )
    migrated.install(
        described,
        *(with_exchanges(described, exchanges[: n + 1]) for n in range(len(exchanges))),
    )
    key, book = asyncio.run(prepare(migrated, described))
    handed_over = [arrival.reading for arrival in arrivals(week_of(simulated), FAULTS)]
    asyncio.run(receive(migrated, described, handed_over))
    found = asyncio.run(balances(migrated, key))
    carriers = sorted({flow.carrier for flow in plant.flows})
    worth, _ = carrier_factors(book, carriers, at=START.date(), region=plant.region)
    kwh = dict(zip(carriers, worth.energy_kwh.tolist(), strict=True))
    named = 0
    off: list[tuple[datetime, str, float]] = []
    for day, answer in found.items():
        suspects = {code for suspect in answer["suspects"] for code in suspect["flows"]}
        named += "utility-power" in suspects
        for flow in answer["flows"]:
            value, sigma = flow["value_kwh"], flow["value_sigma_kwh"]
            if value is None or sigma is None or sigma < 1e-3 or flow["code"] in suspects:
                continue
            start_us = to_us(day)
            true = simulated.true_amount(
                flow["code"], start_us=start_us, end_us=start_us + 86_400_000_000
            )
            off.append((day, flow["code"], abs(value - true * kwh[flow["carrier"]]) / sigma))
    assert named == len(found)
    far = [row for row in off if row[2] > 3.0]
    assert len(far) <= 0.02 * len(off), far
