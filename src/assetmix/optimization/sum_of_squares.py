"""Sums of squares as cvxpy states them with the fewest variables.

cvxpy gives each row of |Fw - g|^2 a variable of its own. A row with a single entry, an instrument's
own risk, needs none: it is a square of that weight, less a line.
"""

import importlib

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.rows import has_single_entry, squared_norms
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression


def sum_of_squares(rows: Matrix, offset: Vector | None, weights: Expression) -> Expression:
    """State |Fw - g|^2 with rows F (k, n) and offsets g (k,), all 0 where there are none, of weights w (n,)."""
    if not isinstance(weights, cp.Variable):
        return cp.sum_squares(_images(rows, offset, weights))
    single = has_single_entry(rows)
    if not single.any():
        return cp.sum_squares(_images(rows, offset, weights))
    own, shared = rows[single], rows[~single]
    diagonal = importlib.import_module("scipy.sparse").diags(squared_norms(own), format="csc")
    total = cp.quad_form(weights, diagonal, assume_PSD=True)
    if offset is not None:
        total = total - 2.0 * (own.T @ offset[single]) @ weights + float(offset[single] @ offset[single])
    if shared.shape[0] == 0:
        return total
    return total + cp.sum_squares(_images(shared, None if offset is None else offset[~single], weights))


def _images(rows: Matrix, offset: Vector | None, weights: Expression) -> Expression:
    images = rows @ weights
    return images if offset is None else images - np.asarray(offset)
