"""Tables out, as CSV, workbooks or Parquet: into a file, which is sent when it is whole.

Only a batch of rows is in memory, and nobody who reads slowly holds up the database. A text that a
spreadsheet would take for a formula begins with an apostrophe; a time is text of ISO 8601 with its
offset, in every format.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from services.files.workbook import ExtraMissing

Format: TypeAlias = Literal["csv", "xlsx", "parquet"]
ColumnKind: TypeAlias = Literal["text", "number", "integer"]

MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# A sheet ends at 1,048,576 rows; the table goes on in the next one.
SHEET_ROWS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head and what its cells are. None is an empty cell."""

    name: str
    kind: ColumnKind = "text"


Batch: TypeAlias = Sequence[Sequence[object]]  # rows of a table


def neutral(text: str) -> str:
    """Return a text as a spreadsheet shows it and never computes it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_block(rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as lines of CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(
        [neutral(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    return text.getvalue().encode()


async def write_file(
    path: Path,
    columns: Sequence[Column],
    batches: AsyncIterator[Batch],
    *,
    form: Format,
    about: Sequence[tuple[str, str]],
) -> int:
    """Write a table to a file and return the number of its rows.

    Parameters
    ----------
    path : Path
    columns : sequence of Column
    batches : async iterator of rows
    form : "csv", "xlsx" or "parquet"
    about : sequence of (name, text)
        What is said of the whole table: a sheet of its own, or the metadata of the file. CSV has no
        place for it.

    Raises
    ------
    ExtraMissing
        If the library of the format is not installed.
    """
    kinds: dict[Format, Callable[..., _Writer]] = {
        "csv": _CsvFile,
        "xlsx": _Workbook,
        "parquet": _Parquet,
    }
    writer = kinds[form](path, columns, about)
    count = 0
    try:
        async for batch in batches:
            await asyncio.to_thread(writer.add, batch)
            count += len(batch)
    finally:
        await asyncio.to_thread(writer.close)
    return count


class _Writer(Protocol):
    def add(self, batch: Batch) -> None: ...
    def close(self) -> None: ...


class _CsvFile:
    def __init__(
        self, path: Path, columns: Sequence[Column], about: Sequence[tuple[str, str]]
    ) -> None:
        del about
        self._file = path.open("wb")
        self._file.write(b"\xef\xbb\xbf" + csv_block([[column.name for column in columns]]))

    def add(self, batch: Batch) -> None:
        self._file.write(csv_block(batch))

    def close(self) -> None:
        self._file.close()


class _Exact(float):
    """A number that goes into a workbook as it is: the library would round it to 16 digits."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        del form
        return repr(float(self))


class _Workbook:
    def __init__(
        self, path: Path, columns: Sequence[Column], about: Sequence[tuple[str, str]]
    ) -> None:
        try:
            import xlsxwriter  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ExtraMissing("xlsxwriter") from error
        # One row is in memory at a time; text that looks like a formula or a link stays text.
        self._book = xlsxwriter.Workbook(
            path,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._columns = columns
        self._about = about
        self._row = 0
        self._sheet: Any = None
        self._add_sheet()

    def _add_sheet(self) -> None:
        self._sheet = self._book.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        for place, column in enumerate(self._columns):
            self._sheet.write_string(0, place, neutral(column.name))
        self._row = 1

    def add(self, batch: Batch) -> None:
        for row in batch:
            if self._row > SHEET_ROWS_MAX:
                self._add_sheet()
            for place, cell in enumerate(row):
                if isinstance(cell, str):
                    self._sheet.write_string(self._row, place, neutral(cell))
                elif cell is not None:
                    exact = _Exact(cell) if isinstance(cell, float) else cell
                    self._sheet.write_number(self._row, place, exact)
            self._row += 1

    def close(self) -> None:
        sheet = self._book.add_worksheet("说明 about")
        for row, (name, text) in enumerate(self._about):
            sheet.write_string(row, 0, neutral(name))
            sheet.write_string(row, 1, neutral(text))
        self._book.close()


class _Parquet:
    def __init__(
        self, path: Path, columns: Sequence[Column], about: Sequence[tuple[str, str]]
    ) -> None:
        try:
            import pyarrow  # noqa: ICN001, PLC0415 - an extra
            from pyarrow import parquet  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ExtraMissing("pyarrow") from error
        types = {
            "text": pyarrow.string(),
            "number": pyarrow.float64(),
            "integer": pyarrow.int64(),
        }
        self._schema = pyarrow.schema(
            [(column.name, types[column.kind]) for column in columns], metadata=dict(about)
        )
        self._table: Callable[..., Any] = pyarrow.Table.from_arrays
        self._array: Callable[..., Any] = pyarrow.array
        self._writer = parquet.ParquetWriter(path, self._schema)

    def add(self, batch: Batch) -> None:
        if not batch:
            return
        arrays = [
            self._array(list(cells), type=field.type)
            for cells, field in zip(zip(*batch, strict=True), self._schema, strict=True)
        ]
        self._writer.write_table(self._table(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()
