"""What the path of a reading carries: one delivery of the broker, and columns of readings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

WHOLE = -1  # the item that is the whole message


class Delivery(NamedTuple):
    """One message as the broker handed it over, with the token that acknowledges it."""

    topic: str
    payload: bytes
    token: int  # of the receiver; 0 for QoS 0, which nothing acknowledges
    qos: int
    retained: bool


@dataclass(frozen=True, slots=True)
class Rejection:
    """One item of a message, or the whole of it, that cannot be taken.

    `item` counts the readings of the message from 0; `WHOLE` is the whole message. `code` is one of
    the catalogue in ingest/README.md; `detail` says place, value and remedy.
    """

    item: int
    code: str
    detail: str


@dataclass(slots=True)
class Decoded:
    """A message as columns, before it is known which points they are.

    Columns have one entry per good item, in the order of the message; `item` is the place in it.
    `value` is NaN where the source reported an error (its bit is in `quality`). `ts_us` is µs
    since 1970 UTC.
    """

    name: Sequence[str] = ()
    ts_us: Sequence[int] = ()
    value: Sequence[float] = ()
    quality: Sequence[int] = ()
    item: Sequence[int] = ()
    epoch: str | None = None
    seq: int | None = None
    rejected: list[Rejection] = field(default_factory=list)
    item_count: int = 0  # readings the message held, good or not
