"""Servers that one test may kill."""

from collections.abc import Iterator

import pytest

from tests import debian, servers
from tests.debian import ServerAbsentError
from tests.servers import DatabaseServer, MosquittoServer, PlainServer, TimescaleServer


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
def broker(own_mosquitto_server: MosquittoServer) -> Iterator[MosquittoServer]:
    """Give a broker of the test's own, started."""
    own_mosquitto_server.start()
    yield own_mosquitto_server
    own_mosquitto_server.stop()
