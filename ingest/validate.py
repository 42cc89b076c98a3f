"""From deliveries to one checked batch: every reading is taken, or rejected with a reason.

The checks run on the columns of the whole batch; only what they find is looked at one by one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from compute.periods import from_us
from compute.quality import Quality
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
    messages: list[Message] = []
    index: list[int] = []
    row: list[int] = []
    item: list[int] = []
    ts_us: list[int] = []
    value: list[float] = []
    quality: list[int] = []
    for delivery in deliveries:
        message = _open(delivery, registry)
        if message.gateway is not None:
            decoded = message.decoded
            rows = list(map(message.gateway.row_of.get, decoded.name))
            keep: Sequence[int] = range(len(rows))
            if None in rows:
                keep = _known_items(message, rows)
            flags = _transport_quality(delivery)
            index += [len(messages)] * len(keep)
            if len(keep) == len(rows):
                row += rows  # type: ignore[arg-type] # no None is among them
                item += decoded.item
                ts_us += decoded.ts_us
                value += decoded.value
                quality += [q | flags for q in decoded.quality] if flags else decoded.quality
            else:
                row += [r for r in rows if r is not None]
                for place in keep:
                    item.append(decoded.item[place])
                    ts_us.append(decoded.ts_us[place])
                    value.append(decoded.value[place])
                    quality.append(decoded.quality[place] | flags)
        messages.append(message)
    stamps_us = np.array(ts_us, dtype=np.int64)
    batch = Batch(
        messages,
        np.array(index, dtype=np.int32),
        registry.rows_at(np.array(row, dtype=np.int32), stamps_us),
        np.array(item, dtype=np.int32),
        stamps_us,
        np.array(value, dtype=np.float64),
        np.array(quality, dtype=np.int32),
    )
    return check(batch, registry, now_us=now_us)


def _open(delivery: Delivery, registry: Registry) -> Message:
    gateway = registry.by_topic.get(delivery.topic)
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
    flags = 0 if delivery.qos else Quality.QOS0
    return int(flags | Quality.RETAINED) if delivery.retained else int(flags)


def _known_items(message: Message, rows: Sequence[int | None]) -> list[int]:
    """Reject the items whose name is not a point of the gateway; return the places of the rest."""
    keep: list[int] = []
    for place, row in enumerate(rows):
        if row is not None:
            keep.append(place)
            continue
        message.rejected.append(
            Rejection(
                message.decoded.item[place],
                "unknown_point",
                f"{message.decoded.name[place]!r} is no point of this gateway: correct the name, "
                "or add the point to the plant description and try again",
            )
        )
    return keep


def check(batch: Batch, registry: Registry, *, now_us: int) -> Batch:
    """Reject what lies outside validity, time and physics."""
    if not len(batch):
        return batch
    early = batch.ts_us < registry.valid_from_us[batch.row]
    retired = batch.ts_us >= registry.valid_to_us[batch.row]
    future = batch.ts_us > now_us + FUTURE_US_MAX
    # What its own device does not stand by is not used, and so need not be possible.
    stands = (batch.quality & int(Quality.SOURCE_BAD)) == 0
    with np.errstate(invalid="ignore"):
        unphysical = stands & (
            (batch.value < registry.value_min[batch.row])
            | (batch.value > registry.value_max[batch.row])
        )
    bad = early | retired | future | unphysical
    if not bad.any():
        return batch
    reasons: tuple[tuple[npt.NDArray[np.bool_], str, Callable[[int], str]], ...] = (
        (early, "before_validity", lambda i: _valid(registry.valid_from_us, batch.row[i], "from")),
        (retired, "after_validity", lambda i: _valid(registry.valid_to_us, batch.row[i], "to")),
        (future, "future", lambda _: "lies in the future: check the clock of the gateway"),
        (
            unphysical,
            "physics",
            lambda i: (
                f"value {float(batch.value[i])!r} is outside "
                f"{registry.value_min[batch.row[i]]} … {registry.value_max[batch.row[i]]}: "
                "check the meter, or correct the limits of the point"
            ),
        ),
    )
    for position in np.flatnonzero(bad).tolist():
        mask, code, explain = next(reason for reason in reasons if reason[0][position])
        message = batch.messages[int(batch.message_index[position])]
        place = int(batch.item[position])
        at = from_us(int(batch.ts_us[position]))
        message.rejected.append(
            Rejection(place, code, f"reading of {at.isoformat()}: {explain(position)}")
        )
        if mask is future and at - from_us(now_us) <= FUTURE_RETRY_MAX:
            message.due_at[place] = at
    return batch.keep(~bad)


def _valid(edge_us: npt.NDArray[np.int64], row: int, word: str) -> str:
    return f"the point is valid {word} {from_us(int(edge_us[row])).isoformat()}"


def set_aside(batch: Batch, *, code: str, detail: str) -> Batch:
    """Return a batch that stores none of its readings and quarantines every message whole."""
    for message in batch.messages:
        message.rejected = [Rejection(WHOLE, code, detail)]
    return batch.keep(np.zeros(len(batch), dtype=np.bool_))
