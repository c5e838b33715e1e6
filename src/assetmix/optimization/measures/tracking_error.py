"""Standard deviation of the return difference to the benchmark."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.domain.rows import largest
from assetmix.optimization import atoms as cp
from assetmix.optimization.active import active_form
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import KINK, TINY


@measure("tracking_error")
@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingError(Measure):
    """Standard deviation of the difference to the benchmark's return, in the risk model's unit.

    With `centered` false the mean difference counts as deviation too.

    Source: Grinold and Kahn, Active Portfolio Management, 2nd ed., ch. 3.
    """

    roles = CONVEX
    bounded_below = True
    needs = frozenset({Needs.RISK_MODEL, Needs.BENCHMARK})
    kind: Literal["tracking_error"] = "tracking_error"
    benchmark: Mapping[str, float] = field(default_factory=dict)
    centered: bool = True

    def squared(self) -> Measure:
        """The squared tracking error."""
        fields = {"benchmark": self.benchmark, "centered": self.centered}
        return measure.kinds["tracking_error_squared"](**fields)  # type: ignore[arg-type]

    def quadratic_at(self, problem: Problem, weights: Vector) -> tuple[tuple[float, Measure], ...] | None:
        """The squared tracking error over twice the tracking error."""
        deviation = float(self.value(problem, weights))
        return ((0.5 / deviation, self.squared()),) if deviation > TINY else None

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State |Fw - g|."""
        rows, offset = active_form(problem, self.benchmark, centered=self.centered)
        return cp.norm2(rows / unit @ decision.weights - offset / unit)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute |Fw - g|."""
        rows, offset = active_form(problem, self.benchmark, centered=self.centered)
        return np.asarray(np.linalg.norm(weights @ rows.T - offset, axis=-1))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - smooth
        """Slope F'u with u the direction of Fw - g; shorter than 1 where the benchmark is all but matched."""
        rows, offset = active_form(problem, self.benchmark, centered=self.centered)
        deviation = rows @ weights - offset
        noise = KINK * max(float(np.linalg.norm(offset)), largest(rows))
        direction = deviation / max(float(np.linalg.norm(deviation)), noise, TINY)
        return Tangent(float(direction @ deviation), rows.T @ direction)
