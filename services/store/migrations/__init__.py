"""The road to today's schema: alembic steps whose bodies are plain SQL files."""

from importlib.resources import files
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from compute.errors import NengtanError


class UpgradeFailed(NengtanError):
    """A database that cannot be brought to the newest schema."""


Tier = Literal["timescaledb", "plain"]


def read_sql(name: str) -> str:
    """Return a file of services/store as it is; % is doubled for the driver."""
    text = files("services.store").joinpath(name).read_text(encoding="utf-8")
    return text.replace("%", "%%")


def tier_of(connection: Connection) -> Tier:
    """Return what the server can make: hypertables if TimescaleDB is loaded, else partitions."""
    loaded = connection.exec_driver_sql(
        "select count(*) from pg_available_extensions where name = 'timescaledb'"
        " and current_setting('shared_preload_libraries') like '%%timescaledb%%'"
    ).scalar_one()
    return "timescaledb" if loaded else "plain"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", "services.store:migrations")
    config.set_main_option("path_separator", "os")
    # SQLAlchemy is told the driver; psycopg itself takes the URL as it is.
    config.attributes["url"] = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return config


def upgrade(url: str) -> None:
    """Bring a database to the newest schema; the role must be able to create roles.

    Parameters
    ----------
    url : str
        `postgresql://…`, of a superuser or of a role with CREATEROLE that owns the database.

    Raises
    ------
    UpgradeFailed
        If the database does not answer or refuses a step; no half of a step stays behind.
    """
    try:
        command.upgrade(_config(url), "head")
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        raise UpgradeFailed(
            f"the schema cannot be upgraded: {said}: "
            "the URL must be that of the database's owner, who may create roles"
        ) from error


def newest_revision() -> str:
    """Return the revision that this code is written for."""
    revision = ScriptDirectory.from_config(_config("postgresql://")).get_current_head()
    if revision is None:
        raise AssertionError("services/store/migrations has no revision")
    return revision
