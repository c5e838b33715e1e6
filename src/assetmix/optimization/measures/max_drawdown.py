"""Largest fall of the portfolio below its running maximum."""

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
from assetmix.optimization.tails import WORST, Tail, drawdown_tail


@measure("max_drawdown")
@dataclass(frozen=True, slots=True, kw_only=True)
class MaxDrawdown(Measure):
    """Largest drawdown: how far the path falls at most below the highest point before.

    The path is the uncompounded sum of the scenarios' returns, rows in time order, and starts at
    0; its start is a peak but no row. The compounded figure is reported beside it.

    Source: Chekhlov, Uryasev and Zabarankin, Drawdown measure in portfolio optimization, International
    Journal of Theoretical and Applied Finance 8 (2005).
    """

    roles = CONVEX
    bounded_below = True
    homogeneous = True
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["max_drawdown"] = "max_drawdown"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State the largest drawdown."""
        return cp.max(state_drawdowns(problem, decision, unit, self.key))

    def tail(self, problem: Problem) -> Tail | None:
        """The rows with the deepest drawdowns."""
        return drawdown_tail(problem, ((1.0, WORST),))

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the largest drawdown."""
        return np.asarray(drawdowns(path_returns(problem, weights)).max(axis=-1))

    def companions(self, problem: Problem, weights: Vector) -> Mapping[str, float]:
        """Give the same figure of the compounded path, as a fraction of its peaks."""
        falls = compounded_drawdowns(path_returns(problem, weights))
        return {f"{self.key}_compounded": float(falls.max())}

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:
        """Loss from peak to trough of the worst drawdown; where several are, as the solver's duals say."""
        return drawdown_tangent(problem, weights, prices, Summary(_worst, np.sum))


def _worst(falls: Vector) -> Vector:
    shares = np.zeros(len(falls))
    shares[np.argmax(falls)] = 1.0
    return shares
