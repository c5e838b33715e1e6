"""Bounds on the weight of a group, of value or within another group."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.planes import Planes, single
from assetmix.optimization.problem import Problem
from assetmix.optimization.ratio import RatioBand, loosened_ends
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
        ratio = self.ratio(problem)
        if ratio is None:
            inner = problem.membership(self.scope)
            yield from Band(self.lower, self.upper).limits(inner @ decision.weights)
        else:
            yield from ratio.limits(decision.weights)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of the weight or ratio outside each bound."""
        ratio = self.ratio(problem)
        if ratio is None:
            return Band(self.lower, self.upper).breach(outcome.weights @ problem.membership(self.scope))
        return ratio.breach(outcome.weights)

    def planes(self, problem: Problem) -> Planes | None:
        """The group's weight; a ratio is no plane."""
        if self.within is not None:
            return None
        return single(problem.membership(self.scope), Band(self.lower, self.upper))

    def excess(self, problem: Problem, outcome: Outcome) -> Vector:
        """Breach of the linear form scope - bound x within, a fraction of value."""
        ratio = self.ratio(problem)
        return self.breach(problem, outcome) if ratio is None else ratio.excess(outcome.weights)

    def loosened(self, place: int, by: float) -> "GroupWeight | None":
        """Move one bound of a ratio outwards; both of a fixed one."""
        if self.within is None:
            return None
        lower, upper = loosened_ends(Band(self.lower, self.upper), place, by)
        return replace(self, lower=lower, upper=upper)

    def price_unit(self, problem: Problem, weights: Vector) -> float:
        """Weight of the outer group: one unit of a ratio is so many units of the linear form."""
        return 1.0 if self.within is None else float(problem.membership(self.within) @ weights)

    def ratio(self, problem: Problem) -> RatioBand | None:
        """The group's weight over that of the outer group; None where there is none."""
        if self.within is None:
            return None
        band = Band(self.lower, self.upper)
        return RatioBand(problem.membership(self.scope), problem.membership(self.within), band)
