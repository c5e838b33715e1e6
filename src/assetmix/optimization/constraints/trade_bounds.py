"""Bounds on the trade of each instrument separately."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope, describe


@constraint("trade_bounds")
@dataclass(frozen=True, slots=True, kw_only=True)
class TradeBounds(Constraint):
    """Each instrument of `scope` is traded by a fraction of value between `lower` and `upper`; a sale is negative."""

    kind: Literal["trade_bounds"] = "trade_bounds"
    scope: Scope = "all"
    lower: float | None = None
    upper: float | None = None

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument for each bound: all lower ones, then all upper ones."""
        ids = (problem.universe.ids[i] for i in problem.members(self.scope))
        each = [self._band.rows(f"orders.{key}", self.titled(f"trade of {key}")) for key in ids]
        return tuple(row for side in zip(*each, strict=True) for row in side)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds on the scope's trades."""
        members = problem.members(self.scope)
        if len(members):
            label = self.titled(f"trade of each of {describe(self.scope)}")
            yield from self._band.limits(decision.trades[members], label)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of each trade outside its bounds."""
        trades = outcome.weights - problem.current_weights
        return self._band.breach_each(trades[..., problem.members(self.scope)])

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """What is held now, moved by the bounds."""
        inside, now = problem.membership(self.scope) > 0, problem.current_weights
        lower = -np.inf if self.lower is None else self.lower
        upper = np.inf if self.upper is None else self.upper
        return np.where(inside, now + lower, -np.inf), np.where(inside, now + upper, np.inf)

    @property
    def _band(self) -> Band:
        return Band(self.lower, self.upper)
