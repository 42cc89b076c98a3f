"""From dirty marks to results: load, compute, keep, in one transaction.

A base interval that anything touches is computed whole, from the raw readings around it and the
facts of its time. Nothing is added up in place, so it does not matter in which order, how often or
how late readings came.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import numpy as np
import numpy.typing as npt

from compute.block import ResultBlock
from compute.checks import Failures, check_readings
from compute.decisions import decided
from compute.frozen import frozen_intervals
from compute.marks import marks_of
from compute.periods import Grain, from_us
from compute.quality import Quality
from compute.readings import Readings, while_in_use
from compute.register import IntervalAmounts, interval_amounts
from compute.settle import settle
from services import audited, live_balance, reconciled, traced
from services.audited import Review
from services.provenance import FORMULA, VERSION, interval_hashes
from services.roll_up import Fresh, roll_up_base, roll_up_days
from services.rollup_rows import columns_of
from services.site_model import Described, SiteModel, Span
from services.store import dirty_marks, events, ledger, results
from services.store.pool import Connection
from services.touched import Window, known_spans, touched_windows
from services.tried import tried
from services.window_readings import Ready, load_window

# Results of base intervals that one pass holds: bounds memory, however long the marks are.
_ROWS_MAX = 1_000_000

_FROZEN = int(Quality.FROZEN)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What one pass did: base intervals computed, and the span they lie in, if any.

    Where it has failed, the figures of those intervals are kept as invalid, and marked anew.
    """

    interval_count: int
    span: Window | None
    reading_count: int = 0  # that it was computed from
    has_failed: bool = False
    ready: Ready | None = None  # what the newest window was computed from


