"""Tokens read in place: the same bits as Python's own readers, or doubt."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compute.scan import DOUBT, take_integer, take_number, take_stamp, take_string

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text(value: str) -> np.ndarray:
    return np.frombuffer(value.encode() + b",", dtype=np.uint8)


class TestTakeNumber:
    @given(
        st.one_of(
            st.floats(-1e22, 1e22, allow_nan=False).map(repr),
            st.decimals(-(10**9), 10**9, places=3).map(str),
            st.from_regex(
                r"-?(0|[1-9][0-9]{0,16})(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
            ),
        )
    )
    @example("-0")
    @example("-0.0e7")
    @example("999999999999999e22")
    @example("9007199254740993")
    @example("0.000000000000000000001")
    def test_gives_the_bits_of_float_or_doubt(self, token: str) -> None:
        at, value = take_number(text(token), 0, len(token))
        if at != DOUBT:
            assert at == len(token)
            assert repr(float(value)) == repr(float(token) + 0.0)

    @pytest.mark.parametrize("token", ["0", "1", "-1.5", "123456.789", "1e5", "2.5E-3", "99.0"])
    def test_takes_what_meters_send(self, token: str) -> None:
        assert take_number(text(token), 0, len(token)) == (len(token), float(token))

    @pytest.mark.parametrize(
        "token", ["", "-", "+1", ".5", "1.", "01", "-01", "1e", "1e+", "1e999", "NaN", "--1", "0x1"]
    )
    def test_does_not_take_all_of_what_is_no_number(self, token: str) -> None:
        assert take_number(text(token), 0, len(token))[0] != max(len(token), 1)

    def test_never_looks_behind_the_end(self) -> None:
        assert take_number(text("125"), 0, 2) == (2, 12.0)


class TestTakeInteger:
    @given(st.integers(0, 10**20))
    def test_gives_it_or_doubt(self, number: int) -> None:
        token = str(number)
        expected = (len(token), number) if 1 <= number < 10**15 else (DOUBT, 0)
        assert take_integer(text(token), 0, len(token)) == expected

    @pytest.mark.parametrize("token", ["", "-1", "007", "x"])
    def test_doubts_what_is_none(self, token: str) -> None:
        assert take_integer(text(token), 0, len(token)) == (DOUBT, 0)


class TestTakeStamp:
    @given(
        st.datetimes(datetime(1999, 12, 30), datetime(2100, 1, 3)),  # noqa: DTZ001 - local time
        st.integers(-23 * 60, 23 * 60),
        st.sampled_from(["seconds", "milliseconds", "microseconds"]),
    )
    def test_gives_the_instant_or_doubt(
        self, local: datetime, offset_minutes: int, precision: str
    ) -> None:
        at = local.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
        written = at.isoformat(timespec=precision)
        token = f'"{written}"'
        stamp_us = (datetime.fromisoformat(written) - EPOCH) // timedelta(microseconds=1)
        inside = 946_684_800_000_000 <= stamp_us < 4_102_444_800_000_000
        expected = (len(token), stamp_us) if inside else (DOUBT, 0)
        assert take_stamp(text(token), 0, len(token)) == expected

    @pytest.mark.parametrize(
        "token",
        [
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T23:59:60Z",
            "2026-03-01T08:00:00",
            "2026-03-01T08:00:00.Z",
            "2026-03-01T08:00:00.1234567Z",
            "2026-03-01T08:00:00+0800",
            "2026-03-01 08:00:00Z",
            "2026-3-1T08:00:00Z",
            "",
        ],
    )
    def test_doubts_other_text(self, token: str) -> None:
        quoted = f'"{token}"'
        assert take_stamp(text(quoted), 0, len(quoted)) == (DOUBT, 0)

    def test_takes_leap_days_and_milliseconds(self) -> None:
        quoted = '"2028-02-29T12:00:00.5Z"'
        at, stamp_us = take_stamp(text(quoted), 0, len(quoted))
        assert EPOCH + timedelta(microseconds=stamp_us) == datetime(
            2028, 2, 29, 12, 0, 0, 500_000, tzinfo=UTC
        )
        assert at == len(quoted)
        assert take_stamp(text("1772323200000"), 0, 13) == (13, 1_772_323_200_000_000)


class TestTakeString:
    @pytest.mark.parametrize("token", ['"', '"a\\n"', '"a\x01"', '"a\x7f"', "a", ""])
    def test_doubts_escapes_controls_and_open_ends(self, token: str) -> None:
        assert take_string(text(token), 0, len(token)) == DOUBT

    def test_ends_behind_the_quote(self) -> None:
        assert take_string(text('"电表"x'), 0, 9) == 8
