"""Every fault of a tariff, said with its place, value and remedy."""

import copy
import json
from typing import Any

import pytest

from services.plant import examine, read_plant
from services.plant.findings import Finding
from tests.services.plant_documents import place_of, put, small
from tests.services.tariffs import flat, schedule, two_part


def described(*tariffs: dict[str, Any]) -> dict[str, Any]:
    return {**small(), "tariffs": list(tariffs)}


def findings(document: dict[str, Any]) -> tuple[Finding, ...]:
    return examine(json.dumps(document), form="json")


def of_grid(version: dict[str, Any]) -> dict[str, Any]:
    return described({"flow": "grid-in", "versions": [version]})


DAY = "versions[0].days[0].times"


class TestTariff:
    def test_is_read_without_findings(self) -> None:
        assert findings(of_grid(two_part())) == ()
        assert findings(described({"carrier": "electricity", "versions": [flat(0.5)]})) == ()

    def test_changes_nothing_of_a_description_without_one(self) -> None:
        plant = read_plant(json.dumps(small()), form="json")
        assert "tariffs" not in plant.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    @pytest.mark.parametrize(
        ("path", "value", "code", "place"),
        [
            ("flow", "grid-im", "tariff_unknown_flow", "flow"),
            ("carrier", "electricity", "tariff_target", ""),
            ("versions[0].unit", "Nm3", "tariff_unit", "versions[0].unit"),
            ("versions[0].unit", "kwhh", "unknown_unit", "versions[0].unit"),
            (f"{DAY}[0].to", "07:45", "tariff_time_gap", DAY),
            (f"{DAY}[0].to", "08:15", "tariff_time_overlap", DAY),
            (f"{DAY}[0].to", "08:07", "tariff_time_edge", f"{DAY}[0].to"),
            (f"{DAY}[0].to", "00:00", "tariff_span_empty", f"{DAY}[0].to"),
            (f"{DAY}[0].to", "25:00", "clock_form", f"{DAY}[0].to"),
            (f"{DAY}[0].band", "vally", "tariff_unknown_band", f"{DAY}[0].band"),
            ("versions[0].seasons[0].to", "08-30", "tariff_season_gap", "versions[0].seasons"),
            ("versions[0].seasons[0].to", "09-01", "tariff_season_overlap", "versions[0].seasons"),
            ("versions[0].seasons[0].to", "02-30", "month_day_form", "versions[0].seasons[0].to"),
            (
                "versions[0].seasons[0].workday",
                "cold",
                "tariff_unknown_schedule",
                "versions[0].seasons[0].workday",
            ),
            ("versions[0].seasons", [], "tariff_times_missing", "versions[0].bands"),
            (
                "versions[0].special_days",
                [],
                "tariff_holidays_missing",
                "versions[0].seasons[0].holiday",
            ),
            (
                "versions[0].special_days[0].to",
                "2024-02-09",
                "tariff_days_reversed",
                "versions[0].special_days[0].to",
            ),
            (
                "versions[0].special_days[1].from",
                "2024-02-17",
                "tariff_days_twice",
                "versions[0].special_days[1]",
            ),
            (
                "versions[0].days[1].code",
                "ordinary",
                "tariff_code_twice",
                "versions[0].days[1].code",
            ),
            (
                "versions[0].steps",
                {"per": "month", "levels": [{"above": 9, "add": 1}, {"above": 9, "add": 2}]},
                "tariff_steps_order",
                "versions[0].steps.levels",
            ),
            (
                "versions[0].basic.method",
                "capacity",
                "tariff_agreed_missing",
                "versions[0].basic.agreed",
            ),
            ("versions[0].basic.agreed", 5, "tariff_agreed_unused", "versions[0].basic.agreed"),
            (
                "versions[0].basic.window_minutes",
                20,
                "tariff_window",
                "versions[0].basic.window_minutes",
            ),
            ("versions[0].bands[0].prize", 1, "unknown_key", "versions[0].bands[0].prize"),
            ("versions[0].valid_from", "2024-02-30", "day_form", "versions[0].valid_from"),
        ],
    )
    def test_is_refused(self, path: str, value: object, code: str, place: str) -> None:
        document = of_grid(two_part())
        put(document, ("tariffs", 0, *place_of(path)), copy.deepcopy(value))
        found = [item for item in findings(document) if item.severity == "error"]
        assert code in {item.code for item in found}, found
        item = next(item for item in found if item.code == code)
        assert item.path == ("tariffs[0]." + place).rstrip(".")
        assert item.remedy_zh
        assert item.remedy_en

    def test_misses_the_leap_day_where_february_ends_on_28(self) -> None:
        version = two_part()
        version["seasons"][1].update({"from": "09-01", "to": "02-28"})
        version["seasons"].append({**version["seasons"][1], "from": "03-01", "to": "06-30"})
        found = findings(of_grid(version))
        assert [item.code for item in found] == ["tariff_season_gap"]
        assert "02-29" in found[0].message_en

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"valid_from": "2025-01-01"}, "tariff_holidays_year"),
            (
                {"bands": [{**band, "price": -0.1} for band in two_part()["bands"]]},
                "tariff_price_negative",
            ),
        ],
    )
    def test_says_what_is_doubtful(self, change: dict[str, Any], code: str) -> None:
        found = findings(of_grid({**two_part(), **change}))
        assert {item.code for item in found} == {code}
        assert {item.severity for item in found} == {"warning"}

    def test_is_one_for_each_target_and_day(self) -> None:
        tariff = {"flow": "grid-in", "versions": [flat(0.5), flat(0.6)]}
        codes = [item.code for item in findings(described(tariff, tariff))]
        assert codes.count("tariff_version_twice") == 2
        assert codes.count("tariff_twice") == 1

    def test_of_a_carrier_needs_a_supply(self) -> None:
        gas = {**flat(3.5), "unit": "Nm3"}
        found = findings(described({"carrier": "natural_gas", "versions": [gas]}))
        assert [item.code for item in found] == ["tariff_no_supply"]
        found = findings(described({"carrier": "electrizity", "versions": [flat(0.5)]}))
        assert [item.nearest for item in found] == ["electricity"]

    def test_charges_power_for_electricity_only(self) -> None:
        gas = {**flat(3.5), "unit": "Nm3", "basic": {"method": "demand", "price": 1}}
        found = findings(described({"carrier": "natural_gas", "versions": [gas]}))
        assert "tariff_basic_carrier" in {item.code for item in found}

    def test_has_edges_of_five_minutes_where_the_site_has(self) -> None:
        times = [("00:00", "08:05", "valley"), ("08:05", "24:00", "flat")]
        version = two_part()
        version["days"][0] = schedule("ordinary", times)
        document = of_grid(version)
        assert {item.code for item in findings(document)} == {"tariff_time_edge"}
        found = findings({**document, "base_interval_minutes": 5})
        assert not any(item.code.startswith("tariff") for item in found)
