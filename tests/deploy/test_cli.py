"""The `nengtan` command as a person runs it: what it says, and with which exit code it ends."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from deploy import cli, supervisor
from deploy.embedded import PROJECT
from services.plant.schema import plant_schema
from tests import servers
from tests.migrated import PASSWORD, Migrated, SmallPlant, migrate
from tests.servers import DatabaseServer


@dataclass(frozen=True, slots=True)
class Said:
    """What a command wrote and how it ended."""

    code: int
    out: str
    error: str

    @property
    def line(self) -> str:
        """The one line of a refusal."""
        assert self.code == 1, self
        assert self.out == ""
        [line] = self.error.splitlines()
        return line


class Nengtan(Protocol):
    """Runs the command."""

    def __call__(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> Said: ...


def started(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Said:
    """Run the command as a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NENGTAN_")}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", *map(str, arguments)],
        env={**clean, "PYTHONPATH": str(PROJECT), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def nengtan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Nengtan:
    """Run the command's own entrance in this process: a second saved each time."""
    # It would hold on to the captured stream for the rest of the suite.
    monkeypatch.setattr(cli, "configure_logging", lambda _: None)

    def run(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Said:
        with monkeypatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("NENGTAN_")]:
                patched.delenv(name)
            for name, value in (environment or {}).items():
                patched.setenv(name, value)
            patched.setattr(sys, "argv", ["nengtan", *map(str, arguments)])
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                cli.main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run


def plant_file(folder: Path, plant: SmallPlant) -> Path:
    path = folder / f"{plant.tenant}.json"
    path.write_text(json.dumps(plant.document()), encoding="utf-8")
    return path


class TestWithoutADatabase:
    def test_says_what_it_can_do(self) -> None:
        said = started()
        for command in (
            "ingest",
            "worker",
            "api",
            "demo",
            "replay",
            "tenant",
            "user",
            "key",
            "broker-access",
            "plant",
            "database",
        ):
            assert command in said.out + said.error

    def test_prints_the_schema_of_plants(self, nengtan: Nengtan) -> None:
        said = nengtan("plant", "schema")
        assert said.code == 0
        assert json.loads(said.out) == plant_schema()

    def test_finds_a_plant_sound(self, nengtan: Nengtan, tmp_path: Path) -> None:
        path = plant_file(tmp_path, SmallPlant())
        said = nengtan("plant", "check", path)
        assert (said.code, said.error) == (0, "")
        assert said.out == f"{path}: acme/main 无误 is sound\n"

    def test_says_every_fault_of_a_plant_with_its_place(
        self, nengtan: Nengtan, tmp_path: Path
    ) -> None:
        document = SmallPlant().document()
        document["nodes"][1]["kind"] = "usee"
        document["flows"][0]["to"] = "hal"
        path = tmp_path / "bad.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")
        said = nengtan("plant", "check", path)
        assert (said.code, said.out) == (1, "")
        assert str(path) in said.error
        assert "nodes" in said.error
        assert "usee" in said.error

    def test_says_that_a_file_is_not_there(self, nengtan: Nengtan, tmp_path: Path) -> None:
        said = nengtan("plant", "check", tmp_path / "absent.yaml")
        assert said.line == f"{tmp_path / 'absent.yaml'}: No such file or directory"

    def test_says_the_nearest_name_of_an_unknown_setting(self) -> None:
        said = started("worker", environment={"NENGTAN_DATABSE_URL": "x"})
        assert said.line == (
            "nengtan: NENGTAN_DATABSE_URL is not a setting; did you mean NENGTAN_DATABASE_URL?"
        )

    @pytest.mark.parametrize(
        "arguments",
        [
            ("tenant", "acme", "--name-zh", "x", "--name-en", "x"),
            ("plant", "show", "acme", "main"),
            ("key", "acme", "--name", "x", "--role", "viewer"),
        ],
    )
    def test_says_in_one_line_that_the_database_does_not_answer(
        self, nengtan: Nengtan, arguments: tuple[str, ...]
    ) -> None:
        url = f"postgresql://nengtan_admin@127.0.0.1:{supervisor.free_port()}/nengtan"
        said = nengtan(*arguments, environment={"NENGTAN_DATABASE_URL": url})
        assert said.line.startswith("nengtan: the database does not answer: ")

    def test_says_so_also_to_the_owner_of_the_database(
        self, nengtan: Nengtan, tmp_path: Path
    ) -> None:
        url = f"postgresql://owner@127.0.0.1:{supervisor.free_port()}/nengtan"
        assert "Connection refused" in nengtan("database", "upgrade", "--url", url).line
        password = tmp_path / "password"
        password.write_text("x", encoding="utf-8")
        said = nengtan(
            "database", "password", "nengtan_api", "--password-file", password, "--url", url
        )
        assert said.line.startswith("nengtan: the database does not answer: ")

    def test_says_that_a_password_file_is_not_there(self, nengtan: Nengtan, tmp_path: Path) -> None:
        said = nengtan(
            "database",
            "password",
            "nengtan_api",
            "--password-file",
            tmp_path / "absent",
            "--url",
            "postgresql://127.0.0.1:1/x",
        )
        assert said.line == (
            f"nengtan: {tmp_path / 'absent'}: No such file or directory: "
            "check the path and its rights"
        )


@pytest.fixture
def empty_url(plain_server: DatabaseServer) -> Iterator[str]:
    """Give an empty database; the command does not know tiers, so one is enough."""
    url = servers.create_database(plain_server)
    yield url
    servers.drop_database(plain_server, url)


