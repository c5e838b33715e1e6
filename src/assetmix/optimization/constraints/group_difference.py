"""Bounds on the weight of one group less that of another."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.planes import Planes, single
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope, describe, identify


@constraint("group_difference")
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDifference(Constraint):
    """The weight of `scope` less that of `minus`, by look-through, lies between `lower` and `upper`.

    Both weights are fractions of total value. What belongs to both scopes counts in neither, as
    far as its shares are equal.
    """

    kind: Literal["group_difference"] = "group_difference"
    scope: Scope
    minus: Scope
    lower: float | None = None
    upper: float | None = None

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row a bound."""
        label = f"weight of {describe(self.scope)} less that of {describe(self.minus)}"
        return self._band.rows(f"{identify(self.scope)}-{identify(self.minus)}", self.titled(label))

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds on (g - h)'w."""
        yield from self._band.limits(self._shares(problem) @ decision.weights)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of the difference outside each bound."""
        return self._band.breach(outcome.weights @ self._shares(problem))

    def planes(self, problem: Problem) -> Planes:
        """One weight less the other."""
        return single(self._shares(problem), self._band)

    def scopes(self) -> tuple[tuple[str, Scope], ...]:
        """Both groups."""
        return (("/scope", self.scope), ("/minus", self.minus))

    @property
    def _band(self) -> Band:
        return Band(self.lower, self.upper)

    def _shares(self, problem: Problem) -> Vector:
        return problem.membership(self.scope) - problem.membership(self.minus)
