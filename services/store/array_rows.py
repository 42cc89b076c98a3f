"""Rows with array columns to and from numpy through binary COPY: as many elements in every row.

A block of rows is one structured array, heads and lengths of the arrays among it, so a row costs no
Python object, as in `binary`.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from psycopg import AsyncConnection, sql

from services.store.binary import EPOCH_2000_US

ScalarType = Literal["timestamptz", "integer", "smallint", "float8"]
# An array column has its type, and how many elements every row of it has.
ColumnType = ScalarType | tuple[Literal["smallint", "float8"], int]

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_FORMAT: dict[ScalarType, str] = {
    "timestamptz": ">i8",
    "integer": ">i4",
    "smallint": ">i2",
    "float8": ">f8",
}
# Object ids of the types of elements, as pg_type has them.
_OID: dict[ScalarType, int] = {"smallint": 21, "float8": 701}


def _row_type(types: Sequence[ColumnType]) -> np.dtype[Any]:
    fields: list[tuple[Any, ...]] = [("field_count", ">i2")]
    for index, kind in enumerate(types):
        fields.append((f"length{index}", ">i4"))
        if isinstance(kind, tuple):
            # Dimensions, whether there are nulls, type of the elements, how many, from 1 on; an
            # empty array has none of the last two.
            fields.append((f"head{index}", ">i4", (5 if kind[1] else 3,)))
            element = [("length", ">i4"), ("value", _FORMAT[kind[0]])]
            fields.append((f"value{index}", element, (kind[1],)))
        else:
            fields.append((f"value{index}", _FORMAT[kind]))
    return np.dtype(fields)


def pack_rows(types: Sequence[ColumnType], columns: Sequence[npt.NDArray[Any]]) -> bytes:
    """Return columns as one binary COPY stream without NULLs: NaN stays NaN.

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
        name, count = kind
        size = np.dtype(_FORMAT[name]).itemsize
        head = (1, 0, _OID[name], count, 1) if count else (0, 0, _OID[name])
        rows[f"length{index}"] = 4 * len(head) + count * (4 + size)
        rows[f"head{index}"] = head
        rows[f"value{index}"]["length"] = size
        rows[f"value{index}"]["value"] = column
    return b"".join((_HEADER, rows.tobytes(), _TRAILER))


def unpack_rows(types: Sequence[ColumnType], stream: bytes) -> list[npt.NDArray[Any]]:
    """Return the columns of a binary COPY stream that holds no NULL and no other length."""
    row_type = _row_type(types)
    body = len(stream) - len(_HEADER) - len(_TRAILER)
    if body % row_type.itemsize:
        raise AssertionError("a NULL or an array of another length in a COPY stream")
    rows = np.frombuffer(
        stream, dtype=row_type, count=body // row_type.itemsize, offset=len(_HEADER)
    )
    columns: list[npt.NDArray[Any]] = []
    for index, kind in enumerate(types):
        name = kind[0] if isinstance(kind, tuple) else kind
        found = rows[f"value{index}"]
        values = found["value"] if isinstance(kind, tuple) else found
        column = values.astype(np.dtype(_FORMAT[name]).newbyteorder("="))
        columns.append(column + EPOCH_2000_US if name == "timestamptz" else column)
    return columns


async def copy_rows_out(
    connection: AsyncConnection[Any], select: sql.Composable, types: Sequence[ColumnType]
) -> list[npt.NDArray[Any]]:
    """Return the columns of a query whose parameters are composed into it as literals."""
    statement = sql.SQL("copy ({}) to stdout (format binary)").format(select)
    async with connection.cursor().copy(statement) as copy:
        stream = b"".join([bytes(block) async for block in copy])
    return unpack_rows(types, stream)
