"""Networks for tests of reconciliation: random ones, and those of published cases."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from compute.constraints import Balances, node_balances
from compute.grid import Float2D
from compute.topology import Bool1D, Float1D

OUTSIDE = -1


def network(
    ends: Sequence[tuple[int, int]], *, efficiency: Sequence[float] | None = None
) -> Balances:
    """Return the balances of nodes 0..n-1 joined by flows (from, to); -1 is outside."""
    node_count = max((max(pair) for pair in ends), default=-1) + 1
    if efficiency is not None:
        node_count = max(node_count, len(efficiency))
    gain = [1.0] * node_count
    gain[: len(efficiency or ())] = efficiency or ()
    return node_balances(
        tuple(f"node{i}" for i in range(node_count)),
        flow_code=tuple(f"flow{i}" for i in range(len(ends))),
        flow_from_index=np.array([pair[0] for pair in ends], dtype=np.int32),
        flow_to_index=np.array([pair[1] for pair in ends], dtype=np.int32),
        is_balanced=np.ones(node_count, dtype=np.bool_),
        efficiency=np.array(gain),
    )


def dense(balances: Balances) -> Float2D:
    """Return the balances as a full matrix."""
    matrix = np.zeros((len(balances.balance_code), len(balances.flow_code)))
    for i, row in enumerate(balances.rows()):
        for flow, value in row.items():
            matrix[i, flow] = value
    return matrix


@dataclass(frozen=True)
class Plant:
    balances: Balances
    measured: Bool1D
    values: Float1D
    sigma: Float1D


@st.composite
def plants(draw: st.DrawFn) -> Plant:
    """Draw a plant with loops, parallel flows, conversions, and missing, few or no meters."""
    node_count = draw(st.integers(1, 6))
    node = st.integers(OUTSIDE, node_count - 1)
    ends = draw(st.lists(st.tuples(node, node), min_size=1, max_size=14))
    gains = st.sampled_from([1.0, 1.0, 1.0, 0.9, 0.4, 3.5])
    efficiency = draw(st.lists(gains, min_size=node_count, max_size=node_count))
    count = len(ends)
    metered = st.lists(st.sampled_from([True, True, True, False]), min_size=count, max_size=count)
    numbers = st.lists(st.integers(-40, 400).map(float), min_size=count, max_size=count)
    sigmas = st.lists(st.sampled_from([0.5, 1.0, 3.0, 10.0]), min_size=count, max_size=count)
    return Plant(
        balances=network(ends, efficiency=efficiency),
        measured=np.array(draw(metered | st.just([False] * count)), dtype=np.bool_),
        values=np.array(draw(numbers)),
        sigma=np.array(draw(sigmas)),
    )
