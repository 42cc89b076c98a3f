"""Points and readings for tests, from lists; and Hypothesis strategies for hard ones."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from compute.quality import Quality
from compute.register import (
    CONTEXT_AFTER,
    CONTEXT_BEFORE,
    IntervalAmounts,
    Readings,
    interval_amounts,
)
from compute.topology import Changes, PointKind, Points
from tests.twins.register import Change, Point, Reading

MINUTE_US = 60_000_000
STEP_US = 15 * MINUTE_US
# Midnight of 2026-01-01 in UTC, a multiple of every step.
START_US = 1_767_225_600_000_000


def points_of(points: Sequence[Point]) -> Points:
    return Points(
        code=tuple(f"P{row}" for row in range(len(points))),
        kind=np.array([point.kind for point in points], dtype=np.int32),
        scale=np.array([point.scale for point in points], dtype=np.float64),
        modulus=np.array([point.modulus for point in points], dtype=np.float64),
        step_rate_max=np.array([point.step_rate_max for point in points], dtype=np.float64),
        resolution=np.array([point.resolution for point in points], dtype=np.float64),
        hold_us=np.array([point.hold_us for point in points], dtype=np.int64),
        period_us=np.array([point.period_us for point in points], dtype=np.int64),
        stamped_at_end=np.array([point.stamped_at_end for point in points], dtype=np.bool_),
        changes=_changes_of(points),
    )


def _changes_of(points: Sequence[Point]) -> Changes:
    rows = [(i, change) for i, point in enumerate(points) for change in point.life]

    def column(name: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        return np.array([getattr(change, name) for _, change in rows], dtype=dtype)

    return Changes(
        point_index=np.array([i for i, _ in rows], dtype=np.int32),
        at_us=column("at_us", np.int64),
        scale=column("scale", np.float64),
        modulus=column("modulus", np.float64),
        step_rate_max=column("step_rate_max", np.float64),
        resolution=column("resolution", np.float64),
        last_raw=column("last_raw", np.float64),
        first_raw=column("first_raw", np.float64),
        goes_on=column("goes_on", np.bool_),
        ends=column("ends", np.bool_),
    )


def readings_of(rows: Sequence[Sequence[Reading]]) -> Readings:
    flat = [reading for row in rows for reading in row]
    return Readings(
        point_offset=np.cumsum([0, *(len(row) for row in rows)]).astype(np.int64),
        ts_us=np.array([reading.ts_us for reading in flat], dtype=np.int64),
        value=np.array([reading.value for reading in flat], dtype=np.float64),
        quality=np.array([reading.quality for reading in flat], dtype=np.int32),
    )


def amounts_of(
    rows: Sequence[Sequence[Reading]],
    points: Sequence[Point],
    *,
    count: int,
    start_us: int = START_US,
    step_us: int = STEP_US,
) -> IntervalAmounts:
    return interval_amounts(
        readings_of(rows),
        points=points_of(points),
        start_us=start_us,
        step_us=step_us,
        count=count,
    )


def every(minutes: float, values: Sequence[float], *, start_us: int = START_US) -> list[Reading]:
    """Return readings at a steady pace."""
    return [
        Reading(start_us + round(i * minutes * MINUTE_US), value) for i, value in enumerate(values)
    ]


def around(row: Sequence[Reading], begin_us: int, end_us: int) -> list[Reading]:
    """Return what the store would load for a window: its readings and the context of numbers."""
    before = [reading for reading in row if reading.ts_us < begin_us and reading.is_number]
    inside = [reading for reading in row if begin_us <= reading.ts_us < end_us]
    after = [reading for reading in row if reading.ts_us >= end_us and reading.is_number]
    return [*before[-CONTEXT_BEFORE:], *inside, *after[:CONTEXT_AFTER]]


def total(amounts: IntervalAmounts, row: int = 0) -> float:
    return math.fsum(value for value in amounts.amount[row] if not math.isnan(value))


def has(amounts: IntervalAmounts, quality: Quality) -> list[bool]:
    return [bool(mask & quality) for mask in amounts.quality[0]]


# Times between readings: dense, on the grid, beside it, and gaps.
_PAUSES_US = st.sampled_from(
    [1, MINUTE_US, 5 * MINUTE_US - 1, 5 * MINUTE_US, STEP_US, STEP_US + 1, 47 * MINUTE_US, 10**10]
) | st.integers(1, 40 * MINUTE_US)
_QUALITIES = st.sampled_from(
    [
        *(0, 0, 0, 0),
        Quality.SOURCE_BAD,
        Quality.QOS0,
        Quality.SOURCE_UNCERTAIN,
        Quality.CONFLICT,
        Quality.ACCEPTED,
    ]
)
# What a register does next, in tenths: count, stand, jitter, dip, jump, start again.
_MOVES = st.sampled_from([0, 1, 1, 2, 5, 10, 30, -1, -2, -30, 40, 900, -900, 5000, -5000])
_EXTREMES = st.sampled_from(
    [0.0, -0.0, 1e15, -1e15, 1e308, -1e308, math.nan, math.inf, 0.1, 5e-324]
)


@st.composite
def register_readings(draw: st.DrawFn, extremes: bool = True) -> list[Reading]:  # noqa: FBT001, FBT002
    tenths = draw(st.integers(0, 9999))
    ts_us = START_US + draw(st.integers(-(2 * 10**10), 2 * 10**10))
    row = []
    for _ in range(draw(st.integers(0, 25))):
        ts_us += draw(_PAUSES_US)
        tenths += draw(_MOVES)
        value = tenths % 10000 / 10
        if extremes and draw(st.integers(0, 12)) == 0:
            value = draw(_EXTREMES)
        row.append(Reading(ts_us, value, int(draw(_QUALITIES))))
    return row


@st.composite
def any_readings(draw: st.DrawFn) -> list[Reading]:
    ts_us = START_US + draw(st.integers(-(10**10), 10**10))
    row = []
    for _ in range(draw(st.integers(0, 20))):
        ts_us += draw(_PAUSES_US)
        value = draw(st.floats(-1e6, 1e6, width=32) | st.just(math.nan))
        row.append(Reading(ts_us, value, int(draw(_QUALITIES))))
    return row


registers = st.builds(
    Point,
    kind=st.just(PointKind.REGISTER),
    scale=st.sampled_from([1.0, 0.001, 2400.0, -1.0]),
    modulus=st.sampled_from([math.nan, 1000.0]),
    step_rate_max=st.sampled_from([math.inf, 0.001, 0.01, 1.0]),
    resolution=st.sampled_from([0.0, 0.1]),
    hold_us=st.sampled_from([0, STEP_US, 10**10]),
)
gauges = st.builds(
    Point,
    kind=st.just(PointKind.GAUGE),
    scale=st.sampled_from([1.0, 0.001]),
    hold_us=st.sampled_from([0, MINUTE_US, STEP_US, 10**10]),
)
interval_points = st.builds(
    Point,
    kind=st.just(PointKind.INTERVAL),
    scale=st.sampled_from([1.0, 0.001]),
    period_us=st.sampled_from([MINUTE_US, 5 * MINUTE_US, 7 * MINUTE_US, STEP_US, 4 * STEP_US]),
    stamped_at_end=st.booleans(),
)


@st.composite
def lives(draw: st.DrawFn, points: st.SearchStrategy[Point]) -> Point:
    """Return a point with changes in its life, some at the instants of readings."""
    point = draw(points)
    instants = st.integers(-40, 300).map(lambda minute: START_US + minute * MINUTE_US)
    at_us = draw(st.lists(instants, min_size=1, max_size=3, unique=True))
    levels = st.sampled_from([math.nan, math.nan, 0.0, 500.5, 999.9])
    changes = []
    for row, at in enumerate(sorted(at_us)):
        ends = row + 1 == len(at_us) and draw(st.integers(0, 5)) == 0
        other = not ends and draw(st.booleans())
        last = draw(levels)
        changes.append(
            Change(
                at_us=at,
                scale=draw(st.sampled_from([point.scale, 2.0, 2400.0])),
                modulus=draw(st.sampled_from([point.modulus, 1000.0])),
                step_rate_max=draw(st.sampled_from([point.step_rate_max, 0.01])),
                resolution=point.resolution,
                last_raw=last,
                first_raw=draw(st.sampled_from([0.0, 700.0])) if other else last,
                goes_on=not other and not ends,
                ends=ends,
            )
        )
    return replace(point, life=tuple(changes))
