"""Standard deviation of the portfolio's return."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem


@measure("volatility")
@dataclass(frozen=True, slots=True, kw_only=True)
class Volatility(Measure):
    """Standard deviation of the return, in the unit of the risk model."""

    roles = CONVEX
    needs = frozenset({Needs.RISK_MODEL})
    kind: Literal["volatility"] = "volatility"

    def expression(self, problem: Problem, decision: Decision) -> Expression:
        """State |Rw|."""
        return cp.norm2(problem.root[:, : len(problem.universe)] @ decision.weights)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the square root of w'Sw."""
        root = problem.root[:, : len(problem.universe)]
        return np.asarray(np.linalg.norm(weights @ root.T, axis=-1))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - smooth
        """Slope Sw / |Rw|; 0 where there is no risk."""
        root = problem.root[:, : len(problem.universe)]
        exposure = root @ weights
        length = float(np.linalg.norm(exposure))
        return Tangent(length, root.T @ exposure / length if length > 0 else np.zeros(len(weights)))
