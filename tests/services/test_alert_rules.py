"""Alert rules against plants: instances, cells, identity, texts, and rules to begin with."""

import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.alert import States, step
from compute.condition import evaluate
from compute.quantities import QUANTITIES
from compute.topology import Float1D
from services.alert_rules import measures_page
from services.alert_rules.cells import Cell
from services.alert_rules.compile import CompiledRules, StatedGroup, compile_rules
from services.alert_rules.facts import Facts
from services.alert_rules.identity import fingerprint
from services.alert_rules.measures import MEASURES, NAMED_KINDS
from services.alert_rules.model import Annotations, Group, Rule, Severity, Wording
from services.alert_rules.quantity_units import measured
from services.alert_rules.ready_made import ready_made
from services.alert_rules.wording import PLACEHOLDERS, figure, fill, places, texts_of
from tests.services.alert_plants import two_sites

HERE = Path(measures_page.__file__).parent
TEXTS = Annotations(summary=Wording(zh="告警", en="Alert"))


def rule(
    expr: str,
    *,
    alert: str = "R",
    until: str | None = None,
    severity: Severity = "warning",
    team: str | None = None,
) -> Rule:
    return Rule(
        alert=alert,
        expr=expr,
        resolve_when=until,
        severity=severity,
        labels={} if team is None else {"team": team},
        annotations=TEXTS,
    )


def compiled(*rules: Rule, name: str = "g", facts: Facts | None = None) -> CompiledRules:
    return compile_rules([StatedGroup(Group(name=name, rules=rules), 3)], facts or two_sites())


def values_of(rules: CompiledRules, known: dict[str, float]) -> Float1D:
    """Return the cells, by what their objects are called."""
    return np.array([known.get(cell.object, np.nan) for cell in rules.cells])


