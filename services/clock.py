"""The only reader of the wall clock. Everything else is given the time."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the one place


def now_us() -> int:
    """Return the present instant. [µs since 1970-01-01 UTC]."""
    return time.time_ns() // 1000


def monotonic() -> float:
    """Return seconds that never go back, for timeouts and intervals."""
    return time.monotonic()
