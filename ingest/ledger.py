"""What a batch amounts to, as pure functions of it: first readings, ranges of numbers, receipts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from compute.arrivals import first_arrivals
from ingest.registry import Registry
from ingest.validate import Batch, Message
from services.store.readings import ReadingColumns


@dataclass(frozen=True, slots=True)
class Firsts:
    """The first reading of each instant and point of a batch, and what came after it.

    Attributes
    ----------
    columns : ReadingColumns
        Sorted by (ts, point), each once.
    origin : (m,) int64
        Place in the batch of each of them.
    repeat : (r,) int64
        Places in the batch of later readings of the same instant and point.
    repeat_of : (r,) int64
        The row of `columns` each of them repeats.
    """

    columns: ReadingColumns
    origin: npt.NDArray[np.int64]
    repeat: npt.NDArray[np.int64]
    repeat_of: npt.NDArray[np.int64]


def first_readings(batch: Batch, registry: Registry) -> Firsts:
    """Sort a batch for storing; of equal (ts, point) the first to arrive stands."""
    point_id = registry.point_id[batch.row]
    origin, repeat, repeat_of = first_arrivals(batch.ts_us, point_id)
    columns = ReadingColumns(
        batch.ts_us[origin], point_id[origin], batch.value[origin], batch.quality[origin]
    )
    return Firsts(columns, origin, repeat, repeat_of)


def ranges_of(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the inclusive ranges that a set of numbers makes, in order."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


# Bounds of one receipt: with the longest numbers it stays below half of a broker's packet limit of
# 1 MB. A message is never split: it has at most 5,000 items itself.
_RECEIPT_MESSAGES_MAX = 4000
_RECEIPT_REJECTED_MAX = 5000


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one gateway may forget: publish `payload` to `topic`."""

    gateway_id: int
    epoch: str
    ranges: list[tuple[int, int]]
    topic: str
    payload: bytes


def receipts(messages: Iterable[Message]) -> list[Receipt]:
    """Return the receipts for messages that are durable now: one per gateway and epoch.

    More than one where it would grow beyond what a broker takes. A message without epoch and
    number (unreadable, or of a foreign form) cannot be receipted; one that could be read is
    receipted even where items were rejected: they are in quarantine.
    """
    groups: dict[tuple[int, str], list[Message]] = {}
    for message in messages:
        decoded = message.decoded
        if message.gateway and message.gateway.receipt_topic and decoded.epoch and decoded.seq:
            groups.setdefault((message.gateway.id, decoded.epoch), []).append(message)
    return [
        _receipt(gateway_id, epoch, part)
        for (gateway_id, epoch), members in groups.items()
        for part in _parts(members)
    ]


def _parts(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Yield messages in groups that one receipt can name with all that was rejected of them."""
    part: list[Message] = []
    rejected = 0
    for message in messages:
        rejected += len(message.rejected)
        if part and (rejected > _RECEIPT_REJECTED_MAX or len(part) == _RECEIPT_MESSAGES_MAX):
            yield part
            part, rejected = [], len(message.rejected)
        part.append(message)
    yield part


def _receipt(gateway_id: int, epoch: str, messages: Sequence[Message]) -> Receipt:
    topic = messages[0].gateway.receipt_topic if messages[0].gateway else None
    if topic is None:
        raise AssertionError("only gateways with a receipt topic are grouped")
    ranges = ranges_of(m.decoded.seq for m in messages if m.decoded.seq)
    rejected = [
        {"seq": message.decoded.seq, "item": fault.item, "code": fault.code}
        for message in messages
        for fault in message.rejected
    ]
    payload = msgspec.json.encode({"epoch": epoch, "seq": ranges, "rejected": rejected})
    return Receipt(gateway_id, epoch, ranges, topic, payload)
