"""Factors of a grid hour by hour: read, stated, used, and what stands in for them."""

import csv
import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.periods import US_PER_HOUR, to_us
from compute.settle import SeriesKey, settle
from services import carbon_accounting, carbon_flow, hourly_factors
from services.files.hours import HOURS_MAX, HourlyInvalid, read_hours
from services.plant.model import Plant
from services.reference import FactorBook, HourlyFactors, HourlyStatement, carrier_factors
from services.site_model import Span
from services.store.pool import Database
from tests.compute.plants import NAN, STEP_US, amounts
from tests.migrated import NAME, START, Migrated, SmallPlant
from tests.services.histories import Reading
from tests.services.simulated_balances import described
from tests.services.test_recompute import drain, rebuild, send

HOUR = timedelta(hours=1)
POINT = {"code": "P1", "kind": "interval", "unit": "kWh", "period_minutes": 60, "stamp": "end"}
WITH_A_BOARD: dict[str, Any] = {
    "nodes": [
        {"code": "grid", "name": NAME, "kind": "source"},
        {"code": "hall", "name": NAME, "kind": "use"},
        {"code": "board", "name": NAME, "kind": "bus", "parent": "hall"},
        {"code": "press", "name": NAME, "kind": "use", "parent": "hall"},
    ],
    "flows": [
        {
            "code": "in",
            "from": "grid",
            "to": "board",
            "carrier": "electricity",
            "metered_by": [{"point": "P1"}],
        },
        {"code": "out", "from": "board", "to": "press", "carrier": "electricity"},
    ],
}
EMPTY: dict[str, Any] = {"used": [], "missing": []}
YEAR_US = to_us(datetime(2022, 1, 1, tzinfo=UTC))
ANNUAL = 0.5


def csv_of(rows: list[tuple[str, str]]) -> bytes:
    return "\n".join(["hour,tco2_per_mwh", *(f"{a},{b}" for a, b in rows)]).encode()


def hours_from(start: datetime, values: list[float | None]) -> bytes:
    return json.dumps({"start": start.isoformat(), "tco2_per_mwh": values}).encode()


