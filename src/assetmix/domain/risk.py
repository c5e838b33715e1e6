"""Risk models in factor form, so that no covariance matrix has to be built to use one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assetmix.domain.arrays import Matrix, Vector, readonly
from assetmix.domain.rows import stacked, with_own_risks
from assetmix.domain.universe import Universe


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """Leading eigenvectors in place of a whole sample covariance; the variance of each instrument stays as it was.

    `dropped` is the part of the total variance that lies beyond the eigenvectors kept: it counts
    as the instruments' own risk, so that what they have in common of it is dropped.
    """

    factors: int
    dropped: float


@dataclass(frozen=True, eq=False)
class RiskModel:
    """Covariance S = R'R + diag(d) of the returns of a universe, with the scenarios behind it.

    Parameters
    ----------
    universe : the m instruments covered
    root : (k, m) R, per period
    specific_variance : (m,) d, per period squared
    scenarios : (T, m) returns in time order, unscaled; None where the model has no scenarios
    probabilities : (T,) probability of each scenario, sums to 1; None for equal ones
    mean : (m,) mean return in the unit of the covariance; None where the model has none
    drift : (m,) v with second moments S + vv' about zero, in the same unit; None where the model has no mean
    compression : what was done to a covariance of too many instruments; None where it is whole
    """

    universe: Universe
    root: Matrix
    specific_variance: Vector
    scenarios: Matrix | None = None
    probabilities: Vector | None = None
    mean: Vector | None = None
    drift: Vector | None = None
    compression: Compression | None = None

    @cached_property
    def covariance(self) -> Matrix:
        """(m, m) covariance; for reports and small problems only."""
        return readonly(self.root.T @ self.root + np.diag(self.specific_variance))

    @cached_property
    def uncentered_root(self) -> Matrix | None:
        """(k, m) Q with second moments Q'Q about zero, specific variance included; None without a drift."""
        if self.drift is None:
            return None
        return stacked([with_own_risks(self.root, self.specific_variance), self.drift[None, :]])

    def product(self, weights: Vector) -> Vector:
        """Covariance times weights (m,) or (m, c), without the covariance matrix."""
        specific = self.specific_variance if weights.ndim == 1 else self.specific_variance[:, None]
        return np.asarray(self.root.T @ (self.root @ weights) + specific * weights)
