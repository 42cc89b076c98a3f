"""The gateways of the demo: simulated meters in front of real outboxes.

Each gateway has two outboxes and two connections: one for what its meters show now, every few
seconds, and one for what they have shown before (two weeks on the first start, afterwards what was
missed while it was stopped), which is sent beside it and never held in memory.
"""

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from deploy.demo import demo_plants, read_credentials
from deploy.demo_backlog import Backlog, Span, newest_piece
from deploy.demo_faults import FaultFile
from deploy.gateway import Gateway
from deploy.gateway_settings import GatewayAddress, GatewaySettings
from deploy.outbox import Outbox
from deploy.simulated_faults import Arrival, Fault, Reading, arrivals
from deploy.simulated_plants import FEEDERS, RUNNING
from deploy.simulator import Metering, Simulator
from services import clock
from services.plant.compile import gateway_username
from services.plant.gateway import Gateway as DescribedGateway
from services.plant.model import Plant
from services.telemetry import configure_logging

_SECOND_US = 1_000_000
_HISTORY_US = 14 * 86_400 * _SECOND_US
_HISTORY_STEP_US = 300 * _SECOND_US
_HISTORY_PIECE_US = 6 * 3_600 * _SECOND_US
_HISTORY_WINDOW_COUNT = 4  # messages on their way, so that ingest takes live ones between them
_PAUSE_S_MAX = 3.0  # a broker that was killed is back within seconds
_LIVE_STEP_US = 5 * _SECOND_US
# The main boards are read more often.
_LIVE_STEPS_US = {"gw-power": 2 * _SECOND_US}
# What a sleeping machine missed is history, not a burst.
_LIVE_BEHIND_US_MAX = 2 * _HISTORY_STEP_US
_MESSAGE_READINGS = 1_000
_POLL_S = 0.2
_POSITION = "sent_until_us"
_SEED = 2025
# A replay at so many times the speed begins so long ago that it is over after ten minutes.
_REPLAY_US = 600 * _SECOND_US


class Pace:
    """The time of the plants: as it is, or from a start in the past, faster, up to now."""

    def __init__(self, speed: float, *, began_us: int) -> None:
        self.speed = speed
        self.start_us = began_us - round(_REPLAY_US * (speed - 1.0))
        self._began_us = began_us

    def at(self, now_us: int) -> int:
        """Return the plants' time at an instant."""
        return min(now_us, self.start_us + round((now_us - self._began_us) * self.speed))

    def step_us(self, wanted_us: int) -> int:
        """Return how often meters are read, in their time: no more than four times a second."""
        divisors = [wanted_us, *(s * _SECOND_US for s in (10, 20, 30, 60, 150, 300))]
        least_us = 0.25 * _SECOND_US * (self.speed if self.speed > 1.0 else 0.0)
        return next((us for us in divisors if us >= least_us), divisors[-1])


class World:
    """The simulated plants, with the faults asked for so far."""

    def __init__(self, plants: Iterable[Plant], folder: Path) -> None:
        self._plants = list(plants)
        self._file = FaultFile(folder)
        self.faults: list[Fault] = []
        self._simulators: dict[str, Simulator] = {}

    def simulator(self, tenant: str) -> Simulator:
        """Return the simulator of a tenant's plant, made anew if another fault was asked for."""
        if self._file.has_changed():
            self.faults = self._file.read()
            self._simulators = make_simulators(self._plants, self.faults)
        return self._simulators[tenant]


def make_simulators(
    plants: Iterable[Plant], faults: list[Fault], *, metering: Metering = Metering.CLASS
) -> dict[str, Simulator]:
    """Return the simulators of the demo's plants by tenant; the park's feeders are its members'."""
    made: dict[str, Simulator] = {}
    for plant in sorted(plants, key=lambda plant: plant.kind):  # members before their park
        flows = {flow.code for flow in plant.flows} if plant.kind == "park" else set()
        made[plant.tenant] = Simulator(
            plant,
            seed=_SEED,
            running=RUNNING[plant.tenant],
            metering=metering,
            faults=[fault for fault in faults if fault.target in _targets(plant)],
            feeders={
                code: (made[tenant].truth, flow)
                for code, (tenant, flow) in FEEDERS.items()
                if code in flows
            },
        )
    return made


