import itertools
from datetime import UTC, datetime, timedelta

import pytest

from compute.periods import Grain
from services.store.answers import SiteRow
from services.totals import NotAnEdge, RangeTooLarge, SiteState, check_period, check_span, cover

UTC_MONTHS = [datetime(2025, month, 1, tzinfo=UTC) for month in range(1, 13)]


def state(time_zone: str = "UTC", day_start_minutes: int = 0) -> SiteState:
    site = SiteRow(
        id=1,
        tenant_id=1,
        code="s",
        time_zone=time_zone,
        base_interval_us=900_000_000,
        day_start_us=day_start_minutes * 60_000_000,
    )
    return SiteState(site, UTC_MONTHS[-1], None, ())


class TestCover:
    def test_takes_the_longest_stored_intervals(self) -> None:
        pieces = cover(
            state(),
            start=datetime(2025, 1, 30, 22, 45, tzinfo=UTC),
            end=datetime(2025, 4, 2, 1, 15, tzinfo=UTC),
        )
        assert [(grain, start.isoformat()[5:16]) for grain, start, _ in pieces] == [
            (Grain.BASE, "01-30T22:45"),
            (Grain.HOUR, "01-30T23:00"),
            (Grain.DAY, "01-31T00:00"),
            (Grain.MONTH, "02-01T00:00"),
            (Grain.DAY, "04-01T00:00"),
            (Grain.HOUR, "04-02T00:00"),
            (Grain.BASE, "04-02T01:00"),
        ]

    @pytest.mark.parametrize(
        "time_zone", ["UTC", "Asia/Shanghai", "Asia/Kathmandu", "Europe/Paris"]
    )
    @pytest.mark.parametrize("day_start_minutes", [0, 480, 495])
    def test_leaves_no_gap_and_no_overlap(self, time_zone: str, day_start_minutes: int) -> None:
        site = state(time_zone, day_start_minutes)
        start = datetime(2025, 3, 3, 3, 15, tzinfo=UTC)
        for length in (timedelta(minutes=15), timedelta(hours=30), timedelta(days=100, hours=7)):
            pieces = cover(site, start=start, end=start + length)
            assert pieces[0][1] == start
            assert pieces[-1][2] == start + length
            assert all(a[2] == b[1] for a, b in itertools.pairwise(pieces))
            for grain, first, last in pieces:
                edges = site.edges(first, last, grain)
                assert (edges[0], edges[-1]) == (first, last)

    def test_is_one_piece_for_a_whole_year(self) -> None:
        pieces = cover(state(), start=UTC_MONTHS[0], end=datetime(2026, 1, 1, tzinfo=UTC))
        assert [grain for grain, _, _ in pieces] == [Grain.MONTH]


class TestCheckPeriod:
    def test_takes_local_days(self) -> None:
        start = datetime(2025, 3, 9, 16, tzinfo=UTC)
        check_period(
            state("Asia/Shanghai"), start=start, end=start + timedelta(days=1), grain=Grain.DAY
        )
        with pytest.raises(NotAnEdge, match="2025-03-10T16:00:00Z"):
            check_period(
                state("Asia/Shanghai"),
                start=start,
                end=start + timedelta(hours=20),
                grain=Grain.DAY,
            )

    def test_takes_a_day_of_23_hours(self) -> None:
        start = datetime(2025, 3, 29, 23, tzinfo=UTC)
        check_period(
            state("Europe/Paris"), start=start, end=start + timedelta(hours=23), grain=Grain.DAY
        )

    def test_bounds_what_is_asked(self) -> None:
        with pytest.raises(RangeTooLarge, match="400 days"):
            check_period(
                state(), start=UTC_MONTHS[0], end=datetime(2027, 1, 1, tzinfo=UTC), grain=Grain.BASE
            )
        with pytest.raises(NotAnEdge):
            check_span(start=UTC_MONTHS[1], end=UTC_MONTHS[0])
