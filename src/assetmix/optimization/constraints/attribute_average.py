"""Bounds on the average of an attribute: duration, yield, a sustainability score."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.problem import Problem
from assetmix.optimization.ratio import RatioBand, loosened_ends


@constraint("attribute_average")
@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeAverage(Constraint):
    """The weighted average of an attribute over what is held, without cash, lies inside a band.

    Every instrument of the universe must have the attribute.
    """

    shown = "number"
    kind: Literal["attribute_average"] = "attribute_average"
    attribute: str
    lower: float | None = None
    upper: float | None = None

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row a bound."""
        label = self.titled(f"average {self.attribute}")
        return Band(self.lower, self.upper).rows(f"attributes.{self.attribute}", label, "number")

    def scale(self, problem: Problem) -> float:
        """Size of the attribute."""
        return max(1.0, float(np.abs(problem.attribute(self.attribute)).max(initial=0.0)))

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds as sum w (a - bound)."""
        yield from self.ratio(problem).limits(decision.weights, self.scale(problem))

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of the average outside each bound."""
        return self.ratio(problem).breach(outcome.weights)

    def excess(self, problem: Problem, outcome: Outcome) -> Vector:
        """Breach of the linear form."""
        return self.ratio(problem).excess(outcome.weights)

    def loosened(self, place: int, by: float) -> "AttributeAverage":
        """Move one bound outwards; both of a fixed one."""
        lower, upper = loosened_ends(Band(self.lower, self.upper), place, by)
        return replace(self, lower=lower, upper=upper)

    def price_unit(self, problem: Problem, weights: Vector) -> float:  # noqa: ARG002 - the divisor is what is invested
        """Invested weight: one unit of the average is so many units of the linear form."""
        return float(weights.sum())

    def ratio(self, problem: Problem) -> RatioBand:
        """The attribute's sum over what is invested."""
        attribute = problem.attribute(self.attribute)
        return RatioBand(attribute, np.ones_like(attribute), Band(self.lower, self.upper))
