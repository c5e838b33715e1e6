"""Weights whose risk contributions are given: minimize risk(x) - sum of budget x log(x), then scale."""

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.risk import RiskModel
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


def budget_by_volatility(risk: RiskModel, budgets: Vector) -> Vector:
    """Weights (n,) summing to 1 whose contributions to the volatility are the budgets.

    Newton's method on x'Sx / 2 - b'log x with backtracking, in the factor form: each step solves
    with R'R + diagonal, which takes a k x k system where there are fewer factors than instruments.

    Parameters
    ----------
    risk : of the n instruments first
    budgets : (n,) summing to 1; 0 leaves an instrument out

    Raises
    ------
    SolverFailed
        when the contributions do not come within 1e-8 of the budgets

    Source: Spinu, An algorithm for computing risk parity weights (2013); Woodbury, Inverting
    modified matrices (1950), for the steps.
    """
    held = np.flatnonzero(budgets)
    root, own = risk.root[:, held], risk.specific_variance[held]
    scale = np.sqrt(np.square(root).sum(axis=0) + own)
    if (scale <= 0).any():
        raise no_risk("an instrument has no risk, so that it can contribute none; leave it out")
    correlation = _Correlation(root / scale, own / scale**2)
    solution = _newton(correlation, budgets[held])
    contributions = solution * correlation.times(solution)
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


class _Correlation:
    """Correlations Z'Z + diag(d) by their factors Z (k, n) and own parts d (n,)."""

    def __init__(self, factors: Matrix, own: Vector) -> None:
        self._factors = factors
        self._own = own
        self._dense = factors.T @ factors + np.diag(own) if len(factors) >= factors.shape[1] else None

    def times(self, vector: Vector) -> Vector:
        """Product with a vector (n,)."""
        return np.asarray(self._factors.T @ (self._factors @ vector) + self._own * vector)

    def row_sums(self) -> Vector:
        """Sum of each row (n,)."""
        return self.times(np.ones(self._factors.shape[1]))

    def solve(self, diagonal: Vector, right: Vector) -> Vector:
        """Solve with the correlations plus a diagonal (n,), all above 0."""
        if self._dense is not None:
            return np.asarray(np.linalg.solve(self._dense + np.diag(diagonal), right))
        whole = diagonal + self._own
        divided = self._factors / whole
        inner = np.eye(len(divided)) + divided @ self._factors.T
        return np.asarray(right / whole - divided.T @ np.linalg.solve(inner, divided @ right))


def _newton(correlation: _Correlation, budgets: Vector) -> Vector:
    solution = np.sqrt(budgets / correlation.row_sums().clip(min=1.0))
    for _ in range(NEWTON_STEPS):
        gradient = correlation.times(solution) - budgets / solution
        if np.abs(solution * gradient).max() <= CONTRIBUTION * 1e-4:
            break
        if not np.isfinite(solution).all() or solution.max() > FAR:
            raise no_risk("a mix of the instruments has no risk at all, so that no contributions can be shared out")
        step = correlation.solve(budgets / solution**2, -gradient)
        solution = _backtrack(correlation, budgets, solution, (step, float(gradient @ step)))
    return np.asarray(solution)


def _backtrack(correlation: _Correlation, budgets: Vector, solution: Vector, move: tuple[Vector, float]) -> Vector:
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


def _barrier(correlation: _Correlation, budgets: Vector, solution: Vector) -> float:
    return float(solution @ correlation.times(solution) / 2.0 - budgets @ np.log(solution))
