"""How a replay shows its progress: a bar on a terminal, a line every 5 s in a log."""

from dataclasses import dataclass
from typing import Self

import rich.progress
from rich.console import Console

from services import clock

LINE_INTERVAL_S = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of a replay. Counts are of readings, but for rows."""

    size_bytes: int
    read_bytes: int
    row_count: int
    reading_count: int
    receipted_count: int
    bad_count: int
    readings_per_s: float  # receipted, since the start
    fault: str | None  # why there is no connection

    @property
    def done_share(self) -> float:
        """The share of the file that is receipted, 0..1: rows are taken as evenly spread."""
        if not self.size_bytes:
            return 0.0
        read = self.read_bytes / self.size_bytes
        return read * min(1.0, self.receipted_count / max(self.reading_count, 1))

    def __str__(self) -> str:
        """Return the moment in one line, 中文 and English."""
        line = (
            f"行 rows {self.row_count:,} · 读数 readings {self.reading_count:,}"
            f" · 已回执 receipted {self.receipted_count:,}"
            f" · {self.readings_per_s:,.0f}/s"
        )
        if self.bad_count:
            line += f" · 坏值 bad {self.bad_count:,}"
        if self.fault:
            line += f" · 等待连接 waiting: {self.fault}"
        return line


class ReplayProgress:
    """Shows what it is given, no more often than a reader of the screen or the log wants."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._line_s = clock.monotonic()
        self._bar: rich.progress.Progress | None = None
        self._name = name
        if console.is_terminal:
            self._bar = rich.progress.Progress(
                rich.progress.TextColumn("{task.description}"),
                rich.progress.BarColumn(bar_width=24),
                rich.progress.TaskProgressColumn(),
                rich.progress.TimeRemainingColumn(),
                rich.progress.TextColumn("{task.fields[line]}"),
                console=console,
            )
            self._task = self._bar.add_task(name, total=1.0, line="")

    def show(self, progress: Progress) -> None:
        """Draw the bar, or write a line when one is due."""
        if self._bar is not None:
            self._bar.update(self._task, completed=progress.done_share, line=str(progress))
        elif clock.monotonic() - self._line_s >= LINE_INTERVAL_S:
            self._line_s = clock.monotonic()
            self._console.print(
                f"{self._name}: {progress.done_share:.0%} · {progress}",
                highlight=False,
                markup=False,
            )

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture standing."""
        if self._bar is not None:
            self._bar.stop()
