"""What reconciliation knows of a plant before any number: compiled once per topology."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute.constraints import Balances
from compute.ldl import factorize
from compute.ordering import Pattern, order_and_pattern
from compute.projection import FlowClass, Row, project
from compute.topology import Bool1D, Float1D, Index1D, Int1D

# Pivots of dependent balances come out as rounding errors; those of independent ones in a network
# of n nodes are no smaller than 1 / n.
_DEPENDENT_SHARE = 1e-10
_PROPORTIONAL_DIGITS = 9


class Reduced(NamedTuple):
    """G, the balances of redundant flows, by flow and by row; rows in the order of elimination.

    Attributes
    ----------
    offset : (f + 1,) int32
    row_index, coefficient : (e,) int32, float64
        By flow.
    flow_offset : (n + 1,) int32
    flow_index, flow_coefficient : (e,) int32, float64
        The same by row.
    pair_position, pair_flow, pair_product : (p,) int32, int32, float64
        The products of two different coefficients of one flow, and where each belongs in G V G'
        (see `ldl`).
    """

    offset: Index1D
    row_index: Index1D
    coefficient: Float1D
    flow_offset: Index1D
    flow_index: Index1D
    flow_coefficient: Float1D
    pair_position: Index1D
    pair_flow: Index1D
    pair_product: Float1D


class Solved(NamedTuple):
    """Observable flows as sums of measured ones.

    Attributes
    ----------
    flow_index : (u,) int32
    offset : (u + 1,) int32
    term_index, coefficient : (t,) int32, float64
        Flow i is the sum of coefficient x flow[term_index] over offset[i]:offset[i + 1].
    reach_offset : (u + 1,) int32
    reach_row : (r,) int32
        Rows of L that its variance needs, ascending.
    """

    flow_index: Index1D
    offset: Index1D
    term_index: Index1D
    coefficient: Float1D
    reach_offset: Index1D
    reach_row: Index1D


@dataclass(frozen=True, slots=True)
class ReconciliationPlan:
    """A plant made ready: give it the numbers of any interval.

    Attributes
    ----------
    flow_code, balance_code : (f,), (b,) str
    is_measured : (f,) bool
    flow_class : (f,) int32
        `FlowClass`.
    alike_index : (f,) int32
        Redundant flows with the same number cannot be told apart by the balances: an error of one
        shows exactly as an error of another. -1 for other flows.
    unobservable : tuple of tuple of int
        Flows that are not known, together where they share a balance.
    members : tuple of tuple of int
        The balances that each independent reduced balance combines: those that unmeasured flows
        join are tested as one.
    pattern : Pattern
    reduced : Reduced
    solved : Solved
    """

    flow_code: tuple[str, ...]
    balance_code: tuple[str, ...]
    is_measured: Bool1D
    flow_class: Index1D
    alike_index: Index1D
    unobservable: tuple[tuple[int, ...], ...]
    members: tuple[tuple[int, ...], ...]
    pattern: Pattern
    reduced: Reduced
    solved: Solved

    @property
    def degrees_of_freedom(self) -> int:
        """Return how many independent balances the measurements are tested by."""
        return len(self.members)

    @property
    def distinct_count(self) -> int:
        """Return how many redundant flows the balances tell apart."""
        return int(self.alike_index.max(initial=-1)) + 1

    def explain_unobservable(self) -> tuple[str, ...]:
        """Return a sentence for each group of flows that are not known, naming them."""
        return tuple(
            f"no balance determines {', '.join(self.flow_code[flow] for flow in group)}: "
            "meter one of them, or give what it is"
            for group in self.unobservable
        )


def plan_reconciliation(balances: Balances, *, is_measured: Bool1D) -> ReconciliationPlan:
    """Return the plan of a plant in which the given flows are measured.

    Parameters
    ----------
    balances : Balances
    is_measured : (f,) bool

    Returns
    -------
    plan : ReconciliationPlan

    Notes
    -----
    Balances that follow from others, as the last one of a closed network does, are left out.
    """
    flow_count = len(balances.flow_code)
    projection = project(balances, is_measured)
    rows, members = projection.rows, projection.members
    order, pattern = order_and_pattern(_neighbours(rows, flow_count))
    reduced = _reduced([rows[i] for i in order], flow_count, pattern)
    independent = _independent(reduced, pattern)
    if not independent.all():
        kept = np.array(order)[independent]
        rows, members = [rows[i] for i in kept], [members[i] for i in kept]
        order, pattern = order_and_pattern(_neighbours(rows, flow_count))
        reduced = _reduced([rows[i] for i in order], flow_count, pattern)
    return ReconciliationPlan(
        flow_code=balances.flow_code,
        balance_code=balances.balance_code,
        is_measured=np.array(is_measured, dtype=np.bool_),
        flow_class=projection.flow_class,
        alike_index=_alike(reduced, projection.flow_class),
        unobservable=projection.unobservable,
        members=tuple(members[i] for i in order),
        pattern=pattern,
        reduced=reduced,
        solved=_solved(projection.solved, reduced, pattern),
    )


def _neighbours(rows: list[Row], flow_count: int) -> list[set[int]]:
    """Return which rows share a flow: the pattern of G G'."""
    holders: list[list[int]] = [[] for _ in range(flow_count)]
    for i, row in enumerate(rows):
        for flow in row:
            holders[flow].append(i)
    found: list[set[int]] = [set() for _ in rows]
    for where in holders:
        if len(where) > 1:
            for i in where:
                found[i].update(where)
    for i, adjacent in enumerate(found):
        adjacent.discard(i)
    return found


