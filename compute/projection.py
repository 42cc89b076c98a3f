"""Which flows the balances determine: unmeasured flows eliminated, and every flow classified.

Crowe, Garcia Campos and Hrymak 1983: combinations of balances in which no unmeasured flow is left
hold all that the measurements can be tested by. Here they come from Gaussian elimination, which for
a network is the merging of nodes that an unmeasured flow joins (Mah, Stanley and Downing 1976).
"""

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from compute.constraints import Balances
from compute.topology import Bool1D, Index1D

Row = dict[int, float]

# What elimination leaves of two numbers that cancel.
_CANCELLED = 1e-11
# A pivot may be this much smaller than the largest of its column for the sake of a short row.
_PIVOT_SHARE_MIN = 0.01
_64_BITS = (1 << 64) - 1
_PROBE_COUNT = 2


class FlowClass(IntEnum):
    """What measurements and balances know of a flow (Narasimhan and Jordache 2000, chapter 3)."""

    REDUNDANT = 0  # measured, and would be known without its meter: adjusted and tested
    NON_REDUNDANT = 1  # measured, and known by its meter alone: taken as it is
    OBSERVABLE = 2  # not measured, but the balances give it
    UNOBSERVABLE = 3  # not measured, and not known


@dataclass(frozen=True, slots=True)
class Projection:
    """Balances with the unmeasured flows eliminated.

    Attributes
    ----------
    rows : list of {measured flow: coefficient}
        The balances that are left; none is empty.
    members : list of tuple of int
        The balances that each of `rows` combines.
    solved : {observable flow: {measured flow: coefficient}}
        An unmeasured flow is the sum of coefficient x measured flow.
    flow_class : (f,) int32
        `FlowClass`.
    unobservable : tuple of tuple of int
        Unobservable flows, together where they share a balance: a meter on any of a group tells
        something of the others.
    """

    rows: list[Row]
    members: list[tuple[int, ...]]
    solved: dict[int, Row]
    flow_class: Index1D
    unobservable: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class _Pivot:
    flow: int
    row: Row


def project(balances: Balances, is_measured: Bool1D) -> Projection:
    """Return the balances of measured flows alone, and what is known of every flow.

    Parameters
    ----------
    balances : Balances
    is_measured : (f,) bool

    Returns
    -------
    projection : Projection
    """
    rows = balances.rows()
    measured = is_measured.tolist()
    members: list[set[int]] = [{i} for i in range(len(rows))]
    pivots = _eliminate(rows, members, measured)
    left = [i for i, row in enumerate(rows) if row]
    flow_class = np.where(is_measured, FlowClass.NON_REDUNDANT, FlowClass.UNOBSERVABLE)
    flow_class = flow_class.astype(np.int32)
    for i in left:
        flow_class[list(rows[i])] = FlowClass.REDUNDANT
    known = _observable(pivots, measured)
    flow_class[list(known)] = FlowClass.OBSERVABLE
    return Projection(
        rows=[rows[i] for i in left],
        members=[tuple(sorted(members[i])) for i in left],
        solved=_solved(pivots, measured, known),
        flow_class=flow_class,
        unobservable=_groups(balances, flow_class),
    )


def _eliminate(rows: list[Row], members: list[set[int]], measured: list[bool]) -> list[_Pivot]:
    """Clear `rows` of unmeasured flows; a row that solves for one of them becomes empty."""
    holders: dict[int, set[int]] = {
        flow: set() for flow, is_known in enumerate(measured) if not is_known
    }
    for i, row in enumerate(rows):
        for flow in row:
            if flow in holders:
                holders[flow].add(i)
    waiting = deque(holders)
    # A flow in one balance only is solved by it without any merging.
    alone = deque(flow for flow, where in holders.items() if len(where) == 1)
    pivots = []
    while alone or waiting:
        flow = alone.popleft() if alone else waiting.popleft()
        if not holders[flow]:
            continue
        chosen = _shortest(rows, holders[flow], flow)
        pivot = rows[chosen]
        for i in sorted(holders[flow] - {chosen}):
            _subtract(rows[i], pivot, flow, i, holders)
            members[i] |= members[chosen]
        for other in pivot:
            if other in holders:
                holders[other].discard(chosen)
                if len(holders[other]) == 1:
                    alone.append(other)
        pivots.append(_Pivot(flow, pivot))
        rows[chosen] = {}
    return pivots


