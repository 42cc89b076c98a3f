"""Files of readings and bills: sent, looked at, taken or left, and taken back (T3 手工填报).

Nothing is read here: ingest looks at a file, takes it and takes it back, as it does with messages.
This is what people ask of it, and what it answers.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

from services import totals
from services.files.fault import FileTooLarge
from services.files.file_map import MapRefused, read_map
from services.refusal import NotFound, Refusal
from services.store import accounts, answers, imports
from services.store.answers import PointRow
from services.store.imports import ImportRow, Kind, Policy
from services.store.pool import Connection, Database
from services.totals import SiteState

FILE_BYTES_MAX = 200_000_000
FILE_NAME_CHARACTERS_MAX = 200
_POLL_S = 0.1


class MapInvalid(Refusal):
    """The map of the columns has faults."""

    code = "invalid"


class ImportNotReady(Refusal):
    """The import is in another state than what was asked needs."""

    code = "import_state"


class ImportBusy(Refusal):
    """Another import of the site is being taken, or taken back."""

    code = "import_busy"


@dataclass(frozen=True, slots=True)
class Template:
    """What a file that needs no map looks like: a head for the times, and one for each point."""

    state: SiteState
    heads: list[str]


async def upload(
    database: Database,
    *,
    tenant_id: int,
    tenant_code: str,
    actor: str,
    site: str,
    kind: Kind,
    file_name: str,
    options: dict[str, Any],
    path: Path,
    at: datetime,
) -> ImportRow:
    """Keep a file byte for byte, for ingest to look at.

    Parameters
    ----------
    options : dict
        `map`, the map of its columns, else it must follow the template; `sheet`, of a workbook.
    path : Path
        Where the file lies now.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    MapInvalid
        If the map has faults.
    FileTooLarge
        If the file is larger than is taken.
    """
    options = {name: value for name, value in options.items() if value is not None}
    if "map" in options:
        try:
            read_map(options["map"], place="map")
        except MapRefused as error:
            raise MapInvalid(str(error), f"映射有误：{error}", pointer="map") from error
    size_bytes, digest = await asyncio.to_thread(_measure, path)
    async with database.transaction(tenant_id) as connection:
        state = await totals.load_state(connection, site)
        import_id = await imports.add_import(
            connection,
            tenant_id=tenant_id,
            site_id=state.site.id,
            topic=f"import/{tenant_code}/{site}",
            kind=kind,
            file_name=clean_name(file_name),
            size_bytes=size_bytes,
            sha256=digest,
            options=options,
            at=at,
            actor=actor,
        )
        with path.open("rb") as file:
            part = 0
            while content := await asyncio.to_thread(file.read, imports.PART_BYTES):
                await imports.add_part(
                    connection,
                    import_id=import_id,
                    part=part,
                    tenant_id=tenant_id,
                    content=content,
                )
                part += 1
        [row] = await imports.list_imports(connection, import_id=import_id)
        await _record(connection, row, tenant_id, actor, "import.upload", {"sha256": row.sha256})
    return row


def _measure(path: Path) -> tuple[int, bytes]:
    """Return the size of a file and the hash of its content."""
    size_bytes = path.stat().st_size
    if size_bytes > FILE_BYTES_MAX:
        raise FileTooLarge(
            f"the file is larger than {FILE_BYTES_MAX} bytes: split it, or compress it",
            f"文件超过 {FILE_BYTES_MAX} 字节：请拆分或压缩",
        )
    with path.open("rb") as file:
        return size_bytes, file_digest(file, "sha256").digest()


def clean_name(name: str) -> str:
    """Return a file's name as it may be shown: the last step of its path, printable, not long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter if letter.isprintable() else "_" for letter in last)
    return shown[-FILE_NAME_CHARACTERS_MAX:] or "_"


async def _locked(connection: Connection, import_id: int, states: set[imports.State]) -> ImportRow:
    """Return an import that is in one of the states, held until the end of the transaction."""
    held = await imports.lock_import(connection, import_id)
    if held is None:
        raise NotFound("import")
    if held.state not in states:
        wanted = ", ".join(sorted(states))
        raise ImportNotReady(
            f"import {import_id} is {held.state}, not {wanted}: look at it again",
            f"导入 {import_id} 的状态为 {held.state}，而非 {wanted}：请刷新后查看",
            pointer="state",
        )
    [row] = await imports.list_imports(connection, import_id=import_id)
    return row


async def _refuse_busy(connection: Connection, import_id: int) -> None:
    held = await imports.lock_import(connection, import_id)
    if held is None:
        raise AssertionError("it is held already")
    busy = await imports.busy_import(connection, site_id=held.site_id, import_id=import_id)
    if busy is not None:
        since = busy.requested_at.isoformat(timespec="seconds")
        raise ImportBusy(
            f"import {busy.id}, asked for by {busy.requested_by} at {since}, is being worked on:"
            " try again when it is done",
            f"{busy.requested_by} 于 {since} 提交的导入 {busy.id} 正在处理：请在其完成后重试",
        )


async def _record(
    connection: Connection,
    row: ImportRow,
    tenant_id: int,
    actor: str,
    action: str,
    more: dict[str, Any],
) -> None:
    await accounts.record_change(
        connection,
        tenant_id=tenant_id,
        actor=actor,
        action=action,
        object_kind="import",
        object_code=str(row.id),
        before={"state": row.state},
        after={"site": row.site, "file": row.file_name, **more},
    )


