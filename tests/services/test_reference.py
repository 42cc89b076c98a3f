import math
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute import emission, standard_coal
from compute.units import UNITS
from services.reference import (
    CarrierNotFound,
    Confirmation,
    ConfirmationIncomplete,
    Factor,
    FactorBook,
    FactorInactive,
    FactorNotFound,
    Override,
    OverrideRefused,
    RegionNotFound,
    Tables,
    ValidityOverlap,
    carrier_factors,
    change_dates,
    load_tables,
)

SNAPSHOT = Path(__file__).with_name("reference_factors.txt")
JIANGSU = "320000"
IN_2025 = date(2025, 6, 1)
IN_2023 = date(2023, 6, 1)

# 工信厅节〔2025〕13号, 能耗查询: every carrier there, in its order.
F1 = (
    *(
        "煤炭",
        "焦炭",
        "原油",
        "汽油",
        "煤油",
        "柴油",
        "燃料油",
        "天然气",
        "电力",
        "火电",
        "水电",
        "光伏",
    ),
    *("风电", "生物质发电", "余热余压发电", "热力", "原料用能", "甲醇", "乙醇", "氢", "氨"),
)


def confirmation(factor_id: str) -> Confirmation:
    return Confirmation(
        factor_id=factor_id,
        confirmed_by="verifier.li",
        reason="compared with the print, page 12",
        confirmed_at=datetime(2025, 1, 2, tzinfo=UTC),
    )


def own(**changes: object) -> Override:
    fields: dict[str, object] = {
        "carrier": "bituminous_coal",
        "parameter": "ncv",
        "value": 21.8,
        "unit": "GJ/t",
        "valid_from": date(2025, 3, 1),
        "valid_to": date(2025, 4, 1),
        "source": "laboratory report 2025-03",
        "stated_by": "manager.wang",
        "basis": "as_received",
    }
    return Override(**(fields | changes))  # type: ignore[arg-type]


def snapshot() -> str:
    """Return every factor on file as one line: id, value, unit, confidence, validity."""
    return "".join(
        f"{factor.id} = {factor.value!r} {factor.unit} | {factor.confidence}"
        f" | {factor.valid_from or ''}..{factor.valid_to or ''}"
        f"{'' if factor.rule_set == 'default' else f' | {factor.rule_set}'}\n"
        for factor in load_tables().factors
    )


@pytest.fixture(scope="module")
def book() -> FactorBook:
    return FactorBook()


