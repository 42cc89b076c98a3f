"""Rates of the last minute: against the slow twin, as properties, and case by case."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.live import node_intensity_kgco2e_per_kwh, point_rates, trailing_rates
from compute.quality import Quality
from compute.settle import series_keys
from compute.topology import NodeKind, PointKind
from tests.compute.plants import Factor, Flow, Node, factors, metered, plant
from tests.compute.readings import START_US, points_of, readings_of
from tests.twins import live as twin
from tests.twins.register import Point, Reading

SECOND_US = 1_000_000
WINDOW_US = 60 * SECOND_US
MINUTE_US = 60 * SECOND_US
QUARTER_US = 15 * MINUTE_US
END_US = START_US + 6 * 3600 * SECOND_US


def rate_of(row: list[Reading], point: Point, *, end_us: int = END_US) -> tuple[float, Quality]:
    rates = point_rates(
        readings_of([row]), points=points_of([point]), end_us=end_us, window_us=WINDOW_US
    )
    return float(rates.amount[0, 0]), Quality(int(rates.quality[0, 0]))


def counting(step_s: int, per_hour: float, *, age_s: int = 0, count: int = 40) -> list[Reading]:
    """Return a register that rises steadily and was last read some time ago."""
    last_us = END_US - age_s * SECOND_US
    instants = [last_us - n * step_s * SECOND_US for n in reversed(range(count))]
    return [Reading(us, per_hour * (us - START_US) / 3.6e9) for us in instants]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Point, list[Reading]]:
    kind = draw(st.sampled_from(list(PointKind)))
    point = Point(
        kind=kind,
        scale=draw(st.sampled_from([1.0, 40.0])),
        hold_us=draw(st.sampled_from([10, 120, 1800])) * SECOND_US,
        period_us=QUARTER_US if kind == PointKind.INTERVAL else 0,
    )
    count = draw(st.integers(0, 30))
    late_us = draw(st.integers(0, 2400)) * SECOND_US
    if kind == PointKind.INTERVAL:
        gaps_us = [QUARTER_US] * count
    else:
        gaps_us = [draw(st.integers(1, 400)) * SECOND_US for _ in range(count)]
    values = [draw(st.floats(0, 1e4)) for _ in range(count)]
    if kind == PointKind.REGISTER:
        values = np.cumsum(values).tolist()
    end_us = END_US - late_us
    instants = [end_us - sum(gaps_us[n + 1 :]) for n in range(count)]
    return point, [Reading(us, value) for us, value in zip(instants, values, strict=True)]


class TestPointRates:
    @given(histories())
    @settings(deadline=None, max_examples=300)
    def test_are_those_of_the_twin(self, history: tuple[Point, list[Reading]]) -> None:
        point, row = history
        found, _ = rate_of(row, point)
        expected = twin.rate(row, point, end_us=END_US, window_us=WINDOW_US)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6, nan_ok=True)

    @pytest.mark.parametrize(
        ("step_s", "age_s", "expected", "is_held"),
        [
            (5, 0, 120.0, False),
            (5, 59, 120.0, False),
            (5, 60, math.nan, False),
            (60, 70, 120.0, True),
            (300, 299, 120.0, True),
            (300, 900, 120.0, True),
            (300, 901, math.nan, False),
            (1200, 1801, math.nan, False),
        ],
    )
    def test_of_registers_follow_their_own_pace(
        self, step_s: int, age_s: int, expected: float, *, is_held: bool
    ) -> None:
        point = Point(hold_us=1800 * SECOND_US)
        found, quality = rate_of(counting(step_s, 120.0, age_s=age_s), point)
        assert found == pytest.approx(expected, nan_ok=True)
        assert bool(quality & Quality.HELD) is is_held
        assert bool(quality & Quality.MISSING) is math.isnan(expected)

    @pytest.mark.parametrize(
        ("age_s", "expected", "is_held"),
        [(0, 7.0, False), (59, 7.0, False), (120, 7.0, True), (300, 7.0, True), (301, None, False)],
    )
    def test_of_gauges_stand_as_long_as_declared(
        self, age_s: int, expected: float | None, *, is_held: bool
    ) -> None:
        point = Point(kind=PointKind.GAUGE, hold_us=300 * SECOND_US)
        row = [
            Reading(END_US - (age_s + s) * SECOND_US, v)
            for s, v in ((200, 3.0), (70, 7.0), (0, 7.0))
        ]
        found, quality = rate_of(row, point)
        assert found == pytest.approx(math.nan if expected is None else expected, nan_ok=True)
        assert bool(quality & Quality.HELD) is is_held

    def test_of_a_gauge_end_where_the_device_reports_an_error(self) -> None:
        point = Point(kind=PointKind.GAUGE, hold_us=300 * SECOND_US)
        row = [
            Reading(END_US - 200 * SECOND_US, 7.0),
            Reading(END_US - 100 * SECOND_US, math.nan, int(Quality.SOURCE_BAD)),
        ]
        assert math.isnan(rate_of(row, point)[0])

    @pytest.mark.parametrize(
        ("minutes", "expected"), [(1, 60.0), (14, 60.0), (30, 60.0), (31, None)]
    )
    def test_of_load_recorders_are_their_last_period(
        self, minutes: int, expected: float | None
    ) -> None:
        point = Point(kind=PointKind.INTERVAL, period_us=QUARTER_US)
        last_us = END_US - minutes * MINUTE_US
        row = [Reading(last_us - QUARTER_US, 3.0), Reading(last_us, 15.0)]
        found, quality = rate_of(row, point)
        if expected is None:
            assert math.isnan(found)
        else:
            assert found == pytest.approx(expected)
            assert quality & Quality.HELD

    def test_are_not_known_without_readings(self) -> None:
        for kind in PointKind:
            found, quality = rate_of([], Point(kind=kind, period_us=QUARTER_US))
            assert math.isnan(found)
            assert quality == Quality.MISSING

    def test_withhold_a_spike(self) -> None:
        point = Point(step_rate_max=1.0)
        row = counting(5, 120.0)
        row[-1] = Reading(row[-1].ts_us, row[-1].value + 1e6)
        found, quality = rate_of(row, point)
        assert found == pytest.approx(120.0)
        assert quality & Quality.SPIKE


ELECTRIC = {"electricity": Factor(1.0, 0.0001229, 0.0003, 0.0, 0.0005)}


class TestTrailingRates:
    def test_are_settled_like_an_hour(self) -> None:
        nodes = [
            Node("grid", NodeKind.SOURCE),
            Node("site", NodeKind.USE),
            Node("board", NodeKind.BUS, "site"),
            Node("press", NodeKind.USE, "site"),
            Node("rest", NodeKind.USE, "site"),
        ]
        flows = [
            Flow("grid", "board", points=((0, 1.0),)),
            Flow("board", "press", points=((1, 1.0),)),
            Flow("board", "rest"),
        ]
        topology = plant(nodes, flows, point_count=2)
        rates = trailing_rates(
            readings_of([counting(5, 120.0), counting(5, 50.0)]),
            topology=topology,
            factors=factors(topology, ELECTRIC),
            end_us=END_US,
            window_us=WINDOW_US,
        )
        power = {
            (key.kind, key.code): (rates.energy_kwh[row, 0], int(rates.quality[row, 0]))
            for row, key in enumerate(series_keys(topology))
            if not (key.kind == "node" and key.carrier)
        }
        assert power["flow", "board-rest"] == (pytest.approx(70.0), int(Quality.DERIVED))
        assert power["node", "site"][0] == pytest.approx(120.0)
        assert power["residual", "board"][0] == pytest.approx(0.0, abs=1e-9)
        intensity = dict(
            zip(
                ("site", "board", "press", "rest"),
                node_intensity_kgco2e_per_kwh(topology, rates).tolist(),
                strict=True,
            )
        )
        assert intensity == pytest.approx(dict.fromkeys(intensity, 0.5))

    @given(st.floats(0.001, 1e6), st.integers(1, 20))
    @settings(deadline=None, max_examples=50)
    def test_of_a_steady_plant_do_not_depend_on_the_pace(self, power: float, step_s: int) -> None:
        topology = metered(
            [Node("grid", NodeKind.SOURCE), Node("hall", NodeKind.USE)], [Flow("grid", "hall")]
        )
        rates = trailing_rates(
            readings_of([counting(step_s, power)]),
            topology=topology,
            factors=factors(topology, ELECTRIC),
            end_us=END_US,
            window_us=WINDOW_US,
        )
        row = next(i for i, key in enumerate(series_keys(topology)) if key.kind == "flow")
        assert rates.energy_kwh[row, 0] == pytest.approx(power, rel=1e-6)
        assert rates.emission_purchased_tco2e[row, 0] == pytest.approx(power * 0.0005, rel=1e-6)
