"""What passes from node to node in one interval: in order where there is one, loops torn open.

Most of a plant has an order in which every node comes after all that feeds it. What is left are
loops and what lies between them: there, nodes that a flow leads back to are torn (as recycles are
in flowsheeting), the rest is passed in order for a unit of each of them, and a small full system
says what they receive. Nodes that give nothing off, which most uses are, need no place in an order:
they come last, by their flows.
"""

from typing import NamedTuple

import numpy as np

from compute._jit import inlined, kernel
from compute.grid import Float2D
from compute.topology import Bool1D, Float1D, Index1D

# A pivot below this is a loop that nothing leaves: a pivot is at most 1.
_PIVOT_MIN = 1e-12


class Ends(NamedTuple):
    """Where each flow begins and ends, (f,), and which nodes are outside, (n,)."""

    origin: Index1D
    target: Index1D
    outside: Bool1D


class FlowGraph(NamedTuple):
    """The flows between nodes inside, in their actual direction, by the node that gives.

    Attributes
    ----------
    passes_on : (n,) bool
        Nodes inside that give something off.
    offset : (n + 2,) int32
        The last place is for filling alone.
    taker : (f,) int32
        Of flows to nodes that pass something on.
    energy_kwh : (f,) float64
    between, ending : (f,) int32
        Flows to nodes that pass something on, and to those that do not.
    waiting : (n,) int32
        Givers that a node which passes something on still waits for.
    order : (n,) int32
        Of the nodes that pass something on: first those that no loop feeds, then those of loops,
        then those that feed no loop.
    bounds : (3,) int32
        Where the loops begin and end in the order, and where the order ends.
    counts : (2,) int32
        How many flows are in `between` and in `ending`.
    """

    passes_on: Bool1D
    offset: Index1D
    taker: Index1D
    energy_kwh: Float1D
    between: Index1D
    ending: Index1D
    waiting: Index1D
    order: Index1D
    bounds: Index1D
    counts: Index1D


@kernel
def new_graph(node_count: int, flow_count: int) -> FlowGraph:
    """Return room for a graph."""
    return FlowGraph(
        np.empty(node_count, dtype=np.bool_),
        np.empty(node_count + 2, dtype=np.int32),
        np.empty(flow_count, dtype=np.int32),
        np.empty(flow_count),
        np.empty(flow_count, dtype=np.int32),
        np.empty(flow_count, dtype=np.int32),
        np.empty(node_count, dtype=np.int32),
        np.empty(node_count, dtype=np.int32),
        np.empty(3, dtype=np.int32),
        np.empty(2, dtype=np.int32),
    )


@kernel
def arrange(energy_kwh: Float1D, ends: Ends, graph: FlowGraph) -> None:
    """Write the graph of the known flows of an interval; `passes_on` is written before."""
    # Each array once: to take one out of a tuple costs as much as all that is done with a flow.
    origin, target, outside = ends.origin, ends.target, ends.outside
    offset, waiting, passes_on = graph.offset, graph.waiting, graph.passes_on
    between, ending = graph.between, graph.ending
    offset[:] = 0
    waiting[:] = 0
    between_count = ending_count = 0
    # Twice over the flows: how many each node gives, then which. The counts stand two places on,
    # so that filling leaves every offset where it belongs.
    for flow in range(energy_kwh.size):
        giver, taker = _direction(energy_kwh[flow], origin[flow], target[flow])
        if giver == taker or outside[giver] or outside[taker]:
            continue
        if passes_on[taker]:
            between[between_count] = flow
            between_count += 1
            waiting[taker] += 1
            offset[giver + 2] += 1
        else:
            ending[ending_count] = flow
            ending_count += 1
    graph.counts[0], graph.counts[1] = between_count, ending_count
    for node in range(2, offset.size):
        offset[node] += offset[node - 1]
    takers, given_kwh = graph.taker, graph.energy_kwh
    for k in range(between_count):
        flow = between[k]
        giver, taker = _direction(energy_kwh[flow], origin[flow], target[flow])
        place = offset[giver + 1]
        offset[giver + 1] += 1
        takers[place] = taker
        given_kwh[place] = abs(energy_kwh[flow])
    _order(graph)


@inlined
def _direction(energy_kwh: float, origin: int, target: int) -> tuple[int, int]:
    """Return who gives and who takes: the same node if nothing is known to pass."""
    if energy_kwh > 0.0:
        return origin, target
    return (target, origin) if energy_kwh < 0.0 else (origin, origin)


