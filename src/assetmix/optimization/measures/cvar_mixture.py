"""Weighted sum of conditional values at risk."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.tail import cvar, level_faults, mixture_weights
from assetmix.optimization.tails import Tail, scenario_tail


@measure("cvar_mixture")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalValueAtRiskMixture(Measure):
    """Sum of the conditional values at risk at several `levels`, each times its weight in `weights`.

    The weights are used as they are: they need not sum to 1.

    Source: Acerbi, Spectral measures of risk, Journal of Banking and Finance 26 (2002).
    """

    roles = CONVEX
    homogeneous = True
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["cvar_mixture"] = "cvar_mixture"
    levels: tuple[float, ...]
    weights: tuple[float, ...]

    def faults(self) -> tuple[Fault, ...]:
        """Refuse levels outside [0, 1), and weights that are negative, all 0, or not one a level."""
        levels = (fault for i, level in enumerate(self.levels) for fault in level_faults(level, f"/levels/{i}"))
        return (*levels, *self._weight_faults())

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State each level with a threshold of its own over one vector of losses."""
        scenarios = problem.scenarios() / unit
        losses = cp.Variable(len(scenarios), name="losses")
        thresholds = cp.Variable(len(self.levels), name="values at risk")
        excess = cp.Variable(len(self.levels) * len(scenarios), nonneg=True, name="excess losses")
        decision.link(losses == -(scenarios @ decision.weights))
        decision.link(cp.hstack([losses - threshold for threshold in thresholds]) <= excess, key=self.key)
        shares = np.array(self.weights) / (1.0 - np.array(self.levels))
        return np.array(self.weights) @ thresholds + np.kron(shares, problem.probabilities()) @ excess

    def tail(self, problem: Problem) -> Tail | None:
        """The scenarios with the worst losses, at several levels."""
        return scenario_tail(problem, tuple(zip(self.weights, self.levels, strict=True)))

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Add up the conditional values at risk."""
        losses = -(weights @ problem.scenarios().T)
        pairs = zip(self.levels, self.weights, strict=True)
        return np.asarray(sum(weight * cvar(losses, level, problem.probabilities()) for level, weight in pairs))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:
        """Mean losses under tail weights: the solver's duals, else those of the worst scenarios."""
        scenarios = problem.scenarios()
        levels = np.array(self.levels)
        priced = None if prices is None else prices.reshape(len(levels), len(scenarios))
        tails = mixture_weights(-(scenarios @ weights), priced, levels, problem.probabilities())
        slope = -(np.array(self.weights) @ tails @ scenarios)
        return Tangent(float(slope @ weights), slope)

    def _weight_faults(self) -> tuple[Fault, ...]:
        if len(self.levels) != len(self.weights) or not self.levels:
            detail = f"as many weights as levels, at least one: {len(self.weights)} for {len(self.levels)}"
            return (Fault("/weights", "out-of-range", detail),)
        if all(0 <= weight < math.inf for weight in self.weights) and any(self.weights):
            return ()
        return (Fault("/weights", "out-of-range", "weights are at least 0, and not all of them 0"),)
