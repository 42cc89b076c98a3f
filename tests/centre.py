"""A whole centre for a test: real processes over a real database and a real broker.

The test gives plants; `Centre` makes their tenants, starts ingest, worker and (if asked) the API as
separate processes, and can kill and start each of them again.
"""

import asyncio
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import TupleRow

from deploy import admin, supervisor
from deploy.embedded import PROJECT
from deploy.gateway_settings import GatewayAddress, GatewaySettings
from services.plant.compile import gateway_username
from services.plant.model import Plant
from services.plant.read import read_plant
from services.store import roles
from tests.servers import MosquittoServer

PLANTS = PROJECT / "deploy" / "plants"
WAIT_S = 120.0


def example_plant(name: str) -> Plant:
    """Return one of the shipped example plants."""
    return read_plant((PLANTS / f"{name}.yaml").read_bytes(), form="yaml")


class Centre:
    """Ingest, worker and API over one database and one broker."""

    def __init__(
        self,
        *,
        database_url: str,
        broker: MosquittoServer,
        plants: Sequence[Plant],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.database_url = database_url
        self.broker = broker
        self.plants = plants
        self.folder = folder
        self.passwords: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.api_port = supervisor.free_port()
        self._environment = dict(environment or {})
        self._role_password = secrets.token_urlsafe(16)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def prepare(self) -> None:
        """Make schema, tenants, plants, keys and the broker's access list."""
        admin.upgrade_database(self.database_url)
        asyncio.run(self._prepare())

    async def _prepare(self) -> None:
        for role in roles.SERVICE_ROLES:
            await admin.set_role_password(self.database_url, role, self._role_password)
        async with admin.admin_database(self.role_url("nengtan_admin")) as database:
            for plant in self.plants:
                if plant.tenant not in self.keys:
                    await admin.create_tenant(
                        database,
                        code=plant.tenant,
                        kind=plant.kind,
                        name_zh=plant.name.zh,
                        name_en=plant.name.en,
                    )
                    self.keys[plant.tenant] = await admin.create_key(
                        database, tenant=plant.tenant, name="test", roles=["tenant_admin"]
                    )
                await admin.apply(database, plant)
            users = await admin.gateway_users(database)
        self.broker.set_users(admin.broker_access(users, self.passwords))

    def role_url(self, role: str) -> str:
        """Return the database URL of a service role."""
        parts = urlsplit(self.database_url)
        return (
            f"postgresql://{role}:{self._role_password}@{parts.hostname}:{parts.port}{parts.path}"
        )

    def start(self, *names: str, more: Mapping[str, str] | None = None) -> None:
        """Start processes by name: ingest, worker, api; with more of an environment."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            password_file = self.folder / "centre-password"
            password_file.touch(mode=0o600)
            password_file.write_text(self.passwords[admin.CENTRE_USERNAME], encoding="utf-8")
            settings = {
                "NENGTAN_DATABASE_URL": self.role_url(f"nengtan_{name}"),
                "NENGTAN_MQTT_HOST": "127.0.0.1",
                "NENGTAN_MQTT_PORT": str(self.broker.port),
                "NENGTAN_MQTT_USERNAME": admin.CENTRE_USERNAME,
                "NENGTAN_MQTT_PASSWORD_FILE": str(password_file),
                "NENGTAN_API_PORT": str(self.api_port),
                "PYTHONPATH": str(PROJECT),
                **self._environment,
                **(more or {}),
            }
            with (self.folder / f"{name}.log").open("ab") as log:
                # Killed with the test run, if that is killed: nothing is left behind.
                self._processes[name] = supervisor.spawn(
                    (
                        "/usr/bin/env",
                        *(f"{key}={value}" for key, value in settings.items()),
                        *(sys.executable, "-m", "deploy.cli", name),
                    ),
                    folder=PROJECT,
                    log=log,
                    death_signal=signal.SIGKILL,
                )

    def kill9(self, name: str) -> None:
        """Kill a process at once."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str, *, timeout_s: float = 15.0) -> int:
        """Ask a process to stop and return its exit code.

        Raises
        ------
        TimeoutExpired
            It has not ended in time; it is killed then.
        """
        process = self._processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(timeout_s)
        finally:
            process.kill()
            process.wait()

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a process a signal; `exit_code` waits for its end."""
        self._processes[name].send_signal(number)

    def is_running(self, name: str) -> bool:
        """Return whether a process is alive."""
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def exit_code(self, name: str) -> int:
        """Return with what a process that has ended did so."""
        return self._processes[name].wait()

    def log(self, name: str) -> str:
        """Return what a process has written."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def gateway(self, plant: Plant, code: str | None = None, **more: Any) -> GatewaySettings:
        """Return how a gateway of a plant reaches the broker."""
        gateway = next(g for g in plant.gateways if code in (None, g.code))
        username = gateway_username(plant, gateway)
        return GatewaySettings(
            host="127.0.0.1",
            port=self.broker.port,
            address=GatewayAddress(plant.tenant, plant.site, gateway.code),
            username=username,
            password=self.passwords[username],
            **more,
        )

    def rows(self, query: str, *parameters: object) -> list[TupleRow]:
        """Return what the superuser sees."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query, parameters).fetchall()

    def wait_subscribed(self, *, timeout_s: float = WAIT_S) -> None:
        """Wait until the broker keeps messages for ingest, whatever becomes of it."""
        deadline = time.monotonic() + timeout_s
        while "mqtt.connection.opened" not in self.log("ingest"):
            assert time.monotonic() < deadline, self.log("ingest")[-2000:]
            time.sleep(0.05)

    def wait_computed(self, *, timeout_s: float = WAIT_S) -> None:
        """Wait until nothing is dirty."""
        deadline = time.monotonic() + timeout_s
        while self.rows("select 1 from dirty limit 1"):
            assert time.monotonic() < deadline, self.log("worker")[-2000:]
            time.sleep(0.2)

    def __enter__(self) -> Self:
        """Give the centre; the test prepares and starts it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill what still runs."""
        for name in list(self._processes):
            self.kill9(name)
