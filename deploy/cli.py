"""The `nengtan` command."""

import asyncio
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Never

import msgspec
import typer
from rich.console import Console

from compute.errors import NengtanError
from dashboards.page import PAGE_FOLDER
from deploy import admin, recompute
from deploy.access import mosquitto_access_list, mosquitto_passwords
from deploy.demo_faults import DemoFault
from deploy.file_commands import export_table, import_file, undo_import
from deploy.gateway_settings import GatewaySettings
from deploy.grafana_commands import grafana_app
from deploy.replay import ReplayOptions, address_of, replay
from deploy.replay_report import render
from services.crash import arm
from services.files.file_map import load_map
from services.plant.findings import PlantInvalid
from services.plant.model import Plant
from services.plant.read import read_plant
from services.plant.schema import plant_schema
from services.settings import Settings
from services.telemetry import configure_logging

app = typer.Typer(
    help="能碳 Nengtan: a digital energy-carbon management centre.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
plant_app = typer.Typer(help="Check, apply and show plant descriptions.", no_args_is_help=True)
database_app = typer.Typer(help="The schema and the passwords of the roles.", no_args_is_help=True)
app.add_typer(plant_app, name="plant")
app.add_typer(database_app, name="database")
app.add_typer(grafana_app, name="grafana")
app.command("import")(import_file)
app.command("import-undo")(undo_import)
app.command("export")(export_table)

_console = Console(stderr=True)
_DEMO = Path(".cache/demo")

OwnerUrl = Annotated[
    str | None,
    typer.Option("--url", help="libpq URL of the database's owner; else the settings'."),
]
PasswordFile = Annotated[Path, typer.Option(help="File whose only line is the password.")]


def main() -> None:
    """Run a command; a fault that is understood is said in one line, without a trace."""
    try:
        app()
    except NengtanError as error:
        _complain(f"nengtan: {error}")
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        # A file that the user named.
        _complain(f"nengtan: {error.filename}: {error.strerror}: check the path and its rights")
        sys.exit(1)


def _complain(text: str) -> None:
    # Never wrapped: a line is a line, also in a log or a pipe.
    _console.print(text, markup=False, highlight=False, style="red", soft_wrap=True)


def _settings() -> Settings:
    settings = Settings.from_environment()
    arm(settings.crash_at)
    configure_logging(settings.log_format)
    return settings


def _run(coroutine: Coroutine[Any, Any, object]) -> None:
    asyncio.run(coroutine)


@app.command()
def ingest() -> None:
    """Take readings in from the broker (a service)."""
    from ingest.process import run_ingest  # noqa: PLC0415 - numba is not for every command

    _run(run_ingest(_settings()))


@app.command()
def worker() -> None:
    """Compute what becomes dirty (a service)."""
    from ingest.process import run_worker  # noqa: PLC0415 - numba is not for every command

    _run(run_worker(_settings()))


@app.command()
def api() -> None:
    """Serve the API and the web page (a service)."""
    from api.app import serve  # noqa: PLC0415 - FastAPI is not for every command

    _run(serve(_settings(), page_folder=PAGE_FOLDER))


@app.command("demo")
def run_demo(
    seconds: Annotated[float | None, typer.Option(help="End by itself after so long.")] = None,
    port: Annotated[int, typer.Option(help="Port of the API; 0 takes a free one.")] = 8000,
    folder: Annotated[Path, typer.Option(help="Where everything of the demo is kept.")] = _DEMO,
    fault: Annotated[
        DemoFault | None, typer.Option(help="Goes wrong by itself, 40 s after the start.")
    ] = None,
    speed: Annotated[
        float,
        typer.Option(min=1, max=1000, help="Begin in the past and catch up so much faster."),
    ] = 1.0,
) -> None:
    """Run a park of two plants with everything it needs, and say how to look at it."""
    from deploy import demo  # noqa: PLC0415 - no service needs a broker of its own

    demo.run(folder=folder, port=port, seconds=seconds, fault=fault, speed=speed)


@app.command("demo-fault")
def run_demo_fault(
    kind: Annotated[DemoFault, typer.Argument(help="What goes wrong.")],
    folder: Annotated[Path, typer.Option(help="Of the demo that runs.")] = _DEMO,
) -> None:
    """Have something go wrong in a running demo, and say where to see it."""
    from deploy import demo  # noqa: PLC0415 - no service needs a broker of its own

    print(demo.ask_for_fault(folder, kind))


def _text_of(path: Path | None) -> str | None:
    return None if path is None else path.read_text(encoding="utf-8").strip()


@app.command("replay")
def run_replay(
    file: Annotated[Path, typer.Argument(help="CSV, gzipped or not.")],
    map_file: Annotated[Path, typer.Option("--map", help="What the columns are (YAML).")],
    username: Annotated[str | None, typer.Option(help="User of the gateway at the broker.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File with its password.")] = None,
    signing_key_file: Annotated[
        Path | None, typer.Option(help="File with the key of a gateway that signs.")
    ] = None,
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="Send nothing if one cell is bad.")
    ] = False,
    give_up_s: Annotated[
        float | None, typer.Option(help="Stop after so long without a receipt; resumes later.")
    ] = None,
) -> None:
    """Send a file of readings as a gateway would: kept until receipted, resumed if interrupted."""
    settings = _settings()
    replay_map = load_map(map_file)
    gateway = GatewaySettings(
        host=settings.mqtt_host,
        port=settings.mqtt_port,
        address=address_of(replay_map),
        username=username,
        password=_text_of(password_file),
        signing_key=None if (key := _text_of(signing_key_file)) is None else key.encode(),
        protocol="5" if settings.mqtt_receiver == "mqtt5" else "3.1.1",
        tls=settings.mqtt_tls,
    )
    options = ReplayOptions(strict=strict, give_up_s=give_up_s)
    report = asyncio.run(replay(file, replay_map, gateway, options=options, console=_console))
    print(render(report))


