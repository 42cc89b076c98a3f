"""Bills: an amount over days becomes readings of the interval point that stands for it.

A bill says an amount for [start, end) in local days. The point takes it in its own periods, each
its share by time, so that the sum is the bill's to the last digit and a day of 23 hours gets 23
parts. Every reading says that it is of a bill: the shape is not known.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from compute.errors import NengtanError
from compute.units import conversion
from services.files.fault import BadCell, FileRefused, FileTooLarge, Unreadable
from services.files.file_map import WRITTEN, FileMap, PointMap, TimeMap
from services.files.guess import POINT_WORDS, UNIT_WORDS, VALUE_WORDS, bracket_of, find_head
from services.files.rows import number_reader
from services.files.source import Cell, Source, TextSource, detect_encoding, kind_of
from services.files.workbook import WorkbookSource

START_WORDS = ("开始", "开始日期", "起始日期", "start", "from")
END_WORDS = ("结束", "结束日期", "截止日期", "end", "to")
# What the head of the last column must say: whether that day belongs to the bill.
_INCLUDED: dict[str, bool] = {"含": True, "inclusive": True, "不含": False, "exclusive": False}
HEADER_ROWS_MAX = 20
ROW_COUNT_MAX = 100_000
DAYS_MAX = 3_700
_MICROSECOND = timedelta(microseconds=1)
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?: 00:00(?::00)?)?")


_DAY_US = 86_400_000_000
PointKind: TypeAlias = Literal["register", "gauge", "interval"]


@dataclass(frozen=True, slots=True)
class BilledPoint:
    """A point as bills need to know it; period and stamp are of interval points alone."""

    kind: PointKind
    unit: str
    multiplier: float
    period_us: int
    stamped_at_end: bool


@dataclass(frozen=True, slots=True)
class Share:
    """What one period of a point gets of a bill."""

    ts_us: int
    value: float


def shares(amount: float, start_us: int, end_us: int, *, point: BilledPoint) -> Iterator[Share]:
    """Yield the readings that an amount over [start, end) comes to.

    Parameters
    ----------
    amount : float
        Of the whole time. [unit of the point]
    start_us, end_us : int
        On edges of the point's periods. [µs since 1970 UTC]
    point : BilledPoint

    Notes
    -----
    Each is the difference of two shares of the amount up to an edge, so that they add up to it.
    """
    length_us = end_us - start_us
    count = length_us // point.period_us
    before = 0.0
    for number in range(1, count + 1):
        # Of the last one the share is the whole, and not a quotient that is nearly 1.
        until = amount if number == count else amount * (number / count)
        at_us = start_us + (number if point.stamped_at_end else number - 1) * point.period_us
        yield Share(at_us, until - before)
        before = until


def day_start_us(text: str, zone: ZoneInfo, *, next_day: bool = False) -> int:
    """Return local midnight of a day, or of the one after it, in µs since 1970 UTC.

    Raises
    ------
    Unreadable
        If it is no day, the year first.
    """
    found = _DAY.fullmatch(text.strip())
    unreadable = Unreadable(
        "time", "is not a day, the year first: 2026-03-01", "不是年在前的日期，如 2026-03-01"
    )
    if found is None:
        raise unreadable
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])) + timedelta(days=next_day)
    except (ValueError, OverflowError):
        raise unreadable from None
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (midnight.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Bill:
    """One row: what a point is to get, and the readings that it comes to."""

    line: int
    point: str
    shares: Sequence[Share]


@dataclass(slots=True)
class BillReader:
    """Reads the rows of a file of bills: point, first day, last day, amount, and the unit if told.

    Parameters
    ----------
    path : Path
    points : mapping
        Of the site, by code.
    time_zone : str
        Of the site.
    sheet : str or None
        Of a workbook.
    """

    path: Path
    points: Mapping[str, BilledPoint]
    time_zone: str
    sheet: str | None
    row_count: int = 0
    bad: list[BadCell] = field(default_factory=list)
    source: Source | None = None

    def bills(self) -> Iterator[Bill]:
        """Yield the bills; what is none is in `bad`.

        Raises
        ------
        FileRefused
            If a column is missing, or the last day is not said to be in or out.
        """
        workbook = kind_of(self.path) == "workbook"
        encoding = "utf-8" if workbook else detect_encoding(self.path)
        file_map = FileMap(
            time=TimeMap(column=("time",), format=(WRITTEN,), zone="UTC"),
            points=(PointMap(column="value", point="any"),),
            encoding=encoding,
            sheet=self.sheet,
        )
        self.source = (WorkbookSource if workbook else TextSource)(self.path, file_map)
        rows = self.source.rows()
        columns = self._header(rows)
        for line, cells in rows:
            if not cells:
                continue
            self.row_count += 1
            if self.row_count > ROW_COUNT_MAX:
                raise FileTooLarge(
                    f"{self.path.name} has more than {ROW_COUNT_MAX} bills; split it",
                    f"{self.path.name} 超过 {ROW_COUNT_MAX} 张账单；请拆分",
                )
            cells.extend([""] * (max(columns.places) + 1 - len(cells)))
            try:
                bill = self._bill(line, cells, columns)
            except _Fault as fault:
                value = str(cells[fault.place])[:200]
                self.bad.append(BadCell(line, fault.head, value, fault.code, str(fault), fault.zh))
            else:
                yield bill

    def _header(self, rows: Iterator[tuple[int, list[Cell]]]) -> "_Columns":
        for number, (_, cells) in enumerate(rows):
            header = [str(cell).strip() for cell in cells]
            if find_head(header, START_WORDS) is not None:
                return self._columns(header)
            if number == HEADER_ROWS_MAX:
                break
        raise FileRefused(
            f"{self.path.name}: no column of first days (开始, start): take the template of bills",
            f"{self.path.name}：没有开始日期列（开始、start）：请使用账单模板",
            pointer="start",
        )

    def _columns(self, header: list[str]) -> "_Columns":
        heads: dict[str, str | None] = {
            "point": find_head(header, POINT_WORDS),
            "start": find_head(header, START_WORDS),
            "end": find_head(header, END_WORDS),
            "amount": find_head(header, VALUE_WORDS),
        }
        absent = [name for name, head in heads.items() if head is None]
        if absent:
            raise FileRefused(
                f"{self.path.name}: no column {', '.join(absent)}; it has {', '.join(header)}",
                f"{self.path.name}：缺少列 {'、'.join(absent)}；现有 {'、'.join(header)}",
                pointer=absent[0],
            )
        end = str(heads["end"])
        included = _INCLUDED.get(bracket_of(end).casefold())
        if included is None:
            raise FileRefused(
                f"{self.path.name}: write into the head {end!r} whether that day is part of the"
                " bill: end (inclusive) or end (exclusive)",
                f"{self.path.name}：请在表头 {end!r} 注明该日是否计入：结束（含）或结束（不含）",
                pointer=end,
            )
        unit = find_head(header, UNIT_WORDS)
        return _Columns(
            point=header.index(str(heads["point"])),
            start=header.index(str(heads["start"])),
            end=header.index(end),
            amount=header.index(str(heads["amount"])),
            unit=None if unit is None else header.index(unit),
            end_included=included,
            header=header,
        )

    def _bill(self, line: int, cells: list[Cell], columns: "_Columns") -> Bill:
        code = str(cells[columns.point]).strip()
        point = self.points.get(code)
        if point is None:
            raise _Fault(
                columns,
                columns.point,
                "unknown_point",
                "is no point of the site",
                "不是本厂区的测点",
            )
        if point.kind != "interval":
            raise _Fault(
                columns,
                columns.point,
                "type",
                f"is a {point.kind}: a bill needs an interval point, add one to the flow",
                f"为 {point.kind} 测点：账单需要周期量（interval）测点，请为该能流增加一个",
            )
        start_us = self._day(cells, columns, columns.start)
        end_us = self._day(cells, columns, columns.end, next_day=columns.end_included)
        if not 0 < end_us - start_us <= DAYS_MAX * _DAY_US:
            raise _Fault(
                columns, columns.end, "time", "is not after the first day", "不晚于开始日期"
            )
        if (end_us - start_us) % point.period_us or start_us % min(point.period_us, _HOUR_US):
            raise _Fault(
                columns,
                columns.end,
                "period",
                f"is no whole number of periods of {point.period_us // 60_000_000} min later: give"
                " the point a shorter period",
                f"与开始日期之间不是 {point.period_us // 60_000_000} 分钟周期的整数倍："
                "请为测点设置更短的周期",
            )
        amount = self._amount(cells, columns, point) / point.multiplier
        return Bill(line, code, list(shares(amount, start_us, end_us, point=point)))

    def _day(
        self, cells: list[Cell], columns: "_Columns", place: int, *, next_day: bool = False
    ) -> int:
        cell = cells[place]
        if isinstance(cell, float) and self.source is not None:
            cell = self.source.moment(cell)
        text = cell.isoformat(sep=" ") if isinstance(cell, datetime) else str(cell)
        try:
            return day_start_us(text, ZoneInfo(self.time_zone), next_day=next_day)
        except Unreadable as fault:
            raise _Fault(columns, place, fault.code, str(fault), fault.zh) from fault

    def _amount(self, cells: list[Cell], columns: "_Columns", point: BilledPoint) -> float:
        try:
            cell = cells[columns.amount]
            amount = _number(cell.strip() if isinstance(cell, str) else cell, None)
        except Unreadable as fault:
            raise _Fault(columns, columns.amount, fault.code, str(fault), fault.zh) from fault
        unit = "" if columns.unit is None else str(cells[columns.unit]).strip()
        unit = unit or bracket_of(columns.header[columns.amount])
        if not unit or unit == point.unit:
            return amount
        try:
            return amount * conversion(unit, point.unit)
        except NengtanError as error:
            place = columns.amount if columns.unit is None else columns.unit
            raise _Fault(
                columns, place, "unit", f": {error}", f"不能换算为 {point.unit!r}"
            ) from error


_HOUR_US = 3_600_000_000
_number = number_reader(".", "")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where everything of a bill stands."""

    point: int
    start: int
    end: int
    amount: int
    unit: int | None
    end_included: bool
    header: list[str]

    @property
    def places(self) -> tuple[int, ...]:
        """Every place that is read."""
        return (self.point, self.start, self.end, self.amount, self.unit or 0)


class _Fault(Unreadable):
    """What is wrong with one cell of a bill."""

    def __init__(self, columns: _Columns, place: int, code: str, text: str, zh: str) -> None:
        super().__init__(code, text, zh)
        self.place = place
        self.head = columns.header[place] if place < len(columns.header) else ""
