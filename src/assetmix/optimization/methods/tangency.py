"""The best ratio to a deviation: the point where a line from the origin touches the frontier.

Along the frontier, the portfolios that maximize top - c x bottom^2, the slope d top / d bottom is
2 c bottom, and the ratio is best where that slope is the ratio itself: 2 c bottom^2 = top. Where the
slope is larger, less of c is better, where it is smaller, more. Each step is a quadratic problem,
which is bounded for every c above 0 and solved to more digits than a cone.

Source: Tobin, Liquidity preference as behavior towards risk, Review of Economic Studies 25 (1958).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.balance import balanced_attempt
from assetmix.optimization.decision import Decision
from assetmix.optimization.problem import Problem
from assetmix.optimization.quotient import Quotient
from assetmix.optimization.size import plain_size
from assetmix.optimization.solution import NoSolution
from assetmix.optimization.solvers import SolverUsed
from assetmix.optimization.statement import Attempt, Statement
from assetmix.optimization.tolerances import TANGENT, TINY

ROUNDS = 120
FARTHEST = 1e9
"""Aversions so many times smaller than the plain one: only the top counts, none so many times larger."""


class Tangency:
    """One compiled problem: minimize c x bottom^2 - top, with c as a parameter."""

    def __init__(self, quotient: Quotient) -> None:
        self.quotient = quotient
        self._squared = quotient.fraction.bottom.squared() or quotient.fraction.bottom
        self._unit = plain_size(self._squared, quotient.problem)
        self._aversion = cp.Parameter(nonneg=True, value=1.0)
        self._statement = Statement(quotient.problem, goal=self._goal)

    def set(self, problem: Problem) -> None:
        """Take the numbers of another problem of the same structure."""
        self.quotient.problem = problem
        self._statement.decision.set(problem)

    def find(self, remaining: Callable[[], float]) -> Attempt | NoSolution:
        """Bracket the aversion where line and frontier touch; try what the last portfolio suggests first."""
        low, high = 0.0, np.inf
        aversion = 1.0
        attempt = self._solve(aversion)
        for _ in range(ROUNDS):
            if remaining() <= 0:
                return NoSolution("timed_out", "The time allowed was over before a solver had an answer.")
            if attempt.verdict not in {"solved", "inaccurate"}:
                return attempt
            top, bottom = self.quotient.values(attempt.weights)
            if bottom <= TINY and top > 0:
                return NoSolution("unbounded", "The ratio grows without end: there is a gain without any risk.")
            touching = top / max(2.0 * bottom**2, TINY) * self._unit / self.quotient.units[0]
            if abs(touching - aversion) <= TANGENT * aversion or aversion <= 1.0 / FARTHEST:
                break
            low, high = (aversion, high) if touching > aversion else (low, aversion)
            aversion = _next(low, high, touching)
            attempt = self._solve(aversion)
        return self.quotient.usable(replace(attempt, verdict="solved"), top)

    def _goal(self, problem: Problem, decision: Decision) -> tuple[Expression, float]:
        quotient = self.quotient
        top = quotient.fraction.top.expression(problem, decision, quotient.units[0])
        square = self._squared.expression(problem, decision, self._unit)
        return self._aversion * square - quotient.sign * top, 1.0 / quotient.units[0]

    def _solve(self, aversion: float) -> Attempt:
        self._aversion.value = aversion
        return first_usable(self._statement, self.quotient.problem)


def first_usable(statement: Statement, problem: Problem) -> Attempt:
    """The first solver's answer that is one; an inaccurate one where there is none better."""
    attempt = Attempt("failed", SolverUsed("", ""), np.zeros(0))
    for solver in statement.order:
        found = balanced_attempt(statement, problem, solver)
        if found.verdict == "inaccurate" and not np.isfinite(found.weights).all():
            continue
        if found.verdict in {"solved", "infeasible", "unbounded"}:
            return found
        attempt = found
    return attempt


def _next(low: float, high: float, touching: float) -> float:
    """What the last portfolio suggests if it lies inside the bracket, else the bracket's middle."""
    if low < touching < high:
        return touching
    if np.isinf(high):
        return 4.0 * low
    return high / 4.0 if low == 0.0 else float(np.sqrt(low * high))
