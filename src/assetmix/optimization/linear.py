"""Figures that are linear in the weights, and the ratios that are made of them."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import LINEAR, Fraction, Measure, Tangent, not_convex
from assetmix.optimization.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear(Measure):
    """Coefficients (n,) times weights; inside the core only."""

    roles = LINEAR
    homogeneous = True
    kind: str = "linear"
    coefficients: Callable[[Problem], Vector]

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State a'w."""
        return cp.sum(cp.multiply(self.coefficients(problem) / unit, decision.weights))

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute a'w."""
        return np.asarray(weights @ self.coefficients(problem))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - linear
        """The figure itself."""
        slope = self.coefficients(problem)
        return Tangent(float(slope @ weights), slope)


class Ratio(Measure):
    """A measure that is a fraction of two others; it has no expression and no tangent of its own."""

    __slots__ = ()

    @abstractmethod
    def fraction(self) -> Fraction:
        """Top and bottom."""

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:  # noqa: ARG002 - refused
        """Refuse: a ratio is not convex."""
        raise not_convex(self)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute (top - offset) / bottom, 0 where the bottom is 0."""
        parts = self.fraction()
        return ratio_value(parts.top.value(problem, weights) - parts.offset, parts.bottom.value(problem, weights))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - refused
        """Refuse: a ratio is not convex."""
        raise not_convex(self)


def ratio_value(top: Vector, bottom: Vector) -> Vector:
    """Quotients, 0 where the bottom is 0."""
    top, bottom = np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64)
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)
