"""The forms of the messages: telemetry as it is stored and sent, and receipts as they come."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import msgspec

from compute.errors import NengtanError

Reading: TypeAlias = tuple[str, int, float]  # point, µs since 1970 UTC, value

MESSAGE_READING_COUNT_MAX = 5_000  # the centre refuses longer messages as too_many
MESSAGE_BYTES_MAX = 1_000_000  # and larger ones as too large
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_TS_US_MIN = -62_135_596_800_000_000  # 0001-01-01
_TS_US_MAX = 253_402_300_799_999_999  # 9999-12-31


class ReadingRefused(NengtanError):
    """A reading cannot be sent as it is; nothing of its message was stored."""


class ReceiptRefused(NengtanError):
    """What came as a receipt is none."""


class RejectedItem(msgspec.Struct, frozen=True):
    """A reading that the centre holds in quarantine; `item` -1 is the whole message."""

    seq: int
    code: str
    item: int = -1


class Receipt(msgspec.Struct, frozen=True):
    """What the centre has in its database: ranges of sequence numbers, both ends included."""

    epoch: str
    seq: list[tuple[int, int]] = []
    rejected: list[RejectedItem] = []


def decode_receipt(payload: object) -> Receipt:
    """Return a receipt; keys that are not known are passed over."""
    if not isinstance(payload, bytes | bytearray):
        raise ReceiptRefused(f"a receipt without content: {payload!r}")
    try:
        return msgspec.json.decode(payload, type=Receipt)
    except msgspec.DecodeError as fault:
        raise ReceiptRefused(f"receipt {bytes(payload[:80])!r}: {fault}") from fault


def encode_message(epoch: str, seq: int, readings: Sequence[Reading]) -> bytes:
    """Return the bytes of one message, as they are stored and sent.

    A time is a whole number of milliseconds where that is exact, RFC 3339 with microseconds
    otherwise; a value is the shortest text that reads back as the same float64.
    """
    if not 1 <= len(readings) <= MESSAGE_READING_COUNT_MAX:
        raise ReadingRefused(
            f"a message of {len(readings)} readings; put 1 to {MESSAGE_READING_COUNT_MAX}"
        )
    rows: list[tuple[str, int | str, float]] = []
    for item, (name, ts_us, value) in enumerate(readings):
        if type(value) is not float or not math.isfinite(value):
            number = _number(item, name, value)
        else:
            number = value
        rows.append((name, ts_us // 1000 if ts_us % 1000 == 0 else _rfc3339(ts_us), number))
    _check_names_and_times(readings)
    body = msgspec.json.encode({"epoch": epoch, "seq": seq, "readings": rows})
    if len(body) > MESSAGE_BYTES_MAX:
        raise ReadingRefused(
            f"a message of {len(body)} bytes; put fewer readings, at most {MESSAGE_BYTES_MAX} bytes"
        )
    return body


def _check_names_and_times(readings: Sequence[Reading]) -> None:
    for name in {reading[0] for reading in readings}:
        if not name or "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
            raise ReadingRefused(f"point name {name!r}; give a name of ordinary characters")
    for ts_us in (min(reading[1] for reading in readings), max(reading[1] for reading in readings)):
        if not _TS_US_MIN <= ts_us <= _TS_US_MAX:
            raise ReadingRefused(
                f"time {ts_us} µs since 1970 is outside the years 1 to 9999; check its unit"
            )


def _number(item: int, name: str, value: object) -> float:
    """Return a number that is not yet a finite float as one, or refuse it."""
    place = f"reading {item} of point {name!r}: value {value!r}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ReadingRefused(f"{place} is not a number; send 0.0 or 1.0 for states")
    if isinstance(value, int) and abs(value) > 1 << 53:
        raise ReadingRefused(f"{place} has no exact float64; scale it before it is put")
    if not math.isfinite(value):
        raise ReadingRefused(f"{place} is not finite; leave the reading out")
    return float(value)


def _rfc3339(ts_us: int) -> str:
    moment = _EPOCH_START + timedelta(microseconds=ts_us)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
