"""What a run of the benchmarks found, as the table that the README shows."""

import os
import platform
from collections.abc import Callable

import pytest

from tests.debian import PROJECT

FILE = PROJECT / ".cache" / "benchmarks.md"
# Rows are told as their benchmarks end, and shown by where they belong.
_ROWS = pytest.StashKey[dict[int, tuple[str, str]]]()


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Callable[[int, str, str], None]:
    """Return what notes a row: where it belongs, what was measured, and the figure."""
    rows = request.config.stash.setdefault(_ROWS, {})

    def note(place: int, what: str, figure: str) -> None:
        rows[place] = (what, figure)

    return note


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table, and keep it."""
    rows = config.stash.get(_ROWS, {})
    if not rows:
        return
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()};"
        " median (least … most of the rounds)"
    )
    lines = [machine, "", "| what | figure |", "|---|---|"]
    lines += [f"| {what} | {figure} |" for _, (what, figure) in sorted(rows.items())]
    terminalreporter.write_line("\n" + "\n".join(lines))
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
