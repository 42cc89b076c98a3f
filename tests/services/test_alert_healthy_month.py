"""Ready-made rules over a month of a healthy plant: nothing rings that nobody need come for."""

import copy
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from compute.periods import from_us, time_of_day, to_us
from compute.topology import Float1D
from services import open_sums
from services.alert_cells.past import PastCells
from services.alert_cells.wanted import Wanted
from services.alert_rules.compile import CompiledRules, StatedGroup, compile_rules
from services.alert_rules.facts import facts_of
from services.alert_rules.ready_made import ready_made
from services.alert_trial import Trial, play
from services.balance_figures import nodal_tests
from services.benchmark_periods import Clock
from services.plant.model import Plant
from tests.services.simulated_balances import (
    DAY_US,
    START_US,
    STEP_US,
    Simulated,
    demo_plant,
    simulate,
)

PRELUDE_DAYS, DAYS = 7, 31


def past_of(plant: Plant, month: Simulated) -> PastCells:
    known = month.span.described
    rows: dict[tuple[str, str, str], int] = {
        (key.kind, key.code, key.carrier): row for row, key in enumerate(known.keys)
    }
    roots = [
        code
        for code, parent in zip(known.arrays.node_code, known.arrays.node_parent_index, strict=True)
        if parent < 0 and ("node", code, "") in rows
    ]
    count = month.block.energy_kwh.shape[1]
    return PastCells(
        plant=plant,
        clock=Clock(plant.time_zone, time_of_day(0), STEP_US),
        rows=rows,
        block=open_sums.with_sum(month.block, [rows["node", code, ""] for code in roots]),
        starts_us=START_US + STEP_US * np.arange(count, dtype=np.int64),
        step_us=STEP_US,
        budgets={},
        roots=roots,
    )


def suspects_of(month: Simulated, flow: str) -> Float1D:
    """Return |z| of a flow where it stands out from a balance, else 0, by intervals."""
    code = month.span.described.balanced.network.code
    return np.array(
        [
            max(
                (abs(one.z) for one in found if flow in {code[row] for row in one.rows}),
                default=0.0,
            )
            for found in month.base.suspects
        ]
    )


def residuals_of(month: Simulated, node: str) -> Float1D:
    """Return |z| of what a node leaves over, by intervals."""
    network = month.span.described.balanced.network
    measured, sigma = month.base.measured_kwh, month.base.sigma_kwh
    return np.array(
        [
            nodal_tests(network, measured[:, j], sigma[:, j]).get(node, np.nan)
            for j in range(measured.shape[1])
        ]
    )


def budgets_of(month: PastCells, share: float) -> dict[tuple[str, str, str, int], float]:
    """Return budgets of so many times the highest day and demand, and what a month takes."""
    found: dict[tuple[str, str, str, int], float] = {}
    a_day = DAY_US // STEP_US
    firsts = month.starts_us[::a_day].tolist()
    # A month and a half: each month that begins, and the one that the first day is in.
    months = sorted({open_sums.bounds_us(month.clock, "month", first) for first in firsts})
    for quantity in ("emission_tco2e", "coal_equivalent_tce"):
        days = open_sums.quantity_of(month.block, quantity)[-1].reshape(-1, a_day).sum(axis=1)
        found |= {("", quantity, "day", first): share * float(days.max()) for first in firsts}
        for start, end in months:
            count = (end - start) // DAY_US
            found["", quantity, "month", start] = share * float(days.mean()) * count
    [root] = month.roots
    power_kwh = month.block.energy_kwh[month.rows["node", root, "electricity"]]
    kw = power_kwh * (3_600_000_000 / STEP_US)
    found |= {("", "demand_kw", "month", start): share * float(kw.max()) for start, _ in months}
    return found


