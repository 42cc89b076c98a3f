"""Conditions over cells: programs against expressions that Python's own parser reads."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.condition import Verdicts, evaluate
from services.alert_rules.compile import CompiledRules, StatedGroup, compile_rules
from services.alert_rules.facts import Facts
from services.alert_rules.model import Annotations, Group, Rule, Wording
from tests.twins import condition as twin

NAN = math.nan
# Plain numbers that are of no object.
CELLS = ("broker_connected", "ingest_running", "disk_free_share")
TEXTS = Annotations(summary=Wording(zh="告警", en="Alert"))
NOWHERE = Facts("demo", {})


def compiled(*rules: tuple[str, str | None]) -> CompiledRules:
    stated = [
        Rule(alert=f"R{i}", expr=expr, resolve_when=until, annotations=TEXTS)
        for i, (expr, until) in enumerate(rules)
    ]
    found = compile_rules([StatedGroup(Group(name="g", rules=tuple(stated)), 1)], NOWHERE)
    assert found.unsound == ()
    return found


def verdicts(expr: str, values: tuple[float, ...], *, until: str | None = None) -> Verdicts:
    rules = compiled((expr.replace("if_(", "if("), until))
    known = dict(zip(CELLS, values, strict=True))
    return evaluate(rules.conditions, np.array([known[cell.measure] for cell in rules.cells]))


numbers = st.floats(-1e6, 1e6, width=32).map(lambda x: round(x, 3))
written = st.sampled_from(["0", "1", "2.5", "0.125", "1e3"])
comparisons = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])


def of_numbers(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    both = st.tuples(parts, parts)
    return st.one_of(
        st.tuples(parts, st.sampled_from(["+", "-", "*"]), parts).map(" ".join),
        st.tuples(parts, st.sampled_from(CELLS)).map(lambda p: f"({p[0]}) / {p[1]}"),
        parts.map(lambda p: f"-({p})"),
        parts.map(lambda p: f"abs({p})"),
        both.map(lambda p: f"min({p[0]}, {p[1]})"),
        both.map(lambda p: f"max({p[0]}, {p[1]}, disk_free_share)"),
        both.map(lambda p: f"first_known({p[0]}, {p[1]})"),
        st.tuples(parts, comparisons, parts, parts).map(
            lambda p: f"if_({p[0]} {p[1]} {p[2]}, {p[3]}, {p[0]})"
        ),
    )


sums = st.recursive(st.sampled_from(CELLS * 2) | written, of_numbers, max_leaves=6)
compared = st.tuples(sums, comparisons, sums).map(" ".join)
conditions = st.recursive(
    compared,
    lambda parts: st.one_of(
        st.tuples(parts, st.sampled_from(["and", "or"]), parts).map(" ".join),
        parts.map(lambda p: f"({p})"),
        parts.map(lambda p: f"not ({p})"),
    ),
    max_leaves=4,
).filter(lambda text: any(name in text for name in CELLS))


class TestACondition:
    @given(text=conditions, values=st.tuples(*(numbers | st.just(NAN) for _ in CELLS)))
    def test_is_what_its_expression_says(self, text: str, values: tuple[float, ...]) -> None:
        known = {
            name: None if math.isnan(value) else value
            for name, value in zip(CELLS, values, strict=True)
        }
        expected = twin.evaluate(text, known)
        found = verdicts(text, values)
        assert found.met[0] == (-1 if expected is None else int(expected))
        assert found.clear[0] == (-1 if expected is None else 1 - int(expected))

    @pytest.mark.parametrize(
        ("text", "values", "met"),
        [
            ("broker_connected > 1 and ingest_running > 1", (0, NAN, 0), 0),
            ("broker_connected > 1 and ingest_running > 1", (2, NAN, 0), -1),
            ("broker_connected > 1 or ingest_running > 1", (2, NAN, 0), 1),
            ("broker_connected > 1 or ingest_running > 1", (0, NAN, 0), -1),
            ("not broker_connected > 1", (NAN, 0, 0), -1),
            ("not broker_connected > 1 and ingest_running == 0", (1, 0, 0), 1),
            ("broker_connected / ingest_running > 1", (1, 0, 0), -1),
            ("broker_connected / ingest_running != 1", (1, 0, 0), -1),
            ("first_known(broker_connected / ingest_running, 7) > 1", (1, 0, 0), 1),
            ("if(ingest_running == 0, 0, broker_connected / ingest_running) > 1", (1, 0, 0), 0),
            ("broker_connected * 1e99 * 1e99 * 1e99 * 1e99 > 1", (1, 0, 0), -1),
            ("broker_connected > 1", (math.inf, 0, 0), -1),
            ("(broker_connected > 1 or ingest_running > 1) and disk_free_share < 1", (0, 2, 0), 1),
            ("broker_connected > 1 or ingest_running > 1 and disk_free_share > 1", (2, 2, 0), 1),
        ],
    )
    def test_knows_what_it_cannot_know(
        self, text: str, values: tuple[float, ...], met: int
    ) -> None:
        assert verdicts(text, values).met[0] == met

    @pytest.mark.parametrize(
        ("text", "value", "limit"),
        [
            ("disk_free_share < 0.1", 0.05, 0.1),
            # As it is written: in percent, and the measure is the value wherever it stands.
            ("disk_free_share < 10 %", 5, 10),
            ("10 % > disk_free_share", 5, 10),
            ("broker_connected == 0 or disk_free_share < 10 %", 1, 0),
            ("if(broker_connected > 0, disk_free_share, 1) < 0.1", 0.05, 0.1),
            ("disk_free_share < 0.5 * ingest_running", 0.05, 1.5),
        ],
    )
    def test_tells_value_and_limit(self, text: str, value: float, limit: float) -> None:
        found = verdicts(text, (1, 3, 0.05))
        assert (found.value[0], found.limit[0]) == pytest.approx((value, limit))

    def test_resolves_by_a_condition_of_its_own(self) -> None:
        text, until = "disk_free_share < 10 %", "disk_free_share > 12 %"
        seen = [verdicts(text, (1, 1, share), until=until) for share in (0.09, 0.11, 0.13, NAN)]
        assert [int(one.met[0]) for one in seen] == [1, 0, 0, -1]
        assert [int(one.clear[0]) for one in seen] == [0, 0, 1, -1]
        assert seen[1].limit[0] == pytest.approx(10)  # of the condition, not of what resolves

    def test_shares_cells_and_programs_with_others(self) -> None:
        rules = compiled(
            ("disk_free_share < 10 %", "disk_free_share > 12 %"),
            ("disk_free_share < 10 %", None),
            ("disk_free_share < 3 % and broker_connected == 0", None),
        )
        assert len(rules.cells) == 2
        assert len(rules.conditions.told) == 3

    def test_of_no_rule_is_nothing(self) -> None:
        rules = compiled()
        assert rules.cells == ()
        assert evaluate(rules.conditions, np.zeros(0)).met.shape == (0,)
