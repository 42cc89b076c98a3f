"""Rows of columns as bytes, and back: the row format of PostgreSQL's binary COPY."""

import numpy as np
import numpy.typing as npt

from compute._jit import inlined, kernel
from compute.topology import Bool1D, Index1D, Int1D

Bytes1D = npt.NDArray[np.uint8]

# The bits of a float's exponent: where all are set, it is infinite or, with any other bit, NaN.
_EXPONENT = np.int64(0x7FF0_0000_0000_0000)
_MAGNITUDE = np.int64(0x7FFF_FFFF_FFFF_FFFF)


def row_bytes(
    words: npt.NDArray[np.int64], *, width: Index1D, is_float: Bool1D
) -> npt.NDArray[np.uint8]:
    """Return rows, each the count of fields and then length and value of each, big-endian.

    Parameters
    ----------
    words : (c, n) int64
        The values; of a float its bits.
    width : (c,) int32
        Bytes of a field: 2, 4 or 8. A value must fit.
    is_float : (c,) bool
        Whether NaN means NULL there: a length of -1 and no value.

    Returns
    -------
    rows : (b,) uint8
    """
    size = words.shape[1] * (2 + int((width + 4).sum()))
    rows = np.empty(size, dtype=np.uint8)
    length = _write(
        np.ascontiguousarray(words, dtype=np.int64),
        np.array(width, dtype=np.int32),
        np.array(is_float, dtype=np.bool_),
        rows,
    )
    return rows[:length]


@kernel
def _write(
    words: npt.NDArray[np.int64], width: Index1D, is_float: Bool1D, rows: npt.NDArray[np.uint8]
) -> int:
    column_count, row_count = words.shape
    at = 0
    for row in range(row_count):
        _put(rows, at, column_count, 2)
        at += 2
        for column in range(column_count):
            word = words[column, row]
            if is_float[column] and (word & _MAGNITUDE) > _EXPONENT:
                _put(rows, at, -1, 4)
                at += 4
                continue
            _put(rows, at, width[column], 4)
            # A width known to the compiler makes one store of it.
            if width[column] == 8:
                _put(rows, at + 4, word, 8)
            elif width[column] == 4:
                _put(rows, at + 4, word, 4)
            else:
                _put(rows, at + 4, word, 2)
            at += 4 + width[column]
    return at


@inlined
def _put(rows: npt.NDArray[np.uint8], at: int, word: int, width: int) -> None:
    for byte in range(width):
        rows[at + byte] = (word >> (8 * (width - 1 - byte))) & 0xFF


# Before the elements of an array: dimensions, whether there are NULLs, type, count, first index.
_ARRAY_HEAD_BYTES = 20
_COUNT_AT = 12
# Where the first array of a row begins: after the count of fields, and length and value of the key.
_ARRAYS_AT = 2 + 4 + 4


def grouped_columns(
    rows: Bytes1D, *, width: Index1D
) -> list[npt.NDArray[np.int32] | npt.NDArray[np.int64]] | None:
    """Return the columns of rows that each hold a key and arrays of one length, ascending by key.

    Parameters
    ----------
    rows : (b,) uint8
        Rows of an integer and c arrays without NULLs.
    width : (c,) int32
        Bytes of an element of each array: 4 or 8.

    Returns
    -------
    columns : (1 + c,) arrays of one length, or None
        The key of each element, int32, and the arrays one after the other: int32 or, of 8 bytes,
        int64. None where the rows have another form.
    """
    rows, width = np.ascontiguousarray(rows), np.array(width, dtype=np.int32)
    element_bytes = int((width + 4).sum())
    # A group has one element at least, which bounds how many there are.
    room = rows.size // (_ARRAYS_AT + width.size * (4 + _ARRAY_HEAD_BYTES) + element_bytes)
    place, key, size = (np.empty(room, dtype=np.int64) for _ in range(3))
    group_count = _find_groups(rows, width, place, key, size)
    if group_count < 0:
        return None
    order = np.argsort(key[:group_count], kind="stable")
    place, key, size = place[order], key[order], size[order]
    count = int(size.sum())
    columns: list[npt.NDArray[np.int32] | npt.NDArray[np.int64]] = [
        np.repeat(key.astype(np.int32), size)
    ]
    offset = np.zeros(group_count, dtype=np.int64)
    for each in width.tolist():
        if each == 8:
            wide = np.empty(count, dtype=np.int64)
            _take_wide(rows, place + offset, size, wide)
            columns.append(wide)
        else:
            narrow = np.empty(count, dtype=np.int32)
            _take_narrow(rows, place + offset, size, narrow)
            columns.append(narrow)
        offset += 4 + _ARRAY_HEAD_BYTES + size * (4 + each)
    return columns


@kernel
def _find_groups(rows: Bytes1D, width: Index1D, place: Int1D, key: Int1D, size: Int1D) -> int:
    """Find where the arrays of each row begin, and return how many rows there are; -1 if unfit."""
    at, group = 0, 0
    while at < rows.size:
        if group >= place.size or at + _ARRAYS_AT + 4 + _ARRAY_HEAD_BYTES > rows.size:
            return -1
        if _get_4(rows, at + 2) != 4:
            return -1
        key[group] = _get_4(rows, at + 6)
        at += _ARRAYS_AT
        place[group] = at
        size[group] = _get_4(rows, at + 4 + _COUNT_AT)
        for column in range(width.size):
            length = _ARRAY_HEAD_BYTES + size[group] * (4 + width[column])
            if size[group] < 1 or at + 4 + length > rows.size or _get_4(rows, at) != length:
                return -1
            dimensions, nulls = _get_4(rows, at + 4), _get_4(rows, at + 8)
            if dimensions != 1 or nulls != 0 or _get_4(rows, at + 4 + _COUNT_AT) != size[group]:
                return -1
            at += 4 + length
        group += 1
    return group


@kernel
def _take_wide(rows: Bytes1D, place: Int1D, size: Int1D, column: Int1D) -> None:
    to = 0
    for group in range(place.size):
        at = place[group] + 4 + _ARRAY_HEAD_BYTES + 4
        for _ in range(size[group]):
            column[to] = (_get_4(rows, at) << 32) | (_get_4(rows, at + 4) & 0xFFFFFFFF)
            to += 1
            at += 12


@kernel
def _take_narrow(rows: Bytes1D, place: Int1D, size: Int1D, column: Index1D) -> None:
    to = 0
    for group in range(place.size):
        at = place[group] + 4 + _ARRAY_HEAD_BYTES + 4
        for _ in range(size[group]):
            column[to] = _get_4(rows, at)
            to += 1
            at += 8


@inlined
def _get_4(rows: Bytes1D, at: int) -> int:
    """Return a signed number of four bytes, the highest first."""
    word = (
        (np.int64(rows[at]) << 24)
        | (np.int64(rows[at + 1]) << 16)
        | (np.int64(rows[at + 2]) << 8)
        | np.int64(rows[at + 3])
    )
    return int((word ^ 0x80000000) - 0x80000000)
