"""A bound on any measure that may be bounded that way."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.measure import Measure, Role
from assetmix.optimization.problem import Problem
from assetmix.optimization.size import plain_size


@constraint("measure_limit")
@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureLimit(Constraint):
    """A measure lies between `lower` and `upper`, in the measure's own unit."""

    kind: Literal["measure_limit"] = "measure_limit"
    measure: Measure
    lower: float | None = None
    upper: float | None = None

    def faults(self) -> tuple[Fault, ...]:
        """Refuse crossed bounds, and a bound on the side that is not convex."""
        asked = ((Role.BOUNDED_BELOW, self.lower), (Role.BOUNDED_ABOVE, self.upper))
        return super(MeasureLimit, self).faults() + tuple(
            Fault("/measure", "not-convex", f"{self.measure.kind} cannot be {role.value}; bound its other side")
            for role, bound in asked
            if bound is not None and role not in self.measure.roles
        )

    def measures(self) -> tuple[tuple[str, Measure], ...]:
        """The bounded measure."""
        return (("/measure", self.measure),)

    def scale(self, problem: Problem) -> float:
        """Size of the measure at plain portfolios, or of its bound where that is larger."""
        bounds = [abs(bound) for bound in (self.lower, self.upper) if bound is not None]
        return max([plain_size(self.measure, problem), *bounds])

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row a bound."""
        return Band(self.lower, self.upper).rows(self.measure.key, self.titled(self.measure.key), "number")

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds on the measure's expression, both in units of the measure's size."""
        unit = self.scale(problem)
        lower, upper = (None if bound is None else bound / unit for bound in (self.lower, self.upper))
        yield from Band(lower, upper).limits(self.measure.expression(problem, decision, unit))

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of the measure's value outside each bound."""
        return Band(self.lower, self.upper).breach(self.measure.value(problem, outcome.weights))
