"""Excel workbooks (.xlsx): looked through before they are opened, then read by calamine.

Looked through, because a small file can hold a large one, and because calamine keeps silent about
what it cannot give: it reads a formula that was never calculated, and an error such as #REF!, as
an empty cell. Both must be errors of their cell, so their places are found first.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.parsers import expat

from compute.errors import NengtanError
from services.files.fault import FileRefused, FileTooLarge, FileTypeRefused
from services.files.file_map import FileMap
from services.files.source import Cell, Row

MEMBER_COUNT_MAX = 10_000
UNPACKED_BYTES_MAX = 200_000_000
RATIO_MAX = 100
CELL_COUNT_MAX = 10_000_000  # of the rectangle that calamine allocates
_SMALL_BYTES = 1_000_000  # below, no ratio harms
_ODD_CELL_COUNT_MAX = 100_000
_PART_BYTES = 1 << 18
_REFUSED_MEMBERS = (
    ("xl/vbaProject", "macros", "宏"),
    ("xl/externalLinks/", "links to other files", "外部链接"),
    ("xl/embeddings/", "embedded objects", "嵌入对象"),
    ("xl/activeX/", "controls", "控件"),
)
_CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - a serial date has no zone
_DAY_ZERO_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - same


class ExtraMissing(NengtanError):
    """A library of the extra `files` is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(
            f"{library} is not installed: pip install 'nengtan[files]' (未安装 {library})"
        )


@dataclass(slots=True)
class Inspection:
    """What a look through a workbook found.

    Attributes
    ----------
    sheet : str
        The sheet that is read.
    odd_cells : dict
        What stands in cells that calamine gives as empty, by (row, column) from 0.
    hidden_row_count : int
    date_1904 : bool
        Whether serial dates count from 1904.
    """

    sheet: str = ""
    odd_cells: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden_row_count: int = 0
    date_1904: bool = False


class WorkbookSource:
    """One sheet of a workbook: the one the map names, else the first that is not hidden."""

    def __init__(self, path: Path, file_map: FileMap) -> None:
        self.size_bytes = path.stat().st_size
        self.read_bytes = 0
        self.inspection = Inspection()
        self.merged: list[str] = []
        self._path = path
        self._map = file_map

    def rows(self) -> Iterator[Row]:
        """Yield the rows, header included.

        Raises
        ------
        FileRefused, FileTypeRefused, FileTooLarge
            If it is no workbook, or one that must not be opened.
        ExtraMissing
            If calamine is not installed.
        """
        try:
            from python_calamine import (  # noqa: PLC0415 - an extra
                CalamineError,
                SheetVisibleEnum,
                load_workbook,
            )
        except ImportError as error:
            raise ExtraMissing("python-calamine") from error
        members = check_archive(self._path)
        try:
            book = load_workbook(str(self._path))
            visible = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.visible == SheetVisibleEnum.Visible
            ]
            name = self._map.sheet or (visible or [""])[0]
            if name not in book.sheet_names:
                raise FileRefused(
                    f"{self._path.name} has no sheet {name!r}; it has"
                    f" {', '.join(book.sheet_names)}",
                    f"{self._path.name} 没有工作表 {name!r}；现有：{'、'.join(book.sheet_names)}",
                    pointer="sheet",
                )
            self.inspection = inspect_sheet(self._path, members, name)
            sheet = book.get_sheet_by_name(name)
        except CalamineError as error:
            raise _broken(self._path, error) from error
        self.merged = [_range(*corners) for corners in sheet.merged_cell_ranges or ()]
        first_column = sheet.start[1] if sheet.start else 0
        odd = self.inspection.odd_cells
        total = max(sheet.total_height, 1)
        for row, cells in enumerate(sheet.iter_rows()):
            if row < self._map.skip_rows:
                continue
            line: list[Cell] = [""] * first_column
            line += [_plain(cell) for cell in cells]
            if odd:
                for column in range(len(line)):
                    line[column] = odd.get((row, column), line[column])
            self.read_bytes = self.size_bytes * row // total
            # A row without any cell is no row, as an empty line of text is none.
            yield row + 1, line if any(cell != "" for cell in line) else []
        self.read_bytes = self.size_bytes

    def moment(self, serial: float) -> datetime:
        """Return the instant that a serial date stands for, to the millisecond."""
        zero = _DAY_ZERO_1904 if self.inspection.date_1904 else _DAY_ZERO
        return zero + timedelta(milliseconds=round(serial * 86_400_000))


