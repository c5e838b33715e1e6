"""Expected return of the portfolio."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import LINEAR, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem


@measure("expected_return")
@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedReturn(Measure):
    """Expected return mu'w of the invested weights, in the unit of the forecast; cash earns 0."""

    roles = LINEAR
    needs = frozenset({Needs.EXPECTED_RETURNS})
    kind: Literal["expected_return"] = "expected_return"

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State mu'w."""
        return cp.sum(cp.multiply(problem.expected_returns() / unit, decision.weights))

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute mu'w."""
        return np.asarray(weights @ problem.expected_returns())

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - linear
        """The measure itself."""
        return Tangent(float(self.value(problem, weights)), problem.expected_returns())
