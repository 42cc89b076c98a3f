"""Tenants, sites and their plants as rows: codes get numbers here, once and for good.

`services.plant.apply` is what writes a description; this module only knows rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import CheckViolation, UniqueViolation
from psycopg.types.json import Jsonb

from compute.errors import NengtanError
from services.refusal import Refusal
from services.store.pool import Connection
from services.store.sql import query

Row = Mapping[str, object]


class TenantNotFound(NengtanError):
    """No tenant has that code, or it is not the caller's."""

    def __init__(self, code: str) -> None:
        super().__init__(f"no tenant {code!r}: create it with `nengtan tenant create {code}`")
        self.code = code


class TenantRefused(NengtanError):
    """A tenant that cannot be made."""


class TopicTaken(Refusal):
    """A gateway's topic is another gateway's already."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who owns data."""

    id: int
    code: str
    kind: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Site:
    """A site and its clockwork."""

    id: int
    tenant_id: int
    code: str
    time_zone: str
    base_interval_us: int
    day_start_us: int


@dataclass(frozen=True, slots=True)
class PlantVersion:
    """One description as it was applied."""

    id: int
    version: int
    valid_from: datetime
    document: dict[str, Any]


async def create_tenant(
    connection: Connection, *, code: str, kind: str, name_zh: str, name_en: str
) -> int:
    """Make a tenant and return its number.

    Raises
    ------
    TenantRefused
        If there is one of that code, or code or kind cannot be.
    """
    values = (code, kind, name_zh, name_en)
    try:
        row = await (await connection.execute(query("create_tenant"), values)).fetchone()
    except UniqueViolation as error:
        raise TenantRefused(f"there is a tenant {code!r} already: choose another code") from error
    except CheckViolation as error:
        raise TenantRefused(
            f"tenant {code!r} of kind {kind!r}: a code is 1 to 64 of A-Z a-z 0-9 _ . : -, "
            "a kind is enterprise or park"
        ) from error
    if row is None:
        raise AssertionError("the insert returns its row")
    return int(row["id"])


async def find_tenant(connection: Connection, code: str) -> Tenant:
    """Return a tenant by its code.

    Raises
    ------
    TenantNotFound
        If there is none that this transaction may see.
    """
    row = await (await connection.execute(query("find_tenant"), (code,))).fetchone()
    if row is None:
        raise TenantNotFound(code)
    return Tenant(**row)


async def put_site(connection: Connection, site: Site) -> int:
    """Make or change a site (its `id` is not read) and return its number."""
    row = await (
        await connection.execute(
            query("put_site"),
            (
                site.tenant_id,
                site.code,
                site.time_zone,
                site.base_interval_us,
                site.day_start_us,
            ),
        )
    ).fetchone()
    if row is None:
        raise AssertionError("the insert returns its row")
    return int(row["id"])


async def find_site(connection: Connection, *, tenant_id: int, code: str) -> Site | None:
    """Return a site by its code, if there is one."""
    row = await (await connection.execute(query("find_site"), (tenant_id, code))).fetchone()
    return None if row is None else Site(**row)


async def all_sites(connection: Connection) -> list[tuple[str, Site]]:
    """Return every site with the code of its tenant; for the services' own roles."""
    rows = await (await connection.execute(query("all_sites"))).fetchall()
    return [(row.pop("tenant_code"), Site(**row)) for row in rows]


async def tenant_codes(connection: Connection) -> dict[int, str]:
    """Return the code of every tenant by its number; for the services' own roles."""
    rows = await (await connection.execute(query("tenant_codes"))).fetchall()
    return {row["id"]: row["code"] for row in rows}


async def newest_version(connection: Connection, site_id: int) -> tuple[PlantVersion, bytes] | None:
    """Return the last applied description and its hash; who put the site holds both."""
    row = await (await connection.execute(query("newest_plant_version"), (site_id,))).fetchone()
    if row is None:
        return None
    version = PlantVersion(row["id"], row["version"], row["valid_from"], row["document"])
    return version, row["sha256"]


async def plant_versions(connection: Connection, site_id: int) -> list[PlantVersion]:
    """Return every description of a site, in the order in which they were applied."""
    rows = await (await connection.execute(query("plant_versions"), (site_id,))).fetchall()
    return [
        PlantVersion(row["id"], row["version"], row["valid_from"], row["document"]) for row in rows
    ]


