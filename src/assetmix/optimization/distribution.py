"""Which distribution of returns a tail is measured in: the scenarios themselves, or a normal one."""

import math
from statistics import NormalDist
from typing import Literal, TypeAlias

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.measure import Needs
from assetmix.optimization.problem import Problem

Distribution: TypeAlias = Literal["empirical", "normal"]
"""`empirical` takes the scenarios as they are, `normal` the mean and the covariance."""

STANDARD = NormalDist()


def needs_of(distribution: Distribution) -> frozenset[Needs]:
    """What a tail measure must be given under a distribution."""
    if distribution == "normal":
        return frozenset({Needs.RISK_MODEL, Needs.EXPECTED_RETURNS})
    return frozenset({Needs.SCENARIOS})


def empirical(problem: Problem) -> Matrix:
    """Scenario returns (T, n).

    Raises
    ------
    InvalidRequest
        when the risk model has none; the cure is the normal distribution
    """
    if problem.required_risk().scenarios is None:
        cure = 'the risk model has no scenarios; use "distribution": "normal", or a risk model that has scenarios'
        raise InvalidRequest(cure, [Fault("/risk_model", "missing", cure)])
    return problem.scenarios()


def normal_loss(problem: Problem, weights: Vector, deviations: float) -> Vector:
    """Mean loss and a number of standard deviations on top, shape (...), of weights (..., n)."""
    root = problem.risk_rows
    volatility = np.linalg.norm(weights @ root.T, axis=-1)
    return np.asarray(deviations * volatility - weights @ problem.expected_returns())


def normal_quantile(level: float) -> float:
    """Standard deviations between the mean and the loss that is not exceeded with probability `level`."""
    return STANDARD.inv_cdf(level)


def normal_tail(level: float) -> float:
    """Standard deviations between the mean and the mean of the worst 1 - `level` of a normal distribution.

    Source: McNeil, Frey and Embrechts, Quantitative Risk Management, 2nd ed., example 2.14.
    """
    if level == 0:
        return 0.0
    return math.exp(-(normal_quantile(level) ** 2) / 2) / math.sqrt(2 * math.pi) / (1.0 - level)
