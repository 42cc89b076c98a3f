"""Readings of a plant that does not exist: the demo's and the tests' source of truth.

`Simulator` makes, for a description and a seed, true flows that balance and the readings that the
described meters would show of them. A value depends on the description, the seed, the declared
faults and its instant alone, so a restart repeats what was sent and a backlog equals what would
have been live.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from compute.topology import PointKind
from deploy.simulated_faults import Fault, Reading
from deploy.simulated_flows import NotSimulable, Running
from deploy.simulated_meters import (
    Metering,
    first_levels,
    gauge_gains,
    meter_gain,
    register_levels,
    shown_register,
    shown_value,
    with_value_faults,
)
from deploy.simulated_profiles import Float1D, Float2D, Int1D
from deploy.simulated_truth import TrueEpisode, Truth
from services.plant.compile import point_rows, points_of
from services.plant.metering import Point
from services.plant.model import Plant

__all__ = ["Metering", "NotSimulable", "Reading", "Simulator"]

_HISTORY_BATCH = 4_096

_True = Callable[[Int1D], Float1D]


class _Sensor(NamedTuple):
    """A point, where it is, and what happens to it."""

    row: int
    gateway: str
    address: str
    point: Point
    gains: tuple[float, ...]  # of the meter and of those that replace it
    faults: tuple[Fault, ...]


class Simulator:
    """A plant's truth, and the readings of it.

    Parameters
    ----------
    plant : Plant
        Checked; without the exchanges of meters that are declared as faults.
    seed : int
        Another seed is another history of the same plant.
    running : Running
        What is known of the plant beyond its description.
    metering : Metering
        How far readings are from the truth.
    faults : sequence of Fault
        What goes wrong. Those of delivery are for `simulated_faults.arrivals`.
    feeders : mapping of str to (Truth, str)
        Flows that are a flow of another plant: a park's feeder is what its member takes in.

    Raises
    ------
    NotSimulable
        If the description's balances force a flow to run backwards, or if an episode or a feeder
        is of a flow that follows from others.
    """

    def __init__(
        self,
        plant: Plant,
        *,
        seed: int = 1,
        running: Running | None = None,
        metering: Metering = Metering.DIGITS,
        faults: Sequence[Fault] = (),
        feeders: Mapping[str, tuple[Truth, str]] | None = None,
    ) -> None:
        flows = {flow.code for flow in plant.flows}
        self.truth: Truth = Truth(
            plant,
            seed=seed,
            running=running or Running(),
            episodes=[
                TrueEpisode(fault.target, fault.start_us, fault.end_us, fault.size)
                for fault in faults
                if fault.kind == "over_emission" and fault.target in flows
            ],
            feeders=feeders,
        )
        self._points = self.truth.topology.points
        self._metering = metering
        self._sensors = _sensors(plant, faults, seed=seed, metering=metering)
        self._first_level = first_levels(len(self._sensors), seed=seed)

    def true_amount(self, code: str, *, start_us: int, end_us: int) -> float:
        """Return the true amount of a flow or product in [start, end), in its own unit."""
        return self.truth.amount(code, start_us=start_us, end_us=end_us)

    def true_point_amount(self, code: str, *, start_us: int, end_us: int) -> float:
        """Return what passes a point in [start, end), in the unit its amounts are kept in."""
        row = self._points.code.index(code)
        ts_us = np.array([start_us, end_us], dtype=np.int64)
        before, after = self.truth.raw(row, self.truth.cumulative(ts_us))
        return float((after - before) * self._points.scale[row])

    def readings_at(
        self, ts_us: int, *, since_us: int | None = None, gateway: str | None = None
    ) -> list[Reading]:
        """Return what every meter (of a gateway) shows at an instant, in the description's order.

        An interval point gives, with the stamp it declares, every period that ended in
        (since_us, ts_us]; if `since_us` is left out, only one that ends at the instant itself.
        """
        step_us = 1 if since_us is None else ts_us - since_us
        return self._readings(np.array([ts_us], dtype=np.int64), step_us, gateway)[0]

    def history(
        self, *, start_us: int, end_us: int, step_us: int, gateway: str | None = None
    ) -> Iterator[list[Reading]]:
        """Yield the readings of every step in [start, end), oldest first.

        Interval points give the periods that ended since the step before. The integral of a gauge
        is the true amount if the step divides five minutes.
        """
        for batch_us in range(start_us, end_us, step_us * _HISTORY_BATCH):
            batch_end_us = min(end_us, batch_us + step_us * _HISTORY_BATCH)
            ts_us = np.arange(batch_us, batch_end_us, step_us, dtype=np.int64)
            yield from self._readings(ts_us, step_us, gateway)

    def _readings(self, ts_us: Int1D, step_us: int, gateway: str | None) -> list[list[Reading]]:
        moments: list[list[Reading]] = [[] for _ in ts_us]
        cumulative, rates = self.truth.cumulative(ts_us), self.truth.rates(ts_us)

        def true(of: Callable[[Int1D], Float2D], known: Float2D, row: int) -> _True:
            # Faults ask for other instants than the readings do: then it is computed for them.
            return lambda at_us: self.truth.raw(row, known if at_us is ts_us else of(at_us))

        for sensor in self._sensors:
            if gateway not in {None, sensor.gateway}:
                continue
            kind = self._points.kind[sensor.row]
            stamps, moment = ts_us, list(range(len(ts_us)))
            if kind == PointKind.REGISTER:
                passed = true(self.truth.cumulative, cumulative, sensor.row)
                values = self._register(sensor, passed, ts_us)
            elif kind == PointKind.GAUGE:
                values = self._gauge(sensor, true(self.truth.rates, rates, sensor.row), ts_us)
            else:
                values, stamps, moment = self._periods(sensor, ts_us, step_us=step_us)
            for value, stamp, i in zip(values.tolist(), stamps.tolist(), moment, strict=True):
                moments[i].append(
                    Reading(sensor.gateway, sensor.address, stamp, value, sensor.point.code)
                )
        return moments

    def _register(self, sensor: _Sensor, passed: _True, ts_us: Int1D) -> Float1D:
        def shown(at_us: Int1D) -> Float1D:
            level = register_levels(
                passed,
                at_us,
                first_level=self._first_level[sensor.row],
                gains=sensor.gains,
                modulus=self._points.modulus[sensor.row],
                faults=sensor.faults,
            )
            return shown_register(sensor.point, level, metering=self._metering)

        return with_value_faults(shown, ts_us, sensor.faults)

    def _gauge(self, sensor: _Sensor, rate: _True, ts_us: Int1D) -> Float1D:
        def shown(at_us: Int1D) -> Float1D:
            gain = gauge_gains(at_us, gains=sensor.gains, faults=sensor.faults)
            return shown_value(sensor.point, gain * rate(at_us), metering=self._metering)

        return with_value_faults(shown, ts_us, sensor.faults)

    def _periods(
        self, sensor: _Sensor, ts_us: Int1D, *, step_us: int
    ) -> tuple[Float1D, Int1D, list[int]]:
        """Return the values, stamps and moments of the periods that ended within the steps."""
        period_us = int(self._points.period_us[sensor.row])
        offset_us = self.truth.offset_us  # periods are of the wall clock
        after_us = int(ts_us[0]) - step_us + offset_us
        first_us = (after_us // period_us + 1) * period_us - offset_us
        ends = np.arange(first_us, int(ts_us[-1]) + 1, period_us, dtype=np.int64)
        late_us = 0 if self._points.stamped_at_end[sensor.row] else period_us

        def shown(stamps: Int1D) -> Float1D:
            ended = stamps + late_us
            passed = self.truth.cumulative(ended) - self.truth.cumulative(ended - period_us)
            gain = gauge_gains(stamps, gains=sensor.gains, faults=sensor.faults)
            amount = gain * self.truth.raw(sensor.row, passed)
            return shown_value(sensor.point, amount, metering=self._metering)

        stamps = ends - late_us
        values = with_value_faults(shown, stamps, sensor.faults)
        return values, stamps, np.searchsorted(ts_us, ends).tolist()


def _sensors(
    plant: Plant, faults: Sequence[Fault], *, seed: int, metering: Metering
) -> list[_Sensor]:
    """Return the points of a plant, each with the faults of it, its meter or its gateway."""
    sensors: list[_Sensor] = []
    for row, (place, (meter, point)) in enumerate(
        zip(point_rows(plant), points_of(plant), strict=True)
    ):
        mine = tuple(fault for fault in faults if fault.target in {point.code, meter.code})
        lives = 1 + sum(fault.kind == "exchange" for fault in mine)
        errs = metering is Metering.CLASS
        gains = [meter_gain(meter, seed=seed, life=life) if errs else 1.0 for life in range(lives)]
        sensors.append(_Sensor(row, place.gateway_code, place.address, point, tuple(gains), mine))
    return sensors
