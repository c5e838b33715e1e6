"""Ratios: the largest (top - offset) / bottom, by a sequence of convex problems.

The ratio t is the best one if the largest top - offset - t x bottom is 0. That function of t is
convex and falls, so Newton's method finds its root from any side where it is finite; where it is
infinite, because long and short positions can grow together, t is raised until it is not.

Source: Dinkelbach, On nonlinear fractional programming, Management Science 13 (1967).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from assetmix.errors import SolverFailed
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import convex, integer, squared
from assetmix.optimization.methods.tangency import Tangency, first_usable
from assetmix.optimization.problem import Problem
from assetmix.optimization.quotient import Quotient
from assetmix.optimization.size import gap_reference
from assetmix.optimization.solution import NoSolution, Solution
from assetmix.optimization.statement import Attempt, Statement
from assetmix.optimization.tolerances import RATIO, TINY

ROUNDS = 60
IDLE_ROUNDS = 4
SMALL = 0.1
"""Part of a plain portfolio's bottom below which solvers' tolerances are too coarse for it."""
WHOLE_ROUNDS = 12
"""Dinkelbach's steps over mixed-integer problems: each multiplies the digits that are right."""
NUDGE, MOST_NUDGES = 1e-3, 5


def accepts(problem: Problem) -> bool:
    """One term that is a ratio."""
    terms = problem.objective.terms
    return len(terms) == 1 and terms[0].measure.fraction() is not None


