"""The binary COPY format: what goes in comes out, and PostgreSQL reads it as we mean it."""

import asyncio
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection, sql

from services.store import binary
from services.store.binary import ColumnType, copy_in, copy_out, pack, unpack

TYPES: tuple[ColumnType, ...] = ("timestamptz", "bigint", "integer", "smallint", "float8")
DTYPES = {
    "timestamptz": np.int64,
    "bigint": np.int64,
    "integer": np.int32,
    "smallint": np.int16,
    "float8": np.float64,
}
# 4713 BC to 294276 AD is PostgreSQL's; the years 1 to 9999 are Python's.
FIRST_US = -62_135_596_800_000_000
LAST_US = 253_402_300_799_999_999


def integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "timestamptz": st.integers(FIRST_US, LAST_US),
    "bigint": integers(64),
    "integer": integers(32),
    "smallint": integers(16),
    "float8": st.floats(allow_nan=False, width=64),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[ColumnType, ...], list[npt.NDArray[Any]]]:
    types = tuple(draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=6)))
    count = draw(st.integers(0, 20))
    columns = [
        np.array(draw(st.lists(VALUES[kind], min_size=count, max_size=count)), dtype=DTYPES[kind])
        for kind in types
    ]
    return types, columns


class TestPack:
    @given(table=tables())
    def test_is_undone_by_unpack(
        self, table: tuple[tuple[ColumnType, ...], list[npt.NDArray[Any]]]
    ) -> None:
        types, columns = table
        found = unpack(types, pack(types, columns))
        for column, expected in zip(found, columns, strict=True):
            assert column.dtype == expected.dtype
            # Bits, so that -0.0 and 0.0 are told apart.
            assert column.tobytes() == expected.tobytes()

    @given(
        value=st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=1, max_size=30),
        other=st.floats(allow_nan=True),
    )
    def test_leaves_out_the_bytes_of_each_nan(self, value: list[float], other: float) -> None:
        count = len(value)
        types: tuple[ColumnType, ...] = ("float8", "integer", "float8")
        columns = (np.array(value), np.arange(count, dtype=np.int32), np.full(count, other))
        missing = sum(map(math.isnan, value)) + count * math.isnan(other)
        whole = pack(types, (np.zeros(count), columns[1], np.zeros(count)))
        assert len(pack(types, columns)) == len(whole) - 8 * missing


@pytest.mark.database
class TestPostgreSQL:
    ROWS = (
        (FIRST_US, -(1 << 63), -(1 << 31), -(1 << 15), -0.0),
        (946_684_800_000_000 - 1, 0, 0, 0, 5e-324),
        (946_684_800_000_000, 1, 1, 1, math.nan),
        (-1, -1, -1, -1, 1.7976931348623157e308),
        (LAST_US, (1 << 63) - 1, (1 << 31) - 1, (1 << 15) - 1, 0.1),
    )

    def test_reads_what_pack_writes_and_writes_what_unpack_reads(self, database_url: str) -> None:
        columns = [
            np.array(column, dtype=DTYPES[kind])
            for kind, column in zip(TYPES, zip(*self.ROWS, strict=True), strict=True)
        ]
        rows, back = asyncio.run(self._round_trip(database_url, columns))
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        for row, (at_us, *numbers) in zip(rows, self.ROWS, strict=True):
            assert (row[0] - epoch).days * 86_400_000_000 + (row[0] - epoch).seconds * 1_000_000 + (
                row[0] - epoch
            ).microseconds == at_us
            expected = [None if isinstance(n, float) and math.isnan(n) else n for n in numbers]
            assert list(row[1:]) == expected
        assert math.copysign(1.0, rows[0][4]) == -1.0
        for found, column in zip(back, columns, strict=True):
            np.testing.assert_array_equal(found, column)

    async def _round_trip(
        self, url: str, columns: list[npt.NDArray[Any]]
    ) -> tuple[list[Any], list[npt.NDArray[Any]]]:
        names = "(a timestamptz, b bigint, c integer, d smallint, e float8)"
        async with await AsyncConnection.connect(url, options="-c timezone=UTC") as connection:
            await connection.execute(f"create temporary table extremes {names}")
            statement = sql.SQL("copy extremes from stdin (format binary)")
            await copy_in(connection, statement, pack(TYPES, columns))
            rows = await (await connection.execute("select * from extremes order by a")).fetchall()
            order = np.argsort(columns[0])
            select = sql.SQL("select a, b, c, d, coalesce(e, 'NaN') from extremes order by a")
            back = await copy_out(connection, select, TYPES)
            inverse = np.argsort(order)
            return [rows[i] for i in inverse], [column[inverse] for column in back]

    @pytest.mark.parametrize("count", [0, 1, 5])
    @pytest.mark.parametrize("as_parameter", [True, False])
    def test_has_arrays_as_they_are(
        self, database_url: str, count: int, *, as_parameter: bool
    ) -> None:
        instant_us, _, number, _, value = (
            np.array(column)[:count] for column in zip(*self.ROWS, strict=True)
        )
        arrays = (binary.instants(instant_us), binary.integers(number), binary.floats(value))

        async def work() -> list[list[Any]]:
            async with await AsyncConnection.connect(database_url) as connection:
                return await (self._bound if as_parameter else self._composed)(connection, arrays)

        found = asyncio.run(work())
        assert len(found) == 3
        for column, expected in zip(found, (instant_us, number, value), strict=True):
            np.testing.assert_array_equal(np.array(column, dtype=expected.dtype), expected)

    async def _bound(self, connection: AsyncConnection[Any], arrays: tuple[Any, ...]) -> list[Any]:
        cursor = await connection.execute(
            "select array(select 1000000 * extract(epoch from t) from unnest(%s) as t), %s, %s",
            arrays,
        )
        return list(await cursor.fetchone() or ())

    async def _composed(
        self, connection: AsyncConnection[Any], arrays: tuple[Any, ...]
    ) -> list[Any]:
        select = sql.SQL("select * from unnest({}, {}, {})").format(*map(sql.Literal, arrays))
        return await copy_out(connection, select, ("timestamptz", "integer", "float8"))

    def test_is_not_read_back_where_a_null_was_left_in(self, database_url: str) -> None:
        async def work() -> None:
            async with await AsyncConnection.connect(database_url) as connection:
                select = sql.SQL("select null::float8 union all select 1.0")
                await copy_out(connection, select, ("float8",))

        with pytest.raises(AssertionError, match="a NULL or another type"):
            asyncio.run(work())

    def test_refuses_a_value_that_a_column_cannot_hold(self, database_url: str) -> None:
        async def work() -> None:
            async with await AsyncConnection.connect(database_url) as connection:
                await connection.execute("create temporary table narrow (a integer)")
                statement = sql.SQL("copy narrow from stdin (format binary)")
                await copy_in(connection, statement, pack(("bigint",), [np.array([1 << 40])]))

        with pytest.raises(psycopg.errors.InvalidBinaryRepresentation):
            asyncio.run(work())
