"""The demo as a new user runs it: start, the three requests it prints, an end by itself."""

import json
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from string import Template

import pytest

from deploy.embedded import PROJECT
from deploy.supervisor import processes_working_in

pytestmark = [pytest.mark.database, pytest.mark.timeout(240)]


def request_of(line: str, names: dict[str, str]) -> urllib.request.Request:
    words = shlex.split(Template(line).substitute(names))
    headers = [words[index + 1] for index, word in enumerate(words) if word == "-H"]
    [url] = [word for word in words if word.startswith("http")]
    return urllib.request.Request(url, headers=dict(h.split(": ", 1) for h in headers))  # noqa: S310


def answer(request: urllib.request.Request) -> str:
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - our own address
        return str(response.read().decode())


class TestDemo:
    def test_runs_a_plant_whose_numbers_come_out_and_ends_by_itself(self, tmp_path: Path) -> None:
        folder = tmp_path / "demo"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "deploy.cli", "demo"),
                *("--seconds", "40", "--port", "0", "--folder", str(folder)),
            ],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                break
        text = "".join(said)
        names = dict(re.findall(r'\b(API|KEY|DAY)="?([^\s"]+)', text))
        requests = [request_of(line, names) for line in said if line.strip().startswith("curl")]
        assert len(requests) == 3, text
        assert set(re.findall(r"(\w+)@demo\b", text)) >= {"viewer", "verifier", "tenant_admin"}
        points, flow, hours = requests
        deadline = time.monotonic() + 30
        while not any(p["last_ts"] for p in json.loads(answer(points))["points"]):
            assert time.monotonic() < deadline, text
            time.sleep(0.5)
        while not any(link["value"] for link in json.loads(answer(flow))["links"]):
            assert time.monotonic() < deadline, text
            time.sleep(0.5)
        assert "energy_kwh" in answer(hours).splitlines()[0]
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, text + rest
        assert processes_working_in(folder) == []
        assert oct((folder / "credentials.json").stat().st_mode)[-3:] == "600"
