"""Folder, data source and dashboards put into a running Grafana; done again, nothing changes.

One Grafana organisation per tenant, because in the free edition whoever may see a dashboard may
send its data source any SQL: the organisation is the token's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from compute.errors import NengtanError

UID = "nengtan"
FOLDER_TITLE = "能碳 Nengtan"
_ROLE = re.compile(r"nengtan_grafana_[0-9]+")
_SSL_MODES = ("disable", "require", "verify-ca", "verify-full")
_TIMEOUT_S = 15.0
_NOT_FOUND = 404
_REMEDIES = {
    401: "the token is not known: make one for a service account of the tenant's organisation, "
    "with the role Admin, and give its file",
    403: "the token may not do this: its service account needs the role Admin; "
    "what was provisioned from files cannot be changed from here",
    409: "something of that name is there with another uid: rename or remove it",
    412: "something of that name or a newer version is there, or it was provisioned from files: "
    "remove that one, or leave it to the files",
}


class GrafanaRefused(NengtanError):
    """Grafana does not answer, or does not do what it is asked."""


class GrafanaAddressInvalid(NengtanError):
    """An address that cannot be that of a Grafana, of its database or of our page."""


class GrafanaClientAbsent(NengtanError):
    """The packages that write dashboards and speak to Grafana are not installed."""


@dataclass(frozen=True, slots=True)
class Grafana:
    """Where Grafana is and who asks; `ca_file` has the authority that signed its certificate."""

    url: str
    token: str
    ca_file: Path | None = None


def data_source(database_url: str, password: str) -> dict[str, Any]:
    """Return the data source of a tenant's role.

    Parameters
    ----------
    database_url : str
        `postgresql://nengtan_grafana_<number>@host:port/database?sslmode=…`, as Grafana reaches it.
    password : str

    Raises
    ------
    GrafanaAddressInvalid
        If it is no such URL, or names a role that is not a tenant's: no other role may be given.
    """
    parts = urlsplit(database_url)
    role = unquote(parts.username or "")
    name = parts.path.lstrip("/")
    mode = parse_qs(parts.query).get("sslmode", ["require"])[-1]
    if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname or not name:
        raise GrafanaAddressInvalid(
            f"database {database_url!r}: write postgresql://ROLE@HOST:PORT/NAME?sslmode=verify-full"
        )
    if parts.password is not None:
        raise GrafanaAddressInvalid("the database URL holds a password: put it into a file instead")
    if not _ROLE.fullmatch(role):
        raise GrafanaAddressInvalid(
            f"role {role!r} is not a tenant's: make one with `nengtan grafana role TENANT`, "
            "which prints its name"
        )
    if mode not in _SSL_MODES:
        raise GrafanaAddressInvalid(f"sslmode {mode!r}: Grafana knows {', '.join(_SSL_MODES)}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return {
        "uid": UID,
        "name": "Nengtan",
        "type": "grafana-postgresql-datasource",
        "access": "proxy",
        "url": f"{host}:{parts.port or 5432}",
        "user": role,
        "isDefault": False,
        "jsonData": {
            "database": name,
            "sslmode": mode,
            "postgresVersion": 1500,
            # The macros of plain PostgreSQL serve every tier.
            "timescaledb": False,
            # Below what the role may open.
            "maxOpenConns": 10,
            "maxIdleConns": 2,
        },
        "secureJsonData": {"password": password},
    }


def read_dashboards(texts: Mapping[str, str], *, page: str | None) -> list[dict[str, Any]]:
    """Return the dashboards, their links leading to our page at `page`."""
    if page is not None and urlsplit(page).scheme not in {"http", "https"}:
        raise GrafanaAddressInvalid(f"page {page!r}: write http://… or https://…")
    found = []
    for text in texts.values():
        board: dict[str, Any] = msgspec.json.decode(text)
        for variable in board["templating"]["list"]:
            if variable["name"] == "page" and page is not None:
                variable["query"] = page.rstrip("/")
        found.append(board)
    return found


def push(
    grafana: Grafana, *, source: dict[str, Any], dashboards: list[dict[str, Any]]
) -> list[str]:
    """Make or bring up to date everything, and return what was done, a line each.

    Raises
    ------
    GrafanaRefused
        If Grafana does not answer or refuses; the message says where, why, and what helps.
    """
    api = _client(grafana)
    organisation = _ask(grafana, "organisation", api.organization.get_current_organization)
    done = [f"organisation {organisation['name']}", _put_folder(grafana, api)]
    done.append(_put_source(grafana, api, source))
    done += [_put_dashboard(grafana, api, board) for board in dashboards]
    return done


def _put_folder(grafana: Grafana, api: Any) -> str:  # noqa: ANN401 - the client has no types
    place = f"folder {UID}"
    found = _ask(grafana, place, lambda: api.folder.get_folder(UID), missing=True)
    if found is None:
        _ask(grafana, place, lambda: api.folder.create_folder(FOLDER_TITLE, uid=UID))
    elif found["title"] != FOLDER_TITLE:
        _ask(
            grafana,
            place,
            lambda: api.folder.update_folder(UID, title=FOLDER_TITLE, overwrite=True),
        )
    return place


def _put_source(grafana: Grafana, api: Any, source: dict[str, Any]) -> str:  # noqa: ANN401 - same
    place = f"data source {UID}"
    found = _ask(grafana, place, lambda: api.datasource.get_datasource_by_uid(UID), missing=True)
    if found is None:
        _ask(grafana, place, lambda: api.datasource.create_datasource(source))
    else:
        # Whether it is the default of the organisation is the operator's own choice.
        body = {**source, "isDefault": bool(found.get("isDefault"))}
        _ask(grafana, place, lambda: api.datasource.update_datasource_by_uid(UID, body))
    return place


def _put_dashboard(grafana: Grafana, api: Any, board: dict[str, Any]) -> str:  # noqa: ANN401 - same
    place = f"dashboard {board['uid']}"
    body = {
        "dashboard": {**board, "id": None},
        "folderUid": UID,
        "overwrite": True,
        "message": "nengtan grafana apply",
    }
    _ask(grafana, place, lambda: api.dashboard.update_dashboard(body))
    return f"{place} {board['title']}"


def _client(grafana: Grafana) -> Any:  # noqa: ANN401 - same
    parts = urlsplit(grafana.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise GrafanaAddressInvalid(
            f"Grafana {grafana.url!r}: write https://HOST[:PORT][/PATH], without a name or password"
        )
    try:
        # Only here: it replaces the module urllib3 of the whole process.
        module = import_module("grafana_client")
    except ModuleNotFoundError as error:
        raise absent(error) from error
    path = parts.path.strip("/")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    api = module.GrafanaApi(
        grafana.token,
        host=host,
        port=parts.port,
        protocol=parts.scheme,
        # The client glues "api" to it.
        url_path_prefix=f"{path}/" if path else "",
        verify=str(grafana.ca_file) if grafana.ca_file else True,
        timeout=_TIMEOUT_S,
    )
    # A redirected POST becomes a GET, and a token is for one address.
    api.client.s.max_redirects = 0
    return api


def absent(error: ModuleNotFoundError) -> GrafanaClientAbsent:
    """Return the error for a package that is an extra."""
    return GrafanaClientAbsent(f"{error.name} is not installed: pip install 'nengtan[grafana]'")


def _ask(grafana: Grafana, place: str, request: Callable[[], Any], *, missing: bool = False) -> Any:  # noqa: ANN401 - same
    """Return what Grafana answers; None where it has no such thing and that is allowed."""
    client = import_module("grafana_client.client")
    network = import_module("niquests.exceptions")
    at = f"Grafana {grafana.url}, {place}"
    try:
        return request()
    except client.GrafanaTimeoutError as error:
        raise GrafanaRefused(f"{at}: no answer within {_TIMEOUT_S:g} s: try again") from error
    except client.GrafanaException as error:
        if missing and error.status_code == _NOT_FOUND:
            return None
        remedy = _REMEDIES.get(error.status_code, "see Grafana's log")
        raise GrafanaRefused(f"{at}: {error.message}: {remedy}") from error
    except network.SSLError as error:
        raise GrafanaRefused(
            f"{at}: no TLS: {_plain(error)}: give the authority's certificate with --ca-file, "
            "or http:// if it speaks no TLS"
        ) from error
    except network.TooManyRedirects as error:
        raise GrafanaRefused(
            f"{at}: it redirects: give the address it leads to (https, path)"
        ) from error
    except network.RequestException as error:
        raise GrafanaRefused(
            f"{at}: not reached: {_plain(error)}: check address and port"
        ) from error


def _plain(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
