"""Quality of readings and of results: one bit mask, from which good, uncertain and bad follow.

The same bits travel with a reading and with everything computed from it, so that a month can say
that one of its quarters stands on a rolled-over register.
"""

from enum import IntFlag
from typing import Literal

Grade = Literal["good", "uncertain", "bad"]


class Quality(IntFlag):
    """One bit per thing that can be said of a value. 0 is good.

    The low half is said of readings, the high half of results; values fit a 32-bit integer.
    """

    GOOD = 0
    # Of readings.
    SOURCE_BAD = 1 << 0  # the device or gateway reported an error: there is no value
    SOURCE_UNCERTAIN = 1 << 1  # the device said so itself
    QOS0 = 1 << 2  # sent without acknowledgement: a loss would not be noticed
    RETAINED = 1 << 3  # the broker's copy of an old message
    ZONE_ASSUMED = 1 << 4  # the stamp had no zone: the point's was taken
    CONFLICT = 1 << 5  # another value arrived for the same instant
    # Of results.
    OPEN = 1 << 12  # the interval has not ended, or its end is not covered yet
    MISSING = 1 << 13  # no reading covers any of the interval: there is no amount
    PARTIAL = 1 << 14  # readings cover only part of the interval
    INTERPOLATED = 1 << 15  # a gap was bridged: the sum is right, the shape is not known
    ROLLOVER = 1 << 16  # a register passed its last digit
    DECREASE = 1 << 17  # a register fell without a record: its step is withheld for review
    SPIKE = 1 << 18  # a step beyond what the point can pass: withheld for review
    HELD = 1 << 19  # a gauge was silent for longer than it may be held
    DERIVED = 1 << 20  # an unmetered flow, found as the balance of its node
    FACTOR_MISSING = 1 << 21  # a factor is missing or not confirmed: the figure is invalid
    UNBALANCED = 1 << 22  # inputs and outputs of the node differ beyond its tolerance


BAD = (
    Quality.SOURCE_BAD | Quality.MISSING | Quality.DECREASE | Quality.SPIKE | Quality.FACTOR_MISSING
)


def grade(quality: int) -> Grade:
    """Return the grade that a mask amounts to: bad if anything is withheld or absent.

    What an open interval lacks may still come: it is uncertain, not bad.
    """
    bad = BAD & ~Quality.MISSING if quality & Quality.OPEN else BAD
    if quality & bad:
        return "bad"
    return "uncertain" if quality else "good"


def flag_names(quality: int) -> list[str]:
    """Return the names of the bits that are set, lower case, in the order of the bits."""
    return [flag.name.lower() for flag in Quality if flag.name and flag.value & quality]
