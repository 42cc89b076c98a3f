"""Periods at awkward times: summer time, half-hour zones, day starts, months."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.periods import (
    Grain,
    MonthStartDayRefused,
    NaiveInstant,
    ReversedSpan,
    ceil_to,
    floor_to,
    from_us,
    group_offset,
    midnight_us,
    period_edges_us,
    shift_spans_us,
    to_us,
    wall_clock_us,
    year_edges_us,
)
from tests.twins import periods as twin

HOUR_US = 3_600_000_000
BASE_US = HOUR_US // 4
ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Pacific/Chatham",
    "Australia/Lord_Howe",
    "America/Havana",
    "Africa/Cairo",
    "UTC",
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def edges(
    start: datetime,
    end: datetime,
    grain: Grain,
    time_zone: str = "Asia/Shanghai",
    day_start: time = time(0),
    month_start_day: int = 1,
) -> list[datetime]:
    found = period_edges_us(
        start,
        end,
        grain=grain,
        time_zone=time_zone,
        day_start=day_start,
        base_interval_us=BASE_US,
        month_start_day=month_start_day,
    )
    return [from_us(edge).astimezone(ZoneInfo(time_zone)) for edge in found.tolist()]


def hours_between(found: list[datetime]) -> list[float]:
    instants = [to_us(edge) for edge in found]
    return [(b - a) / HOUR_US for a, b in pairwise(instants)]


def local(zone: str, *parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold)  # type: ignore[arg-type, misc]


class TestGrain:
    def test_has_the_codes_of_stored_rows(self) -> None:
        assert [(grain.value, grain.code) for grain in Grain] == [
            (0, "base"),
            (1, "hour"),
            (2, "day"),
            (3, "month"),
        ]


class TestPeriodEdges:
    @given(
        zone=st.sampled_from(ZONES),
        grain=st.sampled_from([Grain.HOUR, Grain.DAY, Grain.MONTH]),
        day_start=st.sampled_from([time(0), time(8), time(22, 30)]),
        start=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        span_minutes=st.integers(0, 3000),
    )
    def test_equal_the_slow_twin_that_walks_every_minute(
        self, zone: str, grain: Grain, day_start: time, start: datetime, span_minutes: int
    ) -> None:
        end = start + timedelta(minutes=span_minutes)
        found = edges(start, end, grain, zone, day_start)
        instants = [to_us(edge) for edge in found]
        assert instants == sorted(set(instants))
        assert instants[0] <= to_us(start)
        if start == end:
            assert len(instants) == 1
            return
        assert instants[-1] >= to_us(end)
        assert instants[1:-1] == twin.edges_within(
            instants[0] + 1, instants[-1], grain, ZoneInfo(zone), day_start
        )
        for edge in (instants[0], instants[-1]):
            assert twin.is_edge(edge, grain, ZoneInfo(zone), day_start)

    def test_of_the_base_are_a_grid_of_utc(self) -> None:
        start = datetime(2026, 1, 1, 0, 7, tzinfo=UTC)
        assert edges(start, start + timedelta(minutes=10), Grain.BASE, "UTC") == [
            datetime(2026, 1, 1, 0, minute, tzinfo=UTC) for minute in (0, 15, 30)
        ]

    def test_of_an_empty_span_are_one_edge(self) -> None:
        start = datetime(2026, 1, 1, 0, 7, tzinfo=UTC)
        for grain in Grain:
            assert len(edges(start, start, grain)) == 1

    def test_belong_to_the_period_that_they_start(self) -> None:
        start = local("Asia/Shanghai", 2026, 2, 1)
        for grain in Grain:
            assert edges(start, start + timedelta(microseconds=1), grain)[0] == start
            assert edges(start - timedelta(microseconds=1), start, grain)[-1] == start

    @pytest.mark.parametrize(
        ("day", "hours"), [((2026, 3, 29), 23.0), ((2026, 10, 25), 25.0), ((2026, 6, 1), 24.0)]
    )
    def test_make_days_of_23_and_25_hours(self, day: tuple[int, int, int], hours: float) -> None:
        start = local("Europe/Berlin", *day)
        found = edges(start, start + timedelta(hours=1), Grain.DAY, "Europe/Berlin")
        assert hours_between(found) == [hours]
        assert len(edges(found[0], found[1], Grain.HOUR, "Europe/Berlin")) == hours + 1

    def test_of_the_day_start_at_the_sites_hour(self) -> None:
        start = local("Asia/Shanghai", 2026, 1, 1, 7, 59)
        found = edges(start, start + timedelta(minutes=2), Grain.DAY, day_start=time(8))
        assert [(edge.day, edge.hour) for edge in found] == [(31, 8), (1, 8), (2, 8)]

    def test_of_the_month_follow_the_sites_day(self) -> None:
        start = local("Asia/Shanghai", 2024, 2, 1, 7)
        found = edges(start, start + timedelta(days=2), Grain.MONTH, day_start=time(8))
        assert [(edge.month, edge.day, edge.hour) for edge in found] == [
            (1, 1, 8),
            (2, 1, 8),
            (3, 1, 8),
        ]
        assert hours_between(found) == [31 * 24, 29 * 24]

    def test_of_a_fiscal_month_run_from_the_26th_to_the_25th(self) -> None:
        start = local("Asia/Shanghai", 2026, 1, 10)
        found = edges(start, start + timedelta(days=20), Grain.MONTH, month_start_day=26)
        assert [(edge.month, edge.day) for edge in found] == [(12, 26), (1, 26), (2, 26)]

    def test_of_hours_are_local_in_zones_of_30_and_45_minutes(self) -> None:
        start = datetime(2026, 1, 1, 0, 0, tzinfo=UTC)
        for zone, minute in (("Asia/Kolkata", 30), ("Asia/Kathmandu", 15)):
            found = edges(start, start + timedelta(hours=2), Grain.HOUR, zone)
            assert {edge.minute for edge in found} == {0}
            assert {from_us(to_us(edge)).minute for edge in found} == {minute}
            assert set(hours_between(found)) == {1.0}

    def test_of_the_half_hour_change_leave_no_hour_longer_than_60_minutes(self) -> None:
        zone = "Australia/Lord_Howe"
        for month, day, hours in ((4, 5, 24.5), (10, 4, 23.5)):
            start = local(zone, 2026, month, day)
            found = edges(start, start + timedelta(hours=1), Grain.DAY, zone)
            assert hours_between(found) == [hours]
            lengths = hours_between(edges(found[0], found[1], Grain.HOUR, zone))
            assert sorted(set(lengths)) == [0.5, 1.0]
            assert sum(lengths) == hours

    def test_end_an_hour_where_the_clock_is_changed_within_it(self) -> None:
        # 2018-05-04 23:30 at +08:30 became 2018-05-05 00:00 at +09:00.
        start = local("Asia/Pyongyang", 2018, 5, 4, 22, 30)
        found = edges(start, start + timedelta(hours=2), Grain.HOUR, "Asia/Pyongyang")
        assert [edge.hour for edge in found] == [22, 23, 0, 1]
        assert hours_between(found) == [1.0, 0.5, 1.0]

    def test_start_a_day_at_the_change_where_midnight_is_skipped(self) -> None:
        start = local("Africa/Cairo", 2026, 4, 24, 12)
        found = edges(start, start + timedelta(hours=1), Grain.DAY, "Africa/Cairo")
        assert found[0].hour == 1
        assert hours_between(found) == [23.0]

    def test_start_a_day_at_the_first_of_two_midnights(self) -> None:
        start = local("America/Havana", 2026, 11, 1, 12)
        found = edges(start, start + timedelta(hours=1), Grain.DAY, "America/Havana")
        assert hours_between(found) == [25.0]

    def test_leave_out_the_day_that_samoa_never_had(self) -> None:
        zone = "Pacific/Apia"
        found = edges(local(zone, 2011, 12, 29), local(zone, 2012, 1, 1), Grain.DAY, zone)
        assert [edge.day for edge in found] == [29, 31, 1]

    def test_follow_the_summer_time_of_china_in_1986(self) -> None:
        start = local("Asia/Shanghai", 1986, 5, 4, 12)
        assert hours_between(edges(start, start + timedelta(hours=1), Grain.DAY)) == [23.0]

    def test_refuse_what_cannot_be_meant(self) -> None:
        start = datetime(2026, 1, 1, tzinfo=UTC)
        with pytest.raises(NaiveInstant, match="aware"):
            edges(start.replace(tzinfo=None), start, Grain.DAY)
        with pytest.raises(ReversedSpan, match="ends before it starts"):
            edges(start, start - timedelta(seconds=1), Grain.DAY)
        with pytest.raises(MonthStartDayRefused, match="29"):
            edges(start, start, Grain.MONTH, month_start_day=29)


class TestFloorAndCeil:
    @given(
        zone=st.sampled_from(ZONES),
        grain=st.sampled_from(Grain),
        instant=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    )
    def test_enclose_the_instant_and_leave_edges_alone(
        self, zone: str, grain: Grain, instant: datetime
    ) -> None:
        rule = {
            "grain": grain,
            "time_zone": zone,
            "day_start": time(6),
            "base_interval_us": BASE_US,
        }
        low = floor_to(instant, **rule)  # type: ignore[arg-type]
        high = ceil_to(instant, **rule)  # type: ignore[arg-type]
        assert low <= instant <= high
        assert floor_to(low, **rule) == ceil_to(low, **rule) == low  # type: ignore[arg-type]
        assert floor_to(high, **rule) == ceil_to(high, **rule) == high  # type: ignore[arg-type]


class TestMicroseconds:
    @given(st.integers(-(10**16), 10**17))
    def test_come_back_exactly(self, instant_us: int) -> None:
        assert to_us(from_us(instant_us)) == instant_us


class TestGroupOffset:
    def test_counts_the_base_intervals_that_start_in_a_period(self) -> None:
        found = group_offset(np.array([0, 60, 120, 500]), start_us=0, step_us=15, count=10)
        assert found.tolist() == [0, 4, 8, 10]

    def test_leaves_out_what_lies_before_the_block(self) -> None:
        found = group_offset(np.array([-60, 0, 60]), start_us=30, step_us=15, count=10)
        assert found.tolist() == [0, 0, 2]

    def test_gives_an_interval_across_an_edge_to_the_period_of_its_start(self) -> None:
        found = group_offset(np.array([0, 50, 100]), start_us=0, step_us=20, count=5)
        assert found.tolist() == [0, 3, 5]


class TestWallClock:
    @given(
        zone=st.sampled_from(ZONES),
        start=st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 - UTC below
        count=st.integers(0, 300),
    )
    def test_is_what_the_zone_shows(self, zone: str, start: datetime, count: int) -> None:
        start_us = to_us(start.replace(microsecond=0, second=0, tzinfo=UTC))
        found = wall_clock_us(start_us=start_us, step_us=BASE_US, count=count, time_zone=zone)
        shown = [
            from_us(start_us + BASE_US * i).astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
            for i in range(count)
        ]
        assert found.tolist() == [to_us(clock) for clock in shown]

    @pytest.mark.parametrize(
        ("day", "zone", "instant"),
        [
            ("2024-02-29", "Asia/Shanghai", "2024-02-28T16:00:00+00:00"),
            ("2024-03-31", "Europe/Berlin", "2024-03-30T23:00:00+00:00"),
            # Cairo goes from 24:00 on Thursday to 01:00 on Friday.
            ("2024-04-26", "Africa/Cairo", "2024-04-25T22:00:00+00:00"),
        ],
    )
    def test_has_midnights(self, day: str, zone: str, instant: str) -> None:
        found = midnight_us(datetime.fromisoformat(day).date(), zone)
        assert found == to_us(datetime.fromisoformat(instant))


class TestYears:
    def test_begin_with_the_day_start_of_new_year(self) -> None:
        edges = year_edges_us(
            utc("2025-06-01T00:00:00"),
            utc("2026-01-01T12:00:00"),
            time_zone="Asia/Shanghai",
            day_start=time(8),
        )
        assert [from_us(edge) for edge in edges.tolist()] == [
            utc("2025-01-01T00:00:00"),
            utc("2026-01-01T00:00:00"),
            utc("2027-01-01T00:00:00"),
        ]


class TestShifts:
    SHIFTS = ((360, 840), (840, 1320), (1320, 360))

    def test_cross_midnight(self) -> None:
        at = utc("2025-03-09T18:00:00")  # two at night in Shanghai
        spans = shift_spans_us(
            at, at + timedelta(seconds=1), shifts=self.SHIFTS, time_zone="Asia/Shanghai"
        )
        assert [(from_us(a), from_us(b), n) for a, b, n in spans] == [
            (utc("2025-03-09T14:00:00"), utc("2025-03-09T22:00:00"), 2)
        ]

    @given(st.integers(0, 400), st.integers(1, 5))
    def test_cover_every_day_once(self, first: int, count: int) -> None:
        start = utc("2024-10-01T00:00:00") + timedelta(days=first)
        end = start + timedelta(days=count)
        spans = shift_spans_us(start, end, shifts=self.SHIFTS, time_zone="Europe/Berlin")
        assert spans[0][0] <= to_us(start)
        assert spans[-1][1] >= to_us(end)
        assert all(one[1] == other[0] for one, other in pairwise(spans))

    def test_are_an_hour_longer_when_the_clock_goes_back(self) -> None:
        start = utc("2025-10-25T22:00:00")
        spans = shift_spans_us(
            start, start + timedelta(hours=1), shifts=self.SHIFTS, time_zone="Europe/Berlin"
        )
        assert spans[0][1] - spans[0][0] == 9 * HOUR_US

    def test_may_leave_time_between(self) -> None:
        spans = shift_spans_us(
            utc("2025-03-10T00:00:00"),
            utc("2025-03-12T00:00:00"),
            shifts=[(480, 1020)],
            time_zone="UTC",
        )
        assert [span[1] - span[0] for span in spans] == [9 * HOUR_US] * 2
