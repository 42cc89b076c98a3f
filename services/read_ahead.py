"""The readings of the next slice of a site, read while the slice before it is computed."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from services.site_model import SiteModel, described_at
from services.store import readings
from services.store.dirty_marks import Dirty
from services.store.pool import Database
from services.store.session import compute_in_memory
from services.window_readings import READY_MAX, Ready, around


@dataclass(frozen=True, slots=True)
class _Begun:
    site_id: int
    known: frozenset[int]  # marks of the whole site that were there before it was read
    task: asyncio.Task[Ready]


class ReadAhead:
    """Reads on a connection of its own, and gives what it read to whom it is still true for.

    Whatever is stored after that marks what it touches: either with marks that are taken with the
    slice, and then what was read is thrown away, or with marks that are taken later.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begun: _Begun | None = None
        self._slice_readings: dict[int, int] = {}

    def note(self, site_id: int, dirty: Sequence[Dirty], reading_count: int) -> None:
        """Note how many readings a pass of a site was computed from; the next may be like it."""
        if any(not len(mark.point_id) for mark in dirty):
            self._slice_readings[site_id] = reading_count

    def begin(self, model: SiteModel, coming: Dirty) -> None:
        """Read a slice, unless that of another site is being read, or it may hold too much."""
        reading_count = self._slice_readings.get(model.site.id)
        if self._begun is not None or reading_count is None or reading_count > READY_MAX:
            return
        step_us = model.site.base_interval_us
        start_us = int(coming.first_us[0]) // step_us * step_us
        end_us = -(-int(coming.last_us[0]) // step_us) * step_us
        described = described_at(model, start_us)
        if described is not None:
            task = asyncio.create_task(
                self._read(described.point_id.tolist(), around((start_us, end_us)))
            )
            self._begun = _Begun(model.site.id, coming.numbers, task)

    async def _read(self, points: list[int], span: tuple[int, int]) -> Ready:
        async with self._database.transaction() as connection:
            await compute_in_memory(connection)
            columns = await readings.read_window(
                connection, point_ids=points, start_us=span[0], end_us=span[1]
            )
        return Ready(points, span, columns)

    async def taken(self, site_id: int, dirty: Sequence[Dirty]) -> Ready | None:
        """Return what was read of a site if none of the marks that were taken touches it."""
        begun = self._begun
        if begun is None or begun.site_id != site_id:
            return None
        if not all(mark.numbers <= begun.known for mark in dirty):
            await self.drop()
            return None
        self._begun = None
        ready = await begun.task
        is_touched = any(
            len(mark.between(*ready.span).point_id) for mark in dirty if len(mark.point_id)
        )
        return None if is_touched else ready

    async def drop(self) -> None:
        """Forget what is being read."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.task.cancel()
            # Nobody asks any more how it ended.
            await asyncio.wait([begun.task])
            with contextlib.suppress(asyncio.CancelledError, Exception):
                begun.task.result()