@app.command("recompute")
def run_recompute(
    tenant: Annotated[str, typer.Argument(help="Code of the tenant.")],
    site: Annotated[str | None, typer.Option(help="Code of a site; all if left out.")] = None,
    first: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; else all there is.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, included.")
    ] = None,
) -> None:
    """Have every result computed again from the raw readings, by the worker that runs."""
    days = (None if day is None else day.date() for day in (first, last))
    print(recompute.watch(_settings().database(), _console, tenant, site, *days))


@app.command("tenant")
def create_tenant(
    code: Annotated[str, typer.Argument(help="Code of the tenant.")],
    name_zh: Annotated[str, typer.Option(help="名称。")],
    name_en: Annotated[str, typer.Option(help="Name.")],
    kind: Annotated[str, typer.Option(help="enterprise or park.")] = "enterprise",
) -> None:
    """Make a tenant."""

    async def work() -> None:
        async with admin.admin_database(_settings().database()) as database:
            await admin.create_tenant(
                database, code=code, kind=kind, name_zh=name_zh, name_en=name_en
            )

    _run(work())


@app.command("user")
def create_user(
    login: Annotated[str, typer.Argument(help="name@tenant")],
    role: Annotated[list[str], typer.Option(help="May be given several times.")],
    password_file: PasswordFile,
    name: Annotated[str, typer.Option(help="As shown to others.")] = "",
) -> None:
    """Make a local user."""

    async def work() -> None:
        async with admin.admin_database(_settings().database()) as database:
            await admin.create_user(
                database,
                login=login,
                display_name=name or login,
                password=password_file.read_text(encoding="utf-8").strip(),
                roles=role,
            )

    _run(work())


@app.command("key")
def create_key(
    tenant: Annotated[str, typer.Argument(help="Code of the tenant.")],
    name: Annotated[str, typer.Option(help="What the key is for.")],
    role: Annotated[list[str], typer.Option(help="May be given several times.")],
) -> None:
    """Make an API key and print it: it is not kept and cannot be shown again."""

    async def work() -> None:
        async with admin.admin_database(_settings().database()) as database:
            print(await admin.create_key(database, tenant=tenant, name=name, roles=role))

    _run(work())


