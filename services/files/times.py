"""The times of a file: text of any declared form to µs since 1970 UTC.

Files repeat the same dates and the same times of day, so a date and a time are parsed apart and
remembered: `strptime` runs once for each date and not once for each row.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from services.files.fault import Unreadable
from services.files.file_map import EPOCH_FORMATS, EXCEL, WRITTEN, FileMap

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
MEMORY_COUNT_MAX = 100_000
_NAIVE_START = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are counted from it
_CLOCK_US_MIN = -2_208_988_800_000_000  # 1900, so that no clock time leaves Python's years
_CLOCK_US_MAX = 7_258_118_400_000_000  # 2200
_MICROSECOND = timedelta(microseconds=1)
_DATE_LETTERS = set("dmYybBj")
_TIME_LETTERS = set("HMSfIp")
_SERIAL_OF_1970 = 25_569
_WRITTEN = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
    r"(?:(?:\s+|T|(?<=日))([0-9]{1,2})[:时]([0-9]{2})分?(?::?([0-9]{2})(?:\.([0-9]{1,6}))?秒?)?"
    r"\s*(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)

# µs since 1970 on the clock of the file, and that clock's distance from UTC where the text has it
Clock: TypeAlias = tuple[int, int | None]


@dataclass(slots=True)
class _Overlap:
    """What has been met of one doubled hour, for one meter."""

    last_us: int
    seen_us: set[int] = field(default_factory=set)
    turned: bool = False  # the rows have jumped back: the other pass has begun


class TimeReader:
    """Turns the time cells of one file, row by row, into UTC.

    The rows must come in the order of the file: with `fold: by_order` a local time that exists
    twice belongs to its second pass once the same time was met before or the clock has gone back.
    """

    def __init__(self, replay_map: FileMap) -> None:
        time = replay_map.time
        self._zone = None if time.zone is None else ZoneInfo(time.zone)
        self._zone_name = time.zone
        self._fold = time.fold
        self._order = replay_map.order
        self._midnight_ends_date = time.midnight == "end_of_date"
        self._parsers = [_parser(text) for text in time.format]
        self._forms = " or ".join(time.format)
        self._offsets_us: dict[int, int | None] = {}  # by local day; None: the clock changes
        self._last_us: dict[str, int] = {}  # by key
        self._overlaps: dict[str, _Overlap] = {}
        self.zone_assumed = False  # whether the last time that was read had no offset of its own
        self._descent_count = 0  # steps back minus steps forward

    def read(self, text: str, key: str = "") -> int:
        """Return the instant of a cell, in µs since 1970 UTC.

        Raises
        ------
        Unreadable
            With the reason: another form, ambiguous day and month, or a time that the zone skips.
        """
        return self._instant(*self._clock(text), key)

    def read_moment(self, moment: datetime, key: str = "") -> int:
        """Return the instant of a cell that holds a local time as such, in µs since 1970 UTC.

        Raises
        ------
        Unreadable
            As `read`.
        """
        return self._instant(*_split(moment), key)

    def _instant(self, local_us: int, offset_us: int | None, key: str) -> int:
        self.zone_assumed = offset_us is None
        if self._midnight_ends_date and local_us % DAY_US == 0:
            local_us += DAY_US
        if not _CLOCK_US_MIN < local_us < _CLOCK_US_MAX:
            raise Unreadable(
                "time",
                "is outside the years 1900 to 2200; see `format`",
                "不在 1900 至 2200 年之间；请检查时间格式",
            )
        if offset_us is None:
            return self._utc(local_us, key)
        return local_us - offset_us

    def _clock(self, text: str) -> Clock:
        found = None
        for parse in self._parsers:
            clock = parse(text)
            if clock is None or clock == found:
                continue
            if found is not None:
                raise Unreadable(
                    "time",
                    f"is ambiguous: {self._forms} give different times",
                    f"有歧义：{self._forms} 得出不同时间",
                )
            found = clock
        if found is None:
            raise self._unreadable()
        return found

    def _unreadable(self) -> Unreadable:
        forms = self._forms
        if forms == WRITTEN:  # no pattern says what that is
            return Unreadable(
                "time",
                "is not a time with the year first, such as 2026-03-01 08:00",
                "不是年在前的时间，如 2026-03-01 08:00",
            )
        return Unreadable("time", f"is not a time of the form {forms}", f"不是 {forms} 形式的时间")

    def _utc(self, local_us: int, key: str) -> int:
        if self._zone is None:
            raise Unreadable(
                "time",
                "has no offset from UTC; give `zone` in the map",
                "没有 UTC 偏移；请在映射中给出时区 zone",
            )
        day = local_us // DAY_US
        if day not in self._offsets_us:
            self._offsets_us[day] = _day_offset_us(self._zone, day)
        offset_us = self._offsets_us[day]
        if offset_us is not None:
            self._note_order(local_us, key)
            return local_us - offset_us
        first_us = local_us - _offset_us(self._zone, local_us, 0)
        second_us = local_us - _offset_us(self._zone, local_us, 1)
        if first_us > second_us:
            raise Unreadable(
                "time",
                f"does not exist in {self._zone_name}: the clock is put forward",
                f"在 {self._zone_name} 不存在：该时段时钟拨快",
            )
        if first_us == second_us:
            self._note_order(local_us, key)
            return first_us
        if self._fold == "by_order":
            return second_us if self._is_second_pass(local_us, key) else first_us
        return first_us if self._fold == "first" else second_us

    def _note_order(self, local_us: int, key: str) -> None:
        last_us = self._last_us.get(key)
        if last_us is not None and local_us != last_us:
            self._descent_count += 1 if local_us < last_us else -1
        self._last_us[key] = local_us

    def _is_second_pass(self, local_us: int, key: str) -> bool:
        descending = self._order == "descending" or (
            self._order == "auto" and self._descent_count > 0
        )
        overlap = self._overlaps.get(key)
        if overlap is None or abs(local_us - overlap.last_us) > DAY_US:
            overlap = self._overlaps[key] = _Overlap(local_us)
        step_us = local_us - overlap.last_us
        overlap.turned |= step_us > 0 if descending else step_us < 0
        is_later_row = overlap.turned or local_us in overlap.seen_us
        overlap.seen_us.add(local_us)
        overlap.last_us = local_us
        # Newest first, the pass that is met first is the second one.
        return is_later_row is not descending


def _day_offset_us(zone: ZoneInfo, day: int) -> int | None:
    """Return the offset from UTC of a whole local day, or None when it changes within it."""
    offsets = {
        _offset_us(zone, day * DAY_US + hour * HOUR_US, fold)
        for hour in range(25)
        for fold in (0, 1)
    }
    return offsets.pop() if len(offsets) == 1 else None


def _offset_us(zone: ZoneInfo, local_us: int, fold: int) -> int:
    naive = _NAIVE_START + timedelta(microseconds=local_us)
    instant = naive.replace(tzinfo=zone, fold=fold).astimezone(UTC).replace(tzinfo=None)
    return (naive - instant) // _MICROSECOND


def _parser(form: str) -> Callable[[str], Clock | None]:
    """Return the function that reads one form, and answers None to another form."""
    if form in EPOCH_FORMATS:
        return _EpochParser(EPOCH_FORMATS[form])
    if form == "iso":
        return _Remembered(_parse_iso)
    if form == WRITTEN:
        return _Remembered(_parse_written)
    if form == EXCEL:
        return _Remembered(_parse_serial)
    for separator in (" ", "T"):
        date_form, found, time_form = form.partition(separator)
        if found and _letters(date_form) <= _DATE_LETTERS and _letters(time_form) <= _TIME_LETTERS:
            return _HalvesParser(date_form, separator, time_form)
    return _Remembered(lambda text: _split(datetime.strptime(text, form)))  # noqa: DTZ007 - the zone is the map's


def _letters(form: str) -> set[str]:
    return {after[0] for after in form.replace("%%", "").split("%")[1:] if after}


def _parse_iso(text: str) -> Clock:
    return _split(datetime.fromisoformat(text))


def _parse_written(text: str) -> Clock:
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, part, offset = found.groups()
    date_us = _split(datetime(int(year), int(month), int(day)))[0]  # noqa: DTZ001 - the zone is the map's
    seconds = int(hour or 0) * 3600 + int(minute or 0) * 60 + int(second or 0)
    part_us = int((part or "").ljust(6, "0"))
    # 24:00 is the end of the day, as meters and invoices write it; nothing later is.
    if int(minute or 0) > 59 or int(second or 0) > 59 or seconds * 1_000_000 + part_us > DAY_US:
        raise ValueError(text)
    clock_us = date_us + seconds * 1_000_000 + part_us
    if offset is None:
        return clock_us, None
    if offset == "Z":
        return clock_us, 0
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    return clock_us, (-1 if offset[0] == "-" else 1) * (hours * 60 + minutes) * 60_000_000


def _parse_serial(text: str) -> Clock:
    days = float(text)
    # To the millisecond: a double of days holds no more.
    return round((days - _SERIAL_OF_1970) * 86_400_000) * 1000, None


def _split(moment: datetime) -> Clock:
    offset = moment.utcoffset()
    local_us = (moment.replace(tzinfo=None) - _NAIVE_START) // _MICROSECOND
    return local_us, None if offset is None else offset // _MICROSECOND


class _EpochParser:
    """Seconds, milliseconds or microseconds since 1970 UTC, exact to the microsecond."""

    def __init__(self, unit_us: int) -> None:
        self._unit_us = unit_us

    def __call__(self, text: str) -> Clock | None:
        whole, point, part = text.strip().partition(".")
        if not (whole.isascii() and whole.removeprefix("-").isdigit() and len(whole) <= 17):
            return None
        if point and not (part.isascii() and part.isdigit()):
            return None
        digits = len(str(self._unit_us)) - 1
        part_us = int(part[:digits].ljust(digits, "0") or "0")
        sign = -1 if whole.startswith("-") else 1
        return int(whole) * self._unit_us + sign * part_us, 0


class _Remembered:
    """A parser that keeps its answers, for files in which many rows have the same time."""

    def __init__(self, parse: Callable[[str], Clock]) -> None:
        self._parse = parse
        self._answers: dict[str, Clock | None] = {}

    def __call__(self, text: str) -> Clock | None:
        try:
            return self._answers[text]
        except KeyError:
            pass
        try:
            answer: Clock | None = self._parse(text.strip())
        except (ValueError, OverflowError):
            answer = None
        if len(self._answers) >= MEMORY_COUNT_MAX:
            self._answers.clear()
        self._answers[text] = answer
        return answer


class _HalvesParser:
    """A strptime form whose date and time of day are parsed and remembered apart."""

    def __init__(self, date_form: str, separator: str, time_form: str) -> None:
        self._separator = separator
        self._date = _Remembered(lambda text: _split(datetime.strptime(text, date_form)))  # noqa: DTZ007 - same
        # strptime without a date means 1900-01-01.
        start = datetime(1900, 1, 1, tzinfo=UTC).replace(tzinfo=None)
        self._time = _Remembered(
            lambda text: ((datetime.strptime(text, time_form) - start) // _MICROSECOND, None)  # noqa: DTZ007 - same
        )

    def __call__(self, text: str) -> Clock | None:
        date_text, _, time_text = text.strip().partition(self._separator)
        date = self._date(date_text)
        time = self._time(time_text)
        if date is None or time is None:
            return None
        return date[0] + time[0], None
