"""A risk model as its owner gives it: one of three forms, in a unit of his own."""

import datetime as dt
from dataclasses import dataclass

from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.universe import Universe


@dataclass(frozen=True, eq=False, kw_only=True)
class GivenModel:
    """Covariance, factor form or scenarios of m instruments, taken as they are and never rescaled.

    Parameters
    ----------
    universe : the m instruments covered
    horizon_days : calendar days that the figures speak of; None where nobody said
    as_of : day that the model is of; None where nobody said
    expected_returns : (m,)
    covariance : (m, m)
    exposures : (m, k) factor exposures, with `factor_covariance` (k, k) and `specific_variance` (m,)
    scenarios : (T, m) returns in time order, with `probabilities` (T,) or equal ones
    """

    universe: Universe
    horizon_days: float | None = None
    as_of: dt.date | None = None
    expected_returns: Vector | None = None
    covariance: Matrix | None = None
    exposures: Matrix | None = None
    factor_covariance: Matrix | None = None
    specific_variance: Vector | None = None
    scenarios: Matrix | None = None
    probabilities: Vector | None = None
