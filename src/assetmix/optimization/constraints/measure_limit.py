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

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row a bound."""
        return Band(self.lower, self.upper).rows(self.measure.key, self.titled(self.measure.key), "number")

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds on the measure's expression."""
        yield from Band(self.lower, self.upper).limits(self.measure.expression(problem, decision))

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of the measure's value outside each bound."""
        return Band(self.lower, self.upper).breach(self.measure.value(problem, outcome.weights))
