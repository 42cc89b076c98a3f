"""Alert rules as they are typed: each fault with place and remedy, and what can be typed next."""

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alert_rules.check import Checked, check_group, check_text, read_group
from services.alert_rules.completion import completions
from services.alert_rules.facts import Facts
from services.alert_rules.measures import BY_NAME
from services.alert_rules.model import EXPRESSION_LENGTH_MAX, Group
from services.plant.findings import PlantInvalid
from tests.services.alert_plants import many_uses, two_sites

PLANTS = two_sites()


def checked(text: str, *, alert: str = "") -> Checked:
    return check_text(text, PLANTS, alert=alert)


def faults(text: str, *, alert: str = "") -> list[tuple[str, int, int, str | None]]:
    return [
        (fault.code, fault.position, fault.length, fault.nearest)
        for fault in checked(text, alert=alert).faults
    ]


class TestAnExpression:
    @pytest.mark.parametrize(
        ("text", "unit", "count"),
        [
            ("power_kw > 500", "kW", 2),
            ("power_kw > 0.5 MW", "MW", 2),
            ('power_kw{site="main"} > 500 kW', "kW", 1),
            ("power_kw{node} > 500 kW", "kW", 11),
            ('power_kw{node="furnace"} > 500 kW', "kW", 2),
            ('power_kw{node in ("furnace", "rest"), site!="main"} > 1 kW', "kW", 2),
            ('power_kw{node!="rest"} > 1 kW', "kW", 9),
            ('power_kw{flow, carrier="electricity"} > 1 kW', "kW", 6),
            ('power_kw{node="gas-grid"} > 1 kW', "kW", 1),
            # The furnace beside its site, and each node beside the furnace.
            ('power_kw{node="furnace"} > 50 % * power_kw', "kW", 2),
            ('power_kw{node} > power_kw{node="furnace"}', "kW", 11),
            ("silent_s{point} > 5 min", "min", 6),
            ("silent_s > 5 min", "min", 6),
            ('energy_kwh{node="furnace", carrier="electricity"}[hour] > 0.2 MWh', "MWh", 2),
            ("forecast(emission_tco2e[month]) > budget(emission_tco2e[month])", "tCO2e", 2),
            ("forecast(demand_kw) > budget(demand_kw)", "kW", 2),
            ("emission_rate_kgco2e_per_h > 1.5 * budget(emission_tco2e) / 24 h", "kgCO2e/h", 2),
            ("energy_kwh[interval] / 0.25 h > 400", "kW", 2),
            ("power_kw * 2 h > 3 MWh", "MWh", 2),
            ("emission_tco2e / energy_kwh > 0.5 kgCO2e/kWh", "kgCO2e/kWh", 2),
            ("energy_kwh / coal_equivalent_tce > 0.9", "", 2),
            ("intensity_kgco2e_per_unit{product} > 900 kgCO2e/t", "kgCO2e/t", 2),
            ('amount{flow="gas-in"}[day] > 1 1e4Nm3', "1e4Nm3", 1),
            ('amount{flow="gas-in"}[day] > 1万标方', "1e4Nm3", 1),
            ("broker_connected == 0", "", 1),
            ("disk_free_share < 10 % or database_answer_s > 1 s", "%", 1),
            ("power_kw > 500 kW and ingest_running == 1", "kW", 2),
            ("not (power_kw > 5 or power_kw < 3) and power_kw != 4", "kW", 2),
            ("first_known(power_kw, 0) > 500 kW", "kW", 2),
            ("if(power_kw > 3, power_kw, 4 kW) > 500 W", "W", 2),
            ("abs(residual_share) > 10 %", "%", 11),
            ("power_kw ≥ 500 kW", "kW", 2),
            ("power_kw｛node＝“furnace”｝＞5", "kW", 2),
        ],
    )  # fmt: skip
    def test_is_of_a_unit_and_of_objects(self, text: str, unit: str, count: int) -> None:
        found = checked(text)
        assert found.faults == ()
        assert (found.unit, found.objects_count) == (unit, count)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            # Text against a number, a meter that is not there, a rule that asks for itself.
            ('power_kw > "abc"', [("text_as_number", 13, 3, None)]),
            ('x > "abc"', [("unknown_measure", 1, 1, None), ("text_as_number", 6, 3, None)]),
            ('power_kw / silent_s{point="P11"} > 1 kW/s', [("unknown_code", 28, 3, "P1")]),
            ("power_kw / 0 > 3", [("divides_by_zero", 10, 1, None)]),
            ("power_kw / (1 - 1) > 3", []),
            # Names.
            ("powerkw > 3", [("unknown_measure", 1, 7, "power_kw")]),
            ("forcast(power_kw) > 3", [("formula_function", 1, 7, "forecast")]),
            ("power_kw{nod} > 3", [("label_unfit", 10, 3, "node")]),
            ('power_kw{node="furnase"} > 3', [("unknown_code", 16, 7, "furnace")]),
            ('power_kw{node in ("furnace", "nope")} > 3', [("unknown_code", 31, 4, None)]),
            (
                'power_kw{site="mian", node="furnace"} > 3',
                [("unknown_code", 16, 4, "main")],
            ),
            (
                'power_kw{site="main", node="gas-grid"} > 3',
                [("unknown_code", 29, 8, "grid")],
            ),
            ('power_kw{site="mian"} > 3', [("unknown_code", 16, 4, "main")]),
            ('power_kw{flow, carrier="electricty"} > 3', [("unknown_code", 25, 10, "electricity")]),
            ("power_kw{node, node} > 3", [("label_twice", 16, 4, None)]),
            ("power_kw{node, flow} > 3", [("label_of_another_kind", 16, 4, None)]),
            ('energy_kwh{node, carrier="electricity"}[year] > 3', []),
            ('energy_kwh{node, carrier!="electricity"} > 3', [("carrier_of_node", 18, 7, None)]),
            ('energy_kwh{carrier="electricity"} > 3', [("carrier_unfit", 12, 7, None)]),
            ('power_kw{node, carrier="electricity"} > 3', [("carrier_unfit", 16, 7, None)]),
            # Periods and functions.
            ("power_kw[day] > 3", [("period_unfit", 10, 3, None)]),
            ("energy_kwh[mont] > 3", [("period_unfit", 12, 4, "month")]),
            ("forecast(power_kw) > 3", [("function_unfit", 10, 8, None)]),
            ("budget(energy_kwh[hour]) > 3", [("period_unfit", 19, 4, None)]),
            ("budget(energy_kwh{flow}) > 3", [("budget_of_boundary", 8, 10, None)]),
            # Units and objects.
            ("power_kw > 3 kWh", [("units_unlike", 10, 1, None)]),
            ("power_kw > 3 kwhh", [("unknown_unit", 14, 4, "kWh")]),
            ("power_kw + energy_kwh > 3", [("units_unlike", 10, 1, None)]),
            ("amount{flow} > 100 kWh", [("units_unlike", 14, 1, None)]),
            ('amount{flow, carrier="electricity"} > 100 kWh', []),
            ("power_kw{node} > power_kw{flow}", [("objects_unlike", 18, 8, None)]),
            # Conditions and numbers.
            ("emission_tco2e > " + "9" * 308 + " 1e4tCO2e", [("number_extreme", 16, 1, None)]),
            ("power_kw" + " * power_kw" * 120 + " > 1", []),
            ("power_kw", [("not_a_condition", 1, 8, None)]),
            ("3 > 2", [("asks_nothing", 3, 1, None)]),
            ("(power_kw > 3) + 1 > 2", [("number_wanted", 11, 1, None)]),
            ("power_kw > 3 and power_kw", [("condition_wanted", 18, 8, None)]),
            ("not power_kw", [("condition_wanted", 5, 8, None), ("not_a_condition", 5, 8, None)]),
            ("if(power_kw, 3, 4) > 2", [("condition_wanted", 4, 8, None)]),
            # Form.
            ("", [("formula_end", 1, 0, None)]),
            ("power_kw >", [("formula_end", 11, 0, None)]),
            ("(power_kw > 3", [("formula_end", 14, 0, None)]),
            ("power_kw > 3)", [("formula_unexpected", 13, 1, None)]),
            ('power_kw{node="fur > 3', [("text_unclosed", 15, 8, None)]),
            ("power_kw{node=furnace} > 3", [("formula_unexpected", 15, 7, None)]),
            ("power_kw # 3", [("formula_unexpected", 10, 1, None)]),
            ("abs(power_kw, 3) > 2", [("formula_arguments", 1, 3, None)]),
            ("forecast(3) > 2", [("formula_unexpected", 10, 1, None)]),
            ("__import__('os') > 2", [("formula_function", 1, 10, None)]),
            ("(" * 40 + "power_kw > 3" + ")" * 40, [("formula_deep", 34, 1, None)]),
            ("power_kw > 3" + " and power_kw > 3" * 120, [("formula_long", 1, 0, None)]),
            # All of them at once.
            (
                'powerkw > 3 and power_kw > > 4 or (frozen == "a" and power_kw > 3 kWh) )',
                [
                    ("unknown_measure", 1, 7, "power_kw"),
                    ("formula_unexpected", 28, 1, None),
                    ("text_as_number", 47, 1, None),
                    ("units_unlike", 63, 1, None),
                    ("formula_unexpected", 72, 1, None),
                ],
            ),
        ],
    )  # fmt: skip
    def test_is_refused_with_the_place_of_each_fault(
        self, text: str, expected: list[tuple[str, int, int, str | None]]
    ) -> None:
        assert faults(text) == expected
        for fault in checked(text).faults:
            for said in (fault.message_zh, fault.message_en, fault.remedy_zh, fault.remedy_en):
                assert said
                assert not re.search(r"\{[a-z]", said)

    def test_cannot_ask_for_its_own_rule(self) -> None:
        [fault] = checked("KilnHot > 3", alert="KilnHot").faults
        assert (fault.code, fault.position, fault.length) == ("asks_for_itself", 1, 7)
        assert "KilnHot" in fault.message_zh

    def test_says_what_could_stand_where_it_ends(self) -> None:
        [fault] = checked("power_kw >").faults
        assert fault.expected == ("(", "+", "-", "<function>", "<measure>", "<number>")
        [fault] = checked("power_kw{node").faults
        assert fault.expected == ("!=", ",", "=", "==", "in", "}")

    def test_of_no_site_is_checked_as_far_as_it_can_be(self) -> None:
        nowhere = Facts("demo", {})
        assert check_text("amount{flow} > 3 kWh", nowhere).faults == ()
        [fault] = check_text("power_kw > 3 kWh", nowhere).faults
        assert fault.code == "units_unlike"

    @given(
        st.lists(
            st.sampled_from(
                [
                    "power_kw",
                    "node",
                    "silent_s",
                    "and",
                    "or",
                    "not",
                    "in",
                    "if",
                    "forecast",
                    "budget",
                    "(",
                    ")",
                    "[",
                    "]",
                    "{",
                    "}",
                    ",",
                    "<",
                    "=",
                    "!=",
                    "+",
                    "-",
                    "*",
                    "/",
                    "3",
                    "5e2",
                    "kW",
                    "%",
                    '"furnace"',
                    '"',
                    "?",
                    "day",
                    "min(power_kw,3)",
                    "energy_kwh[month]",
                    ">",
                    "^",
                    "一",
                ]
            ),
            max_size=25,
        ).map(" ".join)
    )
    def test_of_any_form_is_answered(self, text: str) -> None:
        found = checked(text)
        for fault in found.faults:
            assert 1 <= fault.position <= len(text) + 1
            assert fault.position + fault.length <= len(text) + 2
        assert bool(found.faults) or bool(found.unit is not None)

    def test_is_checked_in_a_moment_even_of_many_objects(self) -> None:
        many = many_uses(9_000)
        began = time.perf_counter()
        assert check_text("power_kw{node} > 5 kW", many).objects_count == 9_005
        assert time.perf_counter() - began < 2

    def test_of_too_many_objects_is_refused(self) -> None:
        many = many_uses(10_000)
        [fault] = check_text("power_kw{node} > 5 kW", many).faults
        assert fault.code == "too_many"


