"""The servers that the tests run on, started on loopback and free ports, and stopped again.

Each has start, stop, kill9 (every process at once, as a power cut would) and restart, which keeps
port and data. Durability is on: fsync, synchronous_commit and checksums are never traded for speed.
"""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from deploy import embedded, supervisor
from deploy.access import Access, mosquitto_access_list, mosquitto_passwords
from deploy.embedded import EmbeddedPostgres
from tests import debian
from tests.debian import PROJECT, ServerAbsentError

RUNS = PROJECT / ".cache" / "tests"
SHIPPED_BROKER_SETTINGS = PROJECT / "deploy" / "mosquitto" / "mosquitto.conf"
MOSQUITTO_VERSION_MIN = (2, 0, 15)
TEMPLATE_FREE_S = 30.0
# As linux/fs.h has them.
_GET_FLAGS, _SET_FLAGS, _IS_TOP_FOLDER = 0x80086601, 0x40086602, 0x00020000
# Room for a whole suite's connections; large enough buffers that a benchmark measures our path.
DATABASE_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
}


@contextlib.contextmanager
def run_folder(runs: Path) -> Iterator[Path]:
    """Give a fresh folder for one run's data, removed at the end.

    What runs killed earlier have left (folders and servers still standing in them) goes first. A
    run holds a lock while it lives, so several can work side by side.
    """
    runs.mkdir(parents=True, exist_ok=True)
    folder = runs / secrets.token_hex(4)
    with (runs / ".lock").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        for other in runs.glob("*/"):
            _remove_if_abandoned(other)
        folder.mkdir()
        alive = (folder / ".alive").open("w")
        fcntl.flock(alive, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        _remove(folder)
        alive.close()


def _remove_if_abandoned(folder: Path) -> None:
    # Another may hold it, or remove it meanwhile.
    with (
        contextlib.suppress(BlockingIOError, FileNotFoundError),
        (folder / ".alive").open("a") as alive,
    ):
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)


def _remove(folder: Path) -> None:
    embedded.kill_cluster(folder)
    shutil.rmtree(folder, ignore_errors=True)


class DatabaseServer(Protocol):
    """A PostgreSQL server of the tests, whatever its tier."""

    tier: str

    def url(self, database: str = "postgres") -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill9(self) -> None: ...


def restart(server: "DatabaseServer | MosquittoServer") -> None:
    """Stop and start a server on the same port and data."""
    server.stop()
    server.start()


def create_database(server: DatabaseServer, *, template: str | None = None) -> str:
    """Make an empty database, or a copy of `template` (a database's name), and return its URL."""
    name = f"test_{secrets.token_hex(6)}"
    query = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name),
        sql.Identifier(template or "template0"),
    )
    deadline = time.monotonic() + TEMPLATE_FREE_S
    with psycopg.connect(server.url(), autocommit=True) as connection:
        while True:
            try:
                connection.execute(query)
            except psycopg.errors.ObjectInUse:
                # TimescaleDB's own scheduler looks into every database from time to time.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return server.url(name)


def drop_database(server: DatabaseServer, url: str) -> None:
    """Remove a database that `create_database` made, ending the connections to it."""
    name = str(conninfo_to_dict(url)["dbname"])
    query = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(query)


def _spread(cluster: Path) -> None:
    """Ask that the files of each database lie apart from those of others, where ext4 can do so.

    Without a journal it looks, for each new file, at every one that was deleted nearby within five
    minutes: making a database took 0.4 s among the remains of others, and takes 0.1 s apart.
    """
    folder = os.open(cluster / "base", os.O_RDONLY)
    try:
        flags = fcntl.ioctl(folder, _GET_FLAGS, bytes(8))
        number = int.from_bytes(flags, sys.byteorder) | _IS_TOP_FOLDER
        fcntl.ioctl(folder, _SET_FLAGS, number.to_bytes(8, sys.byteorder))
    except OSError:
        # Another filesystem has no such flag, and no such habit.
        return
    finally:
        os.close(folder)


