"""`make demo`: a plant, its gateways, a broker, a database and the centre, in one folder."""

import asyncio
import http
import os
import secrets
import sys
import urllib.request
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from compute.errors import NengtanError
from deploy import admin
from deploy.access import Access
from deploy.demo_alerts import state_alerts
from deploy.demo_faults import DemoFault, FaultFile, announcement, faults_of, standing_faults
from deploy.demo_tour import print_tour
from deploy.embedded import PROJECT, EmbeddedBroker, EmbeddedPostgres
from deploy.simulated_faults import Fault, with_exchanges
from deploy.supervisor import Child, Supervisor, free_port
from services import accounts, clock, factors
from services.accounts import ROLE_PERMISSIONS
from services.plant.model import Plant
from services.plant.read import read_plant
from services.reference import FactorInactive, FactorNotFound, carrier_factors
from services.store import roles
from services.store.pool import Database
from services.telemetry import configure_logging

PLANT_FILES = ("demo-park.yaml", "demo.yaml", "demo-second.yaml")
_DATABASE = "nengtan"
_MAIN_TENANT = "demo"
_FAULT_AFTER_S = 40.0
_LOOK_S = 0.5
_LIVE_WAIT_S = 600.0
# Figures that the reference only recalls; the demo's plant needs them and says whose word it is.
_CONFIRMED_REASON = "演示用途,未与标准原文核对 / for the demo only, not compared with the print"


class Credentials(msgspec.Struct):
    """Every password and key of one demo folder: made once, kept in a file of mode 600."""

    role: dict[str, str] = {}
    broker: dict[str, str] = {}
    user: dict[str, str] = {}
    key: dict[str, str] = {}


class DemoNotRunning(NengtanError):
    """A fault was asked for where no demo runs."""


class _Live(msgspec.Struct):
    """What the demo looks at in the answer of `/live`."""

    at: datetime | None
    payload: dict[str, object] | None


def run(
    *,
    folder: Path,
    port: int,
    seconds: float | None,
    fault: DemoFault | None = None,
    speed: float = 1.0,
) -> None:
    """Set everything up, run it, and stop all of it on Ctrl-C or after some seconds.

    Parameters
    ----------
    fault : DemoFault or None
        Happens by itself a short time after the start.
    speed : float
        Of the plants' time, 1 to 1000: they begin in the past and catch up with the present.
    """
    configure_logging("console")
    started_s, started_at = clock.monotonic(), clock.now()
    folder = folder.absolute()
    with Supervisor(folder) as supervisor:
        database = EmbeddedPostgres(folder / "postgres", settings={"max_connections": "60"})
        print("能碳 Nengtan: 启动数据库 starting the database …", flush=True)
        supervisor.start(database.child())
        credentials = _read_credentials(folder)
        print("准备工厂与用户 preparing plants and users …", flush=True)
        faults = FaultFile(folder)
        if not faults.exists():
            faults.add(standing_faults(now_us=clock.now_us()))
        access = asyncio.run(_prepare(database, credentials, faults.read()))
        _write_credentials(folder, credentials)
        broker = EmbeddedBroker(folder / "broker", access)
        supervisor.start(broker.child())
        port = port or free_port()
        for child in (
            *_services(folder, database, broker, credentials, port=port),
            _gateways(folder, broker, speed=speed),
        ):
            supervisor.start(child, timeout_s=180)
        _ports_path(folder).write_text(f"{database.port}\n{port}\n", encoding="ascii")
        key = credentials.key[_MAIN_TENANT]
        # Of a past that is replayed there is no value now.
        if speed == 1.0 and not _wait_live(supervisor, port, key, since=started_at):
            return
        print_tour(
            credentials.user,
            key=key,
            folder=str(folder),
            port=port,
            seconds=clock.monotonic() - started_s,
        )
        goes_on = True
        if fault is not None:
            print(f"异常 fault “{fault}”: {_FAULT_AFTER_S:.0f} s …", flush=True)
            goes_on = supervisor.watch(seconds=_FAULT_AFTER_S)
            if goes_on:
                print(ask_for_fault(folder, fault), flush=True)
        if goes_on:
            supervisor.watch(seconds=seconds)
        print("停止 stopping …", flush=True)


def demo_plants() -> list[Plant]:
    """Return the park and its members, as shipped."""
    folder = Path(__file__).parent / "plants"
    return [read_plant((folder / name).read_bytes(), form="yaml") for name in PLANT_FILES]


