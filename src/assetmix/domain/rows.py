"""Rows R (k, n) with R'R a covariance: dense, or sparse where instruments with a risk of their own are many.

A factor model's own risks are a row each with one entry. Beyond some hundred instruments a dense
matrix of such rows is nearly all zeros, and grows with the square of their number.
"""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector, readonly

SPARSE = 300
"""With more instruments than these own risks are kept as sparse rows; below, dense ones are faster."""


def is_sparse(rows: Matrix) -> bool:
    """Whether rows are kept without their zeros."""
    return not isinstance(rows, np.ndarray)


def with_own_risks(root: Matrix, specific_variance: Vector) -> Matrix:
    """Rows of a factor model: those of its factors (k, n), then one an instrument for its own risk (n,), if any."""
    if not specific_variance.any():
        return root
    deviations = np.sqrt(specific_variance)
    if len(deviations) <= SPARSE:
        return readonly(np.vstack([root, np.diag(deviations)]))
    sparse: Matrix = _scipy().csr_matrix(_scipy().vstack([_scipy().csr_matrix(root), _scipy().diags(deviations)]))
    return sparse


def stacked(parts: Sequence[Matrix]) -> Matrix:
    """Rows one below the other; sparse if any of them are."""
    if any(is_sparse(one) for one in parts):
        sparse: Matrix = _scipy().csr_matrix(_scipy().vstack([_scipy().csr_matrix(one) for one in parts]))
        return sparse
    return np.vstack(parts)


def norms(rows: Matrix) -> Vector:
    """Length of each column (n,): the instruments' volatilities."""
    return np.sqrt(squared_norms(rows))


def squared_norms(rows: Matrix) -> Vector:
    """Squared length of each column (n,)."""
    if is_sparse(rows):
        return np.asarray(_scipy().csr_matrix(rows).power(2).sum(axis=0)).ravel()
    return np.asarray(np.einsum("kn,kn->n", rows, rows))


def own_squares(rows: Matrix) -> Vector:
    """Sum of squares (n,) of the rows that have one entry only: the instruments' own risks."""
    return squared_norms(rows[has_single_entry(rows)])


def has_single_entry(rows: Matrix) -> NDArray[np.bool_]:
    """Which rows (k,) have one entry at most."""
    return np.asarray(_entries(rows) <= 1)


def shared_rows(rows: Matrix) -> Matrix:
    """The rows (k, n) that have more entries than one, dense."""
    return dense(rows[_entries(rows) > 1])


def dense(rows: Matrix) -> Matrix:
    """The rows as an array."""
    return np.asarray(_scipy().csr_matrix(rows).toarray() if is_sparse(rows) else rows)


def _entries(rows: Matrix) -> Vector:
    """How many entries (k,) each row has."""
    return np.asarray((rows != 0).sum(axis=1)).ravel()


def scaled(rows: Matrix, factors: Vector) -> Matrix:
    """Each column times a factor (n,)."""
    return _scipy().csr_matrix(rows @ _scipy().diags(factors)) if is_sparse(rows) else rows * factors


def gram(rows: Matrix) -> Matrix:
    """R'R (n, n), dense."""
    product = rows.T @ rows
    return np.asarray(_scipy().csr_matrix(product).toarray() if is_sparse(product) else product)


def column(rows: Matrix, place: int) -> Vector:
    """One column (k,), dense."""
    return dense(rows[:, [place]])[:, 0] if is_sparse(rows) else rows[:, place]


def largest(rows: Matrix) -> float:
    """Largest absolute entry, 0 where there are none."""
    entries = rows.data if is_sparse(rows) else rows
    return float(np.abs(entries).max(initial=0.0))


def _scipy() -> Any:  # noqa: ANN401 - a module; only processes that compute load it
    return importlib.import_module("scipy.sparse")
