"""Rows of binary COPY, beside a twin that writes one field after the other."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.row_bytes import grouped_columns, row_bytes

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


Group = tuple[int, list[tuple[int, ...]]]
TOP = {4: 1 << 31, 8: 1 << 63}
INTEGER = {width: st.integers(-top, top - 1) for width, top in TOP.items()}


def slow_group_bytes(widths: list[int], key: int, rows: list[tuple[int, ...]]) -> bytes:
    """Return a key and one array for each column, as PostgreSQL's array_send writes them."""
    written = struct.pack(">hii", 1 + len(widths), 4, key)
    for width, column in zip(widths, zip(*rows, strict=True), strict=True):
        array = struct.pack(">iiiii", 1, 0, 23, len(column), 1)
        for value in column:
            array += struct.pack(">i", width) + struct.pack(_CODES[width], value)
        written += struct.pack(">i", len(array)) + array
    return written


@st.composite
def groups(draw: st.DrawFn) -> tuple[list[int], list[Group]]:
    widths = draw(st.lists(st.sampled_from((4, 8)), min_size=1, max_size=4))
    row = st.tuples(*(INTEGER[width] for width in widths))
    keys = draw(st.lists(INTEGER[4], max_size=5, unique=True))
    return widths, [(key, draw(st.lists(row, min_size=1, max_size=4))) for key in keys]


def taken(widths: list[int], stream: bytes) -> list[list[int]] | None:
    width = np.array(widths, dtype=np.int32)
    columns = grouped_columns(np.frombuffer(stream, dtype=np.uint8), width=width)
    return None if columns is None else [column.tolist() for column in columns]


@given(groups())
def test_groups_come_back_ascending_by_their_key(case: tuple[list[int], list[Group]]) -> None:
    widths, found = case
    stream = b"".join(slow_group_bytes(widths, key, rows) for key, rows in found)
    rows = [(key, *row) for key, members in sorted(found) for row in members]
    expected = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in [0, *widths]]
    assert taken(widths, stream) == expected


@pytest.mark.parametrize(
    ("place", "value"),
    [(2, 8), (14, 0), (14, 2), (18, 1), (26, 3), (26, 0), (10, 35)],
    ids=["key", "no dimension", "dimensions", "nulls", "count", "empty", "length"],
)
def test_rows_of_another_form_are_not_taken(place: int, value: int) -> None:
    stream = bytearray(slow_group_bytes([4], 7, [(1,), (2,)]))
    assert taken([4], bytes(stream)) == [[7, 7], [1, 2]]
    struct.pack_into(">i", stream, place, value)
    assert taken([4], bytes(stream)) is None


def test_a_row_that_is_cut_off_is_not_taken() -> None:
    stream = slow_group_bytes([4, 8], 7, [(1, 2)])
    assert all(taken([4, 8], stream[:end]) is None for end in range(1, len(stream)))