class TestCompletions:
    @pytest.mark.parametrize(
        ("text", "first"),
        [
            ("", list(BY_NAME)[:3]),
            ("pow", ["power_kw"]),
            ("power_kw > 3 and dem", ["demand_kw"]),
            ("fore", ["forecast"]),
            ("forecast(emission_t", ["emission_tco2e"]),
            ("power_kw{", ["node", "flow", "site"]),
            ("power_kw{n", ["node"]),
            ('power_kw{node="', ['"furnace"', '"grid"', '"plant"']),
            ('power_kw{node="fu', ['"furnace"']),
            ('power_kw{node="furnace", si', ["site"]),
            ('power_kw{site="', ['"main"', '"north"']),
            ('power_kw{node in ("furnace", "re', ['"rest"']),
            ('power_kw{flow, carrier="natural', ['"natural_gas"']),
            ("energy_kwh[", ["day", "interval", "hour"]),
            ("energy_kwh{node}[mo", ["month"]),
            ("power_kw", ["power_kw"]),
            ("power_kw ", ["and", "or", "{"]),
            ("power_kw > 5 k", ["kW", "kJ/h", "kcal/h"]),
            ("disk_free_share < 5 ", ["and", "or", "%"]),
            ("(power_kw > 5 k", ["kJ", "kWh", "kcal"]),
            ("power_kw > 5 kW ", ["and", "or"]),
        ],
    )
    def test_fit_where_the_text_ends(self, text: str, first: list[str]) -> None:
        assert [item.text for item in completions(text, PLANTS)][: len(first)] == first

    def test_replace_what_has_been_typed(self) -> None:
        [found] = completions("power_kw > 3 and dem", PLANTS)
        assert (found.position, found.length) == (18, 3)
        assert (found.zh, found.en) == (
            "需量（15 分钟平均功率） [kW]",
            "Demand: mean power over 15 minutes [kW]",
        )

    def test_are_of_the_cursor(self) -> None:
        found = check_text("pow > 3 kW", PLANTS, cursor=3)
        assert [item.text for item in found.completions] == ["power_kw"]


