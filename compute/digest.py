"""The order-dependent 64-bit digest that says which inputs a figure was computed from.

Words that come one by one are mixed in. Where every interval has the digest of its own run of one
long sequence, mixing each run anew would cost more than the figures: there the digest is a
polynomial in the words, of which a run is a difference of two prefixes (Karp and Rabin 1987).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import inlined, kernel

UInt1D = npt.NDArray[np.uint64]

# First state of every digest: FNV-1a's 64-bit offset basis.
EMPTY = np.uint64(0xCBF29CE484222325)

_STREAM = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_SHIFT_30 = np.uint64(30)
_SHIFT_27 = np.uint64(27)
_SHIFT_31 = np.uint64(31)


@inlined
def mix(state: np.uint64, word: np.uint64) -> np.uint64:
    """Return the digest `state` continued by one 64-bit word.

    Notes
    -----
    The finalizer of splitmix64 (Steele, Lea and Flood 2014) over state xor word, so that the
    order of the words counts. Arithmetic is modulo 2^64 and meant to wrap.
    """
    z = (state ^ word) + _STREAM
    z = (z ^ (z >> _SHIFT_30)) * _FIRST
    z = (z ^ (z >> _SHIFT_27)) * _SECOND
    return z ^ (z >> _SHIFT_31)


# Odd, so that no word is lost modulo 2^64: Knuth's multiplier (MMIX).
_RADIX = np.uint64(6364136223846793005)


class Sequence(NamedTuple):
    """Prefixes of a sequence of words: prefix[i] is the polynomial of the first i of them.

    `power` is the radix to the power of i.
    """

    prefix: UInt1D
    power: UInt1D


def sequence_of(length: int) -> Sequence:
    """Return room for the prefixes of up to `length` words."""
    sequence = Sequence(np.zeros(length + 1, np.uint64), np.ones(length + 1, np.uint64))
    with np.errstate(over="ignore"):
        np.multiply.accumulate(
            np.concatenate([sequence.power[:1], np.full(length, _RADIX)]), out=sequence.power
        )
    return sequence


@kernel
def put_words(sequence: Sequence, words: UInt1D) -> None:
    """Make words the sequence."""
    prefix = sequence.prefix
    # In a register: each waits for the one before.
    state = prefix[0]
    for index in range(words.size):
        state = state * _RADIX + words[index]
        prefix[index + 1] = state


@inlined
def join(digest: np.uint64, sequence: Sequence, first: int, last: int) -> np.uint64:
    """Return the polynomial of what `digest` is of, followed by the words first:last."""
    if last <= first:
        return digest
    power: np.uint64 = sequence.power[last - first]
    before: np.uint64 = sequence.prefix[first]
    after: np.uint64 = sequence.prefix[last]
    return (digest - before) * power + after
