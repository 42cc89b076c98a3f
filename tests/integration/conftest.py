"""Servers that one test may kill, and an installation of two tenants."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.api.installation import Installation, install
from tests.servers import MosquittoServer
from tests.services.tariffs import flat


@pytest.fixture
def broker(own_mosquitto_server: MosquittoServer) -> Iterator[MosquittoServer]:
    """Give a broker of the test's own, started."""
    own_mosquitto_server.start()
    yield own_mosquitto_server
    own_mosquitto_server.stop()


@pytest.fixture(scope="module")
def installation(module_database_url: str) -> Installation:
    installation = asyncio.run(install(module_database_url))
    for tenant in (installation.a, installation.b):
        source = json.dumps({**flat(0.5), "source": f"contract {tenant.word}"})
        installation.execute(
            "insert into tariff_version (tenant_id, site_id, target_kind, target, valid_from,"
            " revision, document, sha256, stated_by) select tenant_id, id, 'carrier',"
            " 'electricity', '2024-01-01', 1, %s, '', %s from site where tenant_id = %s",
            source,
            f"boss-{tenant.word}",
            tenant.id,
        )
    return installation
