"""Hours, days and months of a site, from the base intervals that were just computed."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from compute.block import ResultBlock
from compute.periods import Grain
from compute.rollup import rollup
from services.rollup_rows import block_of, columns_of
from services.site_model import SiteModel
from services.store import results
from services.store.pool import Connection
from services.store.results import ResultColumns
from services.touched import Window
from services.tried import tried

# A window of base intervals with its rows as they were written: they need not be read back.
Fresh = tuple[Window, ResultColumns]

_PERIODS_MAX = {Grain.HOUR: 768, Grain.DAY: 32, Grain.MONTH: 12}


async def roll_up_base(
    connection: Connection, model: SiteModel, fresh: Sequence[Fresh]
) -> list[Window]:
    """Add up the hours and days that hold computed intervals; return where that failed."""
    return [
        *await _roll_up(connection, model, fresh, grain=Grain.HOUR, source=Grain.BASE),
        *await _roll_up(connection, model, fresh, grain=Grain.DAY, source=Grain.BASE),
    ]


async def roll_up_days(
    connection: Connection, model: SiteModel, windows: Sequence[Window]
) -> list[Window]:
    """Add up the months that hold computed intervals; return where that failed."""
    unread = [(window, None) for window in windows]
    return await _roll_up(connection, model, unread, grain=Grain.MONTH, source=Grain.DAY)


async def _roll_up(
    connection: Connection,
    model: SiteModel,
    computed: Sequence[tuple[Window, ResultColumns | None]],
    *,
    grain: Grain,
    source: Grain,
) -> list[Window]:
    """Add up every period of a grain that holds a computed interval, from the grain below."""
    site, series_id = model.site, np.array(model.all_series_id, dtype=np.int32)
    fleeting = model.fleeting_series_ids()
    failed: list[Window] = []
    edges_of = model.edges_over([window for window, _ in computed], grain)
    for (window, columns), edges in zip(computed, edges_of, strict=True):
        for first in range(0, len(edges) - 1, _PERIODS_MAX[grain]):
            part = edges[first : first + _PERIODS_MAX[grain] + 1]
            span_us = (int(part[0]), int(part[-1]))
            known = None if columns is None else (window, columns)
            rows = await _source_rows(connection, model, known, span_us, grain=source)
            block, ts_us = block_of(rows, series_id=series_id)
            offset = np.searchsorted(ts_us, part).astype(np.int64)
            rolled = tried(partial(rollup, block, offset), site=site.code, window=span_us)
            if rolled is None:
                rolled = ResultBlock.invalid(len(series_id), len(part) - 1)
                failed.append(span_us)
            await results.put_results(
                connection,
                columns_of(rolled, series_id=series_id, ts_us=part[:-1], only_filled=True),
                grain=grain,
                others=fleeting,
                span_us=span_us,
            )
    return failed


async def _source_rows(
    connection: Connection,
    model: SiteModel,
    fresh: Fresh | None,
    span_us: Window,
    *,
    grain: Grain,
) -> ResultColumns:
    """Return the rows of a span, read only as far as they are not at hand."""
    start_us, end_us = span_us
    known = [] if fresh is None else [fresh[1].between(start_us, end_us)]
    gaps = [span_us] if fresh is None else [(start_us, fresh[0][0]), (fresh[0][1], end_us)]
    for gap_start_us, gap_end_us in gaps:
        if gap_start_us < gap_end_us:
            known.append(
                await results.read_results(
                    connection,
                    series_ids=model.all_series_id,
                    grain=grain,
                    start_us=max(start_us, gap_start_us),
                    end_us=min(end_us, gap_end_us),
                )
            )
    return known[0] if len(known) == 1 else ResultColumns.concatenate(known)
