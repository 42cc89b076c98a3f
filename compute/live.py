"""What a plant does now: rates of the last minute, by the same rules as every stored interval.

A point's rate is its amount in the trailing window over the time that its readings cover there. A
gauge's last value stands until the end of the window, for hold_us at most. A register or interval
point that covers none of the window is taken as it was in its own last window: a register for three
of its last steps (and hold_us at most), an interval point for two of its periods. What is older
than the window is marked HELD; after that it is not known. So a meter read every 5 s is gone a
minute after it fell silent, and a load recorder with a value per 15 min never blanks a drawing.

The rates of an hour are then settled like the amounts of an hour, so that derived flows, boundaries
and traced emissions are those of the stored results.
"""

from dataclasses import replace

import numpy as np

from compute.flow import outside_nodes, trace_intensity
from compute.intensity import intensity
from compute.periods import US_PER_HOUR
from compute.quality import Quality
from compute.readings import Readings
from compute.register import IntervalAmounts, interval_amounts
from compute.settle import ResultBlock, series_keys, settle
from compute.standard_coal import KGCE_PER_TCE
from compute.topology import Bool1D, CarrierFactors, Float1D, Int1D, PointKind, Points, Topology

# How long the last value of an interval point speaks: until the next one is late by a period.
_PERIODS_HELD = 2
# The same for a register, in distances of its last two readings.
_STEPS_HELD = 3
_KG_PER_T = KGCE_PER_TCE
# Every window is open and most are covered in part: that is what a rate is divided by.
_OF_THE_WINDOW = ~int(Quality.OPEN | Quality.PARTIAL)
_NEVER_US = -(1 << 62)


def trailing_rates(
    readings: Readings,
    *,
    topology: Topology,
    factors: CarrierFactors,
    end_us: int,
    window_us: int,
) -> ResultBlock:
    """Return every result of a site per hour, as it was in the window that ends at `end_us`.

    Parameters
    ----------
    readings : Readings
        Of the topology's points, around the window.
    topology : Topology
    factors : CarrierFactors
    end_us : int
        End of the window. [µs since 1970-01-01 UTC]
    window_us : int
        Its length. > 0. [µs]

    Returns
    -------
    rates : ResultBlock
        (s, 1), rows as `series_keys(topology)`. Amounts, energies and emissions are per hour, so
        energy_kwh is power in kW; NaN is not known.
    """
    rates = point_rates(readings, points=topology.points, end_us=end_us, window_us=window_us)
    return settle(topology, rates, factors, step_us=US_PER_HOUR)


def point_rates(
    readings: Readings, *, points: Points, end_us: int, window_us: int
) -> IntervalAmounts:
    """Return what every point would count in an hour at the rate of its window, each (p, 1)."""
    standing = _let_gauges_stand(readings, points, end_us)

    def amounts(of: Readings) -> IntervalAmounts:
        return interval_amounts(
            of, points=points, start_us=end_us - window_us, step_us=window_us, count=1
        )

    now = amounts(standing)
    last_us, late_us, held_us = _silence(readings, points, end_us)
    held = (now.covered_us[:, 0] == 0) & (late_us > 0) & (late_us <= held_us)
    if held.any():
        shift_us = np.repeat(np.where(held, late_us, 0), np.diff(standing.point_offset))
        then = amounts(replace(standing, ts_us=standing.ts_us + shift_us))
        now = replace(
            now,
            amount=np.where(held[:, np.newaxis], then.amount, now.amount),
            covered_us=np.where(held[:, np.newaxis], then.covered_us, now.covered_us),
            quality=np.where(held[:, np.newaxis], then.quality, now.quality),
        )
    is_old = (now.covered_us[:, 0] > 0) & (last_us <= end_us - window_us)
    quality = now.quality | np.where(is_old, int(Quality.HELD), 0)[:, np.newaxis]
    covered = now.covered_us > 0
    per_hour = np.divide(
        US_PER_HOUR, now.covered_us, out=np.full(covered.shape, np.nan), where=covered
    )
    return replace(
        now,
        amount=now.amount * per_hour,
        covered_us=np.where(covered, US_PER_HOUR, 0),
        quality=(quality & _OF_THE_WINDOW).astype(np.int32),
    )


