"""The demo as a process of a test: what it printed, and its children to kill."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, time, timedelta
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from deploy.embedded import PROJECT
from deploy.supervisor import processes_working_in
from services import clock

READY_S = 240.0
FILLED_S = 300.0
ZONE = ZoneInfo("Asia/Shanghai")


class DemoRun:
    """A demo that is ready."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        found = re.search(r"http://127\.0\.0\.1:(\d+)", text)
        assert found, text
        self.address = found[0]
        credentials = json.loads((folder / "credentials.json").read_text(encoding="utf-8"))
        self.password: dict[str, str] = credentials["user"]
        self.key: dict[str, str] = credentials["key"]

    def process_id(self, name: str) -> int:
        """Return the number of a child: postgres, broker, ingest, worker, api, gateways."""
        facts = json.loads((self.folder / "children.json").read_text(encoding="utf-8"))
        return int(next(fact["pid"] for fact in facts if fact["name"] == name))

    def wait_filled(self) -> None:
        """Wait until the history is in: while it is computed the centre may be busy for a page."""
        day = (clock.now().astimezone(ZONE) - timedelta(days=12)).date()
        query = urlencode(
            {
                "site": "main",
                "start": datetime.combine(day, time(), ZONE).isoformat(),
                "end": datetime.combine(day + timedelta(days=1), time(), ZONE).isoformat(),
            }
        )
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.address}/api/v1/consumption?{query}", headers={"X-API-Key": self.key["demo"]}
        )
        deadline = monotonic() + FILLED_S
        while True:
            with suppress(OSError), urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                total = json.load(answer)["total"]
                if total is not None and total["covered_share"] > 0.9:
                    return
            assert monotonic() < deadline, "the demo's history did not come in"
            sleep(1)

    def kill9_if_alive(self, name: str) -> None:
        """Kill a child at once, if it is there; its supervisor starts it again."""
        with suppress(ProcessLookupError):
            os.kill(self.process_id(name), signal.SIGKILL)


@contextmanager
def running_demo(folder: Path, *options: str) -> Iterator[DemoRun]:
    """Run a demo on a free port until the block ends."""
    log_path = folder.with_suffix(".log")
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "deploy.cli", "demo"),
                *("--port", "0", "--folder", str(folder), *options),
            ],
            cwd=PROJECT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = monotonic() + READY_S
        while "Ctrl-C" not in (text := log_path.read_text(encoding="utf-8")):
            assert process.poll() is None, text
            assert monotonic() < deadline, text
            sleep(0.1)
        yield DemoRun(folder, text)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        assert processes_working_in(folder) == []
