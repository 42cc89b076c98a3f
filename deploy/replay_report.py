"""The outcome of a replay, as a record and as text for people."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from services.files.fault import BadCell

BAD_CELL_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The outcome of a replay. What is rejected is also among the receipted."""

    path: Path
    outbox_path: Path
    run: int  # 1 is the first time that this file is sent with this map
    resumed_row_count: int  # rows that an interrupted start had put already
    row_count: int
    reading_count: int
    missing_count: int
    bad_count: int
    bad_cells: tuple[BadCell, ...]  # the first 1,000
    first: datetime | None
    last: datetime | None
    receipted_count: int = 0  # readings, interrupted starts included
    rejected_counts: dict[str, int] = field(default_factory=dict)  # readings by code
    resent_message_count: int = 0
    seconds: float = 0.0  # of this start
    readings_per_s: float = 0.0  # receipted in this start


def render(report: ReplayReport) -> str:
    """Return the outcome for people, 中文 and English."""
    run = f" (第 {report.run} 次 run)" if report.run > 1 else ""
    resumed = report.resumed_row_count
    resumed_text = f" (续传 resumed after {resumed:,})" if resumed else ""
    counts = (
        f"读数 readings: {report.reading_count:,}; 缺失 missing: {report.missing_count:,};"
        f" 坏值 bad: {report.bad_count:,}"
    )
    receipts = (
        f"已回执 receipted: {report.receipted_count:,}; {report.seconds:,.1f} s;"
        f" {report.readings_per_s:,.0f} 读数/秒 readings/s"
    )
    lines = [
        f"文件 file: {report.path}{run}",
        f"行 rows: {report.row_count:,}{resumed_text}",
        counts,
        f"时间 time: {report.first} – {report.last}",
        receipts,
    ]
    lines += [
        f"中心拒收 rejected by the centre: {code}: {count:,}"
        for code, count in sorted(report.rejected_counts.items())
    ]
    lines += [f"坏值 bad: {cell}" for cell in report.bad_cells[:BAD_CELL_SHOWN_MAX]]
    if report.bad_count > BAD_CELL_SHOWN_MAX:
        lines.append(f"另有坏值 more bad cells: {report.bad_count - BAD_CELL_SHOWN_MAX:,}")
    return "\n".join(lines)
