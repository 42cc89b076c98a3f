"""Files of readings as rows: kept byte for byte, decided upon, taken, taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from psycopg import sql
from psycopg.types.json import Jsonb

from services.files.bills import BilledPoint
from services.store.binary import ColumnType, copy_in, pack
from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query

Kind = Literal["readings", "bills"]
State = Literal[
    "uploaded",
    "checked",
    "requested",
    "done",
    "refused",
    "cancelled",
    "undo_requested",
    "withdrawn",
]
Policy = Literal["all_or_nothing", "skip_bad"]
PART_BYTES = 1_000_000
_STAGE_TYPES: tuple[ColumnType, ...] = ("timestamptz", "integer", "integer", "integer")


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An import as people see it."""

    id: int
    site: str
    kind: Kind
    state: State
    policy: Policy | None
    file_name: str
    size_bytes: int
    sha256: str
    options: dict[str, Any]
    report: dict[str, Any] | None
    stored: int
    duplicate: int
    conflict: int
    quarantined: int
    quarantine_ids: list[int]
    uploaded_at: datetime
    uploaded_by: str
    requested_at: datetime | None
    requested_by: str | None
    finished_at: datetime | None
    withdrawn_by: str | None
    withdrawn_reason: str | None
    withdrawn_at: datetime | None
    withdrawn_count: int | None
    share: float | None


@dataclass(frozen=True, slots=True)
class LockedImport:
    """An import that a person decides upon."""

    id: int
    site_id: int
    state: State
    policy: Policy | None


@dataclass(frozen=True, slots=True)
class BusyImport:
    """Another import of the site that is being taken."""

    id: int
    requested_at: datetime
    requested_by: str