def _shortest(rows: list[Row], candidates: set[int], flow: int) -> int:
    largest = max(abs(rows[i][flow]) for i in candidates)
    usable = (i for i in candidates if abs(rows[i][flow]) >= _PIVOT_SHARE_MIN * largest)
    return min(usable, key=lambda i: (len(rows[i]), i))


def _subtract(
    row: Row, pivot: Row, flow: int, row_index: int, holders: dict[int, set[int]]
) -> None:
    """Subtract the multiple of the pivot row that clears the row of a flow."""
    factor = row[flow] / pivot[flow]
    for other, value in pivot.items():
        before = row.get(other, 0.0)
        after = before - factor * value
        if other == flow or abs(after) <= _CANCELLED * abs(before):
            row.pop(other, None)
            if other in holders:
                holders[other].discard(row_index)
        else:
            row[other] = after
            if other in holders:
                holders[other].add(row_index)


def _observable(pivots: list[_Pivot], measured: list[bool]) -> list[int]:
    """Return the solved flows that do not change with the flows that nothing determines.

    The free flows are given arbitrary whole numbers, and the others follow: what stays 0 whatever
    they are does not depend on them. Whole numbers cancel exactly in a network.
    """
    solved = {pivot.flow for pivot in pivots}
    moved: set[int] = set()
    for probe in range(_PROBE_COUNT):
        value = {
            flow: float(_arbitrary(flow, probe))
            for flow, is_known in enumerate(measured)
            if not is_known and flow not in solved
        }
        for pivot in reversed(pivots):
            terms = [
                coefficient * value[flow]
                for flow, coefficient in pivot.row.items()
                if flow in value and flow != pivot.flow
            ]
            total = sum(terms)
            if abs(total) <= _CANCELLED * sum(map(abs, terms)):
                total = 0.0
            value[pivot.flow] = -total / pivot.row[pivot.flow]
            if total != 0.0:
                moved.add(pivot.flow)
    return [pivot.flow for pivot in pivots if pivot.flow not in moved]


def _arbitrary(flow: int, probe: int) -> int:
    """Return a number in 1..2^20 without a pattern that a plant could share.

    Mixed as SplitMix64 does (Steele, Lea and Flood 2014): a mere product would be linear in the
    flow, so that flows in a row cancel as flows of a plant do.
    """
    mixed = (flow + 1 + (probe << 32)) * 0x9E3779B97F4A7C15 & _64_BITS
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _64_BITS
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _64_BITS
    return (mixed ^ mixed >> 31) % 1_048_576 + 1


def _solved(pivots: list[_Pivot], measured: list[bool], known: list[int]) -> dict[int, Row]:
    """Return each observable flow by measured flows, with the free flows at 0."""
    by_measured: dict[int, Row] = {}
    for pivot in reversed(pivots):
        scale = -1.0 / pivot.row[pivot.flow]
        total: Row = {}
        for flow, coefficient in pivot.row.items():
            if flow == pivot.flow:
                continue
            terms = {flow: 1.0} if measured[flow] else by_measured.get(flow, {})
            for other, value in terms.items():
                before = total.get(other, 0.0)
                after = before + scale * coefficient * value
                if abs(after) <= _CANCELLED * abs(before):
                    total.pop(other, None)
                else:
                    total[other] = after
        by_measured[pivot.flow] = total
    return {flow: by_measured[flow] for flow in sorted(known)}


def _groups(balances: Balances, flow_class: Index1D) -> tuple[tuple[int, ...], ...]:
    """Return the unobservable flows, those together that balances connect."""
    unknown = np.flatnonzero(flow_class == FlowClass.UNOBSERVABLE).tolist()
    parent = {flow: flow for flow in unknown}

    def root(flow: int) -> int:
        while parent[flow] != flow:
            parent[flow] = parent[parent[flow]]
            flow = parent[flow]
        return flow

    if unknown:
        for row in balances.rows():
            together = [root(flow) for flow in row if flow in parent]
            for flow in together:
                parent[root(flow)] = root(together[0])
    found: dict[int, list[int]] = {}
    for flow in unknown:
        found.setdefault(root(flow), []).append(flow)
    return tuple(tuple(group) for group in found.values())
