"""Variance of the portfolio's return."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Needs, Squares, Tangent, measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.sum_of_squares import sum_of_squares


@measure("variance")
@dataclass(frozen=True, slots=True, kw_only=True)
class Variance(Measure):
    """Variance w'Sw of the return, in the squared unit of the risk model.

    Source: Markowitz, Portfolio selection, Journal of Finance 7 (1952).
    """

    roles = CONVEX
    bounded_below = True
    needs = frozenset({Needs.RISK_MODEL})
    kind: Literal["variance"] = "variance"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State |Rw|^2 with S = R'R, so that S itself is never formed."""
        return sum_of_squares(problem.risk_rows / math.sqrt(unit), None, decision.weights)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute w'Sw."""
        return np.asarray(np.square(weights @ problem.risk_rows.T).sum(axis=-1))

    def squares(self, problem: Problem) -> Squares:
        """Rows R."""
        root = problem.risk_rows
        return Squares(root, np.zeros(root.shape[0]))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - smooth
        """Slope 2Sw."""
        root = problem.risk_rows
        return Tangent(float(self.value(problem, weights)), 2.0 * (root.T @ (root @ weights)))
