"""Each fault's effect on the readings, beside the same plant without it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import pytest

from compute.periods import to_us
from deploy.demo import demo_plants
from deploy.demo_gateways import make_simulators
from deploy.simulated_faults import SINGLE, Fault, FaultKind, Reading, arrivals, with_exchanges
from deploy.simulated_meters import accuracy_share
from deploy.simulated_plants import RUNNING
from deploy.simulator import Metering, NotSimulable, Simulator
from services.plant import Plant, compile_topology, point_rows

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
START_US = to_us(datetime.fromisoformat("2025-03-04T08:00:00+08:00"))
END_US = START_US + 4 * HOUR_US
AT_US = START_US + HOUR_US
STEP_US = MINUTE_US
DEMO = next(plant for plant in demo_plants() if plant.tenant == "demo")
GATEWAYS = {row.code: row.gateway_code for row in point_rows(DEMO)}


def made(*faults: Fault, metering: Metering = Metering.EXACT) -> Simulator:
    return Simulator(DEMO, running=RUNNING["demo"], metering=metering, faults=faults)


def readings_of(simulator: Simulator, point: str) -> dict[int, float]:
    return {
        reading.ts_us: reading.value
        for moment in simulator.history(
            start_us=START_US, end_us=END_US, step_us=STEP_US, gateway=GATEWAYS[point]
        )
        for reading in moment
        if reading.point == point
    }


STRAIGHT = made()


@dataclass(frozen=True)
class Row:
    kind: FaultKind
    point: str
    size: float = 0.0
    duration_us: int = 30 * MINUTE_US
    target: str = ""
    changed: Sequence[tuple[int, int]] = field(default_factory=list)

    @property
    def fault(self) -> Fault:
        return Fault(
            kind=self.kind,
            target=self.target or self.point,
            start_us=AT_US,
            duration_us=self.duration_us,
            size=self.size,
        )


DURING = [(AT_US, AT_US + 30 * MINUTE_US)]
AFTER = [(AT_US, END_US)]
ROWS = [
    Row("spike", "grid-1", 1_000.0, SINGLE, changed=[(AT_US, AT_US + 1)]),
    Row("spike", "moulding", 1_000.0, changed=DURING),
    Row("frozen", "furnace", changed=[(AT_US + 1, AT_US + 30 * MINUTE_US)]),
    Row("frozen", "line-2", changed=[(AT_US + 1, AT_US + 30 * MINUTE_US)]),
    Row("rollover", "furnace", changed=[(START_US, END_US)]),
    Row("reset", "furnace", 7.0, changed=AFTER),
    Row("dip", "furnace", 50.0, changed=DURING),
    Row("exchange", "furnace", 52_000.0, target="M-FURNACE", changed=AFTER),
    Row("over_emission", "furnace", 1.6, target="furnace-power", changed=[(AT_US + 1, END_US)]),
    Row("late", "furnace"),
    Row("lost", "furnace"),
    Row("duplicate", "furnace"),
    Row("shuffled", "furnace"),
]


class TestAFault:
    @pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind} {row.point}")
    def test_changes_what_it_is_of_and_nothing_else(self, row: Row) -> None:
        faulty = made(row.fault)
        before, after = readings_of(STRAIGHT, row.point), readings_of(faulty, row.point)
        assert before.keys() == after.keys()
        changed = {ts_us for ts_us in before if before[ts_us] != after[ts_us]}
        assert changed == {
            ts_us for ts_us in before if any(start <= ts_us < end for start, end in row.changed)
        }
        assert readings_of(faulty, "office") == readings_of(STRAIGHT, "office")

    def test_is_the_same_again_and_whoever_asks(self) -> None:
        faults = [row.fault for row in ROWS]
        first, second = made(*faults), made(*faults)
        at_once = second.readings_at(AT_US + 7 * MINUTE_US)
        assert first.readings_at(AT_US + 7 * MINUTE_US) == at_once
        *_, last = first.history(
            start_us=START_US, end_us=AT_US + 7 * MINUTE_US + 1, step_us=STEP_US
        )
        kept = [reading for reading in at_once if reading.gateway == "gw-foundry"]
        assert [r for r in last if r.gateway == "gw-foundry" and r in at_once] == kept


class TestValues:
    def test_of_a_spike_are_higher_by_its_size(self) -> None:
        after = readings_of(made(ROWS[0].fault), "grid-1")[AT_US]
        assert after == readings_of(STRAIGHT, "grid-1")[AT_US] + 1_000.0

    def test_of_a_frozen_meter_repeat_the_first(self) -> None:
        stuck = readings_of(made(ROWS[2].fault), "furnace")
        during = [stuck[ts_us] for ts_us in stuck if AT_US <= ts_us < AT_US + 30 * MINUTE_US]
        assert set(during) == {stuck[AT_US]}

    def test_of_a_register_pass_the_last_digit_when_it_is_said(self) -> None:
        shown = readings_of(made(ROWS[4].fault, metering=Metering.DIGITS), "furnace")
        assert shown[AT_US - STEP_US] > 999_900.0
        assert 0.0 <= shown[AT_US + STEP_US] < 100.0

    @pytest.mark.parametrize("row", [ROWS[5], ROWS[7]], ids=["reset", "exchange"])
    def test_of_a_register_that_begins_again_count_on_from_its_level(self, row: Row) -> None:
        before, after = readings_of(STRAIGHT, "furnace"), readings_of(made(row.fault), "furnace")
        assert after[AT_US] == row.size
        passed = before[AT_US + HOUR_US] - before[AT_US]
        assert after[AT_US + HOUR_US] - row.size == pytest.approx(passed, rel=1e-9)

    @pytest.mark.parametrize("code", ["furnace", "moulding"])
    def test_of_a_gain_count_so_many_times_as_much_while_they_last(self, code: str) -> None:
        fault = Fault(
            kind="gain", target=code, start_us=AT_US, duration_us=HOUR_US // 2, size=2 / 3
        )
        usual, wrong = readings_of(STRAIGHT, code), readings_of(made(fault), code)
        until_us = AT_US + HOUR_US // 2
        at = [AT_US - STEP_US, AT_US, until_us - STEP_US, until_us, until_us + HOUR_US // 2]
        if code == "furnace":
            between = [[shown[b] - shown[a] for a, b in pairwise(at)] for shown in (usual, wrong)]
            factors = [1.0, 2 / 3, 2 / 3, 1.0]
            assert between[1] == pytest.approx(
                [f * passed for f, passed in zip(factors, between[0], strict=True)], rel=1e-9
            )
        else:
            assert [wrong[i] / usual[i] for i in at] == pytest.approx([1, 2 / 3, 2 / 3, 1, 1])

    def test_of_an_episode_count_in_what_feeds_it(self) -> None:
        span = {"start_us": AT_US, "end_us": AT_US + 30 * MINUTE_US}
        more = made(ROWS[8].fault)
        furnace = more.true_amount("furnace-power", **span)
        usual = STRAIGHT.true_amount("furnace-power", **span)
        assert furnace == pytest.approx(1.6 * usual, rel=1e-9)
        risen = more.true_amount("grid-in", **span) - STRAIGHT.true_amount("grid-in", **span)
        passed = RUNNING["demo"].efficiency["foundry-transformer"]
        assert risen == pytest.approx((furnace - usual) / passed, rel=1e-6)

    def test_of_an_episode_of_a_flow_that_follows_are_refused(self) -> None:
        fault = Fault(kind="over_emission", target="grid-in", start_us=AT_US, duration_us=1)
        with pytest.raises(NotSimulable, match="follows from other flows"):
            made(fault)

    def test_err_within_the_class_of_their_meter_always_alike(self) -> None:
        classed = made(metering=Metering.CLASS)
        limit = {
            point.code: accuracy_share(meter) for meter in DEMO.meters for point in meter.points
        }
        resolution = dict(
            zip(
                (row.code for row in point_rows(DEMO)),
                compile_topology(DEMO).points.resolution.tolist(),
                strict=True,
            )
        )
        gains = set()
        for row in point_rows(DEMO):
            if row.kind != "register":
                continue
            shown, true = readings_of(classed, row.code), readings_of(STRAIGHT, row.code)
            passed = true[END_US - STEP_US] - true[START_US]
            error = shown[END_US - STEP_US] - shown[START_US] - passed
            assert abs(error) <= limit[row.code] * passed + resolution[row.code] + 1e-9
            gains.add(round(error / max(passed, 1e-9), 9))
        assert len(gains) > 20


def reading(minute: int, *, gateway: str = "gw", point: str = "p") -> Reading:
    return Reading(gateway, point, START_US + minute * MINUTE_US, float(minute), point)


class TestArrivals:
    IN_ORDER = tuple(reading(minute, point=point) for minute in range(6) for point in ("p", "q"))

    def fault(self, kind: FaultKind, *, target: str = "gw", size: float = 0.0) -> Fault:
        return Fault(
            kind=kind,
            target=target,
            start_us=START_US + MINUTE_US,
            duration_us=3 * MINUTE_US,
            size=size,
        )

    def test_are_at_their_time_and_in_order_without_faults(self) -> None:
        found = arrivals(self.IN_ORDER, [])
        assert [arrival.reading for arrival in found] == list(self.IN_ORDER)
        assert all(arrival.at_us == arrival.reading.ts_us for arrival in found)

    def test_are_all_there_after_a_gap_that_is_delivered_later(self) -> None:
        found = arrivals(self.IN_ORDER, [self.fault("late")])
        assert sorted(arrival.reading for arrival in found) == sorted(self.IN_ORDER)
        held = [arrival for arrival in found if arrival.at_us != arrival.reading.ts_us]
        assert {arrival.reading.value for arrival in held} == {1.0, 2.0, 3.0}
        assert {arrival.at_us for arrival in held} == {START_US + 4 * MINUTE_US}

    def test_lack_a_gap_that_is_lost(self) -> None:
        found = arrivals(self.IN_ORDER, [self.fault("lost", target="q")])
        left = [arrival.reading for arrival in found if arrival.reading.point == "q"]
        assert [r.value for r in left] == [0.0, 4.0, 5.0]
        assert len(found) == 9

    def test_come_twice_where_they_are_doubled(self) -> None:
        found = arrivals(self.IN_ORDER, [self.fault("duplicate")])
        assert len(found) == len(self.IN_ORDER) + 6
        assert {arrival.reading for arrival in found} == set(self.IN_ORDER)

    def test_are_delayed_out_of_order_where_they_are_shuffled(self) -> None:
        found = arrivals(self.IN_ORDER, [self.fault("shuffled", size=150.0)])
        assert {arrival.reading for arrival in found} == set(self.IN_ORDER)
        delays_us = [arrival.at_us - arrival.reading.ts_us for arrival in found]
        assert 0 <= min(delays_us) <= max(delays_us) <= 150_000_000
        stamps = [arrival.reading.ts_us for arrival in found]
        assert stamps != sorted(stamps)
        assert arrivals(self.IN_ORDER, [self.fault("shuffled", size=150.0)]) == found


class TestAnExchange:
    FAULT = Fault(kind="exchange", target="M-FURNACE", start_us=AT_US + MINUTE_US, size=52_000.0)

    def test_is_described_as_a_second_point_of_the_same_address(self) -> None:
        plant = with_exchanges(DEMO, [self.FAULT])
        rows = {row.code: row for row in point_rows(plant)}
        old, new = rows["furnace"], rows["furnace.2"]
        assert old.address == new.address == "furnace_energy"
        assert old.valid_to is not None
        assert old.valid_to == new.valid_from
        assert to_us(old.valid_to) == self.FAULT.start_us
        assert to_us(plant.valid_from) == AT_US  # the base interval's edge
        flow = next(flow for flow in plant.flows if flow.code == "furnace-power")
        assert [metering.point for metering in flow.metered_by] == ["furnace", "furnace.2"]

    def test_may_happen_again(self) -> None:
        again = Fault(kind="exchange", target="M-FURNACE", start_us=AT_US + HOUR_US, size=0.0)
        plant = with_exchanges(DEMO, [again, self.FAULT])
        assert [row.code for row in point_rows(plant) if row.address == "furnace_energy"] == [
            "furnace",
            "furnace.2",
            "furnace.3",
        ]

    def test_leaves_a_plant_without_that_meter_alone(self) -> None:
        other: Plant = next(plant for plant in demo_plants() if plant.tenant == "demo-second")
        assert with_exchanges(other, [self.FAULT]) is other


class TestThePark:
    def test_feeds_its_members_what_they_take(self) -> None:
        simulators = make_simulators(demo_plants(), [], metering=Metering.EXACT)
        span = {"start_us": START_US, "end_us": END_US}
        for feeder, (tenant, flow) in {
            "to-demo": ("demo", "grid-in"),
            "to-second": ("demo-second", "grid-in"),
            "steam-to-second": ("demo-second", "steam-in"),
        }.items():
            given = simulators["demo-park"].true_amount(feeder, **span)
            assert given == pytest.approx(simulators[tenant].true_amount(flow, **span), rel=1e-9)
