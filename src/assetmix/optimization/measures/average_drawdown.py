"""Mean fall of the portfolio below its running maximum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.drawdown import Summary, drawdown_tangent, path_returns, state_drawdowns
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.paths import compounded_drawdowns, drawdowns
from assetmix.optimization.problem import Problem


@measure("average_drawdown")
@dataclass(frozen=True, slots=True, kw_only=True)
class AverageDrawdown(Measure):
    """Mean drawdown over all rows: how far the path is below the highest point before (divisor T).

    The path is the uncompounded sum of the scenarios' returns, rows in time order, and starts at
    0; its start is a peak but no row. The compounded figure is reported beside it.

    Source: Chekhlov, Uryasev and Zabarankin, Drawdown measure in portfolio optimization, International
    Journal of Theoretical and Applied Finance 8 (2005).
    """

    roles = CONVEX
    bounded_below = True
    homogeneous = True
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["average_drawdown"] = "average_drawdown"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State the mean drawdown."""
        falls = state_drawdowns(problem, decision, unit, self.key)
        return cp.sum(falls) / len(problem.scenarios())

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the mean drawdown."""
        return np.asarray(drawdowns(path_returns(problem, weights)).mean(axis=-1))

    def companions(self, problem: Problem, weights: Vector) -> Mapping[str, float]:
        """Give the same figure of the compounded path, as a fraction of its peaks."""
        falls = compounded_drawdowns(path_returns(problem, weights))
        return {f"{self.key}_compounded": float(falls.mean())}

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:
        """Losses from each peak to each trough; where a trough touches a peak, as the solver's duals say."""
        return drawdown_tangent(problem, weights, prices, Summary(_equal, _gauge))


def _equal(falls: Vector) -> Vector:
    return np.full(len(falls), 1.0 / len(falls))


def _gauge(shares: Vector) -> float:
    return float(shares.max() * len(shares))
