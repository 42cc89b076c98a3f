"""Formulas of virtual meters: what is read, what is refused, and in which words."""

import json
import time
from typing import Any

import pytest

from services.plant.arithmetic import DEPTH_MAX, FormulaRefused
from services.plant.check import check
from services.plant.formula import parse_formula, references
from services.plant.read import examine, read_plant
from tests.services.plant_documents import small


def with_meters(*meters: dict[str, Any] | str) -> str:
    """Return a description with virtual meters V0, V1 …, of formulas or as given."""
    document = small()
    document["virtual_meters"] = [
        {"code": f"V{i}", "unit": "kWh", **({"formula": m} if isinstance(m, str) else m)}
        for i, m in enumerate(meters)
    ]
    return json.dumps(document)


def found(*meters: dict[str, Any] | str) -> list[tuple[str, str, str | None]]:
    return [
        (item.code, item.path, item.nearest) for item in examine(with_meters(*meters), form="json")
    ]


class TestAFormula:
    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("P1", ("P1",)),
            ("P1 + [grid-1] * 2 - P1", ("P1", "grid-1")),
            ("if([a:b.c] ≥ 0, min(x, y, 3), -abs(z))", ("a:b.c", "x", "y", "z")),
            ("min", ("min",)),
            ("（P1＋P2）×0.5", ("P1", "P2")),
        ],
    )
    def test_names_points(self, text: str, named: tuple[str, ...]) -> None:
        assert references(parse_formula(text)) == named

    @pytest.mark.parametrize(
        ("text", "code", "facts"),
        [
            ("", "formula_end", {}),
            ("P1 +", "formula_end", {}),
            ("(P1", "formula_end", {}),
            ("P1 P2", "formula_unexpected", {"found": "P2", "position": 4}),
            ("P1 & P2", "formula_unexpected", {"found": "&", "position": 4}),
            ("P1 ≤ P2 ≤ P3", "formula_unexpected", {"found": "≤", "position": 9}),
            ("1.5kWh + P1", "formula_unexpected", {"found": "1", "position": 1}),
            ("1" * 400, "formula_unexpected", {"found": "1" * 40, "position": 1}),
            ("__import__('os')", "formula_unexpected", {"found": "'", "position": 12}),
            ("sum(P1)", "formula_function", {"found": "sum", "position": 1}),
            ("if(P1, P2)", "formula_arguments", {"found": "if", "wanted": "3", "given": 2}),
            ("max(P1)", "formula_arguments", {"found": "max", "wanted": "2…", "given": 1}),
            ("abs(P1, P2)", "formula_arguments", {"found": "abs", "wanted": "1", "given": 2}),
            ("+".join(["P1"] * 300), "formula_long", {"limit": 500}),
            ("P" * 2001, "formula_long", {"limit": 2000}),
            ("(" * 40 + "P1" + ")" * 40, "formula_deep", {"limit": DEPTH_MAX}),
        ],
    )
    def test_is_refused(self, text: str, code: str, facts: dict[str, object]) -> None:
        with pytest.raises(FormulaRefused) as caught:
            parse_formula(text)
        assert (caught.value.code, caught.value.facts) == (code, facts)


class TestADescription:
    @pytest.mark.parametrize(
        ("meters", "expected"),
        [
            (["P1 - P2"], []),
            (["V1 + P1", "V2 * 2", "P2"], []),
            (["P1 +"], [("formula_end", "virtual_meters[0].formula", None)]),
            (["mim(P1, P2)"], [("formula_function", "virtual_meters[0].formula", "min")]),
            (["P1 + P11"], [("unknown_operand", "virtual_meters[0].formula", "P1")]),
            (["1 + 1"], [("formula_constant", "virtual_meters[0].formula", None)]),
            (["V0 + 1"], [("formula_cycle", "virtual_meters[0].formula", None)]),
            (
                [{"code": "P1", "formula": "P2"}],
                [("virtual_is_point", "virtual_meters[0].code", None)],
            ),
            (
                [{"code": "V1", "formula": "P2"}, "P1"],
                [("duplicate_code", "virtual_meters[1].code", None)],
            ),
            (
                [{"unit": "kW", "formula": "P2"}],
                [("rate_refused", "virtual_meters[0].unit", None)],
            ),
            (
                [{"unit": "kwhh", "formula": "P2"}],
                [("unknown_unit", "virtual_meters[0].unit", "kWh")],
            ),
            # What is set aside for its shape still counts as known.
            (["V1", {"unit": 3, "formula": "P1"}], [("not_text", "virtual_meters[1].unit", None)]),
        ],
    )
    def test_is_checked(
        self,
        meters: list[dict[str, Any] | str],
        expected: list[tuple[str, str, str | None]],
    ) -> None:
        assert found(*meters) == expected

    def test_shows_each_cycle_with_its_path(self) -> None:
        texts = ["P1 + V1", "V2", "V0 - V3", "V4 + P1", "V3", "V0"]
        cycles = examine(with_meters(*texts), form="json")
        assert [(item.code, item.path) for item in cycles] == [
            ("formula_cycle", "virtual_meters[0].formula"),
            ("formula_cycle", "virtual_meters[3].formula"),
        ]
        assert "V0 → V1 → V2 → V0" in cycles[0].message_zh
        assert "V0 → V1 → V2 → V0" in cycles[0].message_en
        assert "V3 → V4 → V3" in cycles[1].message_en

    def test_of_a_long_chain_is_checked_in_a_moment(self) -> None:
        texts = [*(f"V{i + 1} + P1" for i in range(1999)), "P1"]
        began = time.perf_counter()
        plant = read_plant(with_meters(*texts), form="json")
        assert check(plant) == ()
        assert time.perf_counter() - began < 5

    def test_of_a_long_cycle_is_refused_in_a_moment(self) -> None:
        began = time.perf_counter()
        [cycle] = examine(with_meters(*(f"V{(i + 1) % 2000}" for i in range(2000))), form="json")
        assert cycle.code == "formula_cycle"
        assert "…" in cycle.message_en
        assert time.perf_counter() - began < 5