@dataclass(frozen=True, slots=True)
class WaitingImport:
    """An import that ingest is to look at, to take or to take back."""

    id: int
    tenant_id: int
    site_id: int
    gateway_id: int
    kind: Kind
    state: State
    policy: Policy | None
    file_name: str
    sha256: bytes
    options: dict[str, Any]
    quarantine_ids: list[int]
    site: str
    time_zone: str
    topic: str


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of the readings of an import."""

    stored: int = 0
    duplicate: int = 0
    conflict: int = 0
    quarantined: int = 0


async def add_import(
    connection: Connection,
    *,
    tenant_id: int,
    site_id: int,
    topic: str,
    kind: Kind,
    file_name: str,
    size_bytes: int,
    sha256: bytes,
    options: dict[str, Any],
    at: datetime,
    actor: str,
) -> int:
    """Note a file that follows in parts; its source is a gateway of its own of the site."""
    gateway = await (
        await connection.execute(query("put_import_gateway"), (tenant_id, site_id, topic))
    ).fetchone()
    if gateway is None:
        raise AssertionError("the insert returns its row")
    row = await (
        await connection.execute(
            query("add_import"),
            (
                tenant_id,
                site_id,
                gateway["id"],
                kind,
                file_name,
                size_bytes,
                sha256,
                Jsonb(options),
                at,
                actor,
            ),
        )
    ).fetchone()
    if row is None:
        raise AssertionError("the insert returns its row")
    await connection.execute(query("ring_plant"))
    return int(row["id"])


async def add_part(
    connection: Connection, *, import_id: int, part: int, tenant_id: int, content: bytes
) -> None:
    """Keep one part of the file."""
    await connection.execute(query("add_import_part"), (import_id, part, tenant_id, content))


async def read_part(connection: Connection, *, import_id: int, part: int) -> bytes | None:
    """Return one part of the file, None behind the last."""
    row = await (await connection.execute(query("import_part"), (import_id, part))).fetchone()
    return None if row is None else bytes(row["content"])


async def same_imports(
    connection: Connection, *, site_id: int, sha256: bytes, import_id: int
) -> list[int]:
    """Return the imports of the same content that were taken before."""
    rows = await connection.execute(query("same_imports"), (site_id, sha256, import_id))
    return [row["id"] for row in await rows.fetchall()]


async def list_imports(
    connection: Connection,
    *,
    site_id: int | None = None,
    import_id: int | None = None,
    before_id: int = 2**62,
    limit: int = 1,
) -> list[ImportRow]:
    """Return imports, the newest first."""
    return await fetch_all(
        connection, ImportRow, "list_imports", (site_id, import_id, before_id, limit)
    )


async def lock_import(connection: Connection, import_id: int) -> LockedImport | None:
    """Return an import and hold it until the end of the transaction."""
    return await fetch_one(connection, LockedImport, "lock_import", (import_id,))


async def busy_import(connection: Connection, *, site_id: int, import_id: int) -> BusyImport | None:
    """Return another import of a site that is being taken, or taken back."""
    return await fetch_one(connection, BusyImport, "busy_import", (site_id, import_id))


async def decide(
    connection: Connection,
    import_id: int,
    *,
    state: State,
    policy: Policy | None,
    at: datetime,
    actor: str,
) -> None:
    """Write down what a person decided."""
    await connection.execute(query("decide_import"), (import_id, state, policy, at, actor))


async def add_withdrawal(
    connection: Connection,
    import_id: int,
    *,
    tenant_id: int,
    at: datetime,
    actor: str,
    reason: str,
) -> None:
    """Note that an import is to be taken back."""
    await connection.execute(query("add_withdrawal"), (import_id, tenant_id, at, actor, reason))


async def next_import(connection: Connection) -> WaitingImport | None:
    """Return what ingest is to do next, held until the end of the transaction."""
    return await fetch_one(connection, WaitingImport, "next_import", ())


async def site_points(connection: Connection, site_id: int) -> dict[str, BilledPoint]:
    """Return every active point of a site, by code, as its newest description has it."""
    rows = await (await connection.execute(query("import_points"), (site_id,))).fetchall()
    return {
        row["code"]: BilledPoint(
            row["kind"],
            row["unit"],
            row["multiplier"],
            row["period_us"],
            row["stamped_at_end"],
        )
        for row in rows
    }


async def show_progress(
    connection: Connection, *, import_id: int, tenant_id: int, share: float, at: datetime
) -> None:
    """Tell how far an import is, 0 to 1."""
    await connection.execute(query("show_progress"), (import_id, tenant_id, share, at))


async def finish(
    connection: Connection,
    import_id: int,
    *,
    state: State,
    report: dict[str, Any] | None,
    fates: Fates = Fates(),
    quarantine_ids: Sequence[int] = (),
    at: datetime,
) -> None:
    """Write down what became of an import."""
    await connection.execute(
        query("finish_import"),
        (
            import_id,
            state,
            None if report is None else Jsonb(report),
            fates.stored,
            fates.duplicate,
            fates.conflict,
            fates.quarantined,
            list(quarantine_ids),
            at,
        ),
    )


async def add_import_readings(
    connection: Connection,
    *,
    import_id: int,
    tenant_id: int,
    ts_us: npt.NDArray[np.int64],
    point_id: npt.NDArray[np.int32],
    line: npt.NDArray[np.int32],
    stored: npt.NDArray[np.int32],
) -> None:
    """Note which readings an import stored (`stored` is 1), and which it confirmed (0)."""
    await connection.execute(query("make_import_stage"))
    await connection.execute(query("clear_import_stage"))
    await copy_in(
        connection,
        sql.SQL(query("copy_import_stage")),
        pack(_STAGE_TYPES, (ts_us, point_id, line, stored)),
    )
    await connection.execute(query("add_import_readings"), (import_id, tenant_id))


async def confirm_imported(connection: Connection) -> None:
    """Note of the staged readings which an import had stored and a gateway has now sent too."""
    await connection.execute(query("confirm_imported"))


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The readings of one point that were withdrawn."""

    point_id: int
    first_us: int
    last_us: int
    reading_count: int


async def withdraw(connection: Connection, import_id: int, *, at: datetime) -> list[Withdrawn]:
    """Withdraw every reading that nobody but this import has sent."""
    await connection.execute(query("lift_time_limit"))
    await connection.execute(query("begin_withdrawal"))
    gone = await fetch_all(connection, Withdrawn, "withdraw_import", (import_id, at))
    points = [row.point_id for row in gone]
    restored = await connection.execute(query("restore_point_states"), (points,))
    kept = {row["point_id"] for row in await restored.fetchall()}
    await connection.execute(
        query("forget_point_states"), ([point for point in points if point not in kept],)
    )
    count = sum(row.reading_count for row in gone)
    await connection.execute(query("settle_withdrawal"), (import_id, at, count))
    return gone


async def discard_items(
    connection: Connection, quarantine_ids: Sequence[int], *, at: datetime, actor: str
) -> None:
    """Give up what waits in quarantine of an import."""
    await connection.execute(query("discard_import_items"), (list(quarantine_ids), at, actor))
