"""What an import left in quarantine: a form of our own, so that its items can be tried again."""

from collections.abc import Sequence

import msgspec

from ingest.decode.codes import Code
from ingest.reading import WHOLE, Decoded, Rejection


class Item(msgspec.Struct, array_like=True, frozen=True):
    """One reading, or one cell that is none: then it has a code and says why."""

    name: str
    ts_us: int | None
    value: float | None
    quality: int
    line: int
    code: str = ""
    detail: str = ""


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    import_id: int
    file_name: str
    items: list[Item]


_decoder = msgspec.json.Decoder(_Message)


def encode(import_id: int, file_name: str, items: Sequence[Item]) -> bytes:
    """Return the message that keeps items of an import."""
    return msgspec.json.encode(_Message(import_id, file_name, list(items)))


def lines_of(payload: bytes) -> list[int]:
    """Return the line of the file that each item of a message stood in."""
    return [item.line for item in _decoder.decode(payload).items]


def decode(payload: bytes) -> Decoded:
    """Return the readings of a message that `encode` made; its epoch is the number of the import.

    What was no reading is none on the second try either: the file must be corrected.
    """
    try:
        message = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Decoded(rejected=[Rejection(WHOLE, Code.JSON, f"no message of an import: {error}")])
    name: list[str] = []
    ts_us: list[int] = []
    value: list[float] = []
    quality: list[int] = []
    place: list[int] = []
    rejected: list[Rejection] = []
    for number, item in enumerate(message.items):
        if item.ts_us is None or item.value is None:
            rejected.append(Rejection(number, item.code, item.detail))
            continue
        name.append(item.name)
        ts_us.append(item.ts_us)
        value.append(item.value)
        quality.append(item.quality)
        place.append(number)
    return Decoded(
        name=name,
        ts_us=ts_us,
        value=value,
        quality=quality,
        item=place,
        epoch=str(message.import_id),
        rejected=rejected,
        item_count=len(message.items),
    )
