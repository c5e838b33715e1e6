"""A bound on any measure that may be bounded that way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.measure import Measure, Role, Tangent, not_convex
from assetmix.optimization.problem import Problem
from assetmix.optimization.ratio import RatioBand, loosened_ends
from assetmix.optimization.size import plain_size


@constraint("measure_limit")
@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureLimit(Constraint):
    """A measure lies between `lower` and `upper`, in the measure's own unit."""

    shown = "number"
    kind: Literal["measure_limit"] = "measure_limit"
    measure: Measure
    lower: float | None = None
    upper: float | None = None

    def faults(self) -> tuple[Fault, ...]:
        """Refuse crossed bounds, and a bound on the side that is not convex."""
        asked = ((Role.BOUNDED_BELOW, self.lower), (Role.BOUNDED_ABOVE, self.upper))
        cure = "bound its other side" if self.measure.roles else "it can only be reported"
        return super(MeasureLimit, self).faults() + tuple(
            Fault("/measure", "not-convex", f"{self.measure.kind} cannot be {role.value}; {cure}")
            for role, bound in asked
            if bound is not None and role not in self.measure.roles
        )

    def measures(self) -> tuple[tuple[str, Measure], ...]:
        """The bounded measure."""
        return (("/measure", self.measure),)

    def scale(self, problem: Problem) -> float:
        """Size of the measure at plain portfolios, or of its bound where that is larger."""
        if self.measure.fraction() is not None:
            return float(np.abs(self._ratio(problem).top).max(initial=0.0)) or 1.0
        bounds = [abs(bound) for bound in (self.lower, self.upper) if bound is not None]
        return max([plain_size(self.measure, problem), *bounds])

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row a bound."""
        return Band(self.lower, self.upper).rows(self.measure.key, self.titled(self.measure.key), "number")

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds on the measure's expression, both in units of the measure's size."""
        unit = self.scale(problem)
        if self.measure.fraction() is not None:
            yield from self._ratio(problem).limits(decision.weights, unit)
            return
        lower, upper = (None if bound is None else bound / unit for bound in (self.lower, self.upper))
        yield from Band(lower, upper).limits(decision.state(self.measure, problem, unit))

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of the measure's value outside each bound."""
        if self.measure.fraction() is not None:
            return self._ratio(problem).breach(outcome.weights)
        return Band(self.lower, self.upper).breach(self.measure.value(problem, outcome.weights))

    def excess(self, problem: Problem, outcome: Outcome) -> Vector:
        """Breach of the linear form where the measure is a ratio."""
        if self.measure.fraction() is not None:
            return self._ratio(problem).excess(outcome.weights)
        return self.breach(problem, outcome)

    def loosened(self, place: int, by: float) -> "MeasureLimit | None":
        """Move one bound of a ratio outwards."""
        if self.measure.fraction() is None:
            return None
        lower, upper = loosened_ends(Band(self.lower, self.upper), place, by)
        return replace(self, lower=lower, upper=upper)

    def price_unit(self, problem: Problem, weights: Vector) -> float:
        """Bottom of a ratio: one unit of it is so many units of the linear form."""
        return 1.0 if self.measure.fraction() is None else float(self._ratio(problem).bottom @ weights)

    def tangents(self, problem: Problem, weights: Vector) -> tuple[Tangent, ...]:
        """Tangent of the measure where it is bounded above."""
        if self.upper is None or self.measure.fraction() is not None:
            return ()
        unit = self.scale(problem)
        touching = self.measure.tangent(problem, weights, None)
        return (Tangent(touching.height / unit, touching.slope / unit),)

    def ceiling(self, problem: Problem) -> float:
        """The upper bound."""
        return np.inf if self.upper is None else self.upper / self.scale(problem)

    def _ratio(self, problem: Problem) -> RatioBand:
        """Top and bottom of a ratio of linear measures as vectors: their values at single instruments."""
        fraction = self.measure.fraction()
        if fraction is None:
            raise not_convex(self.measure)
        single = np.eye(len(problem.universe))
        top = fraction.top.value(problem, single) - fraction.offset
        return RatioBand(top, fraction.bottom.value(problem, single), Band(self.lower, self.upper))