def ask_for_fault(folder: Path, kind: DemoFault) -> str:
    """Have a fault happen in a running demo, and return what is to be said of it.

    An exchange of a meter is described before it happens: readings go to the new meter from its
    first one on.

    Raises
    ------
    DemoNotRunning
        If no demo runs in the folder.
    """
    path, credentials = _ports_path(folder), _read_credentials(folder)
    if not path.exists() or "nengtan_admin" not in credentials.role:
        raise DemoNotRunning(f"{folder}: no demo runs here; start it, or give its --folder")
    database_port = int(path.read_text(encoding="ascii").split()[0])
    file = FaultFile(folder)
    faults = faults_of(kind, now_us=clock.now_us())
    if kind is DemoFault.METER_EXCHANGE:
        url = _role_url(database_port, "nengtan_admin", credentials)
        asyncio.run(_describe(url, [*file.read(), *faults]))
    file.add(faults)
    return announcement(kind, faults)


async def _describe(url: str, faults: list[Fault]) -> None:
    async with admin.admin_database(url) as database:
        for plant in described_plants(faults):
            if plant.tenant == _MAIN_TENANT:
                await admin.apply(database, plant)


def described_plants(faults: list[Fault]) -> list[Plant]:
    """Return the descriptions that are valid after the exchanges of meters among some faults."""
    return [
        with_exchanges(plant, faults) if plant.tenant == _MAIN_TENANT else plant
        for plant in demo_plants()
    ]


async def _prepare(
    server: EmbeddedPostgres, credentials: Credentials, faults: list[Fault]
) -> dict[str, Access]:
    """Make what is missing of schema, roles, tenants, people and keys; return broker access."""
    await roles.create_database(server.url(), _DATABASE)
    await asyncio.to_thread(admin.upgrade_database, server.url(_DATABASE))
    for role in roles.SERVICE_ROLES:
        password = credentials.role.setdefault(role, secrets.token_urlsafe(24))
        await admin.set_role_password(server.url(), role, password)
    url = _role_url(server.port, "nengtan_admin", credentials)
    async with admin.admin_database(url) as database:
        for plant in described_plants(faults):
            await _prepare_tenant(database, plant, credentials)
        return admin.broker_access(await admin.gateway_users(database), credentials.broker)


async def _prepare_tenant(database: Database, plant: Plant, credentials: Credentials) -> None:
    is_new = plant.tenant not in credentials.key
    if is_new:
        await admin.create_tenant(
            database,
            code=plant.tenant,
            kind=plant.kind,
            name_zh=plant.name.zh,
            name_en=plant.name.en,
        )
        for role in _roles(plant):
            login = f"{role}@{plant.tenant}"
            password = credentials.user.setdefault(login, f"Demo-{secrets.token_urlsafe(12)}7")
            await admin.create_user(
                database, login=login, display_name=role, password=password, roles=[role]
            )
        credentials.key[plant.tenant] = await admin.create_key(
            database, tenant=plant.tenant, name="demo", roles=["energy_manager"]
        )
    await admin.apply(database, plant)
    principal = await admin.principal_of(database, plant.tenant)
    await confirm_recalled(database, plant, principal)
    if is_new and plant.tenant == _MAIN_TENANT:
        await state_alerts(database, plant, principal)


def _roles(plant: Plant) -> list[str]:
    """Return the roles that the demo has a user for: each once, at the tenant where it matters."""
    if plant.kind == "park":
        return ["park_operator"]
    if plant.tenant != _MAIN_TENANT:
        return ["energy_manager"]
    return [role for role in ROLE_PERMISSIONS if role != "park_operator"]


async def confirm_recalled(database: Database, plant: Plant, principal: accounts.Principal) -> None:
    """Confirm the recalled factors that the plant needs now, as a user would one by one."""
    carriers = list(dict.fromkeys(flow.carrier for flow in plant.flows))
    today = clock.now().date()
    book = await factors.load_book(database, tenant_id=principal.tenant_id)
    _, use = carrier_factors(book, carriers, at=today, region=plant.region)
    for missing in use.missing:
        try:
            book.lookup(missing.carrier, missing.parameter, at=today, region=plant.region)
        except FactorInactive as inactive:
            await factors.confirm(
                database,
                tenant_id=principal.tenant_id,
                actor=principal.actor,
                factor_id=inactive.factor.id,
                reason=_CONFIRMED_REASON,
            )
        except FactorNotFound:
            # Nothing on file to confirm: the figure stays invalid, and the page says why.
            continue


