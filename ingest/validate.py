"""From deliveries to one checked batch: every reading is taken, or rejected with a reason.

The checks run on the columns of the whole batch; only what they find is looked at one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from compute.arrivals import Fate, check_arrivals
from compute.message_parts import Found
from compute.periods import from_us
from compute.quality import Quality
from ingest.block import scan
from ingest.decode import decode
from ingest.reading import WHOLE, Decoded, Delivery, Rejection
from ingest.registry import Gateway, Registry
from ingest.signature import body_of

SIGNATURE = "signature"  # the code of a message that its gateway did not sign
# A clock may run ahead by this much; what is further ahead waits until it is due.
FUTURE_US_MAX = 2 * 60 * 1_000_000
# What is further ahead than this is a wrong clock, which waits for a person.
FUTURE_RETRY_MAX = timedelta(days=1)


@dataclass(slots=True)
class Message:
    """A delivery, whose it is, and what cannot be taken of it."""

    delivery: Delivery
    gateway: Gateway | None
    decoded: Decoded
    rejected: list[Rejection] = field(default_factory=list)
    due_at: dict[int, datetime] = field(default_factory=dict)  # by item: when to try again


@dataclass(frozen=True, slots=True)
class Batch:
    """Checked readings of several messages, in order of arrival.

    Attributes
    ----------
    messages : list of Message
    message_index, row, item : (n,) int32
        Which message, which row of the registry, which place in the message.
    ts_us : (n,) int64
    value : (n,) float64
    quality : (n,) int32
    """

    messages: list[Message]
    message_index: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    ts_us: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of readings that may be stored."""
        return len(self.ts_us)

    def keep(self, mask: npt.NDArray[np.bool_]) -> "Batch":
        """Return the batch with some of its readings."""
        return Batch(
            self.messages,
            self.message_index[mask],
            self.row[mask],
            self.item[mask],
            self.ts_us[mask],
            self.value[mask],
            self.quality[mask],
        )


def assemble(deliveries: Sequence[Delivery], registry: Registry, *, now_us: int) -> Batch:
    """Decode deliveries, find their points and check every reading.

    Parameters
    ----------
    deliveries : sequence of Delivery
    registry : Registry
    now_us : int
        When they were received. [µs since 1970 UTC]
    """
    gateways = [registry.by_topic.get(delivery.topic) for delivery in deliveries]
    flags = [_transport_quality(delivery) for delivery in deliveries]
    text, found = scan(deliveries, gateways, registry, flags)
    messages: list[Message] = []
    columns = _Columns()
    for delivery, gateway, flag, count, seq, start, stop in zip(
        deliveries,
        gateways,
        flags,
        found.reading_count.tolist(),
        found.seq.tolist(),
        found.epoch_from.tolist(),
        found.epoch_to.tolist(),
        strict=True,
    ):
        if count >= 0:
            decoded = Decoded(
                epoch=text[start:stop].decode() or None, seq=seq or None, item_count=count
            )
            messages.append(Message(delivery, gateway, decoded))
            continue
        message = _open(delivery, gateway)
        if gateway is not None:
            columns.add(len(messages), message, gateway.row_of, flag)
        messages.append(message)
    return check(columns.merged(messages, found), registry, now_us=now_us)


@dataclass(slots=True)
class _Columns:
    """Readings of the messages that were decoded one by one."""

    message_index: list[int] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    item: list[int] = field(default_factory=list)
    ts_us: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)

    def add(self, index: int, message: Message, row_of: Mapping[str, int], flags: int) -> None:
        """Add the readings of a message whose names are known; reject the others."""
        decoded = message.decoded
        for place, name in enumerate(decoded.name):
            row = row_of.get(name)
            if row is None:
                message.rejected.append(_unknown_point(decoded.item[place], name))
                continue
            self.message_index.append(index)
            self.row.append(row)
            self.item.append(decoded.item[place])
            self.ts_us.append(decoded.ts_us[place])
            self.value.append(decoded.value[place])
            self.quality.append(decoded.quality[place] | flags)

    def merged(self, messages: list[Message], found: Found) -> Batch:
        """Return these readings and those that were found in the block, in order of arrival."""
        columns: list[npt.NDArray[Any]] = [*found[:6]]
        if self.row:
            mine = (self.message_index, self.row, self.item, self.ts_us, self.value, self.quality)
            for place, column in enumerate(columns):
                columns[place] = np.concatenate([column, np.array(mine[place], column.dtype)])
            order = np.argsort(columns[0], kind="stable")
            columns = [column[order] for column in columns]
        return Batch(messages, *columns)


