"""The balance with costs: sum of weights + cash + cost = 1, with no money burned.

A cost that grows with the trades cannot stand in an equality of a convex problem, and as an
inequality it lets a solver burn money by trading to and fro. So the cost is modeled as
slopes x trades + provision, exact at one point, and the problem is solved again from each answer
until model and truth agree. Slopes follow the sides of the trades at first, which finds the
optimum to second order, and then stay, which makes the rest of the walk a contraction.
"""

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.problem import Problem
from assetmix.optimization.solvers import Solver
from assetmix.optimization.statement import Attempt, Statement
from assetmix.optimization.tolerances import BALANCE

TURNING_ROUNDS = 3
ROUNDS = 12
KINK = 1e-5
"""Trades smaller than this fraction of value have no side yet: their slope is in proportion."""


def balanced_attempt(statement: Statement, problem: Problem, solver: Solver) -> Attempt:
    """Solve until the cost in the balance is the cost of the trades; one solve without costs."""
    decision = statement.decision
    rate = problem.trading.cost_fraction
    if rate == 0:
        return statement.attempt(solver)
    decision.slopes.value = np.zeros(len(problem.universe))
    decision.provision.value = 0.0
    attempt = statement.attempt(solver)
    for turn in range(ROUNDS):
        if attempt.verdict != "solved" or _error(statement, problem, attempt.weights) < BALANCE:
            return attempt
        trades = attempt.weights - problem.current_weights
        if turn < TURNING_ROUNDS:
            decision.slopes.value = rate * trades / np.maximum(np.abs(trades), KINK)
        decision.provision.value = float(problem.cost(attempt.weights) - decision.slopes.value @ trades)
        attempt = statement.attempt(solver)
    return attempt


def _error(statement: Statement, problem: Problem, weights: Vector) -> float:
    decision = statement.decision
    modeled = decision.slopes.value @ (weights - problem.current_weights) + decision.provision.value
    return abs(float(modeled - problem.cost(weights)))
