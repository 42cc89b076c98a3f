"""A block of messages as columns: our own form and Neuron's, read in place without an object each.

A message is taken whole, or left whole to the decoder that says what is wrong with it: every name
must be that of a point of its gateway, byte for byte, every number plain, nothing repeated.
"""

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.message_parts import (
    CLOSE,
    CLOSE_LIST,
    COMMA,
    OPEN,
    OPEN_LIST,
    PREFIX_BYTES_MAX,
    Found,
    Work,
    next_part,
    take_pairs,
)
from compute.names import HASH_START, Names, row_of_name, slots_of
from compute.neuron_form import scan_neuron
from compute.scan import (
    DOUBT,
    Text,
    is_word,
    take,
    take_integer,
    take_key,
    take_number,
    take_stamp,
    take_string,
    word,
)

FORM_OTHER, FORM_NENGTAN, FORM_NEURON = 0, 1, 2

# The shortest reading in a message, with its comma: `"a":1,`.
_READING_BYTES_MIN = 6
_EPOCH_LENGTH_MAX = 64

_EPOCH, _SEQ, _TS, _POINTS, _READINGS = map(word, ("epoch", "seq", "ts", "points", "readings"))


def scan_block(
    text: bytes,
    offset: npt.NDArray[np.int64],
    *,
    form: npt.NDArray[np.int32],
    gateway: npt.NDArray[np.int32],
    flags: npt.NDArray[np.int32],
    names: Names,
    row_count: int,
    reading_count_max: int,
) -> Found:
    """Return the readings of every message of a block that holds no doubt.

    Parameters
    ----------
    text : bytes
        The payloads, one after the other.
    offset : (m + 1,) int64
        Where each begins, and the end.
    form, gateway, flags : (m,) int32
        `FORM_NENGTAN`, `FORM_NEURON`, or another, which is left alone; place of the gateway in
        `names`; quality bits that every reading of the message has.
    names : Names
    row_count : int
        How many rows there are; every row in `names` is below.
    reading_count_max : int
        A message with more is left alone.
    """
    room, count = len(text) // _READING_BYTES_MIN + 1, len(form)
    found = Found(
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int64),
        np.empty(room, np.float64),
        np.empty(room, np.int32),
        np.empty(count, np.int32),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )
    work = Work(
        np.frombuffer(text or b"\0", dtype=np.uint8),
        names,
        found,
        np.zeros(row_count, dtype=np.int64),
        np.empty(PREFIX_BYTES_MAX, dtype=np.uint8),
    )
    # Only without the compiler does numpy warn of the wrapping that the hash means.
    with np.errstate(over="ignore"):
        total = _scan(work, offset, form, gateway, flags, reading_count_max)
    return Found(
        found.message_index[:total],
        found.row[:total],
        found.item[:total],
        found.ts_us[:total],
        found.value[:total],
        found.quality[:total],
        *found[6:],
    )


@kernel
def _scan(
    work: Work,
    offset: npt.NDArray[np.int64],
    form: npt.NDArray[np.int32],
    gateway: npt.NDArray[np.int32],
    flags: npt.NDArray[np.int32],
    reading_count_max: int,
) -> int:
    found = work.found
    total = 0
    for message in range(len(form)):
        after = DOUBT
        if form[message] == FORM_NENGTAN:
            after = _nengtan(work, message, gateway[message], offset, total)
        elif form[message] == FORM_NEURON:
            after = scan_neuron(work, message, gateway[message], offset, total)
        if total < after <= total + reading_count_max:
            found.reading_count[message] = after - total
            for place in range(total, after):
                found.message_index[place] = message
                found.item[place] = place - total
                found.quality[place] |= flags[message]
            total = after
        else:
            found.reading_count[message] = -1
    return total


@kernel
def _nengtan(  # noqa: C901 - one branch a key
    work: Work, message: int, gateway: int, offset: npt.NDArray[np.int64], total: int
) -> int:
    """Read one message of our form; return the number of readings after it."""
    text, found = work.text, work.found
    at, end = offset[message], offset[message + 1]
    after, seq, ts_us = DOUBT, 0, 0
    epoch_from, epoch_to = 0, 0
    is_timed = False
    at = take(text, at, end, OPEN)
    while at >= 0:
        start = at + 1
        stop, at = take_key(text, at, end)
        stop -= 1
        if at < 0:
            return DOUBT
        if is_word(text, start, stop, _EPOCH) and epoch_to == 0:
            epoch_from, at = at + 1, take_string(text, at, end)
            epoch_to = at - 1
            if at < 0 or not _is_epoch(text, epoch_from, epoch_to):
                return DOUBT
        elif is_word(text, start, stop, _SEQ) and seq == 0:
            at, seq = take_integer(text, at, end)
        elif is_word(text, start, stop, _TS) and ts_us == 0:
            at, ts_us = take_stamp(text, at, end)
        elif is_word(text, start, stop, _POINTS) and after < 0:
            at, after = take_pairs(
                work, at, end, gateway, (0, HASH_START), total, 2 * message + 1, 0
            )
        elif is_word(text, start, stop, _READINGS) and after < 0:
            is_timed = True
            at, after = _triples(work, at, end, gateway, total)
        else:
            return DOUBT
        at, is_last = next_part(text, at, end, CLOSE)
        if is_last:
            break
    if at != end or after < 0 or seq == 0 or epoch_to == 0 or is_timed == (ts_us != 0):
        return DOUBT
    if not is_timed:
        found.ts_us[total:after] = ts_us
    found.seq[message] = seq
    found.epoch_from[message], found.epoch_to[message] = epoch_from, epoch_to
    return after


@kernel
def _is_epoch(text: Text, start: int, stop: int) -> bool:
    """Return whether these are 1 to 64 of A-Z a-z 0-9 _ . : -."""
    for at in range(start, stop):
        byte = text[at]
        if not (97 <= byte <= 122 or 65 <= byte <= 90 or 48 <= byte <= 58 or byte in (95, 46, 45)):
            return False
    return 1 <= stop - start <= _EPOCH_LENGTH_MAX


@kernel
def _triples(work: Work, at: int, end: int, gateway: int, total: int) -> tuple[int, int]:
    """Read a list of [name, time, value]."""
    text, found = work.text, work.found
    slots, known = slots_of(work.names, gateway), (0, HASH_START)
    at = take(text, at, end, OPEN_LIST)
    while at >= 0:
        start = take(text, at, end, OPEN_LIST)
        stop = take_string(text, start, end) if start >= 0 else DOUBT
        if stop < 0:
            return DOUBT, DOUBT
        row = row_of_name(text, start + 1, stop - 1, work.names, slots, work.prefix, known)
        at = take(text, stop, end, COMMA)
        if row < 0 or at < 0:
            return DOUBT, DOUBT
        at, ts_us = take_stamp(text, at, end)
        at = take(text, at, end, COMMA) if at >= 0 else DOUBT
        if at < 0:
            return DOUBT, DOUBT
        at, value = take_number(text, at, end)
        at = take(text, at, end, CLOSE_LIST) if at >= 0 else DOUBT
        found.row[total], found.value[total], found.quality[total] = row, value, 0
        found.ts_us[total] = ts_us
        total += 1
        at, is_last = next_part(text, at, end, CLOSE_LIST)
        if is_last:
            return at, total
    return DOUBT, DOUBT
