"""The short way to a decision: limits read once, then one small quadratic program a session.

Where a strategy minimizes squares and linear measures inside limits of weights alone, nothing but
the two matrices of its objective differs from one session to the next. Each answer is proven by the
conditions of optimality; when a lane is opened its answer is compared with that of the whole way.
"""

from dataclasses import dataclass

import numpy as np

from assetmix.backtest.rolling import Mask, Stack
from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.rows import gram
from assetmix.estimation.specs import SampleRisk
from assetmix.optimization.measure import LINEAR, Measure
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.measures.volatility import Volatility
from assetmix.optimization.polytope import has_plain_limits, polytope_of
from assetmix.optimization.problem import Problem
from assetmix.optimization.quadratic import Minimizer
from assetmix.optimization.solution import Solution
from assetmix.optimization.strategy import Objective, Strategy, Term
from assetmix.optimization.tolerances import GAP, RESIDUAL
from assetmix.optimization.verify import max_residual, objective_value, outcome_of

CURVED = 1e-10
"""Part of the largest eigenvalue that the least one must have for an answer to be the only one."""


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """The program of one set of instruments; `template` is the problem that it was opened with."""

    template: Problem
    minimizer: Minimizer

    def weights(self, problem: Problem) -> Vector | None:
        """Optimal weights (n,) of a problem of the same instruments; None where they could not be proven."""
        return self.minimizer.least(*program(problem))

    def least_variance(self, covariance: Matrix) -> Vector | None:
        """Weights (n,) of least variance; None where they could not be proven."""
        return self.minimizer.least(covariance, np.zeros(len(covariance)))

    def least_variances(self, covariances: Stack) -> tuple[Matrix, Mask]:
        """Weights (d, n) of least variance, one program each (d, n, n), and which of them (d,) are proven."""
        return self.minimizer.many(covariances)


def open_lane(problem: Problem, solution: Solution) -> Lane | None:
    """Open a lane if the problem fits and the short way leads to where the whole way led; else None."""
    if not (_fits(problem) and has_plain_limits(problem)):
        return None
    polytope = polytope_of(problem)
    if polytope is None:
        return None
    lane = Lane(problem, Minimizer(polytope))
    weights = lane.weights(problem)
    return lane if weights is not None and has_one_answer(problem) and agree(problem, weights, solution) else None


def has_one_answer(problem: Problem) -> bool:
    """Whether the objective is strictly convex: else several answers are equally good, and the way would choose."""
    values = np.linalg.eigvalsh(program(problem)[0])
    return bool(values[0] > CURVED * values[-1])


def is_least_variance(strategy: Strategy) -> bool:
    """Whether nothing but a covariance of daily returns is needed: the variance alone is minimized."""
    objective, risk = strategy.objective, strategy.risk_model
    if not isinstance(objective, Objective) or len(objective.terms) != 1 or objective.sense != "minimize":
        return False
    term = objective.terms[0]
    daily = isinstance(risk, SampleRisk) and risk.frequency == "daily" and risk.window is not None
    return daily and isinstance(term.measure, Variance | Volatility) and term.weight > 0


def program(problem: Problem) -> tuple[Matrix, Vector]:
    """P and q (n,) with the objective equal to w'Pw / 2 + q'w but for a constant, to be minimized."""
    count = len(problem.universe)
    quadratic, linear = np.zeros((count, count)), np.zeros(count)
    for term in problem.objective.terms:
        factor = problem.objective.sign * term.weight
        squares = (_alone(problem, term) or term.measure).squares(problem)
        if squares is None:
            linear = linear + factor * term.measure.tangent(problem, linear, None).slope
            continue
        quadratic = quadratic + 2.0 * factor * gram(squares.rows)
        linear = linear - 2.0 * factor * (squares.rows.T @ squares.offset)
    return quadratic, linear


def _fits(problem: Problem) -> bool:
    return isinstance(problem.objective, Objective) and all(_takes(problem, term) for term in problem.objective.terms)


def _takes(problem: Problem, term: Term) -> bool:
    one = _alone(problem, term) or term.measure
    if one.squares(problem) is not None:
        return problem.objective.sign * term.weight >= 0
    return one.roles == LINEAR and one.fraction() is None


def _alone(problem: Problem, term: Term) -> Measure | None:
    """The square of a root that is minimized alone: both are least at the same weights."""
    return term.measure.squared() if len(problem.objective.terms) == 1 else None


def agree(problem: Problem, weights: Vector, solution: Solution) -> bool:
    """Whether weights (n,) keep every limit and are as good as a solution's."""
    ours, theirs = problem.objective.sign * objective_value(problem, np.vstack([weights, solution.weights]))
    residual = max_residual(problem, outcome_of(problem, weights))
    return bool(residual <= RESIDUAL and ours <= theirs + GAP * abs(theirs))
