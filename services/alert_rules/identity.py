"""Who an alert is: its labels, and the number that stands for them."""

import json
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
        The first 8 bytes of the SHA-256 of the sorted pairs, a signed 64-bit integer.
    """
    # As JSON no two sets are written alike, whatever signs the values contain.
    written = json.dumps(sorted(labels.items()), ensure_ascii=False, separators=(",", ":"))
    return int.from_bytes(sha256(written.encode()).digest()[:8], "big", signed=True)
