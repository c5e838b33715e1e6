"""Weight of a group, of value or within another group."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.linear import Linear, ratio_value
from assetmix.optimization.measure import LINEAR, Fraction, Measure, Tangent, measure, not_convex
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope


@measure("group_weight")
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupWeight(Measure):
    """Weight of `scope` by look-through, a fraction of value; with `within` the ratio to that scope.

    A ratio stands alone as an objective; bounds of it are linear.
    """

    roles = LINEAR
    kind: Literal["group_weight"] = "group_weight"
    scope: Scope
    within: Scope | None = None

    def fraction(self) -> Fraction | None:
        """Weight of the scope over that of the outer one, where there is one."""
        outer = self.within
        if outer is None:
            return None
        inner = Linear(coefficients=lambda problem: problem.membership(self.scope))
        return Fraction(inner, Linear(coefficients=lambda problem: problem.membership(outer)))

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State g'w; a ratio is refused."""
        if self.within is not None:
            raise not_convex(self)
        return cp.sum(cp.multiply(problem.membership(self.scope) / unit, decision.weights))

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute g'w, or g'w / h'w."""
        inner = np.asarray(weights @ problem.membership(self.scope))
        return inner if self.within is None else ratio_value(inner, weights @ problem.membership(self.within))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - linear
        """The measure itself; a ratio is refused."""
        if self.within is not None:
            raise not_convex(self)
        slope = problem.membership(self.scope)
        return Tangent(float(slope @ weights), slope)
