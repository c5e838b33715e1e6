"""Checks an answer in numpy, from the twins and never from the solved expressions."""

from collections.abc import Iterator, Mapping

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint, Outcome
from assetmix.optimization.measure import Measure, Tangent
from assetmix.optimization.planes import named_rows, stacked
from assetmix.optimization.problem import Problem


def outcome_of(problem: Problem, weights: Vector) -> Outcome:
    """Where trading to the weights ends: cash is what the balance leaves after costs."""
    return Outcome(weights, float(1.0 - weights.sum() - problem.cost(weights)))


def max_residual(problem: Problem, outcome: Outcome) -> float:
    """Worst breach of any hard limit, in units of its scale."""
    stack = stacked(problem)
    plain = float(stack.outside(outcome.weights).max(initial=0.0))
    return max([plain, *(_worst(one, problem, outcome) for one in stack.others)])


def violations(problem: Problem, outcome: Outcome, tolerance: float) -> dict[str, float]:
    """Breaches beyond the tolerance, by row id; the worst where two rows share one."""
    return _by_row(problem, outcome.weights, problem.breaches_apart(outcome), tolerance)


def current_violations(problem: Problem, tolerance: float) -> dict[str, float]:
    """The same where the portfolio stands."""
    return _by_row(problem, problem.current_weights, problem.current_breaches, tolerance)


def _by_row(problem: Problem, weights: Vector, apart: Mapping[int, Vector], tolerance: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, amount in _breaches(problem, weights, apart, tolerance):
        found[name] = max(amount, found.get(name, 0.0))
    return found


def _breaches(
    problem: Problem, weights: Vector, apart: Mapping[int, Vector], tolerance: float
) -> Iterator[tuple[str, float]]:
    """Rows that are breached and by how much: planes together, then one constraint after the other."""
    names, planes = named_rows(problem), stacked(problem).breached(weights, tolerance)
    for owner, row, amount in zip(planes.owners.tolist(), planes.rows.tolist(), planes.amounts.tolist(), strict=True):
        yield names[owner][row].id, amount
    for place, breach in apart.items():
        for number in (breach > tolerance * problem.constraints[place].scale(problem)).nonzero()[0]:
            yield names[place][number].id, float(breach[number])


def objective_value(problem: Problem, weights: Vector) -> Vector:
    """The declared sum of weight x measure, in the caller's sense, of weights (..., n)."""
    values = [term.weight * term.measure.value(problem, weights) for term in problem.objective.terms]
    return np.asarray(sum(values))


def penalties(problem: Problem, outcome: Outcome) -> float:
    """Penalties of soft constraints, in units of the objective."""
    soft = (one for one in problem.constraints if one.penalty is not None)
    return sum(float(one.excess(problem, outcome).sum()) * (one.penalty or 0.0) for one in soft)


def tangent(problem: Problem, weights: Vector, prices: Mapping[str, Vector]) -> Tangent:
    """Lower bound, affine in the weights, of the linearized part of the objective to be minimized."""
    height, slope = 0.0, np.zeros(len(problem.universe))
    for factor, one in linearized_terms(problem):
        part = one.tangent(problem, weights, prices.get(one.key))
        height += factor * part.height
        slope = slope + factor * part.slope
    return Tangent(height, slope)


def linearized_terms(problem: Problem) -> list[tuple[float, Measure]]:
    """Signed factors and measures of the objective that a bound replaces by their tangents."""
    sign = problem.objective.sign
    return [(sign * term.weight, term.measure) for term in problem.objective.terms if term.measure.linearized]


def _worst(constraint: Constraint, problem: Problem, outcome: Outcome) -> float:
    return float(max(constraint.breach(problem, outcome), default=0.0)) / constraint.scale(problem)
