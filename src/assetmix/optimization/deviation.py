"""Deviations of scenario returns from their mean."""

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import KINK, TINY


def centered(problem: Problem) -> Matrix:
    """Scenario returns less their mean, (T, n)."""
    scenarios = problem.scenarios()
    return np.asarray(scenarios - problem.probabilities() @ scenarios)


def negligible(rows: Matrix, probabilities: Vector) -> float:
    """Size of a deviation that is solver's noise and has no direction, from rows (T, n)."""
    return max(KINK * float(np.abs(np.sqrt(probabilities)[:, np.newaxis] * rows).max()), TINY)
