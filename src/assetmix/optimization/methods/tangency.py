"""The best ratio to a deviation: the point where a line from the origin touches the frontier.

Along the frontier, the portfolios that maximize top - c x bottom^2, the slope d top / d bottom is
2 c bottom, and the ratio is best where that slope is the ratio itself: 2 c bottom^2 = top. Where the
slope is larger, less of c is better, where it is smaller, more. Each step is a quadratic problem,
which is bounded for every c above 0 and solved to more digits than a cone.

Source: Tobin, Liquidity preference as behavior towards risk, Review of Economic Studies 25 (1958).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

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

ROUNDS = 150
RISKLESS = 1e-6
"""Part of a plain portfolio's risk below which there is none."""
CLOSED = 1e-11
"""Width of a bracket, in logarithms, at which two portfolios of one aversion are the ends of a straight part."""
STRIDE, LEAP = 4.0, 12.0
"""Factor by which an open bracket is left at least, and logarithm of the factor by which at most."""
MIXES, REFINED = 21, 12
"""Mixes that are looked at in a round, and rounds; the best mix is then known to twelve digits."""
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
        """Close in on the aversion where line and frontier touch, from both sides."""
        bracket = _Bracket()
        touch = self._touch(1.0)
        for _ in range(ROUNDS):
            if remaining() <= 0:
                return NoSolution("timed_out", "The time allowed was over before the best ratio was found.")
            settled = self._settled(touch)
            if settled is not None:
                return settled
            bracket.learn(touch)
            if bracket.is_closed:
                return self._between(bracket)
            touch = self._touch(bracket.next())
        return replace(touch.attempt, verdict="failed")

    def _settled(self, touch: "_Touch") -> Attempt | NoSolution | None:
        """Where the search ends: no answer, no risk, or the touching point."""
        if touch.attempt.verdict != "solved":
            return touch.attempt
        if touch.bottom <= RISKLESS * self.quotient.units[1] and touch.top > 0:
            return NoSolution("unbounded", "The ratio grows without end: there is a gain without any risk.")
        if abs(touch.error) <= TANGENT or touch.aversion <= 1.0 / FARTHEST:
            return self.quotient.usable(touch.attempt, touch.top)
        return None

    def _touch(self, aversion: float) -> "_Touch":
        self._aversion.value = aversion
        attempt = first_usable(self._statement, self.quotient.problem)
        if attempt.verdict not in {"solved", "inaccurate"}:
            return _Touch(aversion, attempt, 0.0, 0.0, 0.0)
        top, bottom = self.quotient.values(attempt.weights)
        touching = top / max(2.0 * bottom**2, TINY) * self._unit / self.quotient.units[0]
        error = float(np.log(touching / aversion)) if touching > 0 else -np.inf
        return _Touch(aversion, replace(attempt, verdict="solved"), top, bottom, error)

    def _between(self, bracket: "_Bracket") -> Attempt | NoSolution:
        """Where the frontier is straight, the best mix of the portfolios at both ends of the straight part."""
        ends = [one.attempt for one in (bracket.low, bracket.high) if one is not None]
        parts = np.linspace(0.0, 1.0, MIXES)
        for _ in range(REFINED):
            mixes = [(1.0 - part) * ends[0].weights + part * ends[-1].weights for part in parts]
            ratios = [top / max(bottom, TINY) for top, bottom in map(self.quotient.values, mixes)]
            best = int(np.argmax(ratios))
            parts = np.linspace(parts[max(best - 1, 0)], parts[min(best + 1, MIXES - 1)], MIXES)
        mixed = replace(ends[0], weights=mixes[best])
        return self.quotient.usable(mixed, self.quotient.values(mixed.weights)[0])

    def _goal(self, problem: Problem, decision: Decision) -> tuple[Expression, float]:
        quotient = self.quotient
        top = quotient.fraction.top.expression(problem, decision, quotient.units[0])
        square = self._squared.expression(problem, decision, self._unit)
        return self._aversion * square - quotient.sign * top, 1.0 / quotient.units[0]


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


@dataclass(frozen=True, slots=True, eq=False)
class _Touch:
    """What an aversion leads to; `error` is the logarithm of the aversion that would touch there over this one."""

    aversion: float
    attempt: Attempt
    top: float
    bottom: float
    error: float


class _Bracket:
    """Between an aversion that is too small and one that is too large: secants, and halves where they stall."""

    def __init__(self) -> None:
        self.low: _Touch | None = None
        self.high: _Touch | None = None
        self._turns = 0

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left between the ends."""
        if self.low is None or self.high is None:
            return False
        return float(np.log(self.high.aversion / self.low.aversion)) <= CLOSED

    def learn(self, touch: _Touch) -> None:
        """Take a touch as the end that it is."""
        self._turns += 1
        if touch.error > 0:
            self.low = touch
        else:
            self.high = touch

    def next(self) -> float:
        """The aversion to try next."""
        if self.low is None or self.high is None:
            return self._farther()
        left, right = float(np.log(self.low.aversion)), float(np.log(self.high.aversion))
        middle = 0.5 * (left + right)
        if self._turns % 3 == 0 or not np.isfinite(self.high.error):
            return float(np.exp(middle))
        secant = left + (right - left) * self.low.error / (self.low.error - self.high.error)
        return float(np.exp(secant if left < secant < right else middle))

    def _farther(self) -> float:
        if self.low is not None:
            return self.low.aversion * max(STRIDE, float(np.exp(min(self.low.error, LEAP))))
        if self.high is not None:
            return self.high.aversion / max(STRIDE, float(np.exp(min(-self.high.error, LEAP))))
        return 1.0