@kernel
def _order(graph: FlowGraph) -> None:
    """Write the order: Kahn 1962 from the sources, and backwards from the sinks of what is left."""
    order, waiting, passes_on = graph.order, graph.waiting, graph.passes_on
    offset, takers = graph.offset, graph.taker
    last = count = 0
    for node in range(order.size):
        if passes_on[node]:
            count += 1
            if waiting[node] == 0:
                order[last] = node
                last += 1
    first = 0
    while first < last:
        for k in range(offset[order[first]], offset[order[first] + 1]):
            taker = takers[k]
            waiting[taker] -= 1
            if waiting[taker] == 0:
                order[last] = taker
                last += 1
        first += 1
    graph.bounds[0], graph.bounds[1], graph.bounds[2] = last, last, count
    if last < count:
        graph.bounds[1] = _place_sinks(graph)
        _place_loops(graph, graph.bounds[1])


@kernel
def _place_sinks(graph: FlowGraph) -> int:
    """Write what only follows loops at the end of the order; return where it begins.

    A placed node waits for -1.
    """
    order, waiting = graph.order, graph.waiting
    giver_offset, giver = _reversed(graph)
    giving = graph.offset[1:-1] - graph.offset[:-2]
    first = last = int(graph.bounds[2])
    for node in range(order.size):
        if waiting[node] > 0 and giving[node] == 0:
            last -= 1
            order[last] = node
    while last < first:
        first -= 1
        node = order[first]
        waiting[node] = -1
        for k in range(giver_offset[node], giver_offset[node + 1]):
            giving[giver[k]] -= 1
            if giving[giver[k]] == 0 and waiting[giver[k]] > 0:
                last -= 1
                order[last] = giver[k]
    return last


@kernel
def _place_loops(graph: FlowGraph, end: int) -> None:
    """Write the loops before `end`, each node before what a depth-first search finds behind it.

    So few flows lead back.
    """
    order, waiting, offset = graph.order, graph.waiting, graph.offset
    stack = np.empty(order.size, dtype=np.int32)
    cursor = offset[:-2].copy()
    place = end
    for start in range(order.size):
        if waiting[start] <= 0:
            continue
        stack[0] = start
        waiting[start] = -1
        depth = 1
        while depth > 0:
            node = stack[depth - 1]
            if cursor[node] == offset[node + 1]:
                place -= 1
                order[place] = node
                depth -= 1
                continue
            following = graph.taker[cursor[node]]
            cursor[node] += 1
            if waiting[following] > 0:
                waiting[following] = -1
                stack[depth] = following
                depth += 1


@kernel
def _reversed(graph: FlowGraph) -> tuple[Index1D, Index1D]:
    """Return who gives to each node."""
    node_count = graph.order.size
    edge_count = graph.offset[node_count]
    giver_offset = np.zeros(node_count + 2, dtype=np.int32)
    for k in range(edge_count):
        giver_offset[graph.taker[k] + 2] += 1
    for node in range(2, node_count + 2):
        giver_offset[node] += giver_offset[node - 1]
    giver = np.empty(edge_count, dtype=np.int32)
    for node in range(node_count):
        for k in range(graph.offset[node], graph.offset[node + 1]):
            giver[giver_offset[graph.taker[k] + 1]] = node
            giver_offset[graph.taker[k] + 1] += 1
    return giver_offset, giver


@kernel
def pass_on(
    graph: FlowGraph, energy_kwh: Float1D, ends: Ends, passing_kwh: Float1D, received: Float2D
) -> None:
    """Add to what each node received from outside what it receives from others.

    `received` is (n, e), one column per kind of emission.
    """
    begin, end = graph.bounds[0], graph.bounds[1]
    _pass_in_order(graph, 0, begin, passing_kwh, received)
    if begin < end:
        _solve_loops(graph, passing_kwh, received)
    _pass_in_order(graph, begin, graph.bounds[2], passing_kwh, received)
    _pass_to_ends(energy_kwh, graph.ending[: graph.counts[1]], ends, passing_kwh, received)


@kernel
def _pass_to_ends(
    energy_kwh: Float1D, flows: Index1D, ends: Ends, passing_kwh: Float1D, received: Float2D
) -> None:
    """Pass on to nodes that give nothing off, when all others have what they receive."""
    origin, target = ends.origin, ends.target
    for flow in flows:
        giver, taker = _direction(energy_kwh[flow], origin[flow], target[flow])
        share = abs(energy_kwh[flow]) / passing_kwh[giver]
        for layer in range(received.shape[1]):
            received[taker, layer] += share * received[giver, layer]


@kernel
def _pass_in_order(
    graph: FlowGraph, begin: int, end: int, passing_kwh: Float1D, received: Float2D
) -> None:
    """Pass on what the nodes of a span of the order received; nodes of loops are complete."""
    loops_end = graph.bounds[1]
    for place in range(begin, end):
        node = graph.order[place]
        for k in range(graph.offset[node], graph.offset[node + 1]):
            taker = graph.taker[k]
            # Marked by `_solve_loops`: both ends in loops.
            if place < loops_end and graph.waiting[taker] < -1:
                continue
            share = graph.energy_kwh[k] / passing_kwh[node]
            for layer in range(received.shape[1]):
                received[taker, layer] += share * received[node, layer]


