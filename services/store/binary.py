"""PostgreSQL's binary COPY format to and from numpy columns: no Python object per row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from psycopg import AsyncConnection, adapters, sql
from psycopg.adapt import Dumper
from psycopg.pq import Format

from compute.row_bytes import row_bytes

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


# Before the elements of an array: dimensions, whether there are NULLs, type, count, first index.
_ARRAY_HEAD = np.dtype([(n, ">i4") for n in ("dimensions", "nulls", "oid", "count", "first")])


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
    words = np.empty((len(types), len(columns[0])), dtype=np.int64)
    for word, kind, column in zip(words, types, columns, strict=True):
        if kind == "float8":
            word[:] = np.asarray(column, dtype=np.float64).view(np.int64)
        else:
            word[:] = column - EPOCH_2000_US if kind == "timestamptz" else column
    rows = row_bytes(
        words,
        width=np.array([np.dtype(_FORMAT[kind]).itemsize for kind in types], dtype=np.int32),
        is_float=np.array([kind == "float8" for kind in types]),
    )
    return b"".join((_HEADER, rows.data, _TRAILER))


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


@dataclass(frozen=True, slots=True)
class _PackedArray:
    """A one-dimensional array as PostgreSQL's binary format has it."""

    data: bytes


class _PackedIntegers(_PackedArray):
    """An integer[]."""


class _PackedInstants(_PackedArray):
    """A timestamptz[]."""


def integers(values: npt.NDArray[np.int32]) -> _PackedIntegers:
    """Return a parameter of type integer[] without an object for each element."""
    return _PackedIntegers(_pack_array(values, "integer"))


def instants(values_us: npt.NDArray[np.int64]) -> _PackedInstants:
    """Return a parameter of type timestamptz[], of µs since 1970 UTC."""
    return _PackedInstants(_pack_array(values_us - EPOCH_2000_US, "timestamptz"))


def _pack_array(values: npt.NDArray[Any], kind: ColumnType) -> bytes:
    item = np.dtype(_FORMAT[kind])
    rows = np.empty(len(values), dtype=[("length", ">i4"), ("value", item)])
    rows["length"], rows["value"] = item.itemsize, values
    # Dimensions, whether there are NULLs, type of an element; then length and first index.
    head = [1, 0, adapters.types[kind].oid, len(values), 1]
    return np.array(head, dtype=">i4").tobytes() + rows.tobytes()


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _PackedArray) -> bytes:
        return obj.data


class _IntegersDumper(_ArrayDumper):
    oid = adapters.types["integer"].array_oid


class _InstantsDumper(_ArrayDumper):
    oid = adapters.types["timestamptz"].array_oid


adapters.register_dumper(_PackedIntegers, _IntegersDumper)
adapters.register_dumper(_PackedInstants, _InstantsDumper)


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


async def copy_out_by(
    connection: AsyncConnection[Any],
    select: sql.Composable,
    types: Sequence[ColumnType],
    *,
    by: int,
) -> list[npt.NDArray[Any]]:
    """Return the columns of a query as `copy_out` does, the rows grouped by one of them.

    For many rows: the database sends one array per group and column, where otherwise every row
    passes through Python. Groups come in no order, and rows of a group in that of the query.
    """
    names = [sql.Identifier(f"c{index}") for index in range(len(types))]
    arrays = [sql.SQL("array_agg({})").format(name) for name in names]
    grouped = sql.SQL("select {} from ({}) as rows ({}) group by {}").format(
        sql.SQL(", ").join(arrays), select, sql.SQL(", ").join(names), names[by]
    )
    statement = sql.SQL("copy ({}) to stdout (format binary)").format(grouped)
    async with connection.cursor().copy(statement) as copy:
        rows = [bytes(block) async for block in copy]
    return unpack_arrays(types, rows)


def unpack_arrays(types: Sequence[ColumnType], rows: Sequence[bytes]) -> list[npt.NDArray[Any]]:
    """Return the columns of a binary COPY stream, a block a row, whose fields are arrays.

    timestamptz comes as int64. [µs since 1970 UTC]
    """
    parts: list[list[npt.NDArray[Any]]] = [[] for _ in types]
    body = b"".join(rows)
    place = len(_HEADER)
    while body[place : place + 2] != _TRAILER:
        place += 2
        for part, kind in zip(parts, types, strict=True):
            [head] = np.frombuffer(body, dtype=_ARRAY_HEAD, count=1, offset=place + 4)
            element = np.dtype([("length", ">i4"), ("value", _FORMAT[kind])])
            if head["nulls"] or head["dimensions"] != 1:
                raise AssertionError(
                    "a NULL or another type in a COPY stream that was to have none"
                )
            start, count = place + 4 + _ARRAY_HEAD.itemsize, int(head["count"])
            part.append(np.frombuffer(body, dtype=element, count=count, offset=start)["value"])
            place = start + count * element.itemsize
    columns = []
    for kind, part in zip(types, parts, strict=True):
        native = np.dtype(_FORMAT[kind]).newbyteorder("=")
        column = np.concatenate(part).astype(native) if part else np.empty(0, dtype=native)
        columns.append(column + EPOCH_2000_US if kind == "timestamptz" else column)
    return columns
