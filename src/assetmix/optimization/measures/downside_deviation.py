"""Root mean square of returns below a target."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.deviation import negligible
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem


@measure("downside_deviation")
@dataclass(frozen=True, slots=True, kw_only=True)
class DownsideDeviation(Measure):
    """Root of the mean squared shortfall below `target`, a return per row (divisor T).

    Source: Sortino and van der Meer, Downside risk, Journal of Portfolio Management 17 (1991).
    """

    roles = CONVEX
    bounded_below = True
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["downside_deviation"] = "downside_deviation"
    target: float = 0.0

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]  # depends on a field
        """Shortfalls grow in proportion to the weights only when they are below 0."""
        return self.target == 0

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a target that is no number."""
        if math.isfinite(self.target):
            return ()
        return (Fault("/target", "out-of-range", "target is a return per row, for example 0.0"),)

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State the length of the shortfalls, each times the root of its probability."""
        roots = np.sqrt(problem.probabilities())
        rows = roots[:, np.newaxis] * problem.scenarios() / unit
        below = cp.Variable(len(rows), nonneg=True, name="shortfall")
        decision.link(roots * (self.target / unit) - rows @ decision.weights <= below)
        return cp.norm2(below)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the root mean square of the shortfalls."""
        below = np.maximum(self.target - weights @ problem.scenarios().T, 0.0)
        return np.asarray(np.sqrt(np.square(below) @ problem.probabilities()))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - smooth
        """Slope in the direction of the shortfalls; shorter where there is all but none."""
        scenarios, mass = problem.scenarios(), problem.probabilities()
        below = np.maximum(self.target - scenarios @ weights, 0.0)
        length = math.sqrt(mass @ np.square(below))
        direction = mass * below / max(length, negligible(scenarios, mass))
        return Tangent(float(direction @ below), -(direction @ scenarios))
