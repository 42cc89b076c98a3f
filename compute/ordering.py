"""The order in which a sparse symmetric matrix is factored, and where its factor is filled.

Done once per topology: the numbers change with every interval, the pattern does not.
"""

import heapq
from typing import NamedTuple

import numpy as np

from compute.topology import Index1D, Int1D

# Fewer columns are not worth a matrix of their own; a mac there costs a quarter of one outside.
_FULL_MIN = 24
_FULL_SHARE = 0.9


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
        From this column on the pattern is almost full, as the last columns of a meshed plant are;
        n where none are worth a matrix of their own.
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
    order = _postordered(eliminated, below)
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
        first_full=_first_full(lengths),
    )


def _first_full(lengths: Int1D) -> int:
    """Return from which column on at least `_FULL_SHARE` of all entries are in the pattern."""
    size = lengths.size
    after = np.arange(size)[::-1]
    entries, places = np.cumsum(lengths[::-1])[::-1], after * (after + 1) // 2
    full = np.flatnonzero((entries >= _FULL_SHARE * places) & (after + 1 >= _FULL_MIN))
    return int(full[0]) if full.size else size


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


def _postordered(eliminated: list[int], below: list[list[int]]) -> list[int]:
    """Return an equivalent order in which each subtree of the elimination tree is contiguous."""
    rank = [0] * len(eliminated)
    for place, row in enumerate(eliminated):
        rank[row] = place
    children: list[list[int]] = [[] for _ in eliminated]
    roots = []
    for row in eliminated:
        if below[row]:
            children[min(below[row], key=rank.__getitem__)].append(row)
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
    return order
