"""Servers that one test may kill."""

from collections.abc import Iterator

import pytest

from tests.servers import MosquittoServer


@pytest.fixture
def broker(own_mosquitto_server: MosquittoServer) -> Iterator[MosquittoServer]:
    """Give a broker of the test's own, started."""
    own_mosquitto_server.start()
    yield own_mosquitto_server
    own_mosquitto_server.stop()
