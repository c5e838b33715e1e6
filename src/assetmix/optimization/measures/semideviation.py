"""Standard deviation of returns below the mean."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.deviation import centered, negligible
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem


@measure("semideviation")
@dataclass(frozen=True, slots=True, kw_only=True)
class Semideviation(Measure):
    """Root of the mean squared deviation below the mean; those above it count 0 (divisor T - 1).

    With probabilities p the divisor is 1 - sum p^2, which is (T - 1) / T for equal ones.

    Source: Markowitz, Portfolio Selection (1959), ch. 9.
    """

    roles = CONVEX
    bounded_below = True
    homogeneous = True
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["semideviation"] = "semideviation"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State the length of the deviations below the mean, each times the root of its mass."""
        rows = _rows(problem) / unit
        below = cp.Variable(len(rows), nonneg=True, name="deviation below the mean")
        decision.link(-(rows @ decision.weights) <= below)
        return cp.norm2(below)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the length of the deviations below the mean."""
        return np.asarray(np.linalg.norm(np.minimum(weights @ _rows(problem).T, 0.0), axis=-1))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - smooth
        """Slope in the direction of the deviations; shorter where there is all but none."""
        rows = _rows(problem)
        below = np.minimum(rows @ weights, 0.0)
        direction = below / max(float(np.linalg.norm(below)), negligible(centered(problem), problem.probabilities()))
        return Tangent(float(direction @ below), direction @ rows)


def _rows(problem: Problem) -> Matrix:
    mass = problem.probabilities()
    return np.asarray(np.sqrt(mass / (1.0 - mass @ mass))[:, np.newaxis] * centered(problem))
