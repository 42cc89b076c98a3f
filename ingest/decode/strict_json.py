"""JSON as the centre takes it: nothing rounded, nothing doubled, nothing guessed.

A fault of the whole text raises `Refused`. A fault of one number, or a key that appears twice,
leaves a `Fault` or `Repeated` in its place, so that the other readings of a message can be taken.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from compute.errors import NengtanError
from ingest.decode.codes import Code

PAYLOAD_BYTES_MAX = 1_048_576
DEPTH_MAX = 16
INTEGER_MAX = 2**53  # every integer up to here is a double of its own
DIGIT_COUNT_MAX = 17  # as many significant digits as a double can tell apart
# No plant has such quantities, and products of three of them stay finite.
MAGNITUDE_MIN, MAGNITUDE_MAX = 1e-100, 1e100

_NUMBER_LENGTH_MAX = 400  # beyond it a number is refused without being converted
_SHOWN_LENGTH_MAX = 60
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_UTF16_OR_32 = re.compile(rb"\xff\xfe|\xfe\xff|\x00{1,3}[\[{\xfe]|[\[{]\x00")
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Refused(NengtanError):
    """A message that cannot be taken, as a whole."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Fault:
    """What stands where a value cannot be taken."""

    code: Code
    detail: str


@dataclass(eq=False, slots=True)
class Repeated:
    """An object in which at least one key appears more than once."""

    pairs: list[tuple[str, object]]


@dataclass(slots=True)
class Document:
    """An object read from JSON, and the objects in it that repeat a key."""

    root: dict[str, object]
    repeated: list[Repeated] = field(default_factory=list)

    def refuse_repeated(self, *excused: object) -> None:
        """Raise `Refused` for an object that repeats a key, unless it is one of `excused`."""
        for one in self.repeated:
            if not any(one is other for other in excused):
                name = min(repeated_names(one.pairs))
                raise Refused(
                    Code.DUPLICATE_KEY,
                    f"key {show(name)} appears twice in one object; send it once",
                )


def repeated_names(pairs: Iterable[tuple[str, object]]) -> set[str]:
    """Return the keys that appear more than once."""
    counts = Counter(name for name, _ in pairs)
    return {name for name, count in counts.items() if count > 1}


def show(text: str) -> str:
    """Return text quoted, shortened, with everything that is not printable escaped."""
    shortened = text if len(text) <= _SHOWN_LENGTH_MAX else text[: _SHOWN_LENGTH_MAX - 1] + "…"
    escaped = shortened.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


def load(payload: bytes) -> Document:
    """Return the object that a payload holds.

    Raises
    ------
    Refused
        If the payload is not one JSON object in UTF-8, or one of its keys is repeated.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise Refused(
            Code.TOO_LARGE,
            f"message of {len(payload)} bytes; split it, at most {PAYLOAD_BYTES_MAX} are taken",
        )
    text = _text(payload.removeprefix(_BOM).strip(_SPACE))
    repeated: list[Repeated] = []

    def an_object(pairs: list[tuple[str, object]]) -> dict[str, object] | Repeated:
        whole = dict(pairs)
        if len(whole) == len(pairs):
            return whole
        repeated.append(Repeated(pairs))
        return repeated[-1]

    try:
        root = json.loads(
            text,
            object_pairs_hook=an_object,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise Refused(
            Code.JSON, f"{error.msg} at character {error.pos}; send one complete JSON object"
        ) from error
    if isinstance(root, Fault):
        raise Refused(root.code, root.detail)
    if root is None or root in ([], {}):
        raise Refused(Code.EMPTY, f"the message is {text[:4]!r}; send at least one reading")
    document = Document(root, repeated)
    if isinstance(root, Repeated):
        document.refuse_repeated()
    if not isinstance(root, dict):
        raise Refused(Code.TYPE, f"the message is {kind_of(root)}; send an object")
    return document


def kind_of(value: object) -> str:
    """Return what a value read from JSON is, in words."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        return f"the text {show(value)}"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict | Repeated) else "a number"


def _text(body: bytes) -> str:
    """Return the body as text that can be given to a JSON parser, or raise `Refused`."""
    if not body:
        raise Refused(Code.EMPTY, "the message has no bytes but space; send at least one reading")
    if _UTF16_OR_32.match(body):
        raise Refused(Code.ENCODING, "the message looks like UTF-16 or UTF-32; send UTF-8")
    if body[:1] not in b"{[":
        _refuse_binary(body)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Refused(
            Code.ENCODING, f"byte {error.start} is 0x{body[error.start]:02x}, not UTF-8; send UTF-8"
        ) from error
    if b"\x00" in body:
        raise Refused(Code.NUL, f"byte {body.index(0)} is 0x00; send text without it")
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        token = match[0]
        if token in b"[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise Refused(
                    Code.DEPTH, f"byte {match.start()} opens level {depth}; at most {DEPTH_MAX}"
                )
        elif token in b"]}":
            depth -= 1
    return text


def _refuse_binary(body: bytes) -> None:
    """Raise `Refused` for a body that begins like no JSON and is no text either."""
    try:
        body.decode()
    except UnicodeDecodeError:
        is_binary = True
    else:
        is_binary = _CONTROL.search(body) is not None
    if is_binary:
        raise Refused(
            Code.FORMAT, f"the message begins with 0x{body[:4].hex()}; send JSON, uncompressed"
        )


def _integer(token: str) -> int | Fault:
    digits = token.removeprefix("-")
    if len(digits) > DIGIT_COUNT_MAX:
        if len(digits) > 100:
            return _out_of_range(token)
        return Fault(Code.PRECISION, f"{_cut(token)} is beyond 2^53; send it in a larger unit")
    value = int(token)
    if abs(value) > INTEGER_MAX:
        return Fault(Code.PRECISION, f"{_cut(token)} is beyond 2^53; send it in a larger unit")
    return value


def _decimal(token: str) -> float | Fault:
    if len(token) > _NUMBER_LENGTH_MAX:
        return _too_many_digits(token)
    value = float(token)
    mantissa = token.lower().partition("e")[0].removeprefix("-")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction.rstrip("0")).lstrip("0")
    if digits and not MAGNITUDE_MIN <= abs(value) <= MAGNITUDE_MAX:
        return _out_of_range(token)
    if len(digits) > DIGIT_COUNT_MAX:
        return _too_many_digits(token)
    return value + 0.0  # -0.0 becomes 0.0


def _constant(token: str) -> Fault:
    return Fault(Code.NONFINITE, f"{token} is not a number; leave the reading out")


def _out_of_range(token: str) -> Fault:
    return Fault(
        Code.RANGE,
        f"{_cut(token)} is not within {MAGNITUDE_MIN:g} and {MAGNITUDE_MAX:g}; check the source",
    )


def _too_many_digits(token: str) -> Fault:
    return Fault(
        Code.PRECISION,
        f"{_cut(token)} has more than {DIGIT_COUNT_MAX} significant digits; send fewer",
    )


def _cut(token: str) -> str:
    return token if len(token) <= _SHOWN_LENGTH_MAX else token[: _SHOWN_LENGTH_MAX - 1] + "…"
