"""The readings that a window of base intervals is computed from; some may have been read before."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from compute.readings import Readings
from compute.register import CONTEXT_AFTER, CONTEXT_BEFORE
from services.audited import Review
from services.site_model import Described
from services.store import readings
from services.store.pool import Connection
from services.touched import Window

# Readings this far around a window come with it in one query: enough for what is read every few
# seconds, and of a long window a share that costs little beside it. Of points that lack some still,
# an hour more is read; what lies farther is looked up.
_NEAR_US = 120_000_000
_NEAR_SHARE = 32
_HOUR_US = 3_600_000_000
# Readings that are held for whoever reads them next: bounds memory.
READY_MAX = 1_500_000


def _near_us(window: Window) -> int:
    return _NEAR_US + (window[1] - window[0]) // _NEAR_SHARE


def around(window: Window) -> Window:
    """Return from when until when the readings of a window are read at once."""
    near_us = _near_us(window)
    return window[0] - near_us, window[1] + near_us


@dataclass(frozen=True, slots=True)
class Ready:
    """Every reading of some points in a span, and maybe others, as `readings.read_window` does."""

    point_ids: list[int]
    span: Window
    columns: list[npt.NDArray[Any]]

    def of(self, points: list[int], span: Window) -> list[npt.NDArray[Any]]:
        """Return those of some of the points in a part of the span."""
        ts_us, point = self.columns[:2]
        chosen = (ts_us >= span[0]) & (ts_us < span[1])
        if len(points) < len(self.point_ids):
            chosen &= np.isin(point, np.array(points, dtype=np.int32))
        return self.columns if chosen.all() else [column[chosen] for column in self.columns]

    def until(self, end_us: int) -> "Ready":
        """Return the same, of which only what is before an instant counts."""
        return replace(self, span=(self.span[0], max(self.span[0], end_us)))


@dataclass(frozen=True, slots=True)
class _Side:
    """What lies before a window, or after it."""

    window: Window
    spans: dict[int, Window]
    needed: dict[int, int]
    before: bool = field(kw_only=True)

    def edge_us(self, distance_us: int) -> int:
        """Return the instant at a distance from the window."""
        return self.window[0] - distance_us if self.before else self.window[1] + distance_us

    def beyond(self, near_us: int, far_us: int) -> Window:
        """Return the time between two distances, [start, end)."""
        near_us, far_us = self.edge_us(near_us), self.edge_us(far_us)
        return min(near_us, far_us), max(near_us, far_us)

    def lacking(self, parts: Sequence[Sequence[npt.NDArray[Any]]], read_us: int) -> list[int]:
        """Return the points that need readings from farther away than what was read."""
        beside = []
        for ts_us, point, value, *_ in parts:
            outside = ts_us < self.window[0] if self.before else ts_us >= self.window[1]
            beside.append(point[outside & ~np.isnan(value)])
        point, count = np.unique(np.concatenate(beside), return_counts=True)
        have = dict(zip(point.tolist(), count.tolist(), strict=True))
        edge_us = self.edge_us(read_us)
        return [
            p
            for p, needed in self.needed.items()
            if have.get(p, 0) < needed
            and (self.spans[p][0] < edge_us if self.before else self.spans[p][1] >= edge_us)
        ]


async def load_window(
    connection: Connection,
    described: Described,
    window: Window,
    spans: dict[int, Window],
    review: Review,
    ready: Ready | None = None,
) -> tuple[Readings, Ready | None]:
    """Read a window of every point, with the context readings on both sides.

    Parameters
    ----------
    connection : Connection
    described : Described
    window : tuple of int
        Half-open. [µs since 1970 UTC]
    spans : dict
        From when until when each point's values are known; of no other point anything is read.
    review : Review
    ready : Ready, optional
        What was read already: it is not read again.

    Returns
    -------
    readings : Readings
    ready : Ready or None
        Those in the window and near it, for whoever reads it again; None where they are too many.
    """
    points = [p for p in described.point_id.tolist() if p in spans]
    near_us = _near_us(window)
    far_us = near_us + _HOUR_US
    near = await _with_ready(connection, points, around(window), ready)
    parts = [near]
    for before, needed in ((True, CONTEXT_BEFORE), (False, CONTEXT_AFTER)):
        # A reading that is left out tells nothing: one more is needed for each.
        needed_of = {p: needed + review.left_out_count.get(p, 0) for p in points}
        side = _Side(window, spans, needed_of, before=before)
        if lacking := side.lacking(parts, near_us):
            start_us, end_us = side.beyond(near_us, far_us)
            parts.append(
                await readings.read_window(
                    connection, point_ids=lacking, start_us=start_us, end_us=end_us
                )
            )
        lacking = side.lacking(parts, far_us)
        for number, group in groupby(sorted(lacking, key=needed_of.__getitem__), needed_of.get):
            chosen = list(group)
            found = await readings.read_neighbours(
                connection,
                point_ids=chosen,
                instants_us=[side.edge_us(far_us)] * len(chosen),
                bounds_us=[spans[p][0 if before else 1] for p in chosen],
                count=number or needed,
                before=before,
            )
            parts.append(found[:4])
    ts_us, point, value, quality = _joined(parts)
    whole = Readings.of_rows(
        described.rows_of(point), ts_us, value, quality, point_count=len(described.point_id)
    )
    return whole, Ready(points, around(window), near) if len(near[0]) <= READY_MAX else None


def _joined(parts: Sequence[list[npt.NDArray[Any]]]) -> list[npt.NDArray[Any]]:
    if len(parts) == 1:
        return parts[0]
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


async def _with_ready(
    connection: Connection,
    points: list[int],
    span: Window,
    ready: Ready | None,
) -> list[npt.NDArray[Any]]:
    """Read a span, but for what is at hand of it."""
    parts, gaps = [], [span]
    if ready is not None and set(points) <= set(ready.point_ids):
        start_us, end_us = max(span[0], ready.span[0]), min(span[1], ready.span[1])
        if start_us < end_us:
            parts.append(ready.of(points, (start_us, end_us)))
            gaps = [(span[0], start_us), (end_us, span[1])]
    for start_us, end_us in gaps:
        if start_us < end_us:
            parts.append(
                await readings.read_window(
                    connection, point_ids=points, start_us=start_us, end_us=end_us
                )
            )
    return _joined(parts)
