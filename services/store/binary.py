"""PostgreSQL's binary COPY format to and from numpy columns: no Python object per row."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from psycopg import AsyncConnection, sql

ColumnType = Literal["timestamptz", "bigint", "integer", "smallint", "float8"]

# PostgreSQL counts timestamps from 2000-01-01 UTC. [µs]
EPOCH_2000_US = 946_684_800_000_000

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_FORMAT: dict[ColumnType, str] = {
    "timestamptz": ">i8",
    "bigint": ">i8",
    "integer": ">i4",
    "smallint": ">i2",
    "float8": ">f8",
}


def _row_type(types: Sequence[ColumnType]) -> np.dtype[Any]:
    fields: list[tuple[str, str]] = [("field_count", ">i2")]
    for index, kind in enumerate(types):
        fields += [(f"length{index}", ">i4"), (f"value{index}", _FORMAT[kind])]
    return np.dtype(fields)


def pack(types: Sequence[ColumnType], columns: Sequence[npt.NDArray[Any]]) -> bytes:
    """Return columns as one binary COPY stream; NaN of a float8 column becomes NULL.

    Parameters
    ----------
    types : (c,) column types
    columns : (c,) arrays of one length; timestamptz as int64. [µs since 1970 UTC]
    """
    count = len(columns[0])
    row_type = _row_type(types)
    rows = np.zeros(count, dtype=row_type)
    rows["field_count"] = len(types)
    nulls: list[tuple[int, npt.NDArray[np.bool_]]] = []
    for index, (kind, column) in enumerate(zip(types, columns, strict=True)):
        rows[f"length{index}"] = np.dtype(_FORMAT[kind]).itemsize
        rows[f"value{index}"] = column - EPOCH_2000_US if kind == "timestamptz" else column
        if kind == "float8" and bool((missing := np.isnan(column)).any()):
            nulls.append((index, missing))
    body = rows.tobytes() if not nulls else _without_nulls(rows, nulls)
    return _HEADER + body + _TRAILER


def _without_nulls(
    rows: npt.NDArray[Any], nulls: Sequence[tuple[int, npt.NDArray[np.bool_]]]
) -> bytes:
    """Cut the bytes of missing values out: a NULL is a length of -1 and nothing more."""
    size = rows.dtype.itemsize
    keep = np.ones((len(rows), size), dtype=np.bool_)
    fields = rows.dtype.fields
    if fields is None:
        raise AssertionError("rows are structured")
    for index, missing in nulls:
        rows[f"length{index}"][missing] = -1
        start = fields[f"value{index}"][1]
        keep[missing, start : start + 8] = False
    flat = np.frombuffer(rows.tobytes(), dtype=np.uint8).reshape(len(rows), size)
    return flat[keep].tobytes()


def unpack(types: Sequence[ColumnType], stream: bytes) -> list[npt.NDArray[Any]]:
    """Return the columns of a binary COPY stream that holds no NULL.

    timestamptz comes as int64. [µs since 1970 UTC]
    """
    row_type = _row_type(types)
    body = len(stream) - len(_HEADER) - len(_TRAILER)
    if body % row_type.itemsize:
        raise AssertionError("a NULL or another type in a COPY stream that was to have none")
    rows = np.frombuffer(
        stream, dtype=row_type, count=body // row_type.itemsize, offset=len(_HEADER)
    )
    columns: list[npt.NDArray[Any]] = []
    for index, kind in enumerate(types):
        column = rows[f"value{index}"].astype(np.dtype(_FORMAT[kind]).newbyteorder("="))
        columns.append(column + EPOCH_2000_US if kind == "timestamptz" else column)
    return columns


async def copy_in(connection: AsyncConnection[Any], statement: sql.SQL, stream: bytes) -> None:
    """Send a stream made by `pack`."""
    async with connection.cursor().copy(statement) as copy:
        await copy.write(stream)


async def copy_out(
    connection: AsyncConnection[Any], select: sql.Composable, types: Sequence[ColumnType]
) -> list[npt.NDArray[Any]]:
    """Return the columns of a query whose parameters are composed into it as literals."""
    statement = sql.SQL("copy ({}) to stdout (format binary)").format(select)
    async with connection.cursor().copy(statement) as copy:
        stream = b"".join([bytes(block) async for block in copy])
    return unpack(types, stream)
