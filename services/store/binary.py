"""PostgreSQL's binary COPY format to and from numpy columns: no Python object per row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from psycopg import AsyncConnection, adapters, sql
from psycopg.adapt import Dumper
from psycopg.pq import Format

from compute.row_bytes import grouped_columns, row_bytes

ColumnType = Literal["timestamptz", "bigint", "integer", "smallint", "float8"]
# An array column has the type of its elements, and how many of them every row has.
RowType = ColumnType | tuple[ColumnType, int]

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


# Rows that are packed at once: few enough to stay in the processor's cache.
_BLOCK_ROWS = 16_384


def _element_type(kind: ColumnType) -> np.dtype[Any]:
    return np.dtype([("length", ">i4"), ("value", _FORMAT[kind])])


def _array_head(kind: ColumnType, count: int) -> list[int]:
    """Return what stands before the elements of an array; an empty one has no dimension."""
    oid = adapters.types[kind].oid
    return [1, 0, oid, count, 1] if count else [0, 0, oid]


def _row_type(types: Sequence[RowType]) -> np.dtype[Any]:
    fields: list[tuple[Any, ...]] = [("field_count", ">i2")]
    for index, kind in enumerate(types):
        fields.append((f"length{index}", ">i4"))
        if isinstance(kind, tuple):
            fields.append((f"head{index}", ">i4", (len(_array_head(*kind)),)))
            fields.append((f"value{index}", _element_type(kind[0]), (kind[1],)))
        else:
            fields.append((f"value{index}", _FORMAT[kind]))
    return np.dtype(fields)


def pack(types: Sequence[ColumnType], columns: Sequence[npt.NDArray[Any]]) -> bytes:
    """Return columns as one binary COPY stream; NaN of a float8 column becomes NULL.

    Parameters
    ----------
    types : (c,) column types
    columns : (c,) arrays of one length; timestamptz as int64. [µs since 1970 UTC]
    """
    return b"".join(_blocks(types, columns))


def _blocks(
    types: Sequence[ColumnType], columns: Sequence[npt.NDArray[Any]]
) -> Iterator[bytes | memoryview]:
    yield _HEADER
    for first in range(0, len(columns[0]), _BLOCK_ROWS):
        yield _pack_rows(types, [column[first : first + _BLOCK_ROWS] for column in columns])
    yield _TRAILER


def _pack_rows(types: Sequence[ColumnType], columns: Sequence[npt.NDArray[Any]]) -> memoryview:
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
    return rows.data


def pack_arrays(types: Sequence[RowType], columns: Sequence[npt.NDArray[Any]]) -> bytes:
    """Return columns, arrays among them, as one binary COPY stream without NULLs: NaN stays NaN.

    Parameters
    ----------
    types : (c,) column types
    columns : (c,) arrays of one length; timestamptz as int64, array columns (n, m). [µs since 1970
        UTC]
    """
    rows = np.zeros(len(columns[0]), dtype=_row_type(types))
    rows["field_count"] = len(types)
    for index, (kind, column) in enumerate(zip(types, columns, strict=True)):
        if not isinstance(kind, tuple):
            rows[f"length{index}"] = np.dtype(_FORMAT[kind]).itemsize
            rows[f"value{index}"] = column - EPOCH_2000_US if kind == "timestamptz" else column
            continue
        head, element = _array_head(*kind), _element_type(kind[0])
        rows[f"length{index}"] = 4 * len(head) + kind[1] * element.itemsize
        rows[f"head{index}"] = head
        rows[f"value{index}"]["length"] = element["value"].itemsize
        rows[f"value{index}"]["value"] = column
    return b"".join((_HEADER, rows.tobytes(), _TRAILER))


def unpack(types: Sequence[RowType], stream: bytes) -> list[npt.NDArray[Any]]:
    """Return the columns of a binary COPY stream that holds no NULL and arrays of one length.

    timestamptz comes as int64. [µs since 1970 UTC]
    """
    row_type = _row_type(types)
    body = len(stream) - len(_HEADER) - len(_TRAILER)
    if body % row_type.itemsize:
        raise AssertionError("a NULL or another type in a COPY stream that was to have none")
    rows = np.frombuffer(
        stream, dtype=row_type, count=body // row_type.itemsize, offset=len(_HEADER)
    )
    columns = []
    for index, kind in enumerate(types):
        found = rows[f"value{index}"]
        if isinstance(kind, tuple):
            columns.append(_native(found["value"], kind[0]))
        else:
            columns.append(_native(found, kind))
    return columns


def _native(values: npt.NDArray[Any], kind: ColumnType) -> npt.NDArray[Any]:
    """Return values as this machine has them; timestamptz in µs since 1970 UTC."""
    column = values.astype(np.dtype(_FORMAT[kind]).newbyteorder("="))
    return column + EPOCH_2000_US if kind == "timestamptz" else column


@dataclass(frozen=True, slots=True)
class _Array:
    """A one-dimensional array for the database, without an object for each element."""

    kind: ClassVar[ColumnType]
    values: npt.NDArray[Any]


class _Integers(_Array):
    kind = "integer"


class _Floats(_Array):
    kind = "float8"


class _Instants(_Array):
    kind = "timestamptz"


def integers(values: npt.NDArray[np.integer[Any]] | Sequence[int]) -> _Integers:
    """Return a parameter, or what `sql.Literal` composes, of type integer[]."""
    return _Integers(np.asarray(values, dtype=np.int32))


def floats(values: npt.NDArray[np.float64] | Sequence[float]) -> _Floats:
    """Return the same of type float8[]; NaN stays NaN."""
    return _Floats(np.asarray(values, dtype=np.float64))


def instants(values_us: npt.NDArray[np.int64] | Sequence[int]) -> _Instants:
    """Return the same of type timestamptz[], of µs since 1970 UTC."""
    return _Instants(np.asarray(values_us, dtype=np.int64))


class _AsText(Dumper):
    """As part of a statement: COPY takes no parameters."""

    def dump(self, obj: _Array) -> bytes:
        values = obj.values
        if obj.kind == "timestamptz":
            values = np.datetime_as_string(values.view("datetime64[us]"), timezone="UTC")
        return f"{{{','.join(map(str, values.tolist()))}}}".encode()


class _AsBinary(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Array) -> bytes:
        rows = np.empty(len(obj.values), dtype=_element_type(obj.kind))
        rows["length"] = rows.dtype["value"].itemsize
        rows["value"] = obj.values - (EPOCH_2000_US if obj.kind == "timestamptz" else 0)
        head = np.array(_array_head(obj.kind, len(rows)), dtype=">i4")
        return head.tobytes() + rows.tobytes()


for _array in (_Integers, _Floats, _Instants):
    _type = {"oid": adapters.types[_array.kind].array_oid}
    # A parameter goes as the dumper has it that is registered last.
    for _dumper in (_AsText, _AsBinary):
        adapters.register_dumper(_array, type(_dumper.__name__, (_dumper,), _type))


async def copy_in(connection: AsyncConnection[Any], statement: sql.SQL, stream: bytes) -> None:
    """Send a stream made by `pack`."""
    async with connection.cursor().copy(statement) as copy:
        await copy.write(stream)


async def copy_columns_in(
    connection: AsyncConnection[Any],
    statement: sql.SQL,
    types: Sequence[ColumnType],
    columns: Sequence[npt.NDArray[Any]],
) -> None:
    """Send what `pack` returns block by block: the database takes one while the next is made."""
    async with connection.cursor().copy(statement) as copy:
        for block in _blocks(types, columns):
            await copy.write(block)


async def copy_out(
    connection: AsyncConnection[Any], select: sql.Composable, types: Sequence[RowType]
) -> list[npt.NDArray[Any]]:
    """Return the columns of a query whose parameters are composed into it as literals."""
    return unpack(types, await _stream_of(connection, select))


async def _stream_of(connection: AsyncConnection[Any], select: sql.Composable) -> bytes:
    statement = sql.SQL("copy ({}) to stdout (format binary)").format(select)
    async with connection.cursor().copy(statement) as copy:
        return b"".join([bytes(block) async for block in copy])


async def copy_out_by(
    connection: AsyncConnection[Any],
    select: sql.Composable,
    types: Sequence[ColumnType],
    *,
    by: int,
) -> list[npt.NDArray[Any]]:
    """Return the columns of a query as `copy_out` does, ordered by one of them, an integer.

    For many rows: the database sends one array per group and column, where otherwise every row
    passes through Python. Rows of a group come in the order of the query.
    """
    names = [sql.Identifier(f"c{index}") for index in range(len(types))]
    arrays = [
        sql.SQL("array_agg({})").format(name) for index, name in enumerate(names) if index != by
    ]
    grouped = sql.SQL(
        "select {by}, {arrays} from ({select}) as rows ({names}) group by {by}"
    ).format(
        by=names[by],
        arrays=sql.SQL(", ").join(arrays),
        select=select,
        names=sql.SQL(", ").join(names),
    )
    stream = await _stream_of(connection, grouped)
    rest = [kind for index, kind in enumerate(types) if index != by]
    columns = _ungrouped(rest, stream)
    return [*columns[1 : by + 1], columns[0], *columns[by + 1 :]]


def _ungrouped(types: Sequence[ColumnType], stream: bytes) -> list[npt.NDArray[Any]]:
    """Return what groups are of, for each of their rows, and the columns, ascending by group."""
    columns = grouped_columns(
        np.frombuffer(stream, dtype=np.uint8)[len(_HEADER) : -len(_TRAILER)],
        width=np.array([np.dtype(_FORMAT[kind]).itemsize for kind in types], dtype=np.int32),
    )
    if columns is None:
        raise AssertionError("a NULL or another type in a COPY stream that was to have none")
    key, *rest = columns
    found: list[npt.NDArray[Any]] = [key]
    for kind, column in zip(types, rest, strict=True):
        if kind == "timestamptz":
            np.add(column, EPOCH_2000_US, out=column)
        found.append(column.view(np.float64) if kind == "float8" else column)
    return found
