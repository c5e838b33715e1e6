"""Worst losses of very many scenarios or rows of a path: a linear program of the few that count.

It begins with the tail of a portfolio of least variance within the same limits, which is near, and
adds what each answer puts into the tail, until nothing is missing. What is not linear besides, or
cannot be proven so, is left to the plain form.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.estimation.moments import moments
from assetmix.estimation.roots import with_a_row
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.balance import balanced_attempt
from assetmix.optimization.decision import Decision
from assetmix.optimization.growth import Growth
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import convex
from assetmix.optimization.problem import Problem
from assetmix.optimization.programs.cut_engine import CutEngine
from assetmix.optimization.programs.engine import Said
from assetmix.optimization.programs.pattern import Numbers
from assetmix.optimization.programs.program import Program
from assetmix.optimization.size import objective_size, plain_size
from assetmix.optimization.solution import TIME_IS_OVER, NoSolution, Solution
from assetmix.optimization.solvers import HIGHS, PIQP, Solver, SolverUsed
from assetmix.optimization.statement import REACH, Attempt, Costs, Statement
from assetmix.optimization.tails import Tail

ROUNDS = 100
CLOSE = 1e-9
"""Loss in units of the measure's size that may be missing: what the solver itself leaves undone."""

FEWEST = 200
"""With fewer items the plain form is as fast: some two milliseconds either way."""

LOWEST = 0.5
"""At a lower level more than half of the items are in the tail, and little is left out."""


def accepts(problem: Problem) -> bool:
    """Convex problems with a measure of a tail of many items, in the objective or in a limit."""
    if problem.is_integer or not problem.trading.is_proportional:
        return False
    if any(term.measure.fraction() is not None for term in problem.objective.terms):
        return False
    tails = list(_tails(problem))
    is_long = any(len(tail.probabilities) >= FEWEST for tail in tails)
    return is_long and all(level >= LOWEST for tail in tails for _, level in tail.parts)


