"""Large plants for benchmarks: (from, to) of every flow; -1 is outside."""

from collections.abc import Callable

import numpy as np

Ends = list[tuple[int, int]]

OUTSIDE = -1
BRANCHES = 10
HEADERS = 8
LOOP_SHARE = 0.02


def submetered_tree(flow_count: int) -> Ends:
    """Return a tree of buses with ten branches each; the last branches are uses outside."""
    bus_count = (flow_count - 1) // BRANCHES + 1
    return [(OUTSIDE, 0)] + [
        ((branch - 1) // BRANCHES, branch if branch < bus_count else OUTSIDE)
        for branch in range(1, flow_count)
    ]


def mesh(flow_count: int) -> Ends:
    """Return a tree in which 2 % of the flows join buses that are not neighbours."""
    loop_count = int(flow_count * LOOP_SHARE)
    ends = submetered_tree(flow_count - loop_count)
    bus_count = max(max(pair) for pair in ends) + 1
    random = np.random.default_rng(6)
    for origin, target in random.integers(0, bus_count, (loop_count, 2)).tolist():
        # A loop runs from the older bus to the newer: no flow is against the tree's direction.
        low, high = min(origin, target), max(origin, target)
        ends.append((low, high if high != low else OUTSIDE))
    return ends


def star_of_headers(flow_count: int) -> Ends:
    """Return a few headers, each joined to the next, with very many uses on every one."""
    ends = [(OUTSIDE, 0)]
    ends += [(header - 1, header) for header in range(1, HEADERS)]
    rest = flow_count - len(ends)
    # Half of the uses are machines that pass everything on, so that every other flow is checked.
    machine = HEADERS
    for k in range(rest // 2):
        ends += [(k % HEADERS, machine), (machine, OUTSIDE)]
        machine += 1
    ends += [(0, OUTSIDE)] * (rest % 2)
    return ends


FAMILIES: dict[str, Callable[[int], Ends]] = {
    "tree": submetered_tree,
    "mesh": mesh,
    "star": star_of_headers,
}
