"""The worker: what became dirty is computed again, as soon as the bell rings."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from services import clock, traced
from services.crash import crash_point
from services.kept_readings import KeptReadings
from services.read_ahead import ReadAhead
from services.recompute import Recomputed, recompute
from services.site_model import SiteModels
from services.store import alerts, dirty_marks, events
from services.store.pool import Database, DatabaseUnavailable
from services.store.session import compute_in_memory

_log = structlog.get_logger()

# Marks taken in one transaction: bounds its length when a backlog comes in.
_MARKS_MAX = 400
# A mark is never older than this before it is looked at, bell or no bell.
_SWEEP_S = 5.0
# Marks that arrive within this time are computed together; or within the time that the last pass
# took, so that a plant read every second does not keep a core busy with its open interval.
_GATHER_S = 0.25
_GATHER_S_MAX = 1.5
_TRIM_S = 600.0


class Worker:
    """Computes dirty sites, one after the other.

    Parameters
    ----------
    database : Database
    on_results : callable, optional
        Is handed the number of each site whose results may have changed.
    """

    def __init__(
        self, database: Database, on_results: Callable[[int], None] = lambda _site_id: None
    ) -> None:
        self._database = database
        self._models = SiteModels()
        self._on_results = on_results
        self._took_s = 0.0
        self._ahead = ReadAhead(database)
        self._kept = KeptReadings()

    async def drain(self) -> int:
        """Compute until nothing is dirty; return how many base intervals that was.

        A site that cannot be computed keeps its marks and holds up no other; it is tried again
        with the next drain.
        """
        try:
            return await self._drain()
        finally:
            await self._ahead.drop()

    async def _drain(self) -> int:
        total = 0
        failed: set[int] = set()
        while True:
            async with self._database.transaction() as connection:
                dirty = set(await dirty_marks.dirty_sites(connection)) - failed
            if not dirty:
                return total
            for site_id in sorted(dirty):
                try:
                    done = await self._site(site_id)
                except DatabaseUnavailable:
                    raise
                except Exception as error:  # noqa: BLE001 - a defect that one site meets
                    _log.exception("tick.site.failed", site_id=site_id, reason=str(error))
                    failed.add(site_id)
                else:
                    total += done.interval_count
                    if done.has_failed:
                        failed.add(site_id)

    async def _site(self, site_id: int) -> Recomputed:
        async with self._database.transaction() as connection:
            await compute_in_memory(connection)
            dirty = await dirty_marks.take_dirty(connection, site_id=site_id, count_max=_MARKS_MAX)
            model = await self._models.get(connection, site_id)
            if not dirty:
                # What its storages remember is traced on, part by part.
                await traced.advance(connection, model)
                return Recomputed(0, None)
            ready = await self._ahead.taken(site_id, dirty)
            if ready is None:
                ready = await self._kept.taken(
                    connection, model, dirty, more_wait=len(dirty) >= _MARKS_MAX
                )
            coming = await dirty_marks.next_slice(connection, site_id)
            if coming is not None:
                self._ahead.begin(model, coming)
            done = await recompute(connection, model, dirty, at=clock.now(), ready=ready)
            self._ahead.note(site_id, dirty, done.reading_count)
            await self._kept.keep(connection, model, dirty, done.ready)
            crash_point("rollup_before_commit")
        crash_point("rollup_after_commit")
        self._on_results(site_id)
        _log.info(
            "tick.site.computed",
            site=model.site.code,
            marks=len(dirty),
            intervals=done.interval_count,
        )
        return done

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; wait for the database as long as it takes."""
        async with asyncio.TaskGroup() as group:
            bell = asyncio.Event()
            tasks = [
                group.create_task(forever(lambda: _listen(self._database, bell))),
                group.create_task(forever(lambda: self._work(bell))),
                group.create_task(forever(lambda: _trim(self._database))),
            ]
            await stop.wait()
            for task in tasks:
                task.cancel()

    async def _work(self, bell: asyncio.Event) -> None:
        # Not wait_for: of Python 3.11 it forgets a cancellation that comes together with the bell.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SWEEP_S):
                await bell.wait()
        await asyncio.sleep(min(max(_GATHER_S, self._took_s), _GATHER_S_MAX))
        bell.clear()
        began_s = clock.monotonic()
        await self.drain()
        self._took_s = clock.monotonic() - began_s


async def _listen(database: Database, bell: asyncio.Event) -> None:
    async with database.listen("nengtan_dirty") as connection:
        async for _ in connection.notifies():
            bell.set()


async def _trim(database: Database) -> None:
    async with database.transaction() as connection:
        await events.trim_events(connection)
        await alerts.trim_deliveries(connection, at=clock.now())
    await asyncio.sleep(_TRIM_S)


async def forever(step: Callable[[], Awaitable[None]], *, pause_s_max: float = 10.0) -> None:
    """Repeat a step; a database that is away is waited for, anything else is said and retried."""
    pause_s = 0.2
    while True:
        try:
            await step()
            pause_s = 0.2
        except DatabaseUnavailable as error:
            _log.warning("tick.database.away", reason=str(error), retry_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, pause_s_max)
        except Exception as error:  # noqa: BLE001 - one job that fails must not end the others
            _log.exception("tick.step.failed", reason=str(error))
            await asyncio.sleep(_SWEEP_S)
