"""Between blocks of arrays (series x intervals) and rows of the result table."""

from typing import Any

import numpy as np
import numpy.typing as npt

from compute.block import ResultBlock
from compute.quality import Quality
from services.store.results import ResultColumns

_MEASURES = (
    "amount",
    "energy_kwh",
    "coal_equivalent_tce",
    "coal_equal_tce",
    "emission_direct_tco2e",
    "emission_purchased_tco2e",
)
# Of an interval that has no row: nothing was ever read around it.
_UNREAD = int(Quality.PARTIAL)


def columns_of(
    block: ResultBlock,
    *,
    series_id: npt.NDArray[np.int32],
    ts_us: npt.NDArray[np.int64],
    only_filled: bool = False,
) -> ResultColumns:
    """Return a block as rows, series by series.

    Parameters
    ----------
    block : ResultBlock
        (s, k).
    series_id : (s,) int32
    ts_us : (k,) int64
        Start of each interval.
    only_filled : bool
        Leave out rows that nothing was added up for.
    """
    series = np.repeat(series_id, len(ts_us))
    measures = np.stack([getattr(block, name).reshape(-1) for name in _MEASURES]).T
    columns = ResultColumns(
        ts_us=np.tile(ts_us, len(series_id)),
        series_id=series,
        quality=block.quality.reshape(-1),
        reading_count=block.reading_count.reshape(-1),
        covered_us=block.covered_us.reshape(-1),
        input_hash=block.input_hash.reshape(-1),
        measures=measures,
    )
    if not only_filled:
        return columns
    filled = (columns.quality != _UNREAD) | ~np.isnan(measures).all(axis=1)
    return ResultColumns(
        columns.ts_us[filled],
        columns.series_id[filled],
        columns.quality[filled],
        columns.reading_count[filled],
        columns.covered_us[filled],
        columns.input_hash[filled],
        measures[filled],
    )


def block_of(
    columns: ResultColumns, *, series_id: npt.NDArray[np.int32]
) -> tuple[ResultBlock, npt.NDArray[np.int64]]:
    """Return rows as a block over the intervals that any of the series has, and their starts.

    An interval that a series has no row for is NaN and PARTIAL there.
    """
    if (whole := _whole_block(columns, series_id)) is not None:
        return whole
    ts_us, column = np.unique(columns.ts_us, return_inverse=True)
    order = np.argsort(series_id)
    row = order[np.searchsorted(series_id, columns.series_id, sorter=order)]
    shape = (len(series_id), len(ts_us))

    def spread(values: npt.NDArray[Any], empty: float) -> npt.NDArray[Any]:
        full = np.full(shape, empty, dtype=values.dtype)
        full[row, column] = values
        return full

    measures = {
        name: spread(columns.measures[:, index], np.nan) for index, name in enumerate(_MEASURES)
    }
    block = ResultBlock(
        **measures,
        covered_us=spread(columns.covered_us, 0),
        reading_count=spread(columns.reading_count, 0),
        quality=spread(columns.quality, _UNREAD),
        input_hash=spread(columns.input_hash, 0),
    )
    return block, ts_us


def _whole_block(
    columns: ResultColumns, series_id: npt.NDArray[np.int32]
) -> tuple[ResultBlock, npt.NDArray[np.int64]] | None:
    """Return rows that are a block already, as `columns_of` makes them of one: not copied.

    That is where every series has a row for every interval, in their order.
    """
    count = len(columns.ts_us) // max(1, len(series_id))
    ts_us = columns.ts_us[:count]
    shape = (len(series_id), count)
    if not count or len(columns.ts_us) != len(series_id) * count or (np.diff(ts_us) <= 0).any():
        return None
    if (columns.ts_us.reshape(shape) != ts_us).any():
        return None
    if (columns.series_id.reshape(shape) != series_id[:, np.newaxis]).any():
        return None
    block = ResultBlock(
        **{name: columns.measures[:, index].reshape(shape) for index, name in enumerate(_MEASURES)},
        covered_us=columns.covered_us.reshape(shape),
        reading_count=columns.reading_count.reshape(shape),
        quality=columns.quality.reshape(shape),
        input_hash=columns.input_hash.reshape(shape),
    )
    return block, ts_us
