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
    measures = np.stack([getattr(block, name).reshape(-1) for name in _MEASURES], axis=1)
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