async def recompute(
    connection: Connection,
    model: SiteModel,
    dirty: Sequence[dirty_marks.Dirty],
    *,
    at: datetime,
    ready: Ready | None = None,
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
    ready : Ready, optional
        Readings that were read before, none of which the marks touch.
    """
    spans = await known_spans(connection, model, dirty)
    review = await audited.review_of(connection, model.site.id)
    windows = await touched_windows(
        connection, model, dirty, spans, left_out_count=review.left_out_count
    )
    computed: list[Window] = []
    failed: list[Window] = []
    fresh: list[Fresh] = []
    reading_count = 0
    near = None
    for span, part in _parts(model, windows):
        loaded, near = await load_window(connection, span.described, part, spans, review, ready)
        reading_count += len(loaded.ts_us)
        columns, has_failed = await _compute(connection, model, span, part, loaded, review, at)
        computed.append(part)
        failed += [part] * has_failed
        fresh.append((part, columns))
        if sum(len(rows.ts_us) for _, rows in fresh) >= _ROWS_MAX:
            failed += await roll_up_base(connection, model, fresh)
            fresh.clear()
    if not computed:
        return Recomputed(0, None)
    failed += await roll_up_base(connection, model, fresh)
    failed += await roll_up_days(connection, model, computed)
    for kept in await reconciled.close_days(connection, model, computed):
        await live_balance.announce(connection, model, kept, at=at)
    await traced.mark(connection, model, computed)
    await traced.advance(connection, model)
    for start_us, end_us in failed:
        # Without the bell: it is tried again now and then, and when the program is mended.
        await ledger.mark_site_span(
            connection, site_id=model.site.id, start=from_us(start_us), end=from_us(end_us)
        )
    span_us = (computed[0][0], computed[-1][1])
    await _announce(connection, model, span_us, at)
    count = sum((b - a) // model.site.base_interval_us for a, b in computed)
    return Recomputed(count, span_us, reading_count, has_failed=bool(failed), ready=near)


def _parts(model: SiteModel, windows: Sequence[Window]) -> Iterator[tuple[Span, Window]]:
    """Cut windows where the site changes, and into passes that fit into memory."""
    step_us = model.site.base_interval_us
    for window in windows:
        for span in model.spans(*window):
            part_us = step_us * max(1, _ROWS_MAX // max(1, len(span.described.series_id)))
            for start_us in range(span.start_us, span.end_us, part_us):
                yield span, (start_us, min(start_us + part_us, span.end_us))


async def _compute(
    connection: Connection,
    model: SiteModel,
    span: Span,
    window: Window,
    loaded: Readings,
    review: Review,
    at: datetime,
) -> tuple[results.ResultColumns, bool]:
    """Compute and keep the base intervals of one window; return its rows, and if that failed."""
    described, step = span.described, model.site.base_interval_us
    points, limits = described.arrays.points, described.checks
    start_us, end_us = window
    count = (end_us - start_us) // step
    in_use = while_in_use(loaded, points)

    def measured() -> tuple[Failures, IntervalAmounts, Readings]:
        failures = check_readings(in_use, points=points, limits=limits)
        used = decided(in_use, audited.decisions_of(described, review))
        of_used = failures
        if used is not in_use:
            of_used = check_readings(used, points=points, limits=limits)
        used = replace(used, quality=used.quality | of_used.quality())
        amounts = interval_amounts(
            used, points=points, start_us=start_us, step_us=step, count=count
        )
        return failures, amounts, used

    found = tried(measured, site=model.site.code, window=window)
    done = None
    if found is not None:
        before = await audited.same_before(connection, described, found[1], start_us, step)
        settled = partial(_settled, span, found[1], before, start_us=start_us, step_us=step)
        done = tried(settled, site=model.site.code, window=window)
    if found is None or done is None:
        block = ResultBlock.invalid(len(described.series_id), count)
    else:
        block = done[2]
        marks = list(marks_of(in_use, found[0], points=points, window_us=window, step_us=step))
        await audited.keep_findings(connection, model, described, marks, done, window=window, at=at)
    ts_us = start_us + step * np.arange(count, dtype=np.int64)
    columns = columns_of(block, series_id=described.series_id, ts_us=ts_us)
    await results.put_results(
        connection,
        columns,
        grain=Grain.BASE,
        others=model.fleeting_series_ids(described),
        span_us=window,
    )
    await _keep_states(connection, described, loaded)
    if reconciled.has_balances(described):
        used = None if found is None or done is None else found[2]
        await _balance(connection, model, span, block, used, window=window, at=at)
    if done is None:
        return columns, True
    await _keep_origins(connection, model, span, ts_us, interval_hashes(done[0]), at=at)
    return columns, False


async def _keep_origins(
    connection: Connection,
    model: SiteModel,
    span: Span,
    ts_us: npt.NDArray[np.int64],
    hashes: list[bytes],
    *,
    at: datetime,
) -> None:
    """Keep what each base interval of a window was computed from."""
    for factor_use, chosen in span.uses_over(ts_us):
        factor_set = await results.put_factor_set(
            connection, tenant_id=model.site.tenant_id, factors=factor_use
        )
        await results.put_provenance(
            connection,
            site_id=model.site.id,
            ts_us=ts_us[chosen].tolist(),
            input_hashes=[hashes[place] for place in np.flatnonzero(chosen).tolist()],
            origin=results.Origin(FORMULA, factor_set, span.described.version_id, VERSION),
            at=at,
        )


async def _balance(
    connection: Connection,
    model: SiteModel,
    span: Span,
    block: ResultBlock,
    used: Readings | None,
    *,
    window: Window,
    at: datetime,
) -> None:
    """Close and keep the balances of one window; None is used where nothing could be computed."""
    step = model.site.base_interval_us
    closed = None
    if used is not None:
        close = partial(reconciled.close_base, span, block, used, start_us=window[0], step_us=step)
        closed = tried(close, site=model.site.code, window=window)
    kept = await reconciled.keep(
        connection,
        model,
        span.described,
        closed,
        ts_us=np.arange(*window, step, dtype=np.int64),
        grain=Grain.BASE,
        span_us=window,
    )
    await live_balance.announce(connection, model, kept, at=at)


def _settled(
    span: Span,
    amounts: IntervalAmounts,
    before: npt.NDArray[np.int64],
    *,
    start_us: int,
    step_us: int,
) -> tuple[IntervalAmounts, npt.NDArray[np.bool_], ResultBlock]:
    """Return the amounts of points, where they are frozen, and the results of the site."""
    arrays, limits = span.described.arrays, span.described.checks
    frozen = frozen_intervals(
        amounts, points=arrays.points, limits=limits, step_us=step_us, before=before
    )
    marked = replace(
        amounts, quality=amounts.quality | np.where(frozen, np.int32(_FROZEN), np.int32(0))
    )
    ts_us = start_us + step_us * np.arange(amounts.amount.shape[1], dtype=np.int64)
    return marked, frozen, settle(arrays, marked, span.factors_over(ts_us), step_us=step_us)


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


async def _announce(
    connection: Connection, model: SiteModel, span_us: Window, at: datetime
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
