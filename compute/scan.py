"""Tokens of JSON text, read in place; whatever is not plain and certain is left to a slower reader.

Every scanner takes the text and a place in it, and returns the place behind what it read, or
`DOUBT`. It never looks at `text[end]` or beyond. Doubt is no fault: escapes, control characters,
numbers that double arithmetic cannot convert exactly, and broken text all end here alike.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from compute._jit import inlined, kernel

Text = npt.NDArray[np.uint8]

DOUBT = -1

# Half-open: 2000-01-01 to 2100-01-01 UTC.
STAMP_MS_MIN, STAMP_MS_MAX = 946_684_800_000, 4_102_444_800_000

_DIGIT_COUNT_MAX = 15
_POWER_MAX = 22
_POWERS = np.array([float(10**power) for power in range(_POWER_MAX + 1)])
_DAYS_BEFORE = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365])
_EXPONENT_MAX = 1_000
_QUOTE, _BACKSLASH, _DELETE, _SPACE, _TAB, _LINE, _RETURN = 34, 92, 127, 32, 9, 10, 13
_COLON, _MINUS, _PLUS, _POINT, _ZERO = 58, 45, 43, 46, 48
_SMALL_E, _LARGE_E, _LARGE_T, _LARGE_Z = 101, 69, 84, 90
_STAMP_LENGTH = 19  # 2026-03-01T08:00:00


@inlined
def skip_space(text: Text, at: int, end: int) -> int:
    """Return the place of the next byte that is no JSON space, or `end`."""
    while at < end and (
        text[at] == _SPACE or text[at] == _LINE or text[at] == _TAB or text[at] == _RETURN
    ):
        at += 1
    return at


@inlined
def take(text: Text, at: int, end: int, byte: int) -> int:
    """Read one byte with space before and behind it."""
    at = skip_space(text, at, end)
    if at >= end or text[at] != byte:
        return DOUBT
    return skip_space(text, at + 1, end)


@kernel
def take_string(text: Text, at: int, end: int) -> int:
    """Read a string without escapes and control characters; its inside is `at + 1` to one less."""
    if at >= end or text[at] != _QUOTE:
        return DOUBT
    at += 1
    while at < end and text[at] != _QUOTE:
        if text[at] < _SPACE or text[at] == _BACKSLASH or text[at] == _DELETE:
            return DOUBT
        at += 1
    return at + 1 if at < end else DOUBT


@kernel
def take_key(text: Text, at: int, end: int) -> tuple[int, int]:
    """Read a string and the colon behind it; return the places behind the string and the colon."""
    stop = take_string(text, at, end)
    if stop < 0:
        return DOUBT, DOUBT
    return stop, take(text, stop, end, _COLON)


@inlined
def is_word(text: Text, start: int, stop: int, word: Text) -> bool:
    """Return whether [start, stop) is this word."""
    if stop - start != len(word):
        return False
    for index in range(len(word)):  # noqa: SIM110 - compiled: a generator would be an object
        if text[start + index] != word[index]:
            return False
    return True


@inlined
def _digit(text: Text, at: int) -> int:
    """Return a digit, or what is below 0 or beyond 9 where it is none."""
    return int(np.int64(text[at])) - _ZERO


@inlined
def _take_digits(
    text: Text, at: int, end: int, value: int, digit_count: int
) -> tuple[int, int, int]:
    """Continue a number by digits; return the place, the number and how many digits it has.

    Zeros before it do not count; it stops when there are too many.
    """
    while at < end and 0 <= _digit(text, at) <= 9 and digit_count <= _DIGIT_COUNT_MAX:
        value = value * 10 + _digit(text, at)
        digit_count += 1 if value else 0
        at += 1
    return at, value, digit_count


@kernel
def take_integer(text: Text, at: int, end: int) -> tuple[int, int]:
    """Read an integer from 1 on, of at most 15 digits; return it second."""
    start = at
    at, value, digit_count = _take_digits(text, at, end, 0, 0)
    # With zeros before it there are fewer digits than bytes.
    if value == 0 or digit_count > _DIGIT_COUNT_MAX or digit_count != at - start:
        return DOUBT, 0
    return at, value


@kernel
def take_number(text: Text, at: int, end: int) -> tuple[int, float]:
    """Read a number that double arithmetic converts exactly; return it second.

    Notes
    -----
    At most 15 significant digits and a power of ten within ±22: both are doubles, so that one
    rounding gives the nearest double (Clinger 1990, "How to read floating point numbers
    accurately"). -0 is 0.
    """
    negative = at < end and text[at] == _MINUS
    start = at + 1 if negative else at
    at, mantissa, digit_count = _take_digits(text, start, end, 0, 0)
    if at == start or (at - start > 1 and text[start] == _ZERO):
        return DOUBT, 0.0
    power = 0
    if at < end and text[at] == _POINT:
        start = at + 1
        at, mantissa, digit_count = _take_digits(text, start, end, mantissa, digit_count)
        power = start - at
        if power == 0:
            return DOUBT, 0.0
    if at < end and (text[at] == _SMALL_E or text[at] == _LARGE_E):
        at, exponent = _take_exponent(text, at + 1, end)
        power += exponent
    if at < 0 or digit_count > _DIGIT_COUNT_MAX or power < -_POWER_MAX or power > _POWER_MAX:
        return DOUBT, 0.0
    value = float(mantissa)
    value = value / _POWERS[-power] if power < 0 else value * _POWERS[power]
    return at, -value if negative and mantissa else value


@kernel
def _take_exponent(text: Text, at: int, end: int) -> tuple[int, int]:
    negative = at < end and text[at] == _MINUS
    if negative or (at < end and text[at] == _PLUS):
        at += 1
    start = at
    value = 0
    while at < end and 0 <= _digit(text, at) <= 9 and value < _EXPONENT_MAX:
        value = value * 10 + _digit(text, at)
        at += 1
    if at == start or value >= _EXPONENT_MAX:
        return DOUBT, 0
    return at, -value if negative else value


@kernel
def take_stamp(text: Text, at: int, end: int) -> tuple[int, int]:
    """Read ms since 1970, or RFC 3339 text with a zone; return µs since 1970 second."""
    if at < end and text[at] == _QUOTE:
        return _take_stamp_text(text, at + 1, end)
    at, stamp_ms = take_integer(text, at, end)
    if at < 0 or not STAMP_MS_MIN <= stamp_ms < STAMP_MS_MAX:
        return DOUBT, 0
    return at, stamp_ms * 1000


@kernel
def _take_stamp_text(text: Text, at: int, end: int) -> tuple[int, int]:
    if end - at <= _STAMP_LENGTH or not _is_stamp_shaped(text, at):
        return DOUBT, 0
    year = _two_digits(text, at) * 100 + _two_digits(text, at + 2)
    days = _days_of(year, _two_digits(text, at + 5), _two_digits(text, at + 8))
    hour, minute = _two_digits(text, at + 11), _two_digits(text, at + 14)
    second = _two_digits(text, at + 17)
    at, fraction_us = _take_fraction(text, at + _STAMP_LENGTH, end)
    at, offset_s = _take_zone(text, at, end)
    if at < 0 or at >= end or text[at] != _QUOTE or days < 0:
        return DOUBT, 0
    elapsed_s = days * 86_400 + hour * 3_600 + minute * 60 + second - offset_s
    is_clock = 0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59
    if not is_clock or not STAMP_MS_MIN <= elapsed_s * 1000 < STAMP_MS_MAX:
        return DOUBT, 0
    return at + 1, elapsed_s * 1_000_000 + fraction_us


@kernel
def _is_stamp_shaped(text: Text, at: int) -> bool:
    """Return whether the marks between the numbers of a time are where they should be."""
    return bool(
        text[at + 4] == _MINUS
        and text[at + 7] == _MINUS
        and text[at + 10] == _LARGE_T
        and text[at + 13] == _COLON
        and text[at + 16] == _COLON
    )


@kernel
def _days_of(year: int, month: int, day: int) -> int:
    """Return the days from 1970 to a day of the calendar, or `DOUBT`."""
    if not (1999 <= year <= 2100 and 1 <= month <= 12):
        return DOUBT
    leap_day = 1 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 0
    before = _DAYS_BEFORE[month - 1]
    if not 1 <= day <= _DAYS_BEFORE[month] - before + (leap_day if month == 2 else 0):
        return DOUBT
    past = year - 1
    days = 365 * past + past // 4 - past // 100 + past // 400 - 719_162  # those before 1970
    return int(days + before + (leap_day if month > 2 else 0) + day - 1)


@inlined
def _two_digits(text: Text, at: int) -> int:
    """Return the number of two digits, or one that is out of every range."""
    high, low = _digit(text, at), _digit(text, at + 1)
    return high * 10 + low if 0 <= high <= 9 and 0 <= low <= 9 else -1_000_000


@kernel
def _take_fraction(text: Text, at: int, end: int) -> tuple[int, int]:
    """Read nothing, or a point and one to six digits [µs]."""
    if at >= end or text[at] != _POINT:
        return at, 0
    at += 1
    value = 0
    unit = 1_000_000
    while at < end and 0 <= _digit(text, at) <= 9 and unit > 1:
        value = value * 10 + _digit(text, at)
        unit //= 10
        at += 1
    return (at, value * unit) if unit < 1_000_000 else (DOUBT, 0)


@kernel
def _take_zone(text: Text, at: int, end: int) -> tuple[int, int]:
    """Read Z, or an offset from UTC [s]."""
    if at < 0 or at >= end:
        return DOUBT, 0
    if text[at] == _LARGE_Z:
        return at + 1, 0
    if end - at < 6 or text[at + 3] != _COLON or (text[at] != _PLUS and text[at] != _MINUS):
        return DOUBT, 0
    hours, minutes = _two_digits(text, at + 1), _two_digits(text, at + 4)
    if not (0 <= hours <= 23 and 0 <= minutes <= 59):
        return DOUBT, 0
    offset_s = hours * 3_600 + minutes * 60
    return at + 6, -offset_s if text[at] == _MINUS else offset_s


def word(text: str) -> npt.NDArray[Any]:
    """Return a word of a form as `is_word` takes it."""
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