class TestInstances:
    def test_are_one_for_each_object(self) -> None:
        rules = compiled(rule("power_kw{flow} > 3 kW", team="energy"))
        assert {(one.site, one.kind, one.object) for one in rules.instances} == {
            *(("main", "flow", code) for code in ("grid-in", "furnace-power", "rest-power")),
            *(("north", "flow", code) for code in ("grid-in", "furnace-power", "rest-power")),
            ("north", "flow", "gas-in"),
        }
        one = next(one for one in rules.instances if one.object == "gas-in")
        assert one.labels == {
            "alertname": "R",
            "severity": "warning",
            "tenant": "demo",
            "group": "g",
            "team": "energy",
            "site": "north",
            "flow": "gas-in",
        }
        assert one.fingerprint == fingerprint(one.labels)
        assert (one.unit, one.rule.revision, one.rule.group) == ("kW", 3, "g")
        assert one.headline == Cell("north", "power_kw", "flow", "gas-in", "", "live", "value")

    @pytest.mark.parametrize(
        ("expr", "labels"),
        [
            ("power_kw > 3", {"site"}),
            ('power_kw{node="furnace"} > 3', {"site", "node"}),
            ("silent_s > 3 min", {"site", "point"}),
            ("silent_s{gateway} > 3 min", {"site", "gateway"}),
            ("disk_free_share < 3 %", set()),
            # What it ranges over says what it is about, not what comes first.
            ('power_kw{node="plant"} < power_kw{flow}', {"site", "flow"}),
        ],
    )
    def test_are_labelled_by_what_they_are_about(self, expr: str, labels: set[str]) -> None:
        for one in compiled(rule(expr)).instances:
            assert one.labels.keys() - {"alertname", "severity", "tenant", "group"} == labels

    def test_ask_for_each_cell_once(self) -> None:
        rules = compiled(
            rule("power_kw > 3 and power_kw < 9", alert="A", until="power_kw < 2"),
            rule("power_kw > 5", alert="B"),
            rule("forecast(energy_kwh[month]) > budget(energy_kwh[month])", alert="C"),
        )
        assert sorted(rules.cells) == [
            Cell(site, measure, "site", "", "", *asked)  # type: ignore[arg-type]
            for site in ("main", "north")
            for measure, *asked in (
                ("energy_kwh", "month", "budget"),
                ("energy_kwh", "month", "forecast"),
                ("power_kw", "live", "value"),
            )
        ]

    def test_are_told_apart_by_group_rule_and_object(self) -> None:
        groups = [
            StatedGroup(Group(name=name, rules=(rule("power_kw{node} > 3", alert=alert),)), 1)
            for name in ("a", "b")
            for alert in ("R",)
        ]
        rules = compile_rules(groups, two_sites())
        assert len({one.fingerprint for one in rules.instances}) == 2 * 11

    def test_do_not_depend_on_the_order_of_rules(self) -> None:
        some = [rule(f"power_kw{{node}} > {i}", alert=f"R{i}") for i in range(4)]
        there, back = compiled(*some), compiled(*reversed(some))
        assert there.instances == back.instances
        assert there.cells == back.cells
        for one, other in zip(there.conditions, back.conditions, strict=True):
            assert np.array_equal(np.asarray(one), np.asarray(other))

    def test_of_a_rule_that_a_description_has_left_behind_are_none_and_said(self) -> None:
        stated = rule('amount{flow="gas-in"}[day] > 5 Nm3'), rule("power_kw > 3", alert="S")
        assert compiled(*stated).unsound == ()
        coal = two_sites(fuel="raw_coal")
        found = compiled(*stated, facts=coal)
        [unsound] = found.unsound
        assert unsound.rule.rule.alert == "R"
        assert unsound.faults[0].code == "units_unlike"
        assert {one.labels["alertname"] for one in found.instances} == {"S"}

    def test_hold_each_object_to_its_own_value(self) -> None:
        rules = compiled(
            rule('power_kw{node, site="main"} > 10 kW', until='power_kw{node, site="main"} < 8 kW')
        )
        cells = values_of(rules, {"furnace": 11, "rest": 9, "board": 7})
        found = evaluate(rules.conditions, cells)
        seen = {
            one.object: (int(met), int(clear))
            for one, met, clear in zip(rules.instances, found.met, found.clear, strict=True)
        }
        assert seen == {
            "furnace": (1, 0),
            "rest": (0, 0),
            "board": (0, 1),
            "grid": (-1, -1),
            "plant": (-1, -1),
        }

    def test_convert_units_of_each_object(self) -> None:
        rules = compiled(rule('product_amount{product="iron"}[day] > 2000 kg'))
        found = evaluate(rules.conditions, values_of(rules, {"iron": 2.5}))
        assert found.met.tolist() == [1, 1]
        assert found.value.tolist() == pytest.approx([2500, 2500])
        assert [one.unit for one in rules.instances] == ["kg", "kg"]

    def test_take_carriers_of_a_node_as_cells_of_their_own(self) -> None:
        rules = compiled(rule('energy_kwh{node="furnace", carrier="electricity"}[day] > 3'))
        assert {(cell.object, cell.carrier) for cell in rules.cells} == {("furnace", "electricity")}


class TestIdentity:
    @given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=5))
    def test_knows_no_order(self, labels: dict[str, str]) -> None:
        assert fingerprint(labels) == fingerprint(dict(reversed(labels.items())))
        assert -(2**63) <= fingerprint(labels) < 2**63

    def test_is_of_the_sorted_labels(self) -> None:
        digest = sha256(b"a\xff1\xffb\xff2").digest()
        expected = int.from_bytes(digest[:8], "big", signed=True)
        assert fingerprint({"b": "2", "a": "1"}) == expected

    def test_cannot_be_forged_by_what_a_value_contains(self) -> None:
        assert fingerprint({"a": '1","b":"2'}) != fingerprint({"a": "1", "b": "2"})


class TestTexts:
    def test_are_filled_in_and_nothing_in_them_is_run(self) -> None:
        known = {"value": "5", "node": "{{limit}}", "limit": "9"}
        assert fill("{{value}} / {{ limit }} {{node}} {{x}} {value}", known) == (
            "5 / 9 {{limit}} {{x}} {value}"
        )

    def test_are_of_both_languages(self) -> None:
        said = Annotations(summary=Wording(zh="{{object_name}}超限", en="{{object_name}} is high"))
        assert texts_of(said, known_zh={"object_name": "炉"}, known_en={"object_name": "Kiln"}) == {
            "summary_zh": "炉超限",
            "summary_en": "Kiln is high",
            "description_zh": "",
            "description_en": "",
        }

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (1234.5678, "1235"),
            (0.083333, "0.08333"),
            (123456.7, "123457"),
            (1e15, "1e+15"),
            (0, "0"),
            (float("nan"), "—"),
            (None, "—"),
        ],
    )
    def test_have_figures_that_people_read(self, value: float | None, text: str) -> None:
        assert figure(value) == text


