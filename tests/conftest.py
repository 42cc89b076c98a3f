"""What every test may ask for: servers, databases, the shared data, and one honest closing line."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Compiled kernels go to the project's own cache; set before anything imports numba.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".cache" / "numba"))

import hypothesis
import pytest

from deploy.access import Access
from tests import debian, servers
from tests.debian import PROJECT, ServerAbsentError
from tests.migrated import Migrated, migrated_database
from tests.servers import (
    DatabaseServer,
    ExternalServer,
    MosquittoServer,
    PlainServer,
    TimescaleServer,
)

SHARED = PROJECT.parent / "shared"
EXTERNAL_URL_NAME = "NENGTAN_TEST_DATABASE_URL"
ASKED_FOR_ONLY = ("benchmark", "faults", "sabotage")
# Rooms whose tests start processes come first: begun last, one of them would run on alone.
FIRST = ("faults", "browser", "integration", "deploy")
# One user that may do everything, for tests that are not about access.
EVERYTHING = Access(password="everything", publish=("#",), subscribe=("#",))

# The first call of a kernel compiles it, so a deadline per example would measure the compiler.
# What one run finds every other must find again; new examples are looked for with the faults.
hypothesis.settings.register_profile("nengtan", deadline=None, derandomize=True)
hypothesis.settings.register_profile("faults", deadline=None, print_blob=True)
# What kernels mean without the compiler needs no rare example, and takes a hundred times as long.
hypothesis.settings.register_profile(
    "interpreted", parent=hypothesis.settings.get_profile("nengtan"), max_examples=25
)
hypothesis.settings.load_profile("interpreted" if "NUMBA_DISABLE_JIT" in os.environ else "nengtan")

# Server → what ran, or why it did not. Printed at the end of every run.
_ran: dict[str, str] = {}
_absent: dict[str, str] = {}


def pytest_configure(config: pytest.Config) -> None:
    if "faults" in str(config.getoption("markexpr")):
        hypothesis.settings.load_profile("faults")
    config.addinivalue_line(
        "markers",
        "faults: kills servers for minutes, deselected unless asked for with -m faults",
    )
    config.addinivalue_line(
        "markers",
        "sabotage: plants a fault in a copy of the tree, deselected unless asked for",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, unless the -m expression names it; begin with what is long."""
    asked = str(config.getoption("markexpr"))
    left_out = {name for name in ASKED_FOR_ONLY if name not in asked}
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        named = any(item.get_closest_marker(name) for name in left_out)
        (dropped if named else kept).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    place = {room: number for number, room in enumerate(FIRST)}
    items[:] = sorted(kept, key=lambda item: place.get(item.path.parent.name, len(FIRST)))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over from a process that ends which servers its tests ran on."""
    ran, absent = node.workeroutput.get("servers", ({}, {}))
    _ran.update(ran)
    _absent.update(absent)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over to the process that prints which servers the tests of this one ran on."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["servers"] = (_ran, _absent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the servers the tests ran on, and those they did not run on, with the reason."""
    ran = "; ".join(f"{name} ({what})" for name, what in sorted(_ran.items())) or "none asked for"
    terminalreporter.write_line(f"servers: ran on {ran}")
    for name, reason in sorted(_absent.items()):
        terminalreporter.write_line(f"servers: ABSENT {name}: {reason}", yellow=True)


def _skip(name: str, error: ServerAbsentError) -> None:
    _absent[name] = str(error)
    pytest.skip(f"{name} is absent: {error}")


@pytest.fixture(scope="session")
def debian_root() -> Path:
    """Return the Debian 13 root of the servers; making it takes 30 s, once."""
    return debian.ensure_root()


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[DatabaseServer]:
    """Give a TimescaleDB server, or skip with the reason."""
    try:
        if EXTERNAL_URL_NAME in os.environ:
            external = ExternalServer(os.environ[EXTERNAL_URL_NAME])
            external.start()
            _ran[external.tier] = servers.version(external)
            yield external
            return
        root = debian.ensure_root()
    except ServerAbsentError as error:
        _skip("timescaledb", error)
        return
    with servers.run_folder(root / "var" / "lib" / "nengtan-test") as folder:
        server = servers.TimescaleServer(root, folder)
        server.start()
        _ran[server.tier] = servers.version(server)
        yield server
        server.stop()


