"""The gateways of the demo: simulated meters in front of real outboxes.

On the first start each gateway sends two days of history; on later ones what its plant did since
it was stopped. Then one round of readings every few seconds, for ever.
"""

import asyncio
import sys
from pathlib import Path

from deploy.demo import demo_plants, read_credentials
from deploy.gateway import Gateway
from deploy.gateway_settings import GatewayAddress, GatewaySettings
from deploy.outbox import Outbox
from deploy.simulator import Reading, Simulator
from services import clock
from services.plant.compile import gateway_username
from services.plant.model import Plant
from services.telemetry import configure_logging

_HISTORY_US = 2 * 86_400 * 1_000_000
_HISTORY_STEP_US = 300 * 1_000_000
_LIVE_STEP_US = 5 * 1_000_000
_POSITION = "sent_until_us"
_SEED = 2025


def main(folder: Path, broker_port: int) -> None:
    """Run every gateway of the demo until it is killed: outboxes keep what has no receipt."""
    configure_logging("console")
    asyncio.run(_run(folder, broker_port))


async def _run(folder: Path, broker_port: int) -> None:
    passwords = read_credentials(folder).broker
    async with asyncio.TaskGroup() as group:
        for plant in demo_plants():
            outboxes: dict[str, Outbox] = {}
            for gateway in plant.gateways:
                path = folder / "outboxes" / f"{plant.tenant}-{plant.site}-{gateway.code}.sqlite"
                path.parent.mkdir(parents=True, exist_ok=True)
                outboxes[gateway.code] = Outbox.open(path)
                username = gateway_username(plant, gateway)
                settings = GatewaySettings(
                    host="127.0.0.1",
                    port=broker_port,
                    address=GatewayAddress(plant.tenant, plant.site, gateway.code),
                    username=username,
                    password=passwords[username],
                    protocol="3.1.1",
                )
                group.create_task(Gateway(outboxes[gateway.code], settings).run())
            if outboxes:
                group.create_task(_feed(plant, outboxes))


async def _feed(plant: Plant, outboxes: dict[str, Outbox]) -> None:
    """Put what the meters show into the outboxes: first what is missing, then live."""
    simulator = Simulator(plant, seed=_SEED)
    sent_us = min(
        int(outbox.position(_POSITION) or clock.now_us() - _HISTORY_US)
        for outbox in outboxes.values()
    )
    # What was missed while it was filled in is filled in too, until live is a step away.
    while clock.now_us() - sent_us > 2 * _HISTORY_STEP_US:
        start_us = sent_us - sent_us % _HISTORY_STEP_US
        end_us = clock.now_us() // _HISTORY_STEP_US * _HISTORY_STEP_US
        for readings in simulator.history(
            start_us=start_us, end_us=end_us, step_us=_HISTORY_STEP_US
        ):
            _put(outboxes, readings)
            await asyncio.sleep(0)  # the gateways send meanwhile
        sent_us = end_us
    while True:
        next_us = clock.now_us() // _LIVE_STEP_US * _LIVE_STEP_US + _LIVE_STEP_US
        await asyncio.sleep((next_us - clock.now_us()) / 1e6)
        # Interval points speak once a quarter of an hour: none is passed over by a late tick.
        _put(outboxes, simulator.readings_at(next_us, since_us=sent_us))
        sent_us = next_us


def _put(outboxes: dict[str, Outbox], readings: list[Reading]) -> None:
    for code, outbox in outboxes.items():
        mine = [(r.address, r.ts_us, r.value) for r in readings if r.gateway == code]
        if mine:
            position = {_POSITION: str(max(ts_us for _, ts_us, _ in mine))}
            outbox.put_many([mine], position=position)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
