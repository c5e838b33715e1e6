"""Weights that are given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Limit, Row, percent
from assetmix.optimization.problem import Problem


@constraint("hold_exactly")
@dataclass(frozen=True, slots=True, kw_only=True)
class HoldExactly(Constraint):
    """The weights after trading are exactly these; instruments that are not named are 0."""

    exact = True
    kind: Literal["hold_exactly"] = "hold_exactly"
    weights: Mapping[str, float]

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument."""
        return tuple(
            Row(f"holdings.position.{key}", self.titled(f"weight of {key} is exactly {percent(weight)}"))
            for key, weight in problem.universe.mapping(self._wanted(problem)).items()
        )

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State w = given."""
        yield Limit(decision.weights, "==", self._wanted(problem), self.titled("weights are exactly the given ones"))

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of each weight from the given one."""
        return np.asarray(np.abs(outcome.weights - self._wanted(problem)))

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """Nothing but the given weights."""
        return self._wanted(problem), self._wanted(problem)

    def _wanted(self, problem: Problem) -> Vector:
        return problem.universe.vector(self.weights)
