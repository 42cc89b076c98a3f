"""Limits on file: whole, sourced, and of units that a plant can be measured in."""

import json
from collections import Counter
from datetime import date

import pytest

from services.benchmark_units import units_of
from services.plant.read import read_plant
from services.reference.limits import find_limits, limits, quotient_of
from tests.services.test_plant_check_benchmark import described


class TestFile:
    def test_has_the_norms_the_list_and_the_equipment(self) -> None:
        kinds = Counter(limit.kind for limit in limits().values())
        assert kinds["norm"] > 200
        assert kinds["list"] > 50
        assert kinds["equipment"] > 50

    def test_levels_ascend_but_for_base_values(self) -> None:
        """Less is better: level 1 is the least; what does not ascend says why."""
        found = []
        for limit in limits().values():
            levels = [level for level in limit.levels if level is not None]
            ordered = sorted(levels, reverse=limit.more_is_better)
            if levels != ordered and not limit.missing_en:
                found.append(limit.code)
        assert found == []

    def test_recalled_figures_are_only_of_the_list_and_of_chillers(self) -> None:
        recalled = {limit.sector for limit in limits().values() if limit.confidence == "recalled"}
        assert "cement" not in {
            limit.sector
            for limit in limits().values()
            if limit.confidence == "recalled" and limit.kind == "norm"
        }
        assert recalled

    def test_is_found_by_chinese_and_english(self) -> None:
        for text in ("水泥", "Cement", "gb 16780"):
            assert "gb16780-2021.cement" in {limit.code for limit in find_limits(text)}


class TestUnits:
    @pytest.mark.parametrize(
        ("unit", "energy", "output_unit", "scale"),
        [
            ("kgce/t", "coal", "t", 1000.0),
            ("gce/kWh", "coal", "kWh", 1e6),
            ("kgoe/t", "coal", "t", 700.0),
            ("tce/t", "coal", "t", 1.0),
            ("kWh/t", "electricity", "t", 1.0),
            # 1 kW for 1 m3/min is 1/60 kWh for each m3.
            ("kW/(m3/min)", "electricity", "m3", 60.0),
            ("%", "efficiency", "kWh", 100.0),
            ("W/W", "efficiency", "kWh", 1.0),
        ],
    )
    def test_say_what_they_divide(
        self, unit: str, energy: str, output_unit: str, scale: float
    ) -> None:
        found = quotient_of(unit)
        assert found is not None
        assert (found.energy, found.output_unit) == (energy, output_unit)
        # 1 kgoe is 10,000 kcal, 1 kgce 7,000.
        assert found.scale == pytest.approx(scale)

    @pytest.mark.parametrize("unit", ["", "t", "kgce", "t/kgce", "kW/(kg/min)/t", "kgce/parsec"])
    def test_of_something_else_are_none(self, unit: str) -> None:
        assert quotient_of(unit) is None


class TestMarks:
    def test_are_those_of_the_day(self) -> None:
        plant = read_plant(json.dumps(described()), form="json")
        units = units_of(plant, {})
        early = units.marks_at(date(2022, 10, 31))
        later = units.marks_at(date(2026, 3, 1))
        # GB 16780-2021 holds from 2022-11-01; 3 % more clinker than 75 % adds 3 x 1.10.
        assert early[0, 0] != early[0, 0]
        assert later[:3, 0] == pytest.approx([83.3, 90.45, 97.6])
        assert units.marks_at(date(2025, 12, 31))[5, 0] == 90.0
        assert later[5, 0] == 88.0
