"""The SQLite file of an outbox: opened, locked and checked, or put aside when it is damaged."""

import os
import sqlite3
from pathlib import Path

from compute.errors import NengtanError

SCHEMA = """
CREATE TABLE IF NOT EXISTS message(
  seq INTEGER PRIMARY KEY, reading_count INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS receipted(
  seq INTEGER PRIMARY KEY, reading_count INTEGER NOT NULL, body BLOB NOT NULL,
  receipted_at_us INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter(name TEXT PRIMARY KEY, total INTEGER NOT NULL) WITHOUT ROWID;
"""


class OutboxInUse(NengtanError):
    """Another process, or another part of this one, has the outbox open."""


class OutboxFault(NengtanError):
    """SQLite could not read or write the outbox; nothing of the transaction was kept."""


class OutboxDamaged(NengtanError):
    """The file is no outbox, or is broken."""


def connect(path: Path) -> sqlite3.Connection:
    """Open, lock and check the file, and make what is missing in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path, timeout=1.0, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.OperationalError) as fault:
        raise OutboxFault(f"outbox {path}: {fault}; name a folder that can be written") from fault
    try:
        _prepare(connection, path)
        _sync_folder(path.parent)
    except BaseException as fault:
        connection.close()
        if isinstance(fault, sqlite3.OperationalError) and "locked" in str(fault):
            raise OutboxInUse(
                f"outbox {path} is open in another process; stop that one, or name another file"
            ) from fault
        if isinstance(fault, sqlite3.OperationalError):
            raise OutboxFault(f"outbox {path}: {fault}; free the disk or repair the folder") from (
                fault
            )
        if isinstance(fault, sqlite3.DatabaseError):
            raise OutboxDamaged(f"outbox {path}: {fault}") from fault
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # The exclusive lock is SQLite's own: it ends with the process, however that ends.
    for pragma in ("page_size = 16384", "locking_mode = EXCLUSIVE", "journal_mode = WAL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise OutboxDamaged(f"outbox {path}: {verdict}")
    connection.executescript(SCHEMA)


def _sync_folder(folder: Path) -> None:
    """Make the file's name as durable as its content; Windows does so by itself."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def put_aside(path: Path) -> Path:
    """Rename a damaged outbox, with its journal, and return its new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        journal = path.with_name(path.name + suffix)
        if journal.exists():
            journal.rename(aside.with_name(aside.name + suffix))
    return aside
