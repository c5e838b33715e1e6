"""More digits for answers of cone solvers, where the objective has the same slope as a quadratic one.

A deviation s lies below s^2 / 2r + r / 2 and touches it where s = r. With r the deviation of the
answer at hand the quadratic problem has nearly the same optimum, and a quadratic solver finds it to
more digits; a few rounds settle r.
"""

from dataclasses import replace

import numpy as np

from assetmix.optimization.balance import balanced_attempt
from assetmix.optimization.problem import Problem
from assetmix.optimization.solvers import PIQP
from assetmix.optimization.statement import Attempt, Statement
from assetmix.optimization.strategy import Objective, Term

ROUNDS = 3


def polished(problem: Problem, attempt: Attempt) -> Attempt | None:
    """Solve the touching quadratic problem from the weights of an attempt; None where there is none."""
    found: Attempt | None = None
    weights = attempt.weights
    for _ in range(ROUNDS):
        touching = _touching(problem, weights)
        if touching is None:
            return None
        statement = Statement(touching)
        if statement.order[0] is not PIQP:
            return None
        found = balanced_attempt(statement, touching, PIQP, weights)
        if found.verdict != "solved":
            return None
        weights = found.weights
    return found


def _touching(problem: Problem, weights: np.ndarray) -> Problem | None:
    terms: list[Term] = []
    is_new = False
    for term in problem.objective.terms:
        parts = term.measure.quadratic_at(problem, weights)
        is_new |= parts is not None
        terms.extend(Term(measure=one, weight=term.weight * factor) for factor, one in parts or ((1.0, term.measure),))
    if not is_new:
        return None
    objective = Objective(sense=problem.objective.sense, terms=tuple(terms))
    return replace(problem, strategy=replace(problem.strategy, objective=objective))