class TestFiles:
    def test_hold_the_factors_of_the_snapshot(self) -> None:
        # If a change is meant: python -m tests.services.test_reference, then read the diff.
        assert snapshot() == SNAPSHOT.read_text(encoding="utf-8")

    def test_say_source_and_confidence_of_every_factor(self) -> None:
        for factor in load_tables().factors:
            assert factor.source, factor.id
            assert factor.unit, factor.id
            assert math.isfinite(factor.value), factor.id
            assert factor.confidence != "own", factor.id
            assert bool(factor.seen_in) == (factor.confidence == "verified"), factor.id

    def test_leave_recalled_factors_inactive_with_the_reason(self) -> None:
        recalled = [item for item in load_tables().factors if item.confidence == "recalled"]
        assert recalled
        for factor in load_tables().factors:
            assert factor.active == (factor.confidence != "recalled"), factor.id
            assert bool(factor.inactive_reason) == (not factor.active), factor.id

    def test_name_every_carrier_of_the_guide(self) -> None:
        answered = {carrier.f1.split(" ")[0] for carrier in load_tables().carriers.values()}
        assert set(F1) <= answered

    def test_give_every_carrier_names_and_a_unit(self) -> None:
        for carrier in load_tables().carriers.values():
            assert carrier.name_zh, carrier.code
            assert carrier.name_en, carrier.code
            assert carrier.unit in UNITS, carrier.code

    def test_are_about_what_is_named(self) -> None:
        tables = load_tables()
        groups = {carrier.kind for carrier in tables.carriers.values()}
        # Black liquor is on file as a memo item alone.
        known = {*tables.carriers, *tables.gases, *groups, "constant", "black_liquor"}
        for factor in tables.factors:
            assert factor.carrier in known, factor.id
            assert factor.region is None or factor.region in tables.regions, factor.id
        for carrier in tables.carriers.values():
            assert carrier.emission_proxy in {"", *tables.carriers}, carrier.code

    def test_keep_figures_that_enter_results_in_the_unit_they_are_read_in(self) -> None:
        tables = load_tables()
        units = {
            "ncv": "GJ/{unit}",
            "carbon_content": "tC/GJ",
            "oxidation_rate": "1",
            "coal_equivalent": "kgce/{unit}",
            "coal_equal": "kgce/{unit}",
            "emission_direct": "tCO2/{unit}",
        }
        for factor in tables.factors:
            if factor.rule_set != "default" or factor.carrier not in tables.carriers:
                continue
            carrier = tables.carriers[factor.carrier]
            if factor.parameter in units:
                assert factor.unit == units[factor.parameter].format(unit=carrier.unit), factor.id
            if factor.parameter == "emission_purchased":
                expected = "tCO2/MWh" if carrier.kind == "electricity" else "tCO2/GJ"
                assert factor.unit == expected, factor.id

    def test_give_the_basis_of_calorific_values_of_solids_and_gases(self) -> None:
        tables = load_tables()
        for factor in tables.factors:
            if factor.parameter != "ncv" or factor.rule_set != "default":
                continue
            carrier = tables.carriers[factor.carrier]
            if carrier.kind == "fossil_solid":
                assert factor.basis == "as_received", factor.id
            if carrier.unit == "1e4Nm3" and carrier.kind == "fossil_gas":
                assert factor.basis == "0 degC, 101.325 kPa", factor.id

    def test_agree_with_the_constants_of_compute(self, book: FactorBook) -> None:
        def constant(name: str) -> float:
            return book.lookup("constant", name, at=IN_2025).factor.value

        assert constant("kgce_kj") == standard_coal.KJ_PER_KGCE
        assert constant("kwh_kj") == standard_coal.KJ_PER_KWH
        assert constant("co2_per_c") == emission.CO2_PER_C


