"""Concentration of the portfolio."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Squares, Tangent, measure
from assetmix.optimization.problem import Problem


@measure("concentration")
@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration(Measure):
    """Sum of the squared weights, cash not counted: 1 for a single holding, 1 / n for n equal ones.

    Source: Herfindahl, Concentration in the Steel Industry (1950).
    """

    roles = CONVEX
    bounded_below = True
    kind: Literal["concentration"] = "concentration"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:  # noqa: ARG002 - weights suffice
        """State |w|^2."""
        return cp.sum_squares(decision.weights / math.sqrt(unit))

    def value(self, problem: Problem, weights: Vector) -> Vector:  # noqa: ARG002 - weights suffice
        """Compute |w|^2."""
        return np.asarray(np.square(weights).sum(axis=-1))

    def squares(self, problem: Problem) -> Squares:
        """The weights themselves."""
        count = len(problem.universe)
        return Squares(np.eye(count), np.zeros(count))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - smooth
        """Slope 2w."""
        return Tangent(float(weights @ weights), 2.0 * weights)
