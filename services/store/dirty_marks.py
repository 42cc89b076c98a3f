"""Marks of what must be computed again: taken off as they are computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from compute.periods import from_us, to_us
from services.store import topology
from services.store.binary import instants, integers
from services.store.pool import Connection
from services.store.sql import query

# As much of a site as is computed at once, and of marks that are older once more.
_SLICE = timedelta(days=7)
_NEVER_US = 1 << 62


@dataclass(frozen=True, slots=True)
class Dirty:
    """A mark: readings of points between two instants, or a whole span of the site.

    Attributes
    ----------
    point_id : (n,) int32
        Empty: every point, over one span.
    first_us, last_us : (n,) int64
        First and last new reading; for a whole span its half-open ends, (1,).
    of_facts : bool
        Whether the instants are those of facts: when something changed in the life of a point, and
        until when it holds.
    numbers : frozenset of int
        Of a whole span, the marks that it is a slice of.
    """

    point_id: npt.NDArray[np.int32]
    first_us: npt.NDArray[np.int64]
    last_us: npt.NDArray[np.int64]
    of_facts: bool = False
    numbers: frozenset[int] = frozenset()

    def between(self, start_us: int, end_us: int) -> "Dirty":
        """Return what of a mark of points lies in [start, end)."""
        here = np.flatnonzero((self.last_us >= start_us) & (self.first_us < end_us))
        return Dirty(
            self.point_id[here],
            np.maximum(self.first_us[here], start_us),
            np.minimum(self.last_us[here], end_us - 1),
            self.of_facts,
        )


async def dirty_sites(connection: Connection) -> list[int]:
    """Return the sites that have something to compute."""
    rows = await (await connection.execute(query("dirty_sites"))).fetchall()
    return [row["site_id"] for row in rows]


async def take_dirty(connection: Connection, *, site_id: int, count_max: int) -> list[Dirty]:
    """Take marks off: they are gone when this transaction commits, back if it does not.

    Of the spans of the whole site only the newest slice is taken: what arrives now does not wait
    until years have been computed again, and what is killed goes on where it was. Marks of points
    are taken from both ends of the queue; of those that reach back farther than a slice, as those
    of an imported history do, the newest slice and the newest of what is older than that.
    """
    rows = await (await connection.execute(query("take_dirty"), (site_id, count_max))).fetchall()
    marks = [
        Dirty(
            np.array(row["point_ids"], dtype=np.int32),
            _of_each(row["start_ts"], len(row["point_ids"])),
            _of_each(row["end_ts"], len(row["point_ids"])),
            row["of_facts"],
        )
        for row in sorted(rows, key=lambda row: row["id"])
    ]
    marks = await _take_newest(connection, site_id, marks)
    whole = await _take_slice(connection, site_id)
    return marks if whole is None else [*marks, whole]


def _of_each(at: Sequence[datetime], point_count: int) -> npt.NDArray[np.int64]:
    """Return the instant of each point, of which a mark keeps one where all have the same."""
    at_us = np.array([to_us(one) for one in at], dtype=np.int64)
    return np.repeat(at_us, point_count) if len(at_us) == 1 else at_us


async def _take_newest(connection: Connection, site_id: int, marks: list[Dirty]) -> list[Dirty]:
    """Put back what is older than two slices; so fresh readings and old ones both get on."""
    slice_us = _SLICE // timedelta(microseconds=1)
    oldest_us = min((int(mark.first_us.min()) for mark in marks), default=0)
    ends_us = [await _ends_us(connection, site_id, mark) for mark in marks]
    newest_us = max((int(end_us.max()) for end_us in ends_us), default=0)
    if newest_us - oldest_us < slice_us:
        return marks
    # Of the newest slice, and of what is before it.
    first_us = newest_us - slice_us
    older_us = max(
        int(np.minimum(end_us, first_us)[mark.first_us < first_us].max(initial=oldest_us))
        for mark, end_us in zip(marks, ends_us, strict=True)
    )
    if not any(mark.of_facts for mark in marks):
        # What a mark begins or ends with was said of that instant, whether it has a reading or not.
        said_us = np.concatenate([np.append(mark.first_us, mark.last_us) for mark in marks])
        older_us = max(
            int(said_us[said_us < first_us].max(initial=oldest_us)),
            await _newest_reading_us(connection, marks, (oldest_us, older_us)),
        )
    second_us = older_us - slice_us
    taken = [
        part
        for mark in marks
        for part in (
            mark.between(second_us, min(first_us, older_us + 1)),
            mark.between(first_us, _NEVER_US),
        )
    ]
    for mark in marks:
        rest = mark.between(-_NEVER_US, second_us)
        if len(rest.point_id):
            values = (integers(rest.point_id), instants(rest.first_us), instants(rest.last_us))
            await connection.execute(query("add_dirty"), (site_id, *values, rest.of_facts))
    return [part for part in taken if len(part.point_id)]


async def _newest_reading_us(
    connection: Connection, marks: list[Dirty], span_us: tuple[int, int]
) -> int:
    """Return the last reading of marked points in a span, or its end if there is none.

    A mark says the first and the last new reading: between them there may be nothing for a year,
    every slice of which would be computed over and over up to the reading that ends it.
    """
    points = np.unique(np.concatenate([mark.point_id for mark in marks])).astype(np.int32)
    values = (integers(points), *map(from_us, span_us))
    row = await (await connection.execute(query("newest_reading"), values)).fetchone()
    return span_us[1] if row is None else to_us(row["ts"])


async def _ends_us(connection: Connection, site_id: int, mark: Dirty) -> npt.NDArray[np.int64]:
    """Return up to when there may be readings that a mark touches: a fact holds for ever."""
    if not mark.of_facts:
        return mark.last_us
    known = await topology.reading_span(connection, site_id)
    if known is None:
        return mark.first_us
    return np.maximum(mark.first_us, np.minimum(mark.last_us, to_us(known[1])))


async def _take_slice(connection: Connection, site_id: int) -> Dirty | None:
    marks = await site_marks(connection, site_id)
    if not marks:
        return None
    newest, cut = await _newest(connection, site_id, marks)
    for mark in marks:
        if mark.end <= cut:
            continue
        if mark.start < cut:
            await connection.execute(query("shorten_site_mark"), (mark.id, cut))
        else:
            await connection.execute(query("remove_mark"), (mark.id,))
    return _slice(cut, newest.end, [mark for mark in marks if mark.end > cut])


async def next_slice(connection: Connection, site_id: int) -> Dirty | None:
    """Return what will be taken of the spans of the whole site if no more are marked, if any is."""
    marks = await site_marks(connection, site_id)
    if not marks:
        return None
    newest, cut = await _newest(connection, site_id, marks)
    return _slice(cut, newest.end, marks)


async def _newest(
    connection: Connection, site_id: int, marks: Sequence["SiteMark"]
) -> tuple["SiteMark", datetime]:
    """Return the mark whose newest slice is next, and where that slice begins."""
    newest = max(marks, key=lambda mark: (mark.end, mark.start))
    return newest, _cut(newest, await topology.reading_span(connection, site_id))


def _slice(start: datetime, end: datetime, marks: Sequence["SiteMark"]) -> Dirty:
    return Dirty(
        np.empty(0, dtype=np.int32),
        np.array([to_us(start)], dtype=np.int64),
        np.array([to_us(end)], dtype=np.int64),
        numbers=frozenset(mark.id for mark in marks),
    )


def _cut(mark: "SiteMark", known: tuple[datetime, datetime] | None) -> datetime:
    """Return where the newest slice of a mark begins; where no readings are, all is one slice."""
    if known is None:
        return mark.start
    first, last = known
    cut = max(mark.start, min(mark.end, last) - _SLICE)
    return mark.start if cut < first else cut


@dataclass(frozen=True, slots=True)
class SiteMark:
    """A span of a whole site that is to be computed again, [start, end)."""

    id: int
    start: datetime
    end: datetime


async def site_marks(connection: Connection, site_id: int) -> list[SiteMark]:
    """Return what of a whole site waits to be computed again."""
    rows = await (await connection.execute(query("site_marks"), (site_id,))).fetchall()
    return [SiteMark(row["id"], row["start_ts"], row["end_ts"]) for row in rows]
