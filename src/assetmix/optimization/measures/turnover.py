"""Turnover: how much is traded."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Tangent, measure
from assetmix.optimization.problem import Problem


@measure("turnover")
@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover(Measure):
    """Sum of absolute trades, buys and sells both counted, as a fraction of value."""

    roles = CONVEX
    bounded_below = True
    counts_trades = True
    linearized = False
    kind: Literal["turnover"] = "turnover"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:  # noqa: ARG002 - trades suffice
        """State |w - w0|_1."""
        return cp.sum(decision.sizes) / unit

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute |w - w0|_1."""
        return np.asarray(np.abs(weights - problem.current_weights).sum(axis=-1))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - stated as it is
        """Slope: the sign of each trade."""
        return Tangent(float(self.value(problem, weights)), np.sign(weights - problem.current_weights))
