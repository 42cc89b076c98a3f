"""Names and times."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decode.fields import clean_name, stamp_us
from ingest.decode.strict_json import Fault


class TestStampUs:
    @pytest.mark.parametrize(
        ("stamp", "us"),
        [
            (1_772_323_200_000, 1_772_323_200_000_000),
            ("2026-03-01T00:00:00Z", 1_772_323_200_000_000),
            ("2026-03-01T08:00:00+08:00", 1_772_323_200_000_000),
            ("2026-03-01t00:00:00z", 1_772_323_200_000_000),
            ("2026-03-01 00:00:00Z", 1_772_323_200_000_000),
            ("2026-02-28T19:00:00-05:00", 1_772_323_200_000_000),
            ("2026-03-01T00:00:00.5Z", 1_772_323_200_500_000),
            ("2026-03-01T00:00:00.123456789Z", 1_772_323_200_123_456),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
            ("2017-01-01T07:59:60+08:00", 1_483_228_800_000_000),
            ("2016-12-31T23:59:60.25Z", 1_483_228_800_250_000),
            (946_684_800_000, 946_684_800_000_000),
            (4_102_444_799_999, 4_102_444_799_999_000),
            ("2000-01-01T00:00:00Z", 946_684_800_000_000),
            ("2028-02-29T12:00:00Z", 1_835_438_400_000_000),
        ],
    )
    def test_takes(self, stamp: object, us: int) -> None:
        assert stamp_us(stamp) == us

    @pytest.mark.parametrize(
        "stamp",
        [
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T12:00:60Z",
            "2026-03-01T23:59:60+08:00",
            "2026-03-01T08:00:00",
            "2026-03-01T08:00Z",
            "2026-03-01",
            "2026-W09-7T00:00:00Z",
            "20260301T000000Z",
            "2026-03-01T00:00:00,5Z",
            "2026-03-01T00:00:00+24:00",
            "2026-03-01T00:00:00+0800",
            "２026-03-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "1999-12-31T23:59:59Z",
            "2100-01-01T00:00:00Z",
            "1772323200000",
            "x" * 100_000,
            "",
            0,
            -1,
            1_772_323_200,
            1_772_323_200_000_000,
            946_684_799_999,
            4_102_444_800_000,
            1_772_323_200_000.0,
            True,
            None,
            [],
        ],
        ids=lambda stamp: repr(stamp)[:40],
    )
    def test_refuses_as_no_time(self, stamp: object) -> None:
        fault = stamp_us(stamp)
        assert isinstance(fault, Fault)
        assert fault.code == "time"

    @given(
        st.datetimes(
            min_value=datetime(2000, 1, 2),  # noqa: DTZ001 - the strategy adds the zone
            max_value=datetime(2099, 12, 30),  # noqa: DTZ001 - as above
            timezones=st.timezones(),
        )
    )
    def test_reads_what_python_writes(self, instant: datetime) -> None:
        text = instant.isoformat()
        if text.count(":") == 3:  # a historical zone with seconds is not RFC 3339
            return
        elapsed = instant.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        us = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
        assert stamp_us(text) == us


class TestCleanName:
    @pytest.mark.parametrize(
        "name",
        ["P1", "电表 1", "{{7*7}}", "'; DROP TABLE", "<script>", "${jndi:x}", "🔥", "x" * 200],
    )
    def test_takes_as_it_is(self, name: str) -> None:
        assert clean_name(name) == name

    def test_normalises_to_composed_form(self) -> None:
        assert clean_name("e\u0301") == "\u00e9"

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("", "text"),
            ("x" * 201, "text"),
            ("电" * 10_000, "text"),
            ("a\u202eb", "text"),
            ("a\u200bb", "text"),
            ("a\u200db", "text"),
            ("\ufeffa", "text"),
            ("a\u2028b", "text"),
            ("a\x7fb", "text"),
            ("a\nb", "text"),
            ("a\x85b", "text"),
            ("a\x00b", "nul"),
            ("a\ud800b", "encoding"),
            (5, "type"),
            (None, "type"),
        ],
        ids=lambda value: ascii(value)[:24],
    )
    def test_refuses(self, name: object, code: str) -> None:
        fault = clean_name(name)
        assert isinstance(fault, Fault)
        assert fault.code == code
        assert fault.detail.isprintable()
