"""Benchmark levels: against the twin, by their invariants, and on worked examples."""

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.benchmark import Assessment, SoFar, assess
from compute.benchmark_marks import NO_AIM, Mark, corrected_marks, gap_energy, own_best, ready_marks
from compute.distributions import student_quantile
from compute.intensity import Undefined
from compute.pace import Pace, pace_of
from tests.twins import benchmark as twin
from tests.twins.benchmark import NAMES, Unit

NAN = math.nan


def assessed(units: list[Unit]) -> Assessment:
    """Return the assessment of units by the kernel, all at once."""
    longest = max(len(unit.steps) for unit in units)
    steps = np.full((2, len(units), longest), NAN)
    for row, unit in enumerate(units):
        for k, (top, bottom) in enumerate(unit.steps):
            steps[:, row, k] = top, bottom

    def column(name: str) -> np.ndarray:
        return np.array([getattr(unit, name) for unit in units], dtype=np.float64)

    more = np.array([unit.more_is_better for unit in units], dtype=np.bool_)
    marks = np.array([[unit.marks.get(name, NAN) for unit in units] for name in NAMES])
    worth = column("tce_per_energy")
    so_far = SoFar(
        column("top"), column("bottom"), column("steps_left"), column("scale"), *(worth,) * 3
    )
    ready = ready_marks(marks, scale=column("scale"), more_is_better=more)
    return assess(so_far, pace_of(steps[0], steps[1]), ready)


def plain(**fields: Any) -> Unit:
    """Return a unit of 100 over 10 with nothing left."""
    known: dict[str, Any] = {
        "top": 100.0,
        "bottom": 10.0,
        "steps_left": 0.0,
        "scale": 1.0,
        "more_is_better": False,
        "marks": {},
        "steps": [],
    }
    return Unit(**{**known, **fields})


amounts = st.floats(0.0, 1e6, allow_subnormal=False) | st.sampled_from([0.0, -1.0, NAN])


@st.composite
def units(draw: st.DrawFn) -> Unit:
    step = st.tuples(amounts, amounts)
    names = draw(st.sets(st.sampled_from(NAMES)))
    return Unit(
        top=draw(amounts),
        bottom=draw(amounts),
        steps_left=draw(st.sampled_from([0.0, 0.3, 1.0, 7.5])),
        scale=draw(st.sampled_from([1.0, 60.0, 0.05])),
        more_is_better=draw(st.booleans()),
        # Figures of a norm that do not ascend are drawn too, and negative ones.
        marks={
            name: draw(st.floats(-50.0, 200.0, allow_subnormal=False)) for name in sorted(names)
        },
        steps=draw(st.lists(step, max_size=12)),
        tce_per_energy=draw(st.sampled_from([0.001, 1.0, NAN])),
    )


def number(value: float | None) -> float:
    return NAN if value is None else value


def close(value: float | None) -> Any:
    return pytest.approx(number(value), rel=1e-7, abs=1e-7, nan_ok=True)


