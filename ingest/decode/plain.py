"""Which payloads a typed decoder reads exactly as the strict one does.

msgspec keeps the last of two equal keys, rounds long numbers and turns 1e-400 into 0. Where a
payload can hold none of that, both agree, and the typed decoder is several times faster. Doubt
means no: the strict decoder then gives the answer and the reason.
"""

import re
from collections.abc import Sequence

from ingest.decode.fields import NAME_LENGTH_MAX, clean_name
from ingest.decode.strict_json import PAYLOAD_BYTES_MAX, Fault

# Digits become 0, an exponent's letter e, the point stays, all else is blank.
_SHAPE = bytes(
    ord("0")
    if chr(i) in "0123456789"
    else ord("e")
    if chr(i) in "eE"
    else i
    if i == ord(".")
    else 32
    for i in range(256)
)
_STRING = re.compile(rb'"[^"]*"')
# Outside strings: an integer that may pass 2^53, more than 17 digits, an exponent.
_DOUBTFUL_NUMBER = re.compile(rb"(?<![0-9.])[0-9]{16}|[0-9.]{19}|[0-9][eE]")


def is_plain(payload: bytes) -> bool:
    """Return whether no escape, control character or doubtful number is in a payload.

    A number without exponent, of at most 18 characters with its point or 15 without, has at most
    17 significant digits and is 0 or within 1e-16 and 1e17.
    """
    if len(payload) > PAYLOAD_BYTES_MAX or b"\\" in payload or b"\x7f" in payload:
        return False
    shape = payload.translate(_SHAPE)
    if b"0e" in shape or b"0" * 16 in shape or b"0" * 19 in shape.replace(b".", b"0"):
        # Most often this is a long meter number or a name such as P1Export: look at numbers alone.
        return _DOUBTFUL_NUMBER.search(_STRING.sub(b" ", payload)) is None
    return True


def holds_strings(payload: bytes, count: int) -> bool:
    """Return whether a plain payload holds exactly so many strings.

    Without escapes every string has two quotes. A typed decoder that found all the keys and texts
    a form must have, and no more strings than these, has seen no repeated and no unknown key.
    """
    return payload.count(b'"') == 2 * count


def plain_names(payload: bytes, names: Sequence[str]) -> Sequence[str] | None:
    """Return the names of a plain payload in normal form, or None where one is in doubt."""
    if payload.isascii():
        lengths = set(map(len, names))
        return names if 0 not in lengths and max(lengths) <= NAME_LENGTH_MAX else None
    cleaned = [clean_name(name) for name in names]
    found = [name for name in cleaned if not isinstance(name, Fault)]
    return found if len(found) == len(names) else None


def without_negative_zero(payload: bytes, values: list[float]) -> list[float]:
    """Return the values of a plain payload with -0.0 as 0.0."""
    return [value + 0.0 for value in values] if b"-0" in payload else values