class TestReadHours:
    @given(st.lists(st.none() | st.floats(0.0, 3.0), min_size=1, max_size=40), st.randoms())
    def test_reads_the_same_from_both_forms(self, values: list[float | None], random: Any) -> None:
        start = datetime(2026, 1, 1, tzinfo=UTC)
        rows = [
            ((start + n * HOUR).isoformat(), "" if value is None else repr(value))
            for n, value in enumerate(values)
        ]
        random.shuffle(rows)
        of_json, of_csv = read_hours(hours_from(start, values)), read_hours(csv_of(rows))
        assert of_json.start_us == of_csv.start_us == to_us(start)
        expected = np.array([NAN if value is None else value for value in values])
        assert of_json.tco2_per_mwh.tobytes() == of_csv.tco2_per_mwh.tobytes()
        assert np.array_equal(of_csv.tco2_per_mwh, expected, equal_nan=True)

    def test_takes_the_whole_hours_of_a_zone_with_half_an_hour(self) -> None:
        read = read_hours(
            csv_of([("2026-01-01T00:00+05:30", "0.7"), ("2026-01-01T02:00+05:30", "0.8")])
        )
        assert read.start_us == to_us(datetime(2025, 12, 31, 18, 30, tzinfo=UTC))
        assert np.array_equal(read.tco2_per_mwh, [0.7, NAN, 0.8], equal_nan=True)

    @pytest.mark.parametrize(
        ("rows", "line", "value", "remedy"),
        [
            ([("2026-01-01T00:00+08:00", "480")], 2, "480", "divide g/kWh by 1000"),
            ([("2026-01-01T00:00+08:00", "-0.1")], 2, "-0.1", "leave what is not known empty"),
            ([("2026-01-01T00:00+08:00", "nan")], 2, "nan", "0 to 3"),
            ([("2026-01-01T00:00", "0.5")], 2, "2026-01-01T00:00", "+08:00"),
            ([("1 Jan", "0.5")], 2, "1 Jan", "start of an hour"),
            ([("2026-01-01T00:07Z", "0.5")], 2, "2026-01-01T00:07Z", "start of an hour"),
            (
                [("2026-01-01T00:00Z", "0.5"), ("2026-01-01T01:15Z", "0.5")],
                3,
                "2026-01-01T01:15Z",
                "start of an hour",
            ),
            (
                [("2026-01-01T00:00Z", "0.5"), ("2026-01-01T08:00+08:00", "0.6")],
                3,
                "2026-01-01T08:00+08:00",
                "line 2",
            ),
            (
                [("2026-01-01T00:00Z", "0.5"), ("2027-02-01T00:00Z", "0.6")],
                3,
                "2027-02-01T00:00Z",
                "one year at a time",
            ),
        ],
    )
    def test_names_line_value_and_remedy(
        self, rows: list[tuple[str, str]], line: int, value: str, remedy: str
    ) -> None:
        with pytest.raises(HourlyInvalid) as refused:
            read_hours(csv_of(rows))
        [fault] = refused.value.faults
        assert (fault.line, fault.value) == (line, value)
        assert remedy in fault.reason
        assert fault.reason_zh

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"hour,tco2_per_mwh\n",
            b"time,value\n2026-01-01T00:00Z,0.5\n",
            b"hour,tco2_per_mwh\n2026-01-01T00:00Z\n",
            b'hour,tco2_per_mwh\n"2026-01-01T00:00Z,0.5\n',
            b"{",
            b"{}",
            b'{"start": "2026-01-01T00:00Z", "tco2_per_mwh": []}',
            b'{"start": "2026-01-01T00:00Z", "tco2_per_mwh": [true]}',
            b'{"start": "2026-01-01T00:00Z", "tco2_per_mwh": ["0.5", {}]}',
            b'{"start": 5, "tco2_per_mwh": [0.5]}',
            b"\xff\xfe\x00",
            hours_from(START, [0.5] * (HOURS_MAX + 1)),
        ],
    )
    def test_refuses_what_is_no_statement(self, content: bytes) -> None:
        with pytest.raises(HourlyInvalid):
            read_hours(content)

    def test_tells_every_fault_up_to_a_hundred(self) -> None:
        rows = [((START + n * HOUR).isoformat(), "x") for n in range(500)]
        with pytest.raises(HourlyInvalid) as refused:
            read_hours(csv_of(rows))
        assert [fault.line for fault in refused.value.faults] == list(range(2, 102))


def statement(region: str, start_us: int, values: list[float]) -> HourlyStatement:
    return HourlyStatement(region, start_us, np.array(values), "source", "5ha", "a@acme")


