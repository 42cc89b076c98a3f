"""Who an alert is: its labels, and the number that stands for them."""

from collections.abc import Mapping
from hashlib import sha256

# Labels that the centre sets; a rule cannot.
RESERVED_LABELS = ("alertname", "severity", "tenant", "group", "site")


def fingerprint(labels: Mapping[str, str]) -> int:
    """Return the number that stands for a set of labels, whatever their order.

    Parameters
    ----------
    labels : mapping of str to str
        All labels, `alertname` included. A value that was measured is never one: each change of
        it would be another alert.

    Returns
    -------
    fingerprint : int
        The first 8 bytes of the SHA-256 of names and values, sorted by name, as UTF-8 with 0xFF
        between; a signed 64-bit integer.
    """
    # A byte that no text contains stands between them, so that no two sets are written alike.
    written = b"\xff".join(word.encode() for pair in sorted(labels.items()) for word in pair)
    return int.from_bytes(sha256(written).digest()[:8], "big", signed=True)
