import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy import supervisor
from deploy.supervisor import AlreadyRunningError, Child, ChildFailedError, Supervisor
from tests.debian import PROJECT

SLEEPER = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
STUBBORN = (sys.executable, "-c", f"{DEAF}print('up', flush=True); time.sleep(60)")


def eventually(holds: Callable[[], bool], *, timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(supervisor.POLL_S)
    return True


def alive(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_processes_are_found_in_a_folder_through_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    process = subprocess.Popen(["sleep", "60"], cwd=tmp_path / "real")
    try:
        found = supervisor.processes_working_in(tmp_path / "link")
        assert process.pid in [one.pid for one in found]
    finally:
        process.kill()
        process.wait()


def says_up(path: Path) -> bool:
    return path.exists() and "up" in path.read_text()


class TestSupervisor:
    def test_returns_from_start_when_the_child_is_ready(self, tmp_path: Path) -> None:
        with Supervisor(tmp_path) as keeper:
            log_path = keeper.log_path("sleeper")
            ready = Child(name="sleeper", command=SLEEPER, is_ready=lambda: says_up(log_path))
            keeper.start(ready)
            assert says_up(log_path)

    def test_shows_the_log_of_a_child_that_ends_before_it_is_ready(self, tmp_path: Path) -> None:
        broken = Child(
            name="broken",
            command=(sys.executable, "-c", "raise SystemExit('no configuration')"),
            is_ready=lambda: False,
        )
        with Supervisor(tmp_path) as keeper, pytest.raises(ChildFailedError, match="no config"):
            keeper.start(broken)

    def test_starts_a_killed_child_again(self, tmp_path: Path) -> None:
        with Supervisor(tmp_path) as keeper:
            keeper.start(Child(name="sleeper", command=SLEEPER))
            first = keeper.process_ids()["sleeper"]
            os.kill(first, signal.SIGKILL)
            keeper.watch(seconds=1.0)
            assert keeper.process_ids()["sleeper"] != first

    def test_waits_longer_after_each_crash(self, tmp_path: Path) -> None:
        crashing = Child(name="crashing", command=(sys.executable, "-c", "print('again')"))
        with Supervisor(tmp_path) as keeper:
            keeper.start(crashing)
            keeper.watch(seconds=1.5)

            def count() -> int:
                return keeper.log_path("crashing").read_text().count("again")

            # After 0.2, 0.4 and 0.8 s, not at every look.
            assert count() <= 4
            keeper.watch(seconds=0.0 if count() >= 2 else 5.0)
            assert count() >= 2

    def test_prepares_before_every_start(self, tmp_path: Path) -> None:
        prepared: list[int] = []
        child = Child(name="sleeper", command=SLEEPER, prepare=lambda: prepared.append(1))
        with Supervisor(tmp_path) as keeper:
            keeper.start(child)
            os.kill(keeper.process_ids()["sleeper"], signal.SIGKILL)
            keeper.watch(seconds=1.0)
        assert len(prepared) == 2

    def test_leaves_no_child_behind(self, tmp_path: Path) -> None:
        with Supervisor(tmp_path, stop_timeout_s=0.5) as keeper:
            log_path = keeper.log_path("stubborn")
            stubborn = Child(name="stubborn", command=STUBBORN, is_ready=lambda: says_up(log_path))
            keeper.start(stubborn)
            keeper.start(Child(name="sleeper", command=SLEEPER))
            started = list(keeper.process_ids().values())
        assert not any(alive(process_id) for process_id in started)

    def test_refuses_a_folder_that_another_one_uses(self, tmp_path: Path) -> None:
        with Supervisor(tmp_path), pytest.raises(AlreadyRunningError), Supervisor(tmp_path):
            pass

    def test_ends_the_orphans_of_a_killed_run_but_no_stranger(self, tmp_path: Path) -> None:
        orphan, stranger = subprocess.Popen(SLEEPER), subprocess.Popen(["sleep", "60"])
        facts = [
            {"name": "orphan", "pid": orphan.pid, "command": SLEEPER},
            {"name": "reused", "pid": stranger.pid, "command": SLEEPER},
        ]
        (tmp_path / "children.json").write_text(json.dumps(facts))
        assert eventually(lambda: psutil.Process(orphan.pid).cmdline() == list(SLEEPER))
        try:
            with Supervisor(tmp_path, stop_timeout_s=2):
                assert not alive(orphan.pid)
                assert stranger.poll() is None
        finally:
            for process in (orphan, stranger):
                process.kill()
                process.wait()

    @pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_stops_everything_on_a_signal(self, tmp_path: Path, name: signal.Signals) -> None:
        runner, child = start_runner(tmp_path)
        runner.send_signal(name)
        assert runner.wait(10) == 0
        assert not alive(child)

    @pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
    def test_takes_its_children_along_when_it_is_killed(self, tmp_path: Path) -> None:
        runner, child = start_runner(tmp_path)
        runner.kill()
        runner.wait()
        assert eventually(lambda: not alive(child))


def start_runner(folder: Path) -> tuple["subprocess.Popen[bytes]", int]:
    program = (
        "import sys; from pathlib import Path\n"
        "from deploy.supervisor import Child, Supervisor\n"
        "with Supervisor(Path(sys.argv[1])) as keeper:\n"
        "    keeper.start(Child(name='sleeper', command=tuple(sys.argv[2:])))\n"
        "    keeper.watch()\n"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", program, str(folder), *SLEEPER],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
    )
    assert eventually(lambda: says_up(folder / "logs" / "sleeper.log"))
    facts = json.loads((folder / "children.json").read_text())
    return runner, int(facts[0]["pid"])
