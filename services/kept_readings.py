"""The readings that a site was last computed from, kept for its next pass.

What a plant reads every second adds a few rows to an open interval, and all of it is computed
again: what is there already is not read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from compute.periods import from_us
from services.provenance import FORMULA
from services.store import results
from services.store.dirty_marks import Dirty
from services.store.pool import Connection
from services.touched import Window
from services.window_readings import Ready

# Readings that are kept of all sites together: bounds memory.
_READINGS_MAX = 1_500_000


@dataclass(frozen=True, slots=True)
class Basis:
    """What a window of base intervals was computed from, and the digest of each of them."""

    window: Window
    ready: Ready
    input_hashes: list[bytes]


class KeptReadings:
    """Keeps what the last pass of each site read, and gives what of it still stands."""

    def __init__(self) -> None:
        self._basis: dict[int, Basis] = {}

    def keep(self, site_id: int, dirty: Sequence[Dirty], basis: Basis | None) -> None:
        """Keep what a pass was computed from; of a slice of the whole site nothing."""
        self._basis.pop(site_id, None)
        if basis is None or not all(_is_of_readings(mark) for mark in dirty):
            return
        self._basis[site_id] = basis
        while sum(len(kept.ready.columns[0]) for kept in self._basis.values()) > _READINGS_MAX:
            del self._basis[next(iter(self._basis))]

    async def taken(
        self, connection: Connection, site_id: int, dirty: Sequence[Dirty]
    ) -> Ready | None:
        """Return the readings before the first that the marks touch, if they still stand.

        Whatever is stored marks what it touches; but another worker may have taken such marks, when
        this one had lost its lease. Then it has changed what the intervals were computed from.
        """
        basis = self._basis.pop(site_id, None)
        if basis is None or not all(_is_of_readings(mark) for mark in dirty):
            return None
        span = basis.ready.span
        touched_us = [mark.between(*span).first_us for mark in dirty]
        until_us = min((int(us.min()) for us in touched_us if len(us)), default=span[1])
        standing = await results.input_hashes(
            connection,
            site_id=site_id,
            formula=FORMULA,
            start=from_us(basis.window[0]),
            end=from_us(basis.window[1]),
        )
        return basis.ready.until(until_us) if standing == basis.input_hashes else None


def _is_of_readings(mark: Dirty) -> bool:
    return len(mark.point_id) > 0 and not mark.of_facts
