"""Bounds on the weight of a group, of value or within another group."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope, describe, identify


@constraint("group_weight")
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupWeight(Constraint):
    """The weight of `scope`, by look-through, lies between `lower` and `upper`.

    Without `within` it is a fraction of total value; with it, the ratio to the weight of that
    scope, kept linear as scope - bound x within; a ratio 0/0 keeps every bound.
    """

    kind: Literal["group_weight"] = "group_weight"
    scope: Scope
    within: Scope | None = None
    lower: float | None = None
    upper: float | None = None

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row a bound."""
        inside = "" if self.within is None else f" within {describe(self.within)}"
        return Band(self.lower, self.upper).rows(
            identify(self.scope), self.titled(f"weight of {describe(self.scope)}{inside}")
        )

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds on the group's weight, or on its ratio to the outer group."""
        inner = problem.membership(self.scope)
        if self.within is None:
            yield from Band(self.lower, self.upper).limits(inner @ decision.weights)
            return
        outer = problem.membership(self.within)
        band = Band(self.lower, self.upper)
        if band.is_fixed and self.lower is not None:
            yield Limit((inner - self.lower * outer) @ decision.weights, "==", 0.0)
            return
        if self.lower is not None:
            yield Limit((self.lower * outer - inner) @ decision.weights, "<=", 0.0)
        if self.upper is not None:
            yield Limit((inner - self.upper * outer) @ decision.weights, "<=", 0.0)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of the weight or ratio outside each bound."""
        band = Band(self.lower, self.upper)
        inner = outcome.weights @ problem.membership(self.scope)
        if self.within is None:
            return band.breach(inner)
        outer = outcome.weights @ problem.membership(self.within)
        ratio = np.divide(inner, outer, out=np.zeros_like(inner), where=outer != 0)
        return np.where((outer == 0)[..., np.newaxis], np.abs(inner)[..., np.newaxis], band.breach(ratio))
