"""The engine of a replay, without a broker; with one, see tests/integration/test_gateway.py."""

import asyncio
import csv
import gzip
import io
import itertools
import json
import signal
import socket
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from deploy.gateway_settings import GatewayAddress, GatewaySettings
from deploy.message import Reading
from deploy.outbox import Outbox
from deploy.replay import (
    AddressMissing,
    BadCellsFound,
    CentreSilent,
    ReplayOptions,
    address_of,
    check,
    replay,
)
from deploy.replay_report import render
from services.files.file_map import FileMap, load_map, read_map
from services.files.rows import RowReader

PROJECT = Path(__file__).parents[2]
MAPS = PROJECT / "deploy" / "maps"
START = datetime(2020, 1, 1, tzinfo=UTC)
START_US = 1_577_836_800_000_000
MAP: dict[str, Any] = {
    "tenant": "t",
    "site": "s",
    "gateway": "g",
    "time": {"column": "t", "format": "iso"},
    "points": [{"column": "a", "point": "A"}, {"column": "b", "point": "B"}],
}
# Replays to a port where nobody listens, so that everything stays in the outbox, and kills itself
# with SIGKILL at its n-th put: before it, or after it has returned.
REPLAYER = """
import asyncio, json, os, signal, sys
from pathlib import Path
from deploy.gateway_settings import GatewaySettings
from deploy.outbox import Outbox
from deploy.replay import ReplayOptions, address_of, replay
from services.files.file_map import read_map

path, document, port, folder, when, number = sys.argv[1:]
put_many, calls = Outbox.put_many, [0]

def deadly(self, *arguments, **named):
    calls[0] += 1
    if (when, calls[0]) == ("before", int(number)):
        os.kill(os.getpid(), signal.SIGKILL)
    put_many(self, *arguments, **named)
    if (when, calls[0]) == ("after", int(number)):
        os.kill(os.getpid(), signal.SIGKILL)

Outbox.put_many = deadly
file_map = read_map(json.loads(document), place="test")
settings = GatewaySettings("127.0.0.1", address_of(file_map), port=int(port))
options = ReplayOptions(message_reading_count=10, batch_message_count=3)
asyncio.run(replay(Path(path), file_map, settings, outbox_folder=Path(folder), options=options))
"""


def _map(**changes: Any) -> FileMap:
    return read_map(MAP | changes, place="test")


def _dead_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _settings() -> GatewaySettings:
    return GatewaySettings("127.0.0.1", GatewayAddress("t", "s", "g"), port=_dead_port())


def _write(path: Path, row_count: int) -> list[Reading]:
    """Write a file and return its readings, in order."""
    readings: list[Reading] = []
    with path.open("w") as file:
        file.write("t,a,b\n")
        for row in range(row_count):
            moment = START + timedelta(minutes=row)
            b = "" if row % 7 == 0 else "bad" if row % 11 == 0 else str(row / 3)
            file.write(f"{moment.isoformat()},{row},{b}\n")
            readings.append(("A", START_US + row * 60_000_000, float(row)))
            if row % 7 and row % 11:
                readings.append(("B", START_US + row * 60_000_000, row / 3))
    return readings


def _stored(folder: Path) -> list[Reading]:
    """Return every reading in the only outbox of a folder, in the order of the messages."""
    [path] = folder.glob("*.sqlite")
    with Outbox.open(path) as outbox:
        messages = outbox.pending(limit_count=10**6, limit_bytes=10**9)
    assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
    return [
        (name, ts_ms * 1000, value)
        for message in messages
        for name, ts_ms, value in json.loads(message.body)["readings"]
    ]


class TestAddressOf:
    def test_prefers_the_command_line(self) -> None:
        assert address_of(_map(), site="other") == GatewayAddress("t", "other", "g")

    def test_names_what_is_missing(self) -> None:
        with pytest.raises(AddressMissing, match=r"no site and no gateway.*--site --gateway"):
            address_of(_map(site=None, gateway=None))