class TestLookup:
    @pytest.mark.parametrize(
        ("region", "at", "value", "how"),
        [
            ("320000", date(2023, 1, 1), 0.5827, "exact"),
            ("320000", date(2022, 12, 31), 0.5978, "exact"),
            ("320583", date(2023, 6, 1), 0.5827, "exact"),
            ("320000", date(2025, 6, 1), 0.5827, "latest"),
            ("320000", date(2019, 6, 1), 0.6451, "earliest"),
            ("CN-EAST", date(2023, 6, 1), 0.55, "exact"),
            ("CN-EAST", date(2018, 6, 1), 0.7035, "latest"),
            ("540000", date(2023, 6, 1), 0.2472, "regional_fallback"),
            ("540000", date(2025, 6, 1), 0.2472, "regional_fallback+latest"),
            ("CN", date(2023, 6, 1), 0.5306, "exact"),
            (None, date(2023, 6, 1), 0.5306, "national_fallback"),
            (None, date(2026, 6, 1), 0.5306, "national_fallback+latest"),
        ],
    )
    def test_says_how_it_found_the_grid(
        self, book: FactorBook, region: str | None, at: date, value: float, how: str
    ) -> None:
        found = book.lookup("electricity", "emission_purchased", at=at, region=region)
        assert (found.factor.value, found.how) == (value, how)

    def test_takes_what_holds_for_all_as_exact(self, book: FactorBook) -> None:
        assert book.lookup("natural_gas", "ncv", at=IN_2025, region=JIANGSU).how == "exact"
        assert book.lookup("heat", "emission_purchased", at=IN_2025, region=JIANGSU).how == "exact"
        found = book.lookup("electricity", "emission_residual", at=IN_2023, region=JIANGSU)
        assert (found.factor.value, found.how) == (0.6096, "exact")

    def test_follows_an_edition_to_its_day(self, book: FactorBook) -> None:
        before = book.lookup("fresh_water", "coal_equivalent", at=date(2021, 3, 31))
        after = book.lookup("fresh_water", "coal_equivalent", at=date(2021, 4, 1))
        assert before.factor.value == 0.0857
        assert after.factor.value == 0.2571
        assert before.how == after.how == "exact"

    def test_keeps_other_rule_sets_apart(self, book: FactorBook) -> None:
        found = book.lookup("heat", "emission_purchased", at=IN_2025, region="110000")
        assert found.factor.value == 0.11
        ncsc = book.lookup(
            "heat", "emission_purchased", at=IN_2025, region="110000", rule_set="ncsc"
        )
        assert ncsc.factor.value == 0.0548

    def test_finds_warming_potentials_by_report(self, book: FactorBook) -> None:
        assert book.lookup("n2o", "gwp100_ar5", at=IN_2025).factor.value == 265.0
        assert book.lookup("n2o", "gwp100_ar6", at=IN_2025).factor.value == 273.0

    def test_refuses_a_recalled_figure_with_the_remedy(self, book: FactorBook) -> None:
        with pytest.raises(FactorInactive, match=r"methanol\.ncv.*recalled.*confirm") as caught:
            book.lookup("methanol", "ncv", at=IN_2025)
        assert caught.value.code == "not_confirmed"
        assert "确认" in caught.value.remedy_zh

    def test_says_the_nearest_name_of_what_is_not_on_file(self, book: FactorBook) -> None:
        with pytest.raises(FactorNotFound, match=r"natural_gas\.nvc.*'natural_gas\.ncv'"):
            book.lookup("natural_gas", "nvc", at=IN_2025)

    def test_refuses_an_unknown_region(self, book: FactorBook) -> None:
        with pytest.raises(RegionNotFound, match="CN-EAST"):
            book.lookup("electricity", "emission_purchased", at=IN_2025, region="CN-EASTT")
        with pytest.raises(RegionNotFound):
            book.lookup("electricity", "emission_purchased", at=IN_2025, region="990000")

    @given(at=st.dates(), region=st.sampled_from([None, *sorted(load_tables().regions)]))
    def test_finds_a_grid_factor_for_every_day_and_place(
        self, at: date, region: str | None
    ) -> None:
        found = FactorBook().lookup("electricity", "emission_purchased", at=at, region=region)
        holds = found.factor.holds_at(at)
        assert holds == ("latest" not in found.how and "earliest" not in found.how)


class TestConfirmation:
    def test_makes_a_recalled_figure_usable(self) -> None:
        book = FactorBook(confirmations=[confirmation("electricity.coal_equal@CEC 2023")])
        found = book.lookup("electricity", "coal_equal", at=IN_2023)
        assert (found.factor.value, found.how) == (0.302, "exact")
        assert found.factor.confirmed_by == "verifier.li"

    def test_does_not_let_another_year_stand_in_for_an_unconfirmed_one(self) -> None:
        book = FactorBook(confirmations=[confirmation("electricity.coal_equal@CEC 2023")])
        with pytest.raises(FactorInactive, match="CEC 2024"):
            book.lookup("electricity", "coal_equal", at=date(2024, 6, 1))

    def test_carries_on_after_the_last_year_with_the_newest_confirmed(self) -> None:
        book = FactorBook(confirmations=[confirmation("electricity.coal_equal@CEC 2023")])
        found = book.lookup("electricity", "coal_equal", at=date(2026, 6, 1))
        assert (found.factor.value, found.how) == (0.302, "latest")

    def test_names_an_id_that_is_not_on_file(self) -> None:
        with pytest.raises(FactorNotFound, match="CEC 2023"):
            FactorBook(confirmations=[confirmation("electricity.coal_equal@CEC 20233")])

    def test_needs_a_person_and_a_reason(self) -> None:
        nobody = Confirmation(
            "methanol.ncv@GB/T 2589-2020", "", "x", datetime(2025, 1, 2, tzinfo=UTC)
        )
        with pytest.raises(ConfirmationIncomplete, match="name the person"):
            FactorBook(confirmations=[nobody])