class TestMeasures:
    def test_mean_what_the_nomenclature_says(self) -> None:
        known = {quantity.name: quantity for quantity in QUANTITIES}
        for measure in MEASURES:
            if measure.name in known:
                said = known[measure.name]
                assert (measure.unit, measure.zh, measure.en) == (
                    said.unit or "{}",
                    said.zh,
                    said.en,
                )

    def test_have_names_units_and_periods_of_their_own(self) -> None:
        assert len({measure.name for measure in MEASURES}) == len(MEASURES)
        for measure in MEASURES:
            measured(measure.unit.format("t"))
            assert measure.kinds
            assert measure.zh
            assert measure.en
            for periods in measure.functions.values():
                assert set(periods) <= set(measure.periods)

    def test_are_printed_as_they_are(self) -> None:
        page = (HERE / "MEASURES.md").read_text(encoding="utf-8")
        assert page == measures_page.measures_page(), (
            "python -m services.alert_rules.measures_page > services/alert_rules/MEASURES.md"
        )


class TestReadyMadeRules:
    def test_are_sound_for_any_plant(self) -> None:
        groups = [StatedGroup(group, 1) for group in ready_made()]
        rules = compile_rules(groups, two_sites())
        assert rules.unsound == ()
        named = {one.labels["alertname"] for one in rules.instances}
        # Without a unit to benchmark there is nothing to hold its level to.
        every = {stated.alert for group in ready_made() for stated in group.rules}
        assert every - named == {"LimitWillBeMissed", "LevelWillDrop"}

    def test_ring_nothing_while_nothing_is_known(self) -> None:
        rules = compile_rules([StatedGroup(group, 1) for group in ready_made()], two_sites())
        states = States.inactive(len(rules.instances))
        for hour in range(50):
            found = evaluate(rules.conditions, np.full(len(rules.cells), np.nan))
            stepped = step(states, found.met, found.clear, rules.holds, now_us=hour * 3_600_000_000)
            states = stepped.states
            assert not stepped.fired.any()

    def test_tell_what_there_is_to_tell(self) -> None:
        for group in ready_made():
            for stated in group.rules:
                for said in (stated.annotations.summary, stated.annotations.description):
                    for text in () if said is None else (said.zh, said.en):
                        assert set(places(text)) <= {*PLACEHOLDERS, *NAMED_KINDS}

    def test_say_each_why_its_guard_is_what_it_is(self) -> None:
        lines = (HERE / "ready_made.yaml").read_text(encoding="utf-8").splitlines()
        at = [i for i, line in enumerate(lines) if re.match(r" +- alert:", line)]
        assert len(at) == sum(len(group.rules) for group in ready_made())
        assert [lines[i] for i in at if not lines[i - 1].lstrip().startswith("# ")] == []

    def test_cover_what_teams_ask_for_first(self) -> None:
        asked = {
            (cell.measure, cell.function)
            for cell in compile_rules(
                [StatedGroup(group, 1) for group in ready_made()], two_sites()
            ).cells
        }
        assert asked >= {
            ("emission_rate_kgco2e_per_h", "value"),
            ("emission_tco2e", "forecast"),
            ("emission_tco2e", "budget"),
            ("intensity_kgco2e_per_unit", "value"),
            ("demand_kw", "forecast"),
            ("residual_share", "value"),
            ("suspect_z", "value"),
            ("silent_s", "value"),
            ("frozen", "value"),
            ("gap_open_s", "value"),
            ("calibration_due_d", "value"),
            ("quarantine_share", "value"),
            ("ingest_lag_s", "value"),
            ("worker_lag_s", "value"),
            ("disk_free_share", "value"),
            ("broker_connected", "value"),
            ("database_answer_s", "value"),
        }