def best_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give the best tier there is, for tests to which the tiers are alike."""
    try:
        server: DatabaseServer = request.getfixturevalue("timescale_server")
    except pytest.skip.Exception:
        server = request.getfixturevalue("plain_server")
    return server


def version(server: DatabaseServer) -> str:
    """Return what the tier runs on, such as "PostgreSQL 17.5, TimescaleDB 2.19.3"."""
    query = (
        "SELECT current_setting('server_version'), (SELECT default_version FROM "
        "pg_available_extensions WHERE name = 'timescaledb')"
    )
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    extension = f", TimescaleDB {row[1]}" if row[1] else ""
    return f"PostgreSQL {row[0].split()[0]}{extension}"


class PlainServer(EmbeddedPostgres):
    """Plain PostgreSQL: the very server of the demo."""

    tier = "plain"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, settings=DATABASE_SETTINGS)

    def prepare(self) -> None:
        """Do as the demo's server does."""
        super().prepare()
        _spread(self.data_folder)


class ExternalServer:
    """A server that somebody else runs, named by NENGTAN_TEST_DATABASE_URL (a superuser's URL)."""

    tier = "timescaledb"

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases."""
        return re.sub(r"(://[^/]+)(/[^?]*)?", rf"\1/{database}", self._url, count=1)

    def start(self) -> None:
        """Check that it answers."""
        if not embedded.answers(self._url):
            raise ServerAbsentError("NENGTAN_TEST_DATABASE_URL does not answer")

    def stop(self) -> None:
        """Leave it running: it is not ours."""

    def kill9(self) -> None:
        """Refuse: it is not ours."""
        raise ServerAbsentError("a server given by its URL is not killed")


class TimescaleServer:
    """TimescaleDB, Apache edition, from the Debian 13 root."""

    tier = "timescaledb"

    def __init__(self, root: Path, folder: Path) -> None:
        self.port = supervisor.free_port()
        self.folder = folder
        self.log_path = folder / "postgres.log"
        self._root = root
        self._data = folder / "data"
        self._password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, as the superuser."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, on the data that is there, and return when it answers."""
        if not self._data.exists():
            self._make_cluster()
            _spread(self._data)
        embedded.kill_cluster(self._data)
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",
            "timezone": "UTC",
            "shared_preload_libraries": "timescaledb",
            "timescaledb.telemetry_level": "off",
            **DATABASE_SETTINGS,
        }
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with self.log_path.open("ab") as log:
            self._process = supervisor.spawn(
                self._command("postgres", "-D", self._inside(self._data), *flags),
                folder=PROJECT,
                log=log,
            )
        supervisor.wait_until_ready(
            self._process,
            lambda: embedded.answers(self.url()),
            name="TimescaleDB",
            log_path=self.log_path,
        )

    def stop(self) -> None:
        """Shut down cleanly."""
        if self._process is not None:
            supervisor.end(self._process, stop_signal=signal.SIGINT, timeout_s=30)
            self._process = None

    def kill9(self) -> None:
        """Kill every process of the server at once."""
        embedded.kill_cluster(self._data)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def _make_cluster(self) -> None:
        uid, gid = debian.user_ids(self._root, "postgres")
        os.chown(self.folder, uid, gid)
        password_path = self.folder / "password"
        password_path.write_text(self._password, encoding="ascii")
        options = (
            f"--pgdata={self._inside(self._data)}",
            "--username=postgres",
            f"--pwfile={self._inside(password_path)}",
            *embedded.INITDB_OPTIONS,
        )
        subprocess.run(self._command("initdb", *options), check=True, capture_output=True)

    def _command(self, program: str, *arguments: str) -> list[str]:
        path = f"/usr/lib/postgresql/17/bin/{program}"
        return debian.command(self._root, "postgres", self._inside(self.folder), path, *arguments)

    def _inside(self, path: Path) -> str:
        return f"/{path.relative_to(self._root)}"


