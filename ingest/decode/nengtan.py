"""Our own form, in both shapes: points at one time, or readings with a time each.

A reading may say as its fourth what its device says of it (`ingest.decode.status`); one that the
device does not stand by may be null.
"""

import re
from collections.abc import Sequence
from math import nan

import msgspec
from msgspec import UNSET, UnsetType

from compute.quality import Quality
from ingest.decode.codes import Code
from ingest.decode.fields import (
    READING_COUNT_MAX,
    REPEATED_NAME,
    Columns,
    clean_name,
    count_readings,
    need,
    need_stamp_us,
    pairs_of,
    reading_value,
    stamp_us,
)
from ingest.decode.plain import holds_strings, is_plain, plain_names, without_negative_zero
from ingest.decode.status import status_quality
from ingest.decode.strict_json import (
    INTEGER_MAX,
    Document,
    Fault,
    Refused,
    kind_of,
    load,
    repeated_names,
    show,
)
from ingest.reading import WHOLE, Decoded, Rejection

_EPOCH = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_NOT_A_READING = Fault(
    Code.TYPE, "not of the form [name, time, value] or [name, time, value, status]; send these"
)


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    epoch: str
    seq: int
    ts: int | str | UnsetType = UNSET
    points: dict[str, float] | UnsetType = UNSET
    readings: list[tuple[str, int | str, float]] | UnsetType = UNSET


_decoder = msgspec.json.Decoder(_Message)


def decode_fast(payload: bytes) -> Decoded | None:
    """Return the columns of a payload without any fault, or None where there may be one."""
    if not is_plain(payload):
        return None
    try:
        message = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not 1 <= message.seq <= INTEGER_MAX or _EPOCH.fullmatch(message.epoch) is None:
        return None
    if message.points is UNSET:
        return _fast_readings(payload, message)
    return _fast_points(payload, message, message.points)


def _fast_points(payload: bytes, message: _Message, points: dict[str, float]) -> Decoded | None:
    count = len(points)
    # epoch, its text, seq, ts, points; the time where it is text; the names.
    string_count = 5 + isinstance(message.ts, str) + count
    if (
        message.ts is UNSET
        or message.readings is not UNSET
        or not 1 <= count <= READING_COUNT_MAX
        or not holds_strings(payload, string_count)
    ):
        return None
    ts_us = stamp_us(message.ts)
    names = plain_names(payload, list(points))
    if isinstance(ts_us, Fault) or names is None:
        return None
    values = without_negative_zero(payload, list(points.values()))
    return _columns(message, names, [ts_us] * count, values)


def _fast_readings(payload: bytes, message: _Message) -> Decoded | None:
    if message.readings is UNSET or message.ts is not UNSET:
        return None
    count = len(message.readings)
    if not 1 <= count <= READING_COUNT_MAX:
        return None
    found, stamps, values = zip(*message.readings, strict=True)
    text_count = list(map(type, stamps)).count(str)
    # epoch, its text, seq, readings; the names; the times where they are text.
    if not holds_strings(payload, 4 + count + text_count):
        return None
    names = plain_names(payload, found)
    ts_us = _fast_stamps_us(stamps)
    if names is None or ts_us is None:
        return None
    return _columns(message, names, ts_us, without_negative_zero(payload, list(values)))


def _fast_stamps_us(stamps: Sequence[int | str]) -> list[int] | None:
    converted = [stamp_us(stamp) for stamp in stamps]
    found = [ts_us for ts_us in converted if not isinstance(ts_us, Fault)]
    return found if len(found) == len(stamps) else None


def _columns(
    message: _Message, names: Sequence[str], ts_us: list[int], values: list[float]
) -> Decoded:
    count = len(values)
    return Decoded(
        name=names,
        ts_us=ts_us,
        value=values,
        quality=[0] * count,
        item=range(count),
        epoch=message.epoch,
        seq=message.seq,
        item_count=count,
    )


def decode_strict(payload: bytes) -> Decoded:
    """Return the columns of a payload, and the reason for everything that is not in them."""
    decoded = Decoded()
    try:
        _fill(decoded, load(payload))
    except Refused as refused:
        decoded.rejected.append(Rejection(WHOLE, refused.code, refused.detail))
    return decoded


def _fill(decoded: Decoded, document: Document) -> None:
    # First of all what names the message, so that a receipt can name it even when it is refused.
    root = document.root
    document.refuse_repeated(root.get("points"))
    decoded.epoch = _epoch(need(document, "epoch"))
    decoded.seq = _seq(need(document, "seq"))
    if "points" in root and "readings" in root:
        raise Refused(Code.DUPLICATE_KEY, "points and readings in one message; send one of them")
    columns = Columns()
    if "readings" in root:
        _fill_readings(decoded, columns, root["readings"])
    else:
        _fill_points(decoded, columns, document)
    columns.give_to(decoded)


def _fill_points(decoded: Decoded, columns: Columns, document: Document) -> None:
    pairs = pairs_of(need(document, "points"), "points")
    count_readings(decoded, len(pairs), "points")
    ts_us = need_stamp_us(document, "ts")
    twice = repeated_names(pairs)
    for item, (name, value) in enumerate(pairs):
        place = f"points[{show(name)}]"
        if name in twice:
            columns.refuse(item, place, REPEATED_NAME)
        else:
            columns.add(item, place, name=clean_name(name), ts_us=ts_us, value=reading_value(value))


def _fill_readings(decoded: Decoded, columns: Columns, readings: object) -> None:
    if not isinstance(readings, list):
        raise Refused(Code.TYPE, f"readings is {kind_of(readings)}; send a list")
    count_readings(decoded, len(readings), "readings")
    for item, reading in enumerate(readings):
        place = f"readings[{item}]"
        if not isinstance(reading, list) or len(reading) not in {3, 4}:
            columns.refuse(item, place, _NOT_A_READING)
            continue
        name, stamp, value, *status = reading
        quality = status_quality(*status) if status else Quality.GOOD
        if isinstance(quality, Fault):
            columns.refuse(item, place, quality)
            continue
        is_without = value is None and quality & Quality.SOURCE_BAD
        columns.add(
            item,
            place,
            name=clean_name(name),
            ts_us=stamp_us(stamp),
            value=nan if is_without else reading_value(value),
            quality=int(quality),
        )


def _epoch(value: object) -> str:
    if not isinstance(value, str):
        raise Refused(Code.TYPE, f"epoch is {kind_of(value)}; send text")
    if _EPOCH.fullmatch(value) is None:
        raise Refused(Code.TEXT, f"epoch is {show(value)}; send 1 to 64 of A-Z a-z 0-9 _ . : -")
    return value


def _seq(value: object) -> int:
    if isinstance(value, Fault):
        raise Refused(value.code, f"seq: {value.detail}")
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(Code.TYPE, f"seq is {kind_of(value)}; send an integer from 1")
    if not 1 <= value <= INTEGER_MAX:
        raise Refused(Code.RANGE, f"seq is {value}; send an integer from 1 to 2^53")
    return value
