"""The rows of a file as readings, streamed: what is bad is listed with its place, never lost.

A file is CSV, gzipped or not, or an Excel workbook; its content says which, whatever its name. A
row is taken whole before the next, so a row number is a place to resume at.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

from compute.errors import NengtanError
from compute.units import conversion
from services.files.fault import BadCell, FileRefused, FileTooLarge, Unreadable
from services.files.file_map import EPOCH_FORMATS, FileMap
from services.files.source import Cell, Source, TextSource, kind_of
from services.files.times import TimeReader
from services.files.workbook import WorkbookSource

Reading: TypeAlias = tuple[str, int, float]  # point, µs since 1970 UTC, value

KEY_CHARACTERS_MAX = 100
COLUMN_COUNT_MAX = 2_000
BAD_CELL_LISTED_MAX = 1_000
# A row of sums at the end of a sheet is no reading.
_TOTALS = frozenset({"合计", "总计", "小计", "共计", "total", "totals", "sum", "grand total"})


@dataclass(slots=True)
class Tally:
    """What has been read of a file so far."""

    row_count: int = 0
    reading_count: int = 0
    missing_count: int = 0  # cells that the map calls missing
    total_count: int = 0  # rows of sums, left out
    bad_count: int = 0
    bad_cells: list[BadCell] = field(default_factory=list)  # the first 1,000
    first_ts_us: int | None = None
    last_ts_us: int | None = None


@dataclass(frozen=True, slots=True)
class RowOfReadings:
    """The readings of one row, at one instant."""

    line: int
    zone_assumed: bool  # the row says no offset from UTC
    readings: Sequence[Reading]


@dataclass(frozen=True, slots=True)
class _Column:
    """Where the values of one point stand, and how they are read."""

    index: int
    name: str
    number: Callable[[Cell, Decimal | None], float]
    scale: Decimal | None
    missing: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where everything stands that the map names."""

    values: list[_Column]
    time: list[int]
    key: int | None
    unit: int | None


