"""A simulated week through the real path: what the API says, beside what truly happened.

The demo's plant is read for a week, once by perfect meters and once by ordinary ones with every
fault on. Ingest commits the messages, the worker computes, and the API is asked for the total of
every flow, node and product. The truth is the simulator's; what it is worth in kWh is multiplied
out here.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

from api.app import create_app
from compute.periods import from_us, to_us
from deploy import admin
from deploy.demo import confirm_recalled, demo_plants
from deploy.simulated_faults import SINGLE, Fault, FaultKind, Reading, arrivals, with_exchanges
from deploy.simulated_meters import accuracy_share
from deploy.simulated_plants import RUNNING
from deploy.simulator import Metering, Simulator
from ingest.commit import Committer
from ingest.reading import Delivery
from ingest.registry import load_registry
from ingest.tick import Worker
from services import factors
from services.plant.compile import compile_topology, point_rows
from services.plant.model import Flow, Plant
from services.reference import FactorBook, carrier_factors
from services.store.pool import Database
from tests.migrated import Migrated, take_in

pytestmark = [pytest.mark.database, pytest.mark.timeout(600)]

START = datetime.fromisoformat("2025-03-03T00:00:00+08:00")  # a Monday
END = START + timedelta(days=7)
RECEIVED = END + timedelta(days=1)
STEP_US = 300_000_000
HOUR_US = 12 * STEP_US
START_US, END_US = to_us(START), to_us(END)
MESSAGE_READINGS = 1_000
COMMIT_MESSAGES = 20
OUTSIDE = {"source", "delivery"}
BASE = next(plant for plant in demo_plants() if plant.tenant == "demo")


def fault(kind: FaultKind, target: str, at: str, *, hours: float = 0.0, size: float = 0.0) -> Fault:
    """Return a fault; `at` is a day of the week and a time, such as `2 10:05`."""
    day, clock = at.split()
    start = datetime.fromisoformat(f"2025-03-{int(day) + 2:02}T{clock}:00+08:00")
    duration_us = round(hours * HOUR_US) or SINGLE
    return Fault(
        kind=kind, target=target, start_us=to_us(start), duration_us=duration_us, size=size
    )


FAULTS = [
    fault("late", "gw-utility", "1 07:10", hours=6),
    fault("lost", "furnace-2", "2 09:20", hours=4),
    fault("lost", "coke-belt", "2 10:00", hours=3),
    fault("lost", "iron-ladle", "3 11:00", hours=1),
    fault("duplicate", "gw-power", "3 00:00", hours=24),
    fault("shuffled", "gw-foundry", "4 00:00", hours=24, size=7_200.0),
    fault("spike", "grid-1", "4 10:05", size=1_000.0),
    fault("spike", "foundry", "4 11:00", size=1_000.0),
    fault("spike", "coal-belt", "4 14:05", size=1_000.0),
    fault("frozen", "castings-belt", "4 15:00", hours=0.5),
    fault("frozen", "heat-treatment-gas", "5 09:00", hours=1 / 3),
    fault("rollover", "office", "5 10:03"),
    fault("reset", "diesel", "5 11:00", size=3.0),
    fault("dip", "machining", "2 14:00", hours=0.25, size=50.0),
    fault("exchange", "M-FURNACE", "3 10:07", size=52_000.0),
    fault("exchange", "M-SOLAR", "3 12:00", size=0.0),
    fault("exchange", "M-MOULDING", "5 13:30"),
    fault("over_emission", "annealing-coal", "5 15:00", hours=1, size=2.5),
    fault("over_emission", "furnace-power", "5 15:00", hours=1, size=1.6),
]
# What is not covered: a lost gauge is held for 15 minutes after its last reading; a register that
# begins again without a record loses that step.
UNCOVERED = {
    "coke-belt": (FAULTS[2].start_us + 2 * STEP_US, FAULTS[2].end_us),
    "iron-ladle": (FAULTS[3].start_us, FAULTS[3].end_us),
    "diesel": (FAULTS[12].start_us - STEP_US, FAULTS[12].start_us),
}
# What stands for values that were not read: at most so many hours of the top rate of the point.
STOOD_H = {"coke-belt": 0.25 * 0.3, "coal-belt": 1 / 12 * 0.5, "castings-belt": 0.5 * 0.3}


def tenant(code: str) -> Plant:
    return BASE.model_copy(update={"tenant": code, "park": None})


def simulator(plant: Plant, *, metering: Metering, faults: Sequence[Fault]) -> Simulator:
    return Simulator(plant, seed=5, running=RUNNING["demo"], metering=metering, faults=faults)


def deliveries(plant: Plant, readings: Sequence[Reading]) -> Iterator[Delivery]:
    """Yield the messages of some readings, gateway by gateway, in their order."""
    waiting: defaultdict[str, list[Reading]] = defaultdict(list)
    seq: defaultdict[str, int] = defaultdict(int)

    def message(gateway: str) -> Delivery:
        seq[gateway] += 1
        rows = [
            (reading.address, reading.ts_us // 1_000, reading.value)
            for reading in waiting.pop(gateway)
        ]
        body = msgspec.json.encode({"epoch": "e", "seq": seq[gateway], "readings": rows})
        topic = f"nengtan/v1/{plant.tenant}/{plant.site}/{gateway}/telemetry"
        return Delivery(topic, body, token=seq[gateway], qos=1, retained=False)

    for reading in readings:
        waiting[reading.gateway].append(reading)
        if len(waiting[reading.gateway]) == MESSAGE_READINGS:
            yield message(reading.gateway)
    for gateway in list(waiting):
        yield message(gateway)


async def receive(migrated: Migrated, plant: Plant, readings: Sequence[Reading]) -> None:
    """Take a week in and compute it, with the worker at work halfway."""
    ingest = await Database.open(migrated.role_url("nengtan_ingest"))
    worker_database = await Database.open(migrated.role_url("nengtan_worker"))
    worker, committer = Worker(worker_database), Committer(ingest)
    registry = await load_registry(ingest)
    messages = list(deliveries(plant, readings))
    for first in range(0, len(messages), COMMIT_MESSAGES):
        part = messages[first : first + COMMIT_MESSAGES]
        await take_in(ingest, registry, part, at=RECEIVED, committer=committer)
        if first == len(messages) // (2 * COMMIT_MESSAGES) * COMMIT_MESSAGES:
            await worker.drain()
    await worker.drain()
    await ingest.close()
    await worker_database.close()


async def prepare(migrated: Migrated, plant: Plant) -> tuple[str, FactorBook]:
    """Confirm the factors that the plant needs; return a key and the book."""
    async with admin.admin_database(migrated.role_url("nengtan_admin")) as database:
        principal = await admin.principal_of(database, plant.tenant)
        await confirm_recalled(database, plant, principal)
        key = await admin.create_key(
            database, tenant=plant.tenant, name="test", roles=["energy_manager"]
        )
        return key, await factors.load_book(database, tenant_id=principal.tenant_id)


Totals = dict[tuple[str, str], dict[str, Any]]


async def totals(migrated: Migrated, plant: Plant, key: str) -> Totals:
    """Return what the API says of the week, by kind and code."""
    database = await Database.open(migrated.role_url("nengtan_api"))
    nodes = [node.code for node in plant.nodes if node.kind not in OUTSIDE]
    asked = [("flow", flow.code) for flow in plant.flows]
    asked += [("node", code) for code in nodes]
    asked += [("product", product.code) for product in plant.products]
    found: Totals = {}
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(database=database)),
        base_url="http://centre/api/v1",
        headers={"Authorization": f"Bearer {key}"},
    )
    async with client:
        for kind, code in asked:
            period = {"start": START.isoformat(), "end": END.isoformat(), "interval": "day"}
            answer = await client.get("/energy", params={"site": "main", kind: code, **period})
            assert answer.status_code == 200, answer.text
            found[kind, code] = answer.json()["total"]
    await database.close()
    return found


class Truth:
    """What truly happened, and how far ordinary meters may be from it."""

    def __init__(
        self, plant: Plant, simulated: Simulator, book: FactorBook, *, is_faulty: bool
    ) -> None:
        self._plant, self._simulated = plant, simulated
        topology = compile_topology(plant)
        carriers = list(topology.carrier_code)
        worth, _ = carrier_factors(book, carriers, at=START.date(), region=plant.region)
        assert not np.isnan(worth.energy_kwh + worth.coal_equivalent_tce).any()
        self.kwh = dict(zip(carriers, worth.energy_kwh.tolist(), strict=True))
        self.tce = dict(zip(carriers, worth.coal_equivalent_tce.tolist(), strict=True))
        self._uncovered = UNCOVERED if is_faulty else {}
        self._stood_h = STOOD_H if is_faulty else {}
        rows = point_rows(plant)
        self._shown: dict[str, float] = dict(
            zip(
                (row.code for row in rows),
                (topology.points.resolution * topology.points.scale).tolist(),
                strict=True,
            )
        )
        self._limit = {
            point.code: accuracy_share(meter) for meter in plant.meters for point in meter.points
        }

    def amount(self, code: str, points: Sequence[str]) -> float:
        """Return the true amount of a flow or product while its points are covered."""
        whole = self._simulated.true_amount(code, start_us=START_US, end_us=END_US)
        for point in points:
            if point in self._uncovered:
                start_us, end_us = self._uncovered[point]
                whole -= self._simulated.true_amount(code, start_us=start_us, end_us=end_us)
        return whole

    def tolerance(self, code: str, points: Sequence[str]) -> float:
        """Return how far the meters of a flow or product may be off."""
        if not points:
            return self._left_over(code)
        whole = self._simulated.true_amount(code, start_us=START_US, end_us=END_US)
        limit = max(self._limit[point] for point in points) * whole
        # Two lives of a meter, each cut to its digits at both ends.
        limit += 4.0 * sum(self._shown[point] for point in points)
        top = 2.5 * whole / 100.0  # of an hour: a week has about a hundred busy ones
        return limit + top * sum(self._stood_h.get(point, 0.0) for point in points)

    def _left_over(self, code: str) -> float:
        """Return how far a flow may be off that follows from the others of its bus."""
        flow = next(flow for flow in self._plant.flows if flow.code == code)
        beside = [
            other
            for other in self._plant.flows
            if flow.from_node in {other.from_node, other.to_node} and other.code != code
        ]
        return sum(self.tolerance(other.code, points_of(other)) for other in beside)

    def crossing(self, node: str) -> list[tuple[Flow, float]]:
        """Return the flows that cross a node's boundary, with +1 inwards and -1 outwards."""
        parent = {n.code: n.parent for n in self._plant.nodes}
        outside = {n.code for n in self._plant.nodes if n.kind in OUTSIDE}

        def is_in(code: str | None) -> bool:
            if code in outside:
                return False
            while code is not None and code != node:
                code = parent[code]
            return code == node

        return [
            (flow, 1.0 if is_in(flow.to_node) else -1.0)
            for flow in self._plant.flows
            if is_in(flow.to_node) != is_in(flow.from_node)
        ]


