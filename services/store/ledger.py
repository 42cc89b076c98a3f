"""What became of everything that arrived: counts, conflicts, quarantine, dirty marks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from compute.periods import from_us
from services.store.binary import instants, integers
from services.store.pool import Connection
from services.store.sql import query

# More than live values look back, from a clock that is as far ahead as one may be.
TOLD_BACK_US = 600_000_000
# Of the readings of one moment, a commit has two or three spans: its ends cut through some.
_SHARED_SPANS_MAX = 8


@dataclass(frozen=True, slots=True)
class HourCount:
    """Readings of one gateway in one commit, by what became of them."""

    gateway_id: int
    stored: int
    duplicate: int
    conflict: int
    quarantined: int


async def add_counts(
    connection: Connection, counts: Sequence[HourCount], *, received_at: datetime
) -> None:
    """Add to the hour in which the readings were received."""
    if not counts:
        return
    await connection.execute(
        query("add_ingest_hours"),
        (
            integers([count.gateway_id for count in counts]),
            received_at,
            integers([count.stored for count in counts]),
            integers([count.duplicate for count in counts]),
            integers([count.conflict for count in counts]),
            integers([count.quarantined for count in counts]),
        ),
    )


async def add_sequences(
    connection: Connection,
    seen: Sequence[tuple[int, str, Sequence[tuple[int, int]]]],
    *,
    received_at: datetime,
) -> None:
    """Note message numbers: (gateway, epoch, inclusive ranges). A hole that stays is a gap."""
    if not seen:
        return
    texts = [
        "{" + ",".join(f"[{first},{last}]" for first, last in ranges) + "}" for _, _, ranges in seen
    ]
    await connection.execute(
        query("add_sequences"),
        (integers([row[0] for row in seen]), [row[1] for row in seen], texts, received_at),
    )


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value that came second for an instant that has another."""

    point_id: int
    ts_us: int
    value: float | None
    gateway_id: int
    kept_value: float | None


