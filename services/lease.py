"""One process per job: a lease of the database, which takes it back when its holder dies."""

import asyncio

import structlog

from compute.errors import NengtanError
from services.store.pool import Connection, Database, DatabaseUnavailable
from services.store.sql import query

_log = structlog.get_logger()

# A predecessor that was killed may hold its lease until the server notices.
_WAIT_S = 10.0
_PING_S = 2.0


class LeaseTaken(NengtanError):
    """Another process does this job already."""


async def keep_lease(database: Database, name: str, *, held: asyncio.Event) -> None:
    """Take the lease of a job, set `held`, and keep it until cancelled.

    The first word of the name is the kind of job, as `is_held` asks for it. When the database comes
    back after it was away the lease is taken anew.

    Raises
    ------
    LeaseTaken
        If another process has it, and still has it after ten seconds.
    """
    while True:
        try:
            async with database.hold() as connection:
                await _take(connection, name)
                held.set()
                while True:
                    await asyncio.sleep(_PING_S)
                    await connection.execute(query("still_there"))
        except DatabaseUnavailable as error:
            _log.warning("lease.lost", job=name, reason=str(error))
            await asyncio.sleep(_PING_S)


async def is_held(connection: Connection, kind: str) -> bool:
    """Return whether any process holds a lease of a kind of job.

    A killed process holds none: the server notices the end of its connection at once.
    """
    row = await (await connection.execute(query("lease_is_held"), (kind,))).fetchone()
    return row is not None and bool(row["held"])


async def _take(connection: Connection, name: str) -> None:
    waited_s = 0.0
    while True:
        row = await (await connection.execute(query("try_lease"), (name,))).fetchone()
        if row is not None and row["taken"]:
            return
        if waited_s >= _WAIT_S:
            raise LeaseTaken(f"another process is {name}: stop it first")
        await asyncio.sleep(0.5)
        waited_s += 0.5