def points_of(flow: Flow) -> list[str]:
    return [metering.point for metering in flow.metered_by]


def differences(plant: Plant, truth: Truth, found: Totals, *, relative: float) -> list[str]:
    """Return every total that is not what truly happened."""
    wrong: list[str] = []

    def compare(name: str, said: float | None, true: float, allowed: float) -> None:
        if said is None or abs(said - true) > allowed + relative * abs(true):
            wrong.append(f"{name}: {said} instead of {true} ± {allowed}")

    for flow in plant.flows:
        points = points_of(flow)
        allowed = 0.0 if relative else truth.tolerance(flow.code, points)
        said = found["flow", flow.code]["amount"]
        compare(f"flow {flow.code}", said, truth.amount(flow.code, points), allowed)
    for product in plant.products:
        points = [metering.point for metering in product.metered_by]
        allowed = 0.0 if relative else truth.tolerance(product.code, points)
        said = found["product", product.code]["amount"]
        compare(f"product {product.code}", said, truth.amount(product.code, points), allowed)
    for kind, code in found:
        if kind != "node":
            continue
        for column, worth in (("energy_kwh", truth.kwh), ("coal_equivalent_tce", truth.tce)):
            true = allowed = size = 0.0
            for flow, sign in truth.crossing(code):
                points, per_unit = points_of(flow), worth[flow.carrier]
                amount = truth.amount(flow.code, points) * per_unit
                true += sign * amount
                size += abs(amount)
                allowed += truth.tolerance(flow.code, points) * per_unit
            # What a node uses is a difference of what crosses it: of that it is a share.
            allowed = relative * size if relative else allowed
            compare(f"node {code} {column}", found[kind, code][column], true, allowed)
    return wrong


