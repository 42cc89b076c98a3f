"""Tariff versions as rows: only ever added, the highest revision of a day holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query

TargetKind = Literal["flow", "carrier"]
Target = tuple[TargetKind, str]


@dataclass(frozen=True, slots=True)
class TariffRow:
    """One statement of what a flow or carrier costs from a day on; no document: withdrawn."""

    target_kind: TargetKind
    target: str
    valid_from: date
    revision: int
    document: dict[str, Any] | None
    sha256: str
    stated_at: datetime
    stated_by: str


async def lock(connection: Connection, site_id: int) -> None:
    """Wait until no other transaction changes tariffs of this site."""
    await connection.execute(query("tariff_lock"), (site_id,))


async def list_rows(connection: Connection, site_id: int) -> list[TariffRow]:
    """Return every statement ever made for a site, by target, day and revision."""
    return await fetch_all(connection, TariffRow, "tariff_list", (site_id,))


async def add_row(
    connection: Connection,
    *,
    tenant_id: int,
    site_id: int,
    target: Target,
    valid_from: date,
    document: dict[str, Any] | None,
    sha256: bytes,
    actor: str,
) -> TariffRow:
    """Add the next revision of a day; the caller holds the lock."""
    kind, code = target
    stored = None if document is None else Jsonb(document)
    row = await fetch_one(
        connection,
        TariffRow,
        "tariff_add",
        (tenant_id, site_id, kind, code, valid_from, stored, sha256, actor),
    )
    if row is None:
        raise AssertionError("an insert returns its row")
    return row


def holding(rows: Iterable[TariffRow]) -> dict[Target, list[TariffRow]]:
    """Return what holds: of each day the highest revision, unless withdrawn, oldest day first."""
    newest = {(row.target_kind, row.target, row.valid_from): row for row in rows}
    held: dict[Target, list[TariffRow]] = {}
    for row in sorted(newest.values(), key=lambda row: row.valid_from):
        if row.document is not None:
            held.setdefault((row.target_kind, row.target), []).append(row)
    return held