class TestReplay:
    async def test_puts_every_reading_once_and_in_order(self, tmp_path: Path) -> None:
        readings = _write(tmp_path / "data.csv", 500)
        options = ReplayOptions(message_reading_count=50, batch_message_count=4, give_up_s=3.0)
        for _ in range(2):  # the second start finds everything put
            with pytest.raises(CentreSilent, match=f"{len(readings)} readings wait"):
                await replay(
                    tmp_path / "data.csv",
                    _map(),
                    _settings(),
                    outbox_folder=tmp_path / "out",
                    options=options,
                )
        assert _stored(tmp_path / "out") == readings

    async def test_goes_on_where_it_was_killed(self, tmp_path: Path) -> None:
        readings = _write(tmp_path / "data.csv", 2_000)
        counts = []
        for when, number in (("before", "1"), ("after", "1"), ("before", "7"), ("after", "30")):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-c", REPLAYER, str(tmp_path / "data.csv"), json.dumps(MAP)),
                *(str(_dead_port()), str(tmp_path / "out"), when, number),
                cwd=PROJECT,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
            stored = _stored(tmp_path / "out")
            assert stored == readings[: len(stored)]
            counts.append(len(stored))
        assert counts[0] == 0
        assert 0 < counts[1] < counts[2] < counts[3] < len(readings)
        with pytest.raises(CentreSilent):
            await replay(
                tmp_path / "data.csv",
                _map(),
                _settings(),
                outbox_folder=tmp_path / "out",
                options=ReplayOptions(give_up_s=3.0),
            )
        assert _stored(tmp_path / "out") == readings

    async def test_pauses_reading_while_the_outbox_is_full(self, tmp_path: Path) -> None:
        _write(tmp_path / "data.csv", 2_000)
        options = ReplayOptions(
            message_reading_count=10,
            batch_message_count=2,
            outbox_message_count_max=20,
            give_up_s=0.5,
        )
        with pytest.raises(CentreSilent):
            await replay(
                tmp_path / "data.csv",
                _map(),
                _settings(),
                outbox_folder=tmp_path / "out",
                options=options,
            )
        assert len(_stored(tmp_path / "out")) <= 10 * 24

    async def test_sends_nothing_of_a_file_that_strict_refuses(self, tmp_path: Path) -> None:
        _write(tmp_path / "data.csv", 50)
        with pytest.raises(BadCellsFound, match=r"line 13, column 'b': 'bad' is not a number"):
            await replay(
                tmp_path / "data.csv",
                _map(),
                _settings(),
                outbox_folder=tmp_path / "out",
                options=ReplayOptions(strict=True),
            )
        assert not (tmp_path / "out").exists()

    async def test_uses_another_outbox_for_another_map(self, tmp_path: Path) -> None:
        _write(tmp_path / "data.csv", 5)
        for scale in (1, 2):
            points = [{"column": "a", "point": "A", "scale": scale}]
            with pytest.raises(CentreSilent):
                await replay(
                    tmp_path / "data.csv",
                    _map(points=points),
                    _settings(),
                    outbox_folder=tmp_path / "out",
                    options=ReplayOptions(give_up_s=3.0),
                )
        assert len(list((tmp_path / "out").glob("*.sqlite"))) == 2

    async def test_writes_lines_where_no_terminal_is(self, tmp_path: Path) -> None:
        _write(tmp_path / "data.csv", 5)
        text = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("deploy.replay_progress.LINE_INTERVAL_S", 0.1)
            with pytest.raises(CentreSilent):
                await replay(
                    tmp_path / "data.csv",
                    _map(),
                    _settings(),
                    outbox_folder=tmp_path / "out",
                    options=ReplayOptions(give_up_s=0.7),
                    console=Console(file=text, width=300),
                )
        assert "行 rows 5 · 读数 readings 9 · 已回执 receipted 0" in text.getvalue()
        assert "refused" in text.getvalue()


