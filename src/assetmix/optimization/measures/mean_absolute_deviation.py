"""Mean absolute deviation of the portfolio's return."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.deviation import centered, negligible
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem


@measure("mean_absolute_deviation")
@dataclass(frozen=True, slots=True, kw_only=True)
class MeanAbsoluteDeviation(Measure):
    """Mean distance of the return from its mean, over the scenarios (divisor T).

    Source: Konno and Yamazaki, Mean-absolute deviation portfolio optimization model and its
    applications to Tokyo stock market, Management Science 37 (1991).
    """

    roles = CONVEX
    bounded_below = True
    homogeneous = True
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["mean_absolute_deviation"] = "mean_absolute_deviation"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State twice the mean distance below the mean, which is as large as that above it."""
        rows = centered(problem) / unit
        below = cp.Variable(len(rows), nonneg=True, name="distance below the mean")
        decision.link(-(rows @ decision.weights) <= below, key=self.key)
        return 2.0 * problem.probabilities() @ below

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Average the distances from the mean."""
        return np.asarray(np.abs(weights @ centered(problem).T) @ problem.probabilities())

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:
        """Mean of the deviations below the mean, counted as the solver's duals say where there are any."""
        rows, mass = centered(problem), problem.probabilities()
        counts = mass * (rows @ weights < 0)
        height = -2.0 * float(counts @ rows @ weights)
        if prices is not None and prices.max() > 0:
            priced = np.where(mass > 0, np.maximum(prices, 0.0), 0.0)
            counts = priced / (priced[mass > 0] / mass[mass > 0]).max()
        slope = -2.0 * min(1.0, height / negligible(rows, mass)) * (counts @ rows)
        return Tangent(float(slope @ weights), slope)
