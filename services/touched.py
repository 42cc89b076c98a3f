"""Which base intervals of a site the marks of readings and facts touch."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from compute.register import CONTEXT_AFTER, CONTEXT_BEFORE
from compute.topology import PointKind
from services.site_model import SiteModel, described_at
from services.store import dirty_marks, readings, results, runs
from services.store.pool import Connection

Window = tuple[int, int]

_Marks = tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]


async def known_spans(
    connection: Connection, model: SiteModel, dirty: Sequence[dirty_marks.Dirty]
) -> dict[int, Window]:
    """Return from when until when each point's values are known. [µs since 1970 UTC].

    That is from its first to its last reading, the marked ones included, and on to where somebody
    read its register beside these.
    """
    known = await results.point_spans(connection, model.point_ids())
    return _stated(model, _widen(known, dirty))


def _widen(known: dict[int, Window], dirty: Sequence[dirty_marks.Dirty]) -> dict[int, Window]:
    """Return first and last reading of each point, the marked ones included."""
    spans = dict(known)
    for mark in (mark for mark in dirty if not mark.of_facts):
        for point, first, last in zip(
            mark.point_id.tolist(), mark.first_us.tolist(), mark.last_us.tolist(), strict=False
        ):
            old = spans.get(point, (first, last))
            spans[point] = (min(old[0], first), max(old[1], last))
    return spans


def _stated(model: SiteModel, spans: dict[int, Window]) -> dict[int, Window]:
    """Return the spans of points, widened to where somebody read the registers of those known."""
    wider = dict(spans)
    for p, (begins, ends) in _stated_levels(model).items():
        if p in spans:
            first, last = spans[p]
            wider[p] = (min(first, *begins, first), max(last, *ends, last))
    return wider


def _stated_levels(model: SiteModel) -> dict[int, tuple[list[int], list[int]]]:
    """Return when somebody read the register of each point: where it began, and where it ended."""
    levels: dict[int, tuple[list[int], list[int]]] = {}
    for described in model.described:
        changes = described.arrays.points.changes
        point = described.point_id[changes.point_index]
        for side, column in enumerate((changes.first_raw, changes.last_raw)):
            stated = ~np.isnan(column)
            for p, at_us in zip(
                point[stated].tolist(), changes.at_us[stated].tolist(), strict=True
            ):
                levels.setdefault(p, ([], []))[side].append(at_us)
    return levels


async def touched_windows(
    connection: Connection,
    model: SiteModel,
    dirty: Sequence[dirty_marks.Dirty],
    spans: dict[int, Window],
    *,
    left_out_count: Mapping[int, int],
) -> list[Window]:
    """Return the disjoint windows of base intervals that the marks touch, oldest first.

    A reading reaches from the readings before it to those after it of its point: as far as the
    rules for registers look, past those that people left out.
    """
    period = _period_by_point(model)
    raw = [
        window
        for mark in dirty
        if not len(mark.point_id)
        for window in _of_site(mark, spans, period)
    ]
    marks = [mark for mark in dirty if len(mark.point_id) and not mark.of_facts]
    if marks:
        point, first, last = _adjoining(_joined(marks), model.site.base_interval_us)
        start = await _reach(connection, point, first, spans, left_out_count, before=True)
        end = await _reach(connection, point, last + 1, spans, left_out_count, before=False)
        start, end = _to_levels(model, (point, first, last), (start, end), spans)
        before, after = _periods(period, point)
        end += after + 1
        raw += list(zip((start - before).tolist(), end.tolist(), strict=True))
    marks = [mark for mark in dirty if mark.of_facts]
    if marks:
        raw += await _of_facts(connection, model, _joined(marks), spans, period, left_out_count)
    step = model.site.base_interval_us
    aligned = [(a // step * step, -(-b // step) * step) for a, b in raw]
    is_whole = any(not len(mark.point_id) for mark in dirty)
    changed = None if is_whole else {int(p) for mark in dirty for p in mark.point_id}
    # After a change an interval may be frozen, or be so no more, for as long as the limit says.
    return _merged(
        [(a, await _thaw_end(connection, model, b, changed, spans)) for a, b in _merged(aligned)]
    )


async def _thaw_end(
    connection: Connection,
    model: SiteModel,
    end_us: int,
    changed: set[int] | None,
    spans: dict[int, Window],
) -> int:
    """Return up to where after a window the amounts of changed points stay as they are."""
    step = model.site.base_interval_us
    described = described_at(model, end_us)
    if described is None:
        return end_us
    rows = [
        row
        for row, point in enumerate(described.point_id.tolist())
        if (changed is None or point in changed) and point in spans and spans[point][1] >= end_us
    ]
    lengths = await runs.runs_after(
        connection,
        series_ids=described.series_id[rows].tolist(),
        until_us=(end_us + described.checks.frozen_us[rows]).tolist(),
        is_register=(described.arrays.points.kind[rows] == int(PointKind.REGISTER)).tolist(),
        at_us=end_us,
        step_us=step,
    )
    return end_us + int(lengths.max(initial=0)) * step


def _merged(windows: Sequence[Window]) -> list[Window]:
    """Return windows as disjoint ones, oldest first."""
    merged: list[list[int]] = []
    for a, b in sorted(windows):
        if merged and a <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], b)
        else:
            merged.append([a, b])
    return [(a, b) for a, b in merged]


def _joined(marks: Sequence[dirty_marks.Dirty]) -> _Marks:
    """Return point, first and last instant of every mark."""
    return (
        np.concatenate([mark.point_id for mark in marks]),
        np.concatenate([mark.first_us for mark in marks]),
        np.concatenate([mark.last_us for mark in marks]),
    )


def _adjoining(marks: _Marks, step_us: int) -> _Marks:
    """Return marks of a point that are less than an interval apart as one: live data, mostly."""
    order = np.lexsort((marks[1], marks[0]))
    point, first, last = marks[0][order], marks[1][order], marks[2][order]
    begins = np.ones(len(point), dtype=np.bool_)
    begins[1:] = (point[1:] != point[:-1]) | (first[1:] - last[:-1] > step_us)
    start = np.flatnonzero(begins)
    return point[start], first[start], np.maximum.reduceat(last, start)


def _periods(
    period: dict[int, Window], point: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return how far before and after its stamp the period of each point reaches."""
    rows = [period.get(p, (0, 0)) for p in point.tolist()]
    return (
        np.array([before for before, _ in rows], dtype=np.int64),
        np.array([after for _, after in rows], dtype=np.int64),
    )