@pytest.fixture(scope="module")
def shared(plain_server: DatabaseServer) -> Iterator[Migrated]:
    """Give a database with a tenant and its plant."""
    url = servers.create_database(plain_server)
    migrated = migrate(url)
    migrated.install(SmallPlant().plant())
    yield migrated
    servers.drop_database(plain_server, url)


@pytest.mark.database
class TestOnADatabase:
    def test_makes_a_centre_ready_step_by_step(
        self, nengtan: Nengtan, empty_url: str, tmp_path: Path
    ) -> None:
        secret = tmp_path / "secret"
        secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
        owner = ("--url", empty_url)
        said = nengtan("database", "password", "nengtan_admin", "--password-file", secret, *owner)
        # Roles are the server's: another database of it may have brought them.
        assert said.code == 0 or "run `nengtan database upgrade`" in said.line
        for _ in range(2):
            said = nengtan("database", "upgrade", *owner)
            assert (said.code, said.error) == (0, "")
            assert "up to date" in said.out
        for role in ("nengtan_admin", "nengtan_api"):
            said = nengtan("database", "password", role, "--password-file", secret, *owner)
            assert (said.code, said.out, said.error) == (0, "", "")
        migrated = Migrated(empty_url)
        setting = {
            "NENGTAN_DATABASE_URL": migrated.role_url("nengtan_admin").replace(f":{PASSWORD}", ""),
            "NENGTAN_DATABASE_PASSWORD_FILE": str(secret),
        }
        said = nengtan(
            "tenant", "acme", "--name-zh", "厂", "--name-en", "Works", environment=setting
        )
        assert (said.code, said.error) == (0, "")
        path = plant_file(tmp_path, SmallPlant())
        for word in ("已应用 applied", "无变化 unchanged"):
            said = nengtan("plant", "apply", path, environment=setting)
            assert said == Said(0, f"{path}: acme/main version 1 {word}\n", "")
        shown = nengtan("plant", "show", "acme", "main", environment=setting)
        assert json.loads(shown.out)["tenant"] == "acme"
        secret.write_text("Correct-Horse-7", encoding="utf-8")
        user = ("user", "anna@acme", "--role", "viewer", "--password-file", secret)
        setting["NENGTAN_DATABASE_URL"] = migrated.role_url("nengtan_admin")
        del setting["NENGTAN_DATABASE_PASSWORD_FILE"]
        assert nengtan(*user, environment=setting).code == 0
        assert "anna" in nengtan(*user, environment=setting).line
        key = nengtan("key", "acme", "--name", "k", "--role", "viewer", environment=setting)
        assert (key.code, key.error, len(key.out.split())) == (0, "", 1)
        assert migrated.rows("select name, created_by <> '' from api_key") == [("k", True)]

    def test_writes_what_the_broker_needs_and_keeps_passwords(
        self, nengtan: Nengtan, empty_url: str, tmp_path: Path
    ) -> None:
        migrated = migrate(empty_url)
        migrated.install(SmallPlant().plant())
        setting = {"NENGTAN_DATABASE_URL": migrated.role_url("nengtan_admin")}
        folder = tmp_path / "access"
        assert nengtan("broker-access", folder, environment=setting).code == 0
        passwords = json.loads((folder / "passwords.json").read_text(encoding="utf-8"))
        assert sorted(passwords) == ["acme.main.gw", "centre", "values@acme"]
        assert "user acme.main.gw" in (folder / "acl").read_text(encoding="utf-8")
        for path in folder.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        migrated.install(SmallPlant(tenant="other").plant())
        assert nengtan("broker-access", folder, environment=setting).code == 0
        later = json.loads((folder / "passwords.json").read_text(encoding="utf-8"))
        assert {name: later[name] for name in passwords} == passwords
        assert "other.main.gw" in later

    @pytest.mark.parametrize(
        ("arguments", "remedy"),
        [
            (("tenant", "acme", "--name-zh", "x", "--name-en", "x"), "choose another code"),
            (("tenant", "a b", "--name-zh", "x", "--name-en", "x"), "a code is 1 to 64"),
            (
                ("tenant", "b", "--name-zh", "x", "--name-en", "x", "--kind", "shop"),
                "a kind is enterprise or park",
            ),
            (("plant", "show", "acme", "main", "--version", "7"), "versions: 1"),
            (("plant", "show", "nobody", "main"), "nengtan tenant create nobody"),
            (("key", "nobody", "--name", "x", "--role", "viewer"), "nengtan tenant create nobody"),
            (("key", "acme", "--name", "x", "--role", "king"), "viewer"),
            (
                ("user", "anna", "--role", "viewer", "--password-file", "SECRET"),
                "write name@tenant",
            ),
            (("user", "anna@acme", "--role", "viewer", "--password-file", "SECRET"), "password"),
        ],
    )
    def test_refuses_in_one_line_with_the_remedy(
        self,
        nengtan: Nengtan,
        shared: Migrated,
        tmp_path: Path,
        arguments: tuple[str, ...],
        remedy: str,
    ) -> None:
        secret = tmp_path / "secret"
        secret.write_text("short", encoding="utf-8")
        words = [secret if word == "SECRET" else word for word in arguments]
        setting = {"NENGTAN_DATABASE_URL": shared.role_url("nengtan_admin")}
        line = nengtan(*words, environment=setting).line
        assert line.startswith("nengtan: ")
        assert remedy in line
