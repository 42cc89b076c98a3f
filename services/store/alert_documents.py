"""Documents of alerts as rows: groups of rules, and the policy; the highest revision holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query

DocumentKind = Literal["group", "policy"]


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One statement of a document; no document: withdrawn."""

    code: str
    revision: int
    document: dict[str, Any] | None
    sha256: str
    stated_at: datetime
    stated_by: str


async def lock(connection: Connection, tenant_id: int) -> None:
    """Wait until no other transaction states documents of this tenant."""
    await connection.execute(query("alert_document_lock"), (tenant_id,))


async def marks(connection: Connection) -> dict[int, int]:
    """Return, of each tenant with rules, a number that grows whenever it states one."""
    rows = await (await connection.execute(query("alert_document_marks"))).fetchall()
    return {row["tenant_id"]: row["mark"] for row in rows}


async def list_documents(
    connection: Connection, *, tenant_id: int, kind: DocumentKind
) -> list[DocumentRow]:
    """Return every statement ever made, by code and revision."""
    return await fetch_all(connection, DocumentRow, "alert_document_list", (tenant_id, kind))


async def add_document(
    connection: Connection,
    *,
    tenant_id: int,
    kind: DocumentKind,
    code: str,
    document: dict[str, Any] | None,
    sha256: bytes,
    actor: str,
) -> DocumentRow:
    """Add the next revision of a document; the caller holds the lock."""
    stored = None if document is None else Jsonb(document)
    row = await fetch_one(
        connection,
        DocumentRow,
        "alert_document_add",
        (tenant_id, kind, code, stored, sha256, actor),
    )
    if row is None:
        raise AssertionError("an insert returns its row")
    return row
