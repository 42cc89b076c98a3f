"""A million rows in and out again: how long it takes, and how much memory it needs at most."""

import asyncio
import csv
import resource
import time
from collections.abc import Awaitable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow.parquet
import pytest

from ingest.importing import import_due
from services import clock, exports, imports
from services.files.write import Format, write_file
from services.store.imports import Policy
from services.store.pool import Database
from tests.migrated import START, Migrated, SmallPlant, counts, migrated_database
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.benchmark, pytest.mark.database, pytest.mark.timeout(1800)]

Result = TypeVar("Result")
ROWS = 1_000_000
STEP = timedelta(seconds=1)
END = START + ROWS * STEP


@pytest.fixture
def migrated(database_server: DatabaseServer) -> Iterator[Migrated]:
    with migrated_database(database_server) as migrated:
        migrated.install(SmallPlant().plant())
        yield migrated


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_rows(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as text:
        text.write("time [UTC],P1\n")
        for number in range(ROWS):
            text.write(f"{START + number * STEP:%Y-%m-%d %H:%M:%S},{number * 0.25}\n")


class Clocked:
    """The steps of an import and of exports, and how long each took."""

    def __init__(self, migrated: Migrated, folder: Path) -> None:
        self.took: dict[str, float] = {}
        self._migrated = migrated
        self._folder = folder
        [(self._tenant_id,)] = migrated.rows("select id from tenant")

    async def timed(self, name: str, step: Awaitable[Result]) -> Result:
        started_s = time.monotonic()
        result = await step
        self.took[name] = time.monotonic() - started_s
        return result

    async def round_trip(self, file: Path) -> None:
        api = await Database.open(self._migrated.role_url("nengtan_api"))
        ingest = await Database.open(self._migrated.role_url("nengtan_ingest"))
        of: dict[str, Any] = {"tenant_id": self._tenant_id, "actor": "a", "at": clock.now()}
        row = await self.timed(
            "upload",
            imports.upload(
                api,
                **of,
                tenant_code="acme",
                site="main",
                kind="readings",
                file_name=file.name,
                options={},
                path=file,
            ),
        )
        number = row.id
        await self.timed("look", import_due(ingest))
        row = await imports.find_import(api, tenant_id=self._tenant_id, import_id=number)
        assert (row.report or {})["new"] == ROWS, row.report
        policy: Policy = "all_or_nothing"
        await imports.take(api, **of, import_id=number, sha256_hex=row.sha256, policy=policy)
        await self.timed("take", import_due(ingest))
        row = await imports.find_import(api, tenant_id=self._tenant_id, import_id=number)
        assert (row.state, row.stored) == ("done", ROWS)
        forms: tuple[Format, ...] = ("csv", "parquet", "xlsx")
        for form in forms:
            assert await self.timed(form, self._export(api, form)) == ROWS
        await imports.undo(api, **of, import_id=number, reason="r")
        await self.timed("undo", import_due(ingest))
        row = await imports.find_import(api, tenant_id=self._tenant_id, import_id=number)
        assert (row.state, row.withdrawn_count) == ("withdrawn", ROWS)
        await api.close()
        await ingest.close()

    async def _export(self, api: Database, form: Format) -> int:
        async with exports.readings(
            api,
            tenant_id=self._tenant_id,
            site="main",
            point="P1",
            meter=None,
            start=START,
            end=END,
        ) as table:
            path = self._folder / f"out.{form}"
            return await write_file(
                path, table.columns, table.batches, form=form, about=table.about
            )


class TestMillionRows:
    def test_come_back_as_they_went_in(self, migrated: Migrated, tmp_path: Path) -> None:
        file = tmp_path / "rows.csv"
        write_rows(file)
        before_mb = peak_mb()
        clocked = Clocked(migrated, tmp_path)
        asyncio.run(clocked.round_trip(file))
        after_mb = peak_mb()
        assert counts(migrated)["stored"] == ROWS
        expected = np.arange(ROWS) * 0.25
        columns = pyarrow.parquet.read_table(tmp_path / "out.parquet")
        assert np.array_equal(columns["value"].to_numpy(), expected)
        with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as text:
            values = np.array([float(row["value"]) for row in csv.DictReader(text)])
        assert np.array_equal(values, expected)
        took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in clocked.took.items())
        print(f"\n{took}\npeak memory {before_mb:.0f} → {after_mb:.0f} MB")
