"""What a run of the benchmarks found, as the table that the README shows.

What moves with the hour is measured in two parts, before and after everything else: so the least
and the most of its rounds say how far it moves within a run.
"""

import os
import platform
from collections.abc import Callable

import pytest

from tests.debian import PROJECT

PART_COUNT = 2
FILE = PROJECT / ".cache" / "benchmarks.md"
# Rows are told as their benchmarks end, and shown by where they belong.
_ROWS = pytest.StashKey[dict[int, tuple[str, str]]]()


@pytest.fixture(params=range(PART_COUNT), ids="part{}".format)
def part(request: pytest.FixtureRequest) -> None:
    """Have a benchmark measure its rounds in parts."""
    print(f"\npart {request.param + 1} of {PART_COUNT}: figures are of all rounds so far")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have first parts first and second parts last."""
    items.sort(key=_part_of)


def _part_of(item: pytest.Item) -> float:
    """Return which part an item measures; one that has no parts comes between them."""
    if "benchmarks" in item.path.parts and isinstance(item, pytest.Function):
        callspec = getattr(item, "callspec", None)
        if callspec is not None and "part" in callspec.params:
            return float(callspec.params["part"])
    return (PART_COUNT - 1) / 2


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
