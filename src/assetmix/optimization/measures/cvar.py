"""Conditional value at risk."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.domain.rows import largest
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.distribution import Distribution, empirical, needs_of, normal_loss, normal_tail
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.tail import cvar, envelope, level_faults, tail_weights
from assetmix.optimization.tails import Tail, scenario_tail
from assetmix.optimization.tolerances import KINK, TINY


@measure("cvar")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalValueAtRisk(Measure):
    """Mean loss in the worst 1 - `level` of cases, losses positive, not centered.

    `distribution` says of which cases: `empirical`, the scenarios, or `normal`, a normal
    distribution with the mean and the covariance; the latter needs no scenarios.

    Source: Rockafellar and Uryasev, Optimization of conditional value-at-risk, Journal of Risk 2
    (2000), theorem 1.
    """

    roles = CONVEX
    homogeneous = True
    kind: Literal["cvar"] = "cvar"
    level: float = 0.95
    distribution: Distribution = "empirical"

    @property
    def needs(self) -> frozenset[Needs]:  # type: ignore[override]  # depends on a field
        """Scenarios, or mean and covariance."""
        return needs_of(self.distribution)

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a level outside [0, 1)."""
        return level_faults(self.level)

    def quadratic_at(self, problem: Problem, weights: Vector) -> tuple[tuple[float, Measure], ...] | None:
        """Normal: the variance over twice the volatility, times the tail's mean, less the expected return."""
        deviation = float(np.linalg.norm(problem.risk_rows @ weights))
        if self.distribution != "normal" or deviation <= TINY:
            return None
        variance, mean = measure.plain("variance"), measure.plain("expected_return")
        return (0.5 * normal_tail(self.level) / deviation, variance), (-1.0, mean)

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State t + sum_t p max(loss - t, 0) / (1 - level) over a free t; normal: deviations less mean."""
        if self.distribution == "normal":
            root = problem.risk_rows * (normal_tail(self.level) / unit)
            mean = problem.expected_returns() / unit
            return cp.norm2(root @ decision.weights) - cp.sum(cp.multiply(mean, decision.weights))
        scenarios = empirical(problem)
        threshold = cp.Variable(name="value at risk")
        excess = cp.Variable(len(scenarios), nonneg=True, name="excess loss")
        decision.link(-(scenarios / unit @ decision.weights) - threshold <= excess, key=self.key)
        return threshold + (problem.probabilities() / (1.0 - self.level)) @ excess

    def tail(self, problem: Problem) -> Tail | None:
        """The scenarios with the worst losses."""
        return scenario_tail(problem, ((1.0, self.level),)) if self.distribution == "empirical" else None

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Average the worst scenarios, the last one in part; normal: by its closed form."""
        if self.distribution == "normal":
            return normal_loss(problem, weights, normal_tail(self.level))
        return cvar(-(weights @ empirical(problem).T), self.level, problem.probabilities())

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:
        """Mean loss under tail weights: the solver's duals, else those of the worst scenarios."""
        if self.distribution == "normal":
            return self._normal_tangent(problem, weights)
        scenarios = empirical(problem)
        mass = problem.probabilities()
        tail = None if prices is None else envelope(prices, self.level, mass)
        if tail is None:
            tail = tail_weights(-(scenarios @ weights), self.level, mass)
        slope = -(tail @ scenarios)
        return Tangent(float(slope @ weights), slope)

    def _normal_tangent(self, problem: Problem, weights: Vector) -> Tangent:
        """Slope R'u with u the direction of Rw, less the mean; u shorter than 1 where there is all but no risk."""
        root = problem.risk_rows
        exposure = root @ weights
        noise = KINK * largest(root)
        direction = exposure / max(float(np.linalg.norm(exposure)), noise, TINY)
        slope = normal_tail(self.level) * (root.T @ direction) - problem.expected_returns()
        return Tangent(float(slope @ weights), slope)
