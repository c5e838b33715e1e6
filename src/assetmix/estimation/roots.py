"""Roots of covariance matrices, singular ones included."""

import numpy as np

from assetmix.domain.arrays import Matrix

SAFE = 1e-10
"""Smallest squared pivot, relative to the largest variance, with which a triangular root is taken."""


def symmetrized(matrix: Matrix) -> Matrix:
    """Average a matrix with its transpose; what `given_check` lets pass differs by rounding only."""
    return np.asarray((matrix + matrix.T) / 2.0)


def covariance_root(matrix: Matrix) -> Matrix:
    """R (k, m) with R'R equal to a positive semidefinite matrix (m, m), k its rank but at least one.

    A triangular root where the matrix is well away from singular; else scaled eigenvectors, those
    of eigenvalues that are zero to rounding, or negative, left out. For a matrix that is negative
    within tolerance that is the nearest positive semidefinite one.

    Source: Higham, Computing a nearest symmetric positive semidefinite matrix, Linear Algebra and
    its Applications 103, 1988.
    """
    whole = symmetrized(matrix)
    triangular = _triangular(whole)
    if triangular is not None:
        return triangular
    values, vectors = np.linalg.eigh(whole)
    rounding = 8.0 * np.sqrt(len(whole)) * np.finfo(np.float64).eps
    kept = values > rounding * max(float(values[-1]), 0.0)
    return with_a_row(np.sqrt(values[kept])[:, None] * vectors[:, kept].T)


def with_a_row(root: Matrix) -> Matrix:
    """Give a root without rows one of zeros, so that nobody has to know of empty ones."""
    return np.zeros((1, root.shape[1])) if len(root) == 0 else np.asarray(root)


def _triangular(matrix: Matrix) -> Matrix | None:
    try:
        lower = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None
    pivots = np.square(np.diagonal(lower))
    return np.asarray(lower.T) if pivots.min() > SAFE * np.diagonal(matrix).max() else None
