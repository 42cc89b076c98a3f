"""The readings that a site was last computed from, kept for its next pass.

What a plant reads every second adds a few rows to an open interval, and all of it is computed
again: what is there already is not read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from compute.periods import from_us
from services.provenance import FORMULA
from services.site_model import SiteModel
from services.store import results
from services.store.dirty_marks import Dirty
from services.store.pool import Connection
from services.window_readings import READY_MAX, Ready


@dataclass(frozen=True, slots=True)
class _Kept:
    """Readings, and the digests of what was computed from them when they were kept."""

    ready: Ready
    input_hashes: list[bytes]


class KeptReadings:
    """Keeps what the last pass of each site read, and gives what of it still stands."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    async def keep(
        self, connection: Connection, model: SiteModel, dirty: Sequence[Dirty], ready: Ready | None
    ) -> None:
        """Keep what a pass was computed from; of a slice of the whole site nothing."""
        site_id = model.site.id
        self._kept.pop(site_id, None)
        if ready is None or not all(_is_of_readings(mark) for mark in dirty):
            return
        self._kept[site_id] = _Kept(ready, await _standing(connection, model, ready))
        # Of all sites together no more than of one: bounds memory.
        while sum(len(one.ready.columns[0]) for one in self._kept.values()) > READY_MAX:
            del self._kept[next(iter(self._kept))]

    async def taken(
        self, connection: Connection, model: SiteModel, dirty: Sequence[Dirty], *, more_wait: bool
    ) -> Ready | None:
        """Return the readings before the first that the marks touch, if they still stand.

        Whatever is stored marks what it touches: nothing is given while marks wait that were not
        taken. Another worker may have taken some when this one had lost its lease; then it has
        changed what the intervals were computed from.
        """
        kept = self._kept.pop(model.site.id, None)
        if kept is None or more_wait or not all(_is_of_readings(mark) for mark in dirty):
            return None
        if await _standing(connection, model, kept.ready) != kept.input_hashes:
            return None
        touched_us = [mark.between(*kept.ready.span).first_us for mark in dirty]
        until_us = min((int(us.min()) for us in touched_us if len(us)), default=kept.ready.span[1])
        return kept.ready.until(until_us)


def _is_of_readings(mark: Dirty) -> bool:
    return len(mark.point_id) > 0 and not mark.of_facts


async def _standing(connection: Connection, model: SiteModel, ready: Ready) -> list[bytes]:
    """Return the digests of every base interval that holds one of the readings."""
    step_us = model.site.base_interval_us
    start_us, end_us = ready.span
    return await results.input_hashes(
        connection,
        site_id=model.site.id,
        formula=FORMULA,
        start=from_us(start_us // step_us * step_us),
        end=from_us(end_us),
    )