class TestAssess:
    @given(st.lists(units(), min_size=1, max_size=4))
    def test_equals_the_twin(self, several: list[Unit]) -> None:
        found = assessed(several)
        for row, unit in enumerate(several):
            wanted = twin.assess(unit)
            assert found.value[row] == close(wanted.value)
            assert found.forecast[row] == close(wanted.forecast)
            if wanted.half is not None:
                half = pytest.approx(
                    wanted.half, rel=2e-3, abs=1e-6 * abs(number(wanted.forecast)) + 1e-9
                )
                assert 0.5 * (found.high[row] - found.low[row]) == half
            assert math.isnan(found.low[row]) == (wanted.half is None)
            names = ("level", "level_end", "list_level", "list_level_end")
            assert [getattr(found, name)[row] for name in names] == [
                getattr(wanted, name) for name in names
            ]
            aim = None if found.aim[row] == NO_AIM else NAMES[found.aim[row]]
            assert aim == wanted.aim
            assert found.gap_tce[row] == close(wanted.gap_tce)

    @given(st.lists(units(), min_size=2, max_size=5), st.randoms())
    def test_of_one_unit_does_not_depend_on_the_others(
        self, several: list[Unit], random: Any
    ) -> None:
        order = list(range(len(several)))
        random.shuffle(order)
        whole, shuffled = assessed(several), assessed([several[i] for i in order])
        for name in Assessment._fields:
            one, other = getattr(whole, name), getattr(shuffled, name)
            assert np.array_equal(one[order], other, equal_nan=True)

    @given(units())
    def test_lies_within_its_interval_and_between_what_is_and_what_comes(self, unit: Unit) -> None:
        found = assessed([unit])
        if not math.isnan(found.low[0]):
            assert found.low[0] <= found.forecast[0] <= found.high[0]
        if unit.steps_left == 0.0 and unit.bottom > 0.0 and not math.isnan(unit.top):
            assert found.forecast[0] == pytest.approx(found.value[0])

    @given(units(), st.floats(0.1, 10.0))
    def test_never_falls_to_a_worse_level_when_energy_is_saved(
        self, unit: Unit, factor: float
    ) -> None:
        saved = plain(
            top=unit.top * (factor if unit.more_is_better else 1.0) + 1.0,
            bottom=abs(number(unit.bottom)) + 1.0,
            more_is_better=unit.more_is_better,
            marks=unit.marks,
        )
        less = plain(
            top=saved.top * (1.1 if unit.more_is_better else 0.9),
            bottom=saved.bottom,
            more_is_better=unit.more_is_better,
            marks=unit.marks,
        )
        found = assessed([saved, less])
        if found.value[0] > 0.0:
            assert found.level[1] <= found.level[0]
            assert found.list_level[1] <= found.list_level[0]

    @pytest.mark.parametrize(
        ("top", "bottom", "reason"),
        [
            (1.0, 0.0, Undefined.NO_OUTPUT),
            (0.0, 0.0, Undefined.IDLE),
            (NAN, 1.0, Undefined.UNKNOWN),
            (1.0, NAN, Undefined.UNKNOWN),
            (1.0, -1.0, Undefined.NEGATIVE_OUTPUT),
            (1e300, 1e-300, Undefined.TOO_LARGE),
        ],
    )
    def test_says_why_there_is_no_value(self, top: float, bottom: float, reason: Undefined) -> None:
        found = assessed([plain(top=top, bottom=bottom, marks={"LEVEL_1": 1.0})])
        assert math.isnan(found.value[0])
        assert found.reason[0] == reason
        assert found.level[0] == 0

    def test_goes_on_as_it_did_without_a_pace(self) -> None:
        found = assessed([plain(steps_left=5.0)])
        assert found.forecast[0] == pytest.approx(10.0)
        assert math.isnan(found.low[0])

    def test_gives_a_forecast_before_anything_was_made(self) -> None:
        found = assessed([plain(top=3.0, bottom=0.0, steps_left=2.0, steps=[(50.0, 5.0)] * 9)])
        assert math.isnan(found.value[0])
        assert found.forecast[0] == pytest.approx(103.0 / 10.0)

    def test_writes_into_the_room_of_the_last_tick(self) -> None:
        room = Assessment.room(1)
        nothing = np.zeros(1)
        so_far = SoFar(np.ones(1), np.ones(1), nothing, np.ones(1), *(np.ones(1),) * 3)
        ready = ready_marks(np.full((7, 1), NAN), scale=np.ones(1), more_is_better=nothing > 0)
        found = assess(so_far, pace_of(np.empty((1, 0)), np.empty((1, 0))), ready, room=room)
        assert found is room
        assert room.value[0] == 1.0


class TestWorkedExamples:
    def test_clinker_by_gb_16780_2021(self) -> None:
        """Levels of 100, 107 and 117 kgce/t; 30,000 t of clinker with 3,150 tce, 105 kgce/t."""
        marks = {"LEVEL_1": 100.0, "LEVEL_2": 107.0, "LEVEL_3": 117.0}
        unit = plain(top=3_150_000.0, bottom=30_000.0, marks=marks, tce_per_energy=0.001)
        found = assessed([unit])
        assert found.value[0] == pytest.approx(105.0)
        assert found.level[0] == 2
        assert found.aim[0] == Mark.LEVEL_1
        assert found.gap_tce[0] == pytest.approx(150.0)

    def test_cement_by_gb_16780_2021_with_its_clinker_share(self) -> None:
        """80, 87 and 94 kgce/t at 75 % clinker; 1.10, 1.15 and 1.20 more for each per cent more."""
        column = np.array([[80.0], [87.0], [94.0]])
        slope = np.array([[1.10], [1.15], [1.20]])
        marks = corrected_marks(
            column, slope=slope, given=np.array([78.0]), reference=np.array([75.0])
        )
        assert marks[:, 0] == pytest.approx([83.3, 90.45, 97.6])
        without = corrected_marks(
            column, slope=slope, given=np.array([NAN]), reference=np.full(1, 75.0)
        )
        assert np.array_equal(without, column)

    def test_converter_that_gives_energy_back(self) -> None:
        """GB 21256: -30, -28 and -12 kgce/t; -29 is level 2."""
        marks = {"LEVEL_1": -30.0, "LEVEL_2": -28.0, "LEVEL_3": -12.0}
        found = assessed([plain(top=-29.0, bottom=1.0, marks=marks)])
        assert found.level[0] == 2
        assert found.gap_tce[0] == pytest.approx(1.0)

    def test_gas_boiler_by_gb_24500_2020(self) -> None:
        """96, 94 and 92 %; 950 kWh of steam from 1,000 of gas: level 2."""
        marks = {"LEVEL_1": 96.0, "LEVEL_2": 94.0, "LEVEL_3": 92.0}
        unit = plain(top=950.0, bottom=1_000.0, scale=100.0, more_is_better=True, marks=marks)
        found = assessed([unit])
        assert found.value[0] == pytest.approx(95.0)
        assert found.level[0] == 2
        assert found.gap_tce[0] == pytest.approx(1_000.0 - 95_000.0 / 96.0)

    def test_base_values_that_do_not_ascend(self) -> None:
        """GB 21258-2024 prints 290, 285 and 308 before corrections: 288 is no level 1."""
        marks = {"LEVEL_1": 290.0, "LEVEL_2": 285.0, "LEVEL_3": 308.0}
        found = assessed([plain(top=value, bottom=1.0, marks=marks) for value in (288.0, 284.0)])
        assert found.level.tolist() == [3, 1]

    def test_list_of_key_fields(self) -> None:
        marks = {"BENCHMARK": 110.0, "BASELINE": 140.0}
        found = assessed([plain(top=v, bottom=1.0, marks=marks) for v in (110.0, 125.0, 141.0)])
        assert found.list_level.tolist() == [1, 2, 3]
        assert [Mark(aim).name for aim in found.aim] == ["BENCHMARK", "BENCHMARK", "BASELINE"]

    def test_pace_that_leads_out_of_a_level(self) -> None:
        """Ten days at 100 kgce/t, then twenty at 120 of the same output: 113.3 at the end."""
        marks = {"LEVEL_1": 100.0, "LEVEL_2": 107.0, "LEVEL_3": 117.0}
        unit = plain(
            top=10_000.0, bottom=100.0, steps_left=20.0, marks=marks, steps=[(1_200.0, 10.0)] * 8
        )
        found = assessed([unit])
        assert found.level[0] == 1
        assert found.forecast[0] == pytest.approx(34_000.0 / 300.0)
        assert found.level_end[0] == 3
        assert found.aim[0] == Mark.LEVEL_2


