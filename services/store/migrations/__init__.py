"""The road to today's schema: alembic steps whose bodies are plain SQL files."""

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from compute.errors import NengtanError

if TYPE_CHECKING:
    from sqlalchemy import Connection


class UpgradeFailed(NengtanError):
    """A database that cannot be brought to the newest schema."""


Tier = Literal["timescaledb", "plain"]
_STEP = re.compile(r"([0-9]{4})_[a-z_]+\.py")


def read_sql(name: str) -> str:
    """Return a file of services/store as it is; % is doubled for the driver."""
    text = files("services.store").joinpath(name).read_text(encoding="utf-8")
    return text.replace("%", "%%")


def tier_of(connection: "Connection") -> Tier:
    """Return what the server can make: hypertables if TimescaleDB is loaded, else partitions."""
    loaded = connection.exec_driver_sql(
        "select count(*) from pg_available_extensions where name = 'timescaledb'"
        " and current_setting('shared_preload_libraries') like '%%timescaledb%%'"
    ).scalar_one()
    return "timescaledb" if loaded else "plain"


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
    # Every process asks for the revision; alembic and SQLAlchemy are for this one command.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "services.store:migrations")
    config.set_main_option("path_separator", "os")
    # SQLAlchemy is told the driver; psycopg itself takes the URL as it is.
    config.attributes["url"] = url.replace("postgresql://", "postgresql+psycopg://", 1)
    try:
        command.upgrade(config, "head")
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        raise UpgradeFailed(
            f"the schema cannot be upgraded: {said}: "
            "the URL must be that of the database's owner, who may create roles"
        ) from error


def newest_revision() -> str:
    """Return the revision that this code is written for: the last of the chain of steps."""
    steps = files("services.store").joinpath("migrations/versions").iterdir()
    return max(found[1] for step in steps if (found := _STEP.fullmatch(step.name)))
