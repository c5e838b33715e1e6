"""Mean and covariance of weighted rows, in factor form; no matrix of covariances is formed."""

from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.estimation.roots import with_a_row


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of returns, per period: covariance R'R + diag(d), second moments about zero that plus vv'.

    Parameters
    ----------
    mean : (m,)
    root : (k, m) R
    specific_variance : (m,) d
    drift : (m,) v, the mean over the root of the divisor
    """

    mean: Vector
    root: Matrix
    specific_variance: Vector
    drift: Vector


def moments(rows: Matrix, weights: Vector | None = None) -> Moments:
    """Mean and covariance of rows (T, m), deviations about the weighted mean.

    The factor comes from a QR decomposition of the deviations, so the covariance is never squared
    up and back; its rows that are nothing but rounding are left out.

    Parameters
    ----------
    weights : (T,) at least two of them positive, of any sum; None for equal ones. They count as
        probabilities p and the divisor is 1 - sum p^2: T - 1 in place of T where p is equal
    """
    given = np.ones(len(rows)) if weights is None else weights
    probabilities = given / given.sum()
    mean = (probabilities[:, None] * rows).sum(axis=0)  # row by row: equal columns get equal means, to the last bit
    divisor = np.sqrt(remainder(given))
    deviations = (np.sqrt(probabilities) / divisor)[:, None] * (rows - mean)
    return Moments(mean, _root(deviations), np.zeros(rows.shape[1]), mean / divisor)


def remainder(weights: Vector) -> float:
    """1 - sum p^2 of weights as probabilities p; exact to rounding even when one weight is nearly all."""
    largest = int(np.argmax(weights))
    others = np.delete(weights, largest)
    rest = float(others.sum())
    total = float(weights[largest]) + rest
    return float((weights[largest] * rest + others @ (total - others)) / total**2)


def decay(count: int, half_life: float) -> Vector:
    """Weights (count,) that halve every `half_life` periods into the past; the latest, last, is 1."""
    return np.asarray(0.5 ** (np.arange(count - 1, -1, -1) / half_life))


def _root(deviations: Matrix) -> Matrix:
    triangular = np.asarray(np.linalg.qr(deviations, mode="r"))
    sizes = np.abs(triangular).max(axis=1)
    rounding = 8.0 * np.sqrt(deviations.shape[1]) * np.finfo(np.float64).eps
    return with_a_row(triangular[sizes > rounding * sizes.max()])