def group(*rules: dict[str, Any]) -> str:
    texts = {"summary": {"zh": "功率 {{value}}", "en": "Power {{value}}"}}
    full = [
        {"alert": f"R{i}", "expr": "power_kw > 3", "annotations": texts, **rule}
        for i, rule in enumerate(rules)
    ]
    return json.dumps({"name": "g", "rules": full})


class TestAGroup:
    def test_is_read_as_it_is_written(self) -> None:
        found = read_group(
            group({"for": "1h30m", "keep_firing_for": "90s", "labels": {"team": "energy"}}), PLANTS
        )
        [rule] = found.rules
        assert (rule.for_us, rule.keep_firing_us) == (5_400_000_000, 90_000_000)
        assert rule.severity == "warning"
        again = Group.model_validate_json(found.model_dump_json(by_alias=True))
        assert again == found

    @pytest.mark.parametrize(
        ("rule", "code", "path", "nearest"),
        [
            ({"expr": 'power_kw > "abc"'}, "expression", "rules[0].expr", None),
            ({"resolve_when": "powerkw < 2"}, "expression", "rules[0].resolve_when", "power_kw"),
            ({"alert": "R1"}, "duplicate_alert", "rules[0].alert", None),
            ({"labels": {"node": "x"}}, "label_reserved", "rules[0].labels.node", None),
            ({"labels": {"tenant": "x"}}, "label_reserved", "rules[0].labels.tenant", None),
            (
                {"annotations": {"summary": {"zh": "{{vale}}", "en": "-"}}},
                "placeholder",
                "rules[0].annotations.summary.zh",
                "value",
            ),
            ({"for": "soon"}, "duration_form", "rules[0].for", None),
            ({"for": ""}, "duration_form", "rules[0].for", None),
            ({"for": "32d"}, "duration_form", "rules[0].for", None),
            ({"severity": "critcal"}, "choice", "rules[0].severity", "critical"),
            ({"expresion": "x"}, "unknown_key", "rules[0].expresion", "expr"),
            ({"expr": "x" * (EXPRESSION_LENGTH_MAX + 1)}, "length", "rules[0].expr", None),
        ],
    )
    def test_is_refused_with_place_and_remedy(
        self, rule: dict[str, Any], code: str, path: str, nearest: str | None
    ) -> None:
        with pytest.raises(PlantInvalid) as caught:
            read_group(group(rule, {}), PLANTS)
        found = caught.value.findings[0]
        assert (found.code, found.path, found.nearest) == (code, path, nearest)
        assert found.remedy_zh
        assert found.remedy_en

    def test_says_at_which_character_an_expression_fails(self) -> None:
        with pytest.raises(PlantInvalid) as caught:
            read_group(group({"expr": 'power_kw > "abc"'}), PLANTS)
        [found] = caught.value.findings
        assert found.value == "abc"
        assert found.message_en.startswith("At character 13: “abc” is text")
        assert found.message_zh.startswith("第 13 个字符：“abc”是文字")

    def test_may_use_what_it_labels_and_ranges_over(self) -> None:
        texts = {"summary": {"zh": "{{node}} {{team}}", "en": "{{object_name}} {{limit}}"}}
        written = group({"labels": {"team": "energy"}, "annotations": texts})
        assert check_group(read_group(written, PLANTS), PLANTS) == ()
