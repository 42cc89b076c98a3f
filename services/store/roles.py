"""Passwords of the service roles, and Grafana's role per tenant; the owner makes them."""

from collections.abc import Sequence

from psycopg import AsyncConnection, OperationalError, sql
from psycopg.errors import (
    InsufficientPrivilege,
    InvalidParameterValue,
    UndefinedObject,
    UndefinedTable,
)

from compute.errors import NengtanError
from services.store.pool import DatabaseUnavailable
from services.store.sql import query
from services.store.topology import TenantNotFound

SERVICE_ROLES = ("nengtan_admin", "nengtan_ingest", "nengtan_worker", "nengtan_api")


class UnknownRole(NengtanError):
    """A role that is not one of the services'."""


async def set_password(owner_url: str, *, role: str, password: str) -> None:
    """Set the password of a service role.

    Raises
    ------
    UnknownRole
        If the role is not a service's, or the schema that brings it is not there.
    DatabaseUnavailable
        If the database does not answer.
    """
    if role not in SERVICE_ROLES:
        raise UnknownRole(f"{role!r} is not a service role: give one of {', '.join(SERVICE_ROLES)}")
    statement = sql.SQL(query("set_role_password")).format(
        role=sql.Identifier(role), password=sql.Literal(password)
    )
    try:
        async with await AsyncConnection.connect(owner_url, autocommit=True) as connection:
            await connection.execute(statement)
    except UndefinedObject as error:
        raise UnknownRole(f"there is no role {role}: run `nengtan database upgrade`") from error
    except OperationalError as error:
        said = " ".join(str(error).split())
        raise DatabaseUnavailable(f"the database does not answer: {said}") from error


class RoleRefused(NengtanError):
    """A role that cannot be made on this database as this user."""


async def put_grafana_role(
    owner_url: str, *, tenant: str, password: str, carriers: Sequence[tuple[str, str, str]]
) -> str:
    """Make the role with which Grafana reads one tenant, or give it this password.

    It logs in, sees the barrier views of `nengtan_grafana` alone, and there only its tenant. What
    it may take of the server is limited; only reads are its habit, only the views its right.

    Parameters
    ----------
    owner_url : str
        Of the database's owner.
    tenant : str
        Code of the tenant.
    password : str
    carriers : sequence of (str, str, str)
        Code, 中文 and English of every energy carrier, as panels shall show it.

    Returns
    -------
    role : str
        Name of the role: it holds the tenant's number, which never changes.

    Raises
    ------
    TenantNotFound
        If there is no such tenant.
    RoleRefused
        If the user of the URL may not make roles, or the schema is too old.
    DatabaseUnavailable
        If the database does not answer.
    """
    try:
        async with await AsyncConnection.connect(owner_url) as connection:
            return await _put_grafana_role(connection, tenant, password, carriers)
    except (UndefinedTable, UndefinedObject, InvalidParameterValue) as error:
        raise RoleRefused(
            "the database has no views for Grafana: run `nengtan database upgrade`"
        ) from error
    except InsufficientPrivilege as error:
        said = " ".join(str(error).split())
        raise RoleRefused(
            f"the role cannot be made: {said}: the URL must be that of the database's owner, "
            "who may create roles"
        ) from error
    except OperationalError as error:
        said = " ".join(str(error).split())
        raise DatabaseUnavailable(f"the database does not answer: {said}") from error


async def _put_grafana_role(
    connection: AsyncConnection,
    tenant: str,
    password: str,
    carriers: Sequence[tuple[str, str, str]],
) -> str:
    # An owner that is no superuser is under row security, too: these rows are the command line's.
    await connection.execute(query("become_admin"))
    row = await (await connection.execute(query("find_tenant_id"), (tenant,))).fetchone()
    if row is None:
        raise TenantNotFound(tenant)
    tenant_id: int = row[0]
    name = f"nengtan_grafana_{tenant_id}"
    await connection.execute(query("put_grafana_role"), (name, tenant_id))
    columns = [[carrier[i] for carrier in carriers] for i in range(3)]
    await connection.execute(query("put_grafana_carriers"), (tenant_id, *columns))
    await connection.execute(query("become_owner"))
    role = sql.Identifier(name)
    if await (await connection.execute(query("role_exists"), (name,))).fetchone() is None:
        await connection.execute(sql.SQL(query("create_grafana_role")).format(role=role))
    await connection.execute(
        sql.SQL(query("set_role_password")).format(role=role, password=sql.Literal(password))
    )
    await connection.execute(sql.SQL(query("limit_grafana_role")).format(role=role))
    return name


async def create_database(owner_url: str, name: str) -> None:
    """Make a database on the server, if it has none of that name."""
    async with await AsyncConnection.connect(owner_url, autocommit=True) as connection:
        row = await (await connection.execute(query("database_exists"), (name,))).fetchone()
        if row is None:
            await connection.execute(
                sql.SQL(query("create_database")).format(name=sql.Identifier(name))
            )
