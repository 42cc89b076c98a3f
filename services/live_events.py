"""Live events: one listener a process, one short memory a tenant, any number of readers.

A reader takes what it is ready for and no more: nothing is kept for it. What it missed it reads
from the log, and where the log does not reach back any more, it is told to resynchronise.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from services.refusal import NotFound, Refusal
from services.store import answers, live
from services.store.live import EventRow
from services.store.pool import Database, DatabaseUnavailable

READERS_PER_TENANT_MAX = 200
BEHIND_MAX = 10_000
MEMORY_COUNT = 2_000
PAGE_COUNT = 500
_RETRY_S = 0.5


class TooManyReaders(Refusal):
    """The tenant has as many live streams as it may."""

    code = "busy"


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a stream goes on. `is_gap` says that events before may have been missed."""

    seq: int
    is_gap: bool


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest `live` event of a site, if there is one."""

    as_of: datetime
    time_zone: str
    row: EventRow | None


async def newest(database: Database, *, tenant_id: int, site: str) -> Newest:
    """Return the newest `live` event of a site.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        found = await answers.find_site(connection, site)
        if found is None:
            raise NotFound("site")
        return Newest(
            as_of=await answers.instant(connection),
            time_zone=found.time_zone,
            row=await live.newest_live(connection, site_id=found.id),
        )


@dataclass(slots=True)
class _Memory:
    """The newest events of a tenant: all after `complete_after` but replaced `live` ones."""

    complete_after: int
    rows: deque[EventRow] = field(default_factory=deque)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    reader_count: int = 0

    @property
    def newest(self) -> int:
        return self.rows[-1].seq if self.rows else self.complete_after

    def add(self, rows: list[EventRow]) -> None:
        """Remember more; of `live` events only the newest of each site is worth anything."""
        replaced = {row.site for row in rows if row.kind == "live"}
        if replaced:
            kept = (row for row in self.rows if row.kind != "live" or row.site not in replaced)
            self.rows = deque(kept)
        self.rows.extend(rows)


def _wake(memory: _Memory) -> None:
    changed, memory.changed = memory.changed, asyncio.Event()
    changed.set()


class LiveEvents:
    """Hands the event log on to readers as it grows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._memories: dict[int, _Memory] = {}
        self.is_closed = False
        self._is_away = False

    def close(self) -> None:
        """Have every reader end, for the process does."""
        self.is_closed = True
        for memory in self._memories.values():
            memory.changed.set()

    async def run(self) -> None:
        """Listen until cancelled. While the database is away no reader is kept waiting."""
        while True:
            try:
                await self._listen()
            except DatabaseUnavailable:
                self._is_away = True
                for memory in self._memories.values():
                    _wake(memory)
                await asyncio.sleep(_RETRY_S)

    async def _listen(self) -> None:
        async for tenant_id in live.bells(self._database):
            self._is_away = False
            tenants = list(self._memories) if tenant_id is None else [tenant_id]
            for tenant in tenants:
                if tenant in self._memories:
                    await self._remember(tenant)

    async def _remember(self, tenant_id: int) -> None:
        memory = self._memories[tenant_id]
        async with memory.lock:
            try:
                await self._read_on(tenant_id, memory)
            except DatabaseUnavailable:
                # The listener notices the same outage, and rings for all when it is over.
                return
        _wake(memory)

    async def _read_on(self, tenant_id: int, memory: _Memory) -> None:
        while True:
            async with self._database.transaction(tenant_id) as connection:
                rows = await live.list_events(connection, after_seq=memory.newest, limit=PAGE_COUNT)
            memory.add(rows)
            while len(memory.rows) > MEMORY_COUNT:
                memory.complete_after = memory.rows.popleft().seq
            if len(rows) < PAGE_COUNT:
                return

    @asynccontextmanager
    async def reader(self, tenant_id: int) -> AsyncIterator[None]:
        """Count a reader of a tenant while it reads.

        Raises
        ------
        TooManyReaders
            If the tenant has as many as it may.
        DatabaseUnavailable
            If the end of the log cannot be read.
        """
        memory = self._memories.get(tenant_id)
        if memory is None:
            newest = (await self._bounds(tenant_id, 0)).newest
            memory = self._memories.setdefault(tenant_id, _Memory(newest))
            # What was committed before the bell was heard for this tenant.
            await self._remember(tenant_id)
        if memory.reader_count >= READERS_PER_TENANT_MAX:
            raise TooManyReaders(
                f"your tenant has {READERS_PER_TENANT_MAX} live streams: close some first",
                f"本租户实时连接已达 {READERS_PER_TENANT_MAX} 个：请先关闭一些",
            )
        memory.reader_count += 1
        try:
            yield
        finally:
            memory.reader_count -= 1
            if not memory.reader_count:
                self._memories.pop(tenant_id, None)

    async def resume(self, tenant_id: int, last_seq: int | None) -> Resume:
        """Return where a reader goes on that saw `last_seq` last, or nothing yet."""
        bounds = await self._bounds(tenant_id, last_seq or 0)
        if last_seq is None:
            return Resume(bounds.newest, is_gap=False)
        # A number that is not there was trimmed, never was, or is another tenant's: who asks is
        # told the same.
        if not bounds.known or bounds.behind > BEHIND_MAX:
            return Resume(bounds.newest, is_gap=True)
        return Resume(last_seq, is_gap=False)

    async def _bounds(self, tenant_id: int, seq: int) -> live.EventBounds:
        async with self._database.transaction(tenant_id) as connection:
            return await live.event_bounds(connection, seq=seq, count_max=BEHIND_MAX + 1)

    def has_fallen_behind(self, tenant_id: int, seq: int) -> bool:
        """Return whether a counted reader's place is older than what is remembered."""
        return seq < self._memories[tenant_id].complete_after

    async def after(self, tenant_id: int, seq: int, *, timeout_s: float) -> list[EventRow]:
        """Return events after a number, waiting for the next if there is none yet.

        Must be called by a counted reader. An empty list says that the time is over.

        Raises
        ------
        DatabaseUnavailable
            While the log cannot be heard: the reader comes back when it can.
        """
        memory = self._memories[tenant_id]
        changed = memory.changed
        if seq < memory.complete_after:
            async with self._database.transaction(tenant_id) as connection:
                return await live.list_events(connection, after_seq=seq, limit=PAGE_COUNT)
        if memory.newest <= seq:
            try:
                async with asyncio.timeout(timeout_s):
                    await changed.wait()
            except TimeoutError:
                return []
        if self._is_away:
            raise DatabaseUnavailable("the database does not answer: wait for it")
        return [row for row in memory.rows if row.seq > seq][:PAGE_COUNT]
