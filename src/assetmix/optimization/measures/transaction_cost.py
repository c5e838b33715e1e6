"""What the trades cost."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Tangent, measure
from assetmix.optimization.problem import Problem


@measure("transaction_cost")
@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionCost(Measure):
    """Cost of the trades, fees and impact of every order, as a fraction of value."""

    roles = CONVEX
    bounded_below = True
    counts_trades = True
    linearized = False
    kind: Literal["transaction_cost"] = "transaction_cost"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:  # noqa: ARG002 - the decision knows it
        """State the cost of the trades."""
        return decision.cost / unit

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the cost of the trades."""
        return problem.cost(weights)

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - stated as it is
        """Slope: proportional rate and impact in the direction of each trade; fees lie above it."""
        trades = weights - problem.current_weights
        sizes = np.abs(trades)
        impact = problem.impact_rates
        rates = problem.trading.cost_fraction + 1.5 * impact * np.sqrt(sizes)
        proportional = problem.trading.cost_fraction * sizes + impact * sizes**1.5
        return Tangent(float(proportional.sum()), rates * np.sign(trades))