@app.command("broker-access")
def write_broker_access(
    folder: Annotated[Path, typer.Argument(help="Where passwords.json, passwords and acl go.")],
) -> None:
    """Write Mosquitto's password file and access list from the plant descriptions."""

    async def work() -> None:
        async with admin.admin_database(_settings().database()) as database:
            gateways = await admin.gateway_users(database)
        kept = folder / "passwords.json"
        known: dict[str, str] = msgspec.json.decode(kept.read_bytes()) if kept.exists() else {}
        access = admin.broker_access(gateways, known)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("passwords.json", msgspec.json.format(msgspec.json.encode(known)).decode()),
            ("passwords", mosquitto_passwords(access)),
            ("acl", mosquitto_access_list(access)),
        ):
            path = folder / name
            path.touch(mode=0o600)
            path.chmod(0o600)
            path.write_text(text, encoding="utf-8")

    _run(work())


@plant_app.command("check")
def check_plant(
    files: Annotated[list[Path], typer.Argument(help="YAML or JSON, one document each.")],
) -> None:
    """Say every fault of a description, with place, value and remedy."""
    for file in files:
        plant = _read_plant(file)
        print(f"{file}: {plant.tenant}/{plant.site} 无误 is sound")


@plant_app.command("apply")
def apply_plant(
    files: Annotated[list[Path], typer.Argument(help="YAML or JSON, one document each.")],
) -> None:
    """Make descriptions the newest of their sites; what they change is computed again."""
    plants = [_read_plant(file) for file in files]

    async def work() -> None:
        async with admin.admin_database(_settings().database()) as database:
            for file, plant in zip(files, plants, strict=True):
                applied = await admin.apply(database, plant)
                word = "已应用 applied" if applied.changed else "无变化 unchanged"
                print(f"{file}: {plant.tenant}/{plant.site} version {applied.version} {word}")

    _run(work())


@plant_app.command("show")
def show_plant(
    tenant: Annotated[str, typer.Argument(help="Code of the tenant.")],
    site: Annotated[str, typer.Argument(help="Code of the site.")],
    version: Annotated[int | None, typer.Option(help="The newest if left out.")] = None,
) -> None:
    """Print a description as it was applied, as JSON."""

    async def work() -> None:
        async with admin.admin_database(_settings().database()) as database:
            document = await admin.plant_document(
                database, tenant=tenant, site=site, version=version
            )
        print(msgspec.json.format(msgspec.json.encode(document)).decode())

    _run(work())


@plant_app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of plant descriptions."""
    print(msgspec.json.format(msgspec.json.encode(plant_schema())).decode())


def _read_plant(file: Path) -> Plant:
    try:
        content = file.read_bytes()
    except OSError as error:
        _refuse(f"{file}: {error.strerror}")
    try:
        return read_plant(content, form="json" if file.suffix == ".json" else "yaml")
    except PlantInvalid as error:
        _refuse(f"{file}:\n{error}")


def _refuse(text: str) -> Never:
    _complain(text)
    raise typer.Exit(1)


@database_app.command("upgrade")
def upgrade_database(url: OwnerUrl = None) -> None:
    """Bring the schema to the newest version."""
    admin.upgrade_database(url or _settings().database())
    print("schema is up to date 数据库结构已是最新")


@database_app.command("password")
def set_role_password(
    role: Annotated[str, typer.Argument(help="nengtan_admin, _ingest, _worker or _api.")],
    password_file: PasswordFile,
    url: OwnerUrl = None,
) -> None:
    """Give a service role its password."""
    password = password_file.read_text(encoding="utf-8").strip()
    _run(admin.set_role_password(url or _settings().database(), role, password))


if __name__ == "__main__":
    main()
