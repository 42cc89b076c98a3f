"""The event log as readers see it, and the bell that says it grew."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from compute.block import VALUE_COLUMNS
from compute.periods import Grain, to_us
from services.store.pool import Connection, Database, DatabaseUnavailable
from services.store.results import ResultColumns
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query

# How often the listener looks whether the database is still there.
_PING_S = 1.0


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of a tenant."""

    seq: int
    kind: str
    at: datetime
    payload: Any
    site: str | None


@dataclass(frozen=True, slots=True)
class EventBounds:
    """A number's place in a tenant's log.

    Attributes
    ----------
    newest : int
        Last number of the log; 0 if it is empty.
    known : bool
        Whether the number is in the log.
    behind : int
        How many events follow it, counted up to a limit.
    """

    newest: int
    known: bool
    behind: int


async def list_events(connection: Connection, *, after_seq: int, limit: int) -> list[EventRow]:
    """Return the first events after a number."""
    return await fetch_all(connection, EventRow, "answer_events", (after_seq, limit))


async def newest_live(connection: Connection, *, site_id: int) -> EventRow | None:
    """Return the newest `live` event of a site, if there is one."""
    return await fetch_one(connection, EventRow, "answer_live", (site_id,))


@dataclass(frozen=True, slots=True)
class SiteLive:
    """The newest `live` event of a site, with the names of its topics."""

    seq: int
    tenant: str
    site: str
    payload: dict[str, Any]


async def newest_of_sites(connection: Connection, *, after_seq: int) -> list[SiteLive]:
    """Return the newest `live` event of each site that has one after a number."""
    return await fetch_all(connection, SiteLive, "newest_live_of_sites", (after_seq,))


@dataclass(frozen=True, slots=True)
class MemberSite:
    """A site of a member that shows a park its sums now."""

    member_code: str
    name_zh: str
    name_en: str
    site_code: str
    time_zone: str
    base_interval_us: int
    day_start_us: int


async def consenting_members(
    connection: Connection, *, tenant_id: int, at: datetime
) -> list[MemberSite]:
    """Return the sites of the members of a park that consent at an instant."""
    return await fetch_all(connection, MemberSite, "consenting_members", (tenant_id, at))


async def member_day(
    connection: Connection, member: MemberSite, *, start: datetime
) -> ResultColumns:
    """Return the totals of a member's day as the park may see them.

    The transaction must be the park's: the view that holds the consent asks for its tenant.
    """
    cursor = await connection.execute(
        query("member_day"), (member.member_code, member.site_code, int(Grain.DAY), start)
    )
    rows = await cursor.fetchall()

    def column(name: str, kind: npt.DTypeLike) -> npt.NDArray[Any]:
        return np.array([row[name] for row in rows], dtype=kind)

    return ResultColumns(
        ts_us=np.full(len(rows), to_us(start), dtype=np.int64),
        series_id=column("series_id", np.int32),
        quality=column("quality", np.int32),
        reading_count=column("reading_count", np.int32),
        covered_us=column("covered_us", np.int64),
        input_hash=column("input_hash", np.int64),
        measures=np.array(
            [[row[name] for name in VALUE_COLUMNS] for row in rows], dtype=np.float64
        ).reshape(len(rows), len(VALUE_COLUMNS)),
    )


async def event_bounds(connection: Connection, *, seq: int, count_max: int) -> EventBounds:
    """Return where a number stands in the log of the tenant."""
    row = await fetch_one(connection, EventBounds, "answer_event_bounds", (seq, count_max))
    if row is None:
        raise AssertionError("a select without a table is one row")
    return row


async def bells(database: Database) -> AsyncIterator[int | None]:
    """Yield the tenant of each event as it is committed; None first: any may have news.

    Raises
    ------
    DatabaseUnavailable
        As soon as the bell cannot be heard any more.
    """
    async with database.listen("nengtan_event") as connection:
        yield None
        while True:
            async for notice in connection.notifies(timeout=_PING_S):
                yield int(notice.payload)
            try:
                async with asyncio.timeout(_PING_S):
                    await connection.execute(query("still_there"))
            except TimeoutError as error:
                raise DatabaseUnavailable("the database does not answer: wait for it") from error