class TestOverride:
    def test_goes_before_the_files_while_it_holds_and_only_then(self) -> None:
        book = FactorBook(overrides=[own()])
        days = [date(2025, 2, 28), date(2025, 3, 1), date(2025, 3, 31), date(2025, 4, 1)]
        found = [book.lookup("bituminous_coal", "ncv", at=day) for day in days]
        assert [item.factor.value for item in found] == [23.204, 21.8, 21.8, 23.204]
        assert [item.how for item in found] == ["exact", "override", "override", "exact"]

    def test_can_be_got_by_its_id(self) -> None:
        book = FactorBook(overrides=[own()])
        factor = book.get("bituminous_coal.ncv@own 2025-03-01")
        assert (factor.confidence, factor.confirmed_by) == ("own", "manager.wang")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"unit": "kJ/kg"}, r"has to be 'GJ/t'"),
            ({"basis": ""}, "as_received"),
            ({"basis": "dry"}, "as_received"),
            ({"value": math.nan}, "0 or more"),
            ({"value": -1.0}, "0 or more"),
            ({"parameter": "oxidation_rate", "unit": "1", "value": 93.0}, "not a percentage"),
            ({"parameter": "colour"}, "the parameter has to be one of"),
            ({"stated_by": ""}, "source and the person"),
        ],
    )
    def test_is_refused_where_it_cannot_be_right(
        self, changes: dict[str, object], message: str
    ) -> None:
        with pytest.raises(OverrideRefused, match=message):
            FactorBook(overrides=[own(**changes)])

    def test_is_refused_for_an_unknown_carrier(self) -> None:
        with pytest.raises(CarrierNotFound, match="'bituminous_coal'"):
            FactorBook(overrides=[own(carrier="bituminous_cole")])

    def test_may_follow_but_not_overlap_another(self) -> None:
        FactorBook(overrides=[own(), own(valid_from=date(2025, 4, 1), valid_to=None)])
        with pytest.raises(ValidityOverlap, match="end the first"):
            FactorBook(overrides=[own(), own(valid_from=date(2025, 3, 31), valid_to=None)])


class TestValidity:
    def test_may_not_overlap_in_the_files(self) -> None:
        tables = load_tables()
        first = next(item for item in tables.factors if item.id == "diesel.ncv@MEE guideline")
        fields = {name: getattr(first, name) for name in Factor.__dataclass_fields__}
        second = Factor(**(fields | {"id": "diesel.ncv@other", "edition": "other"}))
        doubled = Tables(tables.carriers, tables.regions, tables.gases, (*tables.factors, second))
        with pytest.raises(ValidityOverlap, match=r"diesel\.ncv@MEE guideline.*diesel\.ncv@other"):
            FactorBook(tables=doubled)


