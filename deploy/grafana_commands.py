"""`nengtan grafana`: the role of a tenant, the dashboards as files, and both into a Grafana."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from deploy import admin
from services.settings import Settings

DASHBOARDS = Path(__file__).resolve().parent / "grafana" / "dashboards"

grafana_app = typer.Typer(
    help="Grafana: a tenant's role, the dashboards, and putting them there.", no_args_is_help=True
)


@grafana_app.command("role")
def make_role(
    tenant: Annotated[str, typer.Argument(help="Code of the tenant.")],
    password_file: Annotated[Path, typer.Option(help="File whose only line is the password.")],
    url: Annotated[
        str | None,
        typer.Option(help="libpq URL of the database's owner; else the settings'."),
    ] = None,
) -> None:
    """Make the database role with which Grafana reads one tenant, and print its name."""
    password = password_file.read_text(encoding="utf-8").strip()
    owner_url = url or Settings.from_environment().database()
    print(asyncio.run(admin.put_grafana_role(owner_url, tenant=tenant, password=password)))


@grafana_app.command("build")
def build_dashboards(
    folder: Annotated[Path, typer.Option(help="Where the JSON files go.")] = DASHBOARDS,
) -> None:
    """Write the dashboards as JSON files, for provisioning."""
    from dashboards.catalogue import texts  # noqa: PLC0415 - the SDK is an extra

    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"written: {folder / name}")
