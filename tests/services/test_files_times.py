"""The times of a replayed file."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.files.file_map import read_map
from services.files.times import TimeReader


def _reader(order: str = "auto", **time: Any) -> TimeReader:
    document = {
        "time": {"column": "t", **time},
        "points": [{"column": "v", "point": "P"}],
        "order": order,
    }
    return TimeReader(read_map(document, place="test"))


def _utc(ts_us: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ts_us)
    return moment.isoformat().replace("+00:00", "Z")


FORM = "%Y-%m-%d %H:%M"
# New York put its clock back on 2020-11-01 at 06:00 UTC: 01:00 to 02:00 came twice.
FIRST_PASS = [f"2020-11-01T05:{minute}:00Z" for minute in ("00", "15", "30", "45")]
SECOND_PASS = [f"2020-11-01T06:{minute}:00Z" for minute in ("00", "15", "30", "45")]
QUARTERS = [f"2020-11-01 01:{minute}" for minute in ("00", "15", "30", "45")]


class TestRead:
    @pytest.mark.parametrize(
        ("form", "zone", "text", "expected"),
        [
            (FORM, "Asia/Shanghai", "2020-05-15 08:15", "2020-05-15T00:15:00Z"),
            (FORM, "Asia/Kolkata", " 2020-05-15 00:00 ", "2020-05-14T18:30:00Z"),
            ("%d/%m/%Y %H:%M", "Asia/Seoul", "1/2/2018 0:15", "2018-01-31T15:15:00Z"),
            ("%m/%d/%y %I:%M %p", "UTC", "02/01/18 12:15 AM", "2018-02-01T00:15:00Z"),
            (
                "%Y年%m月%d日 %H时%M分",
                "Asia/Shanghai",
                "2026年3月1日 8时0分",
                "2026-03-01T00:00:00Z",
            ),
            (
                "%Y-%m-%dT%H:%M:%S.%f",
                "UTC",
                "2020-01-01T00:00:00.000001",
                "2020-01-01T00:00:00.000001Z",
            ),
            ("%Y%m%d%H%M", "UTC", "202001010203", "2020-01-01T02:03:00Z"),
            ("%Y-%m-%d %H:%M%z", None, "2020-01-01 08:00+0800", "2020-01-01T00:00:00Z"),
            ("iso", None, "2020-01-01T08:00:00+08:00", "2020-01-01T00:00:00Z"),
            ("iso", "Asia/Shanghai", "2020-01-01T08:00:00", "2020-01-01T00:00:00Z"),
            ("iso", "Asia/Shanghai", "2020-01-01T08:00:00Z", "2020-01-01T08:00:00Z"),
            ("epoch_s", None, "1577836800.25", "2020-01-01T00:00:00.250000Z"),
            ("epoch_ms", None, "1577836800001", "2020-01-01T00:00:00.001000Z"),
            ("epoch_us", None, "1577836800000001", "2020-01-01T00:00:00.000001Z"),
            # China kept summer time in 1986-1991.
            (FORM, "Asia/Shanghai", "1990-07-01 09:00", "1990-07-01T00:00:00Z"),
        ],
    )
    def test_reads_every_form(self, form: str, zone: str | None, text: str, expected: str) -> None:
        assert _utc(_reader(format=form, zone=zone).read(text)) == expected

    @pytest.mark.parametrize(
        ("form", "text", "reason"),
        [
            (FORM, "2026-02-29 00:00", "not a time of the form"),
            (FORM, "2026-13-01 00:00", "not a time of the form"),
            (FORM, "2026-01-01 24:00", "not a time of the form"),
            (FORM, "", "not a time of the form"),
            (FORM, "Total", "not a time of the form"),
            (FORM, "0026-01-01 00:00", "years 1900 to 2200"),
            ("%Y-%m-%d %H:%M:%S", "2026-01-01 23:59:60", "not a time of the form"),
            ("epoch_s", "1577836800000", "years 1900 to 2200"),
            ("epoch_s", "1e9", "not a time of the form"),
            ("epoch_s", "１５７７", "not a time of the form"),
            (FORM, "2020-03-08 02:30", "does not exist in America/New_York"),
            (["%d/%m/%Y", "%m/%d/%Y"], "03/02/2020", "ambiguous"),
        ],
    )
    def test_refuses_with_the_reason(self, form: Any, text: str, reason: str) -> None:
        zone = "America/New_York"
        with pytest.raises(ValueError, match=reason):
            _reader(format=form, zone=zone).read(text)

    def test_takes_the_one_form_that_fits(self) -> None:
        reader = _reader(format=["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d"], zone="UTC")
        assert _utc(reader.read("31/12/2020")) == "2020-12-31T00:00:00Z"
        assert _utc(reader.read("05/05/2020")) == "2020-05-05T00:00:00Z"

    def test_needs_a_zone_for_a_time_without_offset(self) -> None:
        with pytest.raises(ValueError, match="give `zone`"):
            _reader(format="iso").read("2020-01-01T00:00:00")

    @given(
        st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - local times
        st.sampled_from(
            ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]
        ),
        st.sampled_from(["first", "second"]),
    )
    def test_agrees_with_the_zone_database(self, moment: datetime, zone: str, fold: str) -> None:
        moment = moment.replace(second=0, microsecond=0)
        aware = moment.replace(tzinfo=ZoneInfo(zone), fold=int(fold == "second"))
        exists = aware.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment
        reader = _reader(format=FORM, zone=zone, fold=fold)
        text = moment.strftime(FORM)
        if exists:
            start = datetime(1970, 1, 1, tzinfo=UTC)
            assert reader.read(text) == (aware.astimezone(UTC) - start) // timedelta(microseconds=1)
        else:
            with pytest.raises(ValueError, match="does not exist"):
                reader.read(text)


class TestMidnight:
    def test_ends_the_date_where_the_map_says_so(self) -> None:
        reader = _reader(format="%d/%m/%Y %H:%M", zone="Asia/Seoul", midnight="end_of_date")
        # Gwangyang is 9 hours ahead; the row "01/01/2018 00:00" closes the first of January.
        assert _utc(reader.read("01/01/2018 23:45")) == "2018-01-01T14:45:00Z"
        assert _utc(reader.read("01/01/2018 00:00")) == "2018-01-01T15:00:00Z"
        assert _utc(reader.read("02/01/2018 00:15")) == "2018-01-01T15:15:00Z"
        assert _utc(reader.read("31/12/2018 00:00")) == "2018-12-31T15:00:00Z"

    def test_begins_the_date_otherwise(self) -> None:
        reader = _reader(format="%d/%m/%Y %H:%M", zone="Asia/Seoul")
        assert _utc(reader.read("01/01/2018 00:00")) == "2017-12-31T15:00:00Z"


class TestFoldByOrder:
    def _read(self, texts: list[str], order: str = "auto", key: str = "") -> list[str]:
        reader = _reader(order, format=FORM, zone="America/New_York")
        return [_utc(reader.read(text, key)) for text in texts]

    def test_gives_the_second_pass_to_the_rows_after_the_clock_went_back(self) -> None:
        texts = ["2020-11-01 00:30", "2020-11-01 00:45", *QUARTERS, *QUARTERS, "2020-11-01 02:00"]
        assert self._read(texts)[2:] == [*FIRST_PASS, *SECOND_PASS, "2020-11-01T07:00:00Z"]

    def test_gives_the_second_pass_first_when_the_newest_row_comes_first(self) -> None:
        newest_first = QUARTERS[::-1]
        texts = ["2020-11-01 02:15", "2020-11-01 02:00", *newest_first, *newest_first]
        assert self._read(texts)[2:] == [*SECOND_PASS[::-1], *FIRST_PASS[::-1]]
        assert self._read(texts[2:], "descending") == [*SECOND_PASS[::-1], *FIRST_PASS[::-1]]

    def test_takes_the_repetition_of_a_time_as_the_second_pass(self) -> None:
        texts = [text for text in QUARTERS for _ in range(2)]
        expected = [text for pair in zip(FIRST_PASS, SECOND_PASS, strict=True) for text in pair]
        assert self._read(texts) == expected

    def test_holds_when_rows_of_the_first_pass_are_missing(self) -> None:
        texts = [QUARTERS[0], QUARTERS[3], *QUARTERS]
        assert self._read(texts) == [FIRST_PASS[0], FIRST_PASS[3], *SECOND_PASS]

    def test_keeps_meters_apart(self) -> None:
        reader = _reader(format=FORM, zone="America/New_York")
        passes = [
            [_utc(reader.read(text, key)) for key in ("a", "b")] for text in (QUARTERS[0],) * 2
        ]
        assert passes == [[FIRST_PASS[0]] * 2, [SECOND_PASS[0]] * 2]

    def test_begins_anew_every_year(self) -> None:
        texts = [*QUARTERS, *QUARTERS, "2021-11-07 01:00", "2021-11-07 01:15"]
        assert self._read(texts)[8:] == ["2021-11-07T05:00:00Z", "2021-11-07T05:15:00Z"]
