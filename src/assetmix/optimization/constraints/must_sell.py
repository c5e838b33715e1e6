"""Positions of a scope are closed."""

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


@constraint("must_sell")
@dataclass(frozen=True, slots=True, kw_only=True)
class MustSell(Constraint):
    """Every position in `scope` is closed: its weight after trading is 0."""

    kind: Literal["must_sell"] = "must_sell"
    scope: Scope

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument."""
        ids = (problem.universe.ids[i] for i in problem.members(self.scope))
        return tuple(Row(f"holdings.position.{key}", self.titled(f"{key} is sold")) for key in ids)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State w = 0."""
        members = problem.members(self.scope)
        if len(members):
            yield Limit(decision.weights[members], "==", 0.0, self.titled(f"{subject(self.scope)} sold"))

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Weight that is still held."""
        return np.asarray(np.abs(outcome.weights[..., problem.members(self.scope)]))

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """Nothing but 0."""
        inside = problem.membership(self.scope) > 0
        return np.where(inside, 0.0, -np.inf), np.where(inside, 0.0, np.inf)
