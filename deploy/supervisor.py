"""Start named programs, start them again when they crash, and leave none of them behind.

The demo runs the database, the broker and the centre's processes as children of one supervisor; the
test suite uses the same functions for its servers.
"""

import fcntl
import functools
import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self

import psutil
import structlog

from compute.errors import NengtanError
from services import clock

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 30.0
# A child that has run this long starts again at once, whatever it did before.
STEADY_AFTER_S = 60.0
LOG_MAX_BYTES = 20_000_000
POLL_S = 0.05

_log = structlog.get_logger(__name__)

# A parent-death signal is sent when the *thread* that started the child ends, so every child is
# started by this one thread, which lives as long as the program.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class AlreadyRunningError(NengtanError):
    """Another live supervisor owns the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder}: another start of the demo is using this folder. "
            "Stop that one first, or give this one its own folder.",
        )
        self.folder = folder


class ChildFailedError(NengtanError):
    """A child ended, or did not answer, before it was ready."""

    def __init__(self, name: str, reason: str, log_path: Path) -> None:
        super().__init__(
            f"{name}: {reason}. The end of {log_path}, which has the rest:\n{tail(log_path)}",
        )
        self.name = name
        self.log_path = log_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What is needed to start one program, and to start it again.

    `prepare` runs before every start, the first and those after a crash; `is_ready` is asked until
    it says yes.
    """

    name: str
    command: tuple[str, ...]
    folder: Path = field(default_factory=Path.cwd)
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM
    prepare: Callable[[], None] | None = None
    is_ready: Callable[[], bool] | None = None


