"""From dirty marks to results: load, compute, keep, in one transaction.

A base interval that anything touches is computed whole, from the raw readings around it and the
facts of its time. Nothing is added up in place, so it does not matter in which order, how often or
how late readings came.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

import numpy as np
import numpy.typing as npt

from compute.block import ResultBlock
from compute.checks import Mark, check_readings, frozen_intervals, imbalance, marks_of
from compute.decisions import ACTIONS, Action, Decisions, decided
from compute.periods import US_PER_HOUR, Grain, from_us, period_edges_us, to_us
from compute.quality import Quality
from compute.readings import Readings
from compute.register import CONTEXT_AFTER, CONTEXT_BEFORE, IntervalAmounts, interval_amounts
from compute.rollup import rollup
from compute.settle import settle
from compute.topology import PointKind
from services.provenance import FORMULA, VERSION, interval_hashes
from services.rollup_rows import block_of, columns_of
from services.site_model import Described, SiteModel, Span, described_at
from services.store import data_audit, events, readings, results
from services.store.data_audit import FindingMark, StandingDecision
from services.store.pool import Connection

# Readings this far around a window come with it in one query; what lies farther is looked up.
_SLAB_US = 3_600_000_000
# Base intervals of one pass: bounds memory, whatever the span of the dirty marks.
_INTERVALS_MAX = 3000

_Window = tuple[int, int]

_FROZEN = int(Quality.FROZEN)
_UNSETTLED = (
    Quality.OPEN | Quality.MISSING | Quality.PARTIAL | Quality.INTERPOLATED | Quality.DERIVED
)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What one pass did: base intervals computed, and the span they lie in, if any."""

    interval_count: int
    span: _Window | None


