"""Bounds on what is bought of a group less what is sold of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope, describe, identify


@constraint("group_trade")
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTrade(Constraint):
    """Purchases less sales of `scope`, by look-through, lie between `lower` and `upper`, fractions of value."""

    kind: Literal["group_trade"] = "group_trade"
    scope: Scope
    lower: float | None = None
    upper: float | None = None

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row a bound."""
        label = f"net purchase of {describe(self.scope)}"
        return Band(self.lower, self.upper).rows(f"orders.{identify(self.scope)}", self.titled(label))

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds on g'z."""
        yield from Band(self.lower, self.upper).limits(problem.membership(self.scope) @ decision.trades)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of the net purchase outside each bound."""
        trades = outcome.weights - problem.current_weights
        return Band(self.lower, self.upper).breach(trades @ problem.membership(self.scope))
