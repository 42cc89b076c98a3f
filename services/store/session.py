"""Settings of one transaction."""

from services.store.pool import Connection
from services.store.sql import query


async def commit_without_waiting(connection: Connection) -> None:
    """Let this transaction commit before it is on disk: what it tells is told anew in a second."""
    await connection.execute(query("commit_without_waiting"))


async def limit_statements(connection: Connection, limit_s: float) -> None:
    """Let no statement of the transaction take longer; it fails like one that is lost."""
    await connection.execute(query("limit_statements"), (f"{round(limit_s * 1000)}ms",))


async def compute_in_memory(connection: Connection) -> None:
    """Let a transaction group whole weeks of rows in memory, and in one process."""
    await connection.execute(query("compute_in_memory"))
