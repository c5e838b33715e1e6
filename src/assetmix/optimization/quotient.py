"""A ratio that is to be maximized, as top and bottom, and the linear questions that it leads to."""

from dataclasses import replace

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.measure import Fraction, Role
from assetmix.optimization.problem import Problem
from assetmix.optimization.size import gap_reference, plain_size
from assetmix.optimization.solution import NoSolution, Solution, Verified
from assetmix.optimization.statement import Attempt
from assetmix.optimization.strategy import Objective, Term
from assetmix.optimization.tolerances import GAP, TINY
from assetmix.optimization.verify import objective_value


class Quotient:
    """Top, with the sign that makes it one to maximize, over bottom; `problem` may change its numbers.

    `units` are the sizes of top and bottom at plain portfolios; a curved bottom is convex and can
    only be multiplied by ratios that are not negative.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        term = problem.objective.terms[0]
        self.fraction = term.measure.fraction() or Fraction(term.measure, term.measure)
        self.sign = -float(np.sign(problem.objective.sign * term.weight))
        self.is_curved = Role.BOUNDED_BELOW not in self.fraction.bottom.roles
        self.units = plain_size(self.fraction.top, problem), plain_size(self.fraction.bottom, problem)

    def values(self, weights: Vector) -> tuple[float, float]:
        """Top, with the sign that makes it one to maximize, and bottom at weights (n,)."""
        top = self.fraction.top.value(self.problem, weights) - self.fraction.offset
        return self.sign * float(top), float(self.fraction.bottom.value(self.problem, weights))

    def parametric(self, ratio: float, *, own: bool = False) -> Problem:
        """The problem with top - ratio x bottom in place of the ratio; with a structure of its `own` if asked."""
        terms = (
            Term(measure=self.fraction.top, weight=self.sign),
            Term(measure=self.fraction.bottom, weight=-ratio),
        )
        strategy = replace(self.problem.strategy, objective=Objective(sense="maximize", terms=terms))
        structure = f"{self.problem.structure}/fraction"
        if own or not self.fraction.bottom.linearized:
            structure = f"{structure}/{ratio!r}"
        return replace(self.problem, strategy=strategy, structure=structure)

    def safest(self) -> Problem:
        """The problem of the least bottom, without integers: what bounds every bottom from below."""
        objective = Objective(sense="minimize", terms=(Term(measure=self.fraction.bottom),))
        whole = tuple(one for one in self.problem.constraints if not one.is_integer(self.problem))
        strategy = replace(self.problem.strategy, objective=objective)
        structure = f"{self.problem.structure}/safest"
        return replace(self.problem, strategy=strategy, constraints=whole, structure=structure)

    def restated(self, solution: Solution, least: float) -> Solution:
        """The solution in terms of the ratio: value, gap, and shadow prices.

        No top exceeds ratio x bottom by more than the shortfall, so no ratio exceeds this one by
        more than the shortfall over the `least` bottom that there is.
        """
        top, bottom = self.values(solution.weights)
        sign = self.problem.objective.sign * -self.problem.objective.terms[0].weight
        value = float(objective_value(self.problem, solution.weights))
        effective = self.parametric(top / bottom if bottom else 0.0)
        shortfall = (solution.proven_gap or 0.0) * gap_reference(
            effective, float(objective_value(effective, solution.weights))
        )
        open_by = shortfall / max(least, TINY) / max(abs(top / bottom), TINY) if bottom > TINY else np.inf
        gap = None if solution.proven_gap is None or not open_by <= 1.0 else open_by
        unit = sign * self.sign / bottom if bottom > TINY else 0.0
        prices = tuple(replace(one, shadow_price=one.shadow_price * unit) for one in solution.binding)
        return replace(
            solution,
            status="optimal" if gap is not None and gap <= GAP else "feasible",
            objective_value=value,
            proven_gap=gap,
            binding=prices if bottom > TINY else (),
            verified=Verified(solution.verified.max_residual, value),
        )

    def guess(self) -> float:
        """The ratio of equal weights, not below 0 where it multiplies a curve."""
        allowed = self.problem.allowed if self.problem.allowed.any() else np.ones_like(self.problem.allowed)
        top, bottom = self.values(allowed / allowed.sum())
        guess = top / bottom if bottom > TINY else 0.0
        return max(guess, 0.0) if self.is_curved else guess

    def usable(self, attempt: Attempt, top: float) -> Attempt | NoSolution:
        """The attempt, unless there is nothing to maximize."""
        return self.hopeless(top) or attempt

    def hopeless(self, top: float) -> NoSolution | None:
        """Why the largest top leaves nothing to maximize: a curved bottom rewards risk where the top is negative."""
        if not self.is_curved or top > 0:
            return None
        sentence = "No portfolio inside the limits has a top above 0: the expected return never exceeds risk_free."
        return NoSolution("infeasible", f"{sentence} Lower risk_free, or maximize the expected return.")