class TestCheck:
    def test_reports_what_a_replay_would_find(self, tmp_path: Path) -> None:
        readings = _write(tmp_path / "data.csv", 100)
        report = check(tmp_path / "data.csv", _map())
        assert (report.row_count, report.reading_count) == (100, len(readings))
        assert (report.missing_count, report.bad_count) == (15, 8)
        assert report.first == START
        assert report.last == START + timedelta(minutes=99)
        text = render(report)
        assert "坏值 bad: line 13, column 'b': 'bad' is not a number" in text
        assert "读数 readings: 177" in text


class TestSteelRecord:
    def test_has_every_row_at_its_time(self, shared_folder: Path) -> None:
        path = shared_folder / "data" / "steel_industry" / "Steel_industry_data.csv.gz"
        reader = RowReader(path, load_map(MAPS / "steel.yaml"))
        readings = [reading for _, batch in reader.batches(10_000) for reading in batch]
        assert len(readings) == 35_040
        assert (reader.tally.missing_count, reader.tally.bad_count) == (0, 0)
        # One reading per quarter hour, 2018-01-01 00:15 to 2019-01-01 00:00 in Seoul (+9 h).
        first = datetime(2017, 12, 31, 15, 15, tzinfo=UTC)
        assert [ts_us for _, ts_us, _ in readings] == [
            int((first + timedelta(minutes=15 * row)).timestamp()) * 1_000_000
            for row in range(35_040)
        ]
        assert {name for name, _, _ in readings} == {"Usage_kWh"}
        assert sum(value for _, _, value in readings) == pytest.approx(959_636.71, abs=1e-6)

    def test_has_the_monthly_sums_of_the_file(self, shared_folder: Path) -> None:
        path = shared_folder / "data" / "steel_industry" / "Steel_industry_data.csv.gz"
        expected: dict[int, float] = defaultdict(float)
        with gzip.open(path, "rt", encoding="utf-8-sig") as text:
            for row in csv.DictReader(text):
                expected[int(row["date"][3:5])] += float(row["Usage_kWh"])
        found: dict[int, float] = defaultdict(float)
        reader = RowReader(path, load_map(MAPS / "steel.yaml"))
        for _, batch in reader.batches(10_000):
            for _, ts_us, value in batch:
                # The quarter hour before its stamp, in Seoul.
                begin = datetime.fromtimestamp(ts_us // 1_000_000 + 9 * 3600 - 900, UTC)
                found[begin.month] += value
        assert found == pytest.approx(expected)
        assert len(found) == 12


class TestSolarRecord:
    def test_has_22_registers_that_never_fall(self, shared_folder: Path) -> None:
        path = shared_folder / "data" / "pv_plant1" / "Plant_1_inverter_counters.csv.gz"
        reader = RowReader(path, load_map(MAPS / "pv.yaml"))
        series: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for _, batch in reader.batches(10_000):
            for name, ts_us, value in batch:
                series[name].append((ts_us, value))
        assert reader.tally.row_count == reader.tally.reading_count == 68_778
        assert set(series) == {f"inverter_{number}" for number in range(1, 23)}
        for values in series.values():
            ordered = sorted(values)
            assert all(a[1] <= b[1] for a, b in itertools.pairwise(ordered))


class TestMicrogridRecord:
    def test_gives_each_pass_of_the_doubled_hours_its_own_time(self, shared_folder: Path) -> None:
        path = shared_folder / "data" / "ucsd_microgrid" / "load_GeiselLibrary.csv.gz"
        file_map = _map(
            time={"column": "DateTime", "format": "%m/%d/%Y %H:%M", "zone": "America/Los_Angeles"},
            points=[{"column": "RealPower", "point": "P"}],
        )
        reader = RowReader(path, file_map)
        times = [ts_us for _, batch in reader.batches(10_000) for _, ts_us, _ in batch]
        assert reader.tally.bad_count == 0
        assert len(times) == len(set(times)) == reader.tally.row_count
        # Newest first without exception, across three doubled hours.
        assert times == sorted(times, reverse=True)
