"""Virtual meters: programs against formulas that Python's own parser reads."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.block import Marks
from compute.quality import Quality
from compute.topology import NO_FORMULAS, Formulas
from compute.virtual import virtual_amounts
from services.plant.model import VirtualMeter
from services.plant.virtual import compile_formulas
from tests.twins import virtual as twin
from tests.twins.digest import digest, signed

STEP_US = 900_000_000
POINTS = {"a": 0, "b": 1, "c": 2}
NAN = math.nan


def formulas(**texts: str) -> Formulas:
    meters = [
        VirtualMeter(code=code, unit="kWh", formula=text.replace("if_(", "if("))
        for code, text in texts.items()
    ]
    return compile_formulas(meters, point_index=POINTS)


def computed(
    programs: Formulas, rows: Sequence[Sequence[float]]
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], Marks]:
    amount = np.array(rows, dtype=np.float64)
    silent = np.isnan(amount)
    marks = Marks.copied(
        np.where(silent, 0, STEP_US),
        np.where(silent, 0, 3).astype(np.int32),
        np.where(silent, int(Quality.MISSING), 0).astype(np.int32),
        np.arange(amount.size, dtype=np.int64).reshape(amount.shape) + 11,
    )
    return virtual_amounts(amount, marks, programs)


def one(text: str, *values: float) -> tuple[float, Quality]:
    amount, marks = computed(formulas(v=text), [[value] for value in values])
    return float(amount[0, 0]), Quality(int(marks.quality[0, 0]))


numbers = st.floats(-1e6, 1e6, width=32).map(lambda x: round(x, 3))
written = st.sampled_from(["0", "1", "2.5", "1e3", "0.125"])


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    both = st.tuples(parts, parts)
    return st.one_of(
        st.tuples(parts, st.sampled_from("+-*/"), parts).map(" ".join),
        st.tuples(parts, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), parts).map(
            lambda p: f"({' '.join(p)})"
        ),
        parts.map(lambda p: f"({p})"),
        parts.map(lambda p: f"-({p})"),
        parts.map(lambda p: f"abs({p})"),
        both.map(lambda p: f"min({p[0]}, {p[1]})"),
        both.map(lambda p: f"max({p[0]}, {p[1]}, b)"),
        both.map(lambda p: f"first_known({p[0]}, {p[1]})"),
        st.tuples(parts, parts, parts).map(lambda p: f"if_({p[0]}, {p[1]}, {p[2]})"),
    )


texts = st.recursive(
    st.sampled_from(["a", "b", "c", "a", "b", "c"]) | written, joined, max_leaves=12
)


class TestAVirtualMeter:
    @given(text=texts, values=st.lists(numbers | st.just(NAN), min_size=3, max_size=3))
    def test_is_what_its_formula_says(self, text: str, values: list[float]) -> None:
        known = {
            code: twin.UNKNOWN if math.isnan(value) else value
            for code, value in zip(POINTS, values, strict=True)
        }
        expected = twin.evaluate(text, known)
        amount, quality = one(text, *values)
        if isinstance(expected, str):
            assert math.isnan(amount)
            assert quality & Quality.MISSING
            assert bool(quality & Quality.UNDEFINED) == (expected == twin.UNDEFINED)
        else:
            assert amount == expected
            assert not quality & Quality.UNDEFINED

    @pytest.mark.parametrize(
        ("text", "values", "amount", "quality"),
        [
            ("a - b * c", (10, 2, 3), 4, Quality.GOOD),
            ("a / b", (1, 0, 0), NAN, Quality.MISSING | Quality.UNDEFINED),
            ("if(b > 0, a / b, 0)", (1, 0, 0), 0, Quality.GOOD),
            ("if(b > 0, a / b, 0)", (1, NAN, 0), NAN, Quality.MISSING),
            ("if(a > 0, a, b)", (1, NAN, 0), 1, Quality.MISSING | Quality.PARTIAL),
            ("first_known(a, b, 0)", (NAN, NAN, 0), 0, Quality.MISSING | Quality.PARTIAL),
            ("first_known(a / b, 7)", (1, 0, 0), 7, Quality.GOOD),
            ("a * 1e99 * 1e99 * 1e99 * 1e99", (1, 0, 0), NAN, Quality.MISSING | Quality.UNDEFINED),
            ("0 * a", (NAN, 0, 0), NAN, Quality.MISSING),
            ("a × b ÷ c − 1", (6, 2, 3), 3, Quality.GOOD),
            ("a ≥ b", (2, 2, 0), 1, Quality.GOOD),
        ],
    )
    def test_carries_what_is_missing(
        self, text: str, values: tuple[float, ...], amount: float, quality: Quality
    ) -> None:
        found, shown = one(text, *values)
        assert found == pytest.approx(amount, nan_ok=True)
        assert shown == quality

    def test_uses_others_whatever_their_order(self) -> None:
        programs = formulas(late="double + a", double="2 * b", last="late - double")
        amount, marks = computed(programs, [[1.0, NAN], [10.0, 5.0], [0.0, 0.0]])
        assert amount.tolist() == [
            [21.0, pytest.approx(NAN, nan_ok=True)],
            [20.0, 10.0],
            [
                1.0,
                pytest.approx(NAN, nan_ok=True),
            ],
        ]
        assert marks.quality.tolist() == [[0, Quality.MISSING], [0, 0], [0, Quality.MISSING]]

    def test_hands_on_why_it_has_no_value(self) -> None:
        programs = formulas(ratio="a / b", more="ratio + c")
        _, marks = computed(programs, [[1.0], [0.0], [1.0]])
        undefined = Quality.MISSING | Quality.UNDEFINED
        assert marks.quality[:, 0].tolist() == [undefined, undefined]

    def test_is_marked_by_everything_it_names_once(self) -> None:
        _, marks = computed(formulas(v="if(a > 0, a + a, b)"), [[1.0], [2.0], [3.0]])
        assert marks.reading_count[0, 0] == 6
        assert marks.covered_us[0, 0] == STEP_US
        assert marks.input_hash.view(np.int64)[0, 0] == signed(digest([11, 12]))

    def test_needs_no_meter_at_all(self) -> None:
        amount, marks = computed(NO_FORMULAS, [[1.0], [2.0], [3.0]])
        assert amount.shape == marks.quality.shape == (0, 1)
