"""Points to crash at: nothing happens at them unless the process was armed, then it is gone."""

import re
import signal
import subprocess
import sys

import pytest

from services.crash import POINTS, CrashPointUnknown, arm, crash_point
from tests.debian import PROJECT

DYING = """
import sys
from services.crash import arm, crash_point

arm(sys.argv[1])
for _ in range(9):
    crash_point("parsed")
    print("alive", flush=True)
"""


class TestACrashPoint:
    def test_does_nothing_in_a_process_that_is_not_armed(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        for point in POINTS:
            crash_point(point)
        assert capfd.readouterr() == ("", "")

    def test_kills_an_armed_process_when_it_comes_there_so_often(self) -> None:
        command = [sys.executable, "-c", DYING, "parsed:3"]
        died = subprocess.run(command, check=False, capture_output=True, text=True, cwd=PROJECT)
        assert died.returncode == -signal.SIGKILL
        assert died.stdout == "alive\n" * 2
        assert died.stderr == "crash_point parsed\n"

    @pytest.mark.parametrize("wanted", ["", "parse", "parsed:0", "parsed:x", "parsed:²"])
    def test_that_the_code_does_not_have_is_refused(self, wanted: str) -> None:
        with pytest.raises(CrashPointUnknown, match="no point to crash at"):
            arm(wanted)

    def test_is_in_the_code_once_under_each_name(self) -> None:
        found: list[str] = []
        for room in ("deploy", "ingest", "services"):
            for path in sorted((PROJECT / room).rglob("*.py")):
                found += re.findall(r'crash_point\("(\w+)"\)', path.read_text(encoding="utf-8"))
        assert sorted(found) == sorted(POINTS)
