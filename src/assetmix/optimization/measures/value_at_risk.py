"""Value at risk."""

from dataclasses import dataclass
from typing import Literal, NoReturn

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.decision import Decision
from assetmix.optimization.distribution import Distribution, empirical, needs_of, normal_loss, normal_quantile
from assetmix.optimization.measure import Measure, Needs, measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.tail import value_at_risk


@measure("value_at_risk")
@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAtRisk(Measure):
    """Smallest loss that is not exceeded with probability `level`; reported only, since it is not convex.

    `distribution` says of which cases: `empirical`, the scenarios, or `normal`, a normal
    distribution with the mean and the covariance.

    Source: McNeil, Frey and Embrechts, Quantitative Risk Management, 2nd ed., definition 2.8.
    """

    roles = frozenset()
    homogeneous = True
    kind: Literal["value_at_risk"] = "value_at_risk"
    level: float = 0.95
    distribution: Distribution = "empirical"

    @property
    def needs(self) -> frozenset[Needs]:  # type: ignore[override]  # depends on a field
        """Scenarios, or mean and covariance."""
        return needs_of(self.distribution)

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a level outside (0, 1): at 0 every loss is large enough."""
        if 0 < self.level < 1:
            return ()
        detail = "level is a confidence above 0 and below 1, for example 0.95 for the worst 5 %"
        return (Fault("/level", "out-of-range", detail),)

    def expression(self, problem: Problem, decision: Decision, unit: float) -> NoReturn:  # noqa: ARG002 - refused
        """Refuse: the measure is not convex."""
        raise _refusal()

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Find the quantile of the scenarios; normal: by its closed form."""
        if self.distribution == "normal":
            return normal_loss(problem, weights, normal_quantile(self.level))
        return value_at_risk(-(weights @ empirical(problem).T), self.level, problem.probabilities())

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> NoReturn:  # noqa: ARG002 - refused
        """Refuse: the measure is not convex."""
        raise _refusal()


def _refusal() -> InvalidRequest:
    detail = 'value_at_risk is not convex and only reported; optimize or bound {"kind": "cvar"}'
    return InvalidRequest(detail, [Fault("", "not-convex", detail)])
