"""Raw readings: kept once per instant and point, read back by window. They never change."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import sql
from psycopg.errors import UniqueViolation

from compute.errors import NengtanError
from compute.periods import from_us
from services.store.binary import (
    ColumnType,
    copy_in,
    copy_out,
    copy_out_by,
    instants,
    integers,
    pack,
)
from services.store.pool import Connection
from services.store.sql import query

_TYPES: tuple[ColumnType, ...] = ("timestamptz", "timestamptz", "float8", "integer", "integer")
_READ_TYPES: tuple[ColumnType, ...] = ("timestamptz", "integer", "float8", "integer")


class ReadingsKnown(NengtanError):
    """Some instant of a point is taken already."""


@dataclass(frozen=True, slots=True)
class ReadingColumns:
    """Readings as columns, sorted by (ts, point), each (ts, point) once.

    Attributes
    ----------
    ts_us : (n,) int64
    point_id : (n,) int32
    value : (n,) float64
        NaN where the source reported an error.
    quality : (n,) int32
    """

    ts_us: npt.NDArray[np.int64]
    point_id: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.ts_us)


async def prepare_span(connection: Connection, first_us: int, last_us: int) -> None:
    """See that rows of a span have somewhere to go (partitions of the plain tier)."""
    await connection.execute(query("ensure_partitions"), (from_us(first_us), from_us(last_us)))


def _stream(columns: ReadingColumns, received_us: int) -> bytes:
    received = np.full(len(columns), received_us, dtype=np.int64)
    return pack(_TYPES, (columns.ts_us, received, columns.value, columns.point_id, columns.quality))


async def copy_readings(
    connection: Connection, columns: ReadingColumns, *, received_us: int
) -> None:
    """Store readings that are all new.

    Raises
    ------
    ReadingsKnown
        If one of them is not; the transaction is then lost: `merge_readings` in another.
    """
    stream = _stream(columns, received_us)
    try:
        await copy_in(connection, sql.SQL(query("copy_readings")), stream)
    except UniqueViolation as error:
        raise ReadingsKnown(str(error)) from error


@dataclass(frozen=True, slots=True)
class Known:
    """Readings whose instant was taken already, with what stands there.

    Attributes
    ----------
    position : (d,) int64
        Rows of the columns that were to be stored.
    value : (d,) float64
        The value that stands; NaN where the source reported an error.
    """

    position: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]


async def merge_readings(
    connection: Connection, columns: ReadingColumns, *, received_us: int
) -> Known:
    """Store the readings that are new and return those that were there already."""
    await stage_readings(connection, columns, received_us=received_us)
    rows = await (await connection.execute(query("insert_staged_readings"))).fetchall()
    if not rows:
        return Known(np.empty(0, np.int64), np.empty(0))
    refused = {(row["ts_us"], row["point_id"]) for row in rows}
    # Of what stands now nothing is withdrawn before this transaction has said what it found.
    await connection.execute(query("await_withdrawals"))
    # An instant whose reading was withdrawn is free: what comes for it stands from now on.
    revived = await (await connection.execute(query("revive_staged_readings"))).fetchall()
    refused -= {(row["ts_us"], row["point_id"]) for row in revived}
    return _places(columns, await _standing(connection, columns), refused)


async def find_readings(connection: Connection, columns: ReadingColumns) -> Known:
    """Return which readings were there already, and store nothing."""
    await stage_readings(connection, columns, received_us=0)
    standing = await _standing(connection, columns)
    return _places(columns, standing, standing.keys())


async def stage_readings(
    connection: Connection, columns: ReadingColumns, *, received_us: int
) -> None:
    """Put readings where this transaction alone sees them, until its end or `clear_stage`."""
    await connection.execute(query("make_reading_stage"))
    await copy_in(connection, sql.SQL(query("copy_reading_stage")), _stream(columns, received_us))


async def clear_stage(connection: Connection) -> None:
    """Empty the stage, for a transaction that stages more than once."""
    await connection.execute(query("clear_reading_stage"))


_Key = tuple[int, int]


async def _standing(connection: Connection, columns: ReadingColumns) -> dict[_Key, float | None]:
    if not len(columns):
        return {}
    kept = await connection.execute(
        query("kept_readings"), (from_us(columns.ts_us[0]), from_us(columns.ts_us[-1]))
    )
    return {(row["ts_us"], row["point_id"]): row["value"] for row in await kept.fetchall()}


def _places(
    columns: ReadingColumns, standing: Mapping[_Key, float | None], wanted: AbstractSet[_Key]
) -> Known:
    keys = zip(columns.ts_us.tolist(), columns.point_id.tolist(), strict=True)
    position = [index for index, key in enumerate(keys) if key in wanted]
    values = [
        standing[int(columns.ts_us[index]), int(columns.point_id[index])] for index in position
    ]
    return Known(
        np.array(position, dtype=np.int64),
        np.array([np.nan if value is None else value for value in values], dtype=np.float64),
    )


async def read_window(
    connection: Connection, *, point_ids: Sequence[int], start_us: int, end_us: int
) -> list[npt.NDArray[Any]]:
    """Return ts_us, point_id, value, quality of every reading in [start, end)."""
    window = {
        "start": sql.Literal(from_us(start_us)),
        "end": sql.Literal(from_us(end_us)),
        "points": sql.Literal(integers(point_ids)),
    }
    found = await copy_out_by(
        connection, sql.SQL(query("window_readings")).format(**window), _READ_TYPES, by=1
    )
    revised = await copy_out(
        connection,
        sql.SQL(query("window_revisions")).format(**window),
        (*_READ_TYPES, "integer"),
    )
    # Laid over here: joined in the database it takes five times as long, and there are few.
    return _laid_over(found, revised) if len(revised[0]) else found


def _laid_over(
    found: list[npt.NDArray[Any]], revised: list[npt.NDArray[Any]]
) -> list[npt.NDArray[Any]]:
    """Return readings with what stands in their place, and without those that are withdrawn."""
    ts_us, point_id, value, quality = (
        np.concatenate([first, last]) for first, last in zip(found, revised[:4], strict=True)
    )
    is_revised = np.arange(len(ts_us)) >= len(found[0])
    withdrawn = np.concatenate([np.zeros(len(found[0]), dtype=np.int32), revised[4]])
    order = np.lexsort((is_revised, point_id, ts_us))
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (np.diff(ts_us[order]) != 0) | (np.diff(point_id[order]) != 0)
    stands = order[last]
    stands = stands[withdrawn[stands] == 0]
    return [column[stands] for column in (ts_us, point_id, value, quality)]


async def read_neighbours(
    connection: Connection,
    *,
    point_ids: Sequence[int],
    instants_us: Sequence[int],
    bounds_us: Sequence[int],
    count: int,
    before: bool,
) -> list[npt.NDArray[Any]]:
    """Return `count` readings with a value before (or at and after) an instant of each point.

    None is earlier (later) than its bound: what a point has not is looked for no farther.

    Returns
    -------
    ts_us, point_id, value, quality, place : arrays of one length
        `place` says for which of the given points and instants, from 0.
    """
    if not point_ids:
        none = np.empty(0, np.int32)
        return [np.empty(0, np.int64), none, np.empty(0), none, none]
    select = sql.SQL(query("readings_before" if before else "readings_after")).format(
        points=sql.Literal(integers(point_ids)),
        instants=sql.Literal(instants(instants_us)),
        bounds=sql.Literal(instants(bounds_us)),
        count=sql.Literal(count),
    )
    columns = await copy_out(connection, select, (*_READ_TYPES, "integer"))
    columns[4] -= 1  # ordinality counts from 1
    return columns
