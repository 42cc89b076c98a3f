"""The state machine of alerts: every transition as a row, and what must hold of any history."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.alert import NEVER_US, AlertState, Holds, States, Stepped, step
from tests.twins import alert as twin

S = 1_000_000
OFF, PENDING, FIRING = AlertState.INACTIVE, AlertState.PENDING, AlertState.FIRING
MET = {"+": 1, "-": 0, "?": -1, "=": 0}
# Between the two limits of a hysteresis neither holds.
CLEAR = {"+": 0, "-": 1, "?": -1, "=": 0}
NAMES = {OFF: twin.INACTIVE, PENDING: twin.PENDING, FIRING: twin.FIRING}


def at(
    states: States, signs: str, holds: Holds, *, now_s: float, clear: str | None = None
) -> Stepped:
    return step(
        states,
        np.array([MET[sign] for sign in signs], dtype=np.int8),
        np.array([CLEAR[sign] for sign in clear or signs], dtype=np.int8),
        holds,
        now_us=int(now_s * S),
    )


def holds_of(for_s: float, keep_s: float, count: int = 1) -> Holds:
    return Holds(
        np.full(count, int(for_s * S), dtype=np.int64),
        np.full(count, int(keep_s * S), dtype=np.int64),
    )


class Case(NamedTuple):
    """Evaluations one minute apart: + holds, - does not, = between the limits, ? not known.

    `states` has a letter for each: i, p or f; upper case where it fired or resolved just then.
    """

    name: str
    for_s: int
    keep_s: int
    seen: str
    states: str


CASES = [
    Case("no hold: fires at the first evaluation, resolves at the first", 0, 0, "-++-+", "iFfIF"),
    Case("a hold of one step fires at the second evaluation", 60, 0, "++-", "pFI"),
    Case("a hold of two steps fires at the third", 120, 0, "+++", "ppF"),
    Case("a hold that is no multiple of the step fires at the next step", 90, 0, "+++", "ppF"),
    Case("a condition that ceases while pending is forgotten", 120, 0, "++-+++", "ppippF"),
    Case("a condition that ceases while pending resolves nothing", 120, 0, "+--", "pii"),
    Case("one that never holds stays inactive", 0, 0, "---", "iii"),
    Case("one that goes on fires once", 60, 0, "+++++", "pFfff"),
    Case("kept firing for one step", 0, 60, "+--", "FfI"),
    Case("kept firing for two steps", 0, 120, "+---", "FffI"),
    Case("held again while kept: the hold begins anew", 0, 120, "+-+---", "FffffI"),
    Case("after it resolved it is pending anew", 60, 60, "++--++", "pFfIpF"),
    Case("between the limits it goes on firing", 0, 0, "+==-", "FffI"),
    Case("between the limits it does not begin", 0, 0, "==+", "iiF"),
    Case("between the limits while pending it is forgotten", 60, 0, "+=+", "pip"),
    Case("between the limits while kept the hold begins anew", 0, 120, "+-=---", "FffffI"),
    Case("unknown while inactive changes nothing", 0, 0, "?-?+", "iiiF"),
    Case("unknown while pending neither fires nor is forgotten", 60, 0, "+?+", "ppF"),
    Case("unknown does not count for the hold", 120, 0, "+??++", "ppppF"),
    Case(
        "unknown at the instant it would fire waits for one that is known", 60, 0, "+???+", "ppppF"
    ),
    Case("unknown while firing changes nothing", 0, 0, "+??-", "FffI"),
    Case("unknown while kept neither resolves nor counts", 0, 120, "+-??--", "FffffI"),
    Case("unknown then gone while pending", 120, 0, "+?-", "ppi"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_transition(case: Case) -> None:
    states, holds = States.inactive(1), holds_of(case.for_s, case.keep_s)
    letters = ""
    for minute, sign in enumerate(case.seen):
        stepped = at(states, sign, holds, now_s=60 * minute)
        states = stepped.states
        letter = {OFF: "i", PENDING: "p", FIRING: "f"}[AlertState(int(states.state[0]))]
        changed = bool(stepped.fired[0]) or bool(stepped.resolved[0])
        letters += letter.upper() if changed else letter
    assert letters == case.states


class TestInstants:
    def test_say_which_transition_set_them(self) -> None:
        holds = holds_of(60, 60)
        states = at(States.inactive(1), "+", holds, now_s=0).states
        assert (states.active_us[0], states.fired_us[0]) == (0, NEVER_US)
        states = at(states, "+", holds, now_s=70).states
        assert (states.active_us[0], states.fired_us[0]) == (0, 70 * S)
        states = at(states, "-", holds, now_s=80).states
        assert (states.active_us[0], states.keep_since_us[0]) == (0, 80 * S)
        states = at(states, "-", holds, now_s=140).states
        assert [int(column[0]) for column in states[:4]] == [OFF, NEVER_US, NEVER_US, NEVER_US]
        assert states.evaluated_us[0] == 140 * S

    def test_of_a_hold_leave_out_what_was_not_known(self) -> None:
        holds = holds_of(100, 0)
        states = at(States.inactive(1), "+", holds, now_s=0).states
        states = at(states, "?", holds, now_s=30).states
        assert states.active_us[0] == 30 * S
        assert not at(states, "+", holds, now_s=129).fired[0]
        assert at(states, "+", holds, now_s=130).fired[0]

    def test_in_the_past_change_nothing(self) -> None:
        holds = holds_of(60, 0)
        states = at(States.inactive(1), "+", holds, now_s=100).states
        for sign in "+-?":
            stepped = at(states, sign, holds, now_s=99)
            assert [a.tolist() for a in stepped.states] == [a.tolist() for a in states]

    def test_between_which_it_never_was_evaluated_do_not_go_back(self) -> None:
        # A clock that falls back must not let a condition seem to hold for longer.
        holds = holds_of(60, 0)
        states = at(States.inactive(1), "-", holds, now_s=100).states
        states = at(states, "+", holds, now_s=10).states
        assert states.state[0] == OFF
        assert not at(states, "+", holds, now_s=101).fired[0]

    def test_of_the_given_states_are_left_as_they_are(self) -> None:
        states = States.inactive(2)
        at(states, "++", holds_of(0, 0, 2), now_s=5)
        assert states.state.tolist() == [0, 0]
        assert states.evaluated_us.tolist() == [NEVER_US, NEVER_US]

    def test_of_no_instance_at_all(self) -> None:
        stepped = at(States.inactive(0), "", holds_of(0, 0, 0), now_s=5)
        assert stepped.fired.shape == (0,)


instants = st.lists(st.integers(-20, 90), min_size=1, max_size=40)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[int], list[list[tuple[int, int]]], Holds]:
    """Draw evaluations of several instances, at steps that may go back; clear goes its own way."""
    count = draw(st.integers(1, 4))
    gaps = draw(instants)
    times = np.cumsum(gaps).tolist()
    truth = st.sampled_from([-1, 0, 1])
    rows = [[(draw(truth), draw(truth)) for _ in range(count)] for _ in times]
    durations = st.sampled_from([0, 30, 60, 200])
    holds = Holds(
        *(np.array([draw(durations) for _ in range(count)], dtype=np.int64) * S for _ in range(2))
    )
    return times, rows, holds


def run(
    times: list[int], rows: list[list[tuple[int, int]]], holds: Holds
) -> list[tuple[list[str], list[str]]]:
    """Return states and changes after each evaluation."""
    states = States.inactive(len(rows[0]))
    found = []
    for now_s, row in zip(times, rows, strict=True):
        met, clear = (np.array(side, dtype=np.int8) for side in zip(*row, strict=True))
        stepped = step(states, met, clear, holds, now_us=now_s * S)
        states = stepped.states
        found.append(
            (
                [NAMES[AlertState(int(state))] for state in states.state],
                [
                    "fired" if fired else "resolved" if resolved else ""
                    for fired, resolved in zip(stepped.fired, stepped.resolved, strict=True)
                ],
            )
        )
    return found


class TestAnyHistory:
    @given(history=histories())
    def test_goes_as_one_that_counts_up(
        self, history: tuple[list[int], list[list[tuple[int, int]]], Holds]
    ) -> None:
        times, rows, holds = history
        twins = [
            twin.Alert(int(for_us), int(keep_us))
            for for_us, keep_us in zip(holds.for_us, holds.keep_firing_us, strict=True)
        ]
        found = run(times, rows, holds)
        for now_s, row, (states, changes) in zip(times, rows, found, strict=True):
            expected = [
                alert.evaluate(now_s * S, met, clear)
                for alert, (met, clear) in zip(twins, row, strict=True)
            ]
            assert changes == expected
            assert states == [alert.state for alert in twins]

    @given(history=histories())
    def test_never_fires_early_nor_resolves_twice(
        self, history: tuple[list[int], list[list[tuple[int, int]]], Holds]
    ) -> None:
        times, rows, holds = history
        found = run(times, rows, holds)
        for i, for_us in enumerate(holds.for_us.tolist()):
            told = [(j, changes[i]) for j, (_, changes) in enumerate(found) if changes[i]]
            assert [change for _, change in told] == ["fired", "resolved"] * (len(told) // 2) + [
                "fired"
            ] * (len(told) % 2)
            for j, change in told:
                if change == "fired":
                    # Back to the evaluation that last said no, in the order in which time grew.
                    newest, kept = -(10**9), []
                    for k in range(j + 1):
                        if times[k] >= newest:
                            newest = times[k]
                            kept.append((times[k], rows[k][i][0]))
                    since = 1 + max((k for k, (_, met) in enumerate(kept) if met == 0), default=-1)
                    true = kept[since:]
                    first = next(k for k, (_, met) in enumerate(true) if met == 1)
                    assert true[-1][1] == 1
                    assert (true[-1][0] - true[first][0]) * S >= for_us

    @given(history=histories())
    def test_knows_no_order_of_instances(
        self, history: tuple[list[int], list[list[tuple[int, int]]], Holds]
    ) -> None:
        times, rows, holds = history
        turned = Holds(holds.for_us[::-1], holds.keep_firing_us[::-1])
        found = run(times, rows, holds)
        other = run(times, [row[::-1] for row in rows], turned)
        assert [(s[::-1], c[::-1]) for s, c in other] == found
