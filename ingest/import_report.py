"""What a file holds as columns, and what is told of it before and after it is taken."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compute.periods import from_us
from compute.quality import Quality
from ingest.decode.imported import Item, encode
from ingest.reading import Decoded, Delivery, Rejection
from ingest.registry import Gateway
from ingest.validate import Message
from services.files.bills import BilledPoint, BillReader
from services.files.fault import BadCell, FileTooLarge
from services.files.file_map import read_map
from services.files.guess import Guess, guess_map
from services.files.rows import RowReader
from services.files.workbook import WorkbookSource
from services.store.imports import Fates, WaitingImport

ROW_COUNT_MAX = 1_000_000
READING_COUNT_MAX = 5_000_000
# Beyond, the file is wrong and not single cells of it.
REJECTED_MAX = 100_000
ERRORS_TOLD_MAX = 1_000
_ITEMS_PER_MESSAGE = 5_000
# 中文 of what the checks of readings say; cells bring their own.
_MEANING_ZH = {
    "unknown_point": "不是本厂区的测点：请更正名称，或在厂区描述中增加测点后重试",
    "before_validity": "早于测点生效时刻",
    "after_validity": "晚于测点失效时刻",
    "future": "时间在未来：请检查时间",
    "physics": "超出测点的物理上下限：请核对表计或上下限",
}


@dataclass(slots=True)
class Sheet:
    """The readings of a file as columns, in the order of the file.

    Attributes
    ----------
    names : list of str
        Each code once; `name_index` (n,) int32 counts in it.
    ts_us : (n,) int64
        [µs since 1970 UTC]
    value : (n,) float64
    quality, line : (n,) int32
    bad : list of BadCell
        Every cell that is no reading.
    facts : dict
        Counts, map and assumptions, for the report.
    """

    names: list[str]
    name_index: npt.NDArray[np.int32]
    ts_us: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.int32]
    line: npt.NDArray[np.int32]
    bad: list[BadCell]
    facts: dict[str, Any]


@dataclass(slots=True)
class Found:
    """What became, or would become, of the readings of a sheet; `rejected` is by place in it."""

    fates: Fates = field(default_factory=Fates)
    reading_count: int = 0
    rejected: dict[int, Rejection] = field(default_factory=dict)
    due_at: dict[int, datetime] = field(default_factory=dict)
    quarantine_ids: list[int] = field(default_factory=list)
    bad_count: int = 0

    @property
    def rejected_count(self) -> int:
        """Readings and cells that cannot be taken."""
        return len(self.rejected) + self.bad_count


def read_sheet(
    path: Path,
    waiting: WaitingImport,
    *,
    points: Mapping[str, BilledPoint],
    show: Callable[[float], None],
) -> Sheet:
    """Read a file whole.

    Raises
    ------
    FileRefused
        If it cannot be read, or is larger than an import may be.
    """
    options = waiting.options
    if waiting.kind == "bills":
        return _of_bills(BillReader(path, points, waiting.time_zone, options.get("sheet")), show)
    units = {code: point.unit for code, point in points.items()}
    if options.get("map") is not None:
        guess = Guess(read_map(options["map"], place="options.map"), zone_assumed=False)
    else:
        guess = guess_map(path, units=units, zone=waiting.time_zone, sheet=options.get("sheet"))
    reader = RowReader(
        path,
        guess.file_map,
        units=units,
        row_count_max=ROW_COUNT_MAX,
        skips_totals=True,
        bad_cell_count_max=None,
    )
    return _columns(reader, guess, show)


def _columns(reader: RowReader, guess: Guess, show: Callable[[float], None]) -> Sheet:
    index_of: dict[str, int] = {}
    name_index, line, quality = array("i"), array("i"), array("i")
    ts_us, value = array("q"), array("d")
    assumed = int(Quality.ZONE_ASSUMED) if guess.zone_assumed else 0
    for number, row in enumerate(reader.rows()):
        flags = assumed if row.zone_assumed else 0
        for name, at_us, reading in row.readings:
            name_index.append(index_of.setdefault(name, len(index_of)))
            ts_us.append(at_us)
            value.append(reading)
            quality.append(flags)
            line.append(row.line)
        if not number % 10_000:
            show(reader.read_bytes / max(reader.size_bytes, 1))
            _limit(len(ts_us), reader.tally.bad_count)
    tally = reader.tally
    _limit(len(ts_us), tally.bad_count)
    facts: dict[str, Any] = {
        "rows": tally.row_count,
        "readings": tally.reading_count,
        "missing": tally.missing_count,
        "totals_left_out": tally.total_count,
        "first": None if tally.first_ts_us is None else from_us(tally.first_ts_us).isoformat(),
        "last": None if tally.last_ts_us is None else from_us(tally.last_ts_us).isoformat(),
        "map": guess.file_map.model_dump(mode="json", exclude_defaults=True),
        "zone_assumed": guess.zone_assumed,
        "warnings": [],
    }
    if isinstance(reader.source, WorkbookSource):
        facts["sheet"] = reader.source.inspection.sheet
        facts["warnings"] = _warnings(reader.source)
    return Sheet(
        list(index_of),
        np.frombuffer(name_index, dtype=np.int32),
        np.frombuffer(ts_us, dtype=np.int64),
        np.frombuffer(value, dtype=np.float64),
        np.frombuffer(quality, dtype=np.int32),
        np.frombuffer(line, dtype=np.int32),
        tally.bad_cells,
        facts,
    )


def _of_bills(reader: BillReader, show: Callable[[float], None]) -> Sheet:
    """Return bills as the readings they come to; each says that its shape is not known."""
    index_of: dict[str, int] = {}
    name_index, line = array("i"), array("i")
    ts_us, value = array("q"), array("d")
    for bill in reader.bills():
        index = index_of.setdefault(bill.point, len(index_of))
        for share in bill.shares:
            name_index.append(index)
            line.append(bill.line)
            ts_us.append(share.ts_us)
            value.append(share.value)
        source = reader.source
        show(0.0 if source is None else source.read_bytes / max(source.size_bytes, 1))
        _limit(len(ts_us), len(reader.bad))
    _limit(len(ts_us), len(reader.bad))
    facts: dict[str, Any] = {
        "rows": reader.row_count,
        "readings": len(ts_us),
        "missing": 0,
        "totals_left_out": 0,
        "first": from_us(min(ts_us)).isoformat() if ts_us else None,
        "last": from_us(max(ts_us)).isoformat() if ts_us else None,
        "map": None,
        "zone_assumed": False,
        "warnings": [],
    }
    return Sheet(
        list(index_of),
        np.frombuffer(name_index, dtype=np.int32),
        np.frombuffer(ts_us, dtype=np.int64),
        np.frombuffer(value, dtype=np.float64),
        np.full(len(ts_us), int(Quality.INTERPOLATED), dtype=np.int32),
        np.frombuffer(line, dtype=np.int32),
        reader.bad,
        facts,
    )


def _limit(reading_count: int, bad_count: int) -> None:
    if reading_count > READING_COUNT_MAX:
        raise FileTooLarge(
            f"more than {READING_COUNT_MAX} readings; split the file",
            f"超过 {READING_COUNT_MAX} 个读数；请拆分文件",
        )
    if bad_count > REJECTED_MAX:
        raise FileTooLarge(
            f"more than {REJECTED_MAX} cells cannot be read: correct the file or its map",
            f"超过 {REJECTED_MAX} 个单元格无法读取：请更正文件或映射",
        )


def _warnings(source: WorkbookSource) -> list[dict[str, str]]:
    warnings = []
    if source.merged:
        shown = ", ".join(source.merged[:20])
        warnings.append(
            {
                "en": f"merged cells: {shown}; only the first cell of each holds its value",
                "zh": f"合并单元格：{shown}；仅首格有值",
            }
        )
    if source.inspection.hidden_row_count:
        count = source.inspection.hidden_row_count
        warnings.append(
            {"en": f"{count} hidden rows are read too", "zh": f"{count} 个隐藏行也会读取"}
        )
    return warnings


def report_of(sheet: Sheet, found: Found) -> dict[str, Any]:
    """Return what people are told: counts, points, and the first errors with their lines."""
    errors = [
        {
            "line": int(sheet.line[place]),
            "column": sheet.names[sheet.name_index[place]],
            "value": repr(float(sheet.value[place])),
            "code": fault.code,
            "en": fault.detail,
            "zh": _MEANING_ZH.get(fault.code, fault.detail),
        }
        for place, fault in sorted(found.rejected.items())[:ERRORS_TOLD_MAX]
    ]
    errors += [
        {
            "line": cell.line,
            "column": cell.column,
            "value": cell.value,
            "code": cell.code,
            "en": cell.reason,
            "zh": cell.reason_zh,
        }
        for cell in sheet.bad[:ERRORS_TOLD_MAX]
    ]
    errors.sort(key=lambda error: (error["line"], error["column"]))
    codes = Counter(fault.code for fault in found.rejected.values())
    codes.update(cell.code for cell in sheet.bad)
    counts = np.bincount(sheet.name_index, minlength=len(sheet.names)).tolist()
    return {
        **sheet.facts,
        "new": found.fates.stored,
        "duplicate": found.fates.duplicate,
        "conflict": found.fates.conflict,
        "rejected": found.rejected_count,
        "rejected_by_code": dict(sorted(codes.items())),
        "errors": errors[:ERRORS_TOLD_MAX],
        "points": [
            {"point": name, "readings": count}
            for name, count in list(zip(sheet.names, counts, strict=True))[:ERRORS_TOLD_MAX]
        ],
    }


def rejected_messages(
    sheet: Sheet, found: Found, waiting: WaitingImport, gateway: Gateway
) -> Iterator[Message]:
    """Yield what was rejected as messages that can be decoded, and so tried, again."""
    items = [
        (
            Item(
                sheet.names[sheet.name_index[place]],
                int(sheet.ts_us[place]),
                float(sheet.value[place]),
                int(sheet.quality[place]),
                int(sheet.line[place]),
            ),
            fault.code,
            f"line {sheet.line[place]}: {fault.detail}",
            found.due_at.get(place),
        )
        for place, fault in sorted(found.rejected.items())
    ]
    items += [
        (
            Item(cell.column, None, None, 0, cell.line, cell.code, str(cell)),
            cell.code,
            str(cell),
            None,
        )
        for cell in sheet.bad
    ]
    for start in range(0, len(items), _ITEMS_PER_MESSAGE):
        part = items[start : start + _ITEMS_PER_MESSAGE]
        payload = encode(waiting.id, waiting.file_name, [item for item, *_ in part])
        rejected = [
            Rejection(number, code, detail) for number, (_, code, detail, _) in enumerate(part)
        ]
        due_at = {number: due for number, (*_, due) in enumerate(part) if due is not None}
        delivery = Delivery(waiting.topic, payload, token=0, qos=1, retained=False)
        yield Message(delivery, gateway, Decoded(), rejected, due_at)
