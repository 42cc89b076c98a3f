"""What a gateway counts of its work: for those who watch it, never for the protocol."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class GatewayCounters:
    """What a gateway has done since it was made. Readings that are rejected are also receipted."""

    connected: bool = False
    connection_count: int = 0
    published_count: int = 0  # messages, repetitions included
    resent_count: int = 0
    receipted_count: int = 0  # messages
    receipted_reading_count: int = 0
    rejected_reading_counts: Counter[str] = field(default_factory=Counter)
    unreadable_receipt_count: int = 0
    last_receipt_s: float | None = None  # of the monotonic clock
    last_fault: str | None = None  # why there is no connection
