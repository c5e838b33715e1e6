"""Standard deviation of the portfolio's return."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.domain.rows import largest
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import KINK, TINY


@measure("volatility")
@dataclass(frozen=True, slots=True, kw_only=True)
class Volatility(Measure):
    """Standard deviation of the return, in the unit of the risk model."""

    roles = CONVEX
    bounded_below = True
    homogeneous = True
    needs = frozenset({Needs.RISK_MODEL})
    kind: Literal["volatility"] = "volatility"

    def squared(self) -> Measure:
        """The variance."""
        return measure.plain("variance")

    def quadratic_at(self, problem: Problem, weights: Vector) -> tuple[tuple[float, Measure], ...] | None:
        """The variance over twice the volatility."""
        deviation = float(self.value(problem, weights))
        return ((0.5 / deviation, self.squared()),) if deviation > TINY else None

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State |Rw|."""
        return cp.norm2(problem.risk_rows / unit @ decision.weights)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the square root of w'Sw."""
        root = problem.risk_rows
        return np.asarray(np.linalg.norm(weights @ root.T, axis=-1))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - smooth
        """Slope R'u with u the direction of Rw; shorter than 1 where there is all but no risk."""
        root = problem.risk_rows
        exposure = root @ weights
        noise = KINK * largest(root)
        direction = exposure / max(float(np.linalg.norm(exposure)), noise, TINY)
        return Tangent(float(direction @ exposure), root.T @ direction)