def _reduced(rows: list[Row], flow_count: int, pattern: Pattern) -> Reduced:
    lengths = [len(row) for row in rows]
    row_of = np.repeat(np.arange(len(rows), dtype=np.int32), lengths)
    flow_of = np.array([flow for row in rows for flow in row], dtype=np.int32)
    value_of = np.array([value for row in rows for value in row.values()], dtype=np.float64)
    by_flow = np.lexsort((row_of, flow_of))
    row_index, coefficient = row_of[by_flow], value_of[by_flow]
    offset = _offsets(np.bincount(flow_of, minlength=flow_count))
    left, right = _pairs(np.diff(offset), offset)
    by_row = np.lexsort((flow_of, row_of))
    return Reduced(
        offset=offset,
        row_index=row_index,
        coefficient=coefficient,
        flow_offset=_offsets(np.array(lengths, dtype=np.int64)),
        flow_index=flow_of[by_row],
        flow_coefficient=value_of[by_row],
        pair_position=_positions(row_index[left], row_index[right], pattern),
        pair_flow=flow_of[by_flow][left],
        pair_product=coefficient[left] * coefficient[right],
    )


def _offsets(lengths: Int1D) -> Index1D:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)


def _pairs(count: Index1D, offset: Index1D) -> tuple[Int1D, Int1D]:
    """Return every pair of different entries, left before right, of each flow in turn."""
    pairs_left = [np.empty(0, dtype=np.int64)]
    pairs_right = [np.empty(0, dtype=np.int64)]
    owner = [np.empty(0, dtype=np.int64)]
    for size in np.unique(count[count > 1]).tolist():
        flows = np.flatnonzero(count == size)
        left, right = np.triu_indices(size, 1)
        begin = offset[flows].astype(np.int64)[:, np.newaxis]
        pairs_left.append((begin + left).ravel())
        pairs_right.append((begin + right).ravel())
        owner.append(np.repeat(flows, left.size))
    in_turn = np.argsort(np.concatenate(owner), kind="stable")
    return np.concatenate(pairs_left)[in_turn], np.concatenate(pairs_right)[in_turn]


def _positions(column: Index1D, row: Index1D, pattern: Pattern) -> Index1D:
    """Return where the entries (row > column) of the matrix lie in the values of `ldl`."""
    size = pattern.column_offset.size - 1
    columns = np.repeat(np.arange(size, dtype=np.int64), np.diff(pattern.column_offset))
    keys = columns * size + pattern.row_index
    found = size + np.searchsorted(keys, column.astype(np.int64) * size + row)
    return found.astype(np.int32)


def _independent(reduced: Reduced, pattern: Pattern) -> Bool1D:
    """Return which rows do not follow from those before them."""
    size = pattern.column_offset.size - 1
    value = np.zeros(size + pattern.row_index.size)
    np.add.at(value, reduced.row_index, reduced.coefficient**2)
    np.add.at(value, reduced.pair_position, reduced.pair_product)
    factorize(pattern, value, np.zeros(size), _DEPENDENT_SHARE)
    independent: Bool1D = value[:size] > 0.0
    return independent


def _alike(reduced: Reduced, flow_class: Index1D) -> Index1D:
    """Return a number for each redundant flow that those with proportional columns share."""
    number_of: dict[tuple[npt.ArrayLike, ...], int] = {}
    alike = np.full(flow_class.size, -1, dtype=np.int32)
    offset = reduced.offset.tolist()
    rows, coefficients = reduced.row_index.tolist(), reduced.coefficient.tolist()
    for flow in np.flatnonzero(flow_class == FlowClass.REDUNDANT).tolist():
        begin, end = offset[flow], offset[flow + 1]
        first = coefficients[begin]
        ratio = (round(c / first, _PROPORTIONAL_DIGITS) for c in coefficients[begin:end])
        key = (*rows[begin:end], *ratio)
        alike[flow] = number_of.setdefault(key, len(number_of))
    return alike


def _solved(solved: dict[int, Row], reduced: Reduced, pattern: Pattern) -> Solved:
    reaches = []
    for terms in solved.values():
        reach: set[int] = set()
        for flow in terms:
            for row in reduced.row_index[reduced.offset[flow] : reduced.offset[flow + 1]].tolist():
                _climb(row, pattern, reach)
        reaches.append(sorted(reach))
    lengths = np.array([len(terms) for terms in solved.values()], dtype=np.int64)
    return Solved(
        flow_index=np.array(list(solved), dtype=np.int32),
        offset=_offsets(lengths),
        term_index=np.array([flow for terms in solved.values() for flow in terms], dtype=np.int32),
        coefficient=np.array(
            [value for terms in solved.values() for value in terms.values()], dtype=np.float64
        ),
        reach_offset=_offsets(np.array([len(reach) for reach in reaches], dtype=np.int64)),
        reach_row=np.array([row for reach in reaches for row in reach], dtype=np.int32),
    )


def _climb(row: int, pattern: Pattern, reach: set[int]) -> None:
    """Add a row and its ancestors in the elimination tree."""
    while row not in reach:
        reach.add(row)
        begin = int(pattern.column_offset[row])
        if begin == int(pattern.column_offset[row + 1]):
            return
        row = int(pattern.row_index[begin])
