"""The parts that every form has: names, times, values, and the columns they go into."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from compute.quality import Quality
from ingest.decode.codes import Code
from ingest.decode.strict_json import Document, Fault, Refused, Repeated, kind_of, show
from ingest.reading import Decoded, Rejection

READING_COUNT_MAX = 5_000
NAME_LENGTH_MAX = 200
# Half-open: 2000-01-01 to 2100-01-01 UTC. Seconds and µs of our days lie outside.
STAMP_MS_MIN, STAMP_MS_MAX = 946_684_800_000, 4_102_444_800_000

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?P<second>[0-5][0-9]|60)"
    r"(?:\.[0-9]{1,9})?(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_EPOCH_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp"})

REPEATED_NAME = Fault(Code.DUPLICATE_KEY, "the key appears twice; send it once")


@dataclass(slots=True)
class Columns:
    """The good readings of a message while they are collected."""

    name: list[str] = field(default_factory=list)
    ts_us: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)
    item: list[int] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)

    def add(
        self,
        item: int,
        place: str,
        *,
        name: str | Fault,
        ts_us: int | Fault,
        value: float | Fault,
        quality: int = Quality.GOOD,
    ) -> None:
        """Keep one reading, or the first fault in it."""
        if isinstance(name, Fault):
            self.refuse(item, place, name)
        elif isinstance(ts_us, Fault):
            self.refuse(item, place, ts_us)
        elif isinstance(value, Fault):
            self.refuse(item, place, value)
        else:
            self.name.append(name)
            self.ts_us.append(ts_us)
            self.value.append(value)
            self.quality.append(quality)
            self.item.append(item)

    def refuse(self, item: int, place: str, fault: Fault) -> None:
        """Note that one reading cannot be taken."""
        self.rejected.append(Rejection(item, fault.code, f"{place}: {fault.detail}"))

    def give_to(self, decoded: Decoded) -> None:
        """Move the columns into the message they are of."""
        decoded.name, decoded.ts_us, decoded.value = self.name, self.ts_us, self.value
        decoded.quality, decoded.item = self.quality, self.item
        decoded.rejected.extend(self.rejected)


def need(document: Document, key: str) -> object:
    """Return what a document holds under a key, or refuse the message."""
    if key not in document.root:
        raise Refused(Code.MISSING_FIELD, f"{key} is missing; send it with every message")
    return document.root[key]


def need_text(document: Document, key: str) -> str:
    """Return the clean text under a key, or refuse the message."""
    value = need(document, key)
    text = clean_name(value)
    if isinstance(text, Fault):
        raise Refused(text.code, f"{key}: {text.detail}")
    return text


def need_stamp_us(document: Document, key: str) -> int:
    """Return the time under a key [µs since 1970 UTC], or refuse the message."""
    ts_us = stamp_us(need(document, key))
    if isinstance(ts_us, Fault):
        raise Refused(ts_us.code, f"{key}: {ts_us.detail}")
    return ts_us


def pairs_of(value: object, key: str) -> list[tuple[str, object]]:
    """Return the keys and values of an object, repeated keys included, or refuse the message."""
    if isinstance(value, Repeated):
        return value.pairs
    if not isinstance(value, dict):
        raise Refused(Code.TYPE, f"{key} is {kind_of(value)}; send an object")
    return list(value.items())


def count_readings(decoded: Decoded, count: int, place: str) -> None:
    """Note how many readings a message holds, or refuse none and too many."""
    decoded.item_count = count
    if count == 0:
        raise Refused(Code.EMPTY, f"{place} is empty; send at least one reading")
    if count > READING_COUNT_MAX:
        raise Refused(
            Code.TOO_MANY,
            f"{place} holds {count} readings; split the message, at most {READING_COUNT_MAX}",
        )


def reading_value(value: object) -> float | Fault:
    """Return a value as a double, or why it is none."""
    if isinstance(value, Fault):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return Fault(Code.TYPE, f"the value is {kind_of(value)}; send a number")


def clean_name(name: object) -> str | Fault:
    """Return a name in normal form (NFC), or why it cannot be one."""
    if not isinstance(name, str):
        return Fault(Code.TYPE, f"the name is {kind_of(name)}; send text")
    if not 1 <= len(name) <= NAME_LENGTH_MAX:
        return Fault(
            Code.TEXT,
            f"the name {show(name)} has {len(name)} characters; send 1 to {NAME_LENGTH_MAX}",
        )
    if name.isascii() and name.isprintable():
        return name
    return _clean_unusual_name(name)


@lru_cache(maxsize=50_000)
def _clean_unusual_name(name: str) -> str | Fault:
    for character in name:
        if character == "\0":
            return Fault(Code.NUL, f"the name {show(name)} holds U+0000; send text without it")
        category = unicodedata.category(character)
        if category == "Cs":
            return Fault(Code.ENCODING, f"the name {show(name)} holds half a character pair")
        if category in _REFUSED_CATEGORIES:
            return Fault(
                Code.TEXT,
                f"the name {show(name)} holds the invisible U+{ord(character):04X}; remove it",
            )
    return unicodedata.normalize("NFC", name)


def stamp_us(stamp: object) -> int | Fault:
    """Return a time as µs since 1970 UTC, or why it is none.

    Taken are RFC 3339 text with a zone, and integer milliseconds since 1970, both inside
    [2000, 2100).
    """
    if isinstance(stamp, int) and not isinstance(stamp, bool):
        if STAMP_MS_MIN <= stamp < STAMP_MS_MAX:
            return stamp * 1000
        return Fault(Code.TIME, f"the time {stamp} is no ms since 1970 within 2000 to 2099")
    if not isinstance(stamp, str) or len(stamp) > 64:
        return Fault(
            Code.TIME, f"the time is {_kind_of_stamp(stamp)}; send RFC 3339 text or integer ms"
        )
    return _text_us(stamp)


def _kind_of_stamp(stamp: object) -> str:
    return stamp.detail if isinstance(stamp, Fault) else kind_of(stamp)


@lru_cache(maxsize=10_000)
def _text_us(text: str) -> int | Fault:
    match = _RFC_3339.fullmatch(text)
    if match is None:
        return Fault(
            Code.TIME, f"the time {show(text)} is not like 2026-03-01T08:00:00Z (RFC 3339)"
        )
    if match["zone"] is None:
        return Fault(Code.TIME, f"the time {show(text)} has no zone; add Z or +08:00")
    is_leap = match["second"] == "60"
    start, end = match.span("second")
    try:
        instant = datetime.fromisoformat(
            (text[:start] + "59" + text[end:] if is_leap else text).upper()
        )
        elapsed_us = (instant - _EPOCH_1970) // _MICROSECOND
    except (ValueError, OverflowError):
        return Fault(Code.TIME, f"the time {show(text)} is not in the calendar")
    if is_leap:
        # A leap second follows 23:59:59 UTC; the next second stands for it.
        if elapsed_us // 1_000_000 % 86_400 != 86_399:
            return Fault(Code.TIME, f"the time {show(text)} is no leap second: not 23:59:60 UTC")
        elapsed_us += 1_000_000
    if not STAMP_MS_MIN * 1000 <= elapsed_us < STAMP_MS_MAX * 1000:
        return Fault(Code.TIME, f"the time {show(text)} is not within 2000 to 2099")
    return elapsed_us