class TestHourlyFactors:
    def test_are_of_the_last_statement_of_the_nearest_place(self) -> None:
        given = HourlyFactors(
            [
                statement("CN-EAST", 0, [1.0, 1.1, 1.2, 1.3]),
                statement("320000", US_PER_HOUR, [2.1, 2.2]),
                statement("CN-EAST", US_PER_HOUR, [3.1, 3.2, 3.3]),
                statement("320000", 2 * US_PER_HOUR, [NAN]),
                statement("CN-NORTH", 0, [9.0] * 9),
            ]
        )
        at = US_PER_HOUR * np.arange(-1, 5, dtype=np.int64) + US_PER_HOUR // 4 * 3
        value, number = given.at(FactorBook().places("320500"), at)
        assert number.tolist() == [-1, 0, 1, 3, 2, -1]
        assert np.array_equal(value, [NAN, 1.0, 2.1, NAN, 3.3, NAN], equal_nan=True)

    def test_of_china_stand_in_for_no_other_country(self) -> None:
        assert FactorBook().places("US-CAL") == ("US-CAL",)
        assert FactorBook().places(None) == ("CN",)

    def test_make_a_published_year_of_a_grid(self, shared_folder: Path) -> None:
        """What California generated is bought by one plant: its emission is the published one."""
        case = json.loads(
            (shared_folder / "cases" / "grid_ci_ciso_2022.json").read_text(encoding="utf-8")
        )
        inputs, expected = case["inputs"], case["expected"]
        with gzip.open(shared_folder.parent / inputs["file"], "rt", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        mwh = np.array(
            [sum(float(row[name] or 0.0) for name in inputs["factors_g_per_kwh"]) for row in rows]
        )
        stated = [
            (row["timestamp"], str(float(row["avg_CI"]) / 1000) if total else "")
            for row, total in zip(rows, mwh, strict=True)
        ]
        hours = read_hours(csv_of(stated))
        assert hours.tco2_per_mwh.size == expected["rows"]
        assert np.isnan(hours.tco2_per_mwh).sum() == expected["rows_without_data"]
        hourly = HourlyFactors(
            [HourlyStatement("US-CAL", hours.start_us, hours.tco2_per_mwh, "EIA", "5ha", "a")]
        )
        known = described(abroad(SmallPlant(points=[POINT]).plant()))
        factors, _ = carrier_factors(
            FactorBook(), known.arrays.carrier_code, at=date(2022, 1, 1), region="US-CAL"
        )
        span = Span(YEAR_US, YEAR_US, known, factors, EMPTY, hourly, ("US-CAL",))
        ts_us = YEAR_US + US_PER_HOUR * np.arange(mwh.size, dtype=np.int64)
        block = settle(
            known.arrays,
            amounts([(mwh * 1000.0).tolist()]),
            span.factors_over(ts_us),
            step_us=STEP_US,
        )
        row = known.keys.index(SeriesKey("node", "hall", ""))
        found_t = block.emission_purchased_tco2e[row]
        assert np.isnan(found_t).sum() == expected["rows_without_data"], "no other factor abroad"
        assert np.nansum(found_t) == pytest.approx(expected["total_emissions_t"], rel=1e-9)
        month = np.array([int(row["timestamp"][5:7]) for row in rows])
        tolerance = case["tolerance"]["mean_rel"]
        for name, mean in expected["monthly_generation_weighted"].items():
            chosen = (month == int(name)) & (mwh > 0)
            intensity = 1000 * found_t[chosen].sum() / mwh[chosen].sum()
            assert intensity == pytest.approx(mean, rel=tolerance)


def abroad(plant: Plant) -> Plant:
    return plant.model_copy(update={"region": "US-CAL"})


@pytest.mark.database
class TestStatedHours:
    """60 kWh an hour over a day; the factor of the year is the tenant's own, 0.5 tCO2/MWh."""

    @pytest.fixture
    def tenant_id(self, migrated: Migrated) -> int:
        plant = SmallPlant(points=[POINT], more=WITH_A_BOARD)
        migrated.install(plant.plant())
        [(tenant_id,)] = migrated.rows("select id from tenant")
        migrated.execute(
            "insert into factor_override (tenant_id, carrier, parameter, value, unit, valid_from,"
            " source, created_by) select id, 'electricity', 'emission_purchased', 0.5,"
            " 'tCO2/MWh', '2025-01-01', 'contract', 'a' from tenant"
        )
        readings: list[Reading] = [("P1", START + n * HOUR, 60.0) for n in range(1, 25)]
        send(migrated, plant, [readings], drains=[True])
        return int(tenant_id)

    def state(
        self,
        migrated: Migrated,
        tenant_id: int,
        values: list[float | None],
        *,
        start: datetime = START,
        region: str = "320000",
        source: str = "grid company",
    ) -> int:
        async def work(database: Database) -> int:
            done = await hourly_factors.state(
                database,
                tenant_id=tenant_id,
                actor="a@acme",
                region=region,
                source=source,
                content=hours_from(start, values),
            )
            return done.changed_hour_count

        return migrated.run("nengtan_api", work)

    def emission_t(self, migrated: Migrated) -> list[float]:
        """Return what the hall emits in each hour."""
        rows = migrated.rows(
            "select r.emission_purchased_tco2e from result r join series s on s.id = r.series_id"
            " where s.code = 'hall' and s.kind = 'node' and s.carrier = '' and r.grain = 1"
            " and r.ts < %s order by r.ts",
            START + timedelta(days=1),
        )
        return [value for (value,) in rows]

    def test_go_before_the_factor_of_the_year_which_stands_in(
        self, migrated: Migrated, tenant_id: int
    ) -> None:
        assert self.emission_t(migrated) == pytest.approx([0.06 * ANNUAL] * 24)
        values: list[float | None] = [0.1 * n for n in range(10)]
        values[4] = None
        assert self.state(migrated, tenant_id, values) == 10
        drain(migrated)
        expected = [ANNUAL if v is None else v for v in [*values, *[None] * 14]]
        assert self.emission_t(migrated) == pytest.approx([0.06 * v for v in expected])
        account = migrated.run(
            "nengtan_api",
            lambda database: carbon_accounting.account(
                database,
                tenant_id=tenant_id,
                site="main",
                start=START,
                end=START + timedelta(days=1),
            ),
        )
        assert account.emission_total_tco2e == pytest.approx(0.06 * sum(expected))
        used = {
            line["how"]: (line["interval_count"], line["factor"]["id"])
            for line in account.used
            if line["quantity"] == "emission_purchased_tco2e"
        }
        [statement] = migrated.rows("select encode(sha256, 'hex') from hourly_factor")
        own = "electricity.emission_purchased@own 2025-01-01"
        assert used == {
            "hourly": (36, f"electricity.emission_purchased@hourly {statement[0][:12]}:320000"),
            "override+hour_lacking": (4, own),
            "override": (56, own),
        }

    def test_make_dirty_what_they_change_alone_and_are_taken_back_by_empty_hours(
        self, migrated: Migrated, tenant_id: int
    ) -> None:
        values: list[float | None] = [0.3] * 24
        assert self.state(migrated, tenant_id, values) == 24
        drain(migrated)
        assert self.state(migrated, tenant_id, values) == 0
        assert migrated.rows("select 1 from dirty") == []
        values[20] = 0.9
        assert self.state(migrated, tenant_id, values) == 1
        assert migrated.rows("select start_ts, tco2_per_mwh from hourly_factor order by id") == [
            (START, [0.3] * 24),
            (START + 20 * HOUR, [0.9]),
        ]
        by_set = "select factor_set_id, min(ts), count(*) from provenance group by 1 order by 1"
        drain(migrated)
        counts = migrated.rows(by_set)
        assert (START + 20 * HOUR, 4) in [row[1:] for row in counts]
        rebuild(migrated, "acme")
        assert migrated.rows(by_set) == counts, "provenance depends on what was stated alone"
        assert self.emission_t(migrated)[19:22] == pytest.approx([0.018, 0.054, 0.018])
        assert self.state(migrated, tenant_id, [None] * 24) == 24
        drain(migrated)
        assert self.emission_t(migrated) == pytest.approx([0.06 * ANNUAL] * 24)

    def test_of_the_grid_are_what_the_carbon_flow_counts_by(
        self, migrated: Migrated, tenant_id: int
    ) -> None:
        values: list[float | None] = [0.1 * (n % 3) for n in range(24)]
        self.state(migrated, tenant_id, values, region="CN-EAST")
        self.state(migrated, tenant_id, [0.7] * 24, region="CN-NORTH")
        drain(migrated)
        assert self.emission_t(migrated) == pytest.approx([0.006 * (n % 3) for n in range(24)])
        sets = migrated.rows("select factors from factor_set order by id")
        hows = {line["how"] for (factors,) in sets for line in factors["used"]}
        assert "hourly+regional_fallback" in hows
        trace = migrated.run(
            "nengtan_api",
            lambda database: carbon_flow.trace(
                database,
                tenant_id=tenant_id,
                site="main",
                start=START,
                end=START + timedelta(days=1),
            ),
        )
        [source] = trace.sources
        assert source.location_tco2e == pytest.approx(0.06 * 0.1 * 24)
        assert trace.conservation.location_left_over_tco2e == pytest.approx(0.0, abs=1e-12)
        [kept] = migrated.rows(
            "select location_tco2e_per_kwh from carbon_flow where ts = %s", START + 2 * HOUR
        )
        assert max(kept[0]) == pytest.approx(0.0002)
