"""All alert rules of a tenant: how long evaluating their conditions and stepping them takes."""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from compute.alert import AlertState, Holds, States, step
from compute.condition import evaluate
from services.alert_rules.compile import CompiledRules, StatedGroup, compile_rules
from services.alert_rules.model import Annotations, Group, Rule, Wording
from tests.benchmarks.bench import spread
from tests.services.alert_plants import many_uses

pytestmark = pytest.mark.benchmark

NODES = 2_500
MINUTE_US = 60_000_000
TEXTS = Annotations(summary=Wording(zh="告警", en="Alert"))
# As rules are: a limit, a share of a budget, a change against yesterday, a rate beside a day.
EXPRESSIONS = (
    "power_kw{node} > 0.5 MW",
    "forecast(emission_tco2e{node}[month]) > 0.98 * budget(emission_tco2e{node}[month])",
    "energy_kwh{node}[day] > 1.1 * previous(energy_kwh{node}[day]) and covered_share{node} > 90 %",
    "emission_rate_kgco2e_per_h{node} > 1.5 * budget(emission_tco2e{node}[day]) / 24 h",
)


def ten_thousand() -> CompiledRules:
    """Return four rules over 2,500 nodes, one of them with hysteresis."""
    facts = many_uses(NODES - 5)
    rules = tuple(
        Rule.model_validate(
            {
                "alert": f"R{i}",
                "expr": expr,
                "for": "3m",
                "keep_firing_for": "2m",
                "resolve_when": "power_kw{node} < 0.4 MW" if i == 0 else None,
                "annotations": TEXTS,
            }
        )
        for i, expr in enumerate(EXPRESSIONS)
    )
    return compile_rules([StatedGroup(Group(name="g", rules=rules), 1)], facts)


def slots_of(rules: CompiledRules) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]]:
    """Return of each of the four rules its instances, and (slots, instances) cells."""
    alert = np.array([int(one.labels["alertname"][1:]) for one in rules.instances])
    offset, cell = rules.conditions.slot_offset, rules.conditions.slot_cell
    found = []
    for number in range(len(EXPRESSIONS)):
        chosen = np.flatnonzero(alert == number)
        first = offset[chosen]
        slots = range(int(offset[chosen[0] + 1] - first[0]))
        found.append((chosen, np.array([cell[first + slot] for slot in slots])))
    return found


def met_by_numpy(
    slots: list[tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]],
    cells: npt.NDArray[np.float64],
) -> npt.NDArray[np.int8]:
    """Return what the conditions come to, by a few lines of numpy for each of the four rules."""
    met = np.empty(len(EXPRESSIONS) * NODES, dtype=np.int8)
    factors = (0.0, 0.98, 1.1, 1.5 / 24.0 * 1000.0)
    for number, (chosen, index) in enumerate(slots):
        asked = cells[index]
        limit = factors[number] * asked[1] if number else np.full(asked.shape[1], 500.0)
        known = ~np.isnan(asked[0] + limit)
        truth = asked[0] > limit
        if number == 2:
            is_covered, share_known = asked[2] > 0.9, ~np.isnan(asked[2])
            false = (known & ~truth) | (share_known & ~is_covered)
            known, truth = false | (known & share_known), truth & is_covered & ~false
        met[chosen] = np.where(known, truth, -1)
    return met


def stepped_by_numpy(
    state: npt.NDArray[np.int64],
    since: npt.NDArray[np.int64],
    met: npt.NDArray[np.int8],
    holds: Holds,
    now_us: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the states after an evaluation, without hysteresis and keeping."""
    is_met = met == 1
    begins = is_met & (state == AlertState.INACTIVE)
    since = np.where(begins, now_us, since)
    fires = is_met & (state != AlertState.FIRING) & (now_us - since >= holds.for_us)
    state = np.where(begins, AlertState.PENDING, state)
    state = np.where(fires, AlertState.FIRING, state)
    return np.where(met == 0, AlertState.INACTIVE, state), since


@pytest.fixture(scope="session")
def tick_ms() -> list[float]:
    """Return how long ticks took in the parts so far. [ms]."""
    return []


@pytest.mark.usefixtures("part")
def test_ten_thousand_instances_within_a_millisecond(
    row: Callable[[int, str, str], None], tick_ms: list[float]
) -> None:
    began = time.perf_counter()
    rules = ten_thousand()
    compiling_s = time.perf_counter() - began
    count = len(rules.instances)
    assert count == len(EXPRESSIONS) * NODES
    slots = slots_of(rules)
    random = np.random.default_rng(7)
    states = States.inactive(count)
    plain = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    times, numpy_times, fired_count = [], [], 0
    for tick in range(200):
        cells = random.gamma(5.0, 100.0, len(rules.cells))
        cells[random.random(len(cells)) < 0.01] = np.nan
        start = time.process_time()
        found = evaluate(rules.conditions, cells)
        stepped = step(states, found.met, found.clear, rules.holds, now_us=tick * MINUTE_US)
        times.append(time.process_time() - start)
        states = stepped.states
        fired_count += int(stepped.fired.sum())
        start = time.process_time()
        met = met_by_numpy(slots, cells)
        plain = stepped_by_numpy(*plain, met, rules.holds, tick * MINUTE_US)
        numpy_times.append(time.process_time() - start)
        assert np.array_equal(found.met, met)
    assert fired_count > count / 10
    best, numpy_best = min(times), min(numpy_times)
    tick_ms += [1e3 * one for one in times[1:]]
    row(
        130,
        f"{count:,} instances of alert rules, one tick",
        f"{spread(tick_ms)} ms of one core",
    )
    print(
        f"\nalerts, {count} instances over {len(rules.cells)} cells: {1e3 * best:.3f} ms a tick "
        f"(median {1e3 * float(np.median(times)):.3f} ms); numpy by hand for these four rules, "
        f"without hysteresis and values to tell, {numpy_best / best:.1f} times as long; compiled "
        f"from rules in {compiling_s:.2f} s"
    )
    assert best < 1e-3
