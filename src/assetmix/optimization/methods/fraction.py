"""Ratios: the largest (top - offset) / bottom, by a sequence of convex problems.

The ratio t is the best one if the largest top - offset - t x bottom is 0. That function of t is
convex and falls, so Newton's method finds its root from any side where it is finite; where it is
infinite, because long and short positions can grow together, t is raised until it is not.

Source: Dinkelbach, On nonlinear fractional programming, Management Science 13 (1967).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import SolverFailed
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.balance import balanced_attempt
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import Fraction, Role
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import convex, integer
from assetmix.optimization.problem import Problem
from assetmix.optimization.size import objective_size, plain_size
from assetmix.optimization.solution import NoSolution, Solution, Verified
from assetmix.optimization.solvers import SolverUsed
from assetmix.optimization.statement import Attempt, Statement
from assetmix.optimization.strategy import Objective, Term
from assetmix.optimization.tolerances import GAP, RATIO, TINY
from assetmix.optimization.verify import objective_value

ROUNDS = 60


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
    search = memory.recall(key, lambda: _Search(problem))
    search.set(problem)
    ended = search.find(remaining)
    if isinstance(ended, NoSolution):
        return ended
    if ended.verdict == "infeasible":
        return convex.judge(search.parametric(0.0), ended, memory) or _failed(memory, key)
    top, bottom = search.values(ended.weights)
    effective = search.parametric(top / bottom if bottom > TINY else 0.0)
    solution = convex.judge(effective, ended, memory)
    if not isinstance(solution, Solution):
        return solution or _failed(memory, key)
    return search.restated(solution)


def _whole(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> Solution | NoSolution:
    """The same sequence over mixed-integer problems; their gaps carry over to the ratio."""
    search = _Search(problem)
    ratio = search.guess()
    while True:
        solution = integer.run(search.parametric(ratio, own=True), memory, remaining)
        if isinstance(solution, NoSolution):
            return solution
        top, bottom = search.values(solution.weights)
        gain = top - ratio * bottom
        if bottom <= TINY or gain <= max(RATIO, solution.proven_gap or 0.0) * abs(top) or remaining() <= 0:
            break
        ratio = top / bottom
    return search.restated(solution)


def _failed(memory: Memory, key: tuple[str, str]) -> NoSolution:
    memory.forget(key)
    raise SolverFailed("No solver gave an answer that keeps every limit; the numbers may be badly scaled.")


class _Search:
    """One compiled problem: minimize t x bottom - top, with t as a parameter."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        term = problem.objective.terms[0]
        fraction = term.measure.fraction() or Fraction(term.measure, term.measure)
        self._fraction = fraction
        self._sign = -float(np.sign(problem.objective.sign * term.weight))
        self._is_curved = Role.BOUNDED_BELOW not in fraction.bottom.roles
        self._units = plain_size(fraction.top, problem), plain_size(fraction.bottom, problem)
        self._ratio = cp.Parameter(nonneg=self._is_curved, value=0.0)
        self._statement = Statement(problem, goal=self._goal)

    def set(self, problem: Problem) -> None:
        """Take the numbers of another problem of the same structure."""
        self._problem = problem
        self._statement.decision.set(problem)

    def find(self, remaining: Callable[[], float]) -> Attempt | NoSolution:
        """Newton's method on t from the ratio of a plain portfolio; doubling where nothing is bounded."""
        bracket = _Bracket(self.guess(), self._units[0] / self._units[1], self._is_curved)
        for _ in range(ROUNDS):
            if remaining() <= 0:
                return NoSolution("timed_out", "The time allowed was over before a solver had an answer.")
            attempt = self._solve(bracket.ratio)
            if attempt.verdict == "infeasible":
                return attempt
            if attempt.verdict != "solved":
                bracket.unbounded()
                continue
            top, bottom = self.values(attempt.weights)
            if bracket.settled(top, bottom):
                return self._usable(attempt, top)
        return NoSolution("unbounded", "The ratio grows without end: nothing bounds its bottom away from 0.")

    def values(self, weights: Vector) -> tuple[float, float]:
        """Top, with the sign that makes it one to maximize, and bottom at weights (n,)."""
        top = self._fraction.top.value(self._problem, weights) - self._fraction.offset
        return self._sign * float(top), float(self._fraction.bottom.value(self._problem, weights))

    def parametric(self, ratio: float, *, own: bool = False) -> Problem:
        """The problem with top - ratio x bottom in place of the ratio; with a structure of its `own` if asked."""
        terms = (
            Term(measure=self._fraction.top, weight=self._sign),
            Term(measure=self._fraction.bottom, weight=-ratio),
        )
        strategy = replace(self._problem.strategy, objective=Objective(sense="maximize", terms=terms))
        structure = f"{self._problem.structure}/fraction"
        if own or not self._fraction.bottom.linearized:
            structure = f"{structure}/{ratio!r}"
        return replace(self._problem, strategy=strategy, structure=structure)

    def restated(self, solution: Solution) -> Solution:
        """The solution in terms of the ratio: value, gap, and shadow prices."""
        top, bottom = self.values(solution.weights)
        sign = self._problem.objective.sign * -self._problem.objective.terms[0].weight
        value = float(objective_value(self._problem, solution.weights))
        shortfall = (solution.proven_gap or 0.0) * objective_size(self.parametric(top / bottom if bottom else 0.0))
        gap = None if solution.proven_gap is None else shortfall / max(abs(top), TINY)
        prices = tuple(
            replace(one, shadow_price=one.shadow_price * sign * self._sign / bottom) for one in solution.binding
        )
        return replace(
            solution,
            status="optimal" if gap is not None and gap <= GAP else "feasible",
            objective_value=value,
            proven_gap=gap,
            binding=prices if bottom > TINY else (),
            verified=Verified(solution.verified.max_residual, value),
        )

    def _goal(self, problem: Problem, decision: Decision) -> tuple[Expression, float]:
        top = self._fraction.top.expression(problem, decision, self._units[0])
        bottom = self._fraction.bottom.expression(problem, decision, self._units[1])
        return self._ratio * bottom - self._sign * top, 1.0 / self._units[0]

    def _solve(self, ratio: float) -> Attempt:
        self._ratio.value = ratio * self._units[1] / self._units[0]
        attempt = Attempt("failed", SolverUsed("", ""), np.zeros(0))
        for solver in self._statement.order:
            attempt = balanced_attempt(self._statement, self._problem, solver)
            if attempt.verdict not in {"failed", "inaccurate"}:
                break
        return attempt

    def guess(self) -> float:
        """The ratio of equal weights, not below 0 where it multiplies a curve."""
        allowed = self._problem.allowed if self._problem.allowed.any() else np.ones_like(self._problem.allowed)
        top, bottom = self.values(allowed / allowed.sum())
        guess = top / bottom if bottom > TINY else 0.0
        return max(guess, 0.0) if self._is_curved else guess

    def _usable(self, attempt: Attempt, top: float) -> Attempt | NoSolution:
        """A curved bottom rewards risk where the top is negative: there is nothing to maximize then."""
        if not self._is_curved or top > 0:
            return attempt
        sentence = "No portfolio inside the limits has a top above 0: the expected return never exceeds risk_free."
        return NoSolution("infeasible", f"{sentence} Lower risk_free, or maximize the expected return.")


class _Bracket:
    """Where the best ratio lies: above what is unbounded, below what was too much."""

    def __init__(self, guess: float, unit: float, is_curved: bool) -> None:  # noqa: FBT001 - one of two kinds
        self.ratio = guess
        self._unit = unit
        self._floor = 0.0 if is_curved else -np.inf
        self._high = np.inf

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
