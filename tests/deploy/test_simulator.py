import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.register import Readings, interval_amounts
from compute.topology import NodeKind
from deploy.simulated_flows import NotSimulable, nominal_kwh
from deploy.simulated_plants import RUNNING
from deploy.simulator import Reading, Simulator
from services.plant import Plant, compile_topology, point_rows, read_plant

PLANTS = sorted((Path(__file__).parents[2] / "deploy" / "plants").glob("*.yaml"))
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
START_US = int(datetime.fromisoformat("2025-03-04T00:00:00+08:00").timestamp()) * 1_000_000


def plant_of(name: str) -> Plant:
    path = next(path for path in PLANTS if path.stem == name)
    return read_plant(path.read_bytes(), form="yaml")


DEMO = plant_of("demo")
SIMULATED = Simulator(DEMO, seed=3, running=RUNNING["demo"])


def simulated(plant: Plant) -> Simulator:
    return Simulator(plant, running=RUNNING.get(plant.tenant))


def series(
    simulator: Simulator, address: str, *, end_us: int, step_us: int
) -> tuple[list[int], list[float]]:
    readings = [
        reading
        for moment in simulator.history(start_us=START_US, end_us=end_us, step_us=step_us)
        for reading in moment
        if reading.address == address
    ]
    return [reading.ts_us for reading in readings], [reading.value for reading in readings]


class TestTruth:
    @pytest.mark.parametrize("path", PLANTS, ids=lambda path: path.stem)
    def test_balances_at_every_bus_and_loses_what_conversions_do(self, path: Path) -> None:
        plant = read_plant(path.read_bytes(), form="yaml")
        simulator, topology = simulated(plant), compile_topology(plant)
        for start_us in (START_US, START_US + 19 * HOUR_US + 7 * MINUTE_US):
            energy = np.zeros(len(topology.node_code))
            entered = np.zeros(len(topology.node_code))
            for flow, code in enumerate(topology.flow_code):
                amount = simulator.true_amount(code, start_us=start_us, end_us=start_us + HOUR_US)
                assert amount >= 0.0
                worth = nominal_kwh(topology.carrier_code[topology.flow_carrier_index[flow]])
                energy[topology.flow_to_index[flow]] += amount * worth
                entered[topology.flow_to_index[flow]] += amount * worth
                energy[topology.flow_from_index[flow]] -= amount * worth
            bus = topology.node_kind == NodeKind.BUS
            converts = topology.node_kind == NodeKind.CONVERSION
            known = RUNNING[plant.tenant].efficiency if plant.tenant in RUNNING else {}
            kept = np.array([known.get(code, 1.0) for code in topology.node_code])
            np.testing.assert_allclose(
                energy[bus], ((1.0 - kept) * entered)[bus], atol=1e-5 * entered.max()
            )
            efficiency = np.array([known.get(code, 0.87) for code in topology.node_code])
            lost = (1.0 - efficiency) * entered
            np.testing.assert_allclose(energy[converts], lost[converts], rtol=1e-6, atol=1e-6)

    def test_gives_back_what_a_battery_took_but_its_losses(self) -> None:
        for day in range(3):
            start_us = START_US + day * DAY_US
            taken, given_back = (
                SIMULATED.true_amount(code, start_us=start_us, end_us=start_us + DAY_US)
                for code in ("battery-charge", "battery-discharge")
            )
            assert given_back == pytest.approx(0.87 * taken, rel=1e-9)

    @given(st.lists(st.integers(0, 30 * DAY_US), min_size=3, max_size=3).map(sorted))
    @settings(max_examples=50)
    def test_adds_up_over_any_split(self, cuts: list[int]) -> None:
        first, middle, last = (START_US + cut for cut in cuts)
        for code in ("grid-in", "castings", "boiler-gas"):
            parts = SIMULATED.true_amount(code, start_us=first, end_us=middle)
            parts += SIMULATED.true_amount(code, start_us=middle, end_us=last)
            whole = SIMULATED.true_amount(code, start_us=first, end_us=last)
            assert parts == pytest.approx(whole, rel=1e-9, abs=1e-5)

    def test_sums_meters_side_by_side_to_their_flow(self) -> None:
        span = {"start_us": START_US, "end_us": START_US + DAY_US}
        feeders = sum(SIMULATED.true_point_amount(code, **span) for code in ("grid-1", "grid-2"))
        assert feeders == pytest.approx(SIMULATED.true_amount("grid-in", **span))

    def test_lets_no_flow_run_backwards_whatever_the_ratings(self) -> None:
        document = json.loads(DEMO.model_dump_json())
        for meter in document["meters"]:
            for point in meter["points"]:
                if point["code"] in {"solar", "battery-out", "battery-in"}:
                    point["rate_max_per_hour"] = 90_000
        simulator = Simulator(read_plant(json.dumps(document), form="json"))
        hours = [START_US + hour * HOUR_US for hour in range(48)]
        grid = [simulator.true_amount("grid-in", start_us=t, end_us=t + HOUR_US) for t in hours]
        assert min(grid) >= 0.0
        span = {"start_us": START_US, "end_us": START_US + DAY_US}
        assert simulator.true_amount("battery-discharge", **span) == pytest.approx(
            0.87 * simulator.true_amount("battery-charge", **span)
        )

    def test_refuses_a_description_that_cannot_balance(self) -> None:
        document = json.loads(DEMO.model_dump_json())
        for flow in document["flows"]:
            if flow["code"] == "grid-in":
                flow |= {"from": "main-board", "to": "grid"}
            if flow["code"] == "solar-in":
                flow |= {"from": "main-board", "to": "sun", "carrier": "electricity"}
            if flow["code"] == "battery-discharge":
                flow |= {"from": "main-board", "to": "battery"}
        with pytest.raises(NotSimulable, match="turn that flow round"):
            Simulator(read_plant(json.dumps(document), form="json"))


