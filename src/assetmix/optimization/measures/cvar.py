"""Conditional value at risk."""

from dataclasses import dataclass
from typing import Literal

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.tail import cvar, envelope, tail_weights


@measure("cvar")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalValueAtRisk(Measure):
    """Mean loss in the worst 1 - `level` of cases, losses positive, not centered.

    Source: Rockafellar and Uryasev, Optimization of conditional value-at-risk, Journal of Risk 2
    (2000), theorem 1.
    """

    roles = CONVEX
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["cvar"] = "cvar"
    level: float = 0.95

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a level outside [0, 1)."""
        if 0 <= self.level < 1:
            return ()
        detail = "level is a confidence of at least 0 and below 1, for example 0.95 for the worst 5 %"
        return (Fault("/level", "out-of-range", detail),)

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State t + sum_t p max(loss - t, 0) / (1 - level) over a free t."""
        scenarios = problem.scenarios()
        threshold = cp.Variable(name="value at risk")
        excess = cp.Variable(len(scenarios), nonneg=True, name="excess loss")
        decision.link(-(scenarios / unit @ decision.weights) - threshold <= excess, key=self.key)
        return threshold + (problem.probabilities() / (1.0 - self.level)) @ excess

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Average the worst scenarios, the last one in part."""
        return cvar(-(weights @ problem.scenarios().T), self.level, problem.probabilities())

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:
        """Mean loss under tail weights: the solver's duals, else those of the worst scenarios."""
        scenarios = problem.scenarios()
        mass = problem.probabilities()
        tail = None if prices is None else envelope(prices, self.level, mass)
        if tail is None:
            tail = tail_weights(-(scenarios @ weights), self.level, mass)
        slope = -(tail @ scenarios)
        return Tangent(float(slope @ weights), slope)
