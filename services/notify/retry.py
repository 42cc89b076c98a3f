"""When a message that was not taken is tried again, and when it is given up."""

from datetime import datetime, timedelta

# A receiver that is away is asked soon, then ever more seldom.
_FIRST_S = 5.0
_LAST_S = 600.0
_DOUBLINGS_MAX = 12
GIVEN_UP_AFTER = timedelta(hours=24)


def retry_at(attempt_count: int, *, at: datetime, retry_after_s: float = 0.0) -> datetime:
    """Return when a message is tried again.

    Parameters
    ----------
    attempt_count : int
        How often it was tried, from 1.
    at : datetime
        Of the last try.
    retry_after_s : float
        What the receiver asked for at least. [s]
    """
    doublings = min(max(attempt_count - 1, 0), _DOUBLINGS_MAX)
    return at + timedelta(seconds=max(min(_FIRST_S * 2**doublings, _LAST_S), retry_after_s))


def is_given_up(first_tried_at: datetime | None, *, at: datetime) -> bool:
    """Return whether a message was tried for long enough."""
    return first_tried_at is not None and at - first_tried_at >= GIVEN_UP_AFTER
