"""L D L' of a full symmetric matrix, and its inverse, four rows by four rows at a time.

Inner loops run along rows into a tile of their own, so that a compiler turns them into vector
operations without changing the order of any sum, and every row that is read serves four others.
"""

import numpy as np

from compute._jit import kernel
from compute.grid import Float2D
from compute.topology import Float1D

_BLOCK = 4
# Columns of a tile: its four rows lie side by side in the nearest cache.
_TILE = 256


@kernel
def factorize_full(matrix: Float2D, diagonal: Float1D, singular_share: float) -> int:
    """Replace the upper triangle by D and L'; return how many pivots vanish.

    Parameters
    ----------
    matrix : (n, n) float64
        Its upper triangle; what lies below is lost.
    diagonal : (n,) float64
        What a pivot is compared with.
    singular_share : float
        A pivot of no more than this share is set to 0 with its row.
    """
    size = matrix.shape[0]
    vanished = 0
    tile = np.empty(_BLOCK * _TILE)
    share = np.zeros((_BLOCK, size))
    for begin in range(0, size, _BLOCK):
        end = min(begin + _BLOCK, size)
        _take_away(matrix, share, tile, begin, end)
        for k in range(begin, end):
            for before in range(begin, k):
                _subtract(matrix[k], matrix[before], _share(matrix[before], before, k), k)
            if matrix[k, k] <= singular_share * diagonal[k]:
                vanished += 1
                matrix[k, k:] = 0.0
    for k in range(size):
        if matrix[k, k] != 0.0:
            matrix[k, k + 1 :] /= matrix[k, k]
    return vanished


@kernel
def _take_away(matrix: Float2D, share: Float2D, tile: Float1D, begin: int, end: int) -> None:
    """Subtract from the rows of a block their parts of all rows before, which are whole blocks."""
    size = matrix.shape[0]
    for k in range(begin):
        for i in range(begin, end):
            share[i - begin, k] = _share(matrix[k], k, i)
    for first in range(begin, size, _TILE):
        width = min(_TILE, size - first)
        tile[:] = 0.0
        for k in range(0, begin, _BLOCK):
            _add_rows(tile, share, matrix, k, first, width)
        for i in range(begin, end):
            _subtract(matrix[i, first : first + width], tile[(i - begin) * _TILE :], 1.0, 0)


@kernel
def _subtract(row: Float1D, other: Float1D, factor: float, first: int) -> None:
    for c in range(first, row.size):
        row[c] -= factor * other[c]


@kernel
def _share(row: Float1D, pivot: int, i: int) -> float:
    return float(row[i] / row[pivot]) if row[pivot] != 0.0 else 0.0


@kernel
def _add_rows(
    tile: Float1D, share: Float2D, matrix: Float2D, k: int, first: int, width: int
) -> None:
    """Add to the four rows of a tile their shares of the four rows of the matrix from `k` on."""
    one, two = matrix[k, first : first + width], matrix[k + 1, first : first + width]
    three, four = matrix[k + 2, first : first + width], matrix[k + 3, first : first + width]
    a0, a1, a2, a3 = share[0, k], share[0, k + 1], share[0, k + 2], share[0, k + 3]
    b0, b1, b2, b3 = share[1, k], share[1, k + 1], share[1, k + 2], share[1, k + 3]
    c0, c1, c2, c3 = share[2, k], share[2, k + 1], share[2, k + 2], share[2, k + 3]
    d0, d1, d2, d3 = share[3, k], share[3, k + 1], share[3, k + 2], share[3, k + 3]
    for c in range(width):
        w, x, y, z = one[c], two[c], three[c], four[c]
        tile[c] += (a0 * w + a1 * x) + (a2 * y + a3 * z)
        tile[c + _TILE] += (b0 * w + b1 * x) + (b2 * y + b3 * z)
        tile[c + 2 * _TILE] += (c0 * w + c1 * x) + (c2 * y + c3 * z)
        tile[c + 3 * _TILE] += (d0 * w + d1 * x) + (d2 * y + d3 * z)


@kernel
def invert_full(matrix: Float2D) -> None:
    """Replace D and L' in the upper triangle by the whole inverse of L D L'.

    As in `ldl.invert_on_pattern`, from the last row to the first; 0 for what vanished.
    """
    size = matrix.shape[0]
    tile = np.empty(_BLOCK * _TILE)
    product = np.empty((_BLOCK, size))
    # Rows that make no whole block are the last, so that they come first.
    begin = size // _BLOCK * _BLOCK
    product[:] = 0.0
    _invert_rows(matrix, product, begin, size)
    for begin in range(size // _BLOCK * _BLOCK - _BLOCK, -1, -_BLOCK):
        _add_block(matrix, product, tile, begin)
        _invert_rows(matrix, product, begin, begin + _BLOCK)


@kernel
def _add_block(matrix: Float2D, product: Float2D, tile: Float1D, begin: int) -> None:
    """Write what four rows take of the inverse of all that comes after them."""
    size, end = matrix.shape[0], begin + _BLOCK
    whole = end + (size - end) // _BLOCK * _BLOCK
    for first in range(end, size, _TILE):
        width = min(_TILE, size - first)
        tile[:] = 0.0
        for k in range(end, whole, _BLOCK):
            _add_rows(tile, matrix[begin:end], matrix, k, first, width)
        for r in range(_BLOCK):
            row = product[r, first : first + width]
            row[:] = tile[r * _TILE : r * _TILE + width]
            for k in range(whole, size):
                _subtract(row, matrix[k, first : first + width], -matrix[begin + r, k], 0)


@kernel
def _invert_rows(matrix: Float2D, product: Float2D, begin: int, end: int) -> None:
    """Write the rows of a block of the inverse, the last first."""
    size = matrix.shape[0]
    for j in range(end - 1, begin - 1, -1):
        own = product[j - begin]
        for k in range(j + 1, end):
            _subtract(own, matrix[k], -matrix[j, k], end)
        for i in range(j + 1, end):
            own[i] = _product(matrix[j, j + 1 :], matrix[i, j + 1 :])
        pivot = matrix[j, j]
        diagonal = 1.0 / pivot if pivot != 0.0 else 0.0
        matrix[j, j] = diagonal + _product(matrix[j, j + 1 :], own[j + 1 :])
        for k in range(j + 1, size):
            matrix[j, k] = -own[k]
        for k in range(j + 1, end):
            matrix[k, j] = -own[k]
    # The other triangle, four columns at a time.
    for k in range(end, size):
        for j in range(begin, end):
            matrix[k, j] = matrix[j, k]


@kernel
def _product(row: Float1D, other: Float1D) -> float:
    """Return the scalar product: four sums side by side, so that none waits for another."""
    one = two = three = four = 0.0
    whole = row.size // 4 * 4
    for k in range(0, whole, 4):
        one += row[k] * other[k]
        two += row[k + 1] * other[k + 1]
        three += row[k + 2] * other[k + 2]
        four += row[k + 3] * other[k + 3]
    for k in range(whole, row.size):
        one += row[k] * other[k]
    return (one + two) + (three + four)
