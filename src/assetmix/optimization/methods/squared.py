"""A standard deviation alone has the same best portfolio as its square, and that is a quadratic problem.

Quadratic solvers are faster and finer than cone solvers, and sums of squares have far better bounds
in a mixed-integer search. What is reported is restated for the deviation itself.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import convex, integer
from assetmix.optimization.problem import Problem
from assetmix.optimization.size import gap_reference
from assetmix.optimization.solution import NoSolution, Solution, Verified
from assetmix.optimization.strategy import Objective, Term
from assetmix.optimization.tolerances import GAP, TINY
from assetmix.optimization.verify import objective_value


def accepts(problem: Problem) -> bool:
    """One deviation to be minimized, with nothing to be weighed against it."""
    terms = problem.objective.terms
    alone = len(terms) == 1 and problem.objective.sign * terms[0].weight > 0
    return alone and terms[0].measure.squared() is not None and all(one.penalty is None for one in problem.constraints)


def run(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> Solution | NoSolution:
    """Minimize the square, restate the answer.

    Raises
    ------
    SolverFailed
        when no solver's answer can be verified
    """
    square = _square(problem)
    method = integer if integer.accepts(square) else convex
    found = method.run(square, memory, remaining)
    return found if isinstance(found, NoSolution) else _restated(problem, square, found)


def _square(problem: Problem) -> Problem:
    term = problem.objective.terms[0]
    squared = term.measure.squared() or term.measure
    objective = Objective(sense="minimize", terms=(Term(measure=squared, weight=abs(term.weight)),))
    strategy = replace(problem.strategy, objective=objective)
    return replace(problem, strategy=strategy, structure=f"{problem.structure}/squared")


def _restated(problem: Problem, square: Problem, found: Solution) -> Solution:
    """Value, gap and shadow prices of the deviation: d(s) = d(s^2) / 2s."""
    value = float(objective_value(problem, found.weights))
    deviation = float(problem.objective.terms[0].measure.value(problem, found.weights))
    slope = problem.objective.sign / (2.0 * deviation) if deviation > TINY else 0.0
    gap = _gap(problem, square, found, deviation)
    return replace(
        found,
        status="optimal" if gap is not None and gap <= GAP else "feasible",
        objective_value=value,
        proven_gap=gap,
        binding=tuple(replace(one, shadow_price=one.shadow_price * slope) for one in found.binding),
        verified=Verified(found.verified.max_residual, value),
    )


def _gap(problem: Problem, square: Problem, found: Solution, deviation: float) -> float | None:
    if found.proven_gap is None:
        return None
    weight = abs(problem.objective.terms[0].weight)
    squares = weight * deviation**2
    open_by = found.proven_gap * gap_reference(square, squares)
    least = float(np.sqrt(max(squares - open_by, 0.0) / weight))
    return convex.relative_gap(problem, weight * deviation, weight * least)