class TestCarrierFactors:
    def test_gives_what_a_unit_is_worth(self, book: FactorBook) -> None:
        codes = ["natural_gas", "electricity", "heat", "electricity_pv", "steam_1p0MPa"]
        factors, use = carrier_factors(book, codes, at=IN_2023, region=JIANGSU)
        gas_kwh = 13300 * 29307.6 / 3600
        assert factors.energy_kwh == pytest.approx(
            [gas_kwh, 1.0, 1000 / 3.6, 1.0, 3.182 * 1000 / 3.6], rel=1e-14
        )
        assert factors.coal_equivalent_tce == pytest.approx(
            [13.3, 0.0001229, 0.03412, 0.0001229, 0.108574], rel=1e-14
        )
        assert factors.emission_direct_tco2e == pytest.approx(
            [389.31 * 0.0153 * 0.99 * 44 / 12, 0, 0, 0, 0], rel=1e-14
        )
        assert factors.emission_purchased_tco2e == pytest.approx(
            [0, 0.0005827, 0.11, 0, 3.182 * 0.11], rel=1e-14
        )
        used = {(item.carrier, item.quantity, item.factor.id) for item in use.used}
        assert (
            "electricity",
            "emission_purchased_tco2e",
            "electricity.emission_purchased@MEE-NBS 2023:320000",
        ) in used
        assert (
            "steam_1p0MPa",
            "emission_purchased_tco2e",
            "heat.emission_purchased@MEE guideline:CN",
        ) in used

    def test_shows_the_equal_value_as_missing_until_confirmed(self, book: FactorBook) -> None:
        factors, use = carrier_factors(book, ["electricity"], at=IN_2025, region=JIANGSU)
        assert np.isnan(factors.coal_equal_tce[0])
        assert [(item.quantity, item.parameter, item.code) for item in use.missing] == [
            ("coal_equal_tce", "coal_equal", "not_confirmed")
        ]
        assert "confirm" in use.missing[0].remedy

    def test_uses_the_equal_value_of_the_year(self) -> None:
        years = [2023, 2024]
        book = FactorBook(
            confirmations=[confirmation(f"electricity.coal_equal@CEC {year}") for year in years]
        )
        codes = ["electricity", "electricity_thermal", "electricity_wind", "diesel"]
        in_2023, _ = carrier_factors(book, codes, at=IN_2023, region=None)
        in_2025, use = carrier_factors(book, codes, at=IN_2025, region=None)
        assert in_2023.coal_equal_tce == pytest.approx([0.000302, 0.000302, 0.0001229, 1.4571])
        assert in_2025.coal_equal_tce == pytest.approx([0.0003024, 0.0003024, 0.0001229, 1.4571])
        hows = {item.how for item in use.used if item.factor.parameter == "coal_equal"}
        assert hows == {"latest"}

    def test_has_an_account_of_every_nan_of_every_carrier(self, book: FactorBook) -> None:
        codes = list(book.carriers)
        factors, use = carrier_factors(book, codes, at=IN_2025, region=JIANGSU)
        missing = {(item.carrier, item.quantity) for item in use.missing}
        for name in (
            "energy_kwh",
            "coal_equivalent_tce",
            "coal_equal_tce",
            "emission_direct_tco2e",
            "emission_purchased_tco2e",
        ):
            column = getattr(factors, name)
            assert column.flags.c_contiguous
            for code, value in zip(codes, column, strict=True):
                assert math.isnan(value) == ((code, name) in missing), (code, name)
                assert not value < 0.0, (code, name)

    def test_is_complete_once_everything_recalled_is_confirmed(self) -> None:
        recalled = [item for item in load_tables().factors if not item.active]
        book = FactorBook(confirmations=[confirmation(item.id) for item in recalled])
        _, use = carrier_factors(book, list(book.carriers), at=IN_2025, region=JIANGSU)
        assert all(item.code == "not_found" for item in use.missing)

    def test_makes_kwh_and_coal_of_a_fuel_agree(self, book: FactorBook) -> None:
        codes = [code for code, item in book.carriers.items() if item.kind.startswith("fossil")]
        factors, _ = carrier_factors(book, codes, at=IN_2025, region=None)
        assert factors.energy_kwh == pytest.approx(
            factors.coal_equivalent_tce * 8141.0, rel=1e-12, nan_ok=True
        )

    def test_burns_associated_gas_like_natural_gas(self, book: FactorBook) -> None:
        factors, use = carrier_factors(book, ["oilfield_gas"], at=IN_2025, region=None)
        assert factors.emission_direct_tco2e[0] == pytest.approx(21.6219, abs=1e-4)
        assert {item.factor.carrier for item in use.used if "direct" in item.quantity} == {
            "natural_gas"
        }

    def test_derives_a_coefficient_from_the_calorific_value_where_none_is_printed(
        self, book: FactorBook
    ) -> None:
        factors, _ = carrier_factors(
            book, ["closed_calcium_carbide_furnace_gas"], at=IN_2025, region=None
        )
        assert factors.coal_equivalent_tce[0] == pytest.approx(111.19 / 29.3076, rel=1e-14)

    def test_takes_steam_by_its_measured_heat(self) -> None:
        heat = own(
            carrier="saturated_steam",
            value=2.69338,
            source="IAPWS-IF97 at 1.0 MPa absolute",
            basis="",
            valid_to=None,
        )
        book = FactorBook(overrides=[heat])
        factors, _ = carrier_factors(book, ["saturated_steam"], at=IN_2025, region=None)
        assert factors.energy_kwh[0] == pytest.approx(2.69338 * 1000 / 3.6)
        assert factors.coal_equivalent_tce[0] == pytest.approx(2.69338 * 0.03412)
        assert factors.emission_purchased_tco2e[0] == pytest.approx(2.69338 * 0.11)

    def test_counts_biomass_and_hydrogen_as_zero_and_says_why(self, book: FactorBook) -> None:
        factors, use = carrier_factors(book, ["fuelwood", "hydrogen"], at=IN_2025, region=None)
        assert list(factors.emission_direct_tco2e) == [0.0, 0.0]
        sources = {item.carrier: item.factor.source for item in use.used}
        assert "GB/T 32150-2015" in sources["fuelwood"]
        assert sources["hydrogen"] == "no carbon in the molecule"

    def test_does_not_count_what_it_cannot_know_as_zero(self, book: FactorBook) -> None:
        codes = ["acetylene", "coal_mine_gas", "hot_water", "cooling"]
        factors, _ = carrier_factors(book, codes, at=IN_2025, region=None)
        assert np.isnan(factors.emission_direct_tco2e[:2]).all()
        assert np.isnan(factors.emission_purchased_tco2e[2:]).all()

    def test_takes_no_carriers(self, book: FactorBook) -> None:
        factors, use = carrier_factors(book, [], at=IN_2025, region=None)
        assert factors.energy_kwh.shape == (0,)
        assert (use.used, use.missing) == ((), ())

    def test_names_an_unknown_carrier(self, book: FactorBook) -> None:
        with pytest.raises(CarrierNotFound, match="did you mean 'natural_gas'"):
            carrier_factors(book, ["natural_gaz"], at=IN_2025, region=None)