def _to_levels(
    model: SiteModel,
    marks: _Marks,
    reach: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    spans: dict[int, Window],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the reach of readings, on to the levels that somebody read before or after them all.

    A register is known up to its last reading, and from there to a level at its exchange or
    retirement.
    """
    levels = _stated_levels(model)
    start, end = reach[0].copy(), reach[1].copy()
    for i, (p, first, last) in enumerate(zip(*(column.tolist() for column in marks), strict=True)):
        begins, ends = levels.get(p, ((), ()))
        if begins and start[i] == first and min(begins) == spans[p][0]:
            start[i] = min(start[i], spans[p][0])
        if ends and end[i] == last + 1 and max(ends) == spans[p][1]:
            end[i] = max(end[i], spans[p][1])
    return start, end


async def _of_facts(
    connection: Connection,
    model: SiteModel,
    marks: _Marks,
    spans: dict[int, Window],
    period: dict[int, Window],
    left_out_count: Mapping[int, int],
) -> list[Window]:
    """Return what facts touch: from the readings before a change to where it does not hold.

    Both ends reach as far as the rules look from the change itself. A fact is no reading: where
    none is, nothing is computed unless something was before.
    """
    known = np.array([p in spans for p in marks[0].tolist()], dtype=np.bool_)
    point, first, last = marks[0][known], marks[1][known], marks[2][known]
    start = await _reach(connection, point, first, spans, left_out_count, before=True)
    end = await _reach(connection, point, first + 1, spans, left_out_count, before=False)
    before, after = _periods(period, point)
    windows = []
    for i, p in enumerate(point.tolist()):
        first_us, last_us = spans[p]
        first_us, last_us = first_us - int(before[i]), last_us + 2 + int(after[i])
        if first[i] >= last_us:
            newest_us = await results.newest_result(
                connection,
                series_ids=model.all_series_id,
                start_us=last_us,
                end_us=int(first[i]) + 1,
            )
            last_us = last_us if newest_us is None else newest_us + model.site.base_interval_us
        a = max(int(start[i]) - int(before[i]), first_us)
        b = min(max(int(end[i]), int(last[i])) + 1 + int(after[i]), last_us)
        if a < b:
            windows.append((a, b))
    return windows


def _of_site(
    mark: dirty_marks.Dirty, spans: dict[int, Window], period: dict[int, Window]
) -> Iterator[Window]:
    """Yield where a mark of a whole site meets what each point's readings can cover.

    So a site that is computed again has a result where one was before, and nowhere else.
    """
    for point, (first_us, last_us) in spans.items():
        before_us, after_us = period.get(point, (0, 0))
        start_us = max(int(mark.first_us[0]), first_us) - before_us
        end_us = min(int(mark.last_us[0]), last_us + 2) + after_us
        if start_us < end_us:
            yield start_us, end_us


def _period_by_point(model: SiteModel) -> dict[int, Window]:
    """Return how long before and after its stamp the period of an interval point reaches."""
    longest: dict[int, Window] = {}
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
    spans: dict[int, Window],
    left_out_count: Mapping[int, int],
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
        bounds_us=[spans[int(point[index])][0 if before else 1] for index in ask],
        # What an interval looks back on, a reading reaches forward to, and the other way round.
        count=(CONTEXT_AFTER if before else CONTEXT_BEFORE)
        + max((left_out_count.get(int(point[index]), 0) for index in ask), default=0),
        before=before,
    )
    place = np.array(ask, dtype=np.int64)[columns[4]]
    if before:
        np.minimum.at(reach, place, columns[0])
    else:
        np.maximum.at(reach, place, columns[0])
    return reach