def tried(
    month: Simulated, plant: Plant, *, share: float = 1.1, days: int = DAYS
) -> tuple[Trial, CompiledRules]:
    """Hold every ready-made rule against the month, interval by interval."""
    past = past_of(plant, month)
    past.budgets = budgets_of(past, share)
    groups = [StatedGroup(group, 0) for group in ready_made()]
    rules = compile_rules(groups, facts_of(plant.tenant, [plant]))
    values = np.full((len(rules.cells), len(past.starts_us)), np.nan)
    for place, cell in enumerate(rules.cells):
        if (cell.measure, cell.period) == ("suspect_z", "interval"):
            values[place] = suspects_of(month, cell.object)
        elif (cell.measure, cell.period) == ("residual_z", "interval"):
            values[place] = residuals_of(month, cell.object)
        elif cell.site:
            values[place] = past.values(Wanted(place, cell))
    ends_us = past.starts_us + STEP_US
    start, end = (from_us(START_US + at * DAY_US) for at in (PRELUDE_DAYS, PRELUDE_DAYS + days))
    return play(rules, values, ends_us, start=start, end=end, is_fine=True), rules


@pytest.fixture(scope="module")
def month() -> Simulated:
    """Give a month of the demo's foundry, whose meters are read every quarter of an hour."""
    return simulate(demo_plant(), day_count=PRELUDE_DAYS + DAYS, read_every_us=STEP_US)


def test_none_rings_over_a_healthy_month(month: Simulated) -> None:
    trial, rules = tried(month, demo_plant())
    looked_at = {one.rule.rule.alert for one in rules.instances}
    assert looked_at > {"CarbonRateHigh", "CarbonMonthPace", "BalanceOut", "MeterSuspect"}
    assert {one.alert: one.count for one in trial.rules if one.count} == {}


def test_those_of_budgets_ring_when_they_are_not_kept(month: Simulated) -> None:
    """They are the same rules: only what is allowed is less."""
    trial, _ = tried(month, demo_plant(), share=0.7)
    ringing = {one.alert for one in trial.rules if one.count}
    assert ringing == {
        "CarbonRateHigh",
        "CarbonDayPace",
        "CarbonDayExceeded",
        "CarbonMonthPace",
        "EnergyDayPace",
        "EnergyMonthPace",
        "DemandWillExceed",
        "DemandNearLimit",
    }
    # Once for a day, not once for an hour.
    assert max(one.day_most for one in trial.rules if one.alert.startswith("Carbon")) <= 2


@pytest.mark.parametrize("first_day", [29, 30], ids=["the first of April", "the second"])
def test_a_wasteful_day_rings_on_any_day_of_a_month(month: Simulated, first_day: int) -> None:
    """On the first of a month there is nothing of it to compare the day with."""
    assert from_us(START_US + 29 * DAY_US + 8 * 3_600_000_000).date() == date(2025, 4, 1)
    block = copy.deepcopy(month.block)
    wasted = slice(first_day * DAY_US // STEP_US, (first_day + 1) * DAY_US // STEP_US)
    for name in ("coal_equivalent_tce", "emission_direct_tco2e", "emission_purchased_tco2e"):
        getattr(block, name)[:, wasted] *= 1.5
    trial, _ = tried(replace(month, block=block), demo_plant(), share=2.0)
    began = START_US + first_day * DAY_US
    assert {one.alert for one in trial.rules if one.count} == {
        "CarbonIntensityHigh",
        "EnergyIntensityHigh",
    }
    assert all(began < to_us(one.fired_at) < began + DAY_US for one in trial.times)


def test_a_wrong_meter_is_told_by_its_balance_and_by_its_name() -> None:
    """The meter of the grid shows 10 % more than it lets through, for two days."""
    shown = simulate(
        demo_plant(),
        day_count=PRELUDE_DAYS + 2,
        shown_as={"utility": 1.1},
        read_every_us=STEP_US,
    )
    trial, _ = tried(shown, demo_plant(), days=2)
    ringing = {one.alert: one.count for one in trial.rules if one.count}
    assert ringing.keys() >= {"BalanceOut", "MeterSuspect"}
    assert ringing["BalanceOut"] <= 2
