"""`nengtan import` and `nengtan export`, with an ingest beside them."""

import asyncio
import csv
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy import cli, file_commands
from ingest.importing import import_due
from services.store.pool import Database
from tests import servers
from tests.migrated import START, Migrated, SmallPlant, migrate
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.database]

Run = Callable[..., str]
OF = ("--tenant", "acme", "--site", "main")
QUARTER = timedelta(minutes=15)


@pytest.fixture(scope="module")
def installed(plain_server: DatabaseServer) -> Iterator[Migrated]:
    url = servers.create_database(plain_server)
    migrated = migrate(url)
    migrated.install(SmallPlant().plant())
    yield migrated
    servers.drop_database(plain_server, url)


@pytest.fixture
def ingest(installed: Migrated) -> Iterator[None]:
    """Have files looked at meanwhile, in a loop of its own."""
    stop = threading.Event()

    async def work(database: Database) -> None:
        while not stop.is_set():
            if not await import_due(database):
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: installed.run("nengtan_ingest", work))
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def nengtan(
    installed: Migrated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command and return what it said."""
    monkeypatch.setenv("NENGTAN_DATABASE_URL", installed.role_url("nengtan_admin"))

    def run(*arguments: str | Path, code: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["nengtan", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, said
        return said.out + said.err

    return run


def quarters(count: int) -> str:
    rows = (f"{START + n * QUARTER:%Y-%m-%d %H:%M},{n}\n" for n in range(count))
    return "time [UTC],P1 [kWh]\n" + "".join(rows)


@pytest.mark.usefixtures("ingest")
class TestFiles:
    def test_of_20_000_rows_come_back_as_they_went_in(
        self, nengtan: Run, installed: Migrated, tmp_path: Path
    ) -> None:
        count = 20_000
        file = tmp_path / "march.csv"
        file.write_text(quarters(count), encoding="utf-8")
        said = nengtan("import", file, *OF, "--yes")
        assert "已存 stored: 20,000" in said
        output = tmp_path / "out.csv"
        span = ("--start", START.isoformat(), "--end", (START + count * QUARTER).isoformat())
        assert "20,000" in nengtan("export", "readings", output, *OF, *span, "--point", "P1")
        with output.open(encoding="utf-8-sig", newline="") as text:
            rows = list(csv.DictReader(text))
        assert [float(row["value"]) for row in rows] == list(map(float, range(count)))
        assert {row["unit"] for row in rows} == {"kWh"}
        [(number,)] = installed.rows("select max(id) from file_import")
        [(share,)] = installed.rows("select share from file_import_progress order by import_id")[:1]
        assert 0.0 <= share <= 1.0
        undone = nengtan("import-undo", str(number), "--tenant", "acme", "--reason", "a test")
        assert "20,000" in undone
        assert "0 行" in nengtan("export", "readings", output, *OF, *span)

    def test_are_shown_and_not_taken_without_yes(self, nengtan: Run, tmp_path: Path) -> None:
        file = tmp_path / "a.csv"
        file.write_text(quarters(2) + "x,1\n", encoding="utf-8")
        said = nengtan("import", file, *OF)
        assert "行 line 4, time [UTC]: x is not a time" in said
        assert "--yes" in said
        refused = nengtan("import", file, *OF, "--yes", code=1)
        assert "skip_bad" in refused
        assert "隔离 quarantined: 1" in nengtan("import", file, *OF, "--yes", "--skip-bad")

    def test_that_cannot_be_read_say_why(self, nengtan: Run, tmp_path: Path) -> None:
        file = tmp_path / "a.csv"
        file.write_bytes(b"\x89PNG")
        assert "picture" in nengtan("import", file, *OF, code=1)
        assert ".xlsx" in nengtan("export", "readings", tmp_path / "a.pdf", *OF, *SPAN, code=1)
        assert "offset" in nengtan(
            *("export", "results", tmp_path / "a.csv", *OF),
            *("--start", "2025-03-10", "--end", "2025-03-11"),
            code=1,
        )


SPAN = ("--start", "2025-03-10T00:00Z", "--end", "2025-03-11T00:00Z")


class TestWithoutIngest:
    def test_says_that_nothing_looks_at_the_file(
        self, nengtan: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_commands, "_PATIENCE_S", 0.1)
        monkeypatch.setattr(file_commands, "_STEP_S", 0.2)
        file = tmp_path / "a.csv"
        file.write_text(quarters(2), encoding="utf-8")
        assert "start `nengtan ingest`" in nengtan("import", file, *OF, code=1)
