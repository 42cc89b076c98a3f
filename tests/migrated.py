"""A database with the newest schema and a plant, used in the test's own process."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from deploy import admin
from ingest.commit import Committer, Outcome
from ingest.reading import Delivery
from ingest.registry import Registry, load_registry
from ingest.validate import assemble
from services.plant.model import Plant
from services.plant.read import read_plant
from services.store import roles
from services.store.pool import Database
from tests import servers
from tests.servers import DatabaseServer

Result = TypeVar("Result")

PASSWORD = "of-every-service-role"
NAME = {"zh": "名称", "en": "Name"}
# A whole minute, so that times in messages are plain.
START = datetime(2025, 3, 10, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Migrated:
    """The database of a test, reached as its owner or as a service role."""

    url: str

    def role_url(self, role: str) -> str:
        """Return the URL of a service role."""
        parts = urlsplit(self.url)
        return f"postgresql://{role}:{PASSWORD}@{parts.hostname}:{parts.port}{parts.path}"

    def rows(self, query: str, *parameters: object) -> list[TupleRow]:
        """Return what the superuser sees."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, parameters).fetchall()

    def execute(self, *statements: str) -> None:
        """Change something as the superuser."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def run(self, role: str, work: Callable[[Database], Coroutine[Any, Any, Result]]) -> Result:
        """Run work on a pool of a role, closed afterwards."""

        async def run() -> Result:
            database = await Database.open(self.role_url(role))
            try:
                return await work(database)
            finally:
                await database.close()

        return asyncio.run(run())

    def install(self, *plants: Plant) -> None:
        """Make the tenants that are missing, and apply the plants."""

        async def work(database: Database) -> None:
            known = {code for (code,) in self.rows("select code from tenant")}
            for plant in plants:
                if plant.tenant not in known:
                    await admin.create_tenant(
                        database,
                        code=plant.tenant,
                        kind=plant.kind,
                        name_zh=plant.name.zh,
                        name_en=plant.name.en,
                    )
                    known.add(plant.tenant)
                await admin.apply(database, plant)

        self.run("nengtan_admin", work)

    def ingest(self, deliveries: Sequence[Delivery], *, at: datetime) -> Outcome:
        """Take deliveries in as one batch, as if received at an instant."""

        async def work(database: Database) -> Outcome:
            return await take_in(database, await load_registry(database), deliveries, at=at)

        return self.run("nengtan_ingest", work)


async def take_in(
    database: Database,
    registry: Registry,
    deliveries: Sequence[Delivery],
    *,
    at: datetime,
    committer: Committer | None = None,
) -> Outcome:
    """Decode, check and commit deliveries as one batch."""
    received_us = us(at)
    batch = assemble(deliveries, registry, now_us=received_us)
    committer = committer or Committer(database)
    return await committer.commit(batch, registry, received_us=received_us)


def migrate(url: str) -> Migrated:
    """Bring an empty database to the newest schema, with passwords for the roles."""
    admin.upgrade_database(url)
    return _with_passwords(url)


def _with_passwords(url: str) -> Migrated:
    """Give the roles their passwords: they are of the server, where another test may set others."""

    async def work() -> None:
        for role in roles.SERVICE_ROLES:
            await admin.set_role_password(url, role, PASSWORD)

    asyncio.run(work())
    return Migrated(url)


@contextmanager
def migrated_database(server: DatabaseServer) -> Iterator[Migrated]:
    """Give a database with the newest schema: a copy of one that a run migrates once."""
    url = servers.create_database(server, template=_template(server))
    try:
        yield _with_passwords(url)
    finally:
        servers.drop_database(server, url)


# URL of a server → the name of its database that is copied.
_TEMPLATES: dict[str, str] = {}


def _template(server: DatabaseServer) -> str:
    if server.url() not in _TEMPLATES:
        _TEMPLATES[server.url()] = _make_template(server)
    return _TEMPLATES[server.url()]


def _make_template(server: DatabaseServer) -> str:
    url = servers.create_database(server)
    admin.upgrade_database(url)
    name = str(conninfo_to_dict(url)["dbname"])
    # TimescaleDB's scheduler stays away from a database that nobody may enter; one who is in it
    # would hold up every copy for seconds.
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("alter database {} allow_connections false").format(sql.Identifier(name))
        )
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
        )
    return name


def us(at: datetime) -> int:
    """Return µs since 1970 UTC."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@dataclass
class SmallPlant:
    """A plant of one gateway: a grid feeds a hall, measured by the points given.

    Every point that can measure electricity meters a flow of its own from the grid to the hall.
    """

    tenant: str = "acme"
    site: str = "main"
    valid_from: datetime = START
    time_zone: str = "UTC"
    base_interval_minutes: int = 15
    carrier: str = "electricity"
    points: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"code": "P1", "kind": "register", "unit": "kWh"},
            {"code": "P2", "kind": "gauge", "unit": "kW", "value_min": 0, "value_max": 1000},
        ]
    )
    more: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the description."""
        return {
            "schema": "nengtan.plant/1",
            "tenant": self.tenant,
            "site": self.site,
            "name": NAME,
            "valid_from": self.valid_from.isoformat(),
            "time_zone": self.time_zone,
            "base_interval_minutes": self.base_interval_minutes,
            "region": "320000",
            "gateways": [{"code": "gw"}],
            "nodes": [
                {"code": "grid", "name": NAME, "kind": "source"},
                {"code": "hall", "name": NAME, "kind": "use"},
            ],
            "flows": [
                {
                    "code": f"to-hall-{point['code']}",
                    "from": "grid",
                    "to": "hall",
                    "carrier": self.carrier,
                    "metered_by": [{"point": point["code"]}],
                }
                for point in self.points
            ],
            "meters": [
                {
                    "code": f"M-{point['code']}",
                    "name": NAME,
                    "gateway": "gw",
                    "points": [point],
                }
                for point in self.points
            ],
            **self.more,
        }

    def plant(self) -> Plant:
        """Return the description, checked."""
        return read_plant(json.dumps(self.document()).encode(), form="json")

    @property
    def topic(self) -> str:
        """Where its gateway publishes."""
        return f"nengtan/v1/{self.tenant}/{self.site}/gw/telemetry"

    def delivery(
        self,
        readings: Sequence[tuple[str, datetime, object]],
        *,
        seq: int = 1,
        epoch: str = "e",
        qos: int = 1,
        retained: bool = False,
    ) -> Delivery:
        """Return a message of its gateway."""
        rows = [[name, stamp(at), value] for name, at, value in readings]
        body = json.dumps({"epoch": epoch, "seq": seq, "readings": rows}).encode()
        return Delivery(self.topic, body, token=seq, qos=qos, retained=retained)


def stamp(at: datetime) -> str:
    """Return a time as messages have it."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def counts(migrated: Migrated, *, tenant: str = "acme") -> Mapping[str, int]:
    """Return the sums of the hour ledger of a tenant."""
    names = ("received", "stored", "duplicate", "conflict", "quarantined")
    sums = ", ".join(f"coalesce(sum(h.{name}), 0)::int" for name in names)
    [row] = migrated.rows(
        f"select {sums} from ingest_hour h join tenant t on t.id = h.tenant_id where t.code = %s",
        tenant,
    )
    return dict(zip(names, row, strict=True))
