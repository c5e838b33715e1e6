"""The balance with costs: sum of weights + cash + cost = 1, with no money burned.

A cost that grows with the trades cannot stand in an equality of a convex problem, and as an
inequality it lets a solver burn money by trading to and fro. So the cost is modeled as
slopes x trades + provision, exact at one point, and the problem is solved again from each answer
until model and truth agree. Slopes follow the sides of the trades at first, which finds the
optimum to second order, and then stay, which makes the rest of the walk a contraction.
"""

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.atoms import give
from assetmix.optimization.problem import Problem
from assetmix.optimization.solvers import Solver
from assetmix.optimization.statement import Attempt, Statement
from assetmix.optimization.tolerances import BALANCE

TURNING_ROUNDS = 3
ROUNDS = 12
KINK = 1e-5
"""Trades smaller than this fraction of value have no side yet: their slope is in proportion."""


def balanced_attempt(statement: Statement, problem: Problem, solver: Solver, start: Vector | None = None) -> Attempt:
    """Solve until the cost in the balance is the cost of the trades; one solve without costs.

    `start` (n,) are weights whose costs the first solve assumes; none are assumed without it.
    """
    if problem.trading.is_free:
        return statement.attempt(solver)
    _model(statement, problem, problem.current_weights if start is None else start, turn=True)
    attempt = statement.attempt(solver)
    for turn in range(ROUNDS):
        if attempt.verdict != "solved" or _error(statement, problem, attempt.weights) < BALANCE:
            return attempt
        _model(statement, problem, attempt.weights, turn=turn < TURNING_ROUNDS)
        attempt = statement.attempt(solver)
    return attempt


def _model(statement: Statement, problem: Problem, weights: Vector, *, turn: bool) -> None:
    """Make the cost in the balance exact at the weights; slopes follow the trades if they may turn."""
    decision, trades = statement.decision, weights - problem.current_weights
    if turn:
        sizes = np.abs(trades)
        give(decision.slopes, problem.cost_slopes(sizes) * trades / np.maximum(sizes, KINK))
    give(decision.provision, np.asarray(problem.cost(weights) - decision.slopes.value @ trades))


def _error(statement: Statement, problem: Problem, weights: Vector) -> float:
    decision = statement.decision
    modeled = decision.slopes.value @ (weights - problem.current_weights) + decision.provision.value
    return abs(float(modeled - problem.cost(weights)))
