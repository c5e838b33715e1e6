"""Active share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem


@measure("active_share")
@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveShare(Measure):
    """Half the sum of absolute differences to the benchmark's weights; 0 is the benchmark itself.

    Source: Cremers and Petajisto, How active is your fund manager?, Review of Financial Studies
    22 (2009).
    """

    roles = CONVEX
    bounded_below = True
    linearized = False
    needs = frozenset({Needs.BENCHMARK})
    kind: Literal["active_share"] = "active_share"
    benchmark: Mapping[str, float] = field(default_factory=dict)

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State |w - b|_1 / 2; benchmark members outside the universe add their weights."""
        inside, outside = problem.active_benchmark(self.benchmark)
        return (0.5 / unit) * (cp.norm1(decision.weights - inside) + outside)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute |w - b|_1 / 2."""
        inside, outside = problem.active_benchmark(self.benchmark)
        return np.asarray(0.5 * (np.abs(weights - inside).sum(axis=-1) + outside))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - signs suffice
        """Slope: half the sign of each difference."""
        inside, _ = problem.active_benchmark(self.benchmark)
        return Tangent(float(self.value(problem, weights)), 0.5 * np.sign(weights - inside))
