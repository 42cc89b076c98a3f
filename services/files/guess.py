"""The map of a file that follows the template: found from its header, or refused with a reason.

The template has one column of times and one column for each point, headed `CODE [unit]`; or, in
the long form, columns of time, point, value and unit. Anything else needs a map of its own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from compute.errors import NengtanError
from compute.quantities import hint
from compute.units import conversion
from services.files.fault import FileRefused
from services.files.file_map import WRITTEN, FileMap, PointMap, TimeMap
from services.files.source import Cell, TextSource, detect_encoding, kind_of
from services.files.workbook import WorkbookSource

TIME_WORDS = ("时间", "time", "timestamp", "datetime", "日期时间", "采集时间", "抄表时间", "时刻")
DATE_WORDS = ("日期", "date")
POINT_WORDS = ("测点", "point", "表计", "meter", "表号")
VALUE_WORDS = ("数值", "value", "读数", "reading", "示数", "用量", "amount")
UNIT_WORDS = ("单位", "unit")
REMARK_WORDS = ("备注", "remark", "remarks", "note", "notes", "序号", "no.", "#", "")
HEADER_ROWS_MAX = 20
_HEAD = re.compile(r"(?P<name>.*?)\s*[\[(（【](?P<unit>[^\])）】]*)[\])）】]\s*", re.DOTALL)
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Guess:
    """What a file's header says, and what was assumed.

    `zone_assumed` is whether the times have no zone of their own in the header: that of the site
    was taken, and readings say so.
    """

    file_map: FileMap
    zone_assumed: bool


def guess_map(path: Path, *, units: Mapping[str, str], zone: str, sheet: str | None) -> Guess:
    """Return the map of a file that follows the template.

    Parameters
    ----------
    path : Path
    units : mapping
        Unit by code of every point of the site.
    zone : str
        Of the site, for times without a zone.
    sheet : str or None
        Of a workbook.

    Raises
    ------
    FileRefused
        If no header is found, or a column is of no point, twice, or of another dimension.
    """
    if kind_of(path) == "workbook":
        encoding, delimiter = "utf-8", ","
        rows = _first_rows(path, FileMap(time=_ANY_TIME, points=_ANY_POINT, sheet=sheet))
    else:
        encoding = detect_encoding(path)
        delimiter, rows = _delimited(path, encoding)
    found = _header(rows)
    if found is None:
        raise _no_header(path, rows)
    line, header = found
    return _guess(
        path,
        header,
        units=units,
        zone=zone,
        more={
            "encoding": encoding,
            "delimiter": delimiter,
            "skip_rows": line - 1,
            "sheet": sheet,
        },
    )


_ANY_TIME = TimeMap(column=("time",), format=(WRITTEN,), zone="UTC")
_ANY_POINT = (PointMap(column="value", point="any"),)


def _header(rows: Sequence[tuple[int, list[Cell]]]) -> tuple[int, list[str]] | None:
    """Return the first row that names a column of times, with its line."""
    for line, cells in rows:
        header = [str(cell).strip() for cell in cells]
        if find_head(header, (*TIME_WORDS, *DATE_WORDS)) is not None:
            return line, header
    return None


def _first_rows(path: Path, file_map: FileMap) -> list[tuple[int, list[Cell]]]:
    source = (WorkbookSource if kind_of(path) == "workbook" else TextSource)(path, file_map)
    return list(islice(source.rows(), HEADER_ROWS_MAX))


def _delimited(path: Path, encoding: str) -> tuple[str, list[tuple[int, list[Cell]]]]:
    """Return the delimiter that parts the header, and the first rows by it."""
    best: tuple[int, str, list[tuple[int, list[Cell]]]] = (0, ",", [])
    for delimiter in _DELIMITERS:
        file_map = FileMap(
            time=_ANY_TIME, points=_ANY_POINT, encoding=encoding, delimiter=delimiter
        )
        rows = _first_rows(path, file_map)
        found = _header(rows)
        width = 0 if found is None else len(found[1])
        if width > best[0] or not best[2]:
            best = (width, delimiter, rows)
    return best[1], best[2]


def _no_header(path: Path, rows: Sequence[tuple[int, list[Cell]]]) -> FileRefused:
    shown = ", ".join(repr(str(cell)[:40]) for cell in (rows[0][1] if rows else [])[:10])
    return FileRefused(
        f"{path.name}: no column of times (时间, time, date …) in the first {HEADER_ROWS_MAX} rows;"
        f" it begins with {shown or 'nothing'}: take the template, or give a map",
        f"{path.name}：前 {HEADER_ROWS_MAX} 行没有时间列（时间、time、date …）；"
        f"开头为 {shown or '空'}：请使用模板或提供映射",
        pointer="time",
    )


def _name_of(head: str) -> str:
    found = _HEAD.fullmatch(head)
    return (found["name"] if found else head).strip()


def bracket_of(head: str) -> str:
    """Return what stands in brackets at the end of a head: a unit, a zone; empty for none."""
    found = _HEAD.fullmatch(head)
    return found["unit"].strip() if found else ""


def find_head(header: Sequence[str], words: Sequence[str]) -> str | None:
    """Return the first head that is one of the words, in one language or both, brackets aside."""
    for head in header:
        # Both languages may stand in one head, as in the template: 时间 time [Asia/Shanghai].
        name = _name_of(head).casefold()
        if name in words or (name and all(part in words for part in name.split())):
            return head
    return None


def _guess(
    path: Path,
    header: list[str],
    *,
    units: Mapping[str, str],
    zone: str,
    more: Mapping[str, Any],
) -> Guess:
    date, time = find_head(header, DATE_WORDS), find_head(header, TIME_WORDS)
    time_columns = tuple(head for head in (date, time) if head is not None)
    stated = next(filter(None, map(bracket_of, time_columns)), "")
    if stated:
        _check_zone(path, stated)
    time_map = TimeMap(column=time_columns, format=(WRITTEN,), zone=stated or zone)
    point, value = find_head(header, POINT_WORDS), find_head(header, VALUE_WORDS)
    if point is not None and value is not None:
        unit = find_head(header, UNIT_WORDS)
        file_map = FileMap(
            time=time_map,
            key=point,
            unit=unit,
            points=(PointMap(column=value, point="{key}"),),
            **more,
        )
        return Guess(file_map, zone_assumed=not stated)
    points = tuple(
        _point(path, head, units)
        for head in header
        if head not in time_columns and head.casefold() not in REMARK_WORDS
    )
    if not points:
        raise FileRefused(
            f"{path.name} has no column of a point: take the template, or give a map",
            f"{path.name} 没有任何测点列：请使用模板或提供映射",
            pointer="points",
        )
    _refuse_repeated(path, points)
    file_map = FileMap(time=time_map, points=points, **more)
    return Guess(file_map, zone_assumed=not stated)


def _check_zone(path: Path, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise FileRefused(
            f"{path.name}: zone {zone!r} in the header is unknown; write an IANA name such as"
            " Asia/Shanghai",
            f"{path.name}：表头中的时区 {zone!r} 未知；请写 IANA 名称，如 Asia/Shanghai",
            pointer="time",
        ) from error


def _point(path: Path, head: str, units: Mapping[str, str]) -> PointMap:
    code = head if head in units else _name_of(head)
    if code not in units:
        near = hint(code, list(units))
        raise FileRefused(
            f"{path.name}: column {head!r} is of no point of the site{near}: correct its head,"
            " leave it out, or give a map",
            f"{path.name}：列 {head!r} 不是本厂区的测点{near}：请更正表头、删除该列或提供映射",
            pointer=head,
        )
    unit = "" if head == code else bracket_of(head)
    scale = None
    if unit and unit != units[code]:
        try:
            factor = conversion(unit, units[code], place=head)
        except NengtanError as error:
            raise FileRefused(
                f"{path.name}: column {error}",
                f"{path.name}：列 {head!r} 的单位不能换算为测点单位 {units[code]!r}",
                pointer=head,
            ) from error
        scale = None if factor == 1 else Decimal(repr(factor))
    # Braces would be a place for the key column.
    return PointMap(column=head, point=code.replace("{", "{{").replace("}", "}}"), scale=scale)


def _refuse_repeated(path: Path, points: Sequence[PointMap]) -> None:
    seen: dict[str, str] = {}
    for point in points:
        if point.point in seen:
            raise FileRefused(
                f"{path.name}: columns {seen[point.point]!r} and {point.column!r} are of one"
                " point; keep one of them",
                f"{path.name}：列 {seen[point.point]!r} 与 {point.column!r} 为同一测点；"
                "请只保留其一",
                pointer=point.column,
            )
        seen[point.point] = point.column
