"""The table of rules is what the code does, and its page is the table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import compute.rules_page
from compute.periods import Grain
from compute.quality import Quality
from compute.rules import RULES
from compute.rules_page import rules_page
from compute.settle import SeriesKey
from compute.topology import PointKind
from tests.compute.readings import MINUTE_US, START_US, STEP_US, amounts_of, every
from tests.faults.arrays import Computed, computed
from tests.faults.meters import DAY, SIX_DIGITS, START, of
from tests.migrated import NAME, SmallPlant
from tests.twins.register import Change, Point, Reading

PAGE = Path(compute.rules_page.__file__).with_name("RULES.md")
RULE = {rule.name: rule for rule in RULES}
# Rules about what readings say themselves, and of what is looked at beside the amounts.
WITHOUT_EXAMPLE = {"doubt", "corrected", "checked", "frozen"}

GAUGE = Point(kind=PointKind.GAUGE, hold_us=STEP_US)
FIVE_MINUTES = Point(kind=PointKind.INTERVAL, period_us=STEP_US // 3, stamped_at_end=True)
WRAPPING = Point(modulus=100.0, step_rate_max=0.1)
# Two readings of a fall lie before the quarter.
BEFORE_US = START_US - 6 * MINUTE_US
RATED = Point(step_rate_max=0.02)


@dataclass(frozen=True)
class Example:
    """Readings, and what the first quarter of an hour is by the rule."""

    rule: str
    point: Point
    readings: Sequence[Reading]
    amount: float


def bad(readings: Sequence[Reading], place: int) -> list[Reading]:
    wrong = replace(readings[place], value=math.nan, quality=int(Quality.SOURCE_BAD))
    return [*readings[:place], wrong, *readings[place + 1 :]]


def lived(*life: Change) -> Point:
    return Point(life=life)


# A change in the middle of the second of three steps.
AT_7_MIN = START_US + STEP_US // 2
FOUR = every(5, [10, 11, 12, 13])
LOST = every(5, [10, 11, 502, 503])
LOAD = every(5, [60, 30, 90, 0])
OTHER = Change(AT_7_MIN, 2.0, last_raw=12, first_raw=500, goes_on=False)


def accepted(readings: Sequence[Reading], place: int) -> list[Reading]:
    right = replace(readings[place], quality=int(Quality.ACCEPTED))
    return [*readings[:place], right, *readings[place + 1 :]]


def ill(readings: Sequence[Reading], place: int) -> list[Reading]:
    """Return readings of which one has a value that its device does not stand by."""
    wrong = replace(readings[place], value=-1e6, quality=int(RULE["status"].quality))
    return [*readings[:place], wrong, *readings[place + 1 :]]


EXAMPLES = [
    Example("rise", Point(), every(5, [10, 11, 12, 13]), 3),
    Example("return", Point(), every(3, [12, 5, 5, 13, 14, 14, 14, 15], start_us=BEFORE_US), 3),
    Example("jitter", Point(resolution=0.1), every(5, [10, 9.9, 10, 10.2]), 0.2),
    Example("rollover", WRAPPING, every(5, [98, 99, 1, 2]), 4),
    Example("decrease", Point(), every(5, [50, 51, 3, 4, 5, 6]), 2),
    Example("spike", RATED, every(5, [50, 51, 900, 901, 902, 903]), 2),
    Example("outlier_high", Point(), every(5, [50, 90, 52, 53, 54]), 3),
    Example("outlier_low", Point(), every(5, [50, 1, 52, 53, 54]), 3),
    Example("accepted", Point(), accepted(every(5, [50, 51, 3, 4, 5, 6]), 2), 5),
    Example("gap", Point(hold_us=STEP_US), every(60, [10, 14]), 1),
    Example("change", lived(Change(AT_7_MIN, 10.0, last_raw=12, first_raw=12)), FOUR, 2 + 10),
    Example("split", lived(Change(AT_7_MIN, 10.0)), FOUR, 1.5 + 15),
    Example("exchange", lived(OTHER), every(5, [10, 11, 502, 503]), 2 + 2 * 3),
    Example("lost_level", lived(replace(OTHER, last_raw=math.nan)), LOST, 1 + 2 * 3),
    Example("of_its_time", replace(GAUGE, life=(Change(AT_7_MIN, 2.0),)), LOAD, 5 + 2.5 + 15),
    Example("retired", lived(Change(START_US, ends=True, goes_on=False)), FOUR, math.nan),
    Example("standing", GAUGE, every(5, [60, 30, 90, 0]), 15),
    Example("silence", replace(GAUGE, hold_us=STEP_US // 3), every(15, [60, 0]), 5),
    Example("period", FIVE_MINUTES, every(5, [9, 1, 2, 3]), 6),
    Example("long_period", replace(FIVE_MINUTES, period_us=4 * STEP_US), every(60, [9, 8]), 2),
    Example("overlap", replace(FIVE_MINUTES, period_us=STEP_US), every(7.5, [9, 8, 6]), 7),
    Example("error", Point(), bad(every(5, [10, 11, 12, 13]), 1), 3),
    Example("status", Point(), ill(every(5, [10, 11, 12, 13]), 1), 3),
    Example("first", Point(), every(5, [10, 11, 12], start_us=START_US + STEP_US // 3), 2),
    Example("nothing", Point(), every(5, [10, 11], start_us=START_US + 2 * STEP_US), math.nan),
    Example("open", Point(), every(5, [10, 11]), 1),
]


class TestTheTable:
    def test_names_each_rule_once_and_every_bit(self) -> None:
        assert len(RULE) == len(RULES)
        named = {bit for rule in RULES for bit in rule.quality}
        assert named == set(Quality) - {Quality.GOOD}

    def test_has_an_example_of_every_rule(self) -> None:
        in_code = {rule.name for rule in RULES if rule.kind != "site"}
        assert {example.rule for example in EXAMPLES} | WITHOUT_EXAMPLE == in_code

    @pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
    def test_says_what_is_booked_and_shown(self, example: Example) -> None:
        found = amounts_of([example.readings], [example.point], count=1)
        assert found.amount[0, 0] == pytest.approx(example.amount, rel=1e-12, nan_ok=True)
        assert Quality(int(found.quality[0, 0])) == RULE[example.rule].quality

    @pytest.mark.parametrize(
        "bit", [bit for name in ("doubt", "corrected", "checked") for bit in RULE[name].quality]
    )
    def test_keeps_each_doubt_of_a_reading(self, bit: Quality) -> None:
        row = every(5, [10, 11, 12, 13])
        row[1] = replace(row[1], quality=int(bit))
        found = amounts_of([row], [Point()], count=1)
        assert (found.amount[0, 0], found.quality[0, 0]) == (3.0, bit)

    def test_is_printed_on_its_page(self) -> None:
        assert PAGE.read_text(encoding="utf-8") == rules_page(), (
            "print it anew: python -c"
            " 'import compute.rules_page as r; print(r.rules_page(), end=\"\")'"
            f" > {PAGE.relative_to(Path.cwd())}"
        )


class TestTheRulesOfASite:
    """A grid feeds a board; of the two halls on it, one is metered or both are."""

    def test_derive_the_only_unknown_of_a_bus(self) -> None:
        found = self.results(metered=("grid", "hall-1"), read=("grid", "hall-1"))
        derived = SeriesKey("flow", "to-hall-2", "electricity")
        assert set(found.amounts(Grain.HOUR, derived).values()) == {0.0}
        assert found.quality(derived)[0] & RULE["derived"].quality

    def test_add_up_what_is_known(self) -> None:
        found = self.results(metered=("grid", "hall-1", "hall-2"), read=("grid", "hall-1"))
        works = SeriesKey("node", "works", "electricity")
        halls = SeriesKey("node", "halls", "electricity")
        assert found.amounts(Grain.HOUR, works)[START] == pytest.approx(60.0)
        assert found.amounts(Grain.HOUR, halls)[START] == pytest.approx(60.0)
        assert found.quality(halls)[0] & RULE["lacking"].quality == RULE["lacking"].quality
        assert not found.quality(works)[0] & RULE["lacking"].quality

    def test_show_a_factor_that_is_not_confirmed(self) -> None:
        found = self.results(metered=("grid",), read=("grid",))
        total = SeriesKey("node", "works", "")
        assert found.quality(total)[0] & RULE["factor"].quality
        place = found.keys.index(total)
        assert math.isnan(found.blocks[Grain.BASE].coal_equal_tce[place, 0])
        assert found.blocks[Grain.BASE].energy_kwh[place, 0] == pytest.approx(15.0)

    def results(self, *, metered: Sequence[str], read: Sequence[str]) -> Computed:
        ends = {"grid": ("grid", "board"), "hall-1": ("board", "hall-1")}
        ends["hall-2"] = ("board", "hall-2")
        nodes = [
            {"code": "grid", "name": NAME, "kind": "source"},
            {"code": "works", "name": NAME, "kind": "use"},
            {"code": "board", "name": NAME, "kind": "bus", "parent": "works"},
            {"code": "halls", "name": NAME, "kind": "use", "parent": "works"},
            {"code": "hall-1", "name": NAME, "kind": "use", "parent": "halls"},
            {"code": "hall-2", "name": NAME, "kind": "use", "parent": "halls"},
        ]
        flows = [
            {
                "code": "grid-in" if code == "grid" else f"to-{code}",
                "from": ends[code][0],
                "to": ends[code][1],
                "carrier": "electricity",
                **({"metered_by": [{"point": code}]} if code in metered else {}),
            }
            for code in ends
        ]
        points = [{"code": code, **SIX_DIGITS} for code in metered]
        plant = SmallPlant(points=points, more={"nodes": nodes, "flows": flows}).plant()
        arrivals = [arrival for code in read for arrival in of(code, DAY)]
        return computed(plant, arrivals, start=START, interval_count=95)