class TestReadings:
    def test_depend_on_seed_and_time_alone(self) -> None:
        ts_us = START_US + 11 * HOUR_US
        at_once = SIMULATED.readings_at(ts_us, since_us=ts_us - MINUTE_US)
        again = Simulator(DEMO, seed=3, running=RUNNING["demo"])
        assert again.readings_at(ts_us, since_us=ts_us - MINUTE_US) == at_once
        assert Simulator(DEMO, seed=4).readings_at(ts_us) != SIMULATED.readings_at(ts_us)
        *_, last = SIMULATED.history(start_us=START_US, end_us=ts_us + 1, step_us=MINUTE_US)
        assert last == at_once

    def test_name_gateways_and_addresses_of_the_description(self) -> None:
        ts_us = START_US + 15 * MINUTE_US
        places = {(row.gateway_code, row.address) for row in point_rows(DEMO)}
        readings = SIMULATED.readings_at(ts_us)
        assert {(reading.gateway, reading.address) for reading in readings} == places
        assert all(type(reading.value) is float for reading in readings)
        assert all(isinstance(reading, Reading) for reading in readings)

    @pytest.mark.parametrize("path", PLANTS, ids=lambda path: path.stem)
    def test_stay_within_what_the_description_allows(self, path: Path) -> None:
        plant = read_plant(path.read_bytes(), form="yaml")
        limits: dict[str, Any] = {row.address: row for row in point_rows(plant)}
        history = simulated(plant).history(
            start_us=START_US, end_us=START_US + 7 * DAY_US, step_us=HOUR_US
        )
        for moment in history:
            for reading in moment:
                row = limits[reading.address]
                assert row.value_min is None or reading.value >= row.value_min
                assert row.value_max is None or reading.value <= row.value_max

    def test_of_a_register_differ_by_the_truth_within_its_resolution(self) -> None:
        points = compile_topology(DEMO).points
        end_us = START_US + 9 * HOUR_US
        for row, place in enumerate(point_rows(DEMO)):
            if place.kind != "register":
                continue
            _, shown = series(SIMULATED, place.address, end_us=end_us + 1, step_us=5 * MINUTE_US)
            steps = np.diff(shown)
            steps = np.where(steps < 0.0, steps + points.modulus[row], steps)
            assert (steps >= 0.0).all()
            raw_rate_max = points.step_rate_max[row] * 300.0
            assert (steps <= raw_rate_max + points.resolution[row]).all()
            true = SIMULATED.true_point_amount(place.code, start_us=START_US, end_us=end_us)
            assert steps.sum() * points.scale[row] == pytest.approx(
                true, abs=1.001 * points.resolution[row] * points.scale[row]
            )

    def test_of_a_register_start_again_after_their_last_digit(self) -> None:
        document = json.loads(DEMO.model_dump_json())
        line = next(meter for meter in document["meters"] if meter["code"] == "M-LINE-1")
        line["points"][0]["digits"] = {"integer": 1, "decimal": 1}
        simulator = Simulator(read_plant(json.dumps(document), form="json"))
        _, shown = series(
            simulator, "line1_energy", end_us=START_US + DAY_US, step_us=5 * MINUTE_US
        )
        assert max(shown) < 10.0
        assert (np.diff(shown) < 0.0).any()

    def test_of_a_gauge_integrate_to_the_truth(self) -> None:
        ts_us, shown = series(
            SIMULATED, "moulding_power", end_us=START_US + DAY_US, step_us=MINUTE_US
        )
        assert len(ts_us) == 1440
        true = SIMULATED.true_amount("moulding-power", start_us=START_US, end_us=START_US + DAY_US)
        assert sum(shown) / 60.0 == pytest.approx(true, abs=24 * 1e-4)

    @pytest.mark.parametrize("step_us", [MINUTE_US, 15 * MINUTE_US, 7 * MINUTE_US, HOUR_US])
    def test_of_an_interval_point_miss_no_period(self, step_us: int) -> None:
        steps = 420 * MINUTE_US // step_us
        end_us = START_US + steps * step_us
        ts_us, shown = series(SIMULATED, "line2_quarter", end_us=end_us + 1, step_us=step_us)
        period_us = 15 * MINUTE_US
        first_us = START_US - (step_us - 1) // period_us * period_us
        assert ts_us == list(range(first_us, end_us + 1, period_us))  # stamped at the end
        starts_us, _ = series(SIMULATED, "carbon_batch", end_us=end_us + 1, step_us=step_us)
        assert np.diff(starts_us).tolist() == [5 * MINUTE_US] * (len(starts_us) - 1)
        true = SIMULATED.true_amount(
            "line-2-power", start_us=first_us - period_us, end_us=ts_us[-1]
        )
        assert sum(shown) == pytest.approx(true, abs=0.0006 * len(shown))

    def test_end_with_the_years_that_are_simulated(self) -> None:
        with pytest.raises(ValueError, match="2020 to 2039"):
            SIMULATED.readings_at(0)