def run(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> Solution | NoSolution:
    """Solve by growing; where that is not a linear program, or proves nothing, by the plain form.

    Costs are overpaid first, as in the plain form: often that is the answer. Where money is better
    burnt than invested the balance is made exact, and costs between their envelopes give a bound.

    Raises
    ------
    SolverFailed
        when no solver's answer can be verified
    """
    attempt = _attempt(problem, memory, remaining, "overpaying")
    judged = _judged(problem, attempt, memory, remaining)
    if judged is None and remaining() <= 0:
        return TIME_IS_OVER
    if judged is None or judged.status != "feasible" or problem.trading.is_free:
        return judged or convex.run(problem, memory, remaining)
    relaxed = _attempt(problem, memory, remaining, "relaxed")
    bounds = [one.bound for one in (attempt, relaxed) if one.bound is not None]
    exact = _attempt(problem, memory, remaining, "exact")
    if exact.verdict != "solved":  # costs may decide what is feasible, which the plain form knows how to find out
        return convex.run(problem, memory, remaining)
    found = _judged(problem, replace(exact, bound=max(bounds, default=None)), memory, remaining)
    return found or convex.run(problem, memory, remaining)


def _judged(
    problem: Problem, attempt: Attempt, memory: Memory, remaining: Callable[[], float]
) -> Solution | NoSolution | None:
    """What an attempt is worth; None where it is left to the plain form."""
    if attempt.verdict not in {"solved", "infeasible"}:
        return None
    return convex.judge(problem, attempt, memory, remaining)


def _attempt(problem: Problem, memory: Memory, remaining: Callable[[], float], costs: Costs) -> Attempt:
    key = ("tails", costs, problem.structure)
    growing = memory.recall(key, lambda: Growing(problem, costs))
    growing.begin(problem, remaining)
    try:
        return balanced_attempt(growing, problem, HIGHS) if costs == "exact" else growing.attempt(HIGHS)
    except Exception:  # noqa: BLE001 - whatever a solver breaks with, its object is not to be trusted again
        memory.forget(key)
        return growing.failed


def _tails(problem: Problem) -> Iterator[Tail]:
    named = [term.measure for term in problem.objective.terms]
    limited = [one for constraint in problem.constraints for _, one in constraint.measures()]
    for one in (*named, *limited):
        tail = one.tail(problem)
        if tail is not None:
            yield tail


class Growing(Statement):
    """The problem without its tails, which grow; and the portfolio that they begin with."""

    def __init__(self, problem: Problem, costs: Costs) -> None:
        super().__init__(problem, by_cuts=True, costs=costs)
        self._started: Vector | None = None
        self.failed = Attempt("failed", SolverUsed(HIGHS.name.lower(), HIGHS.version), np.zeros(0))
        program = self.living.program
        self._program = program if self.living.problem.is_lp() else None
        if self._program is not None:
            self._engine = CutEngine(self._program.pattern, HIGHS)
            self._calm = Statement(problem, goal=_calm, by_cuts=True, costs="overpaying")

    def attempt(self, solver: Solver) -> Attempt:
        """An answer with its bound; failed where it has to be found in another way."""
        if self._program is None:
            return self.failed
        numbers = self._program.numbers()
        if not self._engine.begin(numbers):
            return replace(self.failed, verdict="infeasible")
        said = self._grown(self._growths(self._program), numbers)
        if said.verdict != "solved":
            return replace(self.failed, verdict=said.verdict)
        bound = self._engine.bound(numbers, REACH) / self.scale if self._is_bounding else None
        self.living.take(numbers, replace(said, x=said.x[: self._program.pattern.count]))
        return replace(self.read(solver, "solved"), bound=bound)

    @property
    def _is_bounding(self) -> bool:
        decision = self.decision
        return decision.overpaying or decision.relaxed or decision.problem.trading.is_free

    def _growths(self, program: Program) -> list[Growth]:
        problem, places = self.decision.problem, program.places.variables
        weights, start = places[self.decision.weights.id][0], self._start(self.decision.problem)
        found = []
        for measure, unit, height in self.decision.heights:
            tail = measure.tail(problem)
            if tail is not None:
                found.append(Growth(self._engine, tail, unit, int(places[height.id][0][0]), weights))
                found[-1].begin(start)
        return found

    def _grown(self, growths: list[Growth], numbers: Numbers) -> Said:
        """Solve and extend until nothing is missing."""
        for _ in range(ROUNDS):
            said = self._engine.run(numbers, self.remaining())
            if said.verdict != "solved":
                return said
            lacking = [one for one in growths if one.missing(said.x) > CLOSE]
            extended = [one.extend(said.x, CLOSE) for one in lacking]
            if not any(extended):
                return said
        return Said("failed")

    def _start(self, problem: Problem) -> Vector:
        if self._started is None or self._calm.decision.differs(problem):
            self._calm.begin(problem, self.remaining)
            attempt = self._calm.attempt(PIQP)
            allowed = problem.allowed if problem.allowed.any() else np.ones_like(problem.allowed)
            self._started = attempt.weights if attempt.verdict == "solved" else np.asarray(allowed / allowed.sum())
        return self._started


def _calm(problem: Problem, decision: Decision) -> tuple[Expression, float]:
    """In place of each tail the variance of the scenarios, with the same slope at a plain portfolio."""
    deviations = with_a_row(moments(problem.scenarios(), problem.probabilities()).root)
    size = float(np.linalg.norm(deviations.mean(axis=1))) or 1.0
    goal: Expression = 0.0
    for term in problem.objective.terms:
        unit = plain_size(term.measure, problem)
        factor = problem.objective.sign * term.weight * unit / objective_size(problem)
        if term.measure.tail(problem) is not None:
            goal = goal + 0.5 * factor * cp.sum_squares(deviations / size @ decision.weights)
        else:
            goal = goal + factor * decision.state(term.measure, problem, unit)
    return goal, 1.0 / objective_size(problem)
