"""Messages of EMQX Neuron, read in place: its values, tags and ECP formats."""

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.message_parts import (
    CLOSE,
    CLOSE_LIST,
    OPEN,
    OPEN_LIST,
    PREFIX_BYTES_MAX,
    Work,
    next_part,
    take_pairs,
)
from compute.names import HASH_START, mix_text, row_of_name, slots_of
from compute.quality import Quality
from compute.scan import (
    DOUBT,
    is_word,
    take,
    take_integer,
    take_key,
    take_number,
    take_stamp,
    take_string,
    word,
)

_SOURCE_BAD = int(Quality.SOURCE_BAD)
_SLASH = 47

_TIMESTAMP, _NODE, _GROUP, _VALUES = map(word, ("timestamp", "node", "group", "values"))
_ERRORS, _METAS, _TAGS = map(word, ("errors", "metas", "tags"))
_NAME, _VALUE, _ERROR, _TYPE = map(word, ("name", "value", "error", "type"))


@kernel
def scan_neuron(  # noqa: C901, PLR0912 - one branch a key
    work: Work, message: int, gateway: int, offset: npt.NDArray[np.int64], total: int
) -> int:
    """Read one message of Neuron, of which time, node and group stand before the tags."""
    text, found = work.text, work.found
    at, end = offset[message], offset[message + 1]
    after, ts_us, part_count, prefix_count = total, 0, 0, 0
    has_values, has_errors, has_tags, has_metas = False, False, False, False
    known = (0, HASH_START)
    at = take(text, at, end, OPEN)
    while at >= 0:
        start = at + 1
        stop, at = take_key(text, at, end)
        stop -= 1
        if at < 0:
            return DOUBT
        is_group = is_word(text, start, stop, _GROUP)
        if is_word(text, start, stop, _TIMESTAMP) and ts_us == 0:
            at, ts_us = take_stamp(text, at, end)
        elif (is_group and part_count == 1) or (
            is_word(text, start, stop, _NODE) and part_count == 0
        ):
            part_from, at = at + 1, take_string(text, at, end)
            length = at - 1 - part_from
            if at < 0 or length == 0 or prefix_count + length + 1 > PREFIX_BYTES_MAX:
                return DOUBT
            for index in range(length):
                work.prefix[prefix_count + index] = text[part_from + index]
            work.prefix[prefix_count + length] = _SLASH
            prefix_count += length + 1
            part_count += 1
            known = (prefix_count, mix_text(HASH_START, work.prefix, 0, prefix_count))
        elif is_word(text, start, stop, _METAS) and not has_metas:
            has_metas = True
            at = take(text, at, end, OPEN)
            at = take(text, at, end, CLOSE) if at >= 0 else DOUBT
        elif part_count < 2 or has_tags:
            return DOUBT
        elif is_word(text, start, stop, _VALUES) and not has_values and not has_errors:
            has_values = True
            mark = 2 * message + 1
            at, after = take_pairs(work, at, end, gateway, known, after, mark, 0)
        elif is_word(text, start, stop, _ERRORS) and has_values and not has_errors:
            has_errors = True
            at, after = _errors(work, at, end, gateway, known, after, message)
        elif is_word(text, start, stop, _TAGS) and not has_values and not has_errors:
            has_tags = True
            at, after = _tags(work, at, end, gateway, known, after)
        else:
            return DOUBT
        at, is_last = next_part(text, at, end, CLOSE)
        if is_last:
            break
    if at != end or ts_us == 0 or after <= total:
        return DOUBT
    found.ts_us[total:after] = ts_us
    return after


@kernel
def _errors(
    work: Work,
    at: int,
    end: int,
    gateway: int,
    known: tuple[int, np.uint64],
    total: int,
    message: int,
) -> tuple[int, int]:
    """Read the error codes of tags that have no value; there may be none."""
    inside = take(work.text, at, end, OPEN)
    if inside >= 0 and inside < end and work.text[inside] == CLOSE:
        return inside + 1, total
    mark = 2 * message + 2
    return take_pairs(work, at, end, gateway, known, total, mark, _SOURCE_BAD)


@kernel
def _tags(  # noqa: C901 - one branch a key
    work: Work, at: int, end: int, gateway: int, known: tuple[int, np.uint64], total: int
) -> tuple[int, int]:
    """Read a list of {name, value} or {name, error}, with or without a type."""
    text, found = work.text, work.found
    slots = slots_of(work.names, gateway)
    at = take(text, at, end, OPEN_LIST)
    while at >= 0:
        at = take(text, at, end, OPEN)
        row, value, quality = DOUBT, 0.0, 0
        has_name, has_value, has_type = False, False, False
        while at >= 0:
            start = at + 1
            stop, at = take_key(text, at, end)
            stop -= 1
            if at < 0:
                return DOUBT, DOUBT
            if is_word(text, start, stop, _NAME) and not has_name:
                has_name = True
                start, at = at + 1, take_string(text, at, end)
                if at <= start + 1:
                    return DOUBT, DOUBT
                row = row_of_name(text, start, at - 1, work.names, slots, work.prefix, known)
            elif is_word(text, start, stop, _VALUE) and not has_value:
                has_value = True
                at, value = take_number(text, at, end)
            elif is_word(text, start, stop, _ERROR) and not has_value:
                has_value = True
                value, quality = np.nan, _SOURCE_BAD
                at, _ = take_integer(text, at, end)
            elif is_word(text, start, stop, _TYPE) and not has_type:
                has_type = True
                at, _ = take_integer(text, at, end)
            else:
                return DOUBT, DOUBT
            at, is_last = next_part(text, at, end, CLOSE)
            if is_last:
                break
        if at < 0 or row < 0 or not has_value:
            return DOUBT, DOUBT
        found.row[total], found.value[total], found.quality[total] = row, value, quality
        total += 1
        at, is_last = next_part(text, at, end, CLOSE_LIST)
        if is_last:
            return at, total
    return DOUBT, DOUBT