async def add_conflicts(
    connection: Connection, conflicts: Sequence[Conflict], *, received_at: datetime
) -> None:
    """Keep both values side by side, once each."""
    if not conflicts:
        return
    await connection.execute(
        query("add_conflicts"),
        (
            [c.point_id for c in conflicts],
            [from_us(c.ts_us) for c in conflicts],
            [c.value for c in conflicts],
            [c.gateway_id for c in conflicts],
            [c.kept_value for c in conflicts],
            received_at,
        ),
    )


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a bell tells: where the readings lie that a transaction stored for a site.

    Of points that got nothing within ten minutes before the last instant nothing is said: the
    backlog of one does not have the living of another read again.
    """

    site_id: int
    first_us: int
    last_us: int


async def mark_dirty(
    connection: Connection,
    *,
    site_ids: npt.NDArray[np.int32],
    point_ids: npt.NDArray[np.int32],
    first_us: npt.NDArray[np.int64],
    last_us: npt.NDArray[np.int64],
) -> None:
    """Note the first and last new reading of each point of some sites; wake the worker.

    Points of a site that are read together share a mark with one span, unless there are many
    spans: then one mark of the site has the span of each point.
    """
    order = np.lexsort((last_us, first_us, site_ids))
    site_ids, first_us, last_us = site_ids[order], first_us[order], last_us[order]
    is_new_site = np.diff(site_ids, prepend=-1) != 0
    is_new_span = is_new_site.copy()
    is_new_span[1:] |= (np.diff(first_us) != 0) | (np.diff(last_us) != 0)
    site_starts = np.flatnonzero(is_new_site)
    shares = np.add.reduceat(is_new_span, site_starts, dtype=np.int64) <= _SHARED_SPANS_MAX
    site_of_each = np.cumsum(is_new_site) - 1
    starts = np.flatnonzero(np.where(shares[site_of_each], is_new_span, is_new_site))
    counts = np.diff(starts, append=len(site_ids))
    # Of a mark that shares its span, the first stands for all.
    is_kept = ~shares[site_of_each]
    is_kept[starts] = True
    span_counts = np.add.reduceat(is_kept, starts, dtype=np.int64)
    span_stops = np.cumsum(span_counts)
    await connection.execute(
        query("add_arrived"),
        (
            integers(site_ids[starts]),
            integers(starts + 1),
            integers(starts + counts),
            integers(span_stops - span_counts + 1),
            integers(span_stops),
            integers(point_ids[order]),
            instants(first_us[is_kept]),
            instants(last_us[is_kept]),
            _told(site_ids, site_starts, first_us, last_us),
        ),
    )


def _told(
    site_ids: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int64],
    first_us: npt.NDArray[np.int64],
    last_us: npt.NDArray[np.int64],
) -> list[str]:
    """Return what the bell tells of each site: `Arrived`, in words."""
    newest_us = np.maximum.reduceat(last_us, starts)
    counts = np.diff(starts, append=len(site_ids))
    is_told = last_us >= np.repeat(newest_us - TOLD_BACK_US, counts)
    oldest_us = np.minimum.reduceat(np.where(is_told, first_us, newest_us.max()), starts)
    rows = zip(site_ids[starts].tolist(), oldest_us.tolist(), newest_us.tolist(), strict=True)
    return [" ".join(map(str, row)) for row in rows]


def heard(said: str) -> Arrived | None:
    """Return what a bell tells; None: of any site anything may have changed."""
    return Arrived(*map(int, said.split())) if said else None


async def mark_facts_dirty(
    connection: Connection,
    *,
    site_id: int,
    point_id: int,
    spans: Sequence[tuple[datetime, datetime]],
) -> None:
    """Note where the life of a point changed: each when, and until when it holds otherwise."""
    first, last = [span[0] for span in spans], [span[1] for span in spans]
    values = (site_id, [point_id] * len(spans), first, last, True)
    await connection.execute(query("add_dirty"), values)


async def mark_instants_dirty(
    connection: Connection, *, site_id: int, point_id: int, instants: Sequence[datetime]
) -> None:
    """Note that readings of a point count otherwise at some instants, and wake the worker."""
    at = sorted(set(instants))
    await connection.execute(query("add_dirty"), (site_id, [point_id] * len(at), at, at, False))
    await ring_dirty(connection)


async def mark_site_dirty(
    connection: Connection, *, site_id: int, start: datetime, end: datetime
) -> None:
    """Note that a whole site must be computed again over [start, end), and wake the worker."""
    await mark_site_span(connection, site_id=site_id, start=start, end=end)
    await ring_dirty(connection)


async def mark_site_span(
    connection: Connection, *, site_id: int, start: datetime, end: datetime
) -> None:
    """Note that a whole site must be computed again over [start, end), when the worker looks."""
    await connection.execute(query("add_dirty"), (site_id, None, [start], [end], False))


async def ring_dirty(connection: Connection) -> None:
    """Wake the worker when this transaction commits."""
    await connection.execute(query("ring_dirty"))


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """One item of a message that cannot be taken now. `item` -1 is the whole message."""

    item: int
    code: str
    detail: str
    due_at: datetime | None


async def quarantine(
    connection: Connection,
    *,
    tenant_id: int | None,
    gateway_id: int | None,
    topic: str,
    payload: bytes,
    items: Sequence[QuarantineItem],
    received_at: datetime,
) -> int:
    """Keep a message byte for byte with the reason of each item; return its number."""
    row = await (
        await connection.execute(
            query("add_quarantine"),
            (tenant_id, gateway_id, topic, payload, sha256(payload).digest(), received_at),
        )
    ).fetchone()
    if row is None:
        raise AssertionError("the insert returns its row")
    await connection.execute(
        query("add_quarantine_items"),
        (
            row["id"],
            tenant_id,
            [item.item for item in items],
            [item.code for item in items],
            [item.detail for item in items],
            [item.due_at for item in items],
        ),
    )
    return int(row["id"])


@dataclass(frozen=True, slots=True)
class DueMessage:
    """A quarantined message of which some items are to be tried again."""

    quarantine_id: int
    gateway_id: int
    topic: str
    payload: bytes
    received_at: datetime
    items: tuple[int, ...]


async def due_messages(connection: Connection, *, at: datetime) -> list[DueMessage]:
    """Return what a person asked to try again and what has become due."""
    rows = await (await connection.execute(query("due_quarantine"), (at,))).fetchall()
    return [
        DueMessage(
            quarantine_id=row["id"],
            gateway_id=row["gateway_id"],
            topic=row["topic"],
            payload=row["payload"],
            received_at=row["received_at"],
            items=tuple(row["items"]),
        )
        for row in rows
    ]


async def settle_quarantine(
    connection: Connection,
    message: DueMessage,
    *,
    resolved: Sequence[int],
    kept: Sequence[QuarantineItem],
    counted: HourCount,
    at: datetime,
) -> None:
    """Write down what became of a second try, and keep the hour's identity exact."""
    if resolved:
        await connection.execute(
            query("resolve_quarantine_items"), (message.quarantine_id, list(resolved), at)
        )
    if kept:
        await connection.execute(
            query("keep_quarantine_items"),
            (
                message.quarantine_id,
                [item.item for item in kept],
                [item.code for item in kept],
                [item.detail for item in kept],
                [item.due_at for item in kept],
            ),
        )
    await connection.execute(
        query("move_from_quarantine"),
        (
            message.gateway_id,
            message.received_at,
            counted.stored,
            counted.duplicate,
            counted.conflict,
            counted.quarantined,
        ),
    )