def _role_url(port: int, role: str, credentials: Credentials) -> str:
    return f"postgresql://{role}:{credentials.role[role]}@127.0.0.1:{port}/{_DATABASE}"


def _services(
    folder: Path,
    server: EmbeddedPostgres,
    broker: EmbeddedBroker,
    credentials: Credentials,
    *,
    port: int,
) -> list[Child]:
    """Return the centre's processes, with their settings."""
    secret = folder / "secrets"
    secret.mkdir(mode=0o700, exist_ok=True)

    def secret_file(name: str, text: str) -> str:
        path = secret / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def child(
        name: str,
        role: str,
        more: Mapping[str, str],
        *,
        is_ready: Callable[[], bool] | None = None,
    ) -> Child:
        password_file = secret_file(role, credentials.role[role])
        setting = {
            "NENGTAN_DATABASE_URL": f"postgresql://{role}@127.0.0.1:{server.port}/{_DATABASE}",
            "NENGTAN_DATABASE_PASSWORD_FILE": password_file,
            **more,
        }
        return Child(
            name=name,
            command=(
                "/usr/bin/env",
                *(f"{key}={value}" for key, value in setting.items()),
                sys.executable,
                "-m",
                "deploy.cli",
                name,
            ),
            folder=PROJECT,
            is_ready=is_ready,
        )

    mqtt = {
        "NENGTAN_MQTT_HOST": "127.0.0.1",
        "NENGTAN_MQTT_PORT": str(broker.port),
        "NENGTAN_MQTT_RECEIVER": "aiomqtt",
        "NENGTAN_MQTT_USERNAME": admin.CENTRE_USERNAME,
        "NENGTAN_MQTT_PASSWORD_FILE": secret_file(
            "centre", credentials.broker[admin.CENTRE_USERNAME]
        ),
    }
    return [
        child("ingest", "nengtan_ingest", mqtt),
        child("worker", "nengtan_worker", {}),
        child(
            "api",
            "nengtan_api",
            {"NENGTAN_API_PORT": str(port)},
            is_ready=lambda: _answers(f"http://127.0.0.1:{port}/api/v1/health/ready"),
        ),
    ]


def _gateways(folder: Path, broker: EmbeddedBroker, *, speed: float) -> Child:
    settings = (str(folder), str(broker.port), str(speed))
    return Child(
        name="gateways",
        command=(sys.executable, "-m", "deploy.demo_gateways", *settings),
        folder=PROJECT,
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == http.HTTPStatus.OK)
    except OSError:
        return False


def _wait_live(supervisor: Supervisor, port: int, key: str, *, since: datetime) -> bool:
    """Keep the children running until a live value is told; False if asked to stop before."""
    print(
        "等待首个实时值（首次启动要编译计算内核，约一分钟）"
        " waiting for the first live value (a first start compiles the kernels: a minute) …",
        flush=True,
    )
    deadline = clock.monotonic() + _LIVE_WAIT_S
    while clock.monotonic() < deadline and not _is_live(port, key, since=since):
        if not supervisor.watch(seconds=_LOOK_S):
            return False
    return True


def _is_live(port: int, key: str, *, since: datetime) -> bool:
    """Return whether the centre has told a live value that is newer than an instant."""
    url = f"http://127.0.0.1:{port}/api/v1/live?site=main"
    request = urllib.request.Request(url, headers={"X-API-Key": key})
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310 - our own address
            told = msgspec.json.decode(answer.read(), type=_Live)
    except OSError:
        return False
    return told.payload is not None and told.at is not None and told.at >= since


def _ports_path(folder: Path) -> Path:
    return folder / "ports"


def _credentials_path(folder: Path) -> Path:
    return folder / "credentials.json"


def _read_credentials(folder: Path) -> Credentials:
    path = _credentials_path(folder)
    if not path.exists():
        return Credentials()
    return msgspec.json.decode(path.read_bytes(), type=Credentials)


def _write_credentials(folder: Path, credentials: Credentials) -> None:
    path = _credentials_path(folder)
    path.touch(mode=0o600)
    os.chmod(path, 0o600)  # noqa: PTH101 - touch leaves the mode of a file that exists
    path.write_bytes(msgspec.json.format(msgspec.json.encode(credentials)))


def read_credentials(folder: Path) -> Credentials:
    """Return the passwords of a demo that was prepared before."""
    return _read_credentials(folder)
