"""A written tariff, compiled and charged, against the walk through its words."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.demand import demand_by_month
from compute.periods import from_us, to_us, wall_clock_us
from compute.tariff import Charges, Priced, charge, price_intervals
from services.plant.compile_tariff import compile_version
from services.plant.tariff import TariffVersion
from tests.services.tariffs import flat, read, two_part
from tests.twins import tariff as twin

MINUTE_US = 60_000_000
STEP_US = 15 * MINUTE_US
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Havana"]
STEPS = {"per": "month", "levels": [{"above": 100, "add": 0.05}, {"above": 250.5, "add": 0.3}]}
YEAR_STEPS = {"per": "year", "levels": [{"above": 0, "add": -0.01}, {"above": 150, "add": 0.3}]}


def charged(
    documents: Sequence[dict[str, Any]],
    amounts: Sequence[float],
    *,
    start: datetime,
    zone: str,
    step_us: int = STEP_US,
) -> tuple[list[TariffVersion], Priced, Charges]:
    written = [read(document) for document in documents]
    versions = [compile_version(version, time_zone=zone) for version in written]
    start_us = to_us(start)
    local_us = wall_clock_us(start_us=start_us, step_us=step_us, count=len(amounts), time_zone=zone)
    priced = price_intervals(versions, local_us=local_us, start_us=start_us, step_us=step_us)
    return written, priced, charge(np.array(amounts), priced=priced, versions=versions)


def fraction(value: float) -> Fraction | None:
    return None if np.isnan(value) else Fraction(value)


AMOUNTS = st.lists(
    st.floats(0, 200, allow_nan=False) | st.just(float("nan")) | st.floats(-50, 0),
    min_size=1,
    max_size=400,
)
# Around the turns: a leap day, month ends, both changes of the clock, holidays, the new year.
STARTS = st.sampled_from(
    [
        datetime(2024, 2, 28, 14, tzinfo=UTC),
        datetime(2024, 2, 9, 10, tzinfo=UTC),
        datetime(2024, 3, 30, 20, tzinfo=UTC),
        datetime(2024, 10, 26, 20, tzinfo=UTC),
        datetime(2024, 11, 3, 2, tzinfo=UTC),
        datetime(2024, 6, 30, 2, tzinfo=UTC),
        datetime(2024, 12, 30, 20, tzinfo=UTC),
    ]
)


class TestCharge:
    @settings(max_examples=60)
    @given(
        amounts=AMOUNTS,
        start=STARTS,
        zone=st.sampled_from(ZONES),
        steps=st.sampled_from([None, STEPS, YEAR_STEPS]),
        changed=st.sampled_from(["2024-03-01", "2024-03-31", "2024-11-03", "2025-01-01"]),
    )
    def test_equals_the_slow_twin(
        self,
        amounts: list[float],
        start: datetime,
        zone: str,
        steps: dict[str, Any] | None,
        changed: str,
    ) -> None:
        documents = [two_part("2024-02-10", steps=steps), flat(0.7, changed, steps=STEPS)]
        written, _, found = charged(documents, amounts, start=start, zone=zone)
        intervals = list(
            zip(twin.starts(start, len(amounts), 15), map(fraction, amounts), strict=True)
        )
        expected = twin.costs(written, intervals, zone=zone)
        assert [np.isnan(cost) for cost in found.cost_cny] == [cost is None for cost in expected]
        assert found.cost_cny == pytest.approx(
            [np.nan if cost is None else float(cost) for cost in expected],
            rel=1e-9,
            abs=1e-9,
            nan_ok=True,
        )

    @given(amounts=AMOUNTS, start=STARTS, steps=st.sampled_from([None, STEPS, YEAR_STEPS]))
    def test_adds_up_from_its_parts(
        self, amounts: list[float], start: datetime, steps: dict[str, Any] | None
    ) -> None:
        documents = [two_part("2020-01-01", steps=steps)]
        _, priced, found = charged(documents, amounts, start=start, zone="Asia/Shanghai")
        known = np.nansum(amounts)
        assert found.band_amount.sum() == pytest.approx(known, rel=1e-12, abs=1e-9)
        assert found.step_amount.sum() == pytest.approx(known, rel=1e-9, abs=1e-9)
        version = compile_version(read(documents[0]), time_zone="Asia/Shanghai")
        parts = (found.band_amount @ version.price_cny).sum()
        parts += (found.step_amount @ version.step_add_cny).sum()
        assert np.nansum(found.cost_cny) == pytest.approx(parts, rel=1e-9, abs=1e-8)
        assert (priced.version == 0).all()

    @given(first=st.lists(st.floats(0, 100), min_size=1, max_size=96), cut=st.integers(1, 95))
    def test_of_a_month_is_that_of_its_split_intervals(self, first: list[float], cut: int) -> None:
        """Steps see the sum, however it is cut into intervals."""
        start = datetime(2024, 4, 30, 16, tzinfo=UTC)
        whole = charged([flat(0.5, steps=STEPS)], first, start=start, zone="Asia/Shanghai")[2]
        halves = [half for amount in first for half in (amount / 2, amount / 2)]
        parts = charged([flat(0.5, steps=STEPS)], halves, start=start, zone="Asia/Shanghai")[2]
        cut = min(cut, len(first))
        assert np.sum(parts.cost_cny[: 2 * cut]) == pytest.approx(
            np.sum(whole.cost_cny[:cut]), rel=1e-9, abs=1e-9
        )

    def test_does_not_depend_on_where_a_window_begins_without_steps(self) -> None:
        amounts = np.linspace(0.1, 9.7, 480)
        start = datetime(2024, 6, 29, 16, tzinfo=UTC)
        whole = charged([two_part()], list(amounts), start=start, zone="Asia/Shanghai")[2]
        later = from_us(to_us(start) + 100 * STEP_US)
        part = charged([two_part()], list(amounts[100:]), start=later, zone="Asia/Shanghai")[2]
        assert np.array_equal(whole.cost_cny[100:], part.cost_cny)


class TestBands:
    @pytest.mark.parametrize(
        ("clock", "band"),
        [
            ("2024-07-05T14:00", "flat"),
            ("2024-07-05T14:15", "sharp"),
            ("2024-07-05T16:30", "sharp"),
            ("2024-07-05T16:45", "peak"),
            ("2024-06-30T14:15", "flat"),
            ("2024-08-31T14:15", "sharp"),
            ("2024-09-01T14:15", "flat"),
            ("2024-02-09T11:00", "peak"),
            ("2024-02-10T11:00", "deep"),
            ("2024-02-17T15:15", "deep"),
            ("2024-02-17T15:30", "valley"),
            ("2024-02-18T11:00", "peak"),
            ("2024-02-29T23:45", "flat"),
            ("2024-03-01T00:00", "valley"),
        ],
    )
    def test_change_at_the_minute(self, clock: str, band: str) -> None:
        start = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
        written, priced, _ = charged([two_part()], [1.0], start=start, zone="Asia/Shanghai")
        assert written[0].bands[int(priced.band[0])].code == band

    def test_an_hour_shown_twice_is_priced_twice_and_a_skipped_one_never(self) -> None:
        for day, hours in (
            (datetime(2024, 3, 30, 23, tzinfo=UTC), 23),
            (datetime(2024, 10, 26, 22, tzinfo=UTC), 25),
        ):
            written, priced, _ = charged(
                [two_part()], [1.0] * (4 * hours), start=day, zone="Europe/Berlin"
            )
            codes = [written[0].bands[int(band)].code for band in priced.band]
            assert codes.count("valley") == 4 * (8 + hours - 24)
            assert codes.count("peak") == 4 * 7

    def test_a_version_begins_at_local_midnight(self) -> None:
        start = datetime(2024, 2, 28, 15, 45, tzinfo=UTC)
        documents = [flat(0.5), flat(0.7, "2024-02-29"), flat(0.9, "2024-03-01")]
        _, _, found = charged(documents, [1.0] * 98, start=start, zone="Asia/Shanghai")
        assert found.cost_cny.tolist() == [0.5] + [0.7] * 96 + [0.9]

    def test_nothing_is_priced_before_the_first_version(self) -> None:
        start = datetime(2023, 12, 31, 15, 45, tzinfo=UTC)
        _, _, found = charged([flat(0.5)], [1.0, 1.0], start=start, zone="Asia/Shanghai")
        assert np.isnan(found.cost_cny[0])
        assert found.cost_cny[1] == 0.5
        assert found.band_amount.sum() == 1.0

    def test_a_negative_price_pays_the_user(self) -> None:
        start = datetime(2024, 1, 1, 16, tzinfo=UTC)
        _, _, found = charged([flat(-0.05)], [10.0], start=start, zone="Asia/Shanghai")
        assert found.cost_cny[0] == -0.5


class TestDemand:
    @given(
        energy=st.lists(st.floats(0, 500) | st.just(float("nan")), max_size=60),
        window=st.integers(1, 4),
        turn=st.integers(0, 60),
    )
    def test_equals_the_slow_twin(self, energy: list[float], window: int, turn: int) -> None:
        months = [24_290 if i < turn else 24_291 for i in range(len(energy))]
        found = demand_by_month(
            np.array(energy, dtype=np.float64),
            month=np.array(months, dtype=np.int64),
            step_us=5 * MINUTE_US,
            window_us=5 * MINUTE_US * window,
        )
        expected = twin.demands(
            list(map(fraction, energy)), months, window=window, hours=Fraction(window, 12)
        )
        assert len(found.power_kw_max) == len(expected)
        for row, power in enumerate(expected.values()):
            assert found.power_kw_max[row] == pytest.approx(
                np.nan if power is None else float(power), rel=1e-12, nan_ok=True
            )
