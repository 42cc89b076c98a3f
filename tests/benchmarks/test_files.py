"""A million rows in and out again: how long it takes, and how much memory it needs at most."""

import asyncio
import csv
import resource
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from ingest.importing import import_due
from services import clock, exports, imports
from services.files.write import Format, write_file
from services.store.pool import Database
from tests import servers
from tests.migrated import START, Migrated, SmallPlant, counts, migrate
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.benchmark, pytest.mark.database, pytest.mark.timeout(1800)]

ROWS = 1_000_000
STEP = timedelta(seconds=1)
END = START + ROWS * STEP


@pytest.fixture
def migrated(database_server: DatabaseServer) -> Iterator[Migrated]:
    url = servers.create_database(database_server)
    migrated = migrate(url)
    migrated.install(SmallPlant().plant())
    yield migrated
    servers.drop_database(database_server, url)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_rows(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as text:
        text.write("time [UTC],P1\n")
        for number in range(ROWS):
            text.write(f"{START + number * STEP:%Y-%m-%d %H:%M:%S},{number * 0.25}\n")


class TestMillionRows:
    def test_come_back_as_they_went_in(self, migrated: Migrated, tmp_path: Path) -> None:
        file = tmp_path / "rows.csv"
        write_rows(file)
        [(tenant_id,)] = migrated.rows("select id from tenant")
        took: dict[str, float] = {}
        before_mb = peak_mb()

        def timed(name: str, started_s: float) -> None:
            took[name] = time.monotonic() - started_s

        async def work() -> None:
            api = await Database.open(migrated.role_url("nengtan_api"))
            ingest = await Database.open(migrated.role_url("nengtan_ingest"))
            started_s = time.monotonic()
            row = await imports.upload(
                api,
                tenant_id=tenant_id,
                tenant_code="acme",
                actor="a",
                site="main",
                kind="readings",
                file_name="rows.csv",
                options={},
                path=file,
                at=clock.now(),
            )
            timed("upload", started_s)
            started_s = time.monotonic()
            assert await import_due(ingest)
            timed("look", started_s)
            row = await imports.find_import(api, tenant_id=tenant_id, import_id=row.id)
            assert (row.report or {})["new"] == ROWS, row.report
            await imports.take(
                api,
                tenant_id=tenant_id,
                actor="a",
                import_id=row.id,
                sha256_hex=row.sha256,
                policy="all_or_nothing",
                at=clock.now(),
            )
            started_s = time.monotonic()
            assert await import_due(ingest)
            timed("take", started_s)
            row = await imports.find_import(api, tenant_id=tenant_id, import_id=row.id)
            assert (row.state, row.stored) == ("done", ROWS)
            forms: tuple[Format, ...] = ("csv", "parquet", "xlsx")
            for form in forms:
                started_s = time.monotonic()
                async with exports.readings(
                    api,
                    tenant_id=tenant_id,
                    site="main",
                    point="P1",
                    meter=None,
                    start=START,
                    end=END,
                ) as table:
                    path = tmp_path / f"out.{form}"
                    count = await write_file(
                        path, table.columns, table.batches, form=form, about=table.about
                    )
                assert count == ROWS
                timed(form, started_s)
            await imports.undo(
                api,
                tenant_id=tenant_id,
                actor="a",
                import_id=row.id,
                reason="r",
                at=clock.now(),
            )
            started_s = time.monotonic()
            assert await import_due(ingest)
            timed("undo", started_s)
            row = await imports.find_import(api, tenant_id=tenant_id, import_id=row.id)
            assert (row.state, row.withdrawn_count) == ("withdrawn", ROWS)
            await api.close()
            await ingest.close()

        asyncio.run(work())
        after_mb = peak_mb()
        assert counts(migrated)["stored"] == ROWS
        expected = np.arange(ROWS) * 0.25
        columns = pyarrow.parquet.read_table(tmp_path / "out.parquet")
        assert np.array_equal(columns["value"].to_numpy(), expected)
        with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as text:
            values = np.array([float(row["value"]) for row in csv.DictReader(text)])
        assert np.array_equal(values, expected)
        print("\n" + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items()))
        print(f"peak memory {before_mb:.0f} → {after_mb:.0f} MB")