async def find_import(database: Database, *, tenant_id: int, import_id: int) -> ImportRow:
    """Return one import.

    Raises
    ------
    NotFound
        If the tenant has none of that number.
    """
    async with database.transaction(tenant_id) as connection:
        rows = await imports.list_imports(connection, import_id=import_id)
    if not rows:
        raise NotFound("import")
    return rows[0]


async def wait_for(
    database: Database, *, tenant_id: int, import_id: int, seconds: float
) -> ImportRow:
    """Return an import when ingest has done with it, or as it is when the time is over.

    Raises
    ------
    NotFound
        If the tenant has none of that number.
    """
    row = await find_import(database, tenant_id=tenant_id, import_id=import_id)
    left_s = seconds
    while row.state in {"uploaded", "requested", "undo_requested"} and left_s > 0:
        await asyncio.sleep(_POLL_S)
        left_s -= _POLL_S
        row = await find_import(database, tenant_id=tenant_id, import_id=import_id)
    return row


async def list_imports(
    database: Database, *, tenant_id: int, site: str, before_id: int, limit: int
) -> list[ImportRow]:
    """Return the imports of a site, the newest first, older than `before_id`.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id) as connection:
        state = await totals.load_state(connection, site)
        return await imports.list_imports(
            connection, site_id=state.site.id, before_id=before_id, limit=limit
        )


async def take(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    import_id: int,
    sha256_hex: str,
    policy: Policy,
    at: datetime,
) -> ImportRow:
    """Have ingest take a file that it has looked at.

    Parameters
    ----------
    sha256_hex : str
        Of the file whose preview was seen: it is that one that is taken, and no other.
    policy : "all_or_nothing" or "skip_bad"
        What is done where rows cannot be taken: nothing, or they wait in quarantine.

    Raises
    ------
    NotFound, ImportNotReady, ImportBusy
        As their names say.
    """
    async with database.transaction(tenant_id) as connection:
        row = await _locked(connection, import_id, {"checked"})
        if row.sha256 != sha256_hex:
            raise ImportNotReady(
                "the preview was of another file: look at this one first",
                "预览的是另一个文件：请先查看此文件",
                pointer="sha256",
            )
        if policy == "all_or_nothing" and (row.report or {}).get("rejected"):
            raise ImportNotReady(
                f"{(row.report or {})['rejected']} readings cannot be taken: correct the file, or"
                " have them kept in quarantine (skip_bad)",
                f"{(row.report or {})['rejected']} 个读数无法接收：请更正文件，或选择将其隔离"
                "（skip_bad）",
                pointer="policy",
            )
        await _refuse_busy(connection, import_id)
        await imports.decide(
            connection, import_id, state="requested", policy=policy, at=at, actor=actor
        )
        await _record(connection, row, tenant_id, actor, "import.take", {"policy": policy})
        [row] = await imports.list_imports(connection, import_id=import_id)
    return row


async def cancel(
    database: Database, *, tenant_id: int, actor: str, import_id: int, at: datetime
) -> ImportRow:
    """Leave a file that was not taken.

    Raises
    ------
    NotFound, ImportNotReady
        As their names say.
    """
    async with database.transaction(tenant_id) as connection:
        row = await _locked(connection, import_id, {"uploaded", "checked"})
        await imports.decide(
            connection, import_id, state="cancelled", policy=None, at=at, actor=actor
        )
        await _record(connection, row, tenant_id, actor, "import.cancel", {})
        [row] = await imports.list_imports(connection, import_id=import_id)
    return row


async def undo(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    import_id: int,
    reason: str,
    at: datetime,
) -> ImportRow:
    """Have ingest withdraw what an import stored and nobody else has sent.

    Raises
    ------
    NotFound, ImportNotReady, ImportBusy
        As their names say.
    """
    async with database.transaction(tenant_id) as connection:
        row = await _locked(connection, import_id, {"done"})
        await _refuse_busy(connection, import_id)
        await imports.add_withdrawal(
            connection, import_id, tenant_id=tenant_id, at=at, actor=actor, reason=reason
        )
        await imports.decide(
            connection,
            import_id,
            state="undo_requested",
            policy=row.policy,
            at=row.requested_at or at,
            actor=row.requested_by or actor,
        )
        await _record(connection, row, tenant_id, actor, "import.undo", {"reason": reason})
        [row] = await imports.list_imports(connection, import_id=import_id)
    return row


async def template(database: Database, *, tenant_id: int, site: str, meter: str | None) -> Template:
    """Return the heads of a file of readings of a site, or of one of its meters.

    Raises
    ------
    NotFound
        If the tenant has no such site, or the site no such meter.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        points: list[PointRow] = []
        after = ""
        while page := await answers.list_points(
            connection, site_id=state.site.id, code=None, after=after, limit=1_000
        ):
            points += page
            after = page[-1].code
    chosen = [point for point in points if point.active and meter in {None, point.meter_code}]
    if not chosen:
        raise NotFound("meter")
    heads = [f"{point.code} [{point.unit}]" for point in chosen]
    return Template(state, [f"时间 time [{state.site.time_zone}]", *heads])
