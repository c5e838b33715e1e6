"""Risk models in factor form, so that no covariance matrix has to be built to use one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assetmix.domain.arrays import Matrix, Vector, readonly
from assetmix.domain.universe import Universe


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
    uncentered_root : (k, m) Q with second moments Q'Q in the same unit; None where the model has none
    """

    universe: Universe
    root: Matrix
    specific_variance: Vector
    scenarios: Matrix | None = None
    probabilities: Vector | None = None
    mean: Vector | None = None
    uncentered_root: Matrix | None = None

    @cached_property
    def covariance(self) -> Matrix:
        """(m, m) covariance; for reports and small problems only."""
        return readonly(self.root.T @ self.root + np.diag(self.specific_variance))