class TestAWeek:
    def test_of_perfect_meters_is_the_truth_to_nine_digits(self, migrated: Migrated) -> None:
        plant = tenant("straight")
        simulated = simulator(plant, metering=Metering.EXACT, faults=[])
        migrated.install(plant)
        key, book = asyncio.run(prepare(migrated, plant))
        asyncio.run(receive(migrated, plant, week_of(simulated)))
        found = asyncio.run(totals(migrated, plant, key))
        truth = Truth(plant, simulated, book, is_faulty=False)
        wrong = differences(plant, truth, found, relative=1e-9)
        assert not wrong, "\n".join(wrong)
        assert {total["covered_share"] for total in found.values()} == {1.0}

    def test_of_every_fault_is_the_truth_as_far_as_meters_show_it(self, migrated: Migrated) -> None:
        plant = tenant("crooked")
        simulated = simulator(plant, metering=Metering.CLASS, faults=FAULTS)
        exchanges = sorted(
            (fault for fault in FAULTS if fault.kind == "exchange"), key=lambda f: f.start_us
        )
        migrated.install(
            plant, *(with_exchanges(plant, exchanges[: n + 1]) for n in range(len(exchanges)))
        )
        key, book = asyncio.run(prepare(migrated, plant))
        handed_over = [arrival.reading for arrival in arrivals(week_of(simulated), FAULTS)]
        asyncio.run(receive(migrated, plant, handed_over))
        found = asyncio.run(totals(migrated, plant, key))
        truth = Truth(plant, simulated, book, is_faulty=True)
        wrong = differences(plant, truth, found, relative=0.0)
        assert not wrong, "\n".join(wrong)
        covered = {
            code: total["covered_share"] for (kind, code), total in found.items() if kind == "flow"
        }
        week_us = END_US - START_US
        for flow, point in (("cupola-coke", "coke-belt"), ("iron-heat", "iron-ladle")):
            start_us, end_us = UNCOVERED[point]
            assert covered.pop(flow) == pytest.approx(1.0 - (end_us - start_us) / week_us)
        assert covered.pop("truck-diesel") == pytest.approx(1.0 - STEP_US / week_us)
        # Between the last reading of a meter and the first of the next nothing is read, and the
        # step out of a frozen register is withheld, like that into a dip: it is said, and it is no
        # more than that. What follows from a bus covers as much as the least of its flows.
        assert min(covered.values()) >= 1.0 - 3.001 * STEP_US / week_us
        silent = {code for code, share in covered.items() if share < 1.0}
        assert silent == {
            *("furnace-power", "solar-in", "moulding-power", "foundry-rest-power"),
            *("heat-treatment-gas", "canteen-gas", "machining-power"),
        }
        assert "spike" in found["flow", "grid-in"]["flags"]
        assert "spike" in found["flow", "heat-treatment-gas"]["flags"]
        assert "rollover" in found["flow", "office-power"]["flags"]
        assert "decrease" in found["flow", "truck-diesel"]["flags"]


def week_of(simulated: Simulator) -> list[Reading]:
    """Return the readings of the week and, so that its end is known, of the step after it."""
    return [
        reading
        for moment in simulated.history(
            start_us=START_US, end_us=END_US + 4 * STEP_US, step_us=STEP_US
        )
        for reading in moment
    ]


def test_the_faults_are_within_the_week() -> None:
    assert all(START_US < fault.start_us < fault.end_us < END_US for fault in FAULTS)
    assert from_us(START_US) == START
