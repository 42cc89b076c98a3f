"""Bad inputs B46 to B66: times, registers, quantities and physics, each by its id."""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from compute.periods import Grain
from compute.quality import Quality
from compute.settle import SeriesKey
from compute.topology import PointKind
from ingest.decode import decode
from services.plant.findings import PlantInvalid
from tests.compute.readings import MINUTE_US, START_US, amounts_of, every, has, total
from tests.faults.arrays import computed
from tests.faults.meters import SIX_DIGITS, START, of
from tests.migrated import SmallPlant
from tests.twins.register import Point, Reading

P1 = SeriesKey("point", "P1", "")
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)


class TestTime:
    def test_b46_an_hour_that_comes_twice_is_told_apart_by_its_offset(self) -> None:
        body = (
            b'{"epoch":"e","seq":1,"readings":[["P1","2025-11-02T01:30:00-04:00",1],'
            b'["P1","2025-11-02T01:30:00-05:00",2],["P1","2025-11-02T01:30:00",3]]}'
        )
        decoded = decode("nengtan", body)
        assert [b - a for a, b in zip(decoded.ts_us, decoded.ts_us[1:], strict=False)] == [
            3_600_000_000
        ]
        assert [(each.item, each.code) for each in decoded.rejected] == [(2, "time")]

    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            ("America/New_York", datetime(2025, 11, 2), 25),  # noqa: DTZ001 - of the zone beside it
            ("America/New_York", datetime(2025, 3, 9), 23),  # noqa: DTZ001
            ("Asia/Shanghai", datetime(1991, 9, 15), 25),  # noqa: DTZ001
            ("Asia/Shanghai", datetime(1991, 4, 14), 23),  # noqa: DTZ001
        ],
    )
    def test_b46_a_day_of_another_length_has_its_whole_total(
        self, zone: str, day: datetime, hours: int
    ) -> None:
        start = day.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        level = [(start + n * QUARTER, Decimal(10 * n)) for n in range(4 * hours + 1)]
        plant = SmallPlant(
            points=[{"code": "P1", **SIX_DIGITS}], time_zone=zone, valid_from=start
        ).plant()
        found = computed(plant, of("P1", level), start=start, interval_count=4 * hours)
        assert found.amounts(Grain.DAY, P1) == {start: pytest.approx(40.0 * hours, rel=1e-12)}

    def test_b47_a_reading_on_an_edge_ends_one_interval_and_begins_the_next(self) -> None:
        found = amounts_of([every(15, [1.0, 3.0, 7.0])], [Point()], count=2)
        assert found.amount[0].tolist() == [2.0, 4.0]

    def test_b47_a_gauge_counts_from_its_instant_and_not_before(self) -> None:
        gauge = Point(kind=PointKind.GAUGE, scale=1.0, hold_us=900_000_000)
        found = amounts_of([every(15, [60.0, 0.0, 0.0])], [gauge], count=2)
        assert found.amount[0].tolist() == [15.0, 0.0]

    @pytest.mark.parametrize("stamp", ["start", "end"])
    def test_b49_a_period_is_stamped_as_its_description_says(self, stamp: str) -> None:
        point = {"code": "P1", "kind": "interval", "unit": "kWh", "period_minutes": 15}
        plant = SmallPlant(points=[{**point, "stamp": stamp}]).plant()
        found = computed(
            plant, [("P1", START + HOUR, Decimal(5))], start=START, interval_count=8
        ).amounts(Grain.BASE, P1)
        assert found == {START + HOUR - (QUARTER if stamp == "end" else timedelta()): 5.0}

    def test_b49_a_period_without_a_word_on_its_stamp_is_refused(self) -> None:
        point = {"code": "P1", "kind": "interval", "unit": "kWh", "period_minutes": 15}
        with pytest.raises(PlantInvalid, match="stamp"):
            SmallPlant(points=[point]).plant()

    def test_b50_a_second_off_the_grid_is_on_it_and_the_sum_is_kept(self) -> None:
        point = Point(kind=PointKind.INTERVAL, period_us=15 * MINUTE_US, stamped_at_end=True)
        second = 1_000_000
        row = [
            Reading(START_US + 15 * MINUTE_US - second, 1.0),
            Reading(START_US + 30 * MINUTE_US + second, 2.0),
            Reading(START_US + 45 * MINUTE_US, 4.0),
        ]
        found = amounts_of([row], [point], count=3)
        assert found.amount[0].tolist() == [1.0, 2.0, 4.0]

    def test_b51_three_months_without_readings_are_booked_without_a_peak(self) -> None:
        days = 90
        row = [Reading(START_US, 100.0), Reading(START_US + days * 1440 * MINUTE_US, 2260.0)]
        found = amounts_of([row], [Point(hold_us=30 * MINUTE_US)], count=96 * days)
        assert total(found) == pytest.approx(2160.0, rel=1e-12)
        assert all(has(found, Quality.INTERPOLATED))
        assert float(found.amount.max()) == pytest.approx(2160.0 / (96 * days), rel=1e-9)


