"""A durable outbox: what a gateway has read and the centre has not yet receipted.

One SQLite file, owned by one process. A message is built once, stored as the bytes that are sent,
and leaves only when the centre's receipt names it, so power loss and kill -9 cost nothing that
`put` has returned for. Messages count 1, 2, 3… within the epoch that is drawn when the file is
made: a lost file means a new epoch, so that the centre can tell a restart from a gap.

The SQL is here and not in services/store because an outbox lives beside the meters, without the
centre's database.
"""

import contextlib
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import msgspec

from deploy.message import Reading, encode_message
from deploy.outbox_file import OutboxDamaged, OutboxFault, connect, put_aside

Origin: TypeAlias = Literal["created", "opened", "replaced"]

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Message:
    """One stored message: `body` is exactly what is published."""

    seq: int
    reading_count: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that the centre holds in quarantine; `item` -1 is the whole message."""

    seq: int
    item: int
    code: str


@dataclass(frozen=True, slots=True)
class RejectedReading:
    """A rejected item with what it was: `reading` is None for a whole message."""

    seq: int
    item: int
    code: str
    reading: tuple[Any, ...] | None
    reading_count: int


@dataclass(frozen=True, slots=True)
class Released:
    """What one receipt took out of the outbox."""

    seqs: tuple[int, ...]
    reading_count: int
    rejected: tuple[RejectedReading, ...]


class Outbox:
    """The messages that wait for a receipt, in the order in which they were put.

    Make one with `Outbox.open`. Every method may be called from any thread; a call returns after
    its transaction is on the disk. `origin` tells how the file was found: "created" and "replaced"
    begin a new epoch, and `damaged_path` is where a damaged predecessor was put aside.
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, keep_receipted_days: float
    ) -> None:
        self.path = path
        self.keep_receipted_days = keep_receipted_days
        self.origin: Origin = "opened"
        self.damaged_path: Path | None = None
        self._connection = connection
        self._lock = threading.RLock()
        with self._transaction() as cursor:
            found = cursor.execute("SELECT value FROM state WHERE key = 'epoch'").fetchone()
            if found is None:
                self.origin = "created"
                found = (uuid.uuid4().hex,)
                cursor.execute("INSERT INTO state VALUES ('epoch', ?)", found)
                cursor.execute("INSERT INTO state VALUES ('last_seq', '0')")
            self.epoch: str = found[0]
            last = cursor.execute("SELECT value FROM state WHERE key = 'last_seq'").fetchone()
            self.last_seq = int(last[0])
            totals = cursor.execute(
                "SELECT count(*), coalesce(sum(length(body)), 0), coalesce(sum(reading_count), 0)"
                " FROM message"
            ).fetchone()
            self.pending_count, self.pending_bytes, self.pending_reading_count = totals

    @classmethod
    def open(cls, path: Path, *, keep_receipted_days: float = 0) -> Self:
        """Open the outbox at a path, or begin a new one with a new epoch.

        A damaged file is put aside as `<name>.damaged-<n>` and replaced: its unsent messages can
        be recovered from there by hand, and `origin` says "replaced".

        Parameters
        ----------
        path : Path
            The SQLite file; its folder is made when absent.
        keep_receipted_days : float
            How long receipted messages stay, so that `requeue` can send them once more after the
            centre was restored from an older backup. 0 deletes them with their receipt.

        Raises
        ------
        OutboxInUse
            Another process has it open.
        OutboxFault
            The folder cannot be written, or the disk is full.
        """
        try:
            return cls(path, connect(path), keep_receipted_days)
        except OutboxDamaged:
            damaged_path = put_aside(path)
        outbox = cls(path, connect(path), keep_receipted_days)
        outbox.origin = "replaced"
        outbox.damaged_path = damaged_path
        return outbox

    def put(self, readings: Sequence[Reading]) -> int:
        """Store one message of readings and return its sequence number."""
        return self.put_many([readings])[0]

    def put_many(
        self,
        messages: Iterable[Sequence[Reading]],
        *,
        position: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> list[int]:
        """Store several messages, the reader's position and its counts in one transaction.

        Parameters
        ----------
        messages : iterable of sequences of (point, ts_us, value)
            Each becomes one message of 1 to 5,000 readings.
        position : mapping of str to str
            Kept under its keys and read back by `position`: either both the messages and the
            position are on the disk, or neither.
        counts : mapping of str to int
            Added to the counters of these names.

        Returns
        -------
        list of int
            The sequence numbers, in the order of the messages.

        Raises
        ------
        ReadingRefused
            A reading has no name, an impossible time or a value that is not a finite number.
        """
        with self._lock:
            first_seq = self.last_seq + 1
            rows = [
                (seq, len(readings), encode_message(self.epoch, seq, readings))
                for seq, readings in enumerate(messages, start=first_seq)
            ]
            last_seq = self.last_seq + len(rows)
            reading_count = sum(row[1] for row in rows)
            with self._transaction() as cursor:
                cursor.executemany("INSERT INTO message VALUES (?, ?, ?)", rows)
                _set_state(cursor, {"last_seq": str(last_seq), **_positions(position or {})})
                _count(cursor, {"put": reading_count, **(counts or {})})
            self.last_seq = last_seq
            self.pending_count += len(rows)
            self.pending_bytes += sum(len(row[2]) for row in rows)
            self.pending_reading_count += reading_count
            return [row[0] for row in rows]

    def pending(
        self, after_seq: int = 0, *, limit_count: int = 100, limit_bytes: int = 8_000_000
    ) -> list[Message]:
        """Return waiting messages with a larger sequence number, oldest first.

        At least one is returned when there is one, whatever its size.
        """
        found: list[Message] = []
        size_bytes = 0
        with self._transaction() as cursor:
            cursor.execute(
                "SELECT seq, reading_count, body FROM message WHERE seq > ? ORDER BY seq LIMIT ?",
                (after_seq, limit_count),
            )
            for seq, reading_count, body in cursor:
                size_bytes += len(body)
                if found and size_bytes > limit_bytes:
                    break
                found.append(Message(seq, reading_count, body))
        return found

    def receipted(
        self, ranges: Iterable[tuple[int, int]], rejected: Iterable[Rejected] = (), *, at_us: int
    ) -> Released:
        """Let go of what a receipt names, and count it; a repeated receipt changes nothing.

        Parameters
        ----------
        ranges : iterable of (first, last)
            Sequence numbers, both ends included.
        rejected : iterable of Rejected
            Items in the centre's quarantine. A wholly rejected message leaves the outbox even when
            no range names it; a rejected item is counted when its message leaves.
        at_us : int
            The time of the receipt, for `keep_receipted_days`. [µs since 1970 UTC]
        """
        items = [item for item in rejected if 1 <= item.seq <= self.last_seq]
        spans = [(max(first, 1), min(last, self.last_seq)) for first, last in ranges]
        spans += [(item.seq, item.seq) for item in items if item.item < 0]
        spans = [(first, last) for first, last in spans if first <= last]
        with self._lock:
            with self._transaction() as cursor:
                refused = tuple(_rejected_readings(cursor, items, spans))
                left = [
                    row
                    for first, last in spans
                    for row in self._release(cursor, first, last, at_us)
                ]
                counts = Counter({"receipted": sum(row[1] for row in left)})
                for item in refused:
                    counts[f"rejected.{item.code}"] += item.reading_count
                if left:
                    _count(cursor, counts)
            self.pending_count -= len(left)
            self.pending_reading_count -= counts["receipted"]
            self.pending_bytes -= sum(row[2] for row in left)
        return Released(tuple(row[0] for row in left), counts["receipted"], refused)

    def _release(
        self, cursor: sqlite3.Cursor, first: int, last: int, at_us: int
    ) -> list[tuple[int, int, int]]:
        """Take a range out and return (seq, readings, bytes) of what was there."""
        span = (first, last)
        left = cursor.execute(
            "SELECT seq, reading_count, length(body) FROM message WHERE seq BETWEEN ? AND ?", span
        ).fetchall()
        if left and self.keep_receipted_days > 0:
            cursor.execute(
                "INSERT OR REPLACE INTO receipted SELECT seq, reading_count, body, ? FROM message"
                " WHERE seq BETWEEN ? AND ?",
                (at_us, *span),
            )
            oldest_us = at_us - round(self.keep_receipted_days * DAY_US)
            cursor.execute("DELETE FROM receipted WHERE receipted_at_us < ?", (oldest_us,))
        if left:
            cursor.execute("DELETE FROM message WHERE seq BETWEEN ? AND ?", span)
        return left

    def requeue(self, *, since_us: int) -> int:
        """Put messages receipted since then back in the queue and return how many they are.

        For a centre restored from a backup that is older than its last receipts.
        """
        with self._lock:
            with self._transaction() as cursor:
                found = cursor.execute(
                    "SELECT count(*), coalesce(sum(length(body)), 0),"
                    " coalesce(sum(reading_count), 0) FROM receipted WHERE receipted_at_us >= ?",
                    (since_us,),
                ).fetchone()
                cursor.execute(
                    "INSERT INTO message SELECT seq, reading_count, body FROM receipted"
                    " WHERE receipted_at_us >= ?",
                    (since_us,),
                )
                cursor.execute("DELETE FROM receipted WHERE receipted_at_us >= ?", (since_us,))
                _count(cursor, {"receipted": -found[2]})
            self.pending_count += found[0]
            self.pending_bytes += found[1]
            self.pending_reading_count += found[2]
            return int(found[0])

    def position(self, key: str) -> str | None:
        """Return what a put stored under this key of its position, or None."""
        with self._transaction() as cursor:
            found = cursor.execute(
                "SELECT value FROM state WHERE key = ?", (f"position.{key}",)
            ).fetchone()
        return None if found is None else str(found[0])

    def counters(self) -> dict[str, int]:
        """Return readings by fate since the file was made or `reset_counters` was called.

        "put", "receipted", "rejected.<code>", and what puts counted under their own names.
        Rejected ones are among the receipted.
        """
        with self._transaction() as cursor:
            return dict(cursor.execute("SELECT name, total FROM counter ORDER BY name").fetchall())

    def reset_counters(self, *, position: Mapping[str, str]) -> None:
        """Begin a new account: counters at 0 and another position, in one transaction."""
        with self._transaction() as cursor:
            cursor.execute("DELETE FROM counter")
            cursor.execute("DELETE FROM state WHERE key LIKE 'position.%'")
            _set_state(cursor, _positions(position))

    def set_position(self, position: Mapping[str, str]) -> None:
        """Keep these keys of the position, without a message."""
        with self._transaction() as cursor:
            _set_state(cursor, _positions(position))

    def compact(self) -> None:
        """Give the room of receipted messages back to the disk."""
        with self._lock:
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file and let another process have it."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        """Return the outbox itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the outbox."""
        self.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        with self._lock:
            cursor = self._connection.cursor()
            cursor.execute("BEGIN")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except sqlite3.Error as fault:
                self._connection.rollback()
                raise OutboxFault(
                    f"outbox {self.path}: {fault}; nothing of this step was kept; free the disk"
                    " or repair the folder, then try again"
                ) from fault
            except BaseException:
                self._connection.rollback()
                raise


def _rejected_readings(
    cursor: sqlite3.Cursor, items: Sequence[Rejected], spans: Sequence[tuple[int, int]]
) -> Iterator[RejectedReading]:
    """Look up the rejected items whose messages are about to leave."""
    for seq in dict.fromkeys(item.seq for item in items):
        if not any(first <= seq <= last for first, last in spans):
            continue
        found = cursor.execute(
            "SELECT reading_count, body FROM message WHERE seq = ?", (seq,)
        ).fetchone()
        if found is None:
            continue
        readings = msgspec.json.decode(found[1])["readings"]
        for item in items:
            if item.seq != seq:
                continue
            if item.item < 0:
                yield RejectedReading(seq, item.item, item.code, None, found[0])
            else:
                reading = tuple(readings[item.item]) if item.item < len(readings) else None
                yield RejectedReading(seq, item.item, item.code, reading, 1)


def _positions(position: Mapping[str, str]) -> dict[str, str]:
    return {f"position.{key}": value for key, value in position.items()}


def _set_state(cursor: sqlite3.Cursor, state: Mapping[str, str]) -> None:
    cursor.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", list(state.items()))


def _count(cursor: sqlite3.Cursor, counts: Mapping[str, int]) -> None:
    cursor.executemany(
        "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET total = total + ?2",
        list(counts.items()),
    )
