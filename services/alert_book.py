"""Groups of alert rules as stated: which hold, and since when each rule reads as it does."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from services.alert_rules.compile import StatedGroup
from services.alert_rules.model import Group
from services.plant.model import Plant
from services.refusal import ChangedMeanwhile
from services.store import answers, topology
from services.store.alert_documents import DocumentRow
from services.store.alert_policy import PolicyRow
from services.store.pool import Connection


def newest(rows: Iterable[DocumentRow]) -> dict[str, DocumentRow]:
    """Return the highest revision of each group; rows are in order of revision."""
    return {row.code: row for row in rows}


def check_newest(before: DocumentRow | PolicyRow | None, if_revision: int | None) -> None:
    """Refuse a change that was not made from the newest statement; of None nothing is asked.

    Raises
    ------
    ChangedMeanwhile
        If the newest revision is another than `if_revision`; 0 stands for none at all.
    """
    newest_revision = 0 if before is None else before.revision
    if if_revision is not None and if_revision != newest_revision:
        raise ChangedMeanwhile


def holding_groups(rows: Iterable[DocumentRow]) -> list[StatedGroup]:
    """Return the groups that hold."""
    return [
        StatedGroup(Group.model_validate_json(msgspec.json.encode(row.document)), row.revision)
        for row in newest(rows).values()
        if row.document is not None
    ]


def rule_revisions(rows: Sequence[DocumentRow]) -> dict[tuple[str, str], int]:
    """Return the revision in which each rule that holds was last changed, by group and name.

    A group is stated as a whole: a rule that reads as before goes on, and so do its episodes.
    """
    since: dict[tuple[str, str], int] = {}
    stated: dict[str, dict[str, Any]] = {}
    for row in rows:
        before = stated.get(row.code, {})
        now = {rule["alert"]: rule for rule in (row.document or {}).get("rules", ())}
        for name in before.keys() - now.keys():
            del since[row.code, name]
        for name, rule in now.items():
            if before.get(name) != rule:
                since[row.code, name] = row.revision
        stated[row.code] = now
    return since


async def described_sites(
    connection: Connection, tenant_id: int
) -> list[tuple[topology.Site, Plant]]:
    """Return the sites of a tenant with what rules are held against: their newest descriptions."""
    found = []
    for listing in await answers.list_sites(connection):
        site = await topology.find_site(connection, tenant_id=tenant_id, code=listing.code)
        newest = None if site is None else await topology.newest_version(connection, site.id)
        if site is not None and newest is not None:
            document = msgspec.json.encode(newest[0].document)
            found.append((site, Plant.model_validate_json(document)))
    return found
