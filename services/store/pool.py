"""Connections: the one place that opens transactions, and so the one that sets the tenant."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, Self

from psycopg import AsyncConnection, AsyncRawCursor, DataError, OperationalError
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from compute.errors import NengtanError
from services.store.migrations import newest_revision
from services.store.sql import query

Tier = Literal["timescaledb community", "timescaledb apache", "plain"]
Connection = AsyncConnection[DictRow]


# Every connection of the services: limits on how long anything may wait or hold a lock.
_CONNECTION: dict[str, Any] = {
    "row_factory": dict_row,
    "cursor_factory": AsyncRawCursor,
    "options": "-c timezone=UTC -c statement_timeout=120s -c lock_timeout=30s"
    " -c idle_in_transaction_session_timeout=300s -c jit=off",
}

_RECONNECT_S = 2.0


class DatabaseUnavailable(NengtanError):
    """The database does not answer: try again when it is back."""


class NotStorable(NengtanError):
    """The database refuses a value: what holds it must be set aside, not tried again."""


class UnfitDatabase(NengtanError):
    """The database answers, but must not be used as it is."""


class Database:
    """A pool of connections of one role.

    Every transaction is of one tenant, or of none: with none a tenant-facing role sees nothing.
    """

    def __init__(self, pool: AsyncConnectionPool[Connection], *, tier: Tier) -> None:
        self._pool = pool
        self.tier = tier

    @classmethod
    async def open(cls, url: str, *, size_max: int = 8, timeout_s: float = 10.0) -> Self:
        """Connect, check that the database is fit, and say what tier it is.

        Raises
        ------
        DatabaseUnavailable
            If nothing answers within the time.
        UnfitDatabase
            If the schema is of another version, a durable commit is switched off, or the role
            could look past row security.
        """
        try:
            # Not through the pool: it would try again in silence, and not say what is wrong.
            async with await AsyncConnection[DictRow].connect(
                url, connect_timeout=max(2, round(timeout_s)), **_CONNECTION
            ) as connection:
                tier = await _check(connection)
            pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
                url,
                min_size=1,
                max_size=size_max,
                timeout=timeout_s,
                # Not five minutes of ever longer pauses: the next who asks makes it try again.
                reconnect_timeout=_RECONNECT_S,
                open=False,
                kwargs=_CONNECTION,
                check=AsyncConnectionPool.check_connection,
            )
            await pool.open()
        except OperationalError as error:
            raise DatabaseUnavailable(_said("the database does not answer", error)) from error
        return cls(pool, tier=tier)

    @asynccontextmanager
    async def transaction(
        self, tenant_id: int | None = None, *, snapshot: bool = False
    ) -> AsyncIterator[Connection]:
        """Open a transaction of one tenant; commit at the end, roll back on any error.

        With `snapshot`, it only reads, and everything it reads is of one instant.

        Raises
        ------
        DatabaseUnavailable
            If no connection can be had, or it broke: all of it can be tried again.
        NotStorable
            If a value cannot be represented: trying again will not help.
        """
        try:
            async with self._connection() as connection, connection.transaction():
                if snapshot:
                    await connection.execute(query("read_one_instant"))
                if tenant_id is not None:
                    await connection.execute(query("set_tenant"), (str(tenant_id),))
                yield connection
        except (PoolTimeout, OperationalError) as error:
            raise DatabaseUnavailable(_said("the database does not answer", error)) from error
        except DataError as error:
            raise NotStorable(_said("the database refuses a value", error)) from error

    @asynccontextmanager
    async def listen(
        self, channel: Literal["nengtan_dirty", "nengtan_event", "nengtan_plant", "nengtan_alert"]
    ) -> AsyncIterator[Connection]:
        """Hold a connection that hears the bell of a channel."""
        async with self.hold() as connection:
            await connection.execute(query(f"listen_{channel}"))
            yield connection

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Connection]:
        """Keep one connection outside any transaction; its locks and bells end with it."""
        try:
            async with self._connection() as connection:
                await connection.set_autocommit(True)
                try:
                    yield connection
                finally:
                    # Where the connection died, the server has taken all of it back itself. That
                    # must not stand in for what ends this: it may be a cancellation.
                    with suppress(OperationalError):
                        await connection.execute(query("release_leases"))
                        await connection.execute(query("stop_listening"))
                        await connection.set_autocommit(False)
        except (PoolTimeout, OperationalError) as error:
            raise DatabaseUnavailable(_said("the database does not answer", error)) from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """Take a connection of the pool.

        One that is handed over in the turn in which its task is cancelled is handed over, and the
        pool drops the cancellation: who was to stop would go on for ever. Here it is raised again.
        """
        before = _cancellations()
        async with self._pool.connection() as connection:
            if _cancellations() > before:
                raise asyncio.CancelledError
            yield connection

    async def close(self) -> None:
        """Give every connection back to the server."""
        await self._pool.close()


def _cancellations() -> int:
    """Return how often this task was asked to stop and has not said that it will not."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _said(fault: str, error: Exception) -> str:
    """Return what the driver says as one line."""
    return f"{fault}: {' '.join(str(error).split())}"


async def _check(connection: Connection) -> Tier:
    """Refuse a database that would break a promise; return its tier."""
    row: dict[str, Any] | None = await (await connection.execute(query("fitness"))).fetchone()
    if row is None:
        raise AssertionError("the fitness query always has a row")
    if row["revision_table"] is None:
        raise UnfitDatabase("the database has no Nengtan schema: run `nengtan database upgrade`")
    revision = await (await connection.execute(query("revision"))).fetchone()
    found = None if revision is None else revision["version_num"]
    if found != newest_revision():
        raise UnfitDatabase(
            f"the database schema is revision {found}, this program needs {newest_revision()}: "
            "run `nengtan database upgrade` with the program that is to run"
        )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if row[name] == "off":
            raise UnfitDatabase(
                f"{name} is off: a receipt would not survive a power cut; set it to on"
            )
    if row["superuser"] or row["bypasses_row_security"]:
        raise UnfitDatabase(
            f"role {row['role']} is a superuser or bypasses row security: connect as nengtan_api, "
            "nengtan_ingest, nengtan_worker or nengtan_admin"
        )
    if not row["hypertable"]:
        return "plain"
    return "timescaledb community" if row["licence"] == "timescale" else "timescaledb apache"
