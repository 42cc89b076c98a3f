"""The change record: who changed what, when, from what to what."""

from collections.abc import Mapping
from datetime import datetime

from services.accounts._roles import Principal
from services.store import accounts as store
from services.store.accounts import ChangeRow
from services.store.pool import Connection, Database


async def record(
    connection: Connection,
    principal: Principal,
    action: str,
    object_kind: str,
    object_code: str,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Write a line in the transaction of the change itself."""
    await store.record_change(
        connection,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        action=action,
        object_kind=object_kind,
        object_code=object_code,
        before=before,
        after=after,
    )


async def list_changes(
    database: Database,
    *,
    principal: Principal,
    before_id: int,
    object_kind: str | None,
    start: datetime | None,
    end: datetime | None,
    limit: int,
) -> list[ChangeRow]:
    """Return lines of the tenant's change record, newest first, older than `before_id`."""
    async with database.transaction(principal.tenant_id) as connection:
        return await store.list_changes(
            connection,
            before_id=before_id,
            object_kind=object_kind,
            start=start,
            end=end,
            limit=limit,
        )