async def recompute(
    connection: Connection, model: SiteModel, dirty: Sequence[results.Dirty], *, at: datetime
) -> Recomputed:
    """Compute everything again that the marks touch.

    Parameters
    ----------
    connection : Connection
        In the transaction that took the marks: they are gone if and only if results are kept.
    model : SiteModel
    dirty : sequence of Dirty
    at : datetime
        Now, for the provenance and the event.
    """
    known = await results.point_spans(connection, model.point_ids())
    spans = _widen(known, dirty)
    review = _review(await data_audit.standing_decisions(connection, model.site.id))
    windows = await _windows(connection, model, dirty, spans, review)
    computed: list[_Window] = []
    for window in windows:
        for span in model.spans(*window):
            for start_us in range(span.start_us, span.end_us, _INTERVALS_MAX * _step(model)):
                end_us = min(start_us + _INTERVALS_MAX * _step(model), span.end_us)
                window_us = (start_us, end_us)
                await _compute(connection, model, span, window_us, spans, review, at)
                computed.append((start_us, end_us))
    if not computed:
        return Recomputed(0, None)
    for grain, source in (
        (Grain.HOUR, Grain.BASE),
        (Grain.DAY, Grain.BASE),
        (Grain.MONTH, Grain.DAY),
    ):
        await _roll_up(connection, model, computed, grain=grain, source=source)
    span_us = (computed[0][0], computed[-1][1])
    await _announce(connection, model, span_us, at)
    count = sum((b - a) // _step(model) for a, b in computed)
    return Recomputed(count, span_us)


@dataclass(frozen=True, slots=True)
class _Review:
    """What people decided that changes numbers: (point, instant, action, value), in order."""

    about: list[tuple[int, int, Action, float]]
    left_out_count: Mapping[int, int]  # by point: readings that may have to be passed over


def _review(standing: Sequence[StandingDecision]) -> _Review:
    about: list[tuple[int, int, Action, float]] = []
    for decision in standing:
        action = _action(decision)
        if action is not None:
            value = np.nan if decision.value is None else decision.value
            about += [(decision.point_id, to_us(at), action, value) for at in decision.at]
    left_out = Counter(point for point, _, action, _ in about if action is Action.LEAVE_OUT)
    return _Review(about, left_out)


def _action(decision: StandingDecision) -> Action | None:
    if decision.kind == "correct":
        return Action.LEAVE_OUT if decision.value is None else Action.REPLACE
    return ACTIONS.get((decision.kind, decision.check_name))


def _step(model: SiteModel) -> int:
    return model.site.base_interval_us


def _widen(known: dict[int, _Window], dirty: Sequence[results.Dirty]) -> dict[int, _Window]:
    """Return first and last reading of each point, the marked ones included."""
    spans = dict(known)
    for mark in dirty:
        for point, first, last in zip(
            mark.point_id.tolist(), mark.first_us.tolist(), mark.last_us.tolist(), strict=False
        ):
            old = spans.get(point, (first, last))
            spans[point] = (min(old[0], first), max(old[1], last))
    return spans


async def _windows(
    connection: Connection,
    model: SiteModel,
    dirty: Sequence[results.Dirty],
    spans: dict[int, _Window],
    review: _Review,
) -> list[_Window]:
    """Return the disjoint windows of base intervals that the marks touch, oldest first.

    A reading reaches from the readings before it to those after it of its point: as far as the
    rules for registers look.
    """
    period = _period_by_point(model)
    raw = [
        window
        for mark in dirty
        if not len(mark.point_id)
        for window in _of_site(mark, spans, period)
    ]
    marks = [mark for mark in dirty if len(mark.point_id)]
    if marks:
        point = np.concatenate([mark.point_id for mark in marks])
        first = np.concatenate([mark.first_us for mark in marks])
        last = np.concatenate([mark.last_us for mark in marks])
        start = await _reach(connection, point, first, spans, review, before=True)
        end = await _reach(connection, point, last + 1, spans, review, before=False)
        before, after = (
            np.array([period.get(p, (0, 0))[side] for p in point.tolist()], dtype=np.int64)
            for side in (0, 1)
        )
        end += after + 1
        raw += list(zip((start - before).tolist(), end.tolist(), strict=True))
    step = _step(model)
    aligned = [(a // step * step, -(-b // step) * step) for a, b in raw]
    changed = None if len(marks) < len(dirty) else {int(p) for m in marks for p in m.point_id}
    # After a change an interval may be frozen, or be so no more, for as long as the limit says.
    return _merged(
        [(a, await _thaw_end(connection, model, b, changed, spans)) for a, b in _merged(aligned)]
    )


async def _thaw_end(
    connection: Connection,
    model: SiteModel,
    end_us: int,
    changed: set[int] | None,
    spans: dict[int, _Window],
) -> int:
    """Return up to where after a window the amounts of changed points stay as they are."""
    step = _step(model)
    described = described_at(model, end_us)
    if described is None:
        return end_us
    rows = [
        row
        for row, point in enumerate(described.point_id.tolist())
        if (changed is None or point in changed) and point in spans and spans[point][1] >= end_us
    ]
    runs = await results.runs_after(
        connection,
        series_ids=described.series_id[rows].tolist(),
        until_us=(end_us + described.checks.frozen_us[rows]).tolist(),
        is_register=(described.arrays.points.kind[rows] == int(PointKind.REGISTER)).tolist(),
        at_us=end_us,
        step_us=step,
    )
    return end_us + int(runs.max(initial=0)) * step


def _merged(windows: Sequence[_Window]) -> list[_Window]:
    """Return windows as disjoint ones, oldest first."""
    merged: list[list[int]] = []
    for a, b in sorted(windows):
        if merged and a <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], b)
        else:
            merged.append([a, b])
    return [(a, b) for a, b in merged]


def _of_site(
    mark: results.Dirty, spans: dict[int, _Window], period: dict[int, _Window]
) -> Iterator[_Window]:
    """Yield where a mark of a whole site meets what each point's readings can cover.

    So a site that is computed again has a result where one was before, and nowhere else.
    """
    for point, (first_us, last_us) in spans.items():
        before_us, after_us = period.get(point, (0, 0))
        start_us = max(int(mark.first_us[0]), first_us) - before_us
        end_us = min(int(mark.last_us[0]), last_us + 2) + after_us
        if start_us < end_us:
            yield start_us, end_us


def _period_by_point(model: SiteModel) -> dict[int, _Window]:
    """Return how long before and after its stamp the period of an interval point reaches."""
    longest: dict[int, _Window] = {}
    for described in model.described:
        points = described.arrays.points
        for point, period, at_end in zip(
            described.point_id.tolist(),
            points.period_us.tolist(),
            points.stamped_at_end.tolist(),
            strict=True,
        ):
            before, after = longest.get(point, (0, 0))
            longest[point] = (
                max(before, period if at_end else 0),
                max(after, 0 if at_end else period),
            )
    return longest


async def _reach(
    connection: Connection,
    point: npt.NDArray[np.int32],
    instant_us: npt.NDArray[np.int64],
    spans: dict[int, _Window],
    review: _Review,
    *,
    before: bool,
) -> npt.NDArray[np.int64]:
    """Return how far a change at an instant reaches: to the context readings beside it."""
    reach = instant_us.copy()
    # A point that has no reading beyond the instant needs no look-up: live data, mostly.
    ask = [
        index
        for index, (p, us) in enumerate(zip(point.tolist(), instant_us.tolist(), strict=True))
        if (spans[p][0] < us if before else spans[p][1] >= us)
    ]
    columns = await readings.read_neighbours(
        connection,
        point_ids=[int(point[index]) for index in ask],
        instants_us=[int(instant_us[index]) for index in ask],
        # What an interval looks back on, a reading reaches forward to, and the other way round.
        count=(CONTEXT_AFTER if before else CONTEXT_BEFORE)
        + max((review.left_out_count.get(int(point[index]), 0) for index in ask), default=0),
        before=before,
    )
    place = np.array(ask, dtype=np.int64)[columns[4]]
    if before:
        np.minimum.at(reach, place, columns[0])
    else:
        np.maximum.at(reach, place, columns[0])
    return reach


async def _compute(
    connection: Connection,
    model: SiteModel,
    span: Span,
    window: _Window,
    spans: dict[int, _Window],
    review: _Review,
    at: datetime,
) -> None:
    """Compute and keep the base intervals of one window."""
    described, step = span.described, _step(model)
    start_us, end_us = window
    count = (end_us - start_us) // step
    points = described.arrays.points
    loaded = await _load(connection, described, window, spans, review)
    failures = check_readings(loaded, points=points, limits=described.checks)
    used = decided(loaded, _decisions(described, review))
    of_used = failures
    if used is not loaded:
        of_used = check_readings(used, points=points, limits=described.checks)
    used = replace(used, quality=used.quality | of_used.quality())
    amounts = interval_amounts(used, points=points, start_us=start_us, step_us=step, count=count)
    frozen = await _frozen(connection, described, amounts, start_us, step)
    amounts = replace(
        amounts, quality=amounts.quality | np.where(frozen, _FROZEN, 0).astype(np.int32)
    )
    block = settle(described.arrays, amounts, span.factors, step_us=step)
    marks = list(marks_of(loaded, failures, points=points, window_us=window, step_us=step))
    marks += await _ahead_marks(connection, described, window, step)
    found = [_of_point(described, mark) for mark in marks]
    found += _balance_marks(described, block, window, step)
    found += _frozen_marks(described, amounts, frozen, window, step)
    await data_audit.put_findings(connection, found, site_id=model.site.id, span_us=window, at=at)
    ts_us = start_us + step * np.arange(count, dtype=np.int64)
    columns = columns_of(block, series_id=described.series_id, ts_us=ts_us)
    await results.put_results(
        connection,
        columns,
        grain=Grain.BASE,
        others=model.fleeting_series_ids(described),
        span_us=window,
    )
    factor_set = await results.put_factor_set(
        connection, tenant_id=model.site.tenant_id, factors=span.factor_use
    )
    await results.put_provenance(
        connection,
        site_id=model.site.id,
        ts_us=ts_us.tolist(),
        input_hashes=interval_hashes(amounts),
        origin=results.Origin(FORMULA, factor_set, described.version_id, VERSION),
        at=at,
    )
    await _keep_states(connection, described, loaded)


def _decisions(described: Described, review: _Review) -> Decisions:
    row = {point: index for index, point in enumerate(described.point_id.tolist())}
    about = [(row[point], *rest) for point, *rest in review.about if point in row]
    rows, ts_us, actions, values = zip(*about, strict=True) if about else ((), (), (), ())
    return Decisions(
        row=np.array(rows, dtype=np.int64),
        ts_us=np.array(ts_us, dtype=np.int64),
        action=np.array(actions, dtype=np.int32),
        value=np.array(values, dtype=np.float64),
    )


def _of_point(described: Described, mark: Mark) -> FindingMark:
    # The series of the points come first, in their order.
    series_id = int(described.series_id[mark.row])
    return FindingMark(series_id, mark.check, mark.start_us, mark.at_us, mark.value, mark.limit)


async def _ahead_marks(
    connection: Connection, described: Described, window: _Window, step: int
) -> list[Mark]:
    """Return where the clock of a gateway ran ahead: a matter of receipt, never of amounts."""
    row = {point: index for index, point in enumerate(described.point_id.tolist())}
    ahead = await data_audit.ahead_readings(
        connection, point_ids=described.point_id.tolist(), span_us=window
    )
    limit_s = described.clock_ahead_s
    late = sorted(
        (row[point], us // step * step, us, seconds)
        for us, point, seconds in ahead
        if seconds > limit_s[row[point]]
    )
    marks = []
    for (index, start_us), group in groupby(late, key=lambda item: item[:2]):
        members = list(group)
        at_us = tuple(us for _, _, us, _ in members)
        marks.append(Mark(index, "skew", start_us, at_us, members[0][3], limit_s[index]))
    return marks


async def _frozen(
    connection: Connection,
    described: Described,
    amounts: IntervalAmounts,
    start_us: int,
    step: int,
) -> npt.NDArray[np.bool_]:
    """Return where points are frozen; what lies before the window is taken from its results."""
    points, limits = described.arrays.points, described.checks
    first = amounts.amount[:, 0]
    whole = amounts.covered_us[:, 0] >= step
    rows = np.flatnonzero(whole & ((points.kind != int(PointKind.REGISTER)) | (first == 0.0)))
    before = np.zeros(len(points.code), dtype=np.int64)
    before[rows] = await results.runs_before(
        connection,
        series_ids=described.series_id[rows].tolist(),
        amounts=first[rows].tolist(),
        since_us=(start_us - limits.frozen_us[rows]).tolist(),
        at_us=start_us,
        step_us=step,
    )
    return frozen_intervals(amounts, points=points, limits=limits, step_us=step, before=before)


def _frozen_marks(
    described: Described,
    amounts: IntervalAmounts,
    frozen: npt.NDArray[np.bool_],
    window: _Window,
    step: int,
) -> list[FindingMark]:
    return [
        FindingMark(
            int(described.series_id[row]),
            "frozen",
            window[0] + int(interval) * step,
            (),
            float(amounts.amount[row, interval]),
            described.checks.frozen_us[row] / US_PER_HOUR,
        )
        for row, interval in zip(*np.nonzero(frozen), strict=True)
    ]


def _balance_marks(
    described: Described, block: ResultBlock, window: _Window, step: int
) -> list[FindingMark]:
    """Mark the residuals beyond tolerance, in the results too, and return where they are."""
    flows = [index for index, key in enumerate(described.keys) if key.kind == "flow"]
    nodes = [index for index, key in enumerate(described.keys) if key.kind == "residual"]
    share = imbalance(block.energy_kwh[flows], topology=described.arrays)
    # What is not covered yet, or was withheld, is told by other checks.
    sound = (block.quality[nodes] & int(_UNSETTLED)) == 0
    beyond = (np.abs(share) > described.tolerance[:, np.newaxis]) & sound
    for row, interval in zip(*np.nonzero(beyond), strict=True):
        block.quality[nodes[row], interval] |= int(Quality.UNBALANCED)
    return [
        FindingMark(
            int(described.series_id[nodes[row]]),
            "balance",
            window[0] + int(interval) * step,
            (),
            float(share[row, interval]),
            float(described.tolerance[row]),
        )
        for row, interval in zip(*np.nonzero(beyond), strict=True)
    ]


async def _load(
    connection: Connection,
    described: Described,
    window: _Window,
    spans: dict[int, _Window],
    review: _Review,
) -> Readings:
    """Read a window of every point, with the context readings on both sides."""
    slab = (window[0] - _SLAB_US, window[1] + _SLAB_US)
    points = [p for p in described.point_id.tolist() if p in spans]
    parts = [
        await readings.read_window(connection, point_ids=points, start_us=slab[0], end_us=slab[1])
    ]
    ts_us, point, value = parts[0][:3]
    for before, edge, needed in (
        (True, slab[0], CONTEXT_BEFORE),
        (False, slab[1], CONTEXT_AFTER),
    ):
        outside = ts_us < window[0] if before else ts_us >= window[1]
        beside = point[outside & ~np.isnan(value)]
        have = dict(zip(*(a.tolist() for a in np.unique(beside, return_counts=True)), strict=True))
        # A reading that is left out tells nothing: one more is needed for each.
        needed_of = {p: needed + review.left_out_count.get(p, 0) for p in points}
        lacking = [
            p
            for p in points
            if have.get(p, 0) < needed_of[p]
            and (spans[p][0] < edge if before else spans[p][1] >= edge)
        ]
        for number, group in groupby(sorted(lacking, key=lambda p: needed_of[p]), needed_of.get):
            chosen = list(group)
            parts.append(
                await readings.read_neighbours(
                    connection,
                    point_ids=chosen,
                    instants_us=[edge] * len(chosen),
                    count=number or needed,
                    before=before,
                )
            )
    columns = [np.concatenate([part[index] for part in parts]) for index in range(4)]
    place = {p: index for index, p in enumerate(described.point_id.tolist())}
    row = np.array([place[p] for p in columns[1].tolist()], dtype=np.int64)
    order = np.lexsort((columns[0], row))
    offset = np.searchsorted(row[order], np.arange(len(described.point_id) + 1))
    return Readings(
        point_offset=offset.astype(np.int64),
        ts_us=columns[0][order],
        value=columns[2][order],
        quality=columns[3][order],
    )


async def _keep_states(connection: Connection, described: Described, loaded: Readings) -> None:
    """Note first and last reading of each point that was loaded."""
    filled = np.flatnonzero(np.diff(loaded.point_offset))
    first, last = loaded.point_offset[filled], loaded.point_offset[filled + 1] - 1
    await results.put_point_states(
        connection,
        point_id=described.point_id[filled],
        first_us=loaded.ts_us[first],
        last_us=loaded.ts_us[last],
        last_value=loaded.value[last],
        last_quality=loaded.quality[last],
    )


async def _roll_up(
    connection: Connection,
    model: SiteModel,
    computed: Sequence[_Window],
    *,
    grain: Grain,
    source: Grain,
) -> None:
    """Add up every period of a grain that holds a computed interval, from the grain below."""
    site, series_id = model.site, np.array(model.all_series_id, dtype=np.int32)
    fleeting = model.fleeting_series_ids()
    done_us = -1
    for start_us, end_us in computed:
        edges = period_edges_us(
            from_us(max(start_us, done_us)),
            from_us(max(end_us, done_us)),
            grain=grain,
            time_zone=site.time_zone,
            day_start=model.day_start,
            base_interval_us=site.base_interval_us,
        )
        done_us = max(done_us, int(edges[-1]))
        for first in range(0, len(edges) - 1, _periods_max(grain)):
            part = edges[first : first + _periods_max(grain) + 1]
            rows = await results.read_results(
                connection,
                series_ids=series_id.tolist(),
                grain=source,
                start_us=int(part[0]),
                end_us=int(part[-1]),
            )
            block, ts_us = block_of(rows, series_id=series_id)
            offset = np.searchsorted(ts_us, part).astype(np.int64)
            rolled: ResultBlock = rollup(block, offset)
            columns = columns_of(rolled, series_id=series_id, ts_us=part[:-1], only_filled=True)
            await results.put_results(
                connection,
                columns,
                grain=grain,
                others=fleeting,
                span_us=(int(part[0]), int(part[-1])),
            )


def _periods_max(grain: Grain) -> int:
    return {Grain.HOUR: 768, Grain.DAY: 32, Grain.MONTH: 12}[grain]


async def _announce(
    connection: Connection, model: SiteModel, span_us: _Window, at: datetime
) -> None:
    await events.add_event(
        connection,
        tenant_id=model.site.tenant_id,
        site_id=model.site.id,
        kind="results",
        at=at,
        payload={
            "site": model.site.code,
            "start": from_us(span_us[0]).isoformat(),
            "end": from_us(span_us[1]).isoformat(),
        },
    )
