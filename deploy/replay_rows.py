"""The rows of a CSV file as readings, streamed: what is bad is listed with its place, never lost.

The file may be gzipped (known by its first bytes, whatever its name) and of any size; one line at
a time is in memory. A row is taken whole before the next, so a row number is a place to resume at.
"""

import csv
import difflib
import gzip
import io
import math
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, cast

from compute.errors import NengtanError
from deploy.message import Reading
from deploy.replay_map import ReplayMap
from deploy.replay_time import TimeReader

LINE_CHARACTERS_MAX = 1_000_000
KEY_CHARACTERS_MAX = 100
BAD_CELL_LISTED_MAX = 1_000
_NOT_CSV = {
    b"PK\x03\x04": "is a ZIP or an Excel file; save it as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel file; save it as CSV",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it or use gzip",
    b"BZh": "is compressed with bzip2; unpack it or use gzip",
    b"\xfd7zXZ": "is compressed with xz; unpack it or use gzip",
}


class FileRefused(NengtanError):
    """The file cannot be read as the map says; what was read before stays valid."""


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell, or with an empty `column` a row, that became no reading."""

    line: int  # of the file, from 1
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        """Return place, value and reason in one line."""
        column = f", column {self.column!r}" if self.column else ""
        return f"line {self.line}{column}: {self.value!r} {self.reason}"


@dataclass(slots=True)
class Tally:
    """What has been read of a file so far."""

    row_count: int = 0
    reading_count: int = 0
    missing_count: int = 0  # cells that the map calls missing
    bad_count: int = 0
    bad_cells: list[BadCell] = field(default_factory=list)  # the first 1,000
    first_ts_us: int | None = None
    last_ts_us: int | None = None


@dataclass(frozen=True, slots=True)
class _Column:
    """Where the values of one point stand, and how they are read."""

    index: int
    name: str
    point: str
    number: Callable[[str], float]
    missing: frozenset[str]


class RowReader:
    """Reads one file once, in batches; `tally` and `read_bytes` tell another thread how far.

    Parameters
    ----------
    path : Path
        The CSV file, gzipped or not.
    replay_map : ReplayMap
        Its columns, times and points.
    """

    def __init__(self, path: Path, replay_map: ReplayMap) -> None:
        self.path = path
        self.tally = Tally()
        self._map = replay_map
        self._time = TimeReader(replay_map)
        self.size_bytes = 0  # of the file on the disk, packed or not
        self.read_bytes = 0  # taken from there
        self._names: dict[str, tuple[str, ...]] = {}  # of the points, by key

    def batches(
        self, reading_count: int, *, after_row_count: int = 0
    ) -> Iterator[tuple[int, list[Reading]]]:
        """Yield (rows read so far, readings) of whole rows, about `reading_count` at a time.

        Rows up to `after_row_count` are read and tallied, for the order of doubled hours and the
        list of bad cells, but their readings are not yielded. The last batch may be empty.
        """
        readings: list[Reading] = []
        try:
            with self.path.open("rb") as raw:
                self.size_bytes = raw.seek(0, io.SEEK_END)
                with _text(raw, self._map.encoding, self.path) as text:
                    for row in self._rows(text):
                        if not self.tally.row_count % 4096:
                            self.read_bytes = raw.tell()
                        if self.tally.row_count <= after_row_count:
                            continue
                        readings += row
                        if len(readings) >= reading_count:
                            yield self.tally.row_count, readings
                            readings = []
        except (OSError, EOFError, zlib.error) as fault:
            raise FileRefused(f"{self._place()}: {fault}; the file is cut, damaged or gone") from (
                fault
            )
        except UnicodeError as fault:
            raise FileRefused(
                f"{self._place()}: not {self._map.encoding}: {fault}; give `encoding` in the map"
            ) from fault
        self.read_bytes = self.size_bytes
        yield self.tally.row_count, readings

    def _place(self) -> str:
        return f"{self.path}, after {self.tally.row_count} rows"

    def _rows(self, text: io.TextIOWrapper) -> Iterator[Sequence[Reading]]:
        """Yield the readings of every row, an empty sequence for a row that has none."""
        lines = _lines(text, self.path)
        for _ in range(self._map.skip_rows):
            next(lines, None)
        reader = csv.reader(lines, delimiter=self._map.delimiter)
        try:
            header = [name.strip() for name in next(reader, [])]
            columns, time_indexes, key_index = self._columns(header)
            for cells in reader:
                if not cells:
                    continue
                self.tally.row_count += 1
                line = self._map.skip_rows + reader.line_num
                if len(cells) != len(header) and any(cells[len(header) :]):
                    reason = f"has {len(cells)} cells, the header {len(header)}; see `delimiter`"
                    self._bad(line, "", self._map.delimiter.join(cells), reason)
                    yield ()
                else:
                    cells.extend([""] * (len(header) - len(cells)))
                    yield self._row(line, cells, columns, time_indexes, key_index)
        except csv.Error as fault:
            raise FileRefused(f"{self._place()}: {fault}; see quotes and `delimiter`") from fault

    def _columns(self, header: list[str]) -> tuple[list[_Column], list[int], int | None]:
        """Find the columns of the map in the header."""
        file_map = self._map
        columns = []
        for point in file_map.points:
            missing = file_map.missing if point.missing is None else point.missing
            columns.append(
                _Column(
                    index=self._index(header, point.column),
                    name=point.column,
                    point=point.point,
                    number=_number_reader(file_map.decimal, file_map.thousands, point.scale),
                    missing=frozenset(missing),
                )
            )
        time_indexes = [self._index(header, name) for name in file_map.time.column]
        key_index = None if file_map.key is None else self._index(header, file_map.key)
        return columns, time_indexes, key_index

    def _index(self, header: list[str], name: str) -> int:
        count = header.count(name)
        if count == 1:
            return header.index(name)
        if count > 1:
            raise FileRefused(f"{self.path}: column {name!r} stands {count} times in the header")
        near = difflib.get_close_matches(name, header, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        shown = ", ".join(repr(cell[:40]) for cell in header[:30]) or "no header at all"
        raise FileRefused(
            f"{self.path}: no column {name!r}; {hint}it has {shown}; see `delimiter`, `skip_rows`"
        )

    def _row(
        self,
        line: int,
        cells: list[str],
        columns: list[_Column],
        time_indexes: list[int],
        key_index: int | None,
    ) -> Sequence[Reading]:
        tally = self.tally
        time_text = cells[time_indexes[0]]
        if len(time_indexes) > 1:
            time_text = " ".join(cells[index] for index in time_indexes)
        key = "" if key_index is None else cells[key_index].strip()
        try:
            ts_us = self._time.read(time_text, key)
        except ValueError as fault:
            self._bad(line, " + ".join(self._map.time.column), time_text, str(fault))
            return ()
        if key_index is not None and not (
            key.isprintable() and 1 <= len(key) <= KEY_CHARACTERS_MAX
        ):
            self._bad(line, str(self._map.key), key, "names no meter")
            return ()
        readings: list[Reading] = []
        for column, name in zip(columns, self._point_names(key), strict=True):
            text = cells[column.index].strip()
            if text in column.missing:
                tally.missing_count += 1
                continue
            try:
                readings.append((name, ts_us, column.number(text)))
            except ValueError as fault:
                self._bad(line, column.name, text, str(fault))
        if readings:
            tally.reading_count += len(readings)
            if tally.first_ts_us is None or ts_us < tally.first_ts_us:
                tally.first_ts_us = ts_us
            if tally.last_ts_us is None or ts_us > tally.last_ts_us:
                tally.last_ts_us = ts_us
        return readings

    def _point_names(self, key: str) -> tuple[str, ...]:
        names = self._names.get(key)
        if names is None:
            names = tuple(point.point.format(key=key) for point in self._map.points)
            self._names[key] = names
        return names

    def _bad(self, line: int, column: str, value: str, reason: str) -> None:
        self.tally.bad_count += 1
        if len(self.tally.bad_cells) < BAD_CELL_LISTED_MAX:
            # Bytes that are not of the encoding are shown by their number.
            shown = value[:200].encode("utf-8", "backslashreplace").decode("utf-8")
            self.tally.bad_cells.append(BadCell(line, column, shown, reason))


def _text(raw: IO[bytes], encoding: str, path: Path) -> io.TextIOWrapper:
    """Open the text inside the file, unpacked and without a byte order mark."""
    raw.seek(0)
    start = raw.read(8)
    raw.seek(0)
    for magic, reason in _NOT_CSV.items():
        if start.startswith(magic):
            raise FileRefused(f"{path} {reason}")
    packed = start.startswith(b"\x1f\x8b")
    content = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
    plain = encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
    if plain and start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise FileRefused(f"{path} is UTF-16; give `encoding: utf-16` in the map")
    # A cell with foreign bytes is listed as bad by itself, and only if the map needs it.
    return io.TextIOWrapper(
        content,
        encoding="utf-8-sig" if plain else encoding,
        errors="surrogateescape",
        newline="",
    )


def _lines(text: io.TextIOWrapper, path: Path) -> Iterator[str]:
    while line := text.readline(LINE_CHARACTERS_MAX):
        if len(line) >= LINE_CHARACTERS_MAX:
            raise FileRefused(
                f"{path}: a line is longer than {LINE_CHARACTERS_MAX} characters; is it CSV?"
            )
        yield line


def _number_reader(decimal: str, thousands: str, scale: Decimal | None) -> Callable[[str], float]:
    """Return the function that reads the numbers of one column, or raises ValueError."""
    grouped = re.compile(
        rf"[+-]?\d{{1,3}}({re.escape(thousands)}\d{{3}})+({re.escape(decimal)}\d*)?"
    )

    def number(text: str) -> float:
        if thousands and thousands in text:
            if grouped.fullmatch(text) is None:
                raise ValueError(f"has {thousands!r} in other places than between thousands")
            text = text.replace(thousands, "")
        if decimal != ".":
            if "." in text:
                raise ValueError(f"has a point, but the decimal sign is {decimal!r}")
            text = text.replace(decimal, ".")
        # float() also reads 1_000 and full-width digits, which no meter writes on purpose.
        if "_" in text or not text.isascii():
            raise ValueError("is not a number")
        try:
            value = float(text) if scale is None else float(Decimal(text) * scale)
        except (ValueError, ArithmeticError):
            raise ValueError("is not a number") from None
        if not math.isfinite(value):
            raise ValueError("is not a finite number")
        return value

    return number
