"""Root mean square fall of the portfolio below its running maximum."""

import math
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
from assetmix.optimization.tolerances import TINY


@measure("ulcer_index")
@dataclass(frozen=True, slots=True, kw_only=True)
class UlcerIndex(Measure):
    """Root of the mean squared drawdown over all rows (divisor T), which deep and long falls raise most.

    The path is the uncompounded sum of the scenarios' returns, rows in time order, and starts at
    0; its start is a peak but no row. The compounded figure is reported beside it.

    Source: Martin and McCann, The Investor's Guide to Fidelity Funds (1989).
    """

    roles = CONVEX
    bounded_below = True
    homogeneous = True
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["ulcer_index"] = "ulcer_index"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State the root mean square of the drawdowns."""
        falls = state_drawdowns(problem, decision, unit, self.key)
        return cp.norm2(falls) / math.sqrt(len(problem.scenarios()))

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the root mean square of the drawdowns."""
        return _root_mean_square(drawdowns(path_returns(problem, weights)))

    def companions(self, problem: Problem, weights: Vector) -> Mapping[str, float]:
        """Give the same figure of the compounded path, as a fraction of its peaks."""
        falls = compounded_drawdowns(path_returns(problem, weights))
        return {f"{self.key}_compounded": float(_root_mean_square(falls))}

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:
        """Losses from each peak to each trough, the deeper ones counting more."""
        return drawdown_tangent(problem, weights, prices, Summary(_deep, _gauge))


def _root_mean_square(falls: Vector) -> Vector:
    return np.asarray(np.sqrt(np.square(falls).mean(axis=-1)))


def _deep(falls: Vector) -> Vector:
    return np.asarray(falls / (len(falls) * max(float(_root_mean_square(falls)), TINY)))


def _gauge(shares: Vector) -> float:
    return math.sqrt(len(shares)) * float(np.linalg.norm(shares))
