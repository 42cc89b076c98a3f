"""What the command line does with a database: schema, tenants, people, keys, plants, access."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from compute.errors import NengtanError
from deploy.access import Access, values_access
from deploy.secret_files import centre_access
from services import accounts
from services.plant.apply import Applied, apply_plant
from services.plant.model import Plant
from services.reference import load_tables
from services.store import roles, topology
from services.store.migrations import upgrade
from services.store.pool import Database

CENTRE_USERNAME = "centre"


class AddressIncomplete(NengtanError):
    """A login without its tenant."""


class PlantNotFound(NengtanError):
    """No description of that site, or not of that version."""


@asynccontextmanager
async def admin_database(url: str) -> AsyncIterator[Database]:
    """Connect as nengtan_admin for one command."""
    database = await Database.open(url, size_max=2)
    try:
        yield database
    finally:
        await database.close()


def upgrade_database(url: str) -> None:
    """Bring the schema to the newest version, as the owner of the database."""
    upgrade(url)


async def set_role_password(owner_url: str, role: str, password: str) -> None:
    """Give a service role its password, as the owner of the database."""
    await roles.set_password(owner_url, role=role, password=password)


async def put_grafana_role(owner_url: str, *, tenant: str, password: str) -> str:
    """Make the role with which Grafana reads a tenant, as the owner of the database."""
    carriers = [
        (carrier.code, carrier.name_zh, carrier.name_en)
        for carrier in load_tables().carriers.values()
    ]
    return await roles.put_grafana_role(
        owner_url, tenant=tenant, password=password, carriers=carriers
    )


async def create_tenant(
    database: Database, *, code: str, kind: str, name_zh: str, name_en: str
) -> int:
    """Make a tenant and return its number."""
    async with database.transaction() as connection:
        return await topology.create_tenant(
            connection, code=code, kind=kind, name_zh=name_zh, name_en=name_en
        )


async def principal_of(database: Database, tenant_code: str) -> accounts.Principal:
    """Return who the command line is for a tenant: its system administrator."""
    async with database.transaction() as connection:
        tenant = await topology.find_tenant(connection, tenant_code)
    return accounts.command_line(
        tenant_id=tenant.id, tenant_code=tenant.code, tenant_kind=tenant.kind
    )


async def apply(database: Database, plant: Plant) -> Applied:
    """Make a description the newest of its site."""
    principal = await principal_of(database, plant.tenant)
    async with database.transaction(principal.tenant_id) as connection:
        return await apply_plant(
            connection, plant, tenant_id=principal.tenant_id, actor=principal.actor
        )


async def plant_document(
    database: Database, *, tenant: str, site: str, version: int | None
) -> dict[str, object]:
    """Return a description as it was applied: the newest, or the version asked for.

    Raises
    ------
    PlantNotFound
        If the tenant has no such site, or the site no such version.
    """
    principal = await principal_of(database, tenant)
    async with database.transaction(principal.tenant_id) as connection:
        found = await topology.find_site(connection, tenant_id=principal.tenant_id, code=site)
        versions = [] if found is None else await topology.plant_versions(connection, found.id)
    for candidate in reversed(versions):
        if version is None or candidate.version == version:
            return candidate.document
    known = ", ".join(str(candidate.version) for candidate in versions) or "none"
    raise PlantNotFound(f"{tenant}/{site} has no such description; versions: {known}")


async def create_user(
    database: Database, *, login: str, display_name: str, password: str, roles: Sequence[str]
) -> None:
    """Make a local user; the login is name@tenant.

    Raises
    ------
    AddressIncomplete
        If the login names no tenant.
    """
    name, at, tenant = login.rpartition("@")
    if not at or not name:
        raise AddressIncomplete(f"login {login!r} names no tenant: write name@tenant")
    principal = await principal_of(database, tenant)
    await accounts.create_account(
        database,
        principal=principal,
        login=name,
        display_name=display_name,
        password=password,
        roles=roles,
    )


async def create_key(database: Database, *, tenant: str, name: str, roles: Sequence[str]) -> str:
    """Make an API key and return it: it is shown this once."""
    principal = await principal_of(database, tenant)
    created = await accounts.create_api_key(
        database, principal=principal, name=name, roles=roles, expires_at=None
    )
    return created.key


@dataclass(frozen=True, slots=True)
class GatewayUser:
    """A gateway as the broker knows it."""

    username: str
    topic: str
    receipt_topic: str | None
    tenant: str


async def gateway_users(database: Database) -> list[GatewayUser]:
    """Return every active gateway with the topics it may use."""
    async with database.transaction() as connection:
        rows = await topology.broker_users(connection)
    suffix = "/telemetry"
    return [
        GatewayUser(
            row["username"],
            row["topic"],
            row["topic"].removesuffix(suffix) if row["form"] == "nengtan" else None,
            row["tenant"],
        )
        for row in rows
    ]


def broker_access(gateways: Sequence[GatewayUser], passwords: dict[str, str]) -> dict[str, Access]:
    """Return who may say and hear what; users without a password in `passwords` are given one."""
    users: dict[str, Access] = {}
    foreign = [user.topic for user in gateways if user.receipt_topic is None]
    for user in gateways:
        password = passwords.setdefault(user.username, secrets.token_urlsafe(24))
        if user.receipt_topic is None:
            users[user.username] = Access(password=password, publish=(user.topic,))
        else:
            root = user.receipt_topic
            users[user.username] = Access(
                password=password,
                publish=(user.topic, f"{root}/status"),
                subscribe=(f"{root}/receipt", f"{root}/cmd"),
            )
    for tenant in sorted({user.tenant for user in gateways}):
        # No gateway's name holds an @.
        name = f"values@{tenant}"
        users[name] = values_access(tenant, passwords.setdefault(name, secrets.token_urlsafe(24)))
    centre = centre_access(passwords.setdefault(CENTRE_USERNAME, secrets.token_urlsafe(24)))
    users[CENTRE_USERNAME] = replace(centre, subscribe=(*centre.subscribe, *foreign))
    return users
