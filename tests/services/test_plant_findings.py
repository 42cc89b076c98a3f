from datetime import UTC, datetime

import pytest

from services.plant.fault_text import FaultText
from services.plant.findings import Nearest, finding, limited
from services.plant.spans import overlaps
from services.plant.texts import TEXTS


class TestTexts:
    @pytest.mark.parametrize("code", sorted(TEXTS))
    def test_have_both_languages_and_a_remedy(self, code: str) -> None:
        text = TEXTS[code]
        assert isinstance(text, FaultText)
        for words in (text.message_zh, text.remedy_zh):
            assert any("\u4e00" <= letter <= "\u9fff" for letter in words)
        for words in (text.message_en, text.remedy_en):
            assert words.isascii()
            assert words.endswith(".")


class TestFinding:
    def test_reads_as_one_line(self) -> None:
        line = str(finding("unknown_node", ("nodes", 0, "parent"), "plnt", nearest="plant", line=4))
        assert line.startswith("nodes[0].parent (line 4): 'plnt' → plant: ")

    def test_cuts_long_values(self) -> None:
        assert len(str(finding("unknown_node", (), "x" * 1000).value)) < 200

    def test_puts_errors_first(self) -> None:
        ordered = limited([finding("node_alone", ()), finding("missing", ())])
        assert [item.severity for item in ordered] == ["error", "warning"]


class TestNearest:
    def test_stops_comparing_when_its_budget_is_spent(self) -> None:
        nearest = Nearest(comparisons=3)
        assert nearest.of("grib", ["grid", "bus"]) == "grid"
        assert nearest.of("grib", ["grid", "bus"]) is None

    def test_looks_past_case(self) -> None:
        assert Nearest().of("GRID", ["Grid"]) == "Grid"


class TestOverlaps:
    def test_takes_touching_spans_as_apart(self) -> None:
        middle = datetime(2025, 1, 1, tzinfo=UTC)
        assert list(overlaps([(0, None, middle), (1, middle, None)])) == []

    def test_compares_with_the_longest_before(self) -> None:
        first, second = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
        rows = [(0, None, None), (1, first, second), (2, second, None)]
        assert list(overlaps(rows)) == [(0, 1), (0, 2)]
