"""Measures that look at the worst of very many items: stated by few rows, found as they are needed.

A sum of weights x CVaR_level of the items' losses needs only the items of its tail. A program that
knows some of them is a relaxation, so that its optimum is a proven bound; the items that its answer
puts into the tail are added until there are none that it does not know.

Sources: Rockafellar and Uryasev, Optimization of conditional value-at-risk, Journal of Risk 2
(2000), for the rows; Kelley, The cutting-plane method for solving convex programs, Journal of the
Society for Industrial and Applied Mathematics 8 (1960), for adding them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import Matrix, Positions, Vector
from assetmix.optimization.problem import Problem

WORST = 1.0
"""The level at which nothing but the largest loss counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """Sum of weights x CVaR_level of the losses of T items; each loss is the largest of linear ones.

    Parameters
    ----------
    parts : weights and levels
    probabilities : (T,) of the items
    losses : from weights (n,) to losses (T,)
    rows : from weights (n,) and items (k,) to the linear losses (k, n) that are largest there
    groups : from weights (n,) to numbers (T,), in order; the worst items of a group are much alike
    """

    parts: tuple[tuple[float, float], ...]
    probabilities: Vector
    losses: Callable[[Vector], Vector]
    rows: Callable[[Vector, Positions], Matrix]
    groups: Callable[[Vector], Positions]


def scenario_tail(problem: Problem, parts: tuple[tuple[float, float], ...]) -> Tail:
    """Losses of single scenarios."""
    scenarios = problem.scenarios()
    everyone = np.arange(len(scenarios))
    return Tail(
        parts,
        problem.probabilities(),
        losses=lambda weights: -(scenarios @ weights),
        rows=lambda _, items: -scenarios[items],
        groups=lambda _: everyone,
    )


def drawdown_tail(problem: Problem, parts: tuple[tuple[float, float], ...]) -> Tail:
    """Falls from the last peak to each row of the path; rows and their peaks are differences of cumulated returns."""
    cumulated = problem.once("cumulated", lambda: _cumulated(problem.scenarios()))
    count = len(cumulated) - 1
    peaks = _Peaks(cumulated)
    return Tail(
        parts,
        np.full(count, 1.0 / count),
        losses=peaks.falls,
        rows=lambda weights, items: cumulated[peaks.of(weights)[items]] - cumulated[items + 1],
        groups=peaks.of,
    )


def _cumulated(scenarios: Matrix) -> Matrix:
    return np.vstack([np.zeros(scenarios.shape[1]), np.cumsum(scenarios, axis=0)])


class _Peaks:
    """Where a path stood highest before each of its rows; the start is a peak."""

    def __init__(self, cumulated: Matrix) -> None:
        self._cumulated = cumulated
        self._last: tuple[Vector, Positions, Vector] | None = None

    def of(self, weights: Vector) -> Positions:
        """Place (T,) of the last peak before each row, the row included."""
        return self._known(weights)[0]

    def falls(self, weights: Vector) -> Vector:
        """Drawdowns (T,)."""
        return self._known(weights)[1]

    def _known(self, weights: Vector) -> tuple[Positions, Vector]:
        """Both for the weights that were asked for last, or found now."""
        if self._last is None or not np.array_equal(self._last[0], weights):
            path = self._cumulated @ weights
            highest = np.maximum.accumulate(path)
            peaks = np.maximum.accumulate(np.where(path >= highest, np.arange(len(path)), 0))
            self._last = (weights.copy(), peaks[1:], (highest - path)[1:])
        return self._last[1:]
