"""Passwords of the service roles; only the owner of the database may set them."""

from psycopg import AsyncConnection, OperationalError, sql
from psycopg.errors import UndefinedObject

from compute.errors import NengtanError
from services.store.pool import DatabaseUnavailable
from services.store.sql import query

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


async def create_database(owner_url: str, name: str) -> None:
    """Make a database on the server, if it has none of that name."""
    async with await AsyncConnection.connect(owner_url, autocommit=True) as connection:
        row = await (await connection.execute(query("database_exists"), (name,))).fetchone()
        if row is None:
            await connection.execute(
                sql.SQL(query("create_database")).format(name=sql.Identifier(name))
            )