@pytest.fixture(scope="session")
def plain_server() -> Iterator[DatabaseServer]:
    """Give a plain PostgreSQL server, the demo's own."""
    with servers.run_folder(servers.RUNS) as folder:
        server = PlainServer(folder)
        server.start()
        _ran[server.tier] = servers.version(server)
        yield server
        server.stop()


@pytest.fixture(scope="session", params=["timescaledb", "plain"])
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give each tier that is present, one after the other."""
    fixture = {"timescaledb": "timescale_server", "plain": "plain_server"}[request.param]
    server: DatabaseServer = request.getfixturevalue(fixture)
    return server


@pytest.fixture
def database_url(database_server: DatabaseServer) -> Iterator[str]:
    """Give the superuser's URL of an empty database of the test's own."""
    url = servers.create_database(database_server)
    yield url
    servers.drop_database(database_server, url)


@pytest.fixture(scope="module")
def module_database_url(database_server: DatabaseServer) -> Iterator[str]:
    """Give the superuser's URL of an empty database that the tests of a module share."""
    url = servers.create_database(database_server)
    yield url
    servers.drop_database(database_server, url)


@pytest.fixture
def migrated(database_server: DatabaseServer) -> Iterator[Migrated]:
    """Give a migrated database of the test's own, on each tier."""
    with migrated_database(database_server) as migrated:
        yield migrated


@pytest.fixture(scope="module")
def shared_migrated(database_server: DatabaseServer) -> Iterator[Migrated]:
    """Give a migrated database that the tests of a module share, on each tier."""
    with migrated_database(database_server) as migrated:
        yield migrated


@pytest.fixture(params=["timescaledb", "plain"])
def own_database_server(request: pytest.FixtureRequest) -> Iterator[DatabaseServer]:
    """Give a database server of the test's own, on each tier that can be made here."""
    if request.param == "plain":
        with servers.run_folder(servers.RUNS) as folder:
            plain = PlainServer(folder)
            plain.start()
            yield plain
            plain.stop()
        return
    try:
        root = debian.ensure_root()
    except ServerAbsentError as error:
        pytest.skip(f"timescaledb is absent: {error}")
    with servers.run_folder(root / "var" / "lib" / "nengtan-test") as folder:
        server = TimescaleServer(root, folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def own_plain_server() -> Iterator[PlainServer]:
    """Give a plain PostgreSQL server that the test may kill."""
    with servers.run_folder(servers.RUNS) as folder:
        server = PlainServer(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def mosquitto_folder() -> Iterator[tuple[Path, Path | None]]:
    """Give a folder for brokers and the root they run in (None: the system's own Mosquitto)."""
    try:
        root = debian.ensure_root()
    except ServerAbsentError:
        root = None
    try:
        numbers = servers.mosquitto_version(root)
    except ServerAbsentError as error:
        _skip("mosquitto", error)
        return
    _ran["mosquitto"] = ".".join(map(str, numbers))
    runs = servers.RUNS if root is None else root / "var" / "lib" / "nengtan-test"
    with servers.run_folder(runs) as folder:
        folder.chmod(0o755)
        yield folder, root


@pytest.fixture(scope="session")
def mosquitto_server(mosquitto_folder: tuple[Path, Path | None]) -> Iterator[MosquittoServer]:
    """Give one broker for the session, with the shipped settings and the user "everything"."""
    folder, root = mosquitto_folder
    server = MosquittoServer(folder / "session", {"everything": EVERYTHING}, root=root)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_mosquitto_server(
    mosquitto_folder: tuple[Path, Path | None],
    tmp_path: Path,
) -> Iterator[MosquittoServer]:
    """Give a broker of the test's own, not started: set `users`, then start, kill and restart."""
    folder, root = mosquitto_folder
    server = MosquittoServer(folder / tmp_path.name, {"everything": EVERYTHING}, root=root)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Return the folder of reference data beside the project, or skip."""
    if not SHARED.is_dir():
        pytest.skip("the reference data is not beside this checkout")
    return SHARED
