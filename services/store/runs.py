"""For how long results stay the same: runs of equal base intervals before and after an instant."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from psycopg import sql

from compute.periods import from_us
from services.store.binary import ColumnType, copy_out, floats, instants, integers
from services.store.pool import Connection
from services.store.sql import query

_RUN_TYPES: tuple[ColumnType, ...] = ("integer", "bigint")


async def runs_before(
    connection: Connection,
    *,
    series_ids: Sequence[int],
    amounts: Sequence[float],
    since_us: Sequence[int],
    at_us: int,
    step_us: int,
) -> npt.NDArray[np.int64]:
    """Return how many base intervals right before an instant have the given amount, by series."""
    if not series_ids:
        return np.empty(0, dtype=np.int64)
    select = sql.SQL(query("runs_before")).format(
        series=sql.Literal(integers(series_ids)),
        amounts=sql.Literal(floats(amounts)),
        sinces=sql.Literal(instants(since_us)),
        at=sql.Literal(from_us(at_us)),
        step=sql.Literal(step_us),
    )
    return await _runs(connection, select, len(series_ids))


async def runs_after(
    connection: Connection,
    *,
    series_ids: Sequence[int],
    until_us: Sequence[int],
    is_register: Sequence[bool],
    at_us: int,
    step_us: int,
) -> npt.NDArray[np.int64]:
    """Return how many base intervals from an instant on have the amount of the first of them.

    Of a register only where that is 0.
    """
    if not series_ids:
        return np.empty(0, dtype=np.int64)
    select = sql.SQL(query("runs_after")).format(
        series=sql.Literal(integers(series_ids)),
        untils=sql.Literal(instants(until_us)),
        registers=sql.Literal(list(is_register)),
        at=sql.Literal(from_us(at_us)),
        step=sql.Literal(step_us),
    )
    return await _runs(connection, select, len(series_ids))


async def _runs(connection: Connection, select: sql.Composed, count: int) -> npt.NDArray[np.int64]:
    position, run = await copy_out(connection, select, _RUN_TYPES)
    found = np.zeros(count, dtype=np.int64)
    found[position - 1] = run  # ordinality counts from 1
    return found