def test_gaps_are_to_every_mark() -> None:
    marks = np.full((7, 2), NAN)
    marks[0] = 8.0, 80.0
    gaps = gap_energy(
        marks,
        top=np.array([100.0, 50.0]),
        bottom=np.array([10.0, 100.0]),
        scale=np.array([1.0, 100.0]),
        more_is_better=np.array([False, True]),
    )
    assert gaps[0] == pytest.approx([20.0, 37.5])
    assert np.isnan(gaps[1:]).all()


def test_own_best_is_of_sound_periods() -> None:
    values = np.array([[9.0, 7.0, 8.0], [80.0, 90.0, NAN], [NAN, NAN, NAN]])
    sound = np.array([[True, False, True], [True, True, True], [True, True, True]])
    best = own_best(values, is_sound=sound, more_is_better=np.array([False, True, False]))
    assert best == pytest.approx([8.0, 90.0, NAN], nan_ok=True)


class TestPace:
    @pytest.mark.parametrize("freedom", [7, 20, 200])
    def test_has_the_quantile_of_student(self, freedom: int) -> None:
        assert student_quantile(0.05, freedom) == pytest.approx(
            twin.student(0.05, freedom), rel=1e-3
        )

    @pytest.mark.parametrize("share", [0.0, 0.5])
    def test_gives_intervals_that_hold_the_truth(self, share: float) -> None:
        """Energy follows output with a rest that neighbours share: 20 more steps after 60."""
        count, past, ahead = 10_000, 60, 20
        random = np.random.default_rng(4)
        noise = random.standard_normal((count, past + ahead))
        rest = noise.copy()
        for k in range(1, past + ahead):
            rest[:, k] = share * rest[:, k - 1] + math.sqrt(1 - share**2) * noise[:, k]
        output = random.gamma(20.0, 1.0, rest.shape)
        energy = 40.0 + 3.0 * output + 4.0 * rest
        top, bottom = energy[:, :past], output[:, :past]
        one = np.ones(count)
        so_far = SoFar(top.sum(axis=1), bottom.sum(axis=1), ahead * one, one, one, one, one)
        ready = ready_marks(np.full((7, count), NAN), scale=one, more_is_better=one < 0)
        found = assess(so_far, pace_of(top, bottom), ready)
        truth = energy.sum(axis=1) / output.sum(axis=1)
        held = ((found.low <= truth) & (truth <= found.high)).mean()
        assert held == pytest.approx(0.95, abs=0.02)


@pytest.mark.benchmark
def test_ten_thousand_units_in_a_fifth_of_a_millisecond() -> None:
    count = 10_000
    random = np.random.default_rng(1)
    steps = random.gamma(5.0, 20.0, (2, count, 30))
    pace: Pace = pace_of(steps[0], steps[1])
    marks = np.tile(np.array([0.8, 0.9, 1.1, 0.85, 1.0, NAN, 0.7])[:, np.newaxis], count)
    one = np.ones(count)
    so_far = SoFar(
        steps[0].sum(axis=1), steps[1].sum(axis=1), random.uniform(0, 20, count), *(one,) * 4
    )
    ready = ready_marks(marks, scale=one, more_is_better=random.random(count) < 0.2)
    room = assess(so_far, pace, ready)
    times = []
    for _ in range(100):
        start = time.process_time()
        for _ in range(10):
            assess(so_far, pace, ready, room=room)
        times.append((time.process_time() - start) / 10)
    print(f"\nbenchmark of {count} units: {1000.0 * min(times):.3f} ms a tick")
    assert not np.isnan(room.forecast).any()
