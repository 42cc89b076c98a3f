"""From a file to its rows of cells: what it is, by its content, and how it is opened.

Packed files are unpacked as they are read, with a limit on what they may become.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Literal, Protocol, TypeAlias, cast

from services.files.fault import FileRefused, FileTooLarge, FileTypeRefused
from services.files.file_map import FileMap

# A number or an instant without a zone is what a workbook holds as such; text is as it is written.
Cell: TypeAlias = str | float | datetime
Row: TypeAlias = tuple[int, list[Cell]]  # line of the file, from 1, and its cells
Kind: TypeAlias = Literal["text", "gzip", "workbook"]

LINE_CHARACTERS_MAX = 1_000_000
UNPACKED_BYTES_MAX = 2_000_000_000
_START_BYTES = 4096
_OTHER_KINDS = {
    b"\xd0\xcf\x11\xe0": (
        "is an old or an encrypted Excel file; save it as .xlsx without a password",
        "是旧版或加密的 Excel 文件；请另存为无密码的 .xlsx",
    ),
    b"\x28\xb5\x2f\xfd": (
        "is compressed with zstd; unpack it or use gzip",
        "是 zstd 压缩文件；请解压或改用 gzip",
    ),
    b"BZh": ("is compressed with bzip2; unpack it or use gzip", "是 bzip2 压缩文件；请解压"),
    b"\xfd7zXZ": ("is compressed with xz; unpack it or use gzip", "是 xz 压缩文件；请解压"),
    b"\x89PNG": ("is a picture; send CSV or .xlsx", "是图片；请提供 CSV 或 .xlsx"),
    b"%PDF": ("is a PDF; send CSV or .xlsx", "是 PDF；请提供 CSV 或 .xlsx"),
}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Source(Protocol):
    """An opened file: its rows, once, and how far they are read."""

    size_bytes: int
    read_bytes: int

    def rows(self) -> Iterator[Row]:
        """Yield the rows, header included."""

    def moment(self, serial: float) -> datetime:
        """Return the instant that a number stands for in a column of times."""


def kind_of(path: Path) -> Kind:
    """Return what a file is, by its first bytes.

    Raises
    ------
    FileTypeRefused
        If it is nothing that is read.
    """
    with path.open("rb") as raw:
        start = raw.read(_START_BYTES)
    for magic, (reason, reason_zh) in _OTHER_KINDS.items():
        if start.startswith(magic):
            raise FileTypeRefused(f"{path.name} {reason}", f"{path.name} {reason_zh}")
    if start.startswith(b"PK\x03\x04"):
        return "workbook"
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if b"\0" in start and not start.startswith(_UTF_16):
        raise FileTypeRefused(
            f"{path.name} is no text; send CSV or .xlsx (UTF-16 needs its byte order mark)",
            f"{path.name} 不是文本；请提供 CSV 或 .xlsx（UTF-16 需带字节序标记）",
        )
    return "text"


def _open_plain(raw: IO[bytes], kind: Kind) -> IO[bytes]:
    raw.seek(0)
    return cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if kind == "gzip" else raw


def detect_encoding(path: Path) -> str:
    """Return the encoding of a text file: by its mark, else UTF-8, else GB 18030.

    The whole file is read, for a file that is UTF-8 to its last line but one is not UTF-8.

    Raises
    ------
    FileRefused
        If it is neither.
    """
    kind = kind_of(path)
    with path.open("rb") as raw:
        content = _open_plain(raw, kind)
        start = content.read(4)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if start.startswith(_UTF_16):
        return "utf-16"
    fault: UnicodeError | None = None
    for encoding in ("utf-8", "gb18030"):
        try:
            with path.open("rb") as raw:
                _decode_all(_open_plain(raw, kind), encoding, path)
        except UnicodeError as error:
            fault = error
        else:
            return encoding
    raise FileRefused(
        f"{path.name} is neither UTF-8 nor GB 18030: {fault}; name its encoding in the map",
        f"{path.name} 既非 UTF-8 也非 GB 18030：{fault}；请在映射中给出编码",
        pointer="encoding",
    )


def _decode_all(content: IO[bytes], encoding: str, path: Path) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    total = 0
    try:
        while part := content.read(1 << 18):
            total += len(part)
            if total > UNPACKED_BYTES_MAX:
                raise _unpacks_too_far(path)
            decoder.decode(part)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path.name, error) from error
    decoder.decode(b"", final=True)


def _unpacks_too_far(path: Path) -> FileTooLarge:
    return FileTooLarge(
        f"{path.name} is more than {UNPACKED_BYTES_MAX} bytes unpacked; split it",
        f"{path.name} 解压后超过 {UNPACKED_BYTES_MAX} 字节；请拆分",
    )


def _damaged(place: str, error: Exception) -> FileRefused:
    return FileRefused(
        f"{place}: {error}; the file is cut, damaged or gone",
        f"{place}：{error}；文件被截断、损坏或已不存在",
    )


class TextSource:
    """A CSV file, gzipped or not; one line at a time is in memory."""

    def __init__(self, path: Path, file_map: FileMap) -> None:
        self.size_bytes = 0  # of the file on the disk, packed or not
        self.read_bytes = 0  # taken from there
        self._path = path
        self._map = file_map
        self._row_count = 0

    def _place(self) -> str:
        return f"{self._path}, after {self._row_count} rows"

    def moment(self, serial: float) -> datetime:
        """Never asked: in text, every cell is text."""
        raise AssertionError(f"{serial} is no cell of a text file")

    def rows(self) -> Iterator[Row]:
        """Yield the rows, header included.

        Raises
        ------
        FileRefused
            With how far it came.
        """
        encoding = self._map.encoding
        try:
            kind = kind_of(self._path)
            with self._path.open("rb") as raw:
                self.size_bytes = raw.seek(0, io.SEEK_END)
                with _text(raw, kind, encoding, self._path) as text:
                    yield from self._table(text, raw.tell)
        except (OSError, EOFError, zlib.error) as fault:
            raise _damaged(self._place(), fault) from fault
        except UnicodeError as fault:
            raise FileRefused(
                f"{self._place()}: not {encoding}: {fault}; give `encoding` in the map",
                f"{self._place()}：不是 {encoding}：{fault}；请在映射中给出 encoding",
            ) from fault
        self.read_bytes = self.size_bytes

    def _table(self, text: io.TextIOWrapper, tell: Callable[[], int]) -> Iterator[Row]:
        lines = _lines(text, self._path)
        for _ in range(self._map.skip_rows):
            next(lines, None)
        reader = csv.reader(lines, delimiter=self._map.delimiter)
        try:
            for cells in reader:
                if not self._row_count % 4096:
                    self.read_bytes = tell()
                yield self._map.skip_rows + reader.line_num, cast("list[Cell]", cells)
                self._row_count += 1
        except csv.Error as fault:
            raise FileRefused(
                f"{self._place()}: {fault}; see quotes and `delimiter`",
                f"{self._place()}：{fault}；请检查引号与分隔符",
            ) from fault


def _text(raw: IO[bytes], kind: Kind, encoding: str, path: Path) -> io.TextIOWrapper:
    """Open the text inside the file, unpacked and without a byte order mark."""
    content = _open_plain(raw, kind)
    plain = encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
    if plain and content.read(2) in _UTF_16:
        raise FileRefused(
            f"{path} is UTF-16; give `encoding: utf-16` in the map",
            f"{path} 是 UTF-16；请在映射中给出 encoding: utf-16",
        )
    # A cell with foreign bytes is listed as bad by itself, and only if the map needs it.
    return io.TextIOWrapper(
        _open_plain(raw, kind),
        encoding="utf-8-sig" if plain else encoding,
        errors="surrogateescape",
        newline="",
    )


def _lines(text: io.TextIOWrapper, path: Path) -> Iterator[str]:
    total = 0
    while line := text.readline(LINE_CHARACTERS_MAX):
        total += len(line)
        if len(line) >= LINE_CHARACTERS_MAX:
            raise FileRefused(
                f"{path}: a line is longer than {LINE_CHARACTERS_MAX} characters; is it CSV?",
                f"{path}：有一行超过 {LINE_CHARACTERS_MAX} 个字符；是 CSV 吗？",
            )
        if total > UNPACKED_BYTES_MAX:
            raise _unpacks_too_far(path)
        if "\0" in line:
            raise FileRefused(
                f"{path}: a line holds the character U+0000; save the file as text",
                f"{path}：有一行含空字符 U+0000；请保存为文本",
            )
        yield line