def _targets(plant: Plant) -> set[str]:
    """Return what a fault of a plant may name; the demo's faults are of its main plant."""
    points = {point.code for meter in plant.meters for point in meter.points}
    codes = {gateway.code for gateway in plant.gateways} | {flow.code for flow in plant.flows}
    codes |= {meter.code for meter in plant.meters}
    return codes | points if plant.tenant == "demo" else set()


def main(folder: Path, broker_port: int, speed: float) -> None:
    """Run every gateway of the demo until it is killed: outboxes keep what has no receipt."""
    configure_logging("console")
    asyncio.run(_run(folder, broker_port, speed))


async def _run(folder: Path, broker_port: int, speed: float) -> None:
    passwords = read_credentials(folder).broker
    plants = demo_plants()
    world = World(plants, folder)
    pace = Pace(speed, began_us=clock.now_us())
    (folder / "outboxes").mkdir(parents=True, exist_ok=True)
    async with asyncio.TaskGroup() as group:
        for plant in plants:
            old: dict[str, Outbox] = {}
            backlog = Backlog(folder / "outboxes" / f"{plant.tenant}-{plant.site}-backlog.json")
            live: dict[str, Outbox] = {}
            for gateway in plant.gateways:
                username = gateway_username(plant, gateway)
                for lane, outboxes in (("live", live), ("history", old)):
                    name = f"{plant.tenant}-{plant.site}-{gateway.code}-{lane}"
                    outbox = Outbox.open(folder / "outboxes" / f"{name}.sqlite")
                    outboxes[gateway.code] = outbox
                    settings = _settings(plant, gateway, broker_port, passwords[username], lane)
                    group.create_task(Gateway(outbox, settings).run())
            first_us = _begin(live, backlog, world.faults, pace)
            for code, outbox in live.items():
                feeder = LiveFeeder(plant, code, outbox, backlog, world, pace, first_us)
                group.create_task(feeder.run())
            group.create_task(_feed_history(plant, old, backlog, world))


def _settings(
    plant: Plant, gateway: DescribedGateway, broker_port: int, password: str, lane: str
) -> GatewaySettings:
    username = gateway_username(plant, gateway)
    settings = GatewaySettings(
        host="127.0.0.1",
        port=broker_port,
        address=GatewayAddress(plant.tenant, plant.site, gateway.code),
        username=username,
        password=password,
        protocol="3.1.1",
        client_id=f"{username}-{lane}",
        pause_s_max=_PAUSE_S_MAX,
    )
    if lane == "live":
        return settings
    return replace(settings, window_message_count=_HISTORY_WINDOW_COUNT)


def _begin(live: dict[str, Outbox], backlog: Backlog, faults: list[Fault], pace: Pace) -> int:
    """Note what is to be sent of the past, and return when live readings begin."""
    first_us = pace.at(clock.now_us()) // _HISTORY_STEP_US * _HISTORY_STEP_US
    sent = [outbox.position(_POSITION) for outbox in live.values()]
    known = [int(position) for position in sent if position is not None]
    sent_us = min(known) if len(known) == len(sent) and known else first_us - _HISTORY_US
    start_us = sent_us // _HISTORY_STEP_US * _HISTORY_STEP_US
    # The last step is live's first.
    backlog.add(Span(start_us, first_us + 1, _HISTORY_STEP_US))
    for fault in faults:
        if fault.kind == "late" and sent_us < fault.end_us and fault.target in live:
            backlog.add(_span_of(fault))
    return first_us


