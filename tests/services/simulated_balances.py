"""A simulated plant read and computed in memory: its closed balances beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from compute.closing import Closed
from compute.periods import to_us
from compute.readings import Readings
from compute.register import interval_amounts
from compute.rollup import rollup
from compute.settle import ResultBlock, series_keys, settle
from compute.topology import CarrierFactors
from deploy.demo import demo_plants
from deploy.simulated_faults import Fault, arrivals
from deploy.simulated_meters import Metering
from deploy.simulated_plants import RUNNING
from deploy.simulator import Simulator
from services import reconciled
from services.plant.compile import compile_topology, points_of
from services.plant.compile_checks import balance_tolerances, clock_ahead_s, compile_checks
from services.plant.compile_network import compile_network
from services.plant.model import Plant
from services.reference import FactorBook, HourlyFactors, carrier_factors
from services.site_model import Described, Span

START = datetime.fromisoformat("2025-03-03T00:00:00+08:00")
START_US = to_us(START)
STEP_US = 900_000_000
READ_EVERY_US = 300_000_000
DAY_US = 96 * STEP_US


def demo_plant() -> Plant:
    """Return the foundry of the demo."""
    return next(plant for plant in demo_plants() if plant.tenant == "demo")


def scaled(plant: Plant, factors: dict[str, float]) -> Plant:
    """Return a plant in which the multipliers of some points are wrong by a factor."""
    meters = tuple(
        meter.model_copy(
            update={
                "points": tuple(
                    point.model_copy(
                        update={"multiplier": point.multiplier * factors.get(point.code, 1.0)}
                    )
                    for point in meter.points
                )
            }
        )
        for meter in plant.meters
    )
    return plant.model_copy(update={"meters": meters})


def described(plant: Plant) -> Described:
    """Return a plant compiled, with made-up numbers of its rows."""
    arrays = compile_topology(plant)
    keys = series_keys(arrays)
    return Described(
        version_id=1,
        plant=plant,
        arrays=arrays,
        keys=keys,
        point_id=np.arange(len(arrays.points.code), dtype=np.int32),
        series_id=np.arange(len(keys), dtype=np.int32),
        checks=compile_checks(plant),
        clock_ahead_s=clock_ahead_s(plant),
        tolerance=balance_tolerances(plant, arrays),
        balanced=compile_network(plant, arrays),
    )


@dataclass(frozen=True)
class Simulated:
    """Days of a plant: closed by interval and by day, and what truly flowed. [kWh]."""

    span: Span
    base: Closed
    days: list[Closed]
    block: ResultBlock
    true_kwh: np.ndarray[tuple[int, int], np.dtype[np.float64]]  # (f, k)

    def true_day(self, day: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return what truly flowed on a day."""
        total: np.ndarray[tuple[int], np.dtype[np.float64]] = self.true_kwh[
            :, 96 * day : 96 * (day + 1)
        ].sum(axis=1)
        return total


def simulate(
    plant: Plant,
    *,
    day_count: int,
    shown_as: dict[str, float] | None = None,
    faults: Sequence[Fault] = (),
    seed: int = 5,
    read_every_us: int = READ_EVERY_US,
) -> Simulated:
    """Return days of a plant read by meters within their class, some with a wrong multiplier."""
    simulator = Simulator(
        plant, seed=seed, running=RUNNING["demo"], metering=Metering.CLASS, faults=faults
    )
    end_us = START_US + day_count * DAY_US
    history = simulator.history(
        start_us=START_US - 2 * STEP_US, end_us=end_us + 4 * STEP_US, step_us=read_every_us
    )
    rows = [reading for moment in history for reading in moment]
    handed_over = [arrival.reading for arrival in arrivals(rows, faults)]
    known = described(scaled(plant, shown_as or {}))
    codes = [point.code for _, point in points_of(plant)]
    place = {code: i for i, code in enumerate(codes)}
    first = {(place[r.point], r.ts_us): r.value for r in handed_over}
    keys = sorted(first)
    point = np.array([key[0] for key in keys], dtype=np.int64)
    readings = Readings(
        point_offset=np.searchsorted(point, np.arange(len(codes) + 1)).astype(np.int64),
        ts_us=np.array([key[1] for key in keys], dtype=np.int64),
        value=np.array([first[key] for key in keys], dtype=np.float64),
        quality=np.zeros(len(keys), dtype=np.int32),
    )
    factors = _factors(known)
    span = Span(START_US, end_us, known, factors, {}, HourlyFactors(), ("CN",))
    amounts = interval_amounts(
        readings,
        points=known.arrays.points,
        start_us=START_US,
        step_us=STEP_US,
        count=96 * day_count,
    )
    block = settle(known.arrays, amounts, factors, step_us=STEP_US)
    base = reconciled.close_base(span, block, readings, start_us=START_US, step_us=STEP_US)
    return Simulated(
        span=span,
        base=base,
        days=[_closed_day(span, block, base, day) for day in range(day_count)],
        block=block,
        true_kwh=_truth(simulator, known, factors, 96 * day_count),
    )


def _factors(known: Described) -> CarrierFactors:
    factors, _ = carrier_factors(
        FactorBook(), known.arrays.carrier_code, at=date(2025, 3, 3), region=known.plant.region
    )
    # What the reference waits to have confirmed is taken: only its size matters here.
    return CarrierFactors(
        **{
            name: np.where(np.isfinite(column), column, typical)
            for name, column, typical in (
                ("energy_kwh", factors.energy_kwh, 5_800.0),
                ("coal_equivalent_tce", factors.coal_equivalent_tce, 0.7),
                ("coal_equal_tce", factors.coal_equal_tce, 0.7),
                ("emission_direct_tco2e", factors.emission_direct_tco2e, 2.0),
                ("emission_purchased_tco2e", factors.emission_purchased_tco2e, 0.0),
            )
        }
    )


def _closed_day(span: Span, block: ResultBlock, base: Closed, day: int) -> Closed:
    rolled = rollup(block, np.array([96 * day, 96 * (day + 1)], dtype=np.int64))
    measured, sigma = reconciled.measured_rows(span.described, rolled, span.factors, span_us=DAY_US)
    added = reconciled.added_sums(base.measured_kwh[:, 96 * day : 96 * (day + 1)].T, count=96)
    return reconciled.close_period(span.described.balanced.network, measured, sigma, added)


def _truth(
    simulator: Simulator, known: Described, factors: CarrierFactors, count: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    edges = START_US + STEP_US * np.arange(count + 1, dtype=np.int64)
    passed = simulator.truth.cumulative(edges)
    per_unit = factors.energy_kwh[known.arrays.flow_carrier_index]
    return np.array(
        [
            np.diff(simulator.truth.of(code, passed)) * per_unit[row]
            for row, code in enumerate(known.arrays.flow_code)
        ]
    )
