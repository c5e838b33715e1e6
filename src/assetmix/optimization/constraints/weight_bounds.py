"""Bounds on the weight of each instrument separately."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.planes import Planes, each
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope, describe


@constraint("weight_bounds")
@dataclass(frozen=True, slots=True, kw_only=True)
class WeightBounds(Constraint):
    """Each instrument of `scope` has a weight between `lower` and `upper`, fractions of value."""

    kind: Literal["weight_bounds"] = "weight_bounds"
    scope: Scope = "all"
    lower: float | None = None
    upper: float | None = None

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument for each bound: all lower ones, then all upper ones."""
        key = ("rows", self.scope, self.lower, self.upper, self.name)
        return problem.once(key, lambda: self._rows(problem))

    def _rows(self, problem: Problem) -> tuple[Row, ...]:
        ids = [problem.universe.ids[i] for i in problem.members(self.scope)]
        each = [
            Band(self.lower, self.upper).rows(f"holdings.position.{key}", self.titled(f"weight of {key}"))
            for key in ids
        ]
        return tuple(row for side in zip(*each, strict=True) for row in side)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds on the scope's weights."""
        members = problem.members(self.scope)
        if len(members):
            label = self.titled(f"weight of each of {describe(self.scope)}")
            yield from Band(self.lower, self.upper).limits(decision.weights[members], label)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of each weight outside its bounds."""
        return Band(self.lower, self.upper).breach_each(outcome.weights[..., problem.members(self.scope)])

    def planes(self, problem: Problem) -> Planes:
        """Each weight of the scope."""
        return each(problem.members(self.scope), len(problem.universe), Band(self.lower, self.upper))

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """The bounds, inside the scope."""
        inside = problem.membership(self.scope) > 0
        lower = -np.inf if self.lower is None else self.lower
        upper = np.inf if self.upper is None else self.upper
        return np.where(inside, lower, -np.inf), np.where(inside, upper, np.inf)
