"""Nothing of a scope is sold."""

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


@constraint("no_sell")
@dataclass(frozen=True, slots=True, kw_only=True)
class NoSell(Constraint):
    """No instrument of `scope` is sold: its weight does not shrink by trading."""

    kind: Literal["no_sell"] = "no_sell"
    scope: Scope = "all"

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument."""
        ids = (problem.universe.ids[i] for i in problem.members(self.scope))
        return tuple(Row(f"orders.{key}", self.titled(f"{key} is not sold")) for key in ids)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State z >= 0."""
        members = problem.members(self.scope)
        if len(members):
            label = self.titled(f"{subject(self.scope)} not sold")
            yield Limit(-decision.trades[members], "<=", 0.0, label)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Size of what is sold."""
        trades = (outcome.weights - problem.current_weights)[..., problem.members(self.scope)]
        return np.maximum(-trades, 0.0)

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """What is held now is the least."""
        inside = problem.membership(self.scope)
        return np.where(inside > 0, problem.current_weights, -np.inf), np.inf