class RowReader:
    """Reads one file once; `tally` and `read_bytes` tell another thread how far.

    Parameters
    ----------
    path : Path
        CSV, gzipped or not, or .xlsx.
    file_map : FileMap
        Its columns, times and points.
    units : mapping, optional
        Unit by point: rows that name another unit are converted, or refused.
    row_count_max : int, optional
        More rows are refused. A replay has no limit.
    bad_cell_count_max : int or None
        How many bad cells are listed; all are counted. None lists all.
    skips_totals : bool
        Whether a row of sums is left out instead of listed as bad.
    """

    def __init__(
        self,
        path: Path,
        file_map: FileMap,
        *,
        units: Mapping[str, str] | None = None,
        row_count_max: int | None = None,
        bad_cell_count_max: int | None = BAD_CELL_LISTED_MAX,
        skips_totals: bool = False,
    ) -> None:
        self.path = path
        self.tally = Tally()
        self.source: Source | None = None
        self._map = file_map
        self._units = units or {}
        self._row_count_max = row_count_max
        self._bad_cell_count_max = bad_cell_count_max
        self._skips_totals = skips_totals
        self._time = TimeReader(file_map)
        self._is_epoch = file_map.time.format[0] in EPOCH_FORMATS
        self._names: dict[str, tuple[str, ...]] = {}  # of the points, by key
        self._scales: dict[tuple[str, str], Decimal | None] = {}  # by unit of the row and of point

    @property
    def size_bytes(self) -> int:
        """Size of the file on the disk, packed or not; 0 before it is opened."""
        return 0 if self.source is None else self.source.size_bytes

    @property
    def read_bytes(self) -> int:
        """How much of that is read."""
        return 0 if self.source is None else self.source.read_bytes

    def batches(
        self, reading_count: int, *, after_row_count: int = 0
    ) -> Iterator[tuple[int, list[Reading]]]:
        """Yield (rows read so far, readings) of whole rows, about `reading_count` at a time.

        Rows up to `after_row_count` are read and tallied, for the order of doubled hours and the
        list of bad cells, but their readings are not yielded. The last batch may be empty.
        """
        readings: list[Reading] = []
        for row in self.rows():
            if self.tally.row_count <= after_row_count:
                continue
            readings += row.readings
            if len(readings) >= reading_count:
                yield self.tally.row_count, readings
                readings = []
        yield self.tally.row_count, readings

    def rows(self) -> Iterator[RowOfReadings]:
        """Yield every row below the header; one that has no reading has an empty sequence.

        Raises
        ------
        FileRefused
            If it cannot be read as the map says, with how far it came.
        """
        try:
            kind = kind_of(self.path)
        except OSError as fault:
            raise FileRefused(
                f"{self.path}: {fault.strerror}; check the path and its rights",
                f"{self.path}：{fault.strerror}；请检查路径与权限",
            ) from fault
        source = (WorkbookSource if kind == "workbook" else TextSource)(self.path, self._map)
        self.source = source
        rows = source.rows()
        _, cells = next(rows, (0, []))
        header = [str(name).strip() for name in cells]
        columns = self._columns(header)
        for line, cells in rows:
            if not cells:
                continue
            self.tally.row_count += 1
            if self._row_count_max is not None and self.tally.row_count > self._row_count_max:
                raise FileTooLarge(
                    f"{self.path.name} has more than {self._row_count_max} rows; split it",
                    f"{self.path.name} 超过 {self._row_count_max} 行；请拆分",
                )
            if len(cells) != len(header) and any(cells[len(header) :]):
                self._bad(
                    line,
                    "",
                    self._map.delimiter.join(map(str, cells)),
                    Unreadable(
                        "cells",
                        f"has {len(cells)} cells, the header {len(header)}; see `delimiter`",
                        f"有 {len(cells)} 格，表头 {len(header)} 格；请检查分隔符",
                    ),
                )
                yield RowOfReadings(line, zone_assumed=False, readings=())
                continue
            cells.extend([""] * (len(header) - len(cells)))
            readings = self._row(line, cells, columns, source)
            yield RowOfReadings(line, self._time.zone_assumed, readings)

    def _columns(self, header: list[str]) -> _Columns:
        """Find the columns of the map in the header."""
        file_map = self._map
        if len(header) > COLUMN_COUNT_MAX:
            raise FileTooLarge(
                f"{self.path.name} has more than {COLUMN_COUNT_MAX} columns; split it",
                f"{self.path.name} 超过 {COLUMN_COUNT_MAX} 列；请拆分",
            )
        number = number_reader(file_map.decimal, file_map.thousands)
        return _Columns(
            values=[
                _Column(
                    index=self._index(header, point.column),
                    name=point.column,
                    number=number,
                    scale=point.scale,
                    missing=frozenset(file_map.missing if point.missing is None else point.missing),
                )
                for point in file_map.points
            ],
            time=[self._index(header, name) for name in file_map.time.column],
            key=None if file_map.key is None else self._index(header, file_map.key),
            unit=None if file_map.unit is None else self._index(header, file_map.unit),
        )

    def _index(self, header: list[str], name: str) -> int:
        count = header.count(name)
        if count == 1:
            return header.index(name)
        if count > 1:
            raise FileRefused(
                f"{self.path}: column {name!r} stands {count} times in the header",
                f"{self.path}：表头中列 {name!r} 出现 {count} 次",
                pointer=name,
            )
        near = difflib.get_close_matches(name, header, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        hint_zh = f"是否为 {near[0]!r}？" if near else ""
        shown = ", ".join(repr(cell[:40]) for cell in header[:30]) or "no header at all"
        raise FileRefused(
            f"{self.path}: no column {name!r}; {hint}it has {shown}; see `delimiter`, `skip_rows`",
            f"{self.path}：没有列 {name!r}；{hint_zh}现有 {shown}；请检查分隔符与表头前的行数",
            pointer=name,
        )

    def _row(
        self, line: int, cells: list[Cell], columns: _Columns, source: Source
    ) -> Sequence[Reading]:
        key = "" if columns.key is None else str(cells[columns.key]).strip()
        try:
            ts_us = self._instant([cells[index] for index in columns.time], key, source)
        except Unreadable as fault:
            text = " ".join(str(cells[index]) for index in columns.time)
            if self._skips_totals and text.strip().casefold() in _TOTALS:
                self.tally.total_count += 1
            else:
                self._bad(line, " + ".join(self._map.time.column), text, fault)
            return ()
        if columns.key is not None and not (
            key.isprintable() and 1 <= len(key) <= KEY_CHARACTERS_MAX
        ):
            unnamed = Unreadable("missing_field", "names no meter", "没有给出表计")
            self._bad(line, str(self._map.key), key, unnamed)
            return ()
        unit = "" if columns.unit is None else str(cells[columns.unit]).strip()
        return self._readings(line, ts_us, key, unit, cells, columns)

    def _readings(
        self, line: int, ts_us: int, key: str, unit: str, cells: list[Cell], columns: _Columns
    ) -> list[Reading]:
        tally = self.tally
        readings: list[Reading] = []
        for column, name in zip(columns.values, self._point_names(key), strict=True):
            cell = cells[column.index]
            if isinstance(cell, str):
                cell = cell.strip()
                if cell in column.missing:
                    tally.missing_count += 1
                    continue
            try:
                scale = self._scale(unit, name) if unit else column.scale
                readings.append((name, ts_us, column.number(cell, scale)))
            except Unreadable as fault:
                self._bad(line, column.name, str(cell), fault)
        if readings:
            tally.reading_count += len(readings)
            if tally.first_ts_us is None or ts_us < tally.first_ts_us:
                tally.first_ts_us = ts_us
            if tally.last_ts_us is None or ts_us > tally.last_ts_us:
                tally.last_ts_us = ts_us
        return readings

    def _instant(self, cells: Sequence[Cell], key: str, source: Source) -> int:
        first = cells[0]
        if len(cells) == 1 and not isinstance(first, str):
            if isinstance(first, datetime):
                return self._time.read_moment(first, key)
            if self._is_epoch:
                return self._time.read(repr(first).removesuffix(".0"), key)
            try:
                return self._time.read_moment(source.moment(first), key)
            except (OverflowError, ValueError) as fault:
                if isinstance(fault, Unreadable):
                    raise
                raise Unreadable("time", "is no serial date", "不是有效的日期序号") from fault
        return self._time.read(" ".join(_written(cell, source) for cell in cells), key)

    def _scale(self, unit: str, point: str) -> Decimal | None:
        """Return what turns values in the unit of a row into that of its point."""
        wanted = self._units.get(point)
        if wanted is None or unit == wanted:
            return None
        if (unit, wanted) not in self._scales:
            try:
                factor = conversion(unit, wanted)
            except NengtanError as error:
                raise Unreadable(
                    "unit", f"in {unit!r}: {error}", f"的单位 {unit!r} 不能换算为 {wanted!r}"
                ) from error
            self._scales[unit, wanted] = None if factor == 1 else Decimal(repr(factor))
        return self._scales[unit, wanted]

    def _point_names(self, key: str) -> tuple[str, ...]:
        names = self._names.get(key)
        if names is None:
            names = tuple(point.point.format(key=key) for point in self._map.points)
            self._names[key] = names
        return names

    def _bad(self, line: int, column: str, value: str, fault: Unreadable) -> None:
        self.tally.bad_count += 1
        limit = self._bad_cell_count_max
        if limit is None or self.tally.bad_count <= limit:
            # Bytes that are not of the encoding are shown by their number.
            shown = value[:200].encode("utf-8", "backslashreplace").decode("utf-8")
            shown = shown.replace("\0", "\\0")
            self.tally.bad_cells.append(
                BadCell(line, column, shown, fault.code, str(fault), fault.zh)
            )


def _written(cell: Cell, source: Source) -> str:
    """Return a date or a time of day of its own column as text."""
    if isinstance(cell, str):
        return cell
    moment = cell if isinstance(cell, datetime) else source.moment(cell)
    return moment.isoformat(sep=" ").removesuffix(" 00:00:00")


def number_reader(decimal: str, thousands: str) -> Callable[[Cell, Decimal | None], float]:
    """Return the function that reads numbers and scales them, or raises Unreadable."""
    grouped = re.compile(
        rf"[+-]?\d{{1,3}}({re.escape(thousands)}\d{{3}})+({re.escape(decimal)}\d*)?"
    )

    def number(cell: Cell, scale: Decimal | None) -> float:
        text = str(cell)
        if isinstance(cell, float):
            # A workbook's number has no thousands and no comma.
            return _finite(cell if scale is None else float(Decimal(repr(cell)) * scale))
        if thousands and thousands in text:
            if grouped.fullmatch(text) is None:
                raise Unreadable(
                    "type",
                    f"has {thousands!r} in other places than between thousands",
                    f"中的 {thousands!r} 不在千位分隔处",
                )
            text = text.replace(thousands, "")
        if decimal != ".":
            if "." in text:
                raise Unreadable(
                    "type",
                    f"has a point, but the decimal sign is {decimal!r}",
                    f"含有点号，而小数点为 {decimal!r}",
                )
            text = text.replace(decimal, ".")
        # float() also reads 1_000 and full-width digits, which no meter writes on purpose.
        if "_" in text or not text.isascii():
            raise _no_number()
        try:
            value = float(text) if scale is None else float(Decimal(text) * scale)
        except (ValueError, ArithmeticError):
            raise _no_number() from None
        return _finite(value)

    return number


def _no_number() -> Unreadable:
    return Unreadable(
        "type",
        "is not a number: write digits, without separators of thousands and without a unit",
        "不是数字：请只填数字，不带千位分隔符和单位",
    )


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise Unreadable("nonfinite", "is not a finite number", "不是有限数")
    return value