def free_port() -> int:
    """Return a loopback TCP port that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def tail(path: Path, *, line_count: int = 20) -> str:
    """Return the last lines of a log, for a message to a person."""
    if not path.exists():
        return "(no log)"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  | {line}" for line in lines[-line_count:])


@functools.cache
def _has_death_signal() -> bool:
    # util-linux's setpriv knows --pdeathsig; busybox and other systems do not: there the orphans
    # of a killed run are found by the next start instead. (A preexec_fn would do it in Python, but
    # forking a program that has threads is deprecated, and rightly so.)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return False
    probe = subprocess.run([setpriv, "--pdeathsig=keep", "true"], check=False, capture_output=True)
    return probe.returncode == 0


def spawn(
    command: Iterable[str],
    *,
    folder: Path,
    log: IO[Any],
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start one program in its own session; it gets `death_signal` when this program dies."""
    prefix = [f"--pdeathsig={death_signal.name[3:]}", "--"]
    full = [*(["setpriv", *prefix] if _has_death_signal() else []), *command]
    started = _spawner.submit(
        subprocess.Popen,
        full,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    return started.result()


def wait_until_ready(
    process: subprocess.Popen[bytes],
    is_ready: Callable[[], bool],
    *,
    name: str,
    log_path: Path,
    timeout_s: float = READY_TIMEOUT_S,
) -> None:
    """Return once `is_ready` says yes.

    Raises
    ------
    ChildFailedError
        If the process ends first or the time is over.
    """
    deadline = clock.monotonic() + timeout_s
    while not is_ready():
        if process.poll() is not None:
            raise ChildFailedError(name, f"ended with status {process.returncode}", log_path)
        if clock.monotonic() > deadline:
            raise ChildFailedError(name, f"not ready after {timeout_s:g} s", log_path)
        time.sleep(POLL_S)


def end(
    process: subprocess.Popen[bytes],
    *,
    stop_signal: signal.Signals = signal.SIGTERM,
    timeout_s: float = STOP_TIMEOUT_S,
) -> None:
    """Stop a child: ask first, kill when the time is over, and collect it."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_processes(
    processes: list[psutil.Process],
    *,
    timeout_s: float = STOP_TIMEOUT_S,
) -> None:
    """Stop processes that are not our children: ask first, kill when the time is over."""
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            try:
                ask(process)
            except psutil.NoSuchProcess:
                continue
        _, processes = psutil.wait_procs(processes, timeout=timeout_s)


def processes_working_in(folder: Path) -> list[psutil.Process]:
    """Return the live processes whose working directory is in the folder: a database's own."""
    folder = folder.resolve()  # the system tells where a process is without symbolic links
    found = []
    for process in psutil.process_iter():
        try:
            # A zombie has no working directory, so what is found is alive.
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
        except (psutil.Error, OSError):  # ended meanwhile, or another person's
            continue
    return found


@dataclass(slots=True)
class _Running:
    child: Child
    process: subprocess.Popen[bytes]
    started_s: float
    crash_count: int = 0
    restart_at_s: float | None = None


class Supervisor:
    """Owns a folder (`logs/`, `children.json`, `lock`) and the children started in it.

    Used as a context manager in the main thread: leaving the block stops every child in reverse
    order. SIGTERM and SIGHUP mean what Ctrl-C means, and end `watch`.
    """

    def __init__(self, folder: Path, *, stop_timeout_s: float = STOP_TIMEOUT_S) -> None:
        self.folder = folder.absolute()
        self._stop_timeout_s = stop_timeout_s
        self._running: dict[str, _Running] = {}
        self._lock: IO[str] | None = None
        self._handlers_before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Take the folder, and stop what an earlier, killed run left in it."""
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise AlreadyRunningError(self.folder) from None
        self._lock = lock
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers_before[name] = signal.signal(name, _interrupt)
        self._end_orphans()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop every child, the last started first, and give the folder back."""
        # A second Ctrl-C would leave children behind; stopping is bounded in time anyway.
        for name in self._handlers_before:
            signal.signal(name, signal.SIG_IGN)
        self.stop_all()
        for name, handler in self._handlers_before.items():
            signal.signal(name, handler)
        if self._lock is not None:
            self._lock.close()

    def start(self, child: Child, *, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Start a child and return when it is ready; from then on `watch` keeps it alive."""
        running = self._launch(child)
        if child.is_ready is not None:
            wait_until_ready(
                running.process,
                child.is_ready,
                name=child.name,
                log_path=self.log_path(child.name),
                timeout_s=timeout_s,
            )

    def watch(self, *, seconds: float | None = None) -> bool:
        """Keep the children running until SIGINT, SIGTERM or SIGHUP, or for so many seconds.

        Returns whether the time is over, and nobody asked to stop.
        """
        deadline = None if seconds is None else clock.monotonic() + seconds
        try:
            while deadline is None or clock.monotonic() < deadline:
                self.restart_crashed()
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            _log.info("supervisor.asked_to_stop")
            return False
        return True

    def restart_crashed(self) -> None:
        """Look at every child once: note a crash, and start again what has waited long enough."""
        now_s = clock.monotonic()
        for running in list(self._running.values()):
            if running.restart_at_s is None:
                if running.process.poll() is not None:
                    self._note_crash(running, now_s)
            elif now_s >= running.restart_at_s:
                self._restart(running, now_s)

    def stop_all(self) -> None:
        """Stop every child, the last started first."""
        for running in reversed(self._running.values()):
            end(
                running.process,
                stop_signal=running.child.stop_signal,
                timeout_s=self._stop_timeout_s,
            )
        self._running.clear()
        self._write_children()

    def log_path(self, name: str) -> Path:
        """Return where a child's output goes."""
        return self.folder / "logs" / f"{name}.log"

    def process_ids(self) -> dict[str, int]:
        """Return the process id of every child that is alive, by name."""
        return {
            name: running.process.pid
            for name, running in self._running.items()
            if running.process.poll() is None
        }

    def _launch(self, child: Child) -> _Running:
        if child.prepare is not None:
            child.prepare()
        path = self.log_path(child.name)
        if path.exists() and path.stat().st_size > LOG_MAX_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as log:
            process = spawn(
                child.command,
                folder=child.folder,
                log=log,
                death_signal=child.death_signal,
            )
        running = _Running(child, process, clock.monotonic())
        self._running[child.name] = running
        self._write_children()
        return running

    def _note_crash(self, running: _Running, now_s: float) -> None:
        if now_s - running.started_s > STEADY_AFTER_S:
            running.crash_count = 0
        wait_s = min(BACKOFF_FIRST_S * 2**running.crash_count, BACKOFF_MAX_S)
        running.crash_count += 1
        running.restart_at_s = now_s + wait_s
        _log.warning(
            "supervisor.child.ended",
            child=running.child.name,
            status=running.process.returncode,
            restart_in_s=wait_s,
            log=str(self.log_path(running.child.name)),
        )

    def _restart(self, running: _Running, now_s: float) -> None:
        try:
            replacement = self._launch(running.child)
        except (NengtanError, OSError) as error:
            _log.warning("supervisor.child.not_started", child=running.child.name, error=str(error))
            self._note_crash(running, now_s)
            return
        replacement.crash_count = running.crash_count
        _log.info("supervisor.child.restarted", child=running.child.name)

    def _write_children(self) -> None:
        facts = [
            {"name": name, "pid": running.process.pid, "command": running.child.command}
            for name, running in self._running.items()
        ]
        path = self.folder / "children.json"
        path.with_suffix(".new").write_text(json.dumps(facts), encoding="utf-8")
        path.with_suffix(".new").replace(path)

    def _end_orphans(self) -> None:
        path = self.folder / "children.json"
        if not path.exists():
            return
        orphans = []
        for fact in json.loads(path.read_text(encoding="utf-8")):
            try:
                process = psutil.Process(fact["pid"])
                # A process id is used again by the system: only the same command is ours.
                if process.cmdline() == fact["command"]:
                    orphans.append(process)
                    _log.info("supervisor.orphan.ended", child=fact["name"], pid=fact["pid"])
            except psutil.Error:
                continue
        end_processes(orphans, timeout_s=self._stop_timeout_s)
        path.unlink()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
