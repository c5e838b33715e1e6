"""Weighted average of an attribute."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.linear import Linear, ratio_value
from assetmix.optimization.measure import LINEAR, Fraction, Measure, Tangent, measure, not_convex
from assetmix.optimization.problem import Problem


@measure("attribute_average")
@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeAverage(Measure):
    """Weighted average of an attribute over what is held, without cash: duration, yield, a score.

    A ratio: as an objective it stands alone; bounds of it are linear.
    """

    roles = LINEAR
    kind: Literal["attribute_average"] = "attribute_average"
    attribute: str

    def fraction(self) -> Fraction:
        """Attribute times weights over the sum of weights."""
        top = Linear(coefficients=lambda problem: problem.attribute(self.attribute))
        return Fraction(top, Linear(coefficients=lambda problem: np.ones(len(problem.universe))))

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:  # noqa: ARG002 - a ratio
        """Refuse: a ratio is not convex."""
        raise not_convex(self)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute sum w a / sum w, 0 where nothing is held."""
        return ratio_value(weights @ problem.attribute(self.attribute), weights.sum(axis=-1))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - a ratio
        """Refuse: a ratio is not convex."""
        raise not_convex(self)
