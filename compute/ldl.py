"""L D L' of a sparse symmetric positive semidefinite matrix, on a pattern made beforehand.

Values lie in one array: the diagonal first, then the entries of `Pattern.row_index`. Every loop
runs in one fixed order, so the same numbers give the same bits. The last columns of a meshed plant
are almost full: they are worked on as a full matrix (`ldl_full`).
"""

import numpy as np

from compute._jit import kernel
from compute.grid import Float2D
from compute.ldl_full import factorize_full, invert_full
from compute.ordering import Pattern
from compute.topology import Float1D, Index1D


@kernel
def factorize(pattern: Pattern, value: Float1D, work: Float1D, singular_share: float) -> int:
    """Replace M by D and L; return how many pivots vanish.

    A pivot of no more than `singular_share` of its diagonal entry is set to 0 with its column: its
    row depends on those before it. `work` has a number for every row.
    """
    size = pattern.column_offset.size - 1
    vanished = 0
    first = pattern.first_full
    for j in range(first):
        begin, end = size + pattern.column_offset[j], size + pattern.column_offset[j + 1]
        for p in range(begin, end):
            work[pattern.row_index[p - size]] = value[p]
        pivot = value[j]
        for t in range(pattern.row_offset[j], pattern.row_offset[j + 1]):
            column = pattern.row_column[t]
            position = size + pattern.row_position[t]
            scaled = value[position] * value[column]
            pivot -= value[position] * scaled
            for q in range(position + 1, size + pattern.column_offset[column + 1]):
                work[pattern.row_index[q - size]] -= value[q] * scaled
        if pivot <= singular_share * value[j]:
            vanished += 1
            value[j] = 0.0
            value[begin:end] = 0.0
        else:
            value[j] = pivot
            for p in range(begin, end):
                value[p] = work[pattern.row_index[p - size]] / pivot
    if first < size:
        vanished += _factorize_rest(pattern, value, singular_share)
    return vanished


@kernel
def _full_rest(pattern: Pattern, value: Float1D) -> Float2D:
    """Return the columns from `first_full` on as the upper triangle of a full matrix."""
    first, size = pattern.first_full, pattern.column_offset.size - 1
    full = np.zeros((size - first, size - first))
    for j in range(first, size):
        row = full[j - first]
        row[j - first] = value[j]
        for p in range(pattern.column_offset[j], pattern.column_offset[j + 1]):
            row[pattern.row_index[p] - first] = value[size + p]
    return full


@kernel
def _put_rest(pattern: Pattern, full: Float2D, value: Float1D) -> None:
    """Write the upper triangle of a full matrix to the columns from `first_full` on."""
    first, size = pattern.first_full, pattern.column_offset.size - 1
    for j in range(first, size):
        row = full[j - first]
        value[j] = row[j - first]
        for p in range(pattern.column_offset[j], pattern.column_offset[j + 1]):
            value[size + p] = row[pattern.row_index[p] - first]


@kernel
def _factorize_rest(pattern: Pattern, value: Float1D, singular_share: float) -> int:
    """Factor the columns from `first_full` on; return how many pivots vanish."""
    first, size = pattern.first_full, pattern.column_offset.size - 1
    full = _full_rest(pattern, value)
    for j in range(first, size):
        row = full[j - first]
        # What the columns before take away.
        for t in range(pattern.row_offset[j], pattern.row_offset[j + 1]):
            column = pattern.row_column[t]
            if column >= first:
                break
            position = size + pattern.row_position[t]
            scaled = value[position] * value[column]
            for q in range(position, size + pattern.column_offset[column + 1]):
                row[pattern.row_index[q - size] - first] -= value[q] * scaled
    vanished = factorize_full(full, value[first:size], singular_share)
    _put_rest(pattern, full, value)
    return vanished


@kernel
def solve_lower(pattern: Pattern, value: Float1D, vector: Float1D) -> None:
    """Replace b by the solution of L x = b."""
    size = pattern.column_offset.size - 1
    for j in range(size):
        if vector[j] != 0.0:
            for p in range(pattern.column_offset[j], pattern.column_offset[j + 1]):
                vector[pattern.row_index[p]] -= value[size + p] * vector[j]


@kernel
def solve_upper(pattern: Pattern, value: Float1D, vector: Float1D) -> None:
    """Replace b by the solution of D L' x = b, 0 where a pivot vanished."""
    size = pattern.column_offset.size - 1
    for j in range(size - 1, -1, -1):
        if value[j] == 0.0:
            vector[j] = 0.0
            continue
        total = vector[j] / value[j]
        for p in range(pattern.column_offset[j], pattern.column_offset[j + 1]):
            total -= value[size + p] * vector[pattern.row_index[p]]
        vector[j] = total


@kernel
def invert_on_pattern(
    pattern: Pattern, value: Float1D, work: Float1D, total: Float1D, inverse: Float1D
) -> None:
    """Write the entries of the inverse of M that lie on the pattern of L.

    Takahashi, Fagan and Chen 1973: Z = D^-1 L^-1 + Z (I - L'), from the last column to the first,
    needs no other entries of Z. `work` and `total` have a number for every row, `work` NaN in each
    before and after.
    """
    size = pattern.column_offset.size - 1
    first = pattern.first_full
    full = _invert_rest(pattern, value, inverse)
    for j in range(first - 1, -1, -1):
        begin, end = pattern.column_offset[j], pattern.column_offset[j + 1]
        for p in range(begin, end):
            i = pattern.row_index[p]
            work[i] = value[size + p]
            total[i] = 0.0
        for p in range(begin, end):
            k = pattern.row_index[p]
            times = value[size + p]
            own = times * inverse[k]
            if k >= first:
                # Whatever else the column has below lies in the full matrix.
                for q in range(p + 1, end):
                    i = pattern.row_index[q]
                    own += full[k - first, i - first] * work[i]
                    total[i] += full[k - first, i - first] * times
            else:
                for q in range(pattern.column_offset[k], pattern.column_offset[k + 1]):
                    i = pattern.row_index[q]
                    if not np.isnan(work[i]):
                        own += inverse[size + q] * work[i]
                        total[i] += inverse[size + q] * times
            total[k] += own
        diagonal = 1.0 / value[j] if value[j] != 0.0 else 0.0
        for p in range(begin, end):
            i = pattern.row_index[p]
            inverse[size + p] = -total[i]
            diagonal += work[i] * total[i]
            work[i] = np.nan
        inverse[j] = diagonal


@kernel
def _invert_rest(pattern: Pattern, value: Float1D, inverse: Float1D) -> Float2D:
    """Write the inverse of the columns from `first_full` on; return it as a full matrix."""
    full = _full_rest(pattern, value)
    invert_full(full)
    _put_rest(pattern, full, inverse)
    return full


@kernel
def inverse_norm(pattern: Pattern, value: Float1D, vector: Float1D, reached: Index1D) -> float:
    """Return v' M^-1 v for a v that L reaches in the ascending rows `reached`; v becomes 0."""
    size = pattern.column_offset.size - 1
    total = 0.0
    for j in reached:
        if value[j] != 0.0:
            for p in range(pattern.column_offset[j], pattern.column_offset[j + 1]):
                vector[pattern.row_index[p]] -= value[size + p] * vector[j]
            total += vector[j] * vector[j] / value[j]
        vector[j] = 0.0
    return total