def run(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> Solution | NoSolution:
    """Raise the ratio until nothing is better.

    Raises
    ------
    SolverFailed
        when no solver's answer can be verified
    """
    if problem.is_integer:
        return _whole(problem, memory, remaining)
    key = ("fraction", problem.structure)
    search = memory.recall(key, lambda: _search(problem))
    search.set(problem)
    ended = _in_scale(search, search.find(remaining), remaining)
    if isinstance(ended, NoSolution):
        return ended
    quotient = search.quotient
    if ended.verdict != "solved":
        return convex.judge(quotient.parametric(0.0), ended, memory, remaining) or _failed(memory, key)
    top, bottom = quotient.values(ended.weights)
    effective = quotient.parametric(top / bottom if bottom > TINY else 0.0)
    solution = convex.judge(effective, ended, memory, remaining)
    if not isinstance(solution, Solution):
        return solution or _failed(memory, key)
    return quotient.restated(solution, _least_bottom(quotient, memory, remaining))


def _in_scale(
    search: "Tangency | _Search", ended: Attempt | NoSolution, remaining: Callable[[], float]
) -> Attempt | NoSolution:
    """Search again in units of what was found, where that is far smaller than plain portfolios are."""
    if isinstance(ended, NoSolution) or ended.verdict != "solved" or isinstance(search, Tangency):
        return ended
    top, bottom = search.quotient.values(ended.weights)
    if not TINY < bottom < SMALL * search.quotient.units[1]:
        return ended
    nearer = Quotient(search.quotient.problem)
    nearer.units = max(abs(top), TINY), bottom
    return _Search(nearer).find(remaining, top / bottom)


def _search(problem: Problem) -> "Tangency | _Search":
    """Over a deviation by quadratic problems, else by the ratio itself."""
    quotient = Quotient(problem)
    return _Search(quotient) if quotient.fraction.bottom.squared() is None else Tangency(quotient)


def _whole(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> Solution | NoSolution:
    """The same sequence over mixed-integer problems; their gaps carry over to the ratio."""
    quotient = Quotient(problem)
    ratio = quotient.guess()
    rounds = 0
    while True:
        solution = integer.run(quotient.parametric(ratio, own=True), memory, remaining)
        if isinstance(solution, NoSolution):
            return solution
        rounds += 1
        top, bottom = quotient.values(solution.weights)
        if ratio == 0 and (hopeless := quotient.hopeless(top)):
            return hopeless
        gain = top - ratio * bottom
        if bottom <= TINY or abs(gain) <= max(RATIO, solution.proven_gap or 0.0) * abs(top):
            break
        if rounds >= WHOLE_ROUNDS or remaining() <= 0:
            break
        ratio = max(top / bottom, 0.0) if quotient.is_curved else top / bottom
    return quotient.restated(solution, _least_bottom(quotient, memory, remaining))


def _least_bottom(quotient: Quotient, memory: Memory, remaining: Callable[[], float]) -> float:
    """A proven lower bound of the bottom; 0 where there is none."""
    safest = quotient.safest()
    method = squared if squared.accepts(safest) else convex
    try:
        found = method.run(safest, memory, remaining)
    except SolverFailed:
        return 0.0
    if isinstance(found, NoSolution) or found.proven_gap is None or found.objective_value is None:
        return 0.0
    return float(max(0.0, found.objective_value - found.proven_gap * gap_reference(safest, found.objective_value)))


def _failed(memory: Memory, key: tuple[str, str]) -> NoSolution:
    memory.forget(key)
    raise SolverFailed("No solver gave an answer that keeps every limit; the numbers may be badly scaled.")


class _Search:
    """One compiled problem: minimize t x bottom - top, with t as a parameter."""

    def __init__(self, quotient: Quotient) -> None:
        self.quotient = quotient
        self._ratio = cp.Parameter(nonneg=quotient.is_curved, value=0.0)
        self._statement = Statement(quotient.problem, goal=self._goal)

    def set(self, problem: Problem) -> None:
        """Take the numbers of another problem of the same structure."""
        self.quotient.problem = problem
        self._statement.decision.set(problem)

    def find(self, remaining: Callable[[], float], start: float | None = None) -> Attempt | NoSolution:
        """Newton's method on t from the ratio of a plain portfolio; doubling where nothing is bounded."""
        quotient = self.quotient
        guess = quotient.guess() if start is None else start
        bracket = _Bracket(guess, quotient.units[0] / quotient.units[1], quotient.is_curved)
        for _ in range(ROUNDS):
            if remaining() <= 0:
                return NoSolution("timed_out", "The time allowed was over before the best ratio was found.")
            settled = self._step(bracket)
            if settled is not None:
                return settled
        return NoSolution("unbounded", "The ratio grows without end: nothing bounds its bottom away from 0.")

    def _step(self, bracket: "_Bracket") -> Attempt | NoSolution | None:
        """Solve at one ratio and move to the next; the answer where there is nothing better."""
        attempt = self._solve(bracket.ratio)
        if attempt.verdict == "unbounded":
            bracket.unbounded()
            return None
        if attempt.verdict not in {"solved", "inaccurate"}:
            return None if attempt.verdict == "failed" and bracket.nudged() else attempt
        top, bottom = self.quotient.values(attempt.weights)
        bracket.keep(attempt, _quotient(top, bottom))
        settled = bracket.settled(top, bottom)
        if not settled and not bracket.stalls:
            return None
        has_ratio = settled and bottom > TINY  # 0 of 0 gains nothing at any ratio, and has none
        best = attempt if has_ratio else bracket.best or attempt  # duals of the last round belong to its ratio
        return self.quotient.usable(replace(best, verdict="solved"), self.quotient.values(best.weights)[0])

    def _goal(self, problem: Problem, decision: Decision) -> tuple[Expression, float]:
        top = self.quotient.fraction.top.expression(problem, decision, self.quotient.units[0])
        bottom = self.quotient.fraction.bottom.expression(problem, decision, self.quotient.units[1])
        return self._ratio * bottom - self.quotient.sign * top, 1.0 / self.quotient.units[0]

    def _solve(self, ratio: float) -> Attempt:
        self._ratio.value = ratio * self.quotient.units[1] / self.quotient.units[0]
        return first_usable(self._statement, self.quotient.problem)


def _quotient(top: float, bottom: float) -> float:
    """The ratio; nothing of nothing is the least of all."""
    if bottom > TINY:
        return top / bottom
    return np.inf if top > TINY else -np.inf


class _Bracket:
    """Where the best ratio lies: above what is unbounded, below what was too much."""

    def __init__(self, guess: float, unit: float, is_curved: bool) -> None:  # noqa: FBT001 - one of two kinds
        self.ratio = guess
        self._unit = unit
        self._floor = 0.0 if is_curved else -np.inf
        self._high = np.inf
        self._nudges = 0
        self._idle = 0
        self._reached: float | None = None
        self.best: Attempt | None = None

    @property
    def stalls(self) -> bool:
        """Whether solver noise is all that the last rounds have brought."""
        return self._idle >= IDLE_ROUNDS

    def keep(self, attempt: Attempt, reached: float) -> None:
        """Remember the best ratio that was reached."""
        better = self._reached is None or reached > self._reached * (1.0 + RATIO) or self.best is None
        self._idle = 0 if better else self._idle + 1
        if self._reached is None or reached >= self._reached:
            self.best, self._reached = attempt, reached

    def nudged(self) -> bool:
        """Step a little aside, where a solver breaks down at one ratio and not at the next; a few times."""
        self._nudges += 1
        self.ratio *= 1.0 - NUDGE * self._nudges
        return self._nudges <= MOST_NUDGES

    def unbounded(self) -> None:
        """The present ratio is too small to hold anything back."""
        self._floor = self.ratio
        self.ratio = max(2.0 * self.ratio, self._unit) if np.isinf(self._high) else (self.ratio + self._high) / 2.0

    def settled(self, top: float, bottom: float) -> bool:
        """Whether nothing is better than the present ratio; else move to the ratio that was reached."""
        gain = top - self.ratio * bottom
        if abs(gain) <= RATIO * max(abs(top), abs(self.ratio * bottom)):
            return True
        reached = top / bottom if bottom > TINY else np.inf
        if gain < 0:
            self._high = min(self._high, self.ratio)
        before = self.ratio
        self.ratio = reached if reached > self._floor else (self._floor + self._high) / 2.0
        if self.ratio <= 0 and self._floor == 0.0:
            self.ratio = 0.0
        return self.ratio == before
