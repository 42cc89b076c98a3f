"""`nengtan grafana apply`, as its own process, against a stand-in of the routes it uses."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy import grafana_push
from deploy.embedded import PROJECT
from deploy.grafana_commands import DASHBOARDS
from deploy.grafana_push import GrafanaAddressInvalid
from tests.dashboards.stand_in import TOKEN, Grafana, served

DATABASE = "postgresql://nengtan_grafana_7@database:5433/nengtan?sslmode=verify-full"
UIDS = sorted(json.loads(path.read_text("utf-8"))["uid"] for path in DASHBOARDS.iterdir())


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "password").write_text("of the role\n")
    return tmp_path


@pytest.fixture
def grafana() -> Grafana:
    return Grafana()


@pytest.fixture
def url(grafana: Grafana) -> Iterator[str]:
    with served(grafana) as address:
        yield address


def apply(
    files: Path, url: str, *more: str, database: str = DATABASE
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", "grafana", "apply", url]
    command += ["--token-file", str(files / "token"), "--database", database]
    command += ["--password-file", str(files / "password"), *more]
    return subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


PUSH = """
import json, sys
from pathlib import Path
from compute.errors import NengtanError
from deploy import grafana_push
folder, url, ca_file = (Path(sys.argv[1]), *sys.argv[2:])
texts = {path.name: path.read_text("utf-8") for path in sorted(Path(folder).glob("*.json"))}
grafana = grafana_push.Grafana(url, sys.stdin.read(), Path(ca_file) if ca_file else None)
source = grafana_push.data_source("postgresql://nengtan_grafana_7@database/nengtan", "secret")
boards = grafana_push.read_dashboards(texts, page=None)
try:
    grafana_push.push(grafana, source=source, dashboards=boards)
except NengtanError as error:
    sys.exit(f"nengtan: {error}")
"""


def push(url: str, *, token: str = TOKEN, ca_file: str = "") -> subprocess.CompletedProcess[str]:
    """Push without the rest of the command line: the same calls, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", PUSH, str(DASHBOARDS), url, ca_file],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "NO_PROXY": "127.0.0.1"},
        input=token,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def routes(grafana: Grafana) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _ in grafana.requests]


class TestApply:
    def test_makes_everything_in_an_empty_grafana(
        self, files: Path, grafana: Grafana, url: str
    ) -> None:
        told = apply(files, url, "--page", "https://energy.example/")
        assert told.returncode == 0, told.stderr
        assert "organisation 示范铸造厂" in told.stdout
        assert routes(grafana) == [
            ("GET", "/api/org"),
            ("GET", "/api/folders/nengtan"),
            ("POST", "/api/folders"),
            ("GET", "/api/datasources/uid/nengtan"),
            ("POST", "/api/datasources"),
            *[("POST", "/api/dashboards/db")] * len(UIDS),
        ]
        assert grafana.folders["nengtan"]["title"] == "能碳 Nengtan"
        assert sorted(grafana.dashboards) == UIDS
        assert {one["Authorization"] for one in grafana.headers} == {f"Bearer {TOKEN}"}

    def test_sends_what_the_files_hold(self, files: Path, grafana: Grafana, url: str) -> None:
        assert apply(files, url, "--page", "https://energy.example/").returncode == 0
        for path in DASHBOARDS.iterdir():
            shipped: dict[str, Any] = json.loads(path.read_text("utf-8"))
            sent = grafana.dashboards[shipped["uid"]]
            assert (sent["folderUid"], sent["overwrite"]) == ("nengtan", True)
            [page] = [one for one in shipped["templating"]["list"] if one["name"] == "page"]
            page["query"] = "https://energy.example"
            assert sent["dashboard"] == {**shipped, "id": None}

    def test_gives_the_role_of_the_tenant_to_the_data_source(
        self, files: Path, grafana: Grafana, url: str
    ) -> None:
        assert apply(files, url).returncode == 0
        source = grafana.sources["nengtan"]
        assert source["user"] == "nengtan_grafana_7"
        assert source["url"] == "database:5433"
        assert source["jsonData"]["database"] == "nengtan"
        assert source["jsonData"]["sslmode"] == "verify-full"
        assert source["secureJsonData"] == {"password": "of the role"}
        assert source["type"] == "grafana-postgresql-datasource"

    def test_twice_leaves_the_same(self, grafana: Grafana, url: str) -> None:
        assert push(url).returncode == 0
        grafana.sources["nengtan"]["isDefault"] = True
        before = json.dumps([grafana.folders, grafana.sources, grafana.dashboards])
        grafana.requests.clear()
        told = push(url)
        assert told.returncode == 0, told.stderr
        assert json.dumps([grafana.folders, grafana.sources, grafana.dashboards]) == before
        assert ("POST", "/api/folders") not in routes(grafana)
        assert ("POST", "/api/datasources") not in routes(grafana)
        assert ("PUT", "/api/datasources/uid/nengtan") in routes(grafana)

    def test_renames_the_folder_back(self, grafana: Grafana, url: str) -> None:
        grafana.folders["nengtan"] = {"uid": "nengtan", "title": "old", "version": 4}
        assert push(url).returncode == 0
        assert grafana.folders["nengtan"]["title"] == "能碳 Nengtan"

    def test_finds_a_grafana_below_a_path(self) -> None:
        grafana = Grafana(prefix="/grafana/api")
        with served(grafana) as url:
            told = push(f"{url}/grafana")
        assert told.returncode == 0, told.stderr
        assert sorted(grafana.dashboards) == UIDS


