"""Weights whose risk contributions are given: minimize risk(x) - sum of budget x log(x), then scale."""

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.errors import Fault, InvalidRequest, SolverFailed
from assetmix.optimization import atoms as cp
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import Measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.programs.living import run
from assetmix.optimization.size import plain_size
from assetmix.optimization.solvers import CLARABEL, CLARABEL_WIDER, CLARABEL_WIDEST
from assetmix.optimization.tolerances import CONTRIBUTION

NEWTON_STEPS = 200
BACKTRACK = 0.5
FAR = 1e7
"""Size of a solution, in units of one over volatility, that only a riskless mix lets grow."""
SUFFICIENT = 0.1


def budget_by_volatility(root: Matrix, budgets: Vector) -> Vector:
    """Weights (n,) summing to 1 whose contributions to the volatility are the budgets.

    Newton's method on x'Sx / 2 - b'log x with backtracking, in the factor form: each step solves
    with R'R + diagonal.

    Parameters
    ----------
    root : (k, n) R with covariance R'R
    budgets : (n,) summing to 1; 0 leaves an instrument out

    Raises
    ------
    SolverFailed
        when the contributions do not come within 1e-8 of the budgets

    Source: Spinu, An algorithm for computing risk parity weights (2013).
    """
    held = np.flatnonzero(budgets)
    scale = np.linalg.norm(root[:, held], axis=0)
    if (scale <= 0).any():
        raise no_risk("an instrument has no risk, so that it can contribute none; leave it out")
    correlation = (root[:, held] / scale).T @ (root[:, held] / scale)
    solution = _newton(correlation, budgets[held])
    contributions = solution * (correlation @ solution)
    if np.abs(contributions / contributions.sum() - budgets[held]).max() > CONTRIBUTION:
        raise SolverFailed("The risk contributions did not come within 1e-8 of their budgets.")
    weights = np.zeros_like(budgets)
    weights[held] = solution / scale
    return np.asarray(weights / weights.sum())


def budget_by_measure(problem: Problem, measure: Measure, budgets: Vector) -> Vector:
    """Weights whose contributions to a convex measure of degree one are the budgets.

    At the optimum of measure(x) - b'log x each x times the slope equals its budget; where the
    measure has kinks there is one such slope among many.

    Raises
    ------
    SolverFailed
        when the solver has no answer
    """
    decision = Decision(problem)
    held = np.flatnonzero(budgets)
    risk = measure.expression(problem, decision, plain_size(measure, problem))
    goal = cp.Minimize(risk - budgets[held] @ cp.log(decision.weights[held]))
    rest = np.flatnonzero(budgets == 0)
    rows = [*decision.linking, *([decision.weights[rest] == 0] if len(rest) else [])]
    program = cp.Problem(goal, rows)
    if not any(run(program, solver) == "solved" for solver in (CLARABEL, CLARABEL_WIDER, CLARABEL_WIDEST)):
        raise SolverFailed(f"No weights were found whose contributions to {measure.kind} are the budgets.")
    weights = np.where(budgets > 0, np.asarray(decision.weights.value), 0.0)
    return np.asarray(weights / weights.sum())


def no_risk(detail: str) -> InvalidRequest:
    """Refusal of budgets of a risk that is not there."""
    return InvalidRequest(detail, [Fault("/strategy/objective", "no-risk", detail)])


def _newton(correlation: Matrix, budgets: Vector) -> Vector:
    solution = np.sqrt(budgets / correlation.sum(axis=1).clip(min=1.0))
    for _ in range(NEWTON_STEPS):
        gradient = correlation @ solution - budgets / solution
        if np.abs(solution * gradient).max() <= CONTRIBUTION * 1e-4:
            break
        if not np.isfinite(solution).all() or solution.max() > FAR:
            raise no_risk("a mix of the instruments has no risk at all, so that no contributions can be shared out")
        step = np.linalg.solve(correlation + np.diag(budgets / solution**2), -gradient)
        solution = _backtrack(correlation, budgets, solution, (step, float(gradient @ step)))
    return np.asarray(solution)


def _backtrack(correlation: Matrix, budgets: Vector, solution: Vector, move: tuple[Vector, float]) -> Vector:
    step, descent = move
    shrinking = step < 0
    length = min(1.0, 0.95 / float(np.max(-step[shrinking] / solution[shrinking], initial=0.5)))
    start = _barrier(correlation, budgets, solution)
    while length > CONTRIBUTION:
        moved = solution + length * step
        if _barrier(correlation, budgets, moved) <= start + SUFFICIENT * length * descent + 1e-14 * abs(start):
            break
        length *= BACKTRACK
    return np.asarray(solution + length * step)


def _barrier(correlation: Matrix, budgets: Vector, solution: Vector) -> float:
    return float(solution @ correlation @ solution / 2.0 - budgets @ np.log(solution))
