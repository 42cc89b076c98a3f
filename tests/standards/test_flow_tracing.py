"""Proportional sharing on the four buses of Bialek, Tracing the flow of electricity (IEE 1996).

Data and figures: the worked test of the New Zealand Electricity Authority (github.com
/ElectricityAuthority/tracing, testB). It counts what a line loses as carried in part, here it ends
in the line: the figures agree to the 1 MW that is lost on the lines in question.
"""

from fractions import Fraction

import numpy as np
import pytest

from compute.flow import Stored, attribute_sources
from compute.topology import NodeKind

# From bus, to bus, sent and received. [MW]
LINES = {
    "L1": (1, 2, 60, 59),
    "L2": (2, 4, 173, 171),
    "L3": (1, 4, 115, 112),
    "L4": (1, 3, 225, 218),
    "L5": (4, 3, 83, 82),
}
GENERATED = {1: 400, 2: 114}
USED = {3: 300, 4: 200}
# What arrives over each line of each generator.
PUBLISHED = {
    "L1": (59.0, 0.0),
    "L2": (59.3064, 112.6821),
    "L3": (112.0, 0.0),
    "L4": (218.0, 0.0),
    "L5": (50.0883, 32.6290),
}


def test_shares_the_lines_of_four_buses_among_two_generators() -> None:
    kinds = [NodeKind.BUS] * (4 + len(LINES)) + [NodeKind.SOURCE] * 2 + [NodeKind.USE] * 2
    moves: list[tuple[int, int, float]] = []
    for number, (origin, target, sent, received) in enumerate(LINES.values()):
        moves += [(origin - 1, 4 + number, sent), (4 + number, target - 1, received)]
    first = 4 + len(LINES)
    moves += [(first + i, bus - 1, mw) for i, (bus, mw) in enumerate(GENERATED.items())]
    moves += [(bus - 1, first + 2 + i, mw) for i, (bus, mw) in enumerate(USED.items())]
    found = attribute_sources(
        np.array([[mw] for _, _, mw in moves], dtype=np.float64),
        source_index=np.array([-1] * 10 + [0, 1] + [-1] * 2, dtype=np.int32),
        source_count=2,
        flow_from_index=np.array([move[0] for move in moves], dtype=np.int32),
        flow_to_index=np.array([move[1] for move in moves], dtype=np.int32),
        node_kind=np.array(kinds, dtype=np.int32),
        stored=Stored.nothing(2, np.array(kinds, dtype=np.int32)),
    ).received_tco2e[:, :, 0]
    for number, (line, (_, _, sent, received)) in enumerate(LINES.items()):
        arrived = found[:, 4 + number] * received / sent
        assert arrived == pytest.approx(PUBLISHED[line], abs=1.0), line
    # By hand: bus 2 has the mix of line 1 and its own generator, bus 4 that of lines 2 and 3.
    second = Fraction(171 * 114, 173)
    assert found[1, 3] == pytest.approx(float(second), rel=1e-12)
    assert found[1, first + 3] == pytest.approx(float(second * 200 / 283), rel=1e-12)
    # What is generated is used or lost on the lines.
    lost = sum(sent - received for *_, sent, received in LINES.values())
    assert found[:, first + 2 :].sum() + lost == pytest.approx(sum(GENERATED.values()))
