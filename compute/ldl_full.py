"""L D L' of a full symmetric matrix, and its inverse, four rows at a time.

Inner loops run along rows and change no row that they read, so that a compiler turns them into
vector operations without changing the order of any sum.
"""

import numpy as np

from compute._jit import kernel
from compute.grid import Float2D
from compute.topology import Float1D

_BLOCK = 4


@kernel
def factorize_full(matrix: Float2D, diagonal: Float1D, singular_share: float) -> int:
    """Replace the upper triangle by D and L'; return how many pivots vanish.

    Parameters
    ----------
    matrix : (n, n) float64
        Its upper triangle.
    diagonal : (n,) float64
        What a pivot is compared with.
    singular_share : float
        A pivot of no more than this share is set to 0 with its row.
    """
    size = matrix.shape[0]
    vanished = 0
    for begin in range(0, size, _BLOCK):
        end = min(begin + _BLOCK, size)
        for k in range(begin, end):
            for before in range(begin, k):
                if matrix[before, before] != 0.0:
                    factor = matrix[before, k] / matrix[before, before]
                    _subtract(matrix[k], matrix[before], factor, k)
            if matrix[k, k] <= singular_share * diagonal[k]:
                vanished += 1
                matrix[k, k:] = 0.0
        if end - begin == _BLOCK:
            for i in range(end, size):
                _subtract_four(matrix, begin, i)
    for k in range(size):
        if matrix[k, k] != 0.0:
            matrix[k, k + 1 :] /= matrix[k, k]
    return vanished


@kernel
def _subtract(row: Float1D, other: Float1D, factor: float, first: int) -> None:
    for c in range(first, row.size):
        row[c] -= factor * other[c]


@kernel
def _subtract_four(matrix: Float2D, begin: int, i: int) -> None:
    """Subtract from row i its parts of the four rows from `begin` on."""
    row = matrix[i]
    one, two, three, four = matrix[begin], matrix[begin + 1], matrix[begin + 2], matrix[begin + 3]
    a = _share(one, begin, i)
    b = _share(two, begin + 1, i)
    c = _share(three, begin + 2, i)
    d = _share(four, begin + 3, i)
    for k in range(i, row.size):
        row[k] -= (a * one[k] + b * two[k]) + (c * three[k] + d * four[k])


@kernel
def _share(row: Float1D, pivot: int, i: int) -> float:
    return float(row[i] / row[pivot]) if row[pivot] != 0.0 else 0.0


@kernel
def invert_full(matrix: Float2D) -> None:
    """Replace D and L' in the upper triangle by the whole inverse of L D L'.

    As in `ldl.invert_on_pattern`, from the last row to the first; 0 for what vanished.
    """
    size = matrix.shape[0]
    product = np.empty(size)
    for j in range(size - 1, -1, -1):
        product[j + 1 :] = 0.0
        k = j + 1
        while k + _BLOCK <= size:
            _add_four(matrix, product, j, k)
            k += _BLOCK
        while k < size:
            _subtract(product, matrix[k], -matrix[j, k], j + 1)
            k += 1
        pivot = matrix[j, j]
        diagonal = 1.0 / pivot if pivot != 0.0 else 0.0
        for k in range(j + 1, size):
            diagonal += matrix[j, k] * product[k]
        matrix[j, j] = diagonal
        for k in range(j + 1, size):
            matrix[j, k] = -product[k]
            matrix[k, j] = -product[k]


@kernel
def _add_four(matrix: Float2D, product: Float1D, j: int, k: int) -> None:
    """Add to the product the parts of four rows of the inverse."""
    one, two, three, four = matrix[k], matrix[k + 1], matrix[k + 2], matrix[k + 3]
    a, b, c, d = matrix[j, k], matrix[j, k + 1], matrix[j, k + 2], matrix[j, k + 3]
    for i in range(j + 1, product.size):
        product[i] += (a * one[i] + b * two[i]) + (c * three[i] + d * four[i])