async def add_version(
    connection: Connection,
    *,
    site: Site,
    version: int,
    valid_from: datetime,
    document: dict[str, Any],
    sha256: bytes,
    actor: str,
) -> int:
    """Keep a description and return the number of its row."""
    values = (site.tenant_id, site.id, version, valid_from, Jsonb(document), sha256, actor)
    row = await (await connection.execute(query("add_plant_version"), values)).fetchone()
    if row is None:
        raise AssertionError("the insert returns its row")
    return int(row["id"])


async def put_parts(
    connection: Connection,
    *,
    site: Site,
    gateways: Sequence[Row],
    points: Sequence[Row],
    series: Sequence[Row],
) -> None:
    """Give every gateway, point and series its number; what is gone is retired, never deleted.

    Raises
    ------
    TopicTaken
        If another gateway, of any tenant, sends on the topic of one of these.
    """
    await connection.execute(query("retire_points"), (site.id,))
    await connection.execute(query("retire_gateways"), (site.id,))
    for name, rows in (("put_gateways", gateways), ("put_points", points), ("put_series", series)):
        try:
            await connection.execute(
                query(name), (site.tenant_id, site.id, Jsonb([dict(row) for row in rows]))
            )
        except UniqueViolation as error:
            raise TopicTaken(
                "a topic of these gateways is another gateway's: give each a topic of its own",
                "网关主题已被其他网关占用：请为每个网关设置独立的主题",
                pointer="gateways",
            ) from error
    await connection.execute(query("ring_plant"))


async def put_park(
    connection: Connection,
    *,
    tenant_id: int,
    members: Sequence[Row],
    park_code: str | None,
    valid_from: datetime,
) -> None:
    """Write down whom a park lists, or to which park an enterprise shows its sums."""
    await connection.execute(query("clear_park_members"), (tenant_id,))
    await connection.execute(query("clear_park_consent"), (tenant_id,))
    if members:
        rows = Jsonb([dict(row) for row in members])
        await connection.execute(query("put_park_members"), (tenant_id, rows))
    if park_code is not None:
        await connection.execute(query("put_park_consent"), (tenant_id, park_code, valid_from))


async def reading_span(connection: Connection, site_id: int) -> tuple[datetime, datetime] | None:
    """Return the instants of the oldest and the newest reading of a site, None without any."""
    row = await (await connection.execute(query("site_reading_span"), (site_id,))).fetchone()
    return None if row is None or row["first_ts"] is None else (row["first_ts"], row["last_ts"])


async def ingest_map(connection: Connection) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return every active gateway and point, for the registry of ingest."""
    gateways = await (await connection.execute(query("ingest_gateways"))).fetchall()
    points = await (await connection.execute(query("ingest_points"))).fetchall()
    return gateways, points


async def point_ids(connection: Connection, site_id: int) -> dict[str, int]:
    """Return the number of each point of a site by its code."""
    rows = await (await connection.execute(query("site_points"), (site_id,))).fetchall()
    return {row["code"]: row["id"] for row in rows}


async def series_ids(connection: Connection, site_id: int) -> dict[tuple[str, str, str], int]:
    """Return the number of each series of a site by kind, code and carrier."""
    rows = await (await connection.execute(query("site_series"), (site_id,))).fetchall()
    return {(row["kind"], row["code"], row["carrier"]): row["id"] for row in rows}


async def add_change(
    connection: Connection,
    *,
    tenant_id: int,
    actor: str,
    action: str,
    object_kind: str,
    object_code: str,
    before: object = None,
    after: object = None,
) -> None:
    """Record who changed what from what to what, in the transaction of the change."""
    await connection.execute(
        query("add_change"),
        (
            tenant_id,
            actor,
            action,
            object_kind,
            object_code,
            None if before is None else Jsonb(before),
            None if after is None else Jsonb(after),
        ),
    )


async def site_revision(connection: Connection, site_id: int) -> str:
    """Return a text that changes whenever a description or factor of the site does."""
    row = await (await connection.execute(query("site_revision"), (site_id,))).fetchone()
    return "" if row is None else str(row["revision"])


async def broker_users(connection: Connection) -> list[dict[str, Any]]:
    """Return username, topic and form of every active gateway."""
    return await (await connection.execute(query("broker_users"))).fetchall()
