"""Databases with the newest schema."""

import pytest

from tests.migrated import Migrated, migrate


@pytest.fixture
def migrated(database_url: str) -> Migrated:
    """Give a migrated database of the test's own, on each tier."""
    return migrate(database_url)


@pytest.fixture(scope="module")
def shared_migrated(module_database_url: str) -> Migrated:
    """Give a migrated database that the tests of a module share, on each tier."""
    return migrate(module_database_url)
