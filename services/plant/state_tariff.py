"""A checked tariff version becomes the newest revision of its day, whoever states it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from hashlib import sha256
from typing import Any

import msgspec

from services.plant.model import Plant
from services.plant.tariff import TariffVersion
from services.store import tariffs, topology
from services.store.pool import Connection
from services.store.tariffs import Target, TariffRow

Document = dict[str, Any]
_Place = tuple[Target, date]


def document_of(version: TariffVersion) -> Document:
    """Return a version as it is stored: what stands at its default is left out."""
    return version.model_dump(mode="json", by_alias=True, exclude_defaults=True)


async def state_version(
    connection: Connection,
    *,
    site: topology.Site,
    target: Target,
    valid_from: date,
    document: Document | None,
    actor: str,
) -> TariffRow | None:
    """Add a version of a tariff, or withdraw that of a day; None if that is what holds already.

    Nothing is marked to be computed again: cost is computed when it is asked for, so that the next
    answer has the new price.
    """
    await tariffs.lock(connection, site.id)
    rows = await tariffs.list_rows(connection, site.id)
    before = next(
        (row for row in tariffs.holding(rows).get(target, ()) if row.valid_from == valid_from), None
    )
    if document == (None if before is None else before.document):
        return None
    row = await tariffs.add_row(
        connection,
        tenant_id=site.tenant_id,
        site_id=site.id,
        target=target,
        valid_from=valid_from,
        document=document,
        sha256=sha256(msgspec.json.encode(document, order="sorted")).digest(),
        actor=actor,
    )
    await topology.add_change(
        connection,
        tenant_id=site.tenant_id,
        actor=actor,
        action="tariff.withdraw" if document is None else "tariff.state",
        object_kind="tariff",
        object_code=f"{site.code}/{'/'.join(target)}/{valid_from.isoformat()}",
        before=None if before is None else {"revision": before.revision, "sha256": before.sha256},
        after={"revision": row.revision, "sha256": row.sha256},
    )
    return row


async def state_described(
    connection: Connection,
    plant: Plant,
    site: topology.Site,
    *,
    before: topology.PlantVersion | None,
    actor: str,
) -> None:
    """State the versions in which a description differs from the one before it.

    What it repeats is left alone, so that a correction made elsewhere is not undone by a
    description that changes something else. What it leaves out is withdrawn only where it corrects
    the one before it, of the same first instant: a later description may forget old prices, and
    old months keep them.
    """
    old = {} if before is None else dict(_listed(before.document.get("tariffs", ())))
    document = plant.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    new = dict(_listed(document.get("tariffs", ())))
    places = list(new)
    if before is not None and before.valid_from == plant.valid_from:
        places += [place for place in old if place not in new]
    for target, day in places:
        if old.get((target, day)) != new.get((target, day)):
            await state_version(
                connection,
                site=site,
                target=target,
                valid_from=day,
                document=new.get((target, day)),
                actor=actor,
            )


def _listed(described: Iterable[Mapping[str, Any]]) -> Iterator[tuple[_Place, Document]]:
    for tariff in described:
        flow = tariff.get("flow")
        target: Target = ("carrier", tariff["carrier"]) if flow is None else ("flow", flow)
        for version in tariff["versions"]:
            yield (target, date.fromisoformat(version["valid_from"])), version
