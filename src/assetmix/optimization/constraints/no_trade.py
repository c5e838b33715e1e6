"""Nothing of a scope is traded."""

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


@constraint("no_trade")
@dataclass(frozen=True, slots=True, kw_only=True)
class NoTrade(Constraint):
    """No instrument of `scope` is traded: its weight stays as it is."""

    kind: Literal["no_trade"] = "no_trade"
    scope: Scope = "all"

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument."""
        ids = (problem.universe.ids[i] for i in problem.members(self.scope))
        return tuple(Row(f"orders.{key}", self.titled(f"{key} is not traded")) for key in ids)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State z = 0."""
        members = problem.members(self.scope)
        if len(members):
            label = self.titled(f"{subject(self.scope)} not traded")
            yield Limit(decision.trades[members], "==", 0.0, label)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Size of each trade."""
        return np.abs((outcome.weights - problem.current_weights)[..., problem.members(self.scope)])

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """Nothing but what is held now."""
        inside = problem.membership(self.scope) > 0
        current = problem.current_weights
        return np.where(inside, current, -np.inf), np.where(inside, current, np.inf)
