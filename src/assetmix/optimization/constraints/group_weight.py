"""Bounds on the weight of a group, of value or within another group."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope, describe, identify
from assetmix.optimization.tolerances import HELD


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
        is_held = np.abs(outer) > HELD
        ratio = np.divide(inner, outer, out=np.zeros_like(inner), where=is_held)
        return np.where(is_held[..., np.newaxis], band.breach(ratio), self.excess(problem, outcome))

    def excess(self, problem: Problem, outcome: Outcome) -> Vector:
        """Breach of the linear form scope - bound x within, a fraction of value."""
        inner = outcome.weights @ problem.membership(self.scope)
        outer = 1.0 if self.within is None else outcome.weights @ problem.membership(self.within)
        if Band(self.lower, self.upper).is_fixed and self.lower is not None:
            return np.abs(inner - self.lower * outer)[..., np.newaxis]
        lower = [] if self.lower is None else [np.maximum(self.lower * outer - inner, 0.0)]
        upper = [] if self.upper is None else [np.maximum(inner - self.upper * outer, 0.0)]
        return np.stack([*lower, *upper], axis=-1) if lower or upper else np.zeros((*np.shape(inner), 0))

    def loosened(self, place: int, by: float) -> "GroupWeight | None":
        """Move one bound of a ratio outwards; both of a fixed one."""
        if self.within is None:
            return None
        fixed = Band(self.lower, self.upper).is_fixed
        lower = self.lower is not None and (place == 0 or fixed)
        return replace(
            self,
            lower=self.lower - by if lower and self.lower is not None else self.lower,
            upper=self.upper + by if self.upper is not None and (fixed or not lower) else self.upper,
        )

    def price_unit(self, problem: Problem, weights: Vector) -> float:
        """Weight of the outer group: one unit of a ratio is so many units of the linear form."""
        return 1.0 if self.within is None else float(problem.membership(self.within) @ weights)
