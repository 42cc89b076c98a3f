"""The 31 series of a real campus as files: odd cells, the hour that a clock shows twice, gaps."""

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.files.file_map import FileMap, read_map
from services.files.rows import RowReader

ZONE = ZoneInfo("America/Los_Angeles")
FEW = ("BatteryStorage", "pv_OslerParkingPV")


def head_of(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as text:
        return next(csv.reader(text))


def map_of(path: Path) -> FileMap:
    """Return the map that a person would write: the first column is the time, the rest numbers."""
    time, *values = head_of(path)
    return read_map(
        {
            "time": {"column": time.strip(), "format": "%m/%d/%Y %H:%M", "zone": ZONE.key},
            "points": [
                {"column": name.strip(), "point": f"P{place}"}
                for place, name in enumerate(values)
                if name.strip()
            ],
            "thousands": ",",
        },
        place=path.name,
    )


def told_apart(path: Path) -> dict[tuple[str, int], Decimal]:
    """Read a file in plain Python: of an hour met twice, the rows met first are of the second."""
    found: dict[tuple[str, int], Decimal] = {}
    met: Counter[datetime] = Counter()
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        head = next(rows)
        for row in rows:
            try:
                clock = datetime.strptime(row[0].strip(), "%m/%d/%Y %H:%M")  # noqa: DTZ007 - local
            except (ValueError, IndexError):
                continue
            met[clock] += 1
            first, second = (
                clock.replace(tzinfo=ZONE, fold=fold).astimezone(UTC) for fold in (0, 1)
            )
            if first > second:
                continue  # the hour that the clock leaves out
            instant = first if met[clock] > 1 else second
            ts_us = int(instant.timestamp()) * 1_000_000
            for place, cell in enumerate(row[1:]):
                if place < len(head) - 1 and cell.strip() not in {"", "-"}:
                    # Where a file says an instant twice, the first row stands.
                    found.setdefault((f"P{place}", ts_us), Decimal(cell.replace(",", "")))
    return found


def check(path: Path) -> int:
    reader = RowReader(path, map_of(path), bad_cell_count_max=None)
    found: dict[tuple[str, int], float] = {}
    for row in reader.rows():
        for name, ts_us, value in row.readings:
            found.setdefault((name, ts_us), value)
    expected = told_apart(path)
    assert found.keys() == expected.keys()
    assert all(value == float(expected[key]) for key, value in found.items())
    # Nothing is silent: what is no reading is missing by name, or listed with its line.
    columns = len(map_of(path).points)
    told = reader.tally.reading_count + reader.tally.missing_count
    cells = {cell.line for cell in reader.tally.bad_cells}
    assert told + columns * len(cells) >= reader.tally.row_count * columns
    return reader.tally.reading_count


class TestCampusFiles:
    @pytest.mark.parametrize("name", FEW)
    def test_are_read_as_plain_python_reads_them(self, shared_folder: Path, name: str) -> None:
        assert check(shared_folder / "data" / "ucsd_microgrid" / f"{name}.csv.gz") > 30_000

    @pytest.mark.faults
    @pytest.mark.timeout(1800)
    def test_all_31_are_read_as_plain_python_reads_them(self, shared_folder: Path) -> None:
        files = sorted((shared_folder / "data" / "ucsd_microgrid").glob("*.csv.gz"))
        assert len(files) == 31
        counts = {path.name: check(path) for path in files}
        print(f"readings: {sum(counts.values()):,}")
        assert sum(counts.values()) > 4_000_000
