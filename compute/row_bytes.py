"""Rows of columns as bytes: the row format of PostgreSQL's binary COPY."""

import numpy as np
import numpy.typing as npt

from compute._jit import inlined, kernel
from compute.topology import Bool1D, Index1D

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
