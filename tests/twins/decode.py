"""The slow and obvious way to read a good message, and to judge a number."""

import json
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import isnan, nan

from ingest.reading import Decoded

Row = tuple[str, int, float, int]


def number_code(token: str) -> str | None:
    """Return the code for which a JSON number is refused, by exact arithmetic; None if taken."""
    exact = Decimal(token)
    is_integer = not set(".eE") & set(token)
    magnitude = abs(Fraction(exact)) if exact.adjusted() < 400 and exact.adjusted() > -400 else None
    if magnitude is None:
        return "range" if exact else None
    if magnitude and not Fraction(1, 10**100) <= magnitude <= 10**100:
        return "range"
    if is_integer:
        return "precision" if magnitude > 2**53 else None
    mantissa = token.lower().split("e")[0].lstrip("-")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").replace(".", "")
    return "precision" if len(mantissa.lstrip("0")) > 17 else None


def stamp_us(stamp: int | str) -> int:
    """Return a good time in µs."""
    if isinstance(stamp, int):
        return stamp * 1000
    instant = datetime.fromisoformat(stamp.upper())
    return int(Fraction(instant.timestamp() // 1) * 1_000_000) + instant.microsecond


def nengtan_rows(payload: bytes) -> list[Row]:
    """Return the readings of a good message of our own form."""
    message = json.loads(payload)
    if "points" in message:
        ts_us = stamp_us(message["ts"])
        return [(name, ts_us, float(value), 0) for name, value in message["points"].items()]
    return [(name, stamp_us(ts), float(value), 0) for name, ts, value in message["readings"]]


def neuron_rows(payload: bytes) -> list[Row]:
    """Return the readings of a good message of Neuron."""
    message = json.loads(payload)
    place, ts_us = f"{message['node']}/{message['group']}", message["timestamp"] * 1000
    tags = [(tag["name"], tag.get("value", nan)) for tag in message.get("tags", [])]
    tags += message.get("values", {}).items()
    tags += [(name, nan) for name in message.get("errors", {})]
    return [(f"{place}/{tag}", ts_us, float(value), int(isnan(value))) for tag, value in tags]


def rows_of(decoded: Decoded) -> list[Row]:
    """Return the good readings of a decoded message as rows."""
    columns = (decoded.name, decoded.ts_us, decoded.value, decoded.quality)
    return [(str(n), int(t), float(v), int(q)) for n, t, v, q in zip(*columns, strict=True)]
