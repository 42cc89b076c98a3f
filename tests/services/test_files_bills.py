"""Bills as readings: the sum is the bill's, whatever the clock did meanwhile."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.files.bills import BilledPoint, BillReader, shares
from services.files.fault import FileRefused

HOUR_US = 3_600_000_000
DAILY = BilledPoint("interval", "kWh", 1.0, 24 * HOUR_US, stamped_at_end=False)
HOURLY = BilledPoint("interval", "kWh", 1.0, HOUR_US, stamped_at_end=True)
PULSES = BilledPoint("interval", "Nm3", 10.0, HOUR_US, stamped_at_end=False)
POINTS = {"D": DAILY, "H": HOURLY, "N": PULSES, "R": BilledPoint("register", "kWh", 1.0, 0, False)}
HEAD = "测点,开始,结束（含）,用量,单位\n"


def read(tmp_path: Path, text: str, zone: str = "Asia/Shanghai") -> tuple[list[Any], BillReader]:
    path = tmp_path / "bills.csv"
    path.write_text(text, encoding="utf-8")
    reader = BillReader(path, POINTS, zone, None)
    return list(reader.bills()), reader


# Smaller ones no reading may have (ingest.decode.strict_json).
amounts = st.floats(-1e12, 1e12).filter(lambda amount: amount == 0 or abs(amount) >= 1e-100)


class TestShares:
    @given(amount=amounts, count=st.integers(1, 3_000), at_end=st.booleans())
    def test_add_up_to_the_amount_and_are_even(
        self, amount: float, count: int, *, at_end: bool
    ) -> None:
        point = BilledPoint("interval", "kWh", 1.0, HOUR_US, stamped_at_end=at_end)
        found = list(shares(amount, 0, count * HOUR_US, point=point))
        assert math.fsum(share.value for share in found) == pytest.approx(amount, rel=1e-12)
        assert [share.ts_us for share in found] == [
            (number + at_end) * HOUR_US for number in range(count)
        ]
        assert all(
            share.value == pytest.approx(amount / count, rel=1e-9, abs=1e-12 * abs(amount))
            for share in found
        )


class TestBillReader:
    def test_spreads_a_month_over_its_days(self, tmp_path: Path) -> None:
        [bill], _ = read(tmp_path, HEAD + "D,2026-03-01,2026-03-31,3100,kWh\n")
        assert [share.value for share in bill.shares] == pytest.approx([100.0] * 31)
        assert bill.shares[0].ts_us == 1_772_294_400_000_000  # local midnight
        assert bill.line == 2

    def test_a_day_of_23_hours_gets_23_parts(self, tmp_path: Path) -> None:
        text = HEAD + "H,2018-03-11,2018-03-11,23,kWh\nH,2018-11-04,2018-11-04,25,kWh\n"
        bills, _ = read(tmp_path, text, "America/Los_Angeles")
        assert [len(bill.shares) for bill in bills] == [23, 25]

    def test_takes_the_last_day_in_or_out_as_the_head_says(self, tmp_path: Path) -> None:
        text = "point,start,end (exclusive),amount [MWh]\nD,2026/3/1,2026年4月1日,3.1\n"
        [bill], _ = read(tmp_path, text)
        assert len(bill.shares) == 31
        assert math.fsum(share.value for share in bill.shares) == pytest.approx(3100.0)
        with pytest.raises(FileRefused, match="inclusive"):
            read(tmp_path, "point,start,end,amount\n")

    def test_gives_raw_readings_where_the_point_has_a_multiplier(self, tmp_path: Path) -> None:
        [bill], _ = read(tmp_path, HEAD + "N,2026-03-01,2026-03-01,240,Nm3\n")
        assert [share.value for share in bill.shares] == pytest.approx([1.0] * 24)

    @pytest.mark.parametrize(
        ("row", "code"),
        [
            ("X,2026-03-01,2026-03-31,1,kWh", "unknown_point"),
            ("R,2026-03-01,2026-03-31,1,kWh", "type"),
            ("D,1.3.2026,2026-03-31,1,kWh", "time"),
            ("D,2026-02-29,2026-03-31,1,kWh", "time"),
            ("D,9999-12-31,9999-12-31,1,kWh", "time"),
            ("D,2026-03-31,2026-03-01,1,kWh", "time"),
            ("D,2000-03-31,2026-03-01,1,kWh", "time"),
            ("D,2026-03-01,2026-03-31,,kWh", "type"),
            ('D,2026-03-01,2026-03-31,"1,000",kWh', "type"),
            ("D,2026-03-01,2026-03-31,inf,kWh", "nonfinite"),
            ("D,2026-03-01,2026-03-31,1,m3", "unit"),
            ("D,2026-03-01", "time"),
        ],
    )
    def test_lists_what_is_no_bill_and_goes_on(self, tmp_path: Path, row: str, code: str) -> None:
        bills, reader = read(tmp_path, f"{HEAD}{row}\nD,2026-03-01,2026-03-01,1,kWh\n")
        assert len(bills) == 1
        assert [(cell.line, cell.code) for cell in reader.bad] == [(2, code)]
        assert reader.bad[0].reason_zh

    def test_refuses_a_period_that_does_not_fit_the_day(self, tmp_path: Path) -> None:
        bills, reader = read(
            tmp_path, HEAD + "D,2018-03-11,2018-03-11,23,kWh\n", "America/Los_Angeles"
        )
        assert not bills
        assert reader.bad[0].code == "period"

    def test_needs_every_column(self, tmp_path: Path) -> None:
        with pytest.raises(FileRefused, match="no column amount"):
            read(tmp_path, "point,start,end (inclusive)\n")
        with pytest.raises(FileRefused, match="first days"):
            read(tmp_path, "a,b\n")