class TestChangeDates:
    def test_splits_history_where_a_factor_changes(self, book: FactorBook) -> None:
        dates = change_dates(
            book, ["electricity_thermal"], date(2021, 6, 1), date(2026, 1, 1), None
        )
        # From 2024 on the newest factor is carried on, and nothing changes any more.
        assert dates == [date(2022, 1, 1), date(2023, 1, 1), date(2024, 1, 1)]

    def test_is_half_open(self, book: FactorBook) -> None:
        day = date(2021, 4, 1)
        assert change_dates(book, ["fresh_water"], day, date(2021, 4, 2), None) == [day]
        assert change_dates(book, ["fresh_water"], date(2021, 1, 2), day, None) == []

    def test_minds_own_figures(self) -> None:
        book = FactorBook(overrides=[own()])
        dates = change_dates(book, ["bituminous_coal"], date(2025, 1, 2), date(2026, 1, 1), JIANGSU)
        assert dates == [date(2025, 3, 1), date(2025, 4, 1)]

    def test_minds_the_carrier_that_stands_in(self) -> None:
        book = FactorBook(overrides=[own(carrier="natural_gas", unit="GJ/1e4Nm3", value=360.0)])
        dates = change_dates(book, ["oilfield_gas"], date(2025, 1, 2), date(2026, 1, 1), None)
        assert dates == [date(2025, 3, 1), date(2025, 4, 1)]

    @given(day=st.dates(date(2010, 1, 1), date(2027, 1, 1)))
    def test_leaves_every_day_between_alike(self, day: date) -> None:
        book = FactorBook()
        codes = ["electricity", "fresh_water", "diesel", "electricity_thermal"]
        start = date(2009, 1, 1)
        dates = [start, *change_dates(book, codes, start, date(2028, 1, 1), JIANGSU)]
        last = max(item for item in dates if item <= day)
        assert (
            carrier_factors(book, codes, at=day, region=JIANGSU)[1]
            == (carrier_factors(book, codes, at=last, region=JIANGSU)[1])
        )


if __name__ == "__main__":
    SNAPSHOT.write_text(snapshot(), encoding="utf-8")