def _plain(cell: Any) -> Cell:  # noqa: ANN401 - what calamine gives
    if isinstance(cell, datetime):
        # A double of days holds no more than milliseconds: what is left is noise.
        return cell + timedelta(microseconds=round(cell.microsecond, -3) - cell.microsecond)
    if isinstance(cell, str | float):
        return cell
    # Booleans, times of day and spans are no readings: their words are refused as such.
    return str(cell)


def _range(first: tuple[int, int], last: tuple[int, int]) -> str:
    return f"{_address(*first)}:{_address(*last)}"


def _address(row: int, column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def _broken(path: Path, error: Exception) -> FileRefused:
    return FileRefused(
        f"{path.name} cannot be read as an Excel workbook: {error}; save it anew as .xlsx",
        f"{path.name} 无法作为 Excel 工作簿读取：{error}；请重新另存为 .xlsx",
    )


def check_archive(path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the members of a workbook, after unpacking each to see how large it is.

    What the archive says of itself is not believed.

    Raises
    ------
    FileTypeRefused
        If it is no .xlsx, or holds what is not taken: macros, links, embedded objects.
    FileTooLarge
        If it unpacks to too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > MEMBER_COUNT_MAX:
                raise _too_large(path, f"{len(infos)} parts", f"{len(infos)} 个部分")
            members = {info.filename: info for info in infos}
            _check_members(path, members)
        size = 0
        with path.open("rb") as raw:
            for info in infos:
                for part in _unpacked(raw, info):
                    size += len(part)
                    packed = max(path.stat().st_size, 1)
                    if size > UNPACKED_BYTES_MAX or (
                        size > _SMALL_BYTES and size > RATIO_MAX * packed
                    ):
                        raise _too_large(path, f"{size} bytes unpacked", f"解压后 {size} 字节")
                    # An entity is refused before any parser could expand it.
                    if b"<!DOCTYPE" in part or b"<!ENTITY" in part:
                        raise FileRefused(
                            f"{path.name}: {info.filename} declares entities; no Excel does",
                            f"{path.name}：{info.filename} 声明了实体，Excel 文件不会如此",
                        )
    # zipfile raises RuntimeError for a way of packing, or a password, that it cannot undo.
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as error:
        raise _broken(path, error) from error
    return members


def _check_members(path: Path, members: dict[str, zipfile.ZipInfo]) -> None:
    if "xl/workbook.xml" not in members or "[Content_Types].xml" not in members:
        raise FileTypeRefused(
            f"{path.name} is a ZIP, and no Excel file of the form .xlsx; send CSV or .xlsx",
            f"{path.name} 是 ZIP，但不是 .xlsx 格式的 Excel 文件；请提供 CSV 或 .xlsx",
        )
    for start, what, what_zh in _REFUSED_MEMBERS:
        if any(name.lower().startswith(start.lower()) for name in members):
            raise FileTypeRefused(
                f"{path.name} holds {what}; save it as a plain .xlsx without them",
                f"{path.name} 含有{what_zh}；请另存为不含它们的 .xlsx",
            )


def _too_large(path: Path, what: str, what_zh: str) -> FileTooLarge:
    return FileTooLarge(
        f"{path.name}: {what}; a workbook may have {UNPACKED_BYTES_MAX} bytes, {RATIO_MAX} times"
        " its own size: split it, or send CSV",
        f"{path.name}：{what_zh}；上限 {UNPACKED_BYTES_MAX} 字节且不超过自身 {RATIO_MAX} 倍："
        "请拆分或改用 CSV",
    )


def _unpacked(raw: Any, info: zipfile.ZipInfo) -> Iterator[bytes]:  # noqa: ANN401 - a binary file
    """Yield what a member really unpacks to, whatever size it states."""
    raw.seek(info.header_offset + 26)
    lengths = raw.read(4)
    name_length, extra_length = (
        int.from_bytes(lengths[:2], "little"),
        int.from_bytes(lengths[2:], "little"),
    )
    raw.seek(info.header_offset + 30 + name_length + extra_length)
    left = info.compress_size
    unpack = zlib.decompressobj(-15) if info.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (part := raw.read(min(left, _PART_BYTES))):
        left -= len(part)
        if unpack is None:
            yield part
            continue
        while part:
            yield unpack.decompress(part, _PART_BYTES)
            part = unpack.unconsumed_tail


def inspect_sheet(path: Path, members: dict[str, zipfile.ZipInfo], name: str) -> Inspection:
    """Look through one sheet for what calamine does not give.

    Raises
    ------
    FileTooLarge
        If its cells span more than is allocated at once.
    FileRefused
        If it is not well-formed.
    """
    found = Inspection(sheet=name)
    try:
        with zipfile.ZipFile(path) as archive:
            member = _member_of(archive, members, name, found)
            if member is None:
                return found
            scan = _Scan(path, found)
            with archive.open(member) as content:
                scan.run(content)
    except (expat.ExpatError, zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise _broken(path, error) from error
    return found


def _member_of(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str, found: Inspection
) -> str | None:
    """Return the part that holds a sheet; notes on the way from when dates are counted."""
    relation = ""

    def workbook(tag: str, attributes: dict[str, str]) -> None:
        nonlocal relation
        tag = tag.rpartition(":")[2]
        if tag == "workbookPr":
            found.date_1904 = attributes.get("date1904", "0") in {"1", "true"}
        elif tag == "sheet" and attributes.get("name") == name:
            relation = next((v for k, v in attributes.items() if k.endswith(":id")), "")

    targets: dict[str, str] = {}

    def relations(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    for member, handler in (
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", relations),
    ):
        parser = expat.ParserCreate()
        parser.StartElementHandler = handler
        parser.Parse(archive.read(member), True)
    target = targets.get(relation, "")
    target = target[1:] if target.startswith("/") else f"xl/{target}"
    return target if target in members else None


class _Scan:
    """Passes over every cell of a sheet: its extent, its errors, its formulas without a value."""

    def __init__(self, path: Path, found: Inspection) -> None:
        self._path = path
        self._found = found
        self._extent = [1 << 30, -1, 1 << 30, -1]  # first and last row, first and last column
        self._cell = (0, 0)
        self._kind = ""
        self._has_formula = False
        self._value = ""
        self._collects = False
        self._row = -1

    def run(self, content: Any) -> None:  # noqa: ANN401 - a binary file
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        while part := content.read(_PART_BYTES):
            parser.Parse(part)
        parser.Parse(b"", True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag.endswith("row"):
            self._row += 1
            if (number := attributes.get("r")) is not None and number.isdecimal():
                self._row = int(number) - 1
            self._cell = (self._row, -1)
            self._found.hidden_row_count += attributes.get("hidden") in {"1", "true"}
        elif tag in {"c", "x:c"}:
            self._place(attributes.get("r"))
            self._kind = attributes.get("t", "n")
            self._has_formula = False
            self._value = ""
        elif tag in {"f", "x:f"}:
            self._has_formula = True
        elif tag in {"v", "x:v", "is", "x:is"}:
            self._collects = True

    def _place(self, address: str | None) -> None:
        row, column = self._row, self._cell[1] + 1
        if address is not None:
            match = _CELL.fullmatch(address)
            if match is None:
                raise FileRefused(
                    f"{self._path.name}: {address[:20]!r} is no address of a cell",
                    f"{self._path.name}：{address[:20]!r} 不是单元格地址",
                )
            column = 0
            for letter in match[1]:
                column = column * 26 + ord(letter) - ord("A") + 1
            row, column = int(match[2]) - 1, column - 1
        self._cell = (row, column)
        extent = self._extent
        extent[0] = min(extent[0], row)
        extent[1] = max(extent[1], row)
        extent[2] = min(extent[2], column)
        extent[3] = max(extent[3], column)
        if (extent[1] - extent[0] + 1) * (extent[3] - extent[2] + 1) > CELL_COUNT_MAX:
            raise _too_large(
                self._path, f"more than {CELL_COUNT_MAX} cells", f"超过 {CELL_COUNT_MAX} 个单元格"
            )

    def _text(self, text: str) -> None:
        if self._collects and len(self._value) < 40:
            self._value += text

    def _end(self, tag: str) -> None:
        if tag in {"v", "x:v", "is", "x:is"}:
            self._collects = False
        elif tag in {"c", "x:c"}:
            odd = ""
            if self._kind == "e":
                odd = self._value or "#ERROR"
            elif self._has_formula and not self._value and self._kind != "str":
                odd = "=…"
            if odd:
                if len(self._found.odd_cells) >= _ODD_CELL_COUNT_MAX:
                    raise FileRefused(
                        f"{self._path.name}: more than {_ODD_CELL_COUNT_MAX} cells are errors or"
                        " formulas without a value; open it in Excel and save it",
                        f"{self._path.name}：错误值或无缓存值的公式超过 {_ODD_CELL_COUNT_MAX} 个；"
                        "请用 Excel 打开后保存",
                    )
                self._found.odd_cells[self._cell] = odd
