"""An installation per module, and a client of its API in this very process."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from services.accounts import _sign_in
from services.store.pool import Database
from tests.api.installation import Installation, install
from tests.servers import DatabaseServer, best_server


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse sign-ins without the wait that hides what was wrong."""
    monkeypatch.setattr(_sign_in, "REFUSAL_S", 0.0)


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give the best tier there is: what the tiers do differently is asked of the store's tests."""
    return best_server(request)


@pytest.fixture(scope="module")
def installation(module_database_url: str) -> Installation:
    return asyncio.run(install(module_database_url))


@pytest.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    database = await Database.open(installation.url("nengtan_api"))
    yield database
    await database.close()


@pytest.fixture
def app(database: Database) -> FastAPI:
    return create_app(database=database)


@pytest.fixture
async def client(app: FastAPI, installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that signs in as the administrator of tenant A."""
    async with new_client(app) as client:
        client.headers.update(installation.a.headers)
        yield client


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client without any credential."""
    async with new_client(app) as client:
        yield client


def new_client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://centre/api/v1", timeout=30
    )
