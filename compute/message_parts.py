"""What the forms of messages share: columns to fill, lists of parts, names with their numbers."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.names import Names, row_of_name, slots_of
from compute.scan import DOUBT, Text, skip_space, take, take_integer, take_key, take_number

COMMA, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST = 44, 123, 125, 91, 93
PREFIX_BYTES_MAX = 1_024


class Found(NamedTuple):
    """Readings as columns, in the order of the text, and what each message says of itself.

    Attributes
    ----------
    message_index, row, item : (n,) int32
    ts_us : (n,) int64
    value : (n,) float64
    quality : (n,) int32
    reading_count : (m,) int32
        Of each message; -1 where it is left to another decoder.
    seq, epoch_from, epoch_to : (m,) int64
        Its number, and where its epoch is in the text; 0 where the form has none.
    """

    message_index: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    ts_us: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.int32]
    reading_count: npt.NDArray[np.int32]
    seq: npt.NDArray[np.int64]
    epoch_from: npt.NDArray[np.int64]
    epoch_to: npt.NDArray[np.int64]


class Work(NamedTuple):
    """What every message of a block is read with: `seen` is the last object a row stood in."""

    text: Text
    names: Names
    found: Found
    seen: npt.NDArray[np.int64]
    prefix: Text


@kernel
def next_part(text: Text, at: int, end: int, close: int) -> tuple[int, bool]:
    """Read a comma, or the closing bracket: then the second is True. Space around is passed."""
    if at < 0:
        return DOUBT, False
    at = skip_space(text, at, end)
    if at >= end or (text[at] != COMMA and text[at] != close):
        return DOUBT, False
    return skip_space(text, at + 1, end), text[at] == close


@kernel
def take_pairs(
    work: Work,
    at: int,
    end: int,
    gateway: int,
    known: tuple[int, np.uint64],
    total: int,
    stamp: int,
    quality: int,
) -> tuple[int, int]:
    """Read an object of names and numbers, or error codes where `quality` says so."""
    text, seen = work.text, work.seen
    row_out, value_out, quality_out = work.found.row, work.found.value, work.found.quality
    slots = slots_of(work.names, gateway)
    at = take(text, at, end, OPEN)
    while at >= 0:
        start = at + 1
        stop, at = take_key(text, at, end)
        if at < 0 or stop - 1 == start:
            return DOUBT, DOUBT
        row = row_of_name(text, start, stop - 1, work.names, slots, work.prefix, known)
        if row < 0 or seen[row] == stamp:
            return DOUBT, DOUBT
        seen[row] = stamp
        value = np.nan
        if quality:
            at, _ = take_integer(text, at, end)
        else:
            at, value = take_number(text, at, end)
        row_out[total], value_out[total], quality_out[total] = row, value, quality
        total += 1
        at, is_last = next_part(text, at, end, CLOSE)
        if is_last:
            return at, total
    return DOUBT, DOUBT
