"""A real campus of three meters: load = own generation + import, but for months of wrong data."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from compute.periods import Grain, from_us
from compute.settle import SeriesKey
from tests.faults.arrays import Arrival, Computed, computed
from tests.migrated import NAME, SmallPlant

ZONE = ZoneInfo("America/Los_Angeles")
COLUMNS = {"load": "TotalCampusLoad", "generation": "OnCampusGeneration", "import": "SDG&E Import"}
ENDS = {
    "load": ("campus", "load"),
    "generation": ("own", "campus"),
    "import": ("grid", "campus"),
}
RESIDUAL = SeriesKey("residual", "campus", "")

Row = Mapping[str, str]


def plant() -> SmallPlant:
    """Return a bus with what comes in and what goes out; a row is a mean of a quarter in kW."""
    points = [
        {
            "code": code,
            "kind": "interval",
            "unit": "kWh",
            "multiplier": 0.25,
            "period_minutes": 15,
            "stamp": "start",
        }
        for code in ENDS
    ]
    kinds = {"grid": "source", "own": "source", "campus": "bus", "load": "use"}
    flows = [
        {
            "code": code,
            "from": origin,
            "to": target,
            "carrier": "electricity",
            "metered_by": [{"point": code}],
        }
        for code, (origin, target) in ENDS.items()
    ]
    nodes = [{"code": code, "name": NAME, "kind": kind} for code, kind in kinds.items()]
    return SmallPlant(
        points=points,
        time_zone=ZONE.key,
        valid_from=datetime(2018, 1, 1, 8, tzinfo=UTC),
        more={"nodes": nodes, "flows": flows},
    )


@cache
def rows_of(folder: Path) -> tuple[list[tuple[datetime, Row]], list[Row]]:
    """Return each row with its instant, and the rows whose instant another row has already.

    The file is newest first, on the wall clock. Of an hour that the clock shows twice the first
    rows are of summer time, the second of winter time.
    """
    path = folder / "data" / "ucsd_microgrid" / "DemandCharge.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as text:
        rows = list(reversed(list(csv.DictReader(text))))
    found: dict[datetime, Row] = {}
    second: list[Row] = []
    for row in rows:
        wall = wall_clock(row)
        instants = [wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
        free = [at for at in instants if at not in found]
        if free:
            found[free[0]] = row
        else:
            second.append(row)
    return sorted(found.items(), key=lambda item: item[0]), second


def wall_clock(row: Row) -> datetime:
    return datetime.strptime(row["DateTime"], "%m/%d/%Y %H:%M").replace(tzinfo=ZONE)


@cache
def results_of(folder: Path) -> Computed:
    """Return the results of the 26 months."""
    rows, _ = rows_of(folder)
    arrivals: list[Arrival] = [
        (code, at, Decimal(row[column])) for at, row in rows for code, column in COLUMNS.items()
    ]
    return computed(plant().plant(), arrivals, start=rows[0][0], interval_count=len(rows))


def residual_kw(row: Row) -> float:
    return (
        float(row["TotalCampusLoad"])
        - float(row["OnCampusGeneration"])
        - float(row["SDG&E Import"])
    )


@pytest.fixture(scope="module")
def case(shared_folder: Path) -> dict[str, Any]:
    """Return the reference case, or skip where the reference data is not beside the project."""
    path = shared_folder / "cases" / "balance_ucsd_campus.json"
    expected: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["expected"]
    return expected


class TestTheCampus:
    def test_keeps_every_row_but_the_second_of_an_instant(
        self, case: dict[str, Any], shared_folder: Path
    ) -> None:
        rows, second = rows_of(shared_folder)
        assert len(rows) + len(second) == case["rows"]
        # The hours of daylight saving are told apart by their order; four stamps are not.
        assert len(second) == case["duplicate_timestamps"] - 2 * 4

    def test_has_the_months_of_the_case(self, case: dict[str, Any], shared_folder: Path) -> None:
        found, (_, second) = results_of(shared_folder), rows_of(shared_folder)
        for code, name in (("load", "load_mwh"), ("generation", "generation_mwh")):
            assert months(found, code, second) == pytest.approx(
                {month: sums[name] for month, sums in case["monthly"].items()}, rel=1e-9
            )
        assert months(found, "import", second) == pytest.approx(
            {month: sums["import_mwh"] for month, sums in case["monthly"].items()}, rel=1e-9
        )

    def test_leaves_the_residual_of_the_case(
        self, case: dict[str, Any], shared_folder: Path
    ) -> None:
        found, (_, second) = results_of(shared_folder), rows_of(shared_folder)
        place = found.keys.index(RESIDUAL)
        # The balance of a bus is inputs less outputs: the other way round than the case has it.
        kw = -4.0 * found.blocks[Grain.BASE].energy_kwh[place]
        assert not np.isnan(kw).any()
        every = np.concatenate([kw, [residual_kw(row) for row in second]])
        within = np.abs(every) <= 1.0 + 1e-9
        assert within.mean() == pytest.approx(case["share_within_1_kw"], abs=1e-11)
        assert every.min() == pytest.approx(case["residual_min_kw"], rel=1e-9)
        assert every.max() == pytest.approx(case["residual_max_kw"], rel=1e-9)
        days = [
            from_us(int(us)).astimezone(ZONE) for us in found.starts_us[Grain.BASE].tolist()
        ] + [wall_clock(row) for row in second]
        quarters = [f"{day.year}Q{(day.month + 2) // 3}" for day in days]
        count = Counter(quarters)
        outside = Counter(name for name, near in zip(quarters, within, strict=True) if not near)
        shares = {name: outside[name] / count[name] for name in count}
        assert shares == pytest.approx(case["share_outside_1_kw_by_quarter"], abs=1e-11)


def months(found: Computed, code: str, second: list[Row]) -> dict[str, float]:
    """Return the MWh of each month, with the rows that came second for an instant."""
    sums = {
        at.astimezone(ZONE).strftime("%Y-%m"): kwh / 1000
        for at, kwh in found.amounts(Grain.MONTH, SeriesKey("point", code, "")).items()
    }
    for row in second:
        month = wall_clock(row).strftime("%Y-%m")
        sums[month] += float(row[COLUMNS[code]]) / 4000
    return sums
