"""Groups of alert rules as people write them: listed, checked as they are typed, stated, withdrawn.

Statements are only ever added; a rule that reads as before goes on, and so do its alerts.
"""

import json
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from services import alert_book
from services.alert_rules.check import Checked, check_text, read_group
from services.alert_rules.compile import StatedGroup, compile_rules
from services.alert_rules.facts import Facts, facts_of
from services.alert_rules.model import Group
from services.alert_rules.ready_made import ready_made
from services.plant.findings import PlantInvalid
from services.refusal import NotFound, Refusal
from services.store import accounts, alert_documents
from services.store.alert_documents import DocumentRow
from services.store.pool import Connection, Database

# Of all rules of a tenant: bounds what a worker holds and what a storm can write.
INSTANCE_COUNT_MAX = 20_000


class RulesInvalid(PlantInvalid):
    """A group of rules cannot be taken; `findings` says everything that is wrong with it."""


class OtherGroup(Refusal):
    """A group sent to the address of another."""

    code = "invalid"


class TooManyInstances(Refusal):
    """More rules times objects than a worker evaluates every second."""

    code = "too_large"


@dataclass(frozen=True, slots=True)
class Stated:
    """What stating a group did; `changed` is False where it holds already."""

    group: str
    revision: int
    changed: bool


async def list_groups(database: Database, *, tenant_id: int) -> list[DocumentRow]:
    """Return every statement ever made, by group and revision."""
    async with database.transaction(tenant_id, snapshot=True) as connection:
        return await alert_documents.list_documents(connection, tenant_id=tenant_id, kind="group")


async def check(
    database: Database,
    *,
    tenant_id: int,
    tenant_code: str,
    expression: str,
    alert: str,
    cursor: int | None,
) -> Checked:
    """Return what is wrong with a condition as it is typed, and what fits next."""
    async with database.transaction(tenant_id, snapshot=True) as connection:
        facts = await tenant_facts(connection, tenant_id=tenant_id, tenant_code=tenant_code)
    return check_text(expression, facts, alert=alert, cursor=cursor)


async def state_group(
    database: Database,
    *,
    tenant_id: int,
    tenant_code: str,
    actor: str,
    group: str,
    content: bytes,
    if_revision: int | None = None,
) -> Stated:
    """Add a revision of a group of rules; it holds from within five seconds on.

    Parameters
    ----------
    if_revision : int or None
        Newest revision of the group when the change was made; 0 if there was none.

    Raises
    ------
    ChangedMeanwhile
        If the newest is another, and does not already say the same.
    RulesInvalid
        With every finding, if it cannot be taken.
    OtherGroup
        If the document is of another group.
    TooManyInstances
        If the tenant's rules together are held against too many objects.
    """
    async with database.transaction(tenant_id) as connection:
        facts = await tenant_facts(connection, tenant_id=tenant_id, tenant_code=tenant_code)
        try:
            read = read_group(content, facts)
        except PlantInvalid as invalid:
            raise RulesInvalid(invalid.findings) from invalid
        if read.name != group:
            raise OtherGroup(
                f"the document is group {read.name!r}: send it to its own address, or correct name",
                f"文档属于规则组 {read.name!r}：请提交到其自身地址，或改正 name",
                pointer="name",
            )
        await _check_count(connection, tenant_id, facts, read)
        document = json.loads(read.model_dump_json(by_alias=True, exclude_none=True))
        return await _state(connection, tenant_id, actor, group, document, if_revision)


async def withdraw_group(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    group: str,
    if_revision: int | None = None,
) -> Stated:
    """Take a group back: its alerts are resolved; it stays readable.

    Raises
    ------
    ChangedMeanwhile
        If the newest revision is another than `if_revision`.
    NotFound
        If no such group holds.
    """
    async with database.transaction(tenant_id) as connection:
        done = await _state(connection, tenant_id, actor, group, None, if_revision)
    if not done.changed:
        raise NotFound("group")
    return done


def list_ready_made() -> tuple[Group, ...]:
    """Return the groups to begin with."""
    return ready_made()


async def tenant_facts(connection: Connection, *, tenant_id: int, tenant_code: str) -> Facts:
    """Return what rules of a tenant are held against: its newest descriptions."""
    described = await alert_book.described_sites(connection, tenant_id)
    return facts_of(tenant_code, [plant for _, plant in described])


async def _check_count(connection: Connection, tenant_id: int, facts: Facts, group: Group) -> None:
    rows = await alert_documents.list_documents(connection, tenant_id=tenant_id, kind="group")
    others = [one for one in alert_book.holding_groups(rows) if one.group.name != group.name]
    compiled = compile_rules([*others, StatedGroup(group, 0)], facts)
    count = len(compiled.instances)
    if count > INSTANCE_COUNT_MAX:
        raise TooManyInstances(
            f"all rules together would be held against {count} objects, and {INSTANCE_COUNT_MAX}"
            " are the most: name fewer objects in these rules",
            f"全部规则合计作用于 {count} 个对象，上限为 {INSTANCE_COUNT_MAX}：请在规则中限定对象",
            pointer="rules",
        )


async def _state(
    connection: Connection,
    tenant_id: int,
    actor: str,
    group: str,
    document: dict[str, object] | None,
    if_revision: int | None,
) -> Stated:
    await alert_documents.lock(connection, tenant_id)
    rows = await alert_documents.list_documents(connection, tenant_id=tenant_id, kind="group")
    before = alert_book.newest(rows).get(group)
    standing = None if before is None else before.document
    if standing == document:
        return Stated(group, 0 if before is None else before.revision, changed=False)
    alert_book.check_newest(before, if_revision)
    row = await alert_documents.add_document(
        connection,
        tenant_id=tenant_id,
        kind="group",
        code=group,
        document=document,
        sha256=sha256(msgspec.json.encode(document, order="sorted")).digest(),
        actor=actor,
    )
    await accounts.record_change(
        connection,
        tenant_id=tenant_id,
        actor=actor,
        action="alert_rules.state" if document is not None else "alert_rules.withdraw",
        object_kind="alert_group",
        object_code=group,
        before=standing,
        after=document,
    )
    return Stated(group, row.revision, changed=True)
