"""Entropic value at risk."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.entropy import entropic_value, entropy_ball, tilted_weights
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.tail import level_faults


@measure("entropic_value_at_risk")
@dataclass(frozen=True, slots=True, kw_only=True)
class EntropicValueAtRisk(Measure):
    """Tightest Chernoff bound of the value at risk: inf over z > 0 of z (log mean exp(-r / z) - log(1 - level)).

    Never below the conditional value at risk of the same level; at level 0 the mean loss, and the
    worst loss where 1 - level is less than the probability of that.

    Source: Ahmadi-Javid, Entropic value-at-risk: a new coherent risk measure, Journal of
    Optimization Theory and Applications 155 (2012), definition 3.1.
    """

    roles = CONVEX
    homogeneous = True
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["entropic_value_at_risk"] = "entropic_value_at_risk"
    level: float = 0.95

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a level outside [0, 1)."""
        return level_faults(self.level)

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State s - z log(1 - level) with z exp((loss - s) / z + log p) <= u, and sum u <= z.

        The logarithm of the probabilities stands inside the exponential: solvers are far more
        accurate with it there than with coefficients of 1 / T.
        """
        scenarios, mass = problem.scenarios(), problem.probabilities()
        if self.level == 0:
            return cp.sum(cp.multiply(-(mass @ scenarios) / unit, decision.weights))
        if self._is_worst_loss(mass):
            return self._worst_loss(scenarios[mass > 0] / unit, decision)
        possible, logarithms = scenarios[mass > 0] / unit, np.log(mass[mass > 0])
        shift = cp.Variable(name="shift")
        scale = cp.Variable(nonneg=True, name="scale")
        shares = cp.Variable(len(possible), nonneg=True, name="shares of the scale")
        exponents = cp.Variable(len(possible), name="exponents")
        decision.link(scale * logarithms - possible @ decision.weights - shift == exponents, key=self.key)
        decision.link(cp.ExpCone(exponents, scale * np.ones(len(possible)), shares))
        decision.link(cp.sum(shares) <= scale)
        return shift - math.log1p(-self.level) * scale

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the mean loss under exponentially tilted probabilities."""
        return entropic_value(-(weights @ problem.scenarios().T), self.level, problem.probabilities())

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:
        """Mean loss under the solver's duals, as far as they are allowed, else under tilted probabilities."""
        scenarios, mass = problem.scenarios(), problem.probabilities()
        tail = tilted_weights(-(scenarios @ weights), self.level, mass)
        if prices is not None:
            full = np.zeros(len(mass))
            full[mass > 0] = prices
            priced = entropy_ball(full, self.level, mass)
            tail = tail if priced is None else priced
        slope = -(tail @ scenarios)
        return Tangent(float(slope @ weights), slope)

    def _is_worst_loss(self, mass: Vector) -> bool:
        """Whether no scenario is as unlikely as the tail, so that the worst loss is the measure."""
        return 1.0 - self.level <= float(mass[mass > 0].min())

    def _worst_loss(self, rows: Matrix, decision: Decision) -> Expression:
        worst = cp.Variable(name="worst loss")
        decision.link(-(rows @ decision.weights) <= worst, key=self.key)
        return worst
