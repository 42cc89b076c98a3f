"""Reconciliation with full matrices: null spaces, pseudo-inverses, and everything anew each step.

A is (balances, flows). The balances of measured flows alone are those combinations of rows in
which the columns of the unmeasured flows vanish (Crowe 1983).
"""

from dataclasses import dataclass

import numpy as np

from compute.grid import Float2D
from compute.topology import Bool1D, Float1D

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Dense:
    flow_class: list[str]
    value: Float1D
    variance: Float1D
    z: Float1D
    objective: float
    degrees_of_freedom: int
    # (m, f), of full row rank; 0 for unmeasured flows.
    projected: Float2D


def null_space(matrix: Float2D) -> Float2D:
    """Return an orthonormal basis, as columns, of what the matrix sends to 0."""
    if 0 in matrix.shape:
        return np.eye(matrix.shape[1])
    _, singular, right = np.linalg.svd(matrix, full_matrices=True)
    rank = int((singular > TOLERANCE * max(singular.max(), 1.0)).sum())
    basis: Float2D = right[rank:].T
    return basis


def row_basis(matrix: Float2D) -> Float2D:
    """Return orthonormal rows that span the rows of the matrix."""
    if 0 in matrix.shape:
        return np.empty((0, matrix.shape[1]))
    _, singular, right = np.linalg.svd(matrix, full_matrices=False)
    basis: Float2D = right[singular > TOLERANCE * max(singular.max(), 1.0)]
    return basis


def reconcile(matrix: Float2D, measured: Bool1D, values: Float1D, sigma: Float1D) -> Dense:
    """Return the reconciled flows of one interval; sigma is more than 0 where measured."""
    flow_count = matrix.shape[1]
    unmeasured = ~measured
    projector = null_space(matrix[:, unmeasured].T).T
    projected = np.zeros((projector.shape[0], flow_count))
    projected[:, measured] = projector @ matrix[:, measured]
    projected = row_basis(projected)
    projected[:, unmeasured] = 0.0
    covariance = np.diag(np.where(measured, sigma, 0.0) ** 2)
    start = np.where(measured, values, 0.0)
    inverse = np.linalg.pinv(projected @ covariance @ projected.T, hermitian=True)
    slope = projected.T @ inverse @ projected @ start
    spread = projected.T @ inverse @ projected
    value = start - covariance @ slope
    estimated = covariance - covariance @ spread @ covariance
    free = null_space(matrix[:, unmeasured])
    known = np.zeros(flow_count, dtype=bool)
    known[unmeasured] = (np.abs(free) < TOLERANCE).all(axis=1)
    by_measured = -np.linalg.pinv(matrix[:, unmeasured]) @ matrix[:, measured]
    value[unmeasured] = by_measured @ value[measured]
    variance = np.diag(estimated).copy()
    inner = estimated[np.ix_(measured, measured)]
    variance[unmeasured] = np.diag(by_measured @ inner @ by_measured.T)
    redundant = measured & (np.abs(projected) > TOLERANCE).any(axis=0)
    z = np.full(flow_count, np.nan)
    z[redundant] = slope[redundant] / np.sqrt(np.diag(spread)[redundant])
    value[unmeasured & ~known] = np.nan
    variance[unmeasured & ~known] = np.nan
    names = np.where(
        measured,
        np.where(redundant, "REDUNDANT", "NON_REDUNDANT"),
        np.where(known, "OBSERVABLE", "UNOBSERVABLE"),
    )
    return Dense(
        flow_class=names.tolist(),
        value=value,
        variance=variance,
        z=z,
        objective=float(slope @ start),
        degrees_of_freedom=len(projected),
        projected=projected,
    )


def alike(dense: Dense, flow: int) -> set[int]:
    """Return the redundant flows whose errors show exactly as those of the given one."""
    found = set()
    for other, name in enumerate(dense.flow_class):
        if name == "REDUNDANT":
            mine, its = dense.projected[:, flow], dense.projected[:, other]
            cosine = abs(mine @ its) / np.sqrt((mine @ mine) * (its @ its))
            if cosine > 1.0 - TOLERANCE:
                found.add(other)
    return found


def eliminate(
    matrix: Float2D,
    measured: Bool1D,
    values: Float1D,
    sigma: Float1D,
    limits: list[float],
) -> tuple[list[set[int]], Dense]:
    """Return suspects, step by step, by taking their measurements away and solving again."""
    measured = measured.copy()
    named = []
    dense = reconcile(matrix, measured, values, sigma)
    for limit in limits:
        size = np.nan_to_num(np.abs(dense.z), nan=0.0)
        if size.size == 0 or size.max() <= limit:
            break
        suspect = int(np.flatnonzero(size > size.max() * (1 - 1e-9))[0])
        named.append(alike(dense, suspect))
        measured[suspect] = False
        dense = reconcile(matrix, measured, values, sigma)
    return named, dense