class TestRegisters:
    def test_b52_the_last_digit_and_the_first_are_both_booked(self) -> None:
        point = Point(modulus=100_000.0, resolution=0.1)
        found = amounts_of([every(15, [99_999.9, 0.3])], [point], count=1)
        assert found.amount[0, 0] == pytest.approx(0.4, abs=1e-10)
        assert found.quality[0, 0] == Quality.ROLLOVER

    def test_b53_a_fall_of_unknown_digits_is_withheld_and_never_counted_from_zero(self) -> None:
        found = amounts_of([every(15, [215.7, 0.1, 0.4])], [Point()], count=2)
        assert total(found) == pytest.approx(0.3, abs=1e-9)
        assert has(found, Quality.DECREASE) == [True, False]

    def test_b54_a_dip_of_the_last_digit_changes_no_total(self) -> None:
        found = amounts_of([every(5, [215.7, 215.6, 215.7])], [Point(resolution=0.1)], count=1)
        assert found.amount[0, 0] == 0.0
        assert not any(has(found, Quality.DECREASE))

    def test_b55_a_meter_exchanged_without_a_record_books_neither_zero_nor_all(self) -> None:
        found = amounts_of([every(15, [5000.0, 5010.0, 0.0, 10.0])], [Point()], count=3)
        assert total(found) == 20.0
        assert has(found, Quality.DECREASE) == [False, True, False]

    def test_b56_a_register_below_zero_never_makes_negative_energy(self) -> None:
        found = amounts_of([every(15, [5.0, -3.0, -1.0])], [Point()], count=2)
        assert has(found, Quality.DECREASE) == [True, False]
        assert float(np.nanmin(found.amount)) >= 0.0

    def test_b57_what_falls_in_a_netting_register_is_never_taken_from_what_rises(self) -> None:
        rows = [every(15, [100.0, 110.0, 120.0]), every(15, [50.0, 53.0, 59.0])]
        found = amounts_of(rows, [Point(), Point()], count=2)
        assert found.amount.tolist() == [[10.0, 10.0], [3.0, 6.0]]

    @pytest.mark.parametrize("id_", ["B31", "B58"])
    def test_b58_a_jump_beyond_the_rating_is_out_of_the_peaks_until_reviewed(
        self, id_: str
    ) -> None:
        """B31: Wh sent as kWh is such a jump; it is not corrected by itself."""
        after = 120_000.0 if id_ == "B31" else 1e9
        row = every(15, [100.0, 110.0, after, after + 10.0])
        found = amounts_of([row], [Point(step_rate_max=100.0 / 900.0)], count=3)
        assert total(found) == 20.0
        assert has(found, Quality.SPIKE) == [False, True, False]


class TestPhysics:
    def test_b62_power_where_energy_is_metered_is_refused_by_name(self) -> None:
        with pytest.raises(PlantInvalid, match=r"kW.*register|register.*kW"):
            SmallPlant(points=[{"code": "P1", "kind": "register", "unit": "kW"}]).plant()

    def test_b64_a_multiplier_is_applied_once(self) -> None:
        point = {"code": "P1", **SIX_DIGITS, "multiplier": 40}
        level = [(START, Decimal(100)), (START + QUARTER, Decimal(101))]
        found = computed(
            SmallPlant(points=[point]).plant(), of("P1", level), start=START, interval_count=1
        )
        assert found.amounts(Grain.BASE, P1) == {START: 40.0}

    def test_b20_a_value_that_is_no_number_never_reaches_a_sum(self) -> None:
        row = every(5, [10.0, 11.0, math.inf, 13.0])
        found = amounts_of([row], [Point()], count=1)
        assert math.isfinite(found.amount[0, 0])


def test_every_quantity_of_the_catalogue_has_its_case() -> None:
    named = {
        f"B{number}"
        for module in ("test_bad_quantities", "test_bad_physics")
        for number in re.findall(
            r"def test_b([0-9]+)_", Path(__file__).with_name(f"{module}.py").read_text("utf-8")
        )
    }
    assert named >= {f"B{number}" for number in range(46, 67)}
