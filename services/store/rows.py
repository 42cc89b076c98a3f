"""Rows as frozen records: a named query and the dataclass whose fields are its columns."""

from collections.abc import Sequence
from typing import Any, TypeVar

from psycopg.rows import class_row

from services.store.pool import Connection
from services.store.sql import query

Row = TypeVar("Row")


async def fetch_all(
    connection: Connection, row_type: type[Row], name: str, parameters: Sequence[Any] = ()
) -> list[Row]:
    """Return every row of the named query."""
    async with connection.cursor(row_factory=class_row(row_type)) as cursor:
        await cursor.execute(query(name), parameters)
        return await cursor.fetchall()


async def fetch_one(
    connection: Connection, row_type: type[Row], name: str, parameters: Sequence[Any] = ()
) -> Row | None:
    """Return the first row of the named query, or None."""
    async with connection.cursor(row_factory=class_row(row_type)) as cursor:
        await cursor.execute(query(name), parameters)
        return await cursor.fetchone()