def node_intensity_kgco2e_per_kwh(topology: Topology, rates: ResultBlock) -> Float1D:
    """Return the emission intensity at every node of a boundary.

    Parameters
    ----------
    topology : Topology
    rates : ResultBlock
        (s, 1), of `trailing_rates`.

    Returns
    -------
    intensity_kgco2e_per_kwh : (b,) float64
        Of the nodes that are boundaries, in order. Where energy passes the node itself: that of
        what leaves it (`compute.flow`); for a node that only encloses others: its emission over
        its consumption. NaN where nothing is consumed, or it is not known.
    """
    first = len(topology.points.code)
    flows = slice(first, first + len(topology.flow_code))
    energy_kwh = rates.energy_kwh[flows]
    missing = np.isnan(energy_kwh)
    moving_kwh = np.where(missing, 0.0, energy_kwh)
    own = np.stack([rates.emission_direct_tco2e[flows], rates.emission_purchased_tco2e[flows]])
    traced = trace_intensity(
        moving_kwh,
        emission_tco2e=np.where(missing, 0.0, own),
        flow_from_index=topology.flow_from_index,
        flow_to_index=topology.flow_to_index,
        node_kind=topology.node_kind,
    ).sum(axis=0)[:, 0]
    passing_kwh = np.zeros(len(topology.node_code))
    for ends in (topology.flow_from_index, topology.flow_to_index):
        np.add.at(passing_kwh, ends, np.abs(moving_kwh[:, 0]))
    inside = ~outside_nodes(topology.node_kind)
    total = [
        row
        for row, key in enumerate(series_keys(topology))
        if key.kind == "node" and not key.carrier
    ]
    enclosed = intensity(emission_tco2e(rates)[total], output=rates.energy_kwh[total, 0]).value
    return _KG_PER_T * np.where(passing_kwh[inside] > 0.0, traced[inside], enclosed)


def emission_tco2e(rates: ResultBlock) -> Float1D:
    """Return direct and purchased emission together, (s,); NaN if either is not known."""
    return rates.emission_direct_tco2e[:, 0] + rates.emission_purchased_tco2e[:, 0]


def _let_gauges_stand(readings: Readings, points: Points, end_us: int) -> Readings:
    """Return the readings with one more at the end of the window for every gauge that stands."""
    offset = readings.point_offset
    row = np.flatnonzero((np.array(points.kind) == int(PointKind.GAUGE)) & (np.diff(offset) > 0))
    last = offset[row + 1] - 1
    age_us = end_us - readings.ts_us[last]
    # An error after the last value says that the value stands no longer.
    stands = _is_number(readings)[last] & (age_us > 0) & (age_us <= np.array(points.hold_us)[row])
    row, last = row[stands], last[stands]
    added = np.zeros(len(points.code), dtype=np.int64)
    added[row] = 1
    return Readings(
        point_offset=offset + np.concatenate([[0], np.cumsum(added)]),
        ts_us=np.insert(readings.ts_us, last + 1, end_us),
        value=np.insert(readings.value, last + 1, readings.value[last]),
        quality=np.insert(readings.quality, last + 1, readings.quality[last]),
    )


def _is_number(readings: Readings) -> Bool1D:
    is_bad = (readings.quality & int(Quality.SOURCE_BAD)) != 0
    return np.asarray(np.isfinite(readings.value) & ~is_bad)


def _silence(readings: Readings, points: Points, end_us: int) -> tuple[Int1D, Int1D, Int1D]:
    """Return since when each point is silent, how long that is, and how long it may be, (p,) each.

    A point is silent from the end of what its readings cover to the end of the window.
    """
    kind, count = np.array(points.kind), len(points.code)
    period_us = np.array(points.period_us, dtype=np.int64)
    number = np.flatnonzero(_is_number(readings))
    # Where the numbers of each point begin and end among all numbers.
    first, after = (
        np.searchsorted(number, edge)
        for edge in (readings.point_offset[:-1], readings.point_offset[1:])
    )
    last_us, step_us = np.full(count, _NEVER_US), np.zeros(count, dtype=np.int64)
    some, several = after > first, after > first + 1
    last_us[some] = readings.ts_us[number[after[some] - 1]]
    step_us[several] = last_us[several] - readings.ts_us[number[after[several] - 2]]
    # Only an interval point has a period; stamped at its start, it covers what follows.
    last_us += np.where(points.stamped_at_end, 0, period_us)
    held_us = np.select(
        [kind == int(PointKind.REGISTER), kind == int(PointKind.INTERVAL)],
        [np.minimum(_STEPS_HELD * step_us, points.hold_us), _PERIODS_HELD * period_us],
        default=0,
    )
    return last_us, end_us - last_us, held_us
