"""Variance of the return difference to the benchmark."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.active import active_form
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Needs, Squares, Tangent, measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.sum_of_squares import sum_of_squares


@measure("tracking_error_squared")
@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingErrorSquared(Measure):
    """Square of the tracking error: the form in which it is usually minimized.

    With `centered` false the mean difference counts as deviation too.
    """

    roles = CONVEX
    bounded_below = True
    needs = frozenset({Needs.RISK_MODEL, Needs.BENCHMARK})
    kind: Literal["tracking_error_squared"] = "tracking_error_squared"
    benchmark: Mapping[str, float] = field(default_factory=dict)
    centered: bool = True

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State |Fw - g|^2."""
        rows, offset = active_form(problem, self.benchmark, centered=self.centered)
        root = math.sqrt(unit)
        return sum_of_squares(rows / root, offset / root, decision.weights)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute |Fw - g|^2."""
        rows, offset = active_form(problem, self.benchmark, centered=self.centered)
        return np.asarray(np.square(weights @ rows.T - offset).sum(axis=-1))

    def squares(self, problem: Problem) -> Squares:
        """Rows F, offsets g."""
        rows, offset = active_form(problem, self.benchmark, centered=self.centered)
        return Squares(rows, offset)

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - smooth
        """Slope 2F'(Fw - g)."""
        rows, offset = active_form(problem, self.benchmark, centered=self.centered)
        deviation = rows @ weights - offset
        return Tangent(float(deviation @ deviation), 2.0 * (rows.T @ deviation))