def _open(delivery: Delivery, gateway: Gateway | None) -> Message:
    if gateway is None:
        fault = Rejection(
            WHOLE,
            "unknown_gateway",
            f"no gateway sends on topic {delivery.topic!r}: declare it in the plant description",
        )
        return Message(delivery, None, Decoded(), [fault])
    payload = _proven(delivery, gateway)
    if isinstance(payload, Rejection):
        return Message(delivery, gateway, Decoded(), [payload])
    decoded = decode(gateway.form, payload)
    return Message(delivery, gateway, decoded, list(decoded.rejected))


def _proven(delivery: Delivery, gateway: Gateway) -> bytes | Rejection:
    """Return what a gateway said, or why it cannot be known that it did."""
    if not gateway.signed:
        return delivery.payload
    if gateway.key is None:
        return Rejection(
            WHOLE,
            SIGNATURE,
            "the centre has no key of this gateway: put it into NENGTAN_GATEWAY_KEYS_FOLDER, "
            "restart ingest and try again",
        )
    body = body_of(gateway.key, delivery.topic, delivery.payload)
    if body is not None:
        return body
    return Rejection(
        WHOLE,
        SIGNATURE,
        "not signed by the key of this gateway: see who sends on its topic, and that both sides "
        "have the same key",
    )


def _transport_quality(delivery: Delivery) -> int:
    if delivery.qos and not delivery.retained:
        return 0
    flags = 0 if delivery.qos else Quality.QOS0
    return int(flags | Quality.RETAINED) if delivery.retained else int(flags)


def _unknown_point(item: int, name: str) -> Rejection:
    return Rejection(
        item,
        "unknown_point",
        f"{name!r} is no point of this gateway: correct the name, "
        "or add the point to the plant description and try again",
    )


def check(batch: Batch, registry: Registry, *, now_us: int) -> Batch:
    """Find the point that has each address then; reject what lies outside validity and physics."""
    row, fate, bad_count = check_arrivals(
        batch.row,
        batch.ts_us,
        batch.value,
        batch.quality,
        lives=registry.lives,
        ts_us_max=now_us + FUTURE_US_MAX,
    )
    batch = replace(batch, row=row)
    if not bad_count:
        return batch
    for position in np.flatnonzero(fate).tolist():
        message = batch.messages[int(batch.message_index[position])]
        place = int(batch.item[position])
        at = from_us(int(batch.ts_us[position]))
        code, reason = _explain(batch, registry, position, Fate(int(fate[position])))
        message.rejected.append(Rejection(place, code, f"reading of {at.isoformat()}: {reason}"))
        if code == "future" and at - from_us(now_us) <= FUTURE_RETRY_MAX:
            message.due_at[place] = at
    return batch.keep(fate == Fate.GOOD)


def _explain(batch: Batch, registry: Registry, position: int, fate: Fate) -> tuple[str, str]:
    """Return the code of what is wrong with a reading, and what it says of it."""
    row = batch.row[position]
    if fate is Fate.EARLY:
        return "before_validity", _valid(registry.valid_from_us, row, "from")
    if fate is Fate.RETIRED:
        return "after_validity", _valid(registry.valid_to_us, row, "to")
    if fate is Fate.FUTURE:
        return "future", "lies in the future: check the clock of the gateway"
    limits = f"{registry.value_min[row]} … {registry.value_max[row]}"
    return "physics", (
        f"value {float(batch.value[position])!r} is outside {limits}: "
        "check the meter, or correct the limits of the point"
    )


def _valid(edge_us: npt.NDArray[np.int64], row: int, word: str) -> str:
    return f"the point is valid {word} {from_us(int(edge_us[row])).isoformat()}"


def set_aside(batch: Batch, *, code: str, detail: str) -> Batch:
    """Return a batch that stores none of its readings and quarantines every message whole."""
    for message in batch.messages:
        message.rejected = [Rejection(WHOLE, code, detail)]
    return batch.keep(np.zeros(len(batch), dtype=np.bool_))
