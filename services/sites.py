"""Sites and their descriptions: listed, read, checked and applied."""

import asyncio
from dataclasses import dataclass

from services import totals
from services.plant.apply import Applied, apply_plant
from services.plant.findings import Finding
from services.plant.read import examine, read_plant
from services.refusal import ChangedMeanwhile, NotFound, Refusal
from services.store import answers
from services.store.answers import DocumentRow, SiteListing, VersionRow
from services.store.pool import Connection, Database
from services.totals import SiteState


class OtherSite(Refusal):
    """A description sent to the address of another site."""

    code = "invalid"


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """A site by its name, and how far its readings reach."""

    state: SiteState
    listing: SiteListing


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    """A description with the state of its site."""

    state: SiteState
    document: DocumentRow


async def list_sites(database: Database, *, tenant_id: int) -> list[SiteListing]:
    """Return the sites of a tenant."""
    async with database.transaction(tenant_id, snapshot=True) as connection:
        return await answers.list_sites(connection)


async def read_site(database: Database, *, tenant_id: int, site: str) -> SiteAnswer:
    """Return a site and how far its readings reach.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        listing = await answers.list_sites(connection, site)
    if not listing:
        raise NotFound("site")
    return SiteAnswer(state, listing[0])


async def list_versions(database: Database, *, tenant_id: int, site: str) -> list[VersionRow]:
    """Return every description of a site, newest first.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        return await answers.list_versions(connection, state.site.id)


async def read_document(
    database: Database, *, tenant_id: int, site: str, version: int | None
) -> DocumentAnswer:
    """Return a description of a site; the newest where no version is named.

    Raises
    ------
    NotFound
        If the tenant has no such site or version.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        document = await answers.find_document(connection, state.site.id, version)
    if document is None:
        raise NotFound("version")
    return DocumentAnswer(state, document)


async def check(content: bytes) -> tuple[Finding, ...]:
    """Return everything that is wrong with a JSON description."""
    # A large description takes a second: the event loop goes on meanwhile.
    return await asyncio.to_thread(examine, content, form="json")


async def apply(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    site: str,
    content: bytes,
    if_sha256: str | None,
) -> Applied:
    """Make a JSON description the newest of its site.

    Parameters
    ----------
    if_sha256 : str or None
        Hash of the description that the change was made from; it must still be the newest.

    Raises
    ------
    PlantInvalid, WrongTenant, OtherSite, ChangedMeanwhile
        As their names say.
    """
    plant = await asyncio.to_thread(read_plant, content, form="json")
    if plant.site != site:
        raise OtherSite(
            f"the description is of site {plant.site!r}, the address of {site!r}: correct one",
            f"描述的厂区为 {plant.site!r}，而地址为 {site!r}：请改正其一",
            pointer="site",
        )
    async with database.transaction(tenant_id) as connection:
        await answers.lock_plants(connection)
        if if_sha256 is not None:
            await _check_newest(connection, site, if_sha256)
        return await apply_plant(connection, plant, tenant_id=tenant_id, actor=actor)


async def _check_newest(connection: Connection, site: str, sha256: str) -> None:
    row = await answers.find_site(connection, site)
    newest = None if row is None else await answers.find_document(connection, row.id, None)
    if newest is None or newest.sha256 != sha256:
        raise ChangedMeanwhile
