"""Conditional drawdown at risk."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.drawdown import Summary, drawdown_tangent, path_returns, state_drawdowns
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.paths import compounded_drawdowns, drawdowns
from assetmix.optimization.problem import Problem
from assetmix.optimization.tail import cvar, level_faults, tail_weights
from assetmix.optimization.tails import Tail, drawdown_tail


@measure("cdar")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalDrawdownAtRisk(Measure):
    """Mean of the worst 1 - `level` of all drawdowns, the last one in part.

    The path is the uncompounded sum of the scenarios' returns, rows in time order, and starts at
    0; its start is a peak but no row. The compounded figure is reported beside it.

    Source: Chekhlov, Uryasev and Zabarankin, Drawdown measure in portfolio optimization, International
    Journal of Theoretical and Applied Finance 8 (2005).
    """

    roles = CONVEX
    bounded_below = True
    homogeneous = True
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["cdar"] = "cdar"
    level: float = 0.95

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a level outside [0, 1)."""
        return level_faults(self.level)

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State the mean of the worst drawdowns."""
        falls = state_drawdowns(problem, decision, unit, self.key)
        count = len(problem.scenarios())
        threshold = cp.Variable(name="drawdown at risk")
        excess = cp.Variable(count, nonneg=True, name="excess drawdown")
        decision.link(falls - threshold <= excess)
        return threshold + cp.sum(excess) / ((1.0 - self.level) * count)

    def tail(self, problem: Problem) -> Tail | None:
        """The rows with the deepest drawdowns."""
        return drawdown_tail(problem, ((1.0, self.level),))

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the mean of the worst drawdowns."""
        return cvar(drawdowns(path_returns(problem, weights)), self.level, None)

    def companions(self, problem: Problem, weights: Vector) -> Mapping[str, float]:
        """Give the same figure of the compounded path, as a fraction of its peaks."""
        falls = compounded_drawdowns(path_returns(problem, weights))
        return {f"{self.key}_compounded": float(cvar(falls, self.level, None))}

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:
        """Losses from each peak to each of the worst troughs; where some tie, as the solver's duals say."""
        return drawdown_tangent(problem, weights, prices, Summary(self._tail, self._gauge))

    def _tail(self, falls: Vector) -> Vector:
        return tail_weights(falls, self.level, None)

    def _gauge(self, shares: Vector) -> float:
        return max(float(shares.sum()), float(shares.max()) * (1.0 - self.level) * len(shares))
