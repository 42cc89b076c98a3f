"""The order in which a sparse symmetric matrix is factored, and where its factor is filled.

Done once per topology: the numbers change with every interval, the pattern does not.
"""

import heapq
from typing import NamedTuple

import numpy as np

from compute.topology import Index1D, Int1D

# Fewer columns are not worth a matrix of their own.
_FULL_MIN = 24
# What a multiplication in the full matrix costs of one on the pattern: 0.05 of 1.7 ns.
_FULL_PRICE = 0.03


class Pattern(NamedTuple):
    """The pattern of L in L D L' = M, with rows and columns in the order of elimination.

    Attributes
    ----------
    column_offset : (n + 1,) int32
    row_index : (z,) int32
        Rows of each column below the diagonal, ascending; the first is the column's parent in the
        elimination tree.
    row_offset : (n + 1,) int32
    row_column, row_position : (z,) int32
        The same entries by row: their column, and their place in `row_index`.
    first_full : int
        From this column on it is cheaper to work on a full matrix, as in a meshed plant; n where it
        is nowhere.
    """

    column_offset: Index1D
    row_index: Index1D
    row_offset: Index1D
    row_column: Index1D
    row_position: Index1D
    first_full: int


def order_and_pattern(neighbours: list[set[int]]) -> tuple[list[int], Pattern]:
    """Return the order of elimination and the pattern of the factor.

    Parameters
    ----------
    neighbours : list of set of int
        Off-diagonal entries of each row of the symmetric matrix. Used up.

    Returns
    -------
    order : list of int
        Row of the matrix at each place of the order.
    pattern : Pattern
    """
    eliminated, below = _minimum_degree(neighbours)
    first_full = _first_full(np.array([len(below[row]) for row in eliminated], dtype=np.int64))
    order = _postordered(eliminated, below, first_full)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    columns = [np.sort(place[below[row]]) for row in order]
    row_index = np.concatenate([np.empty(0, dtype=np.int32), *columns]).astype(np.int32)
    lengths = np.array([len(column) for column in columns], dtype=np.int64)
    column_offset = _offsets(lengths)
    column_of = np.repeat(np.arange(len(order), dtype=np.int32), lengths)
    by_row = np.argsort(row_index, kind="stable").astype(np.int32)
    return order, Pattern(
        column_offset=column_offset,
        row_index=row_index,
        row_offset=_offsets(np.bincount(row_index, minlength=len(order))),
        row_column=column_of[by_row],
        row_position=by_row,
        first_full=first_full,
    )


def _first_full(lengths: Int1D) -> int:
    """Return from which column on a full matrix is cheapest, given the entries of each column.

    To factor and invert takes a column of l entries 3/2 l^2 multiplications on the pattern, and n
    columns 1/2 n^3 in a full matrix.
    """
    before = np.concatenate([[0.0], np.cumsum(1.5 * lengths.astype(np.float64) ** 2)])
    full_count = np.arange(lengths.size, -1, -1).astype(np.float64)
    price = before + _FULL_PRICE * 0.5 * full_count**3
    price[(full_count > 0) & (full_count < _FULL_MIN)] = np.inf
    # Of equal prices the last, with the smallest matrix.
    return int(lengths.size - np.argmin(price[::-1]))


def _offsets(lengths: Int1D) -> Index1D:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)


def _minimum_degree(neighbours: list[set[int]]) -> tuple[list[int], list[list[int]]]:
    """Return rows in the order of elimination, and what each leaves connected.

    Whichever row has the fewest neighbours goes next, the lower row of two (Tinney's scheme 2).
    """
    waiting = [(len(adjacent), row) for row, adjacent in enumerate(neighbours)]
    heapq.heapify(waiting)
    order: list[int] = []
    below: list[list[int]] = [[] for _ in neighbours]
    gone = [False] * len(neighbours)
    while waiting:
        degree, row = heapq.heappop(waiting)
        if gone[row] or degree != len(neighbours[row]):
            continue
        adjacent = neighbours[row]
        gone[row] = True
        order.append(row)
        below[row] = sorted(adjacent)
        for other in below[row]:
            others = neighbours[other]
            others.discard(row)
            others |= adjacent
            others.discard(other)
            heapq.heappush(waiting, (len(others), other))
        neighbours[row] = set()
    return order, below


def _postordered(eliminated: list[int], below: list[list[int]], first_full: int) -> list[int]:
    """Return an equivalent order in which each subtree of the elimination tree is contiguous.

    What is eliminated from `first_full` on stays where it is: few of those columns are short, and
    each long one among the others would be worth more in the full matrix.
    """
    rank = [0] * len(eliminated)
    for place, row in enumerate(eliminated):
        rank[row] = place
    children: list[list[int]] = [[] for _ in eliminated]
    roots = []
    for row in eliminated[:first_full]:
        parent = min(below[row], key=rank.__getitem__, default=-1)
        if parent >= 0 and rank[parent] < first_full:
            children[parent].append(row)
        else:
            roots.append(row)
    order: list[int] = []
    stack = list(roots)
    # A parent before its children, then the whole turned around.
    while stack:
        row = stack.pop()
        order.append(row)
        stack.extend(children[row])
    order.reverse()
    return order + eliminated[first_full:]
