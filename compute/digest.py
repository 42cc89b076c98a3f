"""The order-dependent 64-bit digest that says which inputs a figure was computed from."""

import numpy as np

from compute._jit import kernel

# First state of every digest: FNV-1a's 64-bit offset basis.
EMPTY = np.uint64(0xCBF29CE484222325)

_STREAM = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_SHIFT_30 = np.uint64(30)
_SHIFT_27 = np.uint64(27)
_SHIFT_31 = np.uint64(31)


@kernel
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
