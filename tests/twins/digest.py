"""The digest, with Python's own integers."""

import math
import struct
from collections.abc import Iterable

MASK = (1 << 64) - 1
EMPTY = 0xCBF29CE484222325


def mix(state: int, word: int) -> int:
    z = ((state ^ (word & MASK)) + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def digest(words: Iterable[int]) -> int:
    state = EMPTY
    for word in words:
        state = mix(state, word)
    return state


def signed(state: int) -> int:
    return state - (1 << 64) if state >> 63 else state


def float_word(value: float) -> int:
    canonical = value if math.isfinite(value) else math.nan
    return int(struct.unpack("<Q", struct.pack("<d", canonical))[0])


RADIX = 6364136223846793005


def digest_of_sequence(words: Iterable[int]) -> int:
    """The polynomial of words in the radix, mixed once: what an interval has of its readings."""
    found = 0
    for word in words:
        found = (found * RADIX + word) & MASK
    return mix(EMPTY, found)