class MosquittoServer:
    """Mosquitto with the settings we ship, the users a test gives, and a port of its own.

    Parameters
    ----------
    folder : Path
        Where its files go; inside `root` if there is one.
    users : Mapping[str, Access]
        Who may publish and receive what. Change it with `set_users`.
    root : Path, optional
        The Debian root; without it the `mosquitto` on PATH is run.
    settings : Mapping[str, str]
        Settings in place of the shipped ones, for tests that measure the difference.
    """

    def __init__(
        self,
        folder: Path,
        users: Mapping[str, Access],
        *,
        root: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = supervisor.free_port()
        self.users = dict(users)
        self.folder = folder
        self.log_path = folder / "mosquitto.log"
        self._root = root
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the broker, on the messages it has kept, and return when it takes connections."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "data").mkdir(exist_ok=True)
        self._write_files()
        with self.log_path.open("ab") as log:
            self._process = supervisor.spawn(
                self._command(),
                folder=self.folder,
                log=log,
            )
        supervisor.wait_until_ready(
            self._process,
            self._accepts,
            name="Mosquitto",
            log_path=self.log_path,
        )

    def stop(self) -> None:
        """Stop the broker; it writes what it keeps."""
        if self._process is not None:
            supervisor.end(self._process)
            self._process = None

    def kill9(self) -> None:
        """Kill the broker at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def set_users(self, users: Mapping[str, Access]) -> None:
        """Give the running broker new users and access lists."""
        self.users = dict(users)
        self._write_files()
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def _write_files(self) -> None:
        settings: dict[str, str] = {
            "listener": f"{self.port} 127.0.0.1",
            "password_file": self._inside("passwords"),
            "acl_file": self._inside("access_list"),
            "persistence_location": f"{self._inside('data')}/",
            **self._settings,
        }
        kept = [
            line
            for line in SHIPPED_BROKER_SETTINGS.read_text(encoding="utf-8").splitlines()
            if line.partition(" ")[0] not in settings
        ]
        text = "\n".join([*(f"{key} {value}" for key, value in settings.items()), *kept, ""])
        files = {
            "mosquitto.conf": text,
            "passwords": mosquitto_passwords(self.users),
            "access_list": mosquitto_access_list(self.users),
        }
        for name, content in files.items():
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_text(content, encoding="utf-8")
        if self._root is not None:
            uid, gid = debian.user_ids(self._root, "mosquitto")
            for path in (self.folder, *(self.folder / name for name in (*files, "data"))):
                os.chown(path, uid, gid)

    def _command(self) -> list[str]:
        arguments = ("-c", self._inside("mosquitto.conf"))
        if self._root is None:
            return ["mosquitto", *arguments]
        program = "/usr/sbin/mosquitto"
        return debian.command(self._root, "mosquitto", self._inside(""), program, *arguments)

    def _inside(self, name: str) -> str:
        path = self.folder / name
        return str(path) if self._root is None else f"/{path.relative_to(self._root)}"

    def _accepts(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def mosquitto_version(root: Path | None) -> tuple[int, ...]:
    """Return the version of the root's Mosquitto, or of the one on PATH.

    Raises
    ------
    ServerAbsentError
        If there is none, or only one that is too old.
    """
    prefix: list[Any] = []
    program = "mosquitto"
    if root is not None:
        prefix, program = ["chroot", root], "/usr/sbin/mosquitto"
    elif shutil.which(program) is None:
        raise ServerAbsentError("no mosquitto on PATH, and only root can use the Debian root")
    told = subprocess.run([*prefix, program, "-h"], check=False, capture_output=True, text=True)
    found = re.search(r"version (\d+)\.(\d+)\.(\d+)", told.stdout)
    numbers = tuple(int(part) for part in found.groups()) if found else (0,)
    if numbers < MOSQUITTO_VERSION_MIN:
        raise ServerAbsentError(f"mosquitto {numbers} is too old: 2.0.15 or later is needed")
    return numbers
