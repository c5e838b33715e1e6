"""What holding the positions costs."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Tangent, measure
from assetmix.optimization.problem import Problem


@measure("holding_cost")
@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingCost(Measure):
    """Cost of holding, per period: `holding_fraction` of long and `borrow_fraction` of short positions.

    Both rates stand in the strategy's `trading`.

    Source: Boyd et al., Multi-period trading via convex optimization (2017), section 2.4.
    """

    roles = CONVEX
    bounded_below = True
    linearized = False
    homogeneous = True
    kind: Literal["holding_cost"] = "holding_cost"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State rate x long + rate x short."""
        long, short = self._rates(problem)
        return cp.sum(cp.maximum(long / unit * decision.weights, -short / unit * decision.weights))

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute rate x long + rate x short."""
        long, short = self._rates(problem)
        return np.asarray((long * np.maximum(weights, 0.0) + short * np.maximum(-weights, 0.0)).sum(axis=-1))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - stated as it is
        """Slope: the rate of each side."""
        long, short = self._rates(problem)
        return Tangent(float(self.value(problem, weights)), np.where(weights >= 0, long, -short))

    @staticmethod
    def _rates(problem: Problem) -> tuple[float, float]:
        return problem.trading.holding_fraction, problem.trading.borrow_fraction