def _span_of(fault: Fault) -> Span:
    step_us = _LIVE_STEPS_US.get(fault.target, _LIVE_STEP_US)
    return Span(fault.start_us // step_us * step_us, fault.end_us, step_us, fault.target)


class LiveFeeder:
    """Puts what the meters of one gateway show into its outbox, as it happens."""

    def __init__(
        self,
        plant: Plant,
        gateway: str,
        outbox: Outbox,
        backlog: Backlog,
        world: World,
        pace: Pace,
        first_us: int,
    ) -> None:
        self._plant, self._gateway = plant, gateway
        self._outbox, self._backlog = outbox, backlog
        self._world, self._pace = world, pace
        self._step_us = pace.step_us(_LIVE_STEPS_US.get(gateway, _LIVE_STEP_US))
        self._read_us = first_us
        self._waiting: list[Arrival] = []

    async def run(self) -> None:
        """Read the meters at every step, for ever."""
        while True:
            next_us = (self._read_us // self._step_us + 1) * self._step_us
            missing_us = next_us - self._pace.at(clock.now_us())
            if missing_us > 0:
                await asyncio.sleep(missing_us / self._pace.speed / 1e6)
                continue
            self.take(self._pace.at(clock.now_us()), next_us=next_us)
            await asyncio.sleep(0)

    def take(self, now_us: int, *, next_us: int) -> None:
        """Put what is due into the outbox."""
        if self._pace.speed <= 1.0 and now_us - next_us > _LIVE_BEHIND_US_MAX:
            until_us = now_us // _HISTORY_STEP_US * _HISTORY_STEP_US
            start_us = self._read_us // _HISTORY_STEP_US * _HISTORY_STEP_US
            self._backlog.add(Span(start_us, until_us + 1, _HISTORY_STEP_US, self._gateway))
            self._read_us = until_us
            return
        simulator = self._world.simulator(self._plant.tenant)
        for readings in simulator.history(
            start_us=next_us, end_us=now_us + 1, step_us=self._step_us, gateway=self._gateway
        ):
            self._waiting += arrivals(readings, _without_late(self._world.faults))
        due = [arrival.reading for arrival in self._waiting if arrival.at_us <= now_us]
        self._waiting = [arrival for arrival in self._waiting if arrival.at_us > now_us]
        for fault in self._world.faults:
            mine = fault.kind == "late" and fault.target == self._gateway
            if mine and self._read_us < fault.end_us <= now_us:
                self._backlog.add(_span_of(fault))
        self._read_us = now_us // self._step_us * self._step_us
        _put(self._outbox, due, position={_POSITION: str(self._read_us)})


def _without_late(faults: list[Fault]) -> list[Fault]:
    """Return the faults with late data as lost: when it is over, it is history and sent as such."""
    return [
        Fault(
            kind="lost", target=fault.target, start_us=fault.start_us, duration_us=fault.duration_us
        )
        if fault.kind == "late"
        else fault
        for fault in faults
    ]


async def _feed_history(
    plant: Plant, outboxes: dict[str, Outbox], backlog: Backlog, world: World
) -> None:
    """Send what is missing, the newest first, piece by piece, for ever."""
    while True:
        if not backlog.spans or any(outbox.pending_count for outbox in outboxes.values()):
            await asyncio.sleep(_POLL_S)
            continue
        piece = newest_piece(backlog.spans, length_us=_HISTORY_PIECE_US)
        simulator = world.simulator(plant.tenant)
        lost = [fault for fault in world.faults if fault.kind == "lost"]
        for code, outbox in outboxes.items():
            if piece.gateway not in {None, code}:
                continue
            readings = [
                reading
                for moment in simulator.history(
                    start_us=piece.start_us,
                    end_us=piece.end_us,
                    step_us=piece.step_us,
                    gateway=code,
                )
                for reading in moment
            ]
            _put(outbox, [arrival.reading for arrival in arrivals(readings, lost)])
            await asyncio.sleep(0)  # the live ones go on meanwhile
        backlog.remove(piece)


def _put(
    outbox: Outbox, readings: list[Reading], *, position: dict[str, str] | None = None
) -> None:
    rows = [(reading.address, reading.ts_us, reading.value) for reading in readings]
    messages = [
        rows[first : first + _MESSAGE_READINGS] for first in range(0, len(rows), _MESSAGE_READINGS)
    ]
    if messages or position:
        outbox.put_many(messages, position=position)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
