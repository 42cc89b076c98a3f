"""Factors of successive hours: CSV (`hour,tco2_per_mwh`) or JSON (`start`, `tco2_per_mwh`)."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np

from compute.periods import US_PER_HOUR, from_us, to_us
from compute.topology import Float1D
from services.files.fault import BadCell
from services.refusal import Refusal

HOURS_MAX = 8784
_HEADER = ["hour", "tco2_per_mwh"]
_VALUE = _HEADER[1]
# No grid emits as much: burning nothing but lignite it is 1.2. A larger figure is in g or kg.
_TCO2_PER_MWH_MAX = 3.0
_FAULTS_MAX = 100
_QUARTER_US = US_PER_HOUR // 4
_VALUE_REMEDY = (
    "is no factor in tCO2/MWh from 0 to 3: divide g/kWh by 1000, leave what is not known empty",
    "不是 0 至 3 之间的 tCO2/MWh 数值：g/kWh 请除以 1000，未知则留空",
)
_HOUR_REMEDY = (
    "is no start of an hour with its offset, such as 2026-01-01T00:00+08:00",
    "不是带时区的整点时刻，例如 2026-01-01T00:00+08:00",
)


class HourlyInvalid(Refusal):
    """A statement that cannot be taken; `faults` says the first hundred places."""

    code = "factor_invalid"

    def __init__(self, faults: list[BadCell]) -> None:
        self.faults = faults[:_FAULTS_MAX]
        super().__init__(
            f"{faults[0]}; correct what the errors name, and send all hours again",
            f"第 {faults[0].line} 行 {faults[0].value!r} {faults[0].reason_zh}；"
            "请按 errors 逐项修正后重新提交",
            pointer="body",
        )


@dataclass(frozen=True, slots=True)
class Hours:
    """Factors of successive hours; NaN of one that is not known."""

    start_us: int
    tco2_per_mwh: Float1D


def read_hours(content: bytes) -> Hours:
    """Return the hours of a statement in CSV or JSON, told apart by the first character.

    Raises
    ------
    HourlyInvalid
        If a line cannot be read; every one up to a hundred is named.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", "replace")
    return _of_json(text) if text.lstrip().startswith("{") else _of_csv(text)


def _of_json(text: str) -> Hours:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise HourlyInvalid(
            [_fault(1, "", text[:40], f"is no JSON: {error}", "不是 JSON")]
        ) from None
    wanted = {"start", _VALUE}
    if set(document) != wanted or not isinstance(document[_VALUE], list):
        raise HourlyInvalid(
            [
                _fault(
                    1,
                    "",
                    ", ".join(map(str, document)),
                    'is not {"start": instant, "tco2_per_mwh": [number or null, ...]}',
                    '不是 {"start": 时刻, "tco2_per_mwh": [数值或 null, ...]}',
                )
            ]
        )
    faults: list[BadCell] = []
    start_us = _hour(1, str(document["start"]), faults, column="start")
    values = document[_VALUE]
    if not 1 <= len(values) <= HOURS_MAX:
        faults.append(_too_many(1, str(len(values))))
    given = [
        _factor(place, "" if value is None else str(value), faults)
        for place, value in enumerate(values[:HOURS_MAX], start=1)
    ]
    if faults or start_us is None:
        raise HourlyInvalid(faults)
    return Hours(start_us, np.array(given))


def _of_csv(text: str) -> Hours:
    faults: list[BadCell] = []
    by_hour: dict[int, tuple[int, float]] = {}
    for line, cells in _rows(text, faults):
        start_us = _hour(line, cells[0].strip(), faults)
        value = _factor(line, cells[1].strip(), faults)
        if start_us is not None:
            _put(by_hour, start_us, (line, value), cells[0], faults)
        if len(faults) >= _FAULTS_MAX:
            break
    if not by_hour and not faults:
        faults.append(_fault(1, "", text[:40], "has no hours below its header", "没有数据行"))
    if faults:
        raise HourlyInvalid(faults)
    start_us = min(by_hour)
    if max(by_hour) - start_us >= HOURS_MAX * US_PER_HOUR:
        last = from_us(max(by_hour)).isoformat()
        raise HourlyInvalid([_too_many(by_hour[max(by_hour)][0], last)])
    values = np.full((max(by_hour) - start_us) // US_PER_HOUR + 1, np.nan)
    for hour_us, (_, value) in by_hour.items():
        values[(hour_us - start_us) // US_PER_HOUR] = value
    return Hours(start_us, values)


def _put(
    by_hour: dict[int, tuple[int, float]],
    start_us: int,
    row: tuple[int, float],
    text: str,
    faults: list[BadCell],
) -> None:
    """Add an hour, which has to go with those before it."""
    line = row[0]
    first = next(iter(by_hour), start_us)
    if start_us in by_hour:
        other = by_hour[start_us][0]
        said = f"is the hour of line {other} again: leave one of them out"
        faults.append(_fault(line, _HEADER[0], text, said, f"与第 {other} 行重复：请删去其一"))
    elif (start_us - first) % US_PER_HOUR:
        faults.append(_fault(line, _HEADER[0], text, *_HOUR_REMEDY))
    elif abs(start_us - first) >= HOURS_MAX * US_PER_HOUR:
        faults.append(_too_many(line, text))
    else:
        by_hour[start_us] = row


def _rows(text: str, faults: list[BadCell]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header with their lines; what is no table becomes a fault."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if header != _HEADER:
            given = ",".join(header)[:80]
            faults.append(
                _fault(
                    1,
                    "",
                    given,
                    "is not the header hour,tco2_per_mwh",
                    "表头须为 hour,tco2_per_mwh",
                )
            )
            return
        for cells in reader:
            if len(cells) == len(_HEADER):
                yield reader.line_num, cells
            elif cells:
                given = ",".join(cells)
                faults.append(_fault(reader.line_num, "", given, "is not two columns", "不是两列"))
    except csv.Error as error:
        faults.append(_fault(reader.line_num, "", "", f"is no CSV: {error}", "不是 CSV"))


def _hour(line: int, text: str, faults: list[BadCell], *, column: str = _HEADER[0]) -> int | None:
    """Return the start of an hour, aligned with base intervals; None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 < moment.year < 2200:
        faults.append(_fault(line, column, text, *_HOUR_REMEDY))
        return None
    # Where the offset has half an hour, so do the hours.
    start_us = to_us(moment)
    if start_us % _QUARTER_US:
        faults.append(_fault(line, column, text, *_HOUR_REMEDY))
        return None
    return start_us


def _factor(line: int, text: str, faults: list[BadCell]) -> float:
    """Return a factor, NaN where it is empty or bad."""
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if 0.0 <= value <= _TCO2_PER_MWH_MAX:
        return value
    faults.append(_fault(line, _VALUE, text, *_VALUE_REMEDY))
    return math.nan


def _too_many(line: int, value: str) -> BadCell:
    return _fault(
        line,
        "",
        value,
        f"is beyond 1 to {HOURS_MAX} hours, a year: state one year at a time",
        f"超出 1 至 {HOURS_MAX} 小时（一年）：请逐年录入",
    )


def _fault(line: int, column: str, value: str, reason: str, reason_zh: str) -> BadCell:
    return BadCell(line, column, value[:80], "hourly", reason, reason_zh)
