"""`nengtan grafana`: the role of a tenant, the dashboards as files, and both into a Grafana."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from deploy import admin, grafana_push
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
    password = _line_of(password_file)
    owner_url = url or Settings.from_environment().database()
    print(asyncio.run(admin.put_grafana_role(owner_url, tenant=tenant, password=password)))


@grafana_app.command("build")
def build_dashboards(
    folder: Annotated[Path, typer.Option(help="Where the JSON files go.")] = DASHBOARDS,
) -> None:
    """Write the dashboards as JSON files, for provisioning."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _texts().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"written: {folder / name}")


@grafana_app.command("apply")
def apply_dashboards(
    url: Annotated[str, typer.Argument(help="Where Grafana is: https://HOST[:PORT][/PATH].")],
    token_file: Annotated[
        Path, typer.Option(help="Token of a service account of the tenant's organisation.")
    ],
    database: Annotated[
        str,
        typer.Option(
            help="postgresql://ROLE@HOST:PORT/NAME?sslmode=… as Grafana reaches it; the role is "
            "what `nengtan grafana role` printed. Without sslmode: require."
        ),
    ],
    password_file: Annotated[Path, typer.Option(help="File with the password of the role.")],
    page: Annotated[str | None, typer.Option(help="Where people find our own page.")] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            help="Authority that signed Grafana's certificate (PEM).", exists=True, dir_okay=False
        ),
    ] = None,
) -> None:
    """Put folder, data source and dashboards into Grafana; again brings them up to date."""
    grafana = grafana_push.Grafana(url, _line_of(token_file), ca_file)
    source = grafana_push.data_source(database, _line_of(password_file))
    dashboards = grafana_push.read_dashboards(_texts(), page=page)
    for line in grafana_push.push(grafana, source=source, dashboards=dashboards):
        print(line)


def _texts() -> dict[str, str]:
    try:
        from dashboards.catalogue import texts  # noqa: PLC0415 - the SDK is an extra
    except ModuleNotFoundError as error:
        raise grafana_push.absent(error) from error
    return texts()


def _line_of(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()
