"""Rows of binary COPY, beside a twin that writes one field after the other."""

import math
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compute.row_bytes import row_bytes

_CODES = {2: ">h", 4: ">i", 8: ">q"}
Row = list[tuple[str, int | float]]


def slow_row_bytes(rows: list[Row]) -> bytes:
    """Return rows as the PostgreSQL manual describes them (COPY, File Formats, Tuples)."""
    written = b""
    for row in rows:
        written += struct.pack(">h", len(row))
        for kind, value in row:
            if kind == "float8" and math.isnan(value):
                written += struct.pack(">i", -1)
                continue
            code = ">d" if kind == "float8" else _CODES[int(kind)]
            field = struct.pack(code, value)
            written += struct.pack(">i", len(field)) + field
    return written


def integers(width: int) -> st.SearchStrategy[tuple[str, int | float]]:
    top = 1 << (8 * width - 1)
    return st.tuples(st.just(str(width)), st.integers(-top, top - 1))


FIELD = {
    "2": integers(2),
    "4": integers(4),
    "8": integers(8),
    "float8": st.tuples(st.just("float8"), st.floats()),
}


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    kinds = draw(st.lists(st.sampled_from(sorted(FIELD)), min_size=1, max_size=6))
    row = st.tuples(*(FIELD[kind] for kind in kinds))
    return [list(found) for found in draw(st.lists(row, min_size=1, max_size=8))]


@given(tables())
def test_rows_are_those_of_the_twin(rows: list[Row]) -> None:
    kinds = [kind for kind, _ in rows[0]]
    words = np.array(
        [
            [
                struct.unpack(">q", struct.pack(">d", value))[0] if kind == "float8" else value
                for kind, value in row
            ]
            for row in rows
        ],
        dtype=np.int64,
    ).T
    found = row_bytes(
        words,
        width=np.array([8 if kind == "float8" else int(kind) for kind in kinds], dtype=np.int32),
        is_float=np.array([kind == "float8" for kind in kinds]),
    )
    assert found.tobytes() == slow_row_bytes(rows)