class TestFaults:
    @pytest.mark.parametrize(
        ("refusal", "answer", "expected"),
        [
            (("GET", "/org"), (401, {"message": "Invalid API key"}), ["organisation", "401|token"]),
            (("GET", "/folders/nengtan"), (403, {"message": "Access denied"}), ["Admin"]),
            (
                ("POST", "/datasources"),
                (409, {"message": "data source with the same name already exists"}),
                ["data source nengtan", "same name", "rename or remove"],
            ),
            (
                ("POST", "/dashboards/db"),
                (412, {"message": "A dashboard with the same name in the folder already exists"}),
                ["dashboard nengtan-consumption", "same name", "provisioned from files"],
            ),
            (("GET", "/org"), (500, {"message": "database is locked"}), ["database is locked"]),
            (("GET", "/org"), (302, "http://127.0.0.1:1/login"), ["redirects"]),
        ],
        ids=["401", "403", "409", "412", "500", "302"],
    )
    def test_name_place_value_and_remedy(
        self,
        grafana: Grafana,
        url: str,
        refusal: tuple[str, str],
        answer: tuple[int, Any],
        expected: list[str],
    ) -> None:
        grafana.refusals[refusal] = answer
        told = push(url)
        assert told.returncode == 1
        assert told.stderr.startswith(f"nengtan: Grafana {url}, ")
        for part in expected:
            assert any(one in told.stderr for one in part.split("|")), (part, told.stderr)
        assert TOKEN not in told.stderr

    def test_of_a_wrong_token_say_so(self, url: str) -> None:
        told = push(url, token="glsa_another")
        assert told.returncode == 1
        assert "Unauthorized: the token is not known" in told.stderr

    def test_of_a_closed_port_say_so(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            told = push(f"http://127.0.0.1:{port}")
        assert told.returncode == 1
        assert "not reached" in told.stderr
        assert "check address and port" in told.stderr
        assert "Traceback" not in told.stderr

    def test_of_a_certificate_say_so(self, files: Path, grafana: Grafana) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl to make a certificate with")
        certificate = files / "certificate.pem"
        words = (
            "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=stand-in"
            " -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:TRUE"
            " -keyout certificate.pem -out authority.pem"
        )
        subprocess.run(words.split(), cwd=files, check=True, capture_output=True)
        with certificate.open("a") as held:
            held.write((files / "authority.pem").read_text())
        with served(grafana, certificate=certificate) as url:
            unknown = push(url)
            known = push(url, ca_file=str(files / "authority.pem"))
        assert unknown.returncode == 1
        assert "no TLS" in unknown.stderr
        assert "--ca-file" in unknown.stderr
        assert "Traceback" not in unknown.stderr
        assert known.returncode == 0, known.stderr


class TestAddresses:
    @pytest.mark.parametrize(
        ("database", "expected"),
        [
            ("postgresql://postgres@db/nengtan", "not a tenant's"),
            ("postgresql://nengtan_api@db/nengtan", "not a tenant's"),
            ("postgresql://nengtan_grafana@db/nengtan", "nengtan grafana role TENANT"),
            ("postgresql://nengtan_grafana_1:secret@db/nengtan", "into a file"),
            ("postgresql://nengtan_grafana_1@db/nengtan?sslmode=prefer", "verify-full"),
            ("mysql://nengtan_grafana_1@db/nengtan", "write postgresql://"),
            ("postgresql://nengtan_grafana_1@db", "write postgresql://"),
        ],
    )
    def test_of_the_database_that_cannot_be_are_refused(self, database: str, expected: str) -> None:
        with pytest.raises(GrafanaAddressInvalid, match=expected) as refused:
            grafana_push.data_source(database, "x")
        assert "secret" not in str(refused.value)

    def test_of_the_database_may_leave_out_what_is_usual(self) -> None:
        source = grafana_push.data_source("postgresql://nengtan_grafana_1@[::1]/nengtan", "x")
        assert source["url"] == "[::1]:5432"
        assert source["jsonData"]["sslmode"] == "require"

    def test_of_our_page_begin_with_http(self) -> None:
        with pytest.raises(GrafanaAddressInvalid, match="javascript"):
            grafana_push.read_dashboards({}, page="javascript:alert(1)")


def test_the_command_line_does_without_the_client() -> None:
    """The client replaces urllib3 process-wide: no other command may bring it in."""
    script = (
        "import sys, deploy.cli; print([name for name in sys.modules if name.split('.')[0] in"
        " {'grafana_client', 'niquests', 'urllib3', 'grafana_foundation_sdk'}])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "[]"