class TestAgainstTheKernels:
    def test_shows_the_kernels_the_true_amount_of_every_point(self) -> None:
        """Reading, register rules and simulator agree within what the meters can show."""
        points = compile_topology(DEMO).points
        columns: dict[str, list[tuple[int, float]]] = {row.address: [] for row in point_rows(DEMO)}
        end_us = START_US + 6 * HOUR_US
        for moment in SIMULATED.history(
            start_us=START_US - 30 * MINUTE_US, end_us=end_us + 30 * MINUTE_US, step_us=MINUTE_US
        ):
            for reading in moment:
                columns[reading.address].append((reading.ts_us, reading.value))
        listed = list(columns.values())
        flat = [pair for column in listed for pair in column]
        amounts = interval_amounts(
            Readings(
                point_offset=np.cumsum([0, *map(len, listed)], dtype=np.int64),
                ts_us=np.array([ts_us for ts_us, _ in flat], dtype=np.int64),
                value=np.array([value for _, value in flat], dtype=np.float64),
                quality=np.zeros(len(flat), dtype=np.int32),
            ),
            points=points,
            start_us=START_US,
            step_us=15 * MINUTE_US,
            count=24,
        )
        assert not amounts.quality.any()
        assert (amounts.covered_us == 15 * MINUTE_US).all()
        for row, place in enumerate(point_rows(DEMO)):
            if place.unit == "MPa":
                continue  # no amount
            shown = points.resolution[row] or 1e-3
            for k in range(24):
                start_us = START_US + k * 15 * MINUTE_US
                true = SIMULATED.true_point_amount(
                    place.code, start_us=start_us, end_us=start_us + 15 * MINUTE_US
                )
                assert amounts.amount[row, k] == pytest.approx(
                    true, abs=2.0 * shown * points.scale[row]
                )
