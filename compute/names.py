"""Names of points, found by their bytes where they stand: one open-addressing table a gateway."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import inlined, kernel
from compute.scan import DOUBT, Text

HASH_START, _HASH_FACTOR = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # FNV-1a
_SHIFT = np.uint64(32)


class Names(NamedTuple):
    """Names of the points of each gateway, in one open-addressing table a gateway.

    Attributes
    ----------
    slot_start : (g + 1,) int64
        The slots of a gateway; their number is a power of two, and at least one is free.
    slot_row : (s,) int32
        Row of the point, -1 where the slot is free.
    slot_from, slot_to : (s,) int64
        Its name in `letters`.
    letters : (l,) uint8
    """

    slot_start: npt.NDArray[np.int64]
    slot_row: npt.NDArray[np.int32]
    slot_from: npt.NDArray[np.int64]
    slot_to: npt.NDArray[np.int64]
    letters: Text


def name_table(names: Sequence[dict[bytes, int]]) -> Names:
    """Return the table of the names of each gateway: bytes as they stand in a message → row."""
    sizes = [1 << max(1, (2 * len(one)).bit_length()) for one in names]
    slot_start = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
    pairs = [(name, row) for one in names for name, row in one.items()]
    letters = np.frombuffer(b"".join(name for name, _ in pairs) or b"\0", dtype=np.uint8).copy()
    edges = np.concatenate(
        [np.zeros(1, np.int64), np.cumsum([len(name) for name, _ in pairs], dtype=np.int64)]
    )
    table = Names(
        slot_start,
        np.full(int(slot_start[-1]), -1, dtype=np.int32),
        np.zeros(int(slot_start[-1]), dtype=np.int64),
        np.zeros(int(slot_start[-1]), dtype=np.int64),
        letters,
    )
    owner = np.repeat(np.arange(len(names), dtype=np.int64), [len(one) for one in names])
    # Only without the compiler does numpy warn of the wrapping that the hash means.
    with np.errstate(over="ignore"):
        _fill(table, owner, np.array([row for _, row in pairs], dtype=np.int32), edges)
    return table


@kernel
def _fill(
    names: Names,
    owner: npt.NDArray[np.int64],
    row: npt.NDArray[np.int32],
    edges: npt.NDArray[np.int64],
) -> None:
    for index in range(len(row)):
        start = names.slot_start[owner[index]]
        mask = names.slot_start[owner[index] + 1] - start - 1
        state = mix_text(HASH_START, names.letters, edges[index], edges[index + 1])
        slot = np.int64(state ^ (state >> _SHIFT)) & mask
        while names.slot_row[start + slot] >= 0:
            slot = (slot + 1) & mask
        names.slot_row[start + slot] = row[index]
        names.slot_from[start + slot] = edges[index]
        names.slot_to[start + slot] = edges[index + 1]


@inlined
def mix_text(state: np.uint64, text: Text, start: int, stop: int) -> np.uint64:
    """Return a hash continued by text[start:stop]."""
    for at in range(start, stop):
        state = (state ^ np.uint64(text[at])) * _HASH_FACTOR
    return state


@inlined
def _is_same(letters: Text, here: int, text: Text, start: int, stop: int) -> bool:
    for index in range(stop - start):  # noqa: SIM110 - compiled: a generator would be an object
        if letters[here + index] != text[start + index]:
            return False
    return True


@kernel
def row_of_name(
    text: Text,
    start: int,
    stop: int,
    names: Names,
    slots: tuple[int, int],
    prefix: Text,
    known: tuple[int, np.uint64],
) -> int:
    """Return the row of prefix + text[start:stop], or -1.

    `slots` are the first slot of the gateway and the mask of their number; `known` is how much of
    `prefix` counts, and its hash.
    """
    first, mask = slots
    prefix_count, state = known
    state = mix_text(state, text, start, stop)
    slot = np.int64(state ^ (state >> _SHIFT)) & mask
    while names.slot_row[first + slot] >= 0:
        here = names.slot_from[first + slot]
        if names.slot_to[first + slot] - here == prefix_count + stop - start:
            same = _is_same(names.letters, here, prefix, 0, prefix_count)
            if same and _is_same(names.letters, here + prefix_count, text, start, stop):
                return int(names.slot_row[first + slot])
        slot = (slot + 1) & mask
    return DOUBT


@kernel
def slots_of(names: Names, gateway: int) -> tuple[int, int]:
    """Return the first slot of a gateway, and the mask of how many there are."""
    first = names.slot_start[gateway]
    return first, names.slot_start[gateway + 1] - first - 1
