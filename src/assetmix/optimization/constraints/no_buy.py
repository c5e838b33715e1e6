"""Nothing of a scope is bought."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Limit, Row
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope, subject


@constraint("no_buy")
@dataclass(frozen=True, slots=True, kw_only=True)
class NoBuy(Constraint):
    """No instrument of `scope` is bought: its weight does not grow by trading."""

    kind: Literal["no_buy"] = "no_buy"
    scope: Scope = "all"

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument."""
        ids = (problem.universe.ids[i] for i in problem.members(self.scope))
        return tuple(Row(f"orders.{key}", self.titled(f"{key} is not bought")) for key in ids)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State z <= 0."""
        members = problem.members(self.scope)
        if len(members):
            label = self.titled(f"{subject(self.scope)} not bought")
            yield Limit(decision.trades[members], "<=", 0.0, label)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Size of what is bought."""
        trades = (outcome.weights - problem.current_weights)[..., problem.members(self.scope)]
        return np.maximum(trades, 0.0)

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """What is held now is the most."""
        inside = problem.membership(self.scope)
        return -np.inf, np.where(inside > 0, problem.current_weights, np.inf)