@kernel
def _solve_loops(graph: FlowGraph, passing_kwh: Float1D, received: Float2D) -> None:
    """Replace what the nodes of loops received from elsewhere by all that they receive."""
    begin, end = graph.bounds[0], graph.bounds[1]
    # In loops `waiting` is from here on -2 - place; elsewhere it is -1 or 0.
    for place in range(begin, end):
        graph.waiting[graph.order[place]] = -2 - (place - begin)
    torn_count, torn = _torn(graph)
    layer_count = received.shape[1]
    # Columns: the kinds of emission, then a unit of each torn node.
    moving = np.zeros((end - begin, layer_count + torn_count))
    for place in range(end - begin):
        moving[place, :layer_count] = received[graph.order[begin + place]]
    _pass_loops(graph, passing_kwh, torn, moving)
    matrix = np.zeros((torn_count, torn_count))
    solution = np.empty((layer_count, torn_count))
    for place in range(end - begin):
        k = torn[place]
        if k >= 0:
            matrix[k] = -moving[place, layer_count:]
            matrix[k, k] += 1.0
            solution[:, k] = moving[place, :layer_count]
    eliminate(matrix, solution)
    substitute(matrix, solution)
    for place in range(end - begin):
        node = graph.order[begin + place]
        k = torn[place]
        for layer in range(layer_count):
            if k >= 0:
                received[node, layer] = solution[layer, k]
                continue
            total = moving[place, layer]
            for other in range(torn_count):
                # Zeros are skipped: 0 x NaN must not spread.
                if moving[place, layer_count + other] != 0.0:
                    total += moving[place, layer_count + other] * solution[layer, other]
            received[node, layer] = total


@kernel
def _torn(graph: FlowGraph) -> tuple[int, Index1D]:
    """Return how many nodes of loops a flow leads back to, and their number (-1: not torn)."""
    begin, end = graph.bounds[0], graph.bounds[1]
    torn = np.full(end - begin, -1, dtype=np.int32)
    for place in range(end - begin):
        node = graph.order[begin + place]
        for k in range(graph.offset[node], graph.offset[node + 1]):
            target = -2 - graph.waiting[graph.taker[k]]
            if 0 <= target <= place:
                torn[target] = 0
    count = 0
    for place in range(end - begin):
        if torn[place] >= 0:
            torn[place] = count
            count += 1
    return count, torn


@kernel
def _pass_loops(graph: FlowGraph, passing_kwh: Float1D, torn: Index1D, moving: Float2D) -> None:
    """Pass on within the loops, a unit from each torn node instead of what it received."""
    begin = graph.bounds[0]
    first_unit = moving.shape[1] - (torn.max() + 1)
    for place in range(torn.size):
        node = graph.order[begin + place]
        for k in range(graph.offset[node], graph.offset[node + 1]):
            target = -2 - graph.waiting[graph.taker[k]]
            if target < 0:
                continue
            share = graph.energy_kwh[k] / passing_kwh[node]
            if torn[place] >= 0:
                moving[target, first_unit + torn[place]] += share
            else:
                moving[target] += share * moving[place]


@kernel
def eliminate(matrix: Float2D, received: Float2D) -> None:
    """Make the matrix upper triangular, as Gauss does, with the right-hand sides (e, n).

    No node passes on more than it received, so the matrix is diagonally dominant by columns and
    partial pivoting would choose the diagonal at every step: there is nothing to exchange.
    Zeros are skipped: they are most of a plant, and 0 x NaN must not spread.
    """
    size = received.shape[1]
    for pivot in range(size):
        if matrix[pivot, pivot] < _PIVOT_MIN:
            continue
        for row in range(pivot + 1, size):
            factor = matrix[row, pivot] / matrix[pivot, pivot]
            if factor != 0.0:
                for column in range(pivot + 1, size):
                    if matrix[pivot, column] != 0.0:
                        matrix[row, column] -= factor * matrix[pivot, column]
                received[:, row] -= factor * received[:, pivot]


@kernel
def substitute(matrix: Float2D, received: Float2D) -> None:
    """Replace the right-hand sides of an upper triangular matrix by the solutions."""
    size = received.shape[1]
    for row in range(size - 1, -1, -1):
        for column in range(row + 1, size):
            if matrix[row, column] != 0.0:
                received[:, row] -= matrix[row, column] * received[:, column]
        for layer in range(received.shape[0]):
            if matrix[row, row] >= _PIVOT_MIN:
                received[layer, row] /= matrix[row, row]
            elif received[layer, row] != 0.0:
                # A loop that nothing leaves has no intensity, unless nothing entered it.
                received[layer, row] = np.nan
