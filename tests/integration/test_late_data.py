"""G8 through the whole centre: late by a year, shuffled, doubled, with the worker killed."""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.gateway import Gateway
from deploy.outbox import Outbox
from tests.centre import Centre
from tests.migrated import us
from tests.servers import MosquittoServer
from tests.services import histories
from tests.services.histories import Reading, differences, origins

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.timeout(240)]

ZONE = "America/New_York"
# The clock goes forward within the first days; the second part is 400 days later.
EARLY = datetime(2024, 3, 9, 5, tzinfo=UTC)
LATE = EARLY + timedelta(days=400)
VISIBLE_S_MAX = 60.0
MESSAGE_READINGS = 25


async def send(
    centre: Centre,
    folder: Path,
    tenant: str,
    readings: Sequence[Reading],
    *,
    last: Sequence[Reading] = (),
    kill: bool = False,
) -> None:
    """Send as a gateway does; kill the worker in the midst of it."""
    plant = next(plant for plant in centre.plants if plant.tenant == tenant)
    with Outbox.open(folder / f"{tenant}.sqlite") as outbox:
        sender = Gateway(outbox, centre.gateway(plant, receipt_timeout_s=2.0))
        running = asyncio.create_task(sender.run())
        messages = [
            [
                (name, us(at), value)
                for name, at, value in readings[first : first + MESSAGE_READINGS]
            ]
            for first in range(0, len(readings), MESSAGE_READINGS)
        ]
        for part in (messages[0::3], messages[1::3]) if kill else (messages,):
            outbox.put_many(part)
            await asyncio.wait_for(sender.drained(), 60)
            if kill:
                centre.kill9("worker")
                centre.start("worker")
        if kill:
            outbox.put_many(messages[2::3])
        for name, at, value in last:
            # One by one into what is computed: each reaches back and forward by itself.
            await asyncio.wait_for(sender.drained(), 60)
            await asyncio.to_thread(centre.wait_computed)
            outbox.put_many([[(name, us(at), value)]])
        await asyncio.wait_for(sender.drained(), 60)
        sender.stop()
        await running


def test_late_and_shuffled_readings_give_the_bits_of_readings_in_order(
    database_url: str, broker: MosquittoServer, tmp_path: Path
) -> None:
    rng = random.Random(20_250_413)  # noqa: S311 - repeatable, not secret
    early = histories.readings(rng, start=EARLY, days=2)
    late = histories.readings(rng, start=LATE, days=1)
    last = rng.sample(early, k=6)
    first = [reading for reading in early if reading not in last]
    crooked = [*first, *rng.sample(first, k=len(first) // 10)]
    rng.shuffle(crooked)
    plants = [
        histories.plant(tenant, start=EARLY, time_zone=ZONE, carrier="electricity").plant()
        for tenant in ("straight", "crooked")
    ]
    with Centre(
        database_url=database_url, broker=broker, plants=plants, folder=tmp_path / "centre"
    ) as centre:
        centre.prepare()
        centre.start("ingest", "worker")
        centre.wait_subscribed()
        asyncio.run(send(centre, tmp_path, "straight", [*early, *late]))
        # The newest first, then what is 400 days late.
        asyncio.run(send(centre, tmp_path, "crooked", [*late, *crooked], last=last, kill=True))
        began_s = time.monotonic()
        centre.wait_computed()
        assert time.monotonic() - began_s < VISIBLE_S_MAX
        [(count,)] = centre.rows("select count(*) from result where grain = 0")
        # Every interval of 400 days: registers are interpolated over the gap.
        assert count > 2 * 8 * 96 * 400
        assert differences(centre, "straight", "crooked") == []
        assert origins(centre, "crooked") == origins(centre, "straight")
