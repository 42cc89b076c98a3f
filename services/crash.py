"""Named points at which a fault test lets a process die, as `kill -9` would: at once, unprepared.

A kill at random misses windows that are narrow. Nothing happens here unless the process was armed,
and only `NENGTAN_CRASH_AT` beside the test suite's own switch does that (see `services.settings`).
"""

import os
import signal
from dataclasses import dataclass

from compute.errors import NengtanError

POINTS = (
    "received",  # messages are in hand, nothing is decoded
    "parsed",  # decoded and checked
    "before_insert",  # the transaction is open
    "after_insert",  # readings are written, ledgers and marks are not
    "after_commit",  # durable, and no receipt was sent
    "after_receipt",  # the receipt was sent, the broker was told nothing
    "rollup_before_commit",  # results are written, the marks are taken
    "rollup_after_commit",
    "import_between_batches",  # a file is half in the outbox
    "alert_before_commit",  # an alert is written with all that goes with it, nothing is kept
    "alert_event_stored",  # an alert and what is to be told of it are kept, nobody was told
    "webhook_200_before_mark",  # a receiver took a message, and nobody noted it
    "migration_statement",  # a statement of a step of the schema is done, the step is not
)


class CrashPointUnknown(NengtanError):
    """A place to crash at that the code does not have."""


@dataclass(slots=True)
class _Armed:
    point: str
    passes_left: int


_armed: _Armed | None = None


def arm(wanted: str | None) -> None:
    """Have this process die when it comes to a point, `name` or `name:n` for the n-th time.

    Raises
    ------
    CrashPointUnknown
        If there is no such point, or n is not a number from 1 on.
    """
    global _armed  # noqa: PLW0603 - one process dies once
    if wanted is None:
        _armed = None
        return
    name, _, count = wanted.partition(":")
    if name not in POINTS or (count and not (count.isascii() and count.isdigit() and int(count))):
        raise CrashPointUnknown(
            f"{wanted!r} is no point to crash at: write one of {', '.join(POINTS)},"
            " with :n for the n-th time"
        )
    _armed = _Armed(name, int(count or 1) - 1)


def crash_point(name: str) -> None:
    """Die here if the process is armed for it; else, and always outside fault tests, nothing."""
    if _armed is None or _armed.point != name:
        return
    if _armed.passes_left:
        _armed.passes_left -= 1
        return
    os.write(2, f"crash_point {name}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
